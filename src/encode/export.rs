//! Weights for other programs and other people: a Llama in Hugging Face's layout, low-rank weights in
//! PEFT's, and a checkpoint of ours without what only training needs.

use super::card::TextUse;
use super::export_clip::export_clip;
use super::source::in_dtype;
use super::{AttentionKind, Config, EncodeError, Loaded, ModelKind, Sources};
use crate::data::hf_tokenizer;
use crate::data::text::Template;
use crate::files::manifest::{self, CHECKPOINT};
use crate::files::{self, FileError};
use crate::model::LlamaConfig;
use crate::model::names::{Tensors, drop_head};
use candle_core::DType;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Writes a model to `folder` as Hugging Face lays it out: a Llama, or a CLIP as a `CLIPModel`.
/// Returns the bytes of its weights.
///
/// # Errors
/// A model that the layout has no place for, or a folder that cannot be written.
pub fn export_hf(loaded: &Loaded, folder: &Path) -> Result<u64, EncodeError> {
    match &loaded.config {
        Config::Llama(config) => export_llama(loaded, config, folder),
        Config::Clip(config) => export_clip(loaded, config, folder),
        Config::Llm2clip(_) => Err(unfit(
            &loaded.source,
            "cannot be written as hf: expected a Llama or a CLIP, found a model of kind llm2clip, \
             whose texts are rows of a language model behind an adapter, where a CLIPModel has a \
             text tower; use --format checkpoint, which any llm2clip reads",
        )),
    }
}

/// Writes a Llama to `folder` as `config.json`, `tokenizer.json` and `model.safetensors` in f16,
/// low-rank weights merged; where it is more than a plain causal model, also how texts become rows
/// (`llm2vec_config.json`).
fn export_llama(loaded: &Loaded, config: &LlamaConfig, folder: &Path) -> Result<u64, EncodeError> {
    fs::create_dir_all(folder).map_err(FileError::at("creating", folder))?;
    let mut tensors = loaded.tensors.clone();
    if config.tied {
        drop_head(&mut tensors);
    }
    let bytes = bytes_of(&in_dtype(tensors, DType::F16)?)?;
    files::write_atomic(&folder.join("model.safetensors"), &bytes)?;
    write_json(&folder.join("config.json"), &config.to_hf())?;
    files::write_atomic(&folder.join("tokenizer.json"), tokenizer_file(loaded))?;
    let (bos, eos) = loaded.text.as_ref().map_or((true, false), |text| (text.bos, text.eos));
    let ends = hf_tokenizer::ends(&loaded.tokenizer, bos, eos)?;
    files::write_atomic(&folder.join("tokenizer_config.json"), &ends)?;
    write_text_use(folder, loaded.text.as_ref())?;
    Ok(bytes.len() as u64)
}

/// Writes a checkpoint's own low-rank weights as PEFT does (`adapter_config.json`,
/// `adapter_model.safetensors` in f32), with how texts become rows beside them. The base is named, not
/// written. Returns the bytes of the weights.
///
/// # Errors
/// A checkpoint without low-rank weights, or a folder that cannot be written.
pub fn export_peft(sources: &Sources, name: &str, folder: &Path) -> Result<u64, EncodeError> {
    let (card, own, _) = sources.read(&sources.find(name)?)?;
    let (Some(lora), Some(base), ModelKind::Llama) = (card.lora, &card.base, card.kind) else {
        let what = match card.kind {
            ModelKind::Llama => {
                "holds no low-rank weights of a language model; export it with --format hf"
            }
            ModelKind::Clip | ModelKind::Llm2clip => {
                "is no language model with low-rank weights; export it with --format checkpoint, a CLIP also with --format hf"
            }
        };
        return Err(unfit(name, what));
    };
    let mut targets = BTreeSet::new();
    let mut tensors = Tensors::new();
    for (path, tensor) in own {
        if let Some((linear, _)) = path.split_once(".lora_") {
            targets.insert(linear.rsplit('.').next().unwrap_or(linear).to_owned());
            tensors.insert(format!("base_model.model.{path}"), tensor);
        }
    }
    let block = |path: &String| path.split('.').find_map(|part| part.parse::<usize>().ok());
    let blocks: BTreeSet<usize> = tensors.keys().filter_map(block).collect();
    let bytes = bytes_of(&tensors)?;
    let config = json!({
        "peft_type": "LORA",
        "task_type": "FEATURE_EXTRACTION",
        "base_model_name_or_path": base.source,
        "r": lora.r,
        "lora_alpha": lora.alpha,
        "lora_dropout": 0.0,
        "target_modules": targets,
        "layers_to_transform": blocks,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "use_dora": false,
        "use_rslora": false,
    });
    fs::create_dir_all(folder).map_err(FileError::at("creating", folder))?;
    files::write_atomic(&folder.join("adapter_model.safetensors"), &bytes)?;
    write_json(&folder.join("adapter_config.json"), &config)?;
    write_text_use(folder, card.text.as_ref())?;
    Ok(bytes.len() as u64)
}

