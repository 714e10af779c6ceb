"""`llm2clip bench` beside PyTorch on this machine: both measured in turns, so that load and clock fall on both.

    python scripts/bench_side_by_side.py [--program PATH] [--python PYTHON] [--rounds 5] [--runs 3] [--case NAME]...

Each round runs every case once with each side, in alternating order; no two run at the same time. The ratio is the
median over rounds of (this program's median / PyTorch's median) within one round. A markdown table goes to stdout.
Only an idle machine gives a fair table: PyTorch's threads wait by spinning, and where they must share a core a product of
0.1 s takes seconds, which flatters this program.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# From the project's plan: time over PyTorch's, at most.
GOALS = {
    "matmul-2048": 0.6,
    "vit-384x12-p16-64px-b32-step": 0.75,
    "vit-b32-224px-b16-forward": 0.66,
    "llama-512x8-b32-s64-forward": 0.5,
    "llama-512x8-b32-s64-lora16-step": 0.75,
    "topk-5k-25k-768": None,
    "jpeg-decode-224": None,
}


def ours(options, case):
    command = [options.program, "bench", "--case", case, "--runs", str(options.runs), "--threads", str(options.threads), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    document = json.loads(done.stdout)
    if document["format"] != "llm2clip.bench/1":
        sys.exit(f"expected a llm2clip.bench/1 document, found {document['format']}")
    return next(row for row in document["cases"] if row["name"] == case)["median_ms"]


class Torch:
    """One process that keeps its imports; it sleeps while the other side runs."""

    def __init__(self, options):
        command = [options.python, str(HERE / "bench_torch.py"), "--serve", "--threads", str(options.threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.runs = options.runs

    def __call__(self, case):
        self.process.stdin.write(f"{self.runs} {case}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the PyTorch side ended in {case}; its message stands above")
        return statistics.median(float(t) for t in line.split())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(HERE.parent / "target/release/llm2clip"))
    parser.add_argument("--python", default=sys.executable, help="a python that has torch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", action="append", choices=GOALS)
    options = parser.parse_args()
    torch, cases = Torch(options), options.case or list(GOALS)
    times = {case: ([], []) for case in cases}
    for turn in range(options.rounds):
        for case in cases:
            mine, theirs = times[case]
            sides = [(mine, lambda: ours(options, case)), (theirs, lambda: torch(case))]
            for kept, measure in sides if turn % 2 == 0 else reversed(sides):
                kept.append(measure())
            print(f"round {turn + 1}: {case}: {mine[-1]:.2f} ms, PyTorch {theirs[-1]:.2f} ms", file=sys.stderr)
    torch.close()
    print("| case | llm2clip, ms | PyTorch eager f32, ms | ratio | goal |\n|---|---:|---:|---:|---:|")
    for case, (mine, theirs) in times.items():
        ratio = statistics.median(a / b for a, b in zip(mine, theirs))
        goal = f"{GOALS[case]:.2f}" if GOALS[case] else "-"
        print(f"| `{case}` | {statistics.median(mine):.2f} | {statistics.median(theirs):.2f} | {ratio:.2f} | {goal} |")


if __name__ == "__main__":
    main()
