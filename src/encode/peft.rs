//! LoRA folders as PEFT writes them: `adapter_config.json` and `adapter_model.safetensors`, merged
//! into a model one after the other.

use super::hf::{self, HfError};
use super::places::FOLDERS;
use super::source::{Config, Loaded, Sources};
use super::tensors::tensors;
use super::{EncodeError, Options, Parent};
use crate::files::{self, FileError};
use crate::ids::Digest;
use crate::model::names::{self, Tensors};
use crate::nn;
use candle_core::{DType, Tensor};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What one LoRA did to one weight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoraNorm {
    /// The weight's name without `.weight`.
    pub path: String,
    /// Frobenius norm of what was added.
    pub update: f64,
    /// Frobenius norm of the weight before.
    pub weight: f64,
}

/// A LoRA that was merged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MergedLora {
    /// The folder as asked for.
    pub source: String,
    /// The digest of its weights and scale.
    pub digest: Digest,
    /// Rank, where all linears have one.
    pub r: usize,
    /// The product is scaled by `alpha / r`, or by `alpha / sqrt(r)` where the file says so.
    pub alpha: f64,
    /// Whether the scale is by the root of the rank.
    pub rank_stabilised: bool,
    /// Every weight it changed, by name; none where it was not weighed ([`Sources::weigh`]).
    pub norms: Vec<LoraNorm>,
}

/// The fields of `adapter_config.json` that change numbers.
#[derive(Debug, Deserialize)]
struct PeftConfig {
    peft_type: String,
    r: usize,
    lora_alpha: f64,
    base_model_name_or_path: Option<String>,
    use_rslora: Option<bool>,
    use_dora: Option<bool>,
    fan_in_fan_out: Option<bool>,
    lora_bias: Option<bool>,
    bias: Option<String>,
    modules_to_save: Option<Vec<String>>,
    trainable_token_indices: Option<Value>,
    layer_replication: Option<Value>,
    use_qalora: Option<bool>,
    use_bdlora: Option<bool>,
    init_lora_weights: Option<Value>,
    rank_pattern: Option<BTreeMap<String, usize>>,
    alpha_pattern: Option<BTreeMap<String, f64>>,
}

/// A flag that may be absent or null.
fn yes(flag: Option<bool>) -> bool {
    flag == Some(true)
}

impl PeftConfig {
    /// The file, if it asks for nothing but low-rank weights.
    fn read(folder: &Path) -> Result<Self, EncodeError> {
        let path = folder.join("adapter_config.json");
        let config: Self = hf::json(&path)?;
        let init = config.init_lora_weights.as_ref().and_then(Value::as_str).unwrap_or("true");
        // These move a part of the base's weights into the low-rank ones; the base here has not.
        let moves = ["pissa", "olora", "corda", "loftq"].iter().any(|kind| init.starts_with(kind));
        let kept = config.modules_to_save.as_ref().is_some_and(|names| !names.is_empty());
        let bias = config.bias.as_deref().is_some_and(|bias| bias != "none");
        for (wrong, what) in [
            (config.peft_type != "LORA", "another peft_type than LORA"),
            (yes(config.use_dora), "use_dora"),
            (yes(config.fan_in_fan_out), "fan_in_fan_out"),
            (yes(config.lora_bias), "lora_bias"),
            (bias, "trained biases"),
            (kept, "modules_to_save"),
            (config.trainable_token_indices.is_some(), "trainable_token_indices"),
            (config.layer_replication.is_some(), "layer_replication"),
            (yes(config.use_qalora) || yes(config.use_bdlora), "use_qalora or use_bdlora"),
            (moves, "init_lora_weights that changes the base"),
            (config.r == 0, "rank 0"),
        ] {
            if wrong {
                let expected = "plain low-rank weights; merge it with PEFT and name the result";
                return Err(HfError::Unsupported { path, expected, found: what.to_owned() }.into());
            }
        }
        Ok(config)
    }