/// Writes a checkpoint of ours without optimizer and state, to pass on: it encodes, and it cannot be
/// resumed. `half` writes f16, which gives it another digest: what stands on the original does not
/// stand on it. Returns the bytes of its weights.
///
/// # Errors
/// No checkpoint of that name, or a folder that cannot be written.
pub fn export_checkpoint(
    sources: &Sources,
    name: &str,
    half: bool,
    folder: &Path,
) -> Result<u64, EncodeError> {
    let from = sources.find(name)?;
    let (card, own, _) = sources.read(&from)?;
    let own = if half { in_dtype(own, DType::F16)? } else { own };
    let params = bytes_of(&own)?;
    let path = folder.join("card.json");
    let bytes = params.len() as u64;
    let card = serde_json::to_vec_pretty(&card)
        .map_err(|cause| EncodeError::Json { cause, path: path.clone() })?;
    let mut contents = vec![("params.safetensors", params), ("card.json", card)];
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        let path = from.join(file);
        if path.is_file() {
            contents.push((file, fs::read(&path).map_err(FileError::at("reading", &path))?));
        }
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(FileError::at("creating", parent))?;
    }
    manifest::write_folder(folder, CHECKPOINT, &contents)?;
    Ok(bytes)
}

/// The text of the model's `tokenizer.json`.
pub(super) fn tokenizer_file(loaded: &Loaded) -> &[u8] {
    match &loaded.own_tokenizer {
        Some(bytes) => bytes.as_slice(),
        None => super::builtin::llama_tokenizer_file(),
    }
}

pub(super) fn unfit(name: &str, what: &str) -> EncodeError {
    EncodeError::Unfit { encoder: name.to_owned(), what: what.to_owned() }
}

fn bytes_of(tensors: &Tensors) -> Result<Vec<u8>, EncodeError> {
    Ok(safetensors::serialize(tensors, None).map_err(candle_core::Error::from)?)
}

pub(super) fn write_json(path: &Path, value: &Value) -> Result<(), EncodeError> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(|cause| EncodeError::Json { cause, path: path.to_owned() })?;
    Ok(files::write_atomic(path, &bytes)?)
}

/// `llm2vec_config.json`, with the keys LLM2Vec's own files have. A plain causal model that is read
/// with the mean over all tokens needs none.
fn write_text_use(folder: &Path, text: Option<&TextUse>) -> Result<(), EncodeError> {
    let Some(text) = text else { return Ok(()) };
    let plain = text.attention == AttentionKind::Causal
        && text.pooling.name() == "mean"
        && text.template == Template::None;
    if plain {
        return Ok(());
    }
    let value = json!({
        "pooling_mode": text.pooling.name(),
        "max_length": text.max_tokens,
        "skip_instruction": text.template != Template::None,
        "enable_bidirectional": text.attention == AttentionKind::Bidirectional,
    });
    write_json(&folder.join("llm2vec_config.json"), &value)
}
