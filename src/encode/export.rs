//! A loaded Llama in Hugging Face's layout: `config.json`, `tokenizer.json`, `model.safetensors` in f16,
//! low-rank weights merged.

use super::{Config, EncodeError, Loaded};
use crate::files::{self, FileError};
use crate::model::names::drop_head;
use candle_core::{DType, Tensor};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Writes a Llama to `folder`; returns the bytes of its weights.
pub fn export_llama(loaded: &Loaded, folder: &Path) -> Result<u64, EncodeError> {
    let unfit =
        |what: &str| EncodeError::Unfit { encoder: loaded.source.clone(), what: what.to_owned() };
    let Config::Llama(config) = &loaded.config else {
        return Err(unfit("is no Llama; the hf format is written for language models so far"));
    };
    fs::create_dir_all(folder).map_err(FileError::at("creating", folder))?;
    let mut tensors = loaded.tensors.clone();
    if config.tied {
        drop_head(&mut tensors);
    }
    let half: BTreeMap<String, Tensor> = tensors
        .into_iter()
        .map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F16)?)))
        .collect::<Result<_, candle_core::Error>>()?;
    let bytes = safetensors::serialize(&half, None).map_err(candle_core::Error::from)?;
    files::write_atomic(&folder.join("model.safetensors"), &bytes)?;
    let json = |value: &serde_json::Value| {
        serde_json::to_vec_pretty(value)
            .map_err(|cause| EncodeError::Json { cause, path: folder.join("config.json") })
    };
    files::write_atomic(&folder.join("config.json"), &json(&config.to_hf())?)?;
    let tokenizer = match &loaded.own_tokenizer {
        Some(bytes) => bytes.to_vec(),
        None => super::builtin::llama_tokenizer_file().to_vec(),
    };
    files::write_atomic(&folder.join("tokenizer.json"), &tokenizer)?;
    Ok(bytes.len() as u64)
}
