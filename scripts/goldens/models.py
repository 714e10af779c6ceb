"""Goldens of the published architectures: tiny models from a seed, run in PyTorch, written down.

Needs: torch, transformers, peft, safetensors. Run from the repository's root:

    python scripts/goldens/models.py

Every case is one file, tests/golden/models/CASE.safetensors, with
    weight.NAME    the model's own parameters under their published names
    input.NAME     what went in (ids, pixels, masks)
    output.NAME    what came out
    grad.NAME      gradients of the case's scalar loss with respect to every trainable parameter
and one metadata key, `golden`: JSON with the case, the configuration as in config.json, the seed and
the versions of the libraries. Everything is float32 on one thread; nothing here reads a clock.
"""

import json
import math
import pathlib

import peft
import safetensors
import torch
import transformers
from safetensors.torch import save_file
from torch import nn

SEED = 20411
OUT = pathlib.Path("tests/golden/models")


def versions():
    return {m.__name__: m.__version__ for m in (torch, transformers, peft, safetensors)}


def randomise(model, seed):
    """No parameter stays at zero or one, where a swapped or dropped one would not show."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        noise = torch.randn(p.shape, generator=generator)
        if name == "logit_scale":
            p.data.fill_(math.log(1 / 0.07))
        elif p.ndim == 1 and name.endswith("bias"):
            p.data.copy_(0.2 * noise)
        elif p.ndim == 1 and "class_embedding" not in name:
            p.data.copy_(1 + 0.2 * noise)
        elif "embed" in name:
            p.data.copy_(0.5 * noise)
        else:
            p.data.copy_(1.2 * noise / math.sqrt(p[0].numel()))


def write(case, config, weights, inputs, outputs, grads=None):
    OUT.mkdir(parents=True, exist_ok=True)
    groups = {"weight": weights, "input": inputs, "output": outputs, "grad": grads or {}}
    tensors = {}
    for group, members in groups.items():
        for name, tensor in members.items():
            tensors[f"{group}.{name}"] = tensor.detach().clone().contiguous()
    golden = {"case": case, "config": config, "seed": SEED, "versions": versions()}
    path = OUT / f"{case}.safetensors"
    save_file(tensors, path, metadata={"golden": json.dumps(golden, sort_keys=True)})
    print(f"{path}  {path.stat().st_size} bytes  {len(tensors)} tensors")


def named_grads(model):
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def plain(config):
    """config.json as it would be written."""
    return json.loads(config.to_json_string(use_diff=False))


def own_weights(model):
    return dict(model.named_parameters())


# ---------------------------------------------------------------- CLIP


def clip(case, act, eos, vision, text, projection, seed):
    config = transformers.CLIPConfig(
        vision_config=dict(
            hidden_size=vision["width"], intermediate_size=vision["mlp"], num_hidden_layers=2,
            num_attention_heads=vision["heads"], image_size=12, patch_size=4, hidden_act=act,
            layer_norm_eps=vision["eps"], projection_dim=projection,
        ),
        text_config=dict(
            vocab_size=48, max_position_embeddings=10, hidden_size=text["width"],
            intermediate_size=text["mlp"], num_hidden_layers=2, num_attention_heads=text["heads"],
            hidden_act=act, eos_token_id=eos, bos_token_id=0, pad_token_id=1, projection_dim=projection,
        ),
        projection_dim=projection,
        attn_implementation="eager",
    )
    model = transformers.CLIPModel(config).eval()
    randomise(model, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    pixels = torch.randn(3, 3, 12, 12, generator=generator)
    # Sequences of 4, 10 and 7 ids ending in the largest id, 47, which nothing before it is; padded
    # with smaller ids as OpenAI's tokenizer does (what is behind the end may not matter).
    lengths = [4, 10, 7]
    ids = torch.randint(3, 47, (3, 10), generator=generator)
    ids[:, 0] = 46
    for row, length in enumerate(lengths):
        ids[row, length - 1] = 47
        ids[row, length:] = 1
    out = model(
        input_ids=ids, pixel_values=pixels, return_loss=True, output_hidden_states=True
    )
    out.loss.backward()
    # The towers' pooler outputs are the projections' own output here, not yet normalised.
    outputs = {
        "image_features": out.vision_model_output.pooler_output,
        "text_features": out.text_model_output.pooler_output,
        "loss": out.loss.reshape(1),
    }
    for i, h in enumerate(out.vision_model_output.hidden_states):
        outputs[f"vision_hidden.{i}"] = h
    for i, h in enumerate(out.text_model_output.hidden_states):
        outputs[f"text_hidden.{i}"] = h
    inputs = {"pixels": pixels, "ids": ids, "lengths": torch.tensor(lengths)}
    write(case, plain(config), own_weights(model), inputs, outputs, named_grads(model))


# ---------------------------------------------------------------- OpenAI's own layout


class QuickGelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class ResBlock(nn.Module):
    """The residual block as OpenAI wrote it: torch's attention with its stacked in-projection."""

    def __init__(self, width, heads, mlp, mask):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, mlp))
        self.mlp.add_module("gelu", QuickGelu())
        self.mlp.add_module("c_proj", nn.Linear(mlp, width))
        self.ln_2 = nn.LayerNorm(width)
        self.mask = mask

    def forward(self, x):  # [length, batch, width]
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=self.mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, heads, mlp, layers, mask=None):
        super().__init__()
        self.resblocks = nn.Sequential(*[ResBlock(width, heads, mlp, mask) for _ in range(layers)])

    def forward(self, x):
        return self.resblocks(x.permute(1, 0, 2)).permute(1, 0, 2)


