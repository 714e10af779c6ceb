"""The PyTorch half of the bench cases: the same shapes and the same work as `llm2clip bench`, float32, eager.

    python scripts/bench_torch.py [--case NAME]... [--runs N] [--threads N]      a llm2clip.bench/1 document on stdout
    python scripts/bench_torch.py --serve                                        a line `RUNS CASE` in, times in ms out

Needs torch; faiss (else torch's own top-k) and Pillow only for their cases. Random weights, two warm-up runs.
"""

import argparse
import io
import json
import os
import statistics
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--serve", action="store_true")
    return parser.parse_args()


OPTIONS = arguments()
os.environ["OMP_NUM_THREADS"] = str(OPTIONS.threads)

import torch  # noqa: E402  (reads its thread count from the environment when it is first imported)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(OPTIONS.threads)


class Block(nn.Module):
    """A pre-norm CLIP block with one product for query, key and value, and QuickGELU."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width))
        y = self.up(self.norm2(x))
        return x + self.down(y * torch.sigmoid(1.702 * y))


class Vit(nn.Module):
    def __init__(self, width, layers, heads, patch, pixels, classes=0):
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch, bias=False)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn((pixels // patch) ** 2 + 1, width) * 0.02)
        self.pre, self.post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.head = nn.Linear(width, classes) if classes else nn.Identity()

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = self.pre(torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.positions)
        for block in self.blocks:
            x = block(x)
        return self.head(self.post(x[:, 0]))


class LoraLinear(nn.Module):
    def __init__(self, inputs, outputs, rank):
        super().__init__()
        self.weight, self.rank = nn.Parameter(torch.randn(outputs, inputs) * 0.02, requires_grad=False), rank
        if rank:
            self.a, self.b = nn.Parameter(torch.randn(rank, inputs) * 0.02), nn.Parameter(torch.randn(outputs, rank) * 0.02)

    def forward(self, x):
        y = F.linear(x, self.weight)
        return y + F.linear(F.linear(x, self.a), self.b) * 2 if self.rank else y


def rms_norm(x, weight):
    return F.rms_norm(x, weight.shape, weight, 1e-5)


class LlamaBlock(nn.Module):
    def __init__(self, width, heads, hidden, rank):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (LoraLinear(width, width, rank) for _ in range(4))
        self.gate, self.up = LoraLinear(width, hidden, rank), LoraLinear(width, hidden, rank)
        self.down = LoraLinear(hidden, width, rank)
        self.norm1, self.norm2 = (nn.Parameter(torch.ones(width), requires_grad=False) for _ in range(2))

    def forward(self, x, cos, sin):
        batch, tokens, width = x.shape

        def split(z):
            return z.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)

        def rope(z):
            first, second = z.chunk(2, -1)
            return z * cos + torch.cat([-second, first], -1) * sin

        y = rms_norm(x, self.norm1)
        q, k, v = split(self.q(y)), split(self.k(y)), split(self.v(y))
        y = F.scaled_dot_product_attention(rope(q), rope(k), v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.o(y)
        y = rms_norm(x, self.norm2)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    """The trunk with a bidirectional mask."""

    def __init__(self, width, layers, heads, hidden, vocab, tokens, rank):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.embedding.weight.requires_grad = False
        self.blocks = nn.ModuleList([LlamaBlock(width, heads, hidden, rank) for _ in range(layers)])
        self.norm = nn.Parameter(torch.ones(width), requires_grad=False)
        half = width // heads // 2
        angles = torch.arange(tokens)[:, None] * 10000.0 ** (-torch.arange(half) / half)
        self.cos, self.sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)

    def forward(self, ids):
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return rms_norm(x, self.norm)


def matmul():
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    return lambda: torch.mm(a, b)


def vit_step():
    model = Vit(384, 12, 6, 16, 64, 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    pixels, labels = torch.randn(32, 3, 64, 64), torch.arange(32)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(pixels), labels).backward()
        optimizer.step()

    return step


def vit_forward():
    model, pixels = Vit(768, 12, 12, 32, 224).eval(), torch.randn(16, 3, 224, 224)

    def forward():
        with torch.inference_mode():
            model(pixels)

    return forward


def llama(rank):
    model = Llama(512, 8, 8, 1408, 8192, 64, rank)
    ids = torch.arange(32 * 64).view(32, 64) * 7919 % 8192
    if not rank:

        def forward():
            with torch.inference_mode():
                model(ids)

        return forward
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        model(ids).mean(1).square().mean().backward()
        optimizer.step()

    return step


def topk():
    queries, rows = torch.randn(5000, 768), torch.randn(25000, 768)
    try:
        import faiss
    except ImportError:
        return lambda: (queries @ rows.T).topk(10)
    faiss.omp_set_num_threads(OPTIONS.threads)
    index = faiss.IndexFlatIP(768)
    index.add(rows.numpy())
    return lambda: index.search(queries.numpy(), 10)


def jpeg_decode():
    """One 640x480 JPEG: decode, shortest side to 224 (antialiased bicubic), centre crop, to normalised floats."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:480, 0:640]
    noise = np.random.default_rng(0).integers(0, 24, (480, 640, 3))
    smooth = np.stack([x * 255 // 640, y * 255 // 480, (x + y) * 255 // 1120], -1)
    file = io.BytesIO()
    Image.fromarray((smooth * 0.9 + noise).clip(0, 255).astype("uint8")).save(file, "JPEG", quality=90)
    mean, std = np.float32([0.48145466, 0.4578275, 0.40821073]), np.float32([0.26862954, 0.26130258, 0.27577711])

    def decode():
        picture = Image.open(io.BytesIO(file.getvalue())).convert("RGB").resize((298, 224), Image.Resampling.BICUBIC)
        picture = picture.crop((37, 0, 261, 224))
        return ((np.asarray(picture, np.float32) / 255 - mean) / std).transpose(2, 0, 1).copy()

    return decode


CASES = {
    "matmul-2048": matmul,
    "vit-384x12-p16-64px-b32-step": vit_step,
    "vit-b32-224px-b16-forward": vit_forward,
    "llama-512x8-b32-s64-forward": lambda: llama(0),
    "llama-512x8-b32-s64-lora16-step": lambda: llama(16),
    "topk-5k-25k-768": topk,
    "jpeg-decode-224": jpeg_decode,
}


def measure(work, runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def prepare(name):
    work = CASES[name]()
    measure(work, 2)
    return work


def serve():
    ready = {}
    for line in sys.stdin:
        runs, name = line.split()
        if name not in ready:
            ready = {name: prepare(name)}  # one case at a time in memory
        print(" ".join(f"{t:.4f}" for t in measure(ready[name], int(runs))), flush=True)


def main():
    if OPTIONS.serve:
        return serve()
    cases = []
    for name in OPTIONS.case or CASES:
        if name not in CASES:
            sys.exit(f"no case {name}; there are {', '.join(CASES)}")
        times = measure(prepare(name), OPTIONS.runs)
        cases.append({"name": name, "median_ms": statistics.median(times), "min_ms": min(times), "max_ms": max(times), "runs": OPTIONS.runs})
        print(f"{name}: {cases[-1]['median_ms']:.2f} ms", file=sys.stderr)
    json.dump({"format": "llm2clip.bench/1", "program": f"torch {torch.__version__}", "threads": OPTIONS.threads, "cases": cases}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
