"""Writes tests/golden/pictures: what Pillow makes of small pictures, for tests/pictures.rs.

    python scripts/goldens/pillow.py tests/golden/pictures

Needs numpy and Pillow 12 (made with 12.2.0). From version 13 on `resize` goes down before across
where that is cheaper, which differs by a rounding; what is published was made across first.
Sources are made here from a counter, so the folder is all there is.
cases.json names, for every case, the source file, its mode, the filter, the size asked for and
the file of raw RGB bytes that came out.
"""

import json
import pathlib
import sys

import numpy as np
import PIL
from PIL import Image

OUT = pathlib.Path(sys.argv[1])
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def noise(height, width, channels, seed):
    """Smooth waves with hard noise on top: both overshoot and rounding are met."""
    y, x, c = np.meshgrid(
        np.arange(height), np.arange(width), np.arange(channels), indexing="ij"
    )
    wave = 127.5 + 120 * np.sin((x * (c + 1) + y * 2 + seed) / 5.0)
    bits = ((x * 7919 + y * 104729 + c * 1299709 + seed * 15485863) % 256).astype(np.float64)
    edge = np.where((x // 3 + y // 2) % 2 == 0, 0.0, 255.0)
    mixed = np.where(y % 3 == 0, bits, np.where(y % 3 == 1, wave, edge))
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


SOURCES = {
    "rgb-37x23": ("RGB", noise(23, 37, 3, 1), "png"),
    "rgb-64x64": ("RGB", noise(64, 64, 3, 2), "png"),
    "rgb-5x90": ("RGB", noise(90, 5, 3, 3), "png"),
    "rgb-1x1": ("RGB", noise(1, 1, 3, 4), "png"),
    "grey-31x17": ("L", noise(17, 31, 1, 5)[:, :, 0], "png"),
    "grey-alpha-12x9": ("LA", noise(9, 12, 2, 6), "png"),
    "rgba-20x30": ("RGBA", noise(30, 20, 4, 7), "png"),
    "palette-24x24": ("P", noise(24, 24, 1, 8)[:, :, 0], "png"),
    "webp-33x21": ("RGB", noise(21, 33, 3, 9), "webp"),
}
SIZES = {
    "rgb-37x23": [(16, 16), (37, 50), (80, 23), (111, 69), (36, 22), (1, 1)],
    "rgb-64x64": [(32, 32), (224, 224), (63, 65), (7, 64)],
    "rgb-5x90": [(16, 288), (32, 3)],
    "rgb-1x1": [(8, 8)],
    "grey-31x17": [(20, 40)],
    "grey-alpha-12x9": [(7, 13)],
    "rgba-20x30": [(31, 13)],
    "palette-24x24": [(16, 30)],
    "webp-33x21": [(16, 16)],
}
# Shortest edge, crop and the rounding of the centre: (size, crop, centre).
SQUARES = [
    ("rgb-37x23", 16, 16, "floor"),
    ("rgb-37x23", 16, 15, "half_even"),
    ("rgb-37x23", 40, 33, "half_even"),
    ("rgb-37x23", 40, 33, "floor"),
    ("rgb-5x90", 9, 9, "floor"),
    ("rgb-5x90", 9, 9, "half_even"),
    ("rgba-20x30", 15, 12, "half_even"),
    ("rgba-20x30", 15, 12, "floor"),
]


def open_rgb(name):
    mode, _, kind = SOURCES[name]
    return Image.open(OUT / f"{name}.{kind}").convert("RGB")


def square(image, size, crop, centre):
    width, height = image.size
    short, long = min(width, height), max(width, height)
    edge = int(size * long / short)
    width, height = (size, edge) if width <= height else (edge, size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    if centre == "floor":  # Hugging Face
        left, top = (width - crop) // 2, (height - crop) // 2
    else:  # torchvision
        left, top = int(round((width - crop) / 2.0)), int(round((height - crop) / 2.0))
    return image.crop((left, top, left + crop, top + crop))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (mode, pixels, kind) in SOURCES.items():
        if mode == "P":
            image = Image.fromarray(pixels, "L").convert("P")
            image.putpalette(noise(1, 256, 3, 8).tobytes())
        else:
            image = Image.fromarray(pixels, mode)
        image.save(OUT / f"{name}.{kind}", **({"lossless": True} if kind == "webp" else {}))
    raw, cases = bytearray(), []

    def add(image, **case):
        data = image.tobytes()
        case.update(width=image.width, height=image.height, offset=len(raw))
        raw.extend(data)
        cases.append(case)

    for name, sizes in SIZES.items():
        source = f"{name}.{SOURCES[name][2]}"
        add(open_rgb(name), what="decode", source=source)
        for filter_name, filter in FILTERS.items():
            for size in sizes:
                if size == (224, 224) and filter_name == "bilinear":
                    continue
                image = open_rgb(name).resize(size, filter)
                add(image, what="resize", source=source, filter=filter_name)
    for name, size, crop, centre in SQUARES:
        source = f"{name}.{SOURCES[name][2]}"
        image = square(open_rgb(name), size, crop, centre)
        add(image, what="square", source=source, size=size, crop=crop, centre=centre)
    (OUT / "expected.rgb").write_bytes(raw)
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (OUT / "cases.json").write_text(f'{{"pillow": "{PIL.__version__}", "cases": [\n{lines}\n]}}\n')


main()
