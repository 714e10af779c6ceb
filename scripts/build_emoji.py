#!/usr/bin/env python3
"""Builds the emoji set that the program carries, from three npm packages.

    npm pack emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0 emojibase-data@17.0.0
    for f in *.tgz; do mkdir "${f%.tgz}" && tar xzf "$f" -C "${f%.tgz}"; done
    python3 scripts/build_emoji.py emoji-datasource-google-16.0.0/package \
        emoji-datasource-twitter-16.0.0/package emojibase-data-17.0.0/package [--out FOLDER]

Needs Python 3.11 or later with Pillow and numpy. Writes into src/data/builtin/assets: items.jsonl.gz
(one item a line), and for each vendor VENDOR.webp (index maps) and VENDOR.pal.gz (palettes); see
docs/data.md for the formats. Same packages, same Pillow and numpy: same bytes.
"""

import argparse
import concurrent.futures
import gzip
import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "emoji"))

import captions
import concepts
import numpy as np
import pictures

VENDORS = ("google", "twitter")
# Left out, each with its reason.
LEFT_OUT = {
    "1F1E8-1F1F6": "the Google set of this version draws Saudi Arabia's flag for Sark",
}


def cells_of(package, vendor):
    """{unified: (sheet_x, sheet_y)} of all emoji this vendor draws, skin tones included."""
    found = {}
    for emoji in json.loads((package / "emoji.json").read_text()):
        for form in [emoji, *emoji.get("skin_variations", {}).values()]:
            if form[f"has_img_{vendor}"]:
                found[form["unified"]] = (form["sheet_x"], form["sheet_y"])
    return found


def write_gzip(path, data):
    path.write_bytes(gzip.compress(data, 9, mtime=0))


def write_pictures(vendor, tiles, groups, out):
    """Writes one vendor's two files; returns a line for the log."""
    maps, of = pictures.reduce(tiles, groups)
    sheet = pictures.sheet_of(maps).convert("RGB")
    sheet.save(out / f"{vendor}.webp", lossless=True, quality=100, method=6)
    write_gzip(out / f"{vendor}.pal.gz", pictures.palettes_of(of))
    again = np.stack([palette[maps[number]] for number, palette in of]).astype(np.float64)
    far = pictures.psnr((again - tiles).reshape(len(tiles), -1))
    return f"{vendor}: {len(maps)} maps, PSNR {far.min():.1f} at least, {np.median(far):.1f} median"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in (*VENDORS, "emojibase"):
        parser.add_argument(name, type=pathlib.Path)
    default = pathlib.Path(__file__).resolve().parents[1] / "src/data/builtin/assets"
    parser.add_argument("--out", type=pathlib.Path, default=default)
    parser.add_argument("--no-pictures", action="store_true", help="write the items only")
    options = parser.parse_args()
    names = captions.Names(options.emojibase)
    cells = {vendor: cells_of(getattr(options, vendor), vendor) for vendor in VENDORS}

    items = []
    for unified in set(cells["google"]) & set(cells["twitter"]):
        code = concepts.plain(unified)
        entry = names.entry(code)
        if entry is None or unified in LEFT_OUT:
            print(f"left out: {unified}: {LEFT_OUT.get(unified, 'no name in emojibase')}")
            continue
        parent = names.parents.get(code)
        items.append({
            "id": unified.lower(), "code": code, "unified": unified, "parent": parent,
            "order": entry["order"] if "order" in entry else 10**6,
        })
    items.sort(key=lambda item: (item["order"], item["id"]))

    tiles = {}
    for vendor in VENDORS:
        sheet = getattr(options, vendor) / "img" / vendor / "sheets-clean/64.png"
        tiles[vendor] = pictures.cut(sheet, [cells[vendor][item["unified"]] for item in items])
    for one, two in concepts.assign(items, [tiles[vendor] for vendor in VENDORS]):
        print(f"same picture, one concept: {one} {two}")

    texts = names.captions(items)
    lines = []
    for item, spoken in zip(items, texts):
        entry = names.entry(item["code"])
        lines.append(json.dumps({
            "id": item["id"], "concept": item["concept"], "base": item["base"],
            "emoji": entry["emoji"], "group": names.groups[entry["group"]],
            "captions": [(language, text) for language, _, text in spoken],
            "names": [at for at, (_, kind, _) in enumerate(spoken) if kind == "name"],
        }, ensure_ascii=False, separators=(",", ":")))
    options.out.mkdir(parents=True, exist_ok=True)
    write_gzip(options.out / "items.jsonl.gz", ("\n".join(lines) + "\n").encode())

    if options.no_pictures:
        return
    groups = {}
    for at, item in enumerate(items):
        groups.setdefault(item["parent"] or item["code"], []).append(at)
    work = [(vendor, tiles[vendor], list(groups.values()), options.out) for vendor in VENDORS]
    with concurrent.futures.ProcessPoolExecutor(len(work)) as pool:
        for line in pool.map(write_pictures, *zip(*work)):
            print(line)
    total = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{len(items)} items, {sum(item['base'] for item in items)} concepts, {total} bytes in all")


if __name__ == "__main__":
    main()