    /// Rank and scale of one linear. PEFT's patterns are regular expressions for the end of a
    /// module's name.
    fn scale(&self, path: &str) -> (usize, f64) {
        let fits = |pattern: &str| {
            Regex::new(&format!(r"^(?:.*\.)?(?:{pattern})$"))
                .is_ok_and(|regex| regex.is_match(path))
        };
        let r = self
            .rank_pattern
            .iter()
            .flatten()
            .find(|(key, _)| fits(key))
            .map_or(self.r, |(_, r)| *r);
        let alpha = self.alpha_pattern.iter().flatten().find(|(key, _)| fits(key));
        let alpha = alpha.map_or(self.lora_alpha, |(_, alpha)| *alpha);
        let divisor = if yes(self.use_rslora) { (r as f64).sqrt() } else { r as f64 };
        (r, alpha / divisor)
    }
}

/// Whether a folder holds a LoRA and no model of its own.
pub fn is_lora(folder: &Path) -> bool {
    folder.join("adapter_config.json").is_file()
}

/// The model that a LoRA folder's own configuration names, with the LoRA merged into it.
pub fn load(folder: &Path, source: &str, sources: &Sources) -> Result<Loaded, EncodeError> {
    let config = PeftConfig::read(folder)?;
    let path = folder.join("adapter_config.json");
    let missing = |found: String| HfError::Unsupported {
        path: path.clone(),
        expected: "base_model_name_or_path of a model that is here",
        found,
    };
    let base = config.base_model_name_or_path.as_deref().filter(|base| !base.is_empty());
    let base = base.ok_or_else(|| missing("none".to_owned()))?;
    let beside = [folder.join(base), PathBuf::from(base)].into_iter().find(|path| path.exists());
    let base = match &beside {
        Some(path) => path.display().to_string(),
        None if base.starts_with("builtin:") || sources.find(base).is_ok() => base.to_owned(),
        None => format!("hf:{base}"),
    };
    let loaded = sources.load(&base)?;
    merge_one(loaded, folder, source, sources.weigh)
}

/// The model with the LoRA folders of its options merged in their order.
///
/// # Errors
/// A folder that holds no LoRA, or one that does not fit.
pub fn with_loras(
    loaded: Loaded,
    options: &Options,
    sources: &Sources,
) -> Result<Loaded, EncodeError> {
    merge(loaded, &options.lora, sources)
}

/// Merges LoRA folders into a model in this order. A folder with an `llm2vec_config.json` brings
/// its way with texts.
pub fn merge(
    mut loaded: Loaded,
    folders: &[PathBuf],
    sources: &Sources,
) -> Result<Loaded, EncodeError> {
    for folder in folders {
        let source = folder.display().to_string();
        let folder = match source.strip_prefix("hf:") {
            Some(repository) => crate::hub::cached(repository)?.0,
            None => {
                let found = sources.places(folder).into_iter().find(|place| is_lora(place));
                found.ok_or_else(|| EncodeError::Unfit {
                    encoder: source.clone(),
                    what: format!(
                        "holds no adapter_config.json in {FOLDERS}; name a LoRA folder as PEFT writes it"
                    ),
                })?
            }
        };
        loaded = merge_one(loaded, &folder, &source, sources.weigh)?;
    }
    Ok(loaded)
}

