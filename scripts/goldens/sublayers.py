"""Goldens of whole sub-layers (norm, products, residual), from transformers' own modules. Part of blocks.py."""

import torch
from golden import Golden

LENGTHS = [5, 1, 9]


def record(g: Golden, module: torch.nn.Module, frozen: tuple[str, ...] = ()) -> None:
    """Draw every parameter, small enough that no row saturates, and record it under PEFT's name in files."""
    for name, parameter in module.named_parameters():
        short = name.replace(".base_layer", "").replace(".default", "")
        norm = "norm" in name and name.endswith("weight")
        value = g.normal(*parameter.shape, scale=0.25, shift=1.0 if norm else 0.0)
        g.give(short, value, grad=False)
        with torch.no_grad():
            parameter.copy_(value)
        if any(part in name for part in frozen):
            parameter.requires_grad_(False)
        if parameter.requires_grad:
            g.leaves[short] = parameter


def packed(x: torch.Tensor, run) -> torch.Tensor:
    """`run` on every sequence alone, a batch of one."""
    return torch.cat([run(part[None])[0] for part in x.split(LENGTHS)])


def clip_layer(g: Golden, causal: bool):
    from transformers import CLIPTextConfig
    from transformers.models.clip.modeling_clip import CLIPEncoderLayer

    config = CLIPTextConfig(hidden_size=24, num_attention_heads=3, intermediate_size=52, hidden_act="quick_gelu", layer_norm_eps=1e-5)
    config._attn_implementation = "eager"

    def mask(x):
        length = x.shape[1]
        return torch.full((length, length), -torch.inf).triu(1)[None, None] if causal else None

    return CLIPEncoderLayer(config), mask


def clip_attention(case: str, causal: bool) -> Golden:
    g = Golden(case, "block", ("torch", "transformers"), lengths=LENGTHS, heads=3, kv_heads=3, causal=causal, eps=1e-5)
    layer, mask = clip_layer(g, causal)
    parts = torch.nn.ModuleDict({"norm": layer.layer_norm1, "attention": layer.self_attn})
    record(g, parts)
    x = g.give("x", g.normal(sum(LENGTHS), 24))
    g.answer(y=packed(x, lambda x: x + layer.self_attn(layer.layer_norm1(x), attention_mask=mask(x))[0]))
    return g


def clip_mlp(case: str) -> Golden:
    g = Golden(case, "block", ("torch", "transformers"), eps=1e-5)
    layer, _ = clip_layer(g, causal=False)
    record(g, torch.nn.ModuleDict({"norm": layer.layer_norm2, "mlp": layer.mlp}))
    x = g.give("x", g.normal(15, 24))
    g.answer(y=x + layer.mlp(layer.layer_norm2(x)))
    return g


def llama_layer(rank: int, alpha: int):
    from peft import LoraConfig, inject_adapter_in_model
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRotaryEmbedding

    config = LlamaConfig(
        hidden_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=8, intermediate_size=52,
        rms_norm_eps=1e-5, rope_parameters={"rope_theta": 10000.0, "rope_type": "default"},
    )  # fmt: skip
    config._attn_implementation = "eager"
    layer = LlamaDecoderLayer(config, 0)
    if rank:
        targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        layer = inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=targets), layer)
    return layer, LlamaRotaryEmbedding(config)


# With LoRA everything else is frozen, the norms too.
FROZEN = ("base_layer", "norm")


def llama_attention(case: str, causal: bool, rank: int) -> Golden:
    constants = {"lengths": LENGTHS, "heads": 4, "kv_heads": 2, "causal": causal, "eps": 1e-5, "theta": 10000.0, "r": rank, "alpha": 8}
    g = Golden(case, "block", ("torch", "transformers") + (("peft",) if rank else ()), **constants)
    layer, rope = llama_layer(rank, 8)
    record(g, torch.nn.ModuleDict({"norm": layer.input_layernorm, "attention": layer.self_attn}), FROZEN if rank else ())
    x = g.give("x", g.normal(sum(LENGTHS), 32))

    def run(x):
        length = x.shape[1]
        mask = torch.full((length, length), -torch.inf).triu(1)[None, None] if causal else torch.zeros(1, 1, length, length)
        positions = rope(x, torch.arange(length)[None])
        return x + layer.self_attn(layer.input_layernorm(x), position_embeddings=positions, attention_mask=mask)[0]

    g.answer(y=packed(x, run))
    return g


def llama_mlp(case: str, rank: int) -> Golden:
    g = Golden(case, "block", ("torch", "transformers") + (("peft",) if rank else ()), eps=1e-5, r=rank, alpha=8)
    layer, _ = llama_layer(rank, 8)
    record(g, torch.nn.ModuleDict({"norm": layer.post_attention_layernorm, "mlp": layer.mlp}), FROZEN if rank else ())
    x = g.give("x", g.normal(15, 32))
    g.answer(y=x + layer.mlp(layer.post_attention_layernorm(x)))
    return g


def sublayer_cases() -> list[Golden]:
    return [
        clip_attention("sublayer_clip_attention_bidirectional", causal=False),
        clip_attention("sublayer_clip_attention_causal", causal=True),
        clip_mlp("sublayer_clip_mlp"),
        llama_attention("sublayer_llama_attention_causal", causal=True, rank=0),
        llama_attention("sublayer_llama_attention_bidirectional_lora", causal=False, rank=4),
        llama_mlp("sublayer_llama_mlp", rank=0),
        llama_mlp("sublayer_llama_mlp_lora", rank=4),
    ]
