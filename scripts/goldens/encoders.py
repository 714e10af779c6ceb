"""Model folders and files as other programs write them, tiny, with the rows they give in PyTorch.

Needs: torch, transformers, peft, safetensors, tokenizers, Pillow, gguf. Run from the repository's root:

    python scripts/goldens/encoders.py

Writes tests/golden/encoders/: folders as transformers and PEFT save them, GGUF files as the gguf package
writes them, and expected.safetensors with what the reference gave for each (token ids and states of the
texts in TEXTS, rows of the pictures in tests/golden/pictures). Everything is float32 on one thread.
"""

import json
import pathlib
import shutil

import gguf
import numpy as np
import peft
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SEED = 60411
OUT = pathlib.Path("tests/golden/encoders")
PICTURES = pathlib.Path("tests/golden/pictures")
TEXTS = [
    "a dog runs on the beach",
    "A man's 1234 horses, and 56 dogs!",
    "two  spaces\nand a line",
    "Grüße aus 서울 🙂",
]
CORPUS = [
    "a dog runs on the beach and a man rides a horse", "the man's dog and the woman's horse",
    "two horses and a dog stand on the sand", "a line of men in the rain, a dog, 12 horses and 345 birds",
    "a woman runs with the dog on a beach", "he said: the dogs aren't here, they've run to the sea!",
] * 4
EXPECTED = {}


def versions():
    modules = (torch, transformers, peft)
    return {m.__name__: m.__version__ for m in modules} | {"gguf": "0.19.0"}


def expect(case, **tensors):
    for name, tensor in tensors.items():
        EXPECTED[f"{case}.{name}"] = torch.as_tensor(tensor).detach().clone().contiguous()


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        noise = torch.randn(p.shape, generator=generator)
        if p.ndim == 0:
            p.data.fill_(2.5)
        elif p.ndim == 1 and name.endswith("bias"):
            p.data.copy_(0.2 * noise)
        elif p.ndim == 1 and "class_embedding" not in name:
            p.data.copy_(1 + 0.2 * noise)
        elif "embed" in name:
            p.data.copy_(0.5 * noise)
        else:
            p.data.copy_(1.2 * noise / p[0].numel() ** 0.5)


# ---------------------------------------------------------------- tokenizers


def byte_level(vocab):
    """SmolLM's kind: digits alone, then GPT-2's pattern, bytes as letters."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=["<|start|>", "<|end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def with_bos(tokenizer, bos):
    token = tokenizer.id_to_token(bos)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A $B", special_tokens=[(token, bos)])
    return tokenizer


def sentence_piece(vocab):
    """Llama 2's kind: spaces as a letter, bytes for what is unknown, no pre-tokenizer."""
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    marks = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.normalizer = marks
    # Words apart while training only, so that merges stay within them.
    trained.pre_tokenizer = pre_tokenizers.Split(Regex("▁"), "merged_with_next")
    trained.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=special, show_progress=False))
    trained.pre_tokenizer = None
    trained.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    # The byte tokens are no special tokens in a Llama's own file.
    parts = json.loads(trained.to_str())
    parts["added_tokens"] = parts["added_tokens"][:3]
    return with_bos(Tokenizer.from_str(json.dumps(parts)), 1)


