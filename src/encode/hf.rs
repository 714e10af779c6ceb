//! Model folders in Hugging Face's layout: Llamas, CLIP models, and LLM2Vec's way with texts.

use super::card::{AttentionKind, TextUse};
use super::source::{Config, Loaded, Sources, plain_llama};
use super::tensors::tensors;
use super::{EncodeError, mmap};
use crate::data::hf_tokenizer;
use crate::data::preprocessor;
use crate::data::text::Template;
use crate::files::{self, FileError};
use crate::ids::Digest;
use crate::model::names::{self, Source, Tensors, UnknownLora};
use crate::model::{ClipConfig, LlamaConfig, Llm2ClipConfig, Pooling, UnknownPooling};
use candle_core::{DType, Device};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A model folder that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HfError {
    /// A file asks for something that is not computed here, or lacks something.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What would do.
        expected: &'static str,
        /// What it says.
        found: String,
    },
    /// The low-rank weights have names nobody here knows.
    #[error("{}: {cause}", path.display())]
    Lora {
        /// What is wrong.
        #[source]
        cause: UnknownLora,
        /// The file.
        path: PathBuf,
    },
    /// The pooling is none of ours.
    #[error("{}: {cause}", path.display())]
    Pooling {
        /// What is wrong.
        #[source]
        cause: UnknownPooling,
        /// The file.
        path: PathBuf,
    },
    /// The folder has no weights that can be read.
    #[error(
        "{} has no weights: expected model.safetensors or model.safetensors.index.json, found {found}",
        folder.display()
    )]
    Weights {
        /// The folder.
        folder: PathBuf,
        /// What is there, and what to do.
        found: &'static str,
    },
    /// Shards that do not hold what the index says.
    #[error(
        "{}: {} tensors are not where the index says, among them {}; fetch the shards again",
        path.display(), names.len(), names.first().map_or("", String::as_str)
    )]
    Index {
        /// The index.
        path: PathBuf,
        /// The tensors.
        names: Vec<String>,
    },
}

/// A JSON file.
pub(super) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, EncodeError> {
    let bytes = fs::read(path).map_err(FileError::at("reading", path))?;
    serde_json::from_slice(&bytes)
        .map_err(|cause| EncodeError::Json { cause, path: path.to_owned() })
}

/// Loads the model in a folder with a `config.json`.
///
/// # Errors
/// A model that is no Llama, CLIP or LLM2CLIP, or files that are missing or do not fit.
pub fn load(folder: &Path, source: &str, sources: &Sources) -> Result<Loaded, EncodeError> {
    let path = folder.join("config.json");
    let config: Value = json(&path)?;
    let said = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    let architecture = config["architectures"][0].as_str().unwrap_or_default().to_owned();
    match (said("model_type").as_str(), architecture.as_str()) {
        ("llama", _) | ("", "LlamaForCausalLM" | "LlamaModel") => {
            llama(folder, source, &config, sources)
        }
        (_, "LLM2CLIPModel") | ("clip", _) => clip(folder, source, &config, sources),
        (kind, _) => {
            let expected = "model_type llama or clip";
            let found = format!("{kind:?} ({architecture})");
            Err(HfError::Unsupported { path, expected, found }.into())
        }
    }
}

fn llama(
    folder: &Path,
    source: &str,
    config: &Value,
    sources: &Sources,
) -> Result<Loaded, EncodeError> {
    let config = LlamaConfig::from_hf(config)?;
    let (tensors, digest) = weights(folder, &sources.device)?;
    let mut tensors = names::canonical(Source::HfLlama, tensors)?;
    if config.tied {
        names::drop_head(&mut tensors);
    }
    let files = hf_tokenizer::read(folder)?;
    let plain = TextUse { bos: files.adds_bos, eos: files.adds_eos, ..plain_llama(&config) };
    let text =
        llm2vec(folder, &config)?.map(|text| TextUse { bos: plain.bos, eos: plain.eos, ..text });
    Ok(Loaded {
        source: source.to_owned(),
        config: Config::Llama(config),
        tensors,
        tokenizer: Arc::new(files.tokenizer),
        own_tokenizer: Some(Arc::new(files.json)),
        text: Some(text.unwrap_or(plain)),
        table: None,
        digest,
        stands_on: Vec::new(),
        processor: None,
        loras: Vec::new(),
    })
}

