//! What is embedded in the binary: `builtin:llama`, a small causal Llama with its tokenizer, trained by
//! this program's own `causal-lm` recipe (`docs/recipes.md` has the command).

use super::EncodeError;
use crate::data::tokenizer::Tokenizer;
use crate::ids::Digest;
use crate::model::LlamaConfig;
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

macro_rules! asset {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/checkpoints/builtin/llama/", $name))
    };
}

static CONFIG: &[u8] = asset!("config.json");
static TOKENIZER: &[u8] = asset!("tokenizer.json");
static WEIGHTS: &[u8] = asset!("model.safetensors");

/// The name under which it is reached.
pub const LLAMA: &str = "builtin:llama";

/// The tokenizer, read once.
pub fn llama_tokenizer() -> Result<Arc<Tokenizer>, EncodeError> {
    static ONCE: OnceLock<Arc<Tokenizer>> = OnceLock::new();
    if let Some(tokenizer) = ONCE.get() {
        return Ok(tokenizer.clone());
    }
    let tokenizer = Arc::new(Tokenizer::from_bytes(TOKENIZER)?);
    Ok(ONCE.get_or_init(|| tokenizer).clone())
}

/// The tokenizer's own file.
pub fn llama_tokenizer_file() -> &'static [u8] {
    TOKENIZER
}

/// Configuration, weights (f32) and the weights' digest.
pub fn llama(
    device: &Device,
) -> Result<(LlamaConfig, BTreeMap<String, Tensor>, Digest), EncodeError> {
    let config = serde_json::from_slice(CONFIG)
        .map_err(|cause| EncodeError::Json { cause, path: "builtin:llama/config.json".into() })?;
    let config = LlamaConfig::from_hf(&config)?;
    let tensors = candle_core::safetensors::load_buffer(WEIGHTS, device)?
        .into_iter()
        .map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?)))
        .collect::<Result<_, candle_core::Error>>()?;
    Ok((config, tensors, Digest::of(WEIGHTS)))
}
