"""Writes tests/golden/pictures: what Pillow makes of small pictures, for tests/pictures.rs.

    python scripts/goldens/pillow.py tests/golden/pictures

Needs numpy and Pillow 12 (made with 12.2.0). From version 13 on `resize` goes down before across
where that is cheaper, which differs by a rounding; what is published was made across first.
Sources are made here from a counter, so the folder is all there is. PNGs that Pillow cannot write
(16 bits, few bits, a colour that is transparent) are written by hand. Cases called `lossy` are those
whose decoders may differ: the test holds the largest difference.
cases.json names, for every case, the source file, its mode, the filter, the size asked for and
the file of raw RGB bytes that came out.
"""

import io
import json
import pathlib
import struct
import sys
import zlib

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


def png(pixels, depth, colour, chunks=()):
    """A PNG of `[height, width, channels]` values of `depth` bits; `colour` is the format's type."""
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, width * channels)
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in rows]
    elif depth == 8:
        rows = [row.astype(np.uint8).tobytes() for row in rows]
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth :]
        rows = [np.packbits(row.reshape(-1)).tobytes() for row in bits]

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    middle = b"".join(chunk(kind, data) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def wide(height, width, channels, seed):
    """16 bits, small and large values both."""
    low, high = noise(height, width, channels, seed), noise(height, width, channels, seed + 50)
    return low.astype(np.uint16) + 256 * (high.astype(np.uint16) * (high > 60))


def gif(seed):
    """A first frame that is smaller than the screen, with a transparent colour."""
    pixels = noise(14, 18, 1, seed)[:, :, 0] % 16
    image = Image.fromarray(pixels, "L").convert("P")
    image.putpalette(noise(1, 16, 3, seed).tobytes())
    second = Image.fromarray(255 - pixels, "L").convert("P")
    data = io.BytesIO()
    image.save(data, "gif", transparency=3, save_all=True, append_images=[second], optimize=False)
    return data.getvalue()


def encoded(pixels, mode, kind, **options):
    data = io.BytesIO()
    Image.fromarray(pixels, mode).save(data, kind, **options)
    return data.getvalue()


def soft(height, width, channels, seed):
    """What photographs are like: waves and a few edges, no noise."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    wave = 127.5 + 100 * np.sin((x * (c + 1) + y * 2 + seed) / 7.0)
    wave = np.where((x > width // 2) & (y > height // 3), 255 - wave, wave)
    return np.clip(np.round(wave), 0, 255).astype(np.uint8)


# Files of their own: name, bytes.
FILES = {
    "grey16-13x11.png": png(wide(11, 13, 1, 21), 16, 0),
    "grey-alpha16-9x7.png": png(wide(7, 9, 2, 22), 16, 4),
    "rgb16-17x12.png": png(wide(12, 17, 3, 23), 16, 2),
    "rgba16-10x10.png": png(wide(10, 10, 4, 24), 16, 6),
    "grey1-19x5.png": png(noise(5, 19, 1, 25) % 2, 1, 0),
    "grey2-19x5.png": png(noise(5, 19, 1, 26) % 4, 2, 0),
    "grey4-19x5.png": png(noise(5, 19, 1, 27) % 16, 4, 0),
    "palette2-15x6.png": png(
        noise(6, 15, 1, 28) % 4, 2, 3,
        [(b"PLTE", noise(1, 4, 3, 28).tobytes()), (b"tRNS", bytes([0, 128, 255]))],
    ),
    "rgb-key-8x8.png": png(noise(8, 8, 3, 29), 8, 2, [(b"tRNS", struct.pack(">HHH", 0, 255, 0))]),
    "webp-alpha-16x9.webp": encoded(noise(9, 16, 4, 30), "RGBA", "webp", lossless=True, exact=True),
    "first-frame-18x14.gif": gif(31),
}
# Decoders of these need not agree to the bit.
LOSSY = {
    "jpeg-444-37x23.jpg": encoded(soft(23, 37, 3, 40), "RGB", "jpeg", quality=92, subsampling=0),
    "jpeg-422-37x23.jpg": encoded(soft(23, 37, 3, 41), "RGB", "jpeg", quality=92, subsampling=1),
    "jpeg-420-37x23.jpg": encoded(soft(23, 37, 3, 42), "RGB", "jpeg", quality=92, subsampling=2),
    "jpeg-420-64x48.jpg": encoded(soft(48, 64, 3, 43), "RGB", "jpeg", quality=75, subsampling=2),
    "jpeg-noise-420-40x40.jpg": encoded(noise(40, 40, 3, 44), "RGB", "jpeg", quality=95, subsampling=2),
    "jpeg-noise-444-40x40.jpg": encoded(noise(40, 40, 3, 45), "RGB", "jpeg", quality=95, subsampling=0),
    "jpeg-progressive-50x31.jpg": encoded(
        soft(31, 50, 3, 46), "RGB", "jpeg", quality=85, progressive=True
    ),
    "jpeg-grey-33x17.jpg": encoded(soft(17, 33, 1, 47)[:, :, 0], "L", "jpeg", quality=90),
    "jpeg-cmyk-24x20.jpg": encoded(soft(20, 24, 4, 48), "CMYK", "jpeg", quality=90),
    "webp-lossy-40x30.webp": encoded(soft(30, 40, 3, 49), "RGB", "webp", quality=80),
}


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
    for name, data in FILES.items():
        (OUT / name).write_bytes(data)
        image = Image.open(OUT / name).convert("RGB")
        add(image, what="decode", source=name)
        add(image.resize((12, 8), Image.Resampling.BICUBIC), what="resize", source=name, filter="bicubic")
        larger = (image.width * 2 + 1, image.height * 2 + 1)
        add(image.resize(larger, Image.Resampling.BILINEAR), what="resize", source=name, filter="bilinear")
    for name, data in LOSSY.items():
        (OUT / name).write_bytes(data)
        add(Image.open(OUT / name).convert("RGB"), what="lossy", source=name)
    (OUT / "expected.rgb").write_bytes(raw)
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (OUT / "cases.json").write_text(f'{{"pillow": "{PIL.__version__}", "cases": [\n{lines}\n]}}\n')


main()
