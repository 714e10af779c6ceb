//! GGUF files: what they hold comes out, and no file, however wrong, does more than end in an error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use llm2clip::encode::{Config, Loaded, Sources};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encoders").join(name)
}

fn load(path: &Path) -> Result<Loaded, String> {
    let sources =
        Sources { checkpoints: PathBuf::from("no-such-folder"), device: Device::Cpu, weigh: false };
    sources.load(&path.display().to_string()).map_err(|error| {
        let mut text = error.to_string();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        text
    })
}

fn load_bytes(bytes: &[u8]) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    load(&path)
}

fn texts(words: &[&str]) -> Value {
    Value::Array(words.iter().map(|word| Value::String((*word).to_owned())).collect())
}

/// Keys of a Llama of one layer, 256 wide, with a tokenizer of six tokens.
fn keys() -> Vec<(&'static str, Value)> {
    vec![
        ("general.architecture", Value::String("llama".into())),
        ("llama.embedding_length", Value::U32(256)),
        ("llama.block_count", Value::U32(1)),
        ("llama.feed_forward_length", Value::U32(256)),
        ("llama.attention.head_count", Value::U32(4)),
        ("llama.attention.head_count_kv", Value::U32(2)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.rope.freq_base", Value::F32(100_000.0)),
        ("llama.context_length", Value::U32(32)),
        ("tokenizer.ggml.model", Value::String("gpt2".into())),
        ("tokenizer.ggml.pre", Value::String("llama-bpe".into())),
        ("tokenizer.ggml.tokens", texts(&["<s>", "</s>", "a", "b", "ab", "Ġ"])),
        ("tokenizer.ggml.token_type", Value::Array([3, 3, 1, 1, 1, 1].map(Value::I32).to_vec())),
        ("tokenizer.ggml.merges", texts(&["a b"])),
        ("tokenizer.ggml.bos_token_id", Value::U32(0)),
        ("tokenizer.ggml.eos_token_id", Value::U32(1)),
    ]
}

fn numbers(rows: usize, columns: usize, seed: usize) -> Tensor {
    let values = (0..rows * columns).map(|n| ((n * 31 + seed * 17) % 97) as f32 / 97.0 - 0.5);
    Tensor::from_vec(values.collect::<Vec<_>>(), (rows, columns), &Device::Cpu).unwrap()
}

const MATRICES: [(&str, usize); 7] = [
    ("blk.0.attn_q.weight", 256),
    ("blk.0.attn_k.weight", 128),
    ("blk.0.attn_v.weight", 128),
    ("blk.0.attn_output.weight", 256),
    ("blk.0.ffn_gate.weight", 256),
    ("blk.0.ffn_up.weight", 256),
    ("blk.0.ffn_down.weight", 256),
];

/// A file as candle writes it: matrices of one type, norms in f32.
fn file(kind: GgmlDType, keys: &[(&str, Value)], extra: &[(&str, QTensor)]) -> Vec<u8> {
    let mut tensors =
        vec![("token_embd.weight", QTensor::quantize(&numbers(6, 256, 9), kind).unwrap())];
    for (seed, (name, rows)) in MATRICES.iter().enumerate() {
        tensors.push((name, QTensor::quantize(&numbers(*rows, 256, seed), kind).unwrap()));
    }
    for name in ["output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight"] {
        let ones = Tensor::ones(256, candle_core::DType::F32, &Device::Cpu).unwrap();
        tensors.push((name, QTensor::quantize(&ones, GgmlDType::F32).unwrap()));
    }
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (*name, tensor))
        .chain(extra.iter().map(|(name, tensor)| (*name, tensor)))
        .collect();
    let keys: Vec<(&str, &Value)> = keys.iter().map(|(key, value)| (*key, value)).collect();
    let mut out = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut out, &keys, &tensors).unwrap();
    out.into_inner()
}

