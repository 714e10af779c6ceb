"""Base concepts: which emoji are variants of one another.

A concept is what a split is drawn over, so everything that would give a held-out emoji away shares
one: skin tones, genders, hair, the direction a person or a hand faces, who exactly makes up a
family or a couple, and any two whose pictures are the same in a vendor's set.
"""

import numpy as np

SKIN = {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"}
HAIR = {"1F9B0", "1F9B1", "1F9B2", "1F9B3"}
GENDER = {"2640", "2642"}
RIGHT = "27A1"  # "facing right", as a component
ADULT, CHILD, OLDER = "1F9D1", "1F9D2", "1F9D3"
PEOPLE = {
    "1F468": ADULT, "1F469": ADULT, "1F466": CHILD, "1F467": CHILD, "1F474": OLDER, "1F475": OLDER,
}
FAMILY, KISS, HEART, SHAKE = "1F46A", "1F48F", "1F491", "1F91D"
# What the code points do not say: sets of which the first is the base form.
SAME = [
    ("1F9D1", "1F471", "1F9D4"),  # person; blond hair; beard
    ("1F9D1-1F91D-1F9D1", "1F46D", "1F46B", "1F46C"),  # holding hands
    ("1FAC5", "1F934", "1F478"),  # person with crown, prince, princess
    ("1F9D1-1F384", "1F385", "1F936"),  # Mx, Santa, Mrs Claus
    ("1F483", "1F57A"),  # dancing
    ("1FAC4", "1F930", "1FAC3"),  # pregnant
    ("1F91C", "1F91B"),  # right-facing and left-facing fist
    ("1FAF1", "1FAF2"),  # rightwards and leftwards hand
    ("1FAF8", "1FAF7"),  # rightwards and leftwards pushing hand
    ("1F449", "1F448"),  # backhand pointing right and left
    ("1F50D", "1F50E"),  # magnifying glass tilted left and right
    # flags that are one picture, the state's own first
    ("1F1F3-1F1F4", "1F1E7-1F1FB", "1F1F8-1F1EF"),  # Norway
    ("1F1EB-1F1F7", "1F1E8-1F1F5", "1F1F2-1F1EB"),  # France
    ("1F1FA-1F1F8", "1F1FA-1F1F2"),  # United States
    ("1F1EA-1F1F8", "1F1EA-1F1E6"),  # Spain
    ("1F1E6-1F1FA", "1F1ED-1F1F2"),  # Australia
    ("1F1EE-1F1F4", "1F1E9-1F1EC"),  # British Indian Ocean Territory
    ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"),  # the swatches of skin
]
BASE_OF = {other: group[0] for group in SAME for other in group}
IDENTICAL = 1.0  # root mean square difference below which two pictures are the same


def plain(hexcode):
    """Code points without the variation selector, which sources write or leave out."""
    return "-".join(point for point in hexcode.upper().split("-") if point != "FE0F")


def canonical(hexcode):
    """The base form's code points, joiners left out; a mere key, which no emoji need have."""
    points = [point for point in plain(hexcode).split("-") if point != "200D"]
    if len(points) > 1:
        drop = SKIN | HAIR | GENDER | {RIGHT}
        points = [points[0], *(point for point in points[1:] if point not in drop)]
    points = [PEOPLE.get(point, point) for point in points]
    people = [point for point in points if point in (ADULT, CHILD)]
    if len(people) > 1 and len(people) == len(points):
        return FAMILY
    if points[-2:] == ["1F48B", ADULT]:
        return KISS
    if points == [ADULT, "2764", ADULT]:
        return HEART
    if points == ["1FAF1", "1FAF2"]:
        return SHAKE
    key = "-".join(points)
    return BASE_OF.get(key, key)


def assign(items, pictures):
    """Gives every item `concept` (the id of its base form) and `base`.

    items: dicts with `id`, `parent` (the plain code points of the emoji whose skin tone it is, or
    None) and `order`; pictures: for each vendor [items, 64, 64, 3] u8. Returns the merges that the
    pictures made, for the log.
    """
    keys = [canonical(item["parent"] or item["id"]) for item in items]
    leader = {key: key for key in keys}

    def lead(key):
        while leader[key] != key:
            key = leader[key]
        return key

    merges = []
    for vendor in pictures:
        for one, two in _identical(vendor):
            a, b = lead(keys[one]), lead(keys[two])
            if a != b:
                leader[max(a, b)] = min(a, b)
                merges.append((items[one]["id"], items[two]["id"]))
    members = {}
    for item, key in zip(items, keys):
        members.setdefault(lead(key), []).append((item, key))
    for group in members.values():
        own = [item for item, key in group if plain(item["id"]).replace("-200D", "") == key]
        base = min(own or [item for item, _ in group], key=lambda item: item["order"])
        for item, _ in group:
            item["concept"], item["base"] = base["id"], item is base
    return merges


def _identical(tiles):
    """Pairs of tiles no further apart than IDENTICAL, found by their 8x8 thumbnails first."""
    small = tiles.reshape(len(tiles), 8, 8, 8, 8, 3).mean((2, 4)).reshape(len(tiles), -1)
    square = (small**2).sum(1)
    for one in range(len(tiles)):
        far = square[one] + square[one + 1 :] - 2 * small[one + 1 :] @ small[one]
        for two in np.flatnonzero(far <= small.shape[1] * IDENTICAL**2 + 1e-3) + one + 1:
            wrong = tiles[one].astype(np.float64) - tiles[two]
            if np.sqrt((wrong**2).mean()) <= IDENTICAL:
                yield one, int(two)
