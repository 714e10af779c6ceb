"""Write the captions a language model may train on before it is measured on COCO's 5,000 test images.

    python3 coco_training.py VAL2017 TEST OUT [--validation N]

VAL2017 and TEST are JSON lines as `docs/data.md` describes them: an item a line, with `captions`; in VAL2017
`in_karpathy_test` marks the images that stand in the test too. Left out: those images, and every caption whose words
(lower-cased, nothing but words) are those of a test caption. With `--validation N`
the last N images of at least two captions are marked as a validation split, for choosing between recipes.
"""

import argparse
import json
import re


def words(caption):
    text = caption["text"] if isinstance(caption, dict) else caption
    return " ".join(re.findall(r"\w+", text.lower()))


def items(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("val2017")
    parser.add_argument("test")
    parser.add_argument("out")
    parser.add_argument("--validation", type=int, default=0, metavar="N")
    given = parser.parse_args()
    if given.validation < 0:
        parser.error(f"--validation: expected 0 or more images, found {given.validation}")

    tested = {words(caption) for item in items(given.test) for caption in item["captions"]}
    kept, dropped = [], 0
    for item in items(given.val2017):
        if item.get("in_karpathy_test"):
            continue
        captions = [caption for caption in item["captions"] if words(caption) not in tested]
        dropped += len(item["captions"]) - len(captions)
        if len(captions) >= 2:
            kept.append({"id": item.get("id", item.get("image")), "captions": captions, "split": "train"})
    if given.validation and given.validation >= len(kept):
        parser.error(
            f"--validation: expected fewer than the {len(kept)} images there are, for training needs some too, "
            f"found {given.validation}"
        )
    for item in kept[len(kept) - given.validation :]:
        item["split"] = "validation"
    with open(given.out, "w", encoding="utf-8") as file:
        for item in kept:
            file.write(json.dumps(item, ensure_ascii=False) + "\n")
    count = sum(len(item["captions"]) for item in kept)
    print(f"{len(kept)} images, {count} captions; {dropped} captions dropped")


if __name__ == "__main__":
    main()
