//! The Llama in a GGUF file: its configuration from the keys, its weights in f32.

use super::GgufError;
use super::header::{Header, Value};
use crate::data::tokenizer_gguf::GgufTokenizer;
use crate::encode::EncodeError;
use crate::model::gguf_llama::{self, ROPE_FACTORS};
use crate::model::names::Tensors;
use crate::model::{LlamaConfig, RopeScaling};
use candle_core::{Device, Tensor};
use rayon::prelude::*;

const EMBEDDING: &str = "token_embd.weight";

/// Reads keys by type; `Err` names the key.
struct Keys<'a>(&'a Header);

impl Keys<'_> {
    fn wrong(&self, key: &str, expected: &str) -> GgufError {
        let found = self.0.keys.get(key).map_or_else(|| "nothing".to_owned(), Value::kind);
        GgufError::Key { key: key.to_owned(), expected: expected.to_owned(), found }
    }

    fn count(&self, key: &str) -> Result<Option<usize>, GgufError> {
        match self.0.keys.get(key) {
            None => Ok(None),
            Some(Value::Unsigned(x)) => Ok(usize::try_from(*x).ok()),
            Some(Value::Signed(x)) if *x >= 0 => Ok(usize::try_from(*x).ok()),
            // Some files list one number a layer; all equal is one number.
            Some(Value::Numbers(all)) if all.windows(2).all(|pair| pair[0] == pair[1]) => {
                Ok(all.first().filter(|x| **x >= 0.0).map(|x| *x as usize))
            }
            Some(_) => Err(self.wrong(key, "one whole number")),
        }
    }

    fn needed(&self, key: &str) -> Result<usize, GgufError> {
        self.count(key)?.ok_or_else(|| self.wrong(key, "a whole number"))
    }

    /// A number. What was rounded to 32 bits is read as its shortest spelling, so that 1e-5 is
    /// 1e-5 again, as the model's other files have it.
    fn number(&self, key: &str) -> Result<Option<f64>, GgufError> {
        match self.0.keys.get(key) {
            None => Ok(None),
            Some(Value::F32(x)) => Ok(x.to_string().parse().ok()),
            Some(Value::F64(x)) => Ok(Some(*x)),
            Some(_) => Err(self.wrong(key, "a number")),
        }
    }

    fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        match self.0.keys.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text")),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, GgufError> {
        match self.0.keys.get(key) {
            None => Ok(None),
            Some(Value::Bool(x)) => Ok(Some(*x)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, GgufError> {
        match self.0.keys.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Texts(texts)) => Ok(texts.clone()),
            Some(Value::Numbers(none)) if none.is_empty() => Ok(Vec::new()),
            Some(_) => Err(self.wrong(key, "a list of texts")),
        }
    }

    fn numbers(&self, key: &str) -> Result<Vec<f64>, GgufError> {
        match self.0.keys.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Numbers(numbers)) => Ok(numbers.clone()),
            Some(_) => Err(self.wrong(key, "a list of numbers")),
        }
    }

    fn id(&self, key: &str) -> Result<Option<u32>, GgufError> {
        Ok(self.count(key)?.and_then(|id| u32::try_from(id).ok()))
    }
}

/// The configuration. `factors` are those of [`ROPE_FACTORS`].
///
/// # Errors
/// Another architecture, or a Llama with parts that are not computed here.
pub fn config(header: &Header, factors: Option<Vec<f64>>) -> Result<LlamaConfig, GgufError> {
    let keys = Keys(header);
    let architecture = "general.architecture";
    if keys.text(architecture)? != Some("llama") {
        return Err(keys.wrong(architecture, "the text \"llama\""));
    }
    let embedding = header.tensors.get(EMBEDDING);
    let embedding = embedding.ok_or(GgufError::Missing { name: EMBEDDING })?;
    let width = keys.needed("llama.embedding_length")?;
    let heads = keys.needed("llama.attention.head_count")?;
    let head_dim =
        keys.count("llama.attention.key_length")?.unwrap_or(width.checked_div(heads).unwrap_or(0));
    for (key, expected) in [
        ("llama.attention.value_length", head_dim),
        ("llama.rope.dimension_count", head_dim),
        ("llama.expert_count", 0),
    ] {
        if keys.count(key)?.is_some_and(|found| found != expected) {
            return Err(keys.wrong(key, &expected.to_string()));
        }
    }
    Ok(LlamaConfig {
        vocab: embedding.shape[0],
        width,
        mlp: keys.needed("llama.feed_forward_length")?,
        layers: keys.needed("llama.block_count")?,
        heads,
        kv_heads: keys.count("llama.attention.head_count_kv")?.unwrap_or(heads),
        head_dim,
        eps: keys
            .number("llama.attention.layer_norm_rms_epsilon")?
            .ok_or_else(|| keys.wrong("llama.attention.layer_norm_rms_epsilon", "a number"))?,
        rope_theta: keys.number("llama.rope.freq_base")?.unwrap_or(10_000.0),
        rope_scaling: scaling(&keys, factors)?,
        positions: keys.needed("llama.context_length")?,
        tied: !header.tensors.contains_key("output.weight"),
    })
}

