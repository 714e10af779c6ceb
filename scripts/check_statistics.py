"""Recomputes intervals, tests and corrections with numpy and exact whole numbers, independently of the
program, and writes them to tests/golden/statistics.json, which tests/statistics.rs holds the program to.

    python scripts/check_statistics.py            writes the golden file
    python scripts/check_statistics.py --check    fails where it would differ

What is independent: the generator (PCG64), the resampling (multinomial counts, queries written out), the
medians (numpy's), McNemar's tails (binomial coefficients as whole numbers), sign flips (the exact
distribution of the sum, by convolution, where the program draws 10,000), Holm (from the definition).

A limit of an interval is a quantile of 10,000 resamples. The share of resamples below it has the standard
error s = sqrt(0.025 * 0.975 / 10,000), whatever the distribution; so the program's limit must lie between
this script's quantiles at 0.025 - 5 s and 0.025 + 5 s (and likewise at 0.975), taken of 100,000 resamples.
Both ends are in the file. A sign-flip p must lie within five standard errors of the exact one, and 1/10,001.
"""

import json
import math
import pathlib
import sys
from fractions import Fraction

import numpy as np

RESAMPLES, OURS = 10_000, 100_000
STEP = 5 * math.sqrt(0.025 * 0.975 / RESAMPLES)
METRICS = ["recall@1", "recall@5", "recall@10", "mrr", "median_rank"]


def metrics(ranks):
    ranks = np.asarray(ranks, dtype=np.float64)
    shares = [float(np.mean(ranks <= k)) for k in (1, 5, 10)]
    return [*shares, float(np.mean(1.0 / ranks)), float(np.median(ranks))]


def resamples(rows, units, generator):
    """Metrics of every row in every resample: [resample, row, metric]."""
    names, units = np.unique(units, return_inverse=True)
    rows = [np.asarray(row, dtype=np.float64) for row in rows]
    drawn = np.empty((OURS, len(rows), len(METRICS)))
    chance = np.full(len(names), 1.0 / len(names))
    for at in range(OURS):
        times = generator.multinomial(len(names), chance)[units]
        for place, row in enumerate(rows):
            written = np.repeat(row, times)
            drawn[at, place, :3] = [np.mean(written <= k) for k in (1, 5, 10)]
            drawn[at, place, 3] = np.mean(1.0 / written)
            drawn[at, place, 4] = np.median(written)
    return drawn


def limits(values):
    found = []
    for share in (0.025, 0.975):
        found.append([float(np.quantile(values, share + step)) for step in (-STEP, 0.0, STEP)])
    return found


def mcnemar(b, c):
    tail = sum(math.comb(b + c, i) for i in range(min(b, c) + 1))
    return float(min(Fraction(2 * tail, 2 ** (b + c)), Fraction(1)))


def sign_flip(differences):
    """The exact share of signings whose sum is as far from zero."""
    ways = {0: 1}
    for difference in (d for d in differences if d):
        following = {}
        for total, count in ways.items():
            for moved in (total - difference, total + difference):
                following[moved] = following.get(moved, 0) + count
        ways = following
    observed = abs(sum(differences))
    extreme = sum(count for total, count in ways.items() if abs(total) >= observed)
    return float(Fraction(extreme, sum(ways.values())))


def holm(p):
    """For each hypothesis, the largest of (those not below it) times p over all with a p as small."""
    adjusted = []
    for own in p:
        steps = [other * sum(later >= other for later in p) for other in p if other <= own]
        adjusted.append(min(max(steps), 1.0))
    return adjusted


def table(name, a, b, units, generator):
    drawn = resamples([a, b], units, generator)
    case = {"name": name, "a": list(map(int, a)), "b": list(map(int, b))}
    case["units"] = list(map(int, units))
    for place, label in enumerate("ab"):
        case[f"metrics_{label}"] = dict(zip(METRICS, metrics(case[label])))
        spread = [limits(drawn[:, place, metric]) for metric in range(len(METRICS))]
        case[f"limits_{label}"] = dict(zip(METRICS, spread))
    less = drawn[:, 1] - drawn[:, 0]
    case["limits_b_less_a"] = dict(
        zip(METRICS, (limits(less[:, metric]) for metric in range(len(METRICS))))
    )
    right = np.asarray(b) == 1, np.asarray(a) == 1
    difference = right[0].astype(int) - right[1].astype(int)
    names, places = np.unique(units, return_inverse=True)
    if len(names) == len(units):
        case["test"] = "mcnemar"
        case["p"] = mcnemar(int((difference > 0).sum()), int((difference < 0).sum()))
    else:
        sums = np.zeros(len(names), dtype=int)
        np.add.at(sums, places, difference)
        case["test"] = "sign-flip"
        case["p"] = sign_flip([int(d) for d in sums])
    return case


def golden():
    generator = np.random.Generator(np.random.PCG64(20261124))
    worse = np.minimum(generator.geometric(0.25, 180), 60)
    better = np.where(generator.random(180) < 0.3, np.maximum(worse // 3, 1), worse)
    grouped = np.sort(generator.integers(0, 45, 180)) * 7 + 3
    few = generator.integers(1, 4, 14)
    many = np.where(generator.random(240) < 0.5, 1, generator.integers(1, 3000, 240))
    same = np.full(30, 4)
    tables = [
        table("each unit asks once", worse, better, np.arange(180), generator),
        table("units of uneven size", worse, better, grouped, generator),
        table("a dozen queries, all ties", few, np.roll(few, 3), np.arange(14), generator),
        table("long tails, pairs", many, np.roll(many, 1), np.arange(240) // 2, generator),
        table("the same rank everywhere", same, same, np.arange(30), generator),
    ]
    pairs = [(0, 0), (0, 1), (1, 0), (0, 5), (5, 0), (3, 5), (9, 9), (1, 11), (86, 150), (400, 470)]
    pairs += [(1450, 1550), (0, 1200)]
    pairs += [tuple(map(int, pair)) for pair in generator.integers(0, 120, (20, 2))]
    families = [[0.5], [0.01, 0.04, 0.03, 0.005], [0.02, 0.02, 0.02], [1.0, 1.0], [1e-9, 0.9, 0.3]]
    for size in (2, 5, 9, 24):
        families.append([float(p) for p in np.round(generator.random(size) ** 3, 2)])
    moves = [[49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], [1] * 6, [2, -2, 0, 0]]
    moves += [[int(d) for d in generator.integers(-2, 4, 40)] for _ in range(4)]
    return {
        "resamples": RESAMPLES,
        "tables": tables,
        "mcnemar": [{"b": b, "c": c, "p": mcnemar(b, c)} for b, c in pairs],
        "holm": [{"p": p, "adjusted": holm(p)} for p in families],
        "sign_flip": [{"differences": d, "p": sign_flip(d)} for d in moves],
    }


def main():
    path = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/statistics.json"
    text = json.dumps(golden(), separators=(",", ":")) + "\n"
    if "--check" in sys.argv[1:]:
        if path.read_text() != text:
            sys.exit(f"{path.name} would differ")
    else:
        path.write_text(text)


if __name__ == "__main__":
    main()