#[test]
fn every_type_that_candle_reads_comes_out_as_candle_reads_it() {
    use GgmlDType::{BF16, F16, F32, Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
    for kind in [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K] {
        let bytes = file(kind, &keys(), &[]);
        let loaded = load_bytes(&bytes).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        let mut reader = std::io::Cursor::new(&bytes);
        let candle = gguf_file::Content::read(&mut reader).unwrap();
        for (theirs, ours) in [
            ("token_embd.weight", "model.embed_tokens.weight"),
            ("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"),
            ("blk.0.ffn_down.weight", "model.layers.0.mlp.down_proj.weight"),
        ] {
            let wanted = candle.tensor(&mut reader, theirs, &Device::Cpu).unwrap();
            let wanted = wanted.dequantize(&Device::Cpu).unwrap();
            let apart = (&loaded.tensors[ours] - wanted).unwrap().abs().unwrap();
            assert_eq!(apart.max_all().unwrap().to_scalar::<f32>().unwrap(), 0.0, "{kind:?}");
        }
        assert_eq!(loaded.tensors.len(), 11);
    }
}

#[test]
fn the_keys_become_the_configuration_and_the_tokenizers_ends() {
    let loaded = load_bytes(&file(GgmlDType::F32, &keys(), &[])).unwrap();
    let Config::Llama(config) = &loaded.config else { panic!("a Llama") };
    assert_eq!((config.eps, config.rope_theta), (1e-5, 100_000.0));
    assert_eq!((config.vocab, config.head_dim, config.kv_heads, config.positions), (6, 64, 2, 32));
    assert!(config.tied);
    // The llama-bpe kind puts BOS in front unless the file says otherwise.
    assert!(loaded.text.as_ref().unwrap().bos);
    assert_eq!((loaded.tokenizer.bos(), loaded.tokenizer.eos()), (Some(0), Some(1)));
    assert_eq!(loaded.tokenizer.published("ab a").unwrap(), [0, 4, 5, 2]);
    let mut without = keys();
    without.push(("tokenizer.ggml.add_bos_token", Value::Bool(false)));
    assert!(!load_bytes(&file(GgmlDType::F32, &without, &[])).unwrap().text.unwrap().bos);
    // The same tokenizer, written out as a tokenizer.json.
    let json = loaded.own_tokenizer.unwrap();
    let again = llm2clip::data::tokenizer::Tokenizer::from_bytes(&json).unwrap();
    assert_eq!(again.published("ab a").unwrap(), [0, 4, 5, 2]);
}

#[test]
fn what_is_not_computed_here_is_refused_by_name() {
    let with = |key: &'static str, value: Value| {
        let mut keys = keys();
        keys.retain(|(name, _)| *name != key);
        keys.push((key, value));
        load_bytes(&file(GgmlDType::F32, &keys, &[])).err().unwrap_or_default()
    };
    for (key, value, part) in [
        ("general.architecture", Value::String("mamba".into()), "\"llama\""),
        ("tokenizer.ggml.pre", Value::String("martian".into()), "smollm"),
        ("tokenizer.ggml.model", Value::String("t5".into()), "gpt2"),
        ("llama.rope.scaling.type", Value::String("yarn".into()), "linear"),
        ("llama.rope.dimension_count", Value::U32(32), "64"),
        ("llama.expert_count", Value::U32(8), "llama.expert_count"),
        ("llama.block_count", Value::String("one".into()), "whole number"),
        ("general.alignment", Value::U32(0), "power of two"),
        ("tokenizer.ggml.tokens", texts(&["<s>", "</s>", "a", "b", "ab", "a"]), "once"),
        ("tokenizer.ggml.merges", texts(&["a c"]), "two tokens"),
        ("tokenizer.ggml.scores", Value::Array(vec![Value::F32(0.0)]), "6 tokens"),
    ] {
        let error = with(key, value);
        assert!(error.contains(part), "{key}: {error:?}");
    }
    let bias = Tensor::ones(256, candle_core::DType::F32, &Device::Cpu).unwrap();
    let bias = QTensor::quantize(&bias, GgmlDType::F32).unwrap();
    let loaded =
        load_bytes(&file(GgmlDType::F32, &keys(), &[("blk.0.attn_q.bias", bias)])).unwrap();
    assert!(loaded.tensors.contains_key("blk.0.attn_q.bias"), "left for strict loading to list");
}

#[test]
fn a_header_that_lies_about_sizes_is_an_error() {
    let bytes = std::fs::read(golden("q8_0.gguf")).unwrap();
    let lie = |at: usize, number: u64| {
        let mut bytes = bytes.clone();
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        load_bytes(&bytes).err().unwrap()
    };
    // The number of tensors, the number of keys, the length of the first key.
    for at in [8, 16, 24] {
        for number in [u64::MAX, 1 << 40, u64::MAX / 16] {
            assert!(lie(at, number).contains("bytes left") || lie(at, number).contains("has"));
        }
    }
    let error = load_bytes(b"GGML\x03\0\0\0").err().unwrap();
    assert!(error.contains("GGUF"), "{error}");
    let error = load_bytes(b"GGUF\x00\0\0\x03").err().unwrap();
    assert!(error.contains("version"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_is_cut_off_is_an_error(share in 0.0f64..0.999) {
        let bytes = std::fs::read(golden("q4_1.gguf")).unwrap();
        let length = (bytes.len() as f64 * share) as usize;
        prop_assert!(load_bytes(&bytes[..length]).is_err());
    }

    #[test]
    fn a_damaged_header_is_an_error_or_another_model_and_never_a_panic(
        changes in proptest::collection::vec((0usize..9000, any::<u8>()), 1..6),
    ) {
        let mut bytes = std::fs::read(golden("llama3_q5_0.gguf")).unwrap();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = load_bytes(&bytes);
    }
}
