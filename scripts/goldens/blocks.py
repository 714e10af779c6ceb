"""Goldens of every block, loss, schedule and of the optimizer, in float32, for tests/parity_blocks.rs.

    python scripts/goldens/blocks.py [FOLDER]          default: tests/golden/blocks

Needs torch, transformers, peft and safetensors. Where a package ships the block (torch, transformers, peft) that is what
is run; loss formulas of open_clip and LLM2Vec are restated here beside their source.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from golden import Golden
from sublayers import sublayer_cases
from training import training_cases

CASES = []


def case(name: str, kind: str = "block", packages: tuple[str, ...] = ("torch",), **constants):
    def register(build):
        def run():
            golden = Golden(name, kind, packages, **constants)
            build(golden, **constants)
            return golden

        CASES.append(run)
        return build

    return register


def spans(lengths):
    start = 0
    for length in lengths:
        yield slice(start, start + length)
        start += length


# Linear and LoRA ---------------------------------------------------------------------------------------------------


@case("linear")
def linear(g):
    g.answer(y=F.linear(g.give("x", g.normal(37, 40)), g.give("w", g.normal(24, 40, scale=0.2)), g.give("b", g.normal(24))))


@case("linear_without_bias")
def linear_without_bias(g):
    g.answer(y=F.linear(g.give("x", g.normal(13, 50)), g.give("w", g.normal(33, 50, scale=0.2))))


@case("lora_linear", packages=("torch", "peft"), r=4, alpha=12)
def lora_linear(g, r, alpha):
    from peft import LoraConfig, inject_adapter_in_model

    model = torch.nn.ModuleDict({"q_proj": torch.nn.Linear(40, 24)})
    model = inject_adapter_in_model(LoraConfig(r=r, lora_alpha=alpha, lora_dropout=0.0, target_modules=["q_proj"]), model)
    layer = model["q_proj"]
    values = {"w": g.normal(24, 40, scale=0.2), "b": g.normal(24), "lora_a": g.normal(r, 40, scale=0.2), "lora_b": g.normal(24, r, scale=0.3)}
    tensors = {n: g.give(n, v, grad=n.startswith("lora")) for n, v in values.items()}
    with torch.no_grad():
        layer.base_layer.weight.copy_(tensors["w"])
        layer.base_layer.bias.copy_(tensors["b"])
        layer.lora_A["default"].weight.copy_(tensors["lora_a"])
        layer.lora_B["default"].weight.copy_(tensors["lora_b"])
    g.leaves["lora_a"], g.leaves["lora_b"] = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    g.answer(y=layer(g.give("x", g.normal(19, 40))))


@case("embedding")
def embedding(g):
    ids = g.give("ids", g.integers(11, 29), grad=False)
    g.answer(y=F.embedding(ids, g.give("table", g.normal(11, 20))))


# Norms and activations ---------------------------------------------------------------------------------------------


@case("layer_norm", eps=1e-5)
def layer_norm(g, eps):
    x = g.give("x", g.normal(37, 40, scale=2.0, shift=0.5))
    g.answer(y=F.layer_norm(x, (40,), g.give("w", g.normal(40, scale=0.3, shift=1.0)), g.give("b", g.normal(40)), eps))


@case("rms_norm", packages=("torch", "transformers"), eps=1e-5)
def rms_norm(g, eps):
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    norm = LlamaRMSNorm(40, eps=eps)
    x, w = g.give("x", g.normal(37, 40, scale=2.0)), g.give("w", g.normal(40, scale=0.3, shift=1.0))
    norm.weight.data.copy_(w.detach())
    g.leaves["w"] = norm.weight
    g.answer(y=norm(x))


def activation_input(g):
    # Both tails, zero and the exact saturations stand beside the usual range.
    edges = torch.tensor([0.0, -0.0, 1e-4, -1e-4, 5.0, -5.0, 9.0, -9.0, 30.0, -30.0, 90.0, -90.0])
    return g.give("x", torch.cat([edges, g.normal(12 * 40 - len(edges), scale=2.0)]).reshape(12, 40))


@case("quick_gelu", packages=("torch", "transformers"))
def quick_gelu(g):
    from transformers.activations import QuickGELUActivation

    g.answer(y=QuickGELUActivation()(activation_input(g)))


@case("gelu_erf")
def gelu_erf(g):
    g.answer(y=F.gelu(activation_input(g)))


@case("gelu_tanh")
def gelu_tanh(g):
    g.answer(y=F.gelu(activation_input(g), approximate="tanh"))


@case("silu")
def silu(g):
    g.answer(y=F.silu(activation_input(g)))


@case("silu_gate")
def silu_gate(g):
    g.answer(y=F.silu(activation_input(g)) * g.give("up", g.normal(12, 40)))


@case("normalize")
def normalize(g):
    g.answer(y=F.normalize(g.give("x", g.normal(17, 40)), dim=-1))


# Rope and attention ------------------------------------------------------------------------------------------------

LLAMA3 = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}


def rope(g, lengths, heads, theta, scaling, head_dim=24):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

    parameters = {"rope_theta": theta, **(scaling or {"rope_type": "default"})}
    config = LlamaConfig(hidden_size=heads * head_dim, num_attention_heads=heads, head_dim=head_dim, max_position_embeddings=2048, rope_parameters=parameters)
    table = LlamaRotaryEmbedding(config)
    x = g.give("x", g.normal(sum(lengths), heads * head_dim))
    parts = []
    for span in spans(lengths):
        q = x[span].reshape(1, -1, heads, head_dim).transpose(1, 2)
        cos, sin = table(q, torch.arange(q.shape[2])[None])
        parts.append(apply_rotary_pos_emb(q, q, cos, sin)[0].transpose(1, 2).reshape(-1, heads * head_dim))
    cos, sin = table(x, torch.arange(max(lengths))[None])
    half = head_dim // 2
    g.answer(y=torch.cat(parts), inverse_frequencies=table.inv_freq, cos=cos[0, :, :half], sin=sin[0, :, :half])


case("rope", packages=("torch", "transformers"), lengths=[5, 1, 33], heads=2, theta=10000.0, scaling=None)(rope)
case("rope_llama3_scaling", packages=("torch", "transformers"), lengths=[40, 3], heads=2, theta=500000.0, scaling=LLAMA3)(rope)


def attention(g, lengths, heads, kv_heads, head_dim, causal):
    q = g.give("q", g.normal(sum(lengths), heads * head_dim))
    k, v = (g.give(n, g.normal(sum(lengths), kv_heads * head_dim)) for n in "kv")
    parts = []
    for span in spans(lengths):
        split = lambda t, h: t[span].reshape(-1, h, head_dim).transpose(0, 1)[None]
        kk, vv = (split(t, kv_heads).repeat_interleave(heads // kv_heads, dim=1) for t in (k, v))
        y = F.scaled_dot_product_attention(split(q, heads), kk, vv, is_causal=causal)
        parts.append(y[0].transpose(0, 1).reshape(-1, heads * head_dim))
    g.answer(y=torch.cat(parts))


for mask in ("causal", "bidirectional"):
    for name, heads, kv_heads, lengths, head_dim in [
        ("attention", 3, 3, [16, 16], 16),
        ("attention_ragged", 2, 2, [7, 1, 18, 5, 2], 20),
        ("attention_grouped", 4, 2, [9, 1, 17], 16),
        ("attention_long", 1, 1, [131, 3], 16),
    ]:
        case(f"{name}_{mask}", lengths=lengths, heads=heads, kv_heads=kv_heads, head_dim=head_dim, causal=mask == "causal")(attention)


# Pooling -----------------------------------------------------------------------------------------------------------


def pooling(g, lengths, embed, mode):
    """LLM2Vec, llm2vec/llm2vec.py get_pooling: over the embedded tokens of each sequence."""
    hidden = g.give("hidden", g.normal(sum(lengths), 24))
    mask = torch.tensor(embed, dtype=torch.bool)
    g.give("embed", mask, grad=False)
    rows = []
    for span in spans(lengths):
        kept = hidden[span][mask[span]]
        weights = torch.arange(1, len(kept) + 1, dtype=torch.float32)
        rows.append(
            {
                "mean": lambda: kept.mean(0),
                "weighted_mean": lambda: (kept * (weights / weights.sum())[:, None]).sum(0),
                "last": lambda: kept[-1],
                "eos": lambda: kept[-1],
                "cls": lambda: hidden[span][0],
            }[mode]()
        )
    g.answer(y=torch.stack(rows))


for mode in ("mean", "weighted_mean", "last", "eos", "cls"):
    # A whole sequence, an instruction left out, one token alone, a hole in the middle, and a tail left out.
    embed = [1] * 6 + [0, 0, 0, 1, 1, 1, 1] + [1] + [1, 0, 1, 1] + [0, 1, 1, 0]
    case(f"pooling_{mode}", lengths=[6, 7, 1, 4, 4], embed=embed, mode=mode)(pooling)


# Losses ------------------------------------------------------------------------------------------------------------


@case("cross_entropy", kind="loss")
def cross_entropy(g):
    logits = g.give("logits", g.normal(9, 33, scale=4.0))
    g.answer(loss=F.cross_entropy(logits, g.give("targets", g.integers(33, 9), grad=False)))


@case("linear_cross_entropy", kind="loss")
def linear_cross_entropy(g):
    """Masked next-token prediction: logits are made at the selected rows only."""
    hidden, head = g.give("hidden", g.normal(20, 24)), g.give("head", g.normal(51, 24, scale=0.4))
    rows = g.give("rows", torch.tensor([0, 3, 4, 9, 13, 18, 19]), grad=False)
    g.answer(loss=F.cross_entropy(F.linear(hidden[rows], head), g.give("targets", g.integers(51, 7), grad=False)))


def features(g, images, texts, width=24):
    return (F.normalize(g.give(n, g.normal(rows, width)), dim=-1) for n, rows in (("a", images), ("b", texts)))


@case("clip_loss", kind="loss", log_scale=2.6592)
def clip_loss(g, log_scale):
    """open_clip, src/open_clip/loss.py ClipLoss (one process)."""
    a, b = features(g, 12, 12)
    scale = g.give("log_scale", torch.tensor(log_scale)).exp()
    labels = torch.arange(12)
    per_image, per_text = scale * a @ b.T, scale * b @ a.T
    g.answer(loss=(F.cross_entropy(per_image, labels) + F.cross_entropy(per_text, labels)) / 2)


@case("siglip_loss", kind="loss", log_scale=2.3026, bias=-10.0)
def siglip_loss(g, log_scale, bias):
    """open_clip, src/open_clip/loss.py SigLipLoss (one process)."""
    a, b = features(g, 12, 12)
    scale, shift = g.give("log_scale", torch.tensor(log_scale)).exp(), g.give("bias", torch.tensor(bias))
    signs = 2 * torch.eye(12) - 1
    g.answer(loss=-F.logsigmoid(signs * (scale * a @ b.T + shift)).sum() / 12)


def info_nce(g, scale, documents):
    """LLM2Vec, llm2vec/loss/HardNegativeNLLLoss.py: positives first, then the hard negatives, one direction."""
    q, d = features(g, 9, documents)
    g.answer(loss=F.cross_entropy(q @ d.T * scale, torch.arange(9)))


for scale in (20, 50):
    case(f"info_nce_scale_{scale}", kind="loss", scale=float(scale), documents=9)(info_nce)
    case(f"info_nce_scale_{scale}_hard_negatives", kind="loss", scale=float(scale), documents=18)(info_nce)


def main() -> None:
    root = pathlib.Path(__file__).resolve().parents[2]
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/golden/blocks"
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.safetensors"):
        stale.unlink()
    for golden in [run() for run in CASES] + sublayer_cases() + training_cases():
        golden.save(folder)
        print(golden.case)


if __name__ == "__main__":
    main()
