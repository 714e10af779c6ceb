"""Pictures: cut from a vendor's sheet, composited on white, reduced to shared index maps.

An emoji and its skin tones are one drawing with other colours. So the members of a group share one
64x64 map of palette indices, and each has a palette of its own: pixels are clustered in the space
of all members' colours together. Clusters are split, the one with the largest error first, until
every member is within TARGET_PSNR of its original (or 256 are used up); pure white stays exact.
"""

import heapq
import itertools

import numpy as np
from PIL import Image

SIDE = 64
PITCH = SIDE + 2  # every cell has a transparent border of one pixel
TARGET_PSNR = 46.5
ACCEPT_PSNR = 41.0  # a group that stays below this with 256 colours is taken apart
COLUMNS = 16  # tiles a row in the map image


def cut(sheet_path, cells):
    """[tiles, 64, 64, 3] u8 of the cells (sheet_x, sheet_y), composited on white."""
    sheet = Image.open(sheet_path).convert("RGBA")
    tiles = np.empty((len(cells), SIDE, SIDE, 3), np.uint8)
    for at, (column, row) in enumerate(cells):
        left, top = column * PITCH + 1, row * PITCH + 1
        tile = sheet.crop((left, top, left + SIDE, top + SIDE))
        if not tile.getchannel("A").getbbox():
            raise SystemExit(f"{sheet_path}: cell {column},{row} is empty")
        white = Image.new("RGBA", tile.size, "white")
        white.alpha_composite(tile)
        tiles[at] = np.asarray(white.convert("RGB"))
    return tiles


def _principal(rows, weights):
    """The direction in which these centred rows vary most."""
    widest = int(np.argmax((rows * rows * weights[:, None]).sum(0)))
    direction = (rows * (rows[:, widest] * weights)[:, None]).sum(0)
    for _ in range(3):
        length = np.linalg.norm(direction)
        if length == 0:
            break
        direction = rows.T @ ((rows @ (direction / length)) * weights)
    return direction


def quantise(tiles):
    """One map [64, 64] u8 and a palette [members, colours, 3] u8 for tiles [members, 64, 64, 3],
    and the lowest PSNR of a member."""
    members = len(tiles)
    flat = tiles.transpose(1, 2, 0, 3).reshape(SIDE * SIDE, members * 3)
    rows, inverse, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    rows, counts = rows.astype(np.float64), counts.astype(np.float64)
    white = np.flatnonzero((rows == 255).all(1))
    rest = np.flatnonzero(~(rows == 255).all(1))
    most = 256 - len(white)
    allowed = 255.0**2 / 10 ** (TARGET_PSNR / 10) * SIDE * SIDE * 3

    def measure(which):
        mean = np.average(rows[which], axis=0, weights=counts[which])
        square = ((rows[which] - mean) ** 2 * counts[which][:, None]).sum(0)
        return mean, square.reshape(members, 3).sum(1)

    serial = itertools.count()
    mean, error = measure(rest)
    total = error.copy()
    heap = [(-error.sum(), next(serial), rest, mean, error)]
    while len(heap) < most and total.max() > allowed and heap[0][0] < -1e-9:
        _, _, which, mean, error = heapq.heappop(heap)
        centred = rows[which] - mean
        side = centred @ _principal(centred, counts[which]) > 0
        total -= error
        for half in (which[side], which[~side]):
            mean, error = measure(half)
            total += error
            heapq.heappush(heap, (-error.sum(), next(serial), half, mean, error))

    centres = np.stack([entry[3] for entry in sorted(heap, key=lambda entry: entry[1])])
    for _ in range(3):  # Lloyd
        near = (rows[rest] @ centres.T) * -2 + (centres**2).sum(1)
        nearest = near.argmin(1)
        weight = np.bincount(nearest, counts[rest], len(centres))
        for axis in range(members * 3):
            moved = np.bincount(nearest, counts[rest] * rows[rest][:, axis], len(centres))
            centres[:, axis] = np.where(weight > 0, moved / np.maximum(weight, 1), centres[:, axis])
    centres = np.concatenate([centres, np.full((len(white), members * 3), 255.0)])
    order = np.argsort(centres.reshape(-1, members, 3) @ [0.299, 0.587, 0.114] @ np.ones(members))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    assigned = np.empty(len(rows), int)
    assigned[rest], assigned[white] = place[nearest], place[len(order) - 1]
    index = assigned[inverse].reshape(SIDE, SIDE).astype(np.uint8)
    palette = np.rint(centres[order]).astype(np.uint8).reshape(-1, members, 3).transpose(1, 0, 2)
    used, index = np.unique(index, return_inverse=True)  # what Lloyd left empty goes
    index, palette = index.reshape(SIDE, SIDE).astype(np.uint8), palette[:, used]
    wrong = palette[:, index].astype(np.float64) - tiles
    return index, palette, psnr(wrong.reshape(members, -1)).min()


def psnr(difference):
    """PSNR in dB of every row of differences; 99 where nothing differs."""
    return np.minimum(10 * np.log10(255.0**2 / np.maximum((difference**2).mean(-1), 1e-9)), 99)


def reduce(tiles, groups):
    """Maps [maps, 64, 64] u8 and, for every tile, its map's number and palette [colours, 3]."""
    maps, of = [], [None] * len(tiles)
    waiting = [list(group) for group in groups][::-1]
    while waiting:
        group = waiting.pop()
        index, palette, worst = quantise(tiles[group])
        if worst < ACCEPT_PSNR and len(group) > 1:
            apart = [group[:1], group[1:]] if len(group) > 2 else [[one] for one in group]
            if len(group) > 2 and worst < ACCEPT_PSNR - 6:
                apart = [[one] for one in group]
            waiting.extend(apart[::-1])
            continue
        for member, at in enumerate(group):
            of[at] = (len(maps), palette[member])
        maps.append(index)
    return np.stack(maps), of


def sheet_of(maps):
    """All maps in one greyscale image, COLUMNS a row, the last row filled up with zero."""
    rows = -(-len(maps) // COLUMNS)
    sheet = np.zeros((rows * COLUMNS, SIDE, SIDE), np.uint8)
    sheet[: len(maps)] = maps
    joined = sheet.reshape(rows, COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3)
    return Image.fromarray(joined.reshape(rows * SIDE, COLUMNS * SIDE))


def palettes_of(of):
    """Bytes: for every tile its map's number (u16, little-endian), its colours less one (u8), and
    the colours, all reds, then all greens, then all blues. The first palette of a map is written
    as steps from one colour to the next, a later one as differences from that map's first."""
    out, first = bytearray(), {}
    for number, palette in of:
        whole = palette.astype(np.int16)
        steps = whole - first[number] if number in first else np.diff(whole, axis=0, prepend=0)
        first.setdefault(number, whole)
        out += int(number).to_bytes(2, "little") + bytes([len(palette) - 1])
        out += (steps & 255).T.astype(np.uint8).tobytes()
    return bytes(out)