fn scaling(keys: &Keys<'_>, factors: Option<Vec<f64>>) -> Result<Option<RopeScaling>, GgufError> {
    let kind = "llama.rope.scaling.type";
    let linear = match keys.text(kind)? {
        None => keys.number("llama.rope.scale_linear")?,
        Some("none") => None,
        Some("linear") => keys.number("llama.rope.scaling.factor")?,
        Some(_) => return Err(keys.wrong(kind, "none or linear")),
    };
    let linear = linear.filter(|factor| *factor != 1.0 && *factor != 0.0);
    match (linear, factors) {
        (None, factors) => Ok(factors.map(|factors| RopeScaling::Factors { factors })),
        (Some(factor), None) => Ok(Some(RopeScaling::Linear { factor })),
        (Some(_), Some(_)) => {
            Err(keys.wrong("llama.rope.scaling.factor", "no factor beside rope_freqs.weight"))
        }
    }
}

/// The tokenizer's parts.
///
/// # Errors
/// A key of the wrong type, or none at all.
pub fn tokenizer(header: &Header) -> Result<GgufTokenizer, GgufError> {
    let keys = Keys(header);
    let model = "tokenizer.ggml.model";
    Ok(GgufTokenizer {
        model: keys.text(model)?.ok_or_else(|| keys.wrong(model, "a text"))?.to_owned(),
        pre: keys.text("tokenizer.ggml.pre")?.map(str::to_owned),
        tokens: keys.texts("tokenizer.ggml.tokens")?,
        types: keys.numbers("tokenizer.ggml.token_type")?.iter().map(|x| *x as u32).collect(),
        scores: keys.numbers("tokenizer.ggml.scores")?,
        merges: keys.texts("tokenizer.ggml.merges")?,
        bos: keys.id("tokenizer.ggml.bos_token_id")?,
        eos: keys.id("tokenizer.ggml.eos_token_id")?,
        unknown: keys.id("tokenizer.ggml.unknown_token_id")?,
        add_bos: keys.flag("tokenizer.ggml.add_bos_token")?,
        add_eos: keys.flag("tokenizer.ggml.add_eos_token")?,
        add_space_prefix: keys.flag("tokenizer.ggml.add_space_prefix")?,
        remove_extra_spaces: keys.flag("tokenizer.ggml.remove_extra_whitespaces")?,
    })
}

/// Configuration and weights, f32, under the names used here, on `device`.
///
/// # Errors
/// As [`config`]; weights that cannot be decoded.
pub fn model(
    header: &Header,
    bytes: &[u8],
    device: &Device,
) -> Result<(LlamaConfig, Tensors), EncodeError> {
    let decode = |name: &str| -> Result<Option<Tensor>, EncodeError> {
        let Some(place) = header.tensors.get(name) else { return Ok(None) };
        Ok(Some(place.kind.decode(&bytes[place.bytes.clone()], &place.shape)?))
    };
    let factors = decode(ROPE_FACTORS)?
        .map(|factors| {
            let numbers = factors.flatten_all()?.to_vec1::<f32>()?;
            Ok::<_, candle_core::Error>(numbers.into_iter().map(f64::from).collect())
        })
        .transpose()?;
    let config = config(header, factors)?;
    let names: Vec<&String> = header.tensors.keys().collect();
    let decoded: Vec<(String, Tensor)> = names
        .into_par_iter()
        .map(|name| {
            let tensor = decode(name)?.ok_or(GgufError::Missing { name: EMBEDDING })?;
            Ok((name.clone(), tensor))
        })
        .collect::<Result<_, EncodeError>>()?;
    let tensors = gguf_llama::canonical(&config, decoded.into_iter().collect())?;
    let tensors = tensors
        .into_iter()
        .map(|(name, tensor)| Ok((name, tensor.to_device(device)?)))
        .collect::<Result<_, candle_core::Error>>()?;
    Ok((config, tensors))
}