fn clip(
    folder: &Path,
    source: &str,
    config: &Value,
    sources: &Sources,
) -> Result<Loaded, EncodeError> {
    let (tensors, digest) = weights(folder, &sources.device)?;
    let tensors = names::canonical(Source::HfClip, tensors)?;
    let has_text = tensors.keys().any(|name| name.starts_with("text_model."));
    let config = if has_text {
        Config::Clip(Box::new(ClipConfig::from_hf(config)?))
    } else {
        // The image half of a released LLM2CLIP; without its adapter the width is of no account.
        let width = names::adapter_width(&tensors).unwrap_or(0);
        Config::Llm2clip(Box::new(Llm2ClipConfig::from_hf(config, width)?))
    };
    let files = if has_text || folder.join("tokenizer.json").is_file() {
        hf_tokenizer::read(folder)?
    } else {
        let json = super::builtin::llama_tokenizer_file().to_vec();
        hf_tokenizer::from_json(json)?
    };
    let processor = preprocessor::read(folder)?;
    Ok(Loaded {
        source: source.to_owned(),
        config,
        tensors,
        tokenizer: Arc::new(files.tokenizer),
        own_tokenizer: Some(Arc::new(files.json)),
        text: None,
        table: None,
        digest,
        stands_on: Vec::new(),
        processor,
        loras: Vec::new(),
    })
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// All tensors of a folder, f32, under the names in its files, and a digest of weights and
/// configuration.
fn weights(folder: &Path, device: &Device) -> Result<(Tensors, Digest), EncodeError> {
    let config = files::digest(&folder.join("config.json"))?;
    let single = folder.join("model.safetensors");
    if single.is_file() {
        let (tensors, digest) = shard(&single, device)?;
        return Ok((tensors, Digest::of(format!("{config}{digest}").as_bytes())));
    }
    let path = folder.join("model.safetensors.index.json");
    if !path.is_file() {
        let found = if folder.join("pytorch_model.bin").is_file() {
            "pytorch_model.bin; convert it to safetensors"
        } else {
            "neither; fetch the whole repository"
        };
        return Err(HfError::Weights { folder: folder.to_owned(), found }.into());
    }
    let index: Index = json(&path)?;
    let shards: BTreeSet<&String> = index.weight_map.values().collect();
    let mut chain = config.to_string();
    let mut all = Tensors::new();
    let mut misplaced = Vec::new();
    for file in shards {
        if Path::new(file).file_name().is_none_or(|name| name != file.as_str()) {
            let expected = "names of files beside it";
            return Err(HfError::Unsupported { path, expected, found: format!("{file:?}") }.into());
        }
        let (tensors, digest) = shard(&folder.join(file), device)?;
        chain.push_str(digest.as_str());
        for (name, tensor) in tensors {
            if index.weight_map.get(&name) == Some(file) {
                all.insert(name, tensor);
            } else {
                misplaced.push(name);
            }
        }
    }
    misplaced.extend(index.weight_map.keys().filter(|name| !all.contains_key(*name)).cloned());
    if misplaced.is_empty() {
        Ok((all, Digest::of(chain.as_bytes())))
    } else {
        Err(HfError::Index { path, names: misplaced }.into())
    }
}

fn shard(path: &Path, device: &Device) -> Result<(Tensors, Digest), EncodeError> {
    let map = mmap::map(path)?;
    let tensors = tensors(&map, path, device)?
        .into_iter()
        .map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?)))
        .collect::<Result<_, candle_core::Error>>()?;
    Ok((tensors, Digest::of(&map)))
}

#[derive(Deserialize)]
struct Llm2vec {
    #[serde(default = "mean")]
    pooling_mode: String,
    #[serde(default = "llm2vec_length")]
    max_length: usize,
    #[serde(default = "yes")]
    skip_instruction: bool,
    #[serde(default = "yes")]
    enable_bidirectional: bool,
}

fn mean() -> String {
    "mean".to_owned()
}

/// LLM2Vec's own default.
fn llm2vec_length() -> usize {
    512
}

fn yes() -> bool {
    true
}

/// How a folder's `llm2vec_config.json` turns texts into rows; none where it has none. BOS is the
/// tokenizer's business.
pub(super) fn llm2vec(folder: &Path, config: &LlamaConfig) -> Result<Option<TextUse>, EncodeError> {
    let path = folder.join("llm2vec_config.json");
    if !path.is_file() {
        return Ok(None);
    }
    let file: Llm2vec = json(&path)?;
    let pooling: Pooling =
        file.pooling_mode.parse().map_err(|cause| HfError::Pooling { cause, path })?;
    let template = if file.skip_instruction {
        // Without an instruction, BOS alone is attended and not pooled.
        Template::Llm2vec { instruction: String::new() }
    } else {
        Template::None
    };
    let attention = if file.enable_bidirectional {
        AttentionKind::Bidirectional
    } else {
        AttentionKind::Causal
    };
    let max_tokens = file.max_length.min(config.positions);
    Ok(Some(TextUse { attention, pooling, template, bos: true, eos: false, max_tokens }))
}
