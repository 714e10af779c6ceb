#!/usr/bin/env python3
"""Writes the content of a JSON-lines manifest in every format that `--dataset` reads.

    scripts/same_content.py MANIFEST.jsonl OUT

Then `llm2clip compare` and `train` give the same numbers on every one of them:

    OUT/manifest.jsonl            JSON lines
    OUT/karpathy.json             Karpathy's document
    OUT/captions_pictures.json    COCO's document
    OUT/set.csv, OUT/set.tsv      tables, a caption a row
    OUT/folder                    a folder of pictures, texts beside them
    OUT/shards                    webdataset shards: shard-000000.tar and on
    OUT/texts.txt                 the captions alone, a line each

Pictures are copied to OUT/pictures. Only the standard library is used. What a format cannot hold is
said: COCO's has no splits, a folder neither splits nor languages.
"""

import csv
import io
import json
import pathlib
import shutil
import sys
import tarfile

SAMPLES_A_SHARD = 64


def captions_of(item):
    for caption in item.get("captions", []):
        if isinstance(caption, str):
            yield caption, None
        else:
            yield caption["text"], caption.get("language")


def read(manifest):
    items = []
    for line in manifest.read_text("utf-8-sig").splitlines():
        if line.strip():
            items.append(json.loads(line))
    for number, item in enumerate(items):
        if not isinstance(item.get("image"), str):
            sys.exit(f"item {number}: expected one picture, found {item.get('image')!r}")
    return items


def name_of(item):
    return item["name"]


def write_karpathy(items, out):
    images = [
        {
            "filepath": "pictures",
            "filename": name_of(item),
            "imgid": number,
            "split": {"validation": "val"}.get(item.get("split"), item.get("split")),
            "sentences": [
                {"raw": text, "tokens": text.lower().split(), "imgid": number}
                for text, _ in captions_of(item)
            ],
        }
        for number, item in enumerate(items)
    ]
    (out / "karpathy.json").write_text(json.dumps({"images": images, "dataset": "same"}))


def write_coco(items, out):
    images = [{"id": n, "file_name": name_of(item)} for n, item in enumerate(items)]
    annotations = [
        {"image_id": n, "caption": text, **({"language": language} if language else {})}
        for n, item in enumerate(items)
        for text, language in captions_of(item)
    ]
    for number, annotation in enumerate(annotations):
        annotation["id"] = number
    document = {"info": {}, "images": images, "licenses": [], "annotations": annotations}
    (out / "captions_pictures.json").write_text(json.dumps(document))


def write_table(items, path, dialect):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, dialect)
        rows.writerow(["filepath", "title", "language", "split", "label"])
        for item in items:
            for text, language in captions_of(item):
                rest = [language or "", item.get("split") or "", item.get("label") or ""]
                rows.writerow(["pictures/" + name_of(item), text, *rest])


def write_folder(items, out):
    folder = out / "folder"
    folder.mkdir(exist_ok=True)
    names = [name_of(item) for item in items]
    for number, item in enumerate(items):
        # A folder's order is that of its names.
        name = names[number] if names == sorted(names) else f"{number:06}-{names[number]}"
        shutil.copyfile(out / "pictures" / names[number], folder / name)
        lines = [text for text, _ in captions_of(item)]
        beside = (folder / name).with_suffix(".txt")
        if any("\n" in line for line in lines):
            # A text file has a caption a line; these need JSON.
            beside.with_suffix(".json").write_text(json.dumps({"captions": lines}))
        else:
            beside.write_text("".join(f"{line}\n" for line in lines))


def write_shards(items, out):
    folder = out / "shards"
    folder.mkdir(exist_ok=True)
    for start in range(0, len(items), SAMPLES_A_SHARD):
        with tarfile.open(folder / f"shard-{start // SAMPLES_A_SHARD:06}.tar", "w") as shard:
            for number, item in enumerate(items[start : start + SAMPLES_A_SHARD], start):
                kept = {key: item[key] for key in ("captions", "split", "label", "concept") if key in item}
                picture = out / "pictures" / name_of(item)
                members = [
                    (picture.suffix, picture.read_bytes()),
                    (".json", json.dumps(kept).encode()),
                ]
                for ending, data in members:
                    member = tarfile.TarInfo(f"{number:06}{ending}")
                    member.size = len(data)
                    shard.addfile(member, io.BytesIO(data))


def main():
    manifest, out = map(pathlib.Path, sys.argv[1:])
    items = read(manifest)
    pictures = out / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for item in items:
        item["name"] = pathlib.Path(item["image"]).name
        shutil.copyfile(manifest.parent / item["image"], pictures / item["name"])
    if len({item["name"] for item in items}) != len(items):
        sys.exit("two pictures have one name")
    with (out / "manifest.jsonl").open("w") as file:
        for item in items:
            kept = {key: item[key] for key in ("captions", "split", "label", "concept") if key in item}
            file.write(json.dumps({"image": "pictures/" + item["name"], **kept}) + "\n")
    write_karpathy(items, out)
    write_coco(items, out)
    write_table(items, out / "set.csv", "excel")
    write_table(items, out / "set.tsv", "excel-tab")
    write_folder(items, out)
    write_shards(items, out)
    texts = [text for item in items for text, _ in captions_of(item)]
    (out / "texts.txt").write_text("".join(" ".join(text.splitlines()) + "\n" for text in texts))
    print(f"{len(items)} items, {len(texts)} captions in {out}")
    if any("split" in item for item in items):
        print("COCO's document and the folder hold no splits")
    if any(language for item in items for _, language in captions_of(item)):
        print("Karpathy's document and the folder hold no languages")


main()