def clip_like():
    """CLIP's kind: lower case, words ended with a mark, BOS and EOS around."""
    # Merges by hand: training breaks ties in another order every time.
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    table = {letter: i for i, letter in enumerate(letters + [letter + "</w>" for letter in letters])}
    merges = [("d", "o"), ("do", "g</w>"), ("do", "g"), ("dog", "s</w>"), ("t", "h"), ("th", "e</w>"), ("b", "e"),
              ("a", "c"), ("be", "ac"), ("beac", "h</w>"), ("r", "u"), ("ru", "n"), ("run", "s</w>"), ("o", "n</w>"),
              ("h", "o"), ("ho", "r"), ("hor", "s"), ("e", "s</w>"), ("hors", "es</w>"), ("a", "n"), ("an", "d</w>")]
    for pair in merges:
        table["".join(pair)] = len(table)
    ends = ["<|startoftext|>", "<|endoftext|>"]
    for end in ends:
        table[end] = len(table)
    tokenizer = Tokenizer(models.BPE(vocab=table, merges=merges, unk_token=ends[1], end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed",
                             invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    parts = json.loads(tokenizer.to_str())
    parts["added_tokens"] = [
        {"id": table[end], "content": end, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True} for end in ends]
    tokenizer = Tokenizer.from_str(json.dumps(parts))
    bos, eos = (tokenizer.token_to_id(end) for end in ends)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>", special_tokens=[("<|startoftext|>", bos), ("<|endoftext|>", eos)])
    return tokenizer


def save_tokenizer(tokenizer, folder, **config):
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


# ---------------------------------------------------------------- Llamas


def llama_config(tokenizer, **over):
    base = dict(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5,
        tie_word_embeddings=True, attn_implementation="eager",
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    base.update(over)
    return transformers.LlamaConfig(**base)


@torch.no_grad()
def rows(case, trunk, tokenizer, bidirectional=False, skip_bos=False):
    """Ids, states and the mean of every text, one at a time: nothing is padded."""
    for i, text in enumerate(TEXTS):
        ids = torch.tensor([tokenizer.encode(text).ids])
        length = ids.shape[1]
        mask = torch.zeros(1, 1, length, length)
        if not bidirectional:
            mask = mask.masked_fill(torch.ones(length, length).triu(1).bool(), torch.finfo(torch.float32).min)
        states = trunk(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[0]
        mean = states[int(skip_bos):].mean(0)
        unit = torch.nn.functional.normalize(mean, dim=-1)
        expect(case, **{f"ids.{i}": ids[0].int(), f"mean.{i}": unit})


def save_llama(model, tokenizer, folder, shards=None, **config):
    folder.mkdir(parents=True)
    model.save_pretrained(folder, **({"max_shard_size": shards} if shards else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    save_tokenizer(tokenizer, folder, **config)


def llamas():
    tokenizer = with_bos(byte_level(288), 0)
    rope = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
    model = transformers.LlamaForCausalLM(llama_config(tokenizer, rope_parameters=rope)).eval()
    randomise(model, SEED)
    save_llama(model, tokenizer, OUT / "llama", bos_token="<|start|>", eos_token="<|end|>",
               tokenizer_class="PreTrainedTokenizerFast")
    rows("llama", model.model, tokenizer)

    plain = byte_level(280)
    for case, scaling in (("sharded", {"rope_type": "linear", "factor": 2.0}),
                          ("dynamic", {"rope_type": "dynamic", "factor": 4.0})):
        rope = scaling | {"rope_theta": 500.0}
        config = llama_config(plain, hidden_size=24, num_attention_heads=3, num_key_value_heads=3, head_dim=6,
                              num_hidden_layers=1, rope_parameters=rope, tie_word_embeddings=False)
        other = transformers.LlamaForCausalLM(config).eval()
        randomise(other, SEED + 1)
        other = other.to(torch.bfloat16).float()
        rows(case, other.model, plain)
        save_llama(other.to(torch.bfloat16), plain, OUT / case, shards="16KB", bos_token="<|start|>",
                   eos_token="<|end|>", tokenizer_class="PreTrainedTokenizerFast")
    return tokenizer


TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def lora(name, base, seed, **config):
    lora = peft.LoraConfig(lora_dropout=0.0, bias="none", target_modules=TARGETS, **config)
    model = peft.get_peft_model(base, lora).eval()
    generator = torch.Generator().manual_seed(seed)
    for key, p in sorted(model.named_parameters()):
        if "lora_" in key:
            p.data.copy_(0.2 * torch.randn(p.shape, generator=generator))
    model.save_pretrained(OUT / name)
    path = OUT / name / "adapter_config.json"
    settings = json.loads(path.read_text()) | {"base_model_name_or_path": "../llama"}
    # A set, written in any order.
    settings["target_modules"] = sorted(settings["target_modules"])
    path.write_text(json.dumps(settings))
    (OUT / name / "README.md").unlink(missing_ok=True)
    return model.merge_and_unload()


def loras(tokenizer):
    """LLM2Vec's way: the inner model wrapped, merged, wrapped and merged again."""
    trunk = transformers.LlamaModel.from_pretrained(OUT / "llama", attn_implementation="eager").eval()
    one = lora("lora_mntp", trunk, SEED + 10, r=2, lora_alpha=4)
    rows("lora_mntp", one, tokenizer, bidirectional=True)
    two = lora("lora_cc", one, SEED + 11, r=4, lora_alpha=4, use_rslora=True,
               rank_pattern={"down_proj": 2, r"layers\.1\.self_attn\.q_proj": 3}, alpha_pattern={"up_proj": 16})
    settings = {"pooling_mode": "mean", "max_length": 48, "doc_max_length": 48, "skip_instruction": True}
    (OUT / "lora_cc" / "llm2vec_config.json").write_text(json.dumps(settings))
    rows("stack", two, tokenizer, bidirectional=True, skip_bos=True)


# ---------------------------------------------------------------- GGUF


def permuted(weight, heads):
    """Rows of a query or key projection in GGUF's order."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
         "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def gguf_name(name):
    if name == "embed_tokens.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    _, layer, rest = name.split(".", 2)
    return f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"


def write_gguf(case, model, tokenizer, kind, tokens, rope_freqs=None):
    """One file; the model's weights become what was stored, so that it is its own reference."""
    config = model.config
    writer = gguf.GGUFWriter(OUT / f"{case}.gguf", "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    tokens(writer, tokenizer)
    if rope_freqs is not None:
        writer.add_tensor("rope_freqs.weight", np.asarray(rope_freqs, dtype=np.float32))
    for name, p in model.named_parameters():
        weight = p.detach().numpy()
        stored = gguf.GGMLQuantizationType.F32 if weight.ndim == 1 else kind
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        heads = next((n for part, n in heads.items() if part in name), None)
        order = weight if heads is None else permuted(weight, heads)
        raw = gguf.quants.quantize(np.ascontiguousarray(order), stored)
        back = gguf.quants.dequantize(raw, stored).reshape(order.shape)
        if heads is not None:
            back = back.reshape(heads, order.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(order.shape)
        p.data.copy_(torch.from_numpy(np.ascontiguousarray(back)))
        writer.add_tensor(gguf_name(name), raw, raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    rows(case, model, tokenizer)


def bpe_tokens(pre, add_bos):
    def write(writer, tokenizer):
        parts = json.loads(tokenizer.to_str())
        table = sorted(parts["model"]["vocab"].items(), key=lambda item: item[1])
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list([token for token, _ in table])
        writer.add_token_types([3 if id < 2 else 1 for _, id in table])
        writer.add_token_merges([" ".join(pair) for pair in parts["model"]["merges"]])
        writer.add_bos_token_id(0)
        writer.add_eos_token_id(1)
        writer.add_add_bos_token(add_bos)
    return write


def spm_tokens(writer, tokenizer):
    parts = json.loads(tokenizer.to_str())
    table = sorted(parts["model"]["vocab"].items(), key=lambda item: item[1])
    rank = {"".join(pair): i for i, pair in reversed(list(enumerate(parts["model"]["merges"])))}
    kinds = [2, 3, 3] + [6] * 256
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _ in table])
    writer.add_token_scores([float(-rank.get(token, 100000)) for token, _ in table])
    writer.add_token_types([kinds[id] if id < len(kinds) else 1 for _, id in table])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def ggufs():
    kinds = gguf.GGMLQuantizationType
    for i, (case, kind) in enumerate({"q8_0": kinds.Q8_0, "q4_1": kinds.Q4_1, "f16": kinds.F16}.items()):
        tokenizer = byte_level(280)
        model = transformers.LlamaModel(llama_config(tokenizer)).eval()
        randomise(model, SEED + 20 + i)
        write_gguf(case, model, tokenizer, kind, bpe_tokens("smollm", False))
    # Llama 3.1's scaling, which such a file holds as one factor a frequency.
    tokenizer = with_bos(byte_level(280), 0)
    rope = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
    model = transformers.LlamaModel(llama_config(tokenizer, rope_parameters=rope)).eval()
    randomise(model, SEED + 30)
    plain = 10000.0 ** (-torch.arange(0, 8, 2).double() / 8)
    factors = plain / model.rotary_emb.inv_freq.double()
    write_gguf("llama3_q5_0", model, tokenizer, kinds.Q5_0, bpe_tokens("smollm", True), factors.numpy())
    tokenizer = sentence_piece(320)
    model = transformers.LlamaModel(llama_config(tokenizer)).eval()
    randomise(model, SEED + 31)
    write_gguf("spm_q8_0", model, tokenizer, kinds.Q8_0, spm_tokens)
    # Blocks of the types that nothing here writes: bytes at random, with small finite scales.
    generator = np.random.default_rng(SEED)
    half = np.float16(0.03125).tobytes()
    places = {kinds.Q2_K: (80, 82), kinds.Q3_K: (108,), kinds.Q4_K: (0, 2), kinds.Q5_K: (0, 2), kinds.Q6_K: (208,)}
    for kind, scales in places.items():
        _, size = gguf.GGML_QUANT_SIZES[kind]
        block = generator.integers(0, 256, (2, size), dtype=np.uint8)
        for at in scales:
            block[:, at:at + 2] = np.frombuffer(half, dtype=np.uint8)
        expect(f"block.{kind.name}", bytes=block, values=gguf.quants.dequantize(block, kind))


# ---------------------------------------------------------------- CLIP


@torch.no_grad()
def clip():
    folder = OUT / "clip"
    folder.mkdir(parents=True)
    tokenizer = clip_like()
    eos = tokenizer.token_to_id("<|endoftext|>")
    config = transformers.CLIPConfig(
        vision_config=dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
                           image_size=24, patch_size=8, hidden_act="gelu", layer_norm_eps=1e-5),
        text_config=dict(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=77, hidden_size=16,
                         intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, hidden_act="gelu",
                         eos_token_id=eos, bos_token_id=eos - 1, pad_token_id=1),
        projection_dim=20, attn_implementation="eager")
    model = transformers.CLIPModel(config).eval()
    randomise(model, SEED + 40)
    model.save_pretrained(folder)
    save_tokenizer(tokenizer, folder, bos_token="<|startoftext|>", eos_token="<|endoftext|>",
                   tokenizer_class="CLIPTokenizer")
    processor = transformers.CLIPImageProcessor(
        size={"shortest_edge": 30}, crop_size={"height": 24, "width": 24}, image_mean=[0.4, 0.5, 0.6],
        image_std=[0.3, 0.25, 0.2])
    processor.save_pretrained(folder)
    for i, text in enumerate(TEXTS):
        ids = torch.tensor([tokenizer.encode(text).ids])
        features = model.get_text_features(input_ids=ids, attention_mask=torch.ones_like(ids))
        features = getattr(features, "pooler_output", features)
        unit = torch.nn.functional.normalize(features[0], dim=-1)
        expect("clip", **{f"ids.{i}": ids[0].int(), f"text.{i}": unit})
    # Pixels by Pillow itself: the resized edges, the crop's corner and the numbers of the file above.
    for name in ("rgb-64x64.png", "rgb-37x23.png", "grey-31x17.png"):
        picture = Image.open(PICTURES / name).convert("RGB")
        width, height = picture.size
        size = (30, int(30 * height / width)) if width <= height else (int(30 * width / height), 30)
        picture = picture.resize(size, Image.BICUBIC)
        left, top = (size[0] - 24) // 2, (size[1] - 24) // 2
        pixels = np.asarray(picture.crop((left, top, left + 24, top + 24)), dtype=np.float32) / 255
        pixels = (pixels - np.float32([0.4, 0.5, 0.6])) / np.float32([0.3, 0.25, 0.2])
        pixels = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
        features = model.get_image_features(pixel_values=pixels)
        features = getattr(features, "pooler_output", features)
        unit = torch.nn.functional.normalize(features[0], dim=-1)
        expect("clip", **{f"image.{name}": unit})


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    if OUT.exists():
        shutil.rmtree(OUT)
    OUT.mkdir(parents=True)
    loras(llamas())
    ggufs()
    clip()
    golden = {"case": "encoders", "texts": TEXTS, "seed": SEED, "versions": versions()}
    save_file(EXPECTED, OUT / "expected.safetensors", metadata={"golden": json.dumps(golden, sort_keys=True)})
    for path in sorted(OUT.rglob("*")):
        if path.is_file():
            print(f"{path}  {path.stat().st_size} bytes")
    for path in OUT.rglob("*.safetensors"):
        load_file(path)


if __name__ == "__main__":
    main()