fn merge_one(
    mut loaded: Loaded,
    folder: &Path,
    source: &str,
    weigh: bool,
) -> Result<Loaded, EncodeError> {
    let Config::Llama(llama) = &loaded.config else {
        return Err(EncodeError::Unfit {
            encoder: loaded.source,
            what: "is no Llama; LoRA folders are merged into Llamas".to_owned(),
        });
    };
    if !is_lora(folder) {
        return Err(EncodeError::Unfit {
            encoder: source.to_owned(),
            what: "holds no adapter_config.json; name a LoRA folder as PEFT writes it".to_owned(),
        });
    }
    let config = PeftConfig::read(folder)?;
    let path = folder.join("adapter_model.safetensors");
    let bytes = fs::read(&path).map_err(FileError::at("reading", &path))?;
    let device = loaded.tensors.values().next().map(Tensor::device).cloned();
    let device = device.unwrap_or(candle_core::Device::Cpu);
    let own: Tensors = tensors(&bytes, &path, &device)?;
    let lora =
        names::lora_tensors(own).map_err(|cause| HfError::Lora { cause, path: path.clone() })?;
    let digest = digest(folder, &bytes)?;
    let mut found = Vec::new();
    for (scale, tensors) in by_scale(&config, lora, &path)? {
        let scale = f64::from_bits(scale);
        if weigh {
            found.extend(norms(&loaded.tensors, &tensors, scale)?);
        }
        nn::merge(&mut loaded.tensors, &tensors, scale)?;
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(text) = hf::llm2vec(folder, llama)? {
        let ends = loaded.text.as_ref().map_or((true, false), |text| (text.bos, text.eos));
        loaded.text = Some(super::TextUse { bos: ends.0, eos: ends.1, ..text });
    }
    loaded.stands_on.push(loaded.as_parent());
    loaded.stands_on.push(Parent { source: source.to_owned(), digest: digest.clone() });
    loaded.digest = Digest::of(format!("{}{digest}", loaded.digest).as_bytes());
    loaded.loras.push(MergedLora {
        source: source.to_owned(),
        digest,
        r: config.r,
        alpha: config.lora_alpha,
        rank_stabilised: yes(config.use_rslora),
        norms: found,
    });
    Ok(loaded)
}

/// Weights and configuration: the scale stands in the latter.
fn digest(folder: &Path, weights: &[u8]) -> Result<Digest, EncodeError> {
    let config = files::digest(&folder.join("adapter_config.json"))?;
    Ok(Digest::of(format!("{config}{}", Digest::of(weights)).as_bytes()))
}

/// The tensors by the bits of their scale.
fn by_scale(
    config: &PeftConfig,
    lora: Tensors,
    path: &Path,
) -> Result<BTreeMap<u64, Tensors>, EncodeError> {
    let mut groups: BTreeMap<u64, Tensors> = BTreeMap::new();
    for (name, tensor) in lora {
        let linear = name.rsplit_once(".lora_").map_or(name.as_str(), |(linear, _)| linear);
        let (r, scale) = config.scale(linear);
        let found = tensor.dims().first().copied().unwrap_or(0);
        if name.ends_with(".lora_A.weight") && found != r {
            let expected = "ranks as adapter_config.json has them";
            let found = format!("rank {found} for {linear}, where it says {r}");
            return Err(HfError::Unsupported { path: path.to_owned(), expected, found }.into());
        }
        groups.entry(scale.to_bits()).or_default().insert(name, tensor);
    }
    Ok(groups)
}

/// What low-rank weights of one scale will add to the weights they are for, by name.
pub fn norms(base: &Tensors, lora: &Tensors, scale: f64) -> Result<Vec<LoraNorm>, EncodeError> {
    let mut norms = Vec::new();
    for (name, a) in lora {
        let Some(path) = name.strip_suffix(".lora_A.weight") else { continue };
        let Some(b) = lora.get(&format!("{path}.lora_B.weight")) else { continue };
        let weight = base.get(&format!("{path}.weight")).map_or(Ok(0.0), frobenius)?;
        let update = scale.abs() * product_norm(a, b)?;
        norms.push(LoraNorm { path: path.to_owned(), update, weight });
    }
    Ok(norms)
}

fn frobenius(tensor: &Tensor) -> Result<f64, EncodeError> {
    let squares = tensor.to_dtype(DType::F32)?.sqr()?.sum_all()?;
    Ok(f64::from(squares.to_scalar::<f32>()?).sqrt())
}

/// The Frobenius norm of `b a`, whose square is the trace of `(a aᵀ)(bᵀ b)`: no product of the
/// weight's size is made.
fn product_norm(a: &Tensor, b: &Tensor) -> Result<f64, EncodeError> {
    let (a, b) = (a.to_dtype(DType::F32)?, b.to_dtype(DType::F32)?);
    if b.dims().last() != a.dims().first() {
        return Ok(0.0); // Merging refuses it by name.
    }
    let square = (a.matmul(&a.t()?)? * b.t()?.matmul(&b)?)?.sum_all()?;
    Ok(f64::from(square.to_scalar::<f32>()?).max(0.0).sqrt())
}
