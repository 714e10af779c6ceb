"""Captions: names and tags of Unicode's CLDR, as emojibase-data has them, in a written order."""

import json
import pathlib
import unicodedata

from concepts import plain

LANGUAGES = ("en", "ko", "de", "fr", "es", "ja", "zh")
TONES = ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF")


def clean(text):
    """NFC, every run of white space (French has narrow ones) one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def fold(text):
    """What two captions are compared by."""
    return text.strip().casefold()


class Names:
    """emojibase-data's folder, read for all languages."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.entries, self.parents = {}, {}
        for language in LANGUAGES:
            found = self.entries[language] = {}
            for entry in json.loads((folder / language / "data.json").read_text()):
                found[plain(entry["hexcode"])] = entry
                for skin in entry.get("skins", []):
                    found[plain(skin["hexcode"])] = skin
                    self.parents[plain(skin["hexcode"])] = plain(entry["hexcode"])
        messages = json.loads((folder / "en" / "messages.json").read_text())
        self.groups = {group["order"]: group["message"] for group in messages["groups"]}
        self.subgroups = {group["order"]: group["message"] for group in messages["subgroups"]}

    def entry(self, code, language="en"):
        return self.entries[language].get(code)

    def name(self, code, language):
        return clean(self.entries[language][code]["label"])

    def tags(self, code, language):
        """A skin tone has its base's tags and the tones' names."""
        entry = self.entries[language][code]
        words = list(self.entries[language][self.parents.get(code, code)].get("tags", []))
        tone = entry.get("tone", [])
        for number in tone if isinstance(tone, list) else [tone]:
            words.append(self.name(TONES[number - 1], language))
        return ", ".join(dict.fromkeys(clean(word) for word in words))

    def captions(self, items):
        """For every item (`code`, `concept`) its [(language, kind, text)], kind "name" or "tags": English
        name, English tags, then name and tags of each language.

        Left out is what stands in the item already, and what would be the answer to another: tags
        that are a name of another concept, and a name that another concept has in a language
        before (Spanish "pie" is a foot). English tags stay at their place: where they say no more
        than a name, emojibase's name of the subgroup joins them."""
        owners = {}
        for language in LANGUAGES:
            for item in items:
                name = fold(self.name(item["code"], language))
                owners.setdefault(name, []).append(item["concept"])
        return [self._of_item(item, owners) for item in items]

    def _of_item(self, item, owners):
        code, concept = item["code"], item["concept"]
        out, seen = [], set()
        for language in LANGUAGES:
            name, tags = self.name(code, language), self.tags(code, language)
            if language == "en" and (not tags or fold(tags) in owners):
                tags = ", ".join(filter(None, (tags, self.subgroups[self.entry(code)["subgroup"]])))
            for kind, text, others in (
                ("name", name, owners[fold(name)][:1]),
                ("tags", tags, owners.get(fold(tags), [])),
            ):
                taken = any(other != concept for other in others) and language != "en"
                if text and not taken and fold(text) not in seen:
                    seen.add(fold(text))
                    out.append((language, kind, text))
        return out