class Visual(nn.Module):
    def __init__(self, width, heads, mlp, patch, image, out):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros((image // patch) ** 2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, heads, mlp, 2)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.zeros(width, out))

    def forward(self, pixels):
        x = self.conv1(pixels).flatten(2).permute(0, 2, 1)
        cls = self.class_embedding.expand(len(x), 1, -1)
        x = torch.cat([cls, x], 1) + self.positional_embedding
        x = self.transformer(self.ln_pre(x))
        return self.ln_post(x[:, 0]) @ self.proj


class OpenAiClip(nn.Module):
    def __init__(self, width, heads, mlp, vocab, positions, out, visual):
        super().__init__()
        self.visual = visual
        mask = torch.full((positions, positions), -math.inf).triu(1)
        self.transformer = Transformer(width, heads, mlp, 2, mask)
        self.token_embedding = nn.Embedding(vocab, width)
        self.positional_embedding = nn.Parameter(torch.zeros(positions, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(width, out))
        self.logit_scale = nn.Parameter(torch.zeros([]))

    def encode_text(self, ids):
        x = self.transformer(self.token_embedding(ids) + self.positional_embedding)
        x = self.ln_final(x)
        return x[torch.arange(len(x)), ids.argmax(-1)] @ self.text_projection


def openai_clip():
    torch.manual_seed(SEED + 20)
    visual = Visual(width=16, heads=2, mlp=24, patch=4, image=8, out=10)
    model = OpenAiClip(width=12, heads=2, mlp=20, vocab=20, positions=6, out=10, visual=visual)
    randomise(model.eval(), SEED + 20)
    generator = torch.Generator().manual_seed(SEED + 21)
    pixels = torch.randn(2, 3, 8, 8, generator=generator)
    ids = torch.tensor([[18, 5, 3, 19, 0, 0], [18, 7, 7, 1, 4, 19]])
    config = {
        "projection_dim": 10,
        "vision_config": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
                          "num_attention_heads": 2, "image_size": 8, "patch_size": 4,
                          "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5},
        "text_config": {"vocab_size": 20, "max_position_embeddings": 6, "hidden_size": 12,
                        "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2,
                        "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "eos_token_id": 2},
    }
    with torch.no_grad():
        outputs = {"image_features": model.visual(pixels), "text_features": model.encode_text(ids)}
    inputs = {"pixels": pixels, "ids": ids, "lengths": torch.tensor([4, 6])}
    write("clip_openai_names", config, own_weights(model), inputs, outputs)


# ---------------------------------------------------------------- Llama


LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}


def llama_config(**over):
    base = dict(
        vocab_size=56, hidden_size=32, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
        rms_norm_eps=1e-5, rope_parameters=dict(LLAMA3), tie_word_embeddings=True,
        attention_bias=False, mlp_bias=False, attn_implementation="eager",
    )
    base.update(over)
    return transformers.LlamaConfig(**base)


def llama_causal(case, config, seed):
    """Right-padded causal batch with the language model's own shifted loss."""
    model = transformers.LlamaForCausalLM(config).eval()
    randomise(model, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    lengths = [9, 3, 24]
    ids = torch.randint(0, config.vocab_size, (3, 24), generator=generator)
    mask = torch.arange(24)[None] < torch.tensor(lengths)[:, None]
    labels = ids.masked_fill(~mask, -100)
    out = model(
        input_ids=ids, attention_mask=mask.long(), labels=labels, output_hidden_states=True,
        use_cache=False,
    )
    out.loss.backward()
    outputs = {"logits": out.logits, "loss": out.loss.reshape(1),
               "inv_freq": model.model.rotary_emb.inv_freq}
    for i, h in enumerate(out.hidden_states):
        outputs[f"hidden.{i}"] = h
    inputs = {"ids": ids, "lengths": torch.tensor(lengths)}
    write(case, plain(config), own_weights(model), inputs, outputs, named_grads(model))


def bidirectional_mask(mask):
    """LLM2Vec's: all zeros except padding key columns, which get the smallest number."""
    additive = torch.zeros(len(mask), 1, mask.shape[1], mask.shape[1])
    return additive.masked_fill(~mask[:, None, None, :], torch.finfo(torch.float32).min)


def left_padded(vocab, lengths, width, generator):
    ids = torch.randint(0, vocab, (len(lengths), width), generator=generator)
    mask = torch.arange(width)[None] >= width - torch.tensor(lengths)[:, None]
    return ids.masked_fill(~mask, 2), mask


def pooled(hidden, mask, embed):
    """The poolings of LLM2Vec over left-padded rows; `embed` marks the tokens that count."""
    weights = embed.cumsum(1) * embed
    mean = (hidden * embed[..., None]).sum(1) / embed.sum(1, keepdim=True)
    weighted = (hidden * weights[..., None]).sum(1) / weights.sum(1, keepdim=True)
    first = mask.int().argmax(1)
    return {
        "mean": mean, "weighted_mean": weighted, "last": hidden[:, -1],
        "cls": hidden[torch.arange(len(hidden)), first],
    }


def llama_bidirectional():
    config = llama_config()
    model = transformers.LlamaModel(config).eval()
    randomise(model, SEED + 40)
    generator = torch.Generator().manual_seed(SEED + 41)
    lengths = [5, 11, 2]
    ids, mask = left_padded(config.vocab_size, lengths, 11, generator)
    out = model(
        input_ids=ids, attention_mask=bidirectional_mask(mask), output_hidden_states=True,
        use_cache=False,
    )
    # One instruction token in front of every text is attended and not pooled.
    embed = mask & (mask.cumsum(1) > 1)
    poolings = pooled(out.last_hidden_state, mask, embed)
    unit = nn.functional.normalize(poolings["mean"], dim=-1)
    cotangent = torch.randn(unit.shape, generator=generator)
    loss = (unit * cotangent).sum()
    loss.backward()
    outputs = {"unit_mean": unit, "loss": loss.reshape(1)}
    outputs.update({f"pool.{k}": v for k, v in poolings.items()})
    for i, h in enumerate(out.hidden_states):
        outputs[f"hidden.{i}"] = h
    weights = {f"model.{n}": p for n, p in model.named_parameters()}
    grads = {f"model.{n}": g for n, g in named_grads(model).items()}
    inputs = {"ids": ids, "lengths": torch.tensor(lengths), "cotangent": cotangent,
              "embed": embed.long()}
    write("llama_bidirectional", plain(config), weights, inputs, outputs, grads)


def llama_lora():
    """PEFT around the inner model, as LLM2Vec does: forward beside the base, and merged into it."""
    config = llama_config(num_hidden_layers=1, tie_word_embeddings=True)
    base = transformers.LlamaModel(config).eval()
    randomise(base, SEED + 50)
    weights = {f"model.{n}": p.detach().clone() for n, p in base.named_parameters()}
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    lora = peft.LoraConfig(r=3, lora_alpha=6, lora_dropout=0.0, bias="none", target_modules=targets)
    model = peft.get_peft_model(base, lora).eval()
    generator = torch.Generator().manual_seed(SEED + 51)
    for name, p in sorted(model.named_parameters()):
        if "lora_" in name:
            p.data.copy_(0.3 * torch.randn(p.shape, generator=generator))
    lengths = [6, 3]
    ids, mask = left_padded(config.vocab_size, lengths, 6, generator)
    arguments = dict(input_ids=ids, attention_mask=bidirectional_mask(mask), use_cache=False)
    hidden = model(**arguments).last_hidden_state
    cotangent = torch.randn(hidden.shape, generator=generator) * mask[..., None]
    loss = (hidden * cotangent).sum() / mask.sum()
    loss.backward()
    grads = named_grads(model)
    for name, p in model.named_parameters():
        if "lora_" in name:
            weights[name] = p.detach().clone()
    merged = model.merge_and_unload()
    with torch.no_grad():
        merged_hidden = merged(**arguments).last_hidden_state
    outputs = {"hidden": hidden, "merged_hidden": merged_hidden, "loss": loss.reshape(1)}
    for name, p in merged.named_parameters():
        if any(target in name for target in targets):
            outputs[f"merged.model.{name}"] = p
    settings = plain(config) | {"lora": {"r": 3, "alpha": 6, "targets": targets}}
    inputs = {"ids": ids, "lengths": torch.tensor(lengths), "cotangent": cotangent}
    write("llama_lora", settings, weights, inputs, outputs, grads)


# ---------------------------------------------------------------- LLM2CLIP


class LinearBlock(nn.Module):
    """x + Linear(2d -> d)(GELU(Linear(d -> 2d)(LayerNorm(x)))); dropout is 0 and keeps its slot."""

    def __init__(self, d):
        super().__init__()
        self.fn = nn.Sequential(
            nn.Linear(d, 2 * d), nn.GELU(), nn.Dropout(0.0), nn.Linear(2 * d, d), nn.Dropout(0.0)
        )
        self.ln = nn.LayerNorm(d)

    def forward(self, x):
        return x + self.fn(self.ln(x))


class Adapter(nn.Module):
    def __init__(self, d, out):
        super().__init__()
        self.text_adapter = nn.Module()
        self.text_adapter.adaptor = nn.Sequential(
            *[LinearBlock(d) for _ in range(4)], nn.LayerNorm(d), nn.Linear(d, out)
        )

    def forward(self, x, normalise):
        if normalise:
            x = nn.functional.normalize(x, p=2, dim=-1)
        return self.text_adapter.adaptor(x)


def adapter():
    d, out = 16, 12
    model = Adapter(d, out).eval()
    randomise(model, SEED + 60)
    generator = torch.Generator().manual_seed(SEED + 61)
    rows = 3 * torch.randn(5, d, generator=generator)
    cotangent = torch.randn(5, out, generator=generator)
    features = model(rows, True)
    loss = (nn.functional.normalize(features, dim=-1) * cotangent).sum()
    loss.backward()
    outputs = {"features": features, "live": model(rows, False), "loss": loss.reshape(1)}
    x = nn.functional.normalize(rows, dim=-1)
    for i, block in enumerate(model.text_adapter.adaptor):
        x = block(x)
        outputs[f"block.{i}"] = x
    config = {"width": d, "projection": out}
    inputs = {"rows": rows, "cotangent": cotangent}
    write("llm2clip_adapter", config, own_weights(model), inputs, outputs, named_grads(model))


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    # A seed where the logit scale's gradient is not the small rest of large terms, which float32
    # cannot tell to 1e-4 on either side.
    clip("clip_quick_gelu", "quick_gelu", 2, dict(width=24, heads=3, mlp=40, eps=1e-5),
         dict(width=16, heads=2, mlp=28), 20, SEED + 6)
    clip("clip_gelu", "gelu", 47, dict(width=16, heads=2, mlp=24, eps=1e-6),
         dict(width=12, heads=1, mlp=20), 14, SEED + 10)
    openai_clip()
    llama_causal("llama_causal_tied_llama3", llama_config(), SEED + 30)
    plain_rope = {"rope_type": "default", "rope_theta": 500000.0}
    llama_causal("llama_causal_untied", llama_config(
        hidden_size=24, num_attention_heads=2, num_key_value_heads=2, head_dim=10,
        intermediate_size=32, rope_parameters=plain_rope, tie_word_embeddings=False,
        rms_norm_eps=1e-6), SEED + 35)
    llama_bidirectional()
    llama_lora()
    adapter()


if __name__ == "__main__":
    main()
