//! From an encoder's source to weights: what is built in, and checkpoints with all they stand on.

use super::builtin;
use super::card::{ModelCard, ModelKind, Parent, TextUse};
use super::peft::{self, LoraNorm, MergedLora};
use super::tensors::tensors;
use super::{AttentionKind, EncodeError, gguf, hf, places};
use crate::data::hf_tokenizer;
use crate::data::processor::Processor;
use crate::data::text::Template;
use crate::data::tokenizer::Tokenizer;
use crate::files::FileError;
use crate::files::manifest;
use crate::ids::Digest;
use crate::model::names::Tensors;
use crate::model::{ClipConfig, LlamaConfig, Llm2ClipConfig, Pooling};
use crate::nn;
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A model's configuration by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Config {
    /// A Llama.
    Llama(LlamaConfig),
    /// Two towers.
    Clip(Box<ClipConfig>),
    /// An image tower, and an adapter on a language model's rows.
    Llm2clip(Box<Llm2ClipConfig>),
}

impl Config {
    /// The kind's name.
    pub fn kind(&self) -> ModelKind {
        match self {
            Self::Llama(_) => ModelKind::Llama,
            Self::Clip(_) => ModelKind::Clip,
            Self::Llm2clip(_) => ModelKind::Llm2clip,
        }
    }

    /// As it stands in a card.
    pub fn to_json(&self) -> serde_json::Value {
        // Configurations are plain data with text keys: turning them into JSON cannot fail.
        match self {
            Self::Llama(config) => config.to_hf(),
            Self::Clip(config) => serde_json::to_value(config).unwrap_or_default(),
            Self::Llm2clip(config) => serde_json::to_value(config).unwrap_or_default(),
        }
    }

    fn from_card(card: &ModelCard, path: &Path) -> Result<Self, EncodeError> {
        let json = |cause| EncodeError::Json { cause, path: path.to_owned() };
        Ok(match card.kind {
            ModelKind::Llama => Self::Llama(LlamaConfig::from_hf(&card.config)?),
            ModelKind::Clip => {
                Self::Clip(Box::new(serde_json::from_value(card.config.clone()).map_err(json)?))
            }
            ModelKind::Llm2clip => {
                Self::Llm2clip(Box::new(serde_json::from_value(card.config.clone()).map_err(json)?))
            }
        })
    }
}

/// A model's weights with everything needed to use them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The source: `builtin:NAME`, or the checkpoint's place below the checkpoints folder.
    pub source: String,
    /// The configuration.
    pub config: Config,
    /// All tensors by full name, f32, low-rank ones merged.
    pub tensors: BTreeMap<String, Tensor>,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The tokenizer's own file, where the model brings one.
    pub own_tokenizer: Option<Arc<Vec<u8>>>,
    /// How texts become rows, for a Llama.
    pub text: Option<TextUse>,
    /// The encoder whose rows the adapter was trained on.
    pub table: Option<Parent>,
    /// The digest of all weights.
    pub digest: Digest,
    /// What the weights stand on, oldest first.
    pub stands_on: Vec<Parent>,
    /// How pictures become a square, for a model with an image tower whose files say so.
    pub processor: Option<Processor>,
    /// Low-rank weights that were merged, in that order: of the checkpoints it stands on, its own, and
    /// of other files.
    pub loras: Vec<MergedLora>,
}

impl Loaded {
    /// What the model's loss multiplied cosines by: e to the power of its `logit_scale`; none where
    /// its weights hold none.
    ///
    /// # Errors
    /// A scale that is no single number.
    pub fn logit_scale(&self) -> Result<Option<f64>, EncodeError> {
        let Some(log) = self.tensors.get("logit_scale") else { return Ok(None) };
        let log = log.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        match log[..] {
            [log] if log.is_finite() => Ok(Some(f64::from(log).exp())),
            _ => Err(EncodeError::Unfit {
                encoder: self.source.clone(),
                what: format!("has a logit_scale of {} numbers; expected a finite one", log.len()),
            }),
        }
    }

    /// What another checkpoint writes down when it stands on this one.
    pub fn as_parent(&self) -> Parent {
        Parent { source: self.source.clone(), digest: self.digest.clone() }
    }
}

/// How a plain Llama turns a text into a row: causal, the mean over every token its tokenizer gives,
/// BOS included, no template.
pub fn plain_llama(config: &LlamaConfig) -> TextUse {
    TextUse {
        attention: AttentionKind::Causal,
        pooling: Pooling::Mean,
        template: Template::None,
        bos: true,
        eos: false,
        max_tokens: config.positions,
    }
}

/// Where a source's weights are.
enum Place {
    /// In the binary.
    Builtin,
    /// A file or folder of another program.
    Foreign(PathBuf),
    /// A checkpoint's folder.
    Checkpoint(PathBuf),
}

/// Where checkpoints are looked for.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The checkpoints folder.
    pub checkpoints: PathBuf,
    /// Where tensors go.
    pub device: Device,
    /// Whether loading also takes the norms of low-rank weights and of what they are merged into.
    pub weigh: bool,
}

impl Sources {
    /// Loads a model by its source: `builtin:llama`, a checkpoint's folder or `RUN/STAGE[@STEP]`, a
    /// GGUF file, a model folder in Hugging Face's layout, or `hf:owner/name` where it was pulled. A path
    /// starts in the working folder, beside the checkpoints folder, in it, or in the hub's cache.
    pub fn load(&self, source: &str) -> Result<Loaded, EncodeError> {
        match self.place(source)? {
            Place::Builtin => self.load_builtin(),
            Place::Foreign(place) => self.load_foreign(&place, source),
            Place::Checkpoint(folder) => self.load_checkpoint(&folder),
        }
    }

    /// Whether there is something to load by a source; nothing is loaded.
    ///
    /// # Errors
    /// Nothing of that name, or more than one thing.
    pub fn check(&self, source: &str) -> Result<(), EncodeError> {
        self.place(source).map(drop)
    }

    fn place(&self, source: &str) -> Result<Place, EncodeError> {
        if source == builtin::LLAMA {
            return Ok(Place::Builtin);
        }
        if source.starts_with("builtin:") {
            let expected = builtin::LLAMA.to_owned();
            return Err(EncodeError::Unknown { name: source.to_owned(), expected });
        }
        if let Some(repository) = source.strip_prefix("hf:") {
            let (folder, file) = crate::hub::cached(repository)?;
            return Ok(Place::Foreign(file.or_else(|| only_gguf(&folder)).unwrap_or(folder)));
        }
        let places = self.places(Path::new(source));
        if let Some(place) = places.into_iter().find(|path| places::is_foreign(path)) {
            return Ok(Place::Foreign(place));
        }
        match self.find(source) {
            Err(unknown @ EncodeError::Unknown { .. }) => {
                Ok(Place::Foreign(places::in_hub(source)?.ok_or(unknown)?))
            }
            found => Ok(Place::Checkpoint(found?)),
        }
    }

    fn load_foreign(&self, place: &Path, source: &str) -> Result<Loaded, EncodeError> {
        if place.is_file() {
            gguf::load(place, source, &self.device)
        } else if peft::is_lora(place) {
            peft::load(place, source, self)
        } else {
            hf::load(place, source, self)
        }
    }

    fn load_builtin(&self) -> Result<Loaded, EncodeError> {
        let (config, tensors, digest) = builtin::llama(&self.device)?;
        Ok(Loaded {
            source: builtin::LLAMA.to_owned(),
            text: Some(plain_llama(&config)),
            config: Config::Llama(config),
            tensors,
            tokenizer: builtin::llama_tokenizer()?,
            own_tokenizer: None,
            table: None,
            digest,
            stands_on: Vec::new(),
            processor: None,
            loras: Vec::new(),
        })
    }

    /// Loads the checkpoint in `folder`: its base first, low-rank weights merged into it, other
    /// tensors in the place of the base's.
    pub fn load_checkpoint(&self, folder: &Path) -> Result<Loaded, EncodeError> {
        let (card, own, own_digest) = self.read(folder)?;
        let config = Config::from_card(&card, &folder.join("card.json"))?;
        let own = in_dtype(own, DType::F32)?;
        let name = self.name_of(folder);
        let needed = card.base.as_ref().filter(|_| !card.whole);
        let base = needed.map(|parent| self.load_parent(&name, parent)).transpose()?;
        let (mut tensors, mut loras, digest, stands_on) = match base {
            None => {
                let stands_on = card.base.iter().cloned().collect();
                (BTreeMap::new(), Vec::new(), own_digest.clone(), stands_on)
            }
            Some(base) => {
                let chain = format!("{}{}", base.digest, own_digest);
                let mut stands_on = base.stands_on.clone();
                stands_on.push(base.as_parent());
                (base.tensors, base.loras, Digest::of(chain.as_bytes()), stands_on)
            }
        };
        let norms = join(&mut tensors, own, &card, self.weigh)?;
        loras.extend(card.lora.map(|lora| MergedLora {
            source: name.clone(),
            digest: own_digest,
            r: lora.r,
            alpha: lora.alpha,
            rank_stabilised: false,
            norms,
        }));
        let (tokenizer, own_tokenizer) = if card.tokenizer == "own" {
            let files = hf_tokenizer::read(folder)?;
            (Arc::new(files.tokenizer), Some(Arc::new(files.json)))
        } else {
            (builtin::llama_tokenizer()?, None)
        };
        let processor = match &config {
            Config::Llama(_) => None,
            Config::Clip(config) => Some(Processor::clip(config.vision.image_size)),
            Config::Llm2clip(config) => Some(Processor::clip(config.vision.image_size)),
        };
        Ok(Loaded {
            source: name,
            config,
            tensors,
            tokenizer,
            own_tokenizer,
            text: card.text,
            table: card.table,
            digest,
            stands_on,
            processor,
            loras,
        })
    }

    /// The card of the checkpoint in `folder` and its own tensors as they are stored, with their digest.
    pub(super) fn read(&self, folder: &Path) -> Result<(ModelCard, Tensors, Digest), EncodeError> {
        let manifest = manifest::verify(folder)?;
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(FileError::at("reading", &path))
        };
        let card = serde_json::from_slice(&read("card.json")?)
            .map_err(|cause| EncodeError::Json { cause, path: folder.join("card.json") })?;
        let params = read("params.safetensors")?;
        let own = tensors(&params, &folder.join("params.safetensors"), &self.device)?;
        let digest = manifest.digest("params.safetensors").cloned();
        let digest = digest.unwrap_or_else(|| Digest::of(&params));
        Ok((card, own, digest))
    }

    fn load_parent(&self, name: &str, parent: &Parent) -> Result<Loaded, EncodeError> {
        let folder = self.checkpoints.join(&parent.source);
        let ours = !parent.source.starts_with("builtin:") && folder.join("manifest.json").exists();
        let loaded = if ours { self.load_checkpoint(&folder)? } else { self.load(&parent.source)? };
        if loaded.digest == parent.digest {
            return Ok(loaded);
        }
        Err(EncodeError::OtherParent {
            name: name.to_owned(),
            parent: parent.source.clone(),
            expected: parent.digest.short().to_owned(),
            found: loaded.digest.short().to_owned(),
        })
    }

    /// A checkpoint's place below the checkpoints folder, with forward slashes; the path itself where
    /// it lies elsewhere.
    pub fn name_of(&self, folder: &Path) -> String {
        let inside = folder.strip_prefix(&self.checkpoints).unwrap_or(folder);
        inside.to_string_lossy().replace('\\', "/")
    }

    /// The folder of a checkpoint: an existing path, or `RUN/STAGE[@STEP]` with any unambiguous
    /// beginning or end of the run's name.
    pub fn find(&self, source: &str) -> Result<PathBuf, EncodeError> {
        for path in self.places(Path::new(source)) {
            if path.join("manifest.json").exists() {
                return Ok(path);
            }
        }
        let unknown = |expected: String| EncodeError::Unknown { name: source.to_owned(), expected };
        let (place, step) = match source.split_once('@') {
            Some((place, step)) => {
                let step = step
                    .parse::<usize>()
                    .map_err(|_| unknown(format!("a step's number after '@', found {step:?}")))?;
                (place, Some(step))
            }
            None => (source, None),
        };
        let looked = || places::looked_for(source);
        let (run, stage) = place.rsplit_once('/').ok_or_else(|| unknown(looked()))?;
        let folder = self.find_run(source, run)?.ok_or_else(|| unknown(looked()))?.join(stage);
        match step {
            Some(step) => {
                let place = manifest::step_folder(&folder, step);
                if place.join("manifest.json").exists() {
                    return Ok(place);
                }
                let steps: Vec<String> =
                    manifest::steps(&folder).iter().map(ToString::to_string).collect();
                Err(unknown(if steps.is_empty() {
                    format!("a checkpoint in {}, found none", folder.display())
                } else {
                    format!("{run}/{stage}@STEP with a step that was saved: {}", steps.join(", "))
                }))
            }
            None => manifest::newest_valid(&folder)
                .map(|(_, path)| path)
                .ok_or_else(|| unknown(format!("a valid checkpoint in {}", folder.display()))),
        }
    }

    fn find_run(&self, source: &str, run: &str) -> Result<Option<PathBuf>, EncodeError> {
        let mut fits = Vec::new();
        for session in folders(&self.checkpoints) {
            for folder in folders(&session) {
                let name = self.name_of(&folder);
                if name == run {
                    return Ok(Some(folder));
                }
                if name.starts_with(run) || name.ends_with(run) {
                    fits.push(folder);
                }
            }
        }
        if fits.len() > 1 {
            let names: Vec<_> = fits.iter().map(|folder| self.name_of(folder)).collect();
            let (name, candidates) = (source.to_owned(), names.join(", "));
            return Err(EncodeError::Ambiguous { name, candidates });
        }
        Ok(fits.pop())
    }
}

/// The one GGUF file of a folder without another model.
fn only_gguf(folder: &Path) -> Option<PathBuf> {
    if folder.join("config.json").is_file() || peft::is_lora(folder) {
        return None;
    }
    let files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "gguf")).collect();
    files.pop().filter(|_| files.is_empty())
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// Every tensor in one type.
pub(super) fn in_dtype(tensors: Tensors, dtype: DType) -> Result<Tensors, EncodeError> {
    let cast = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(dtype)?));
    tensors.into_iter().map(cast).collect()
}

/// Puts a checkpoint's own tensors on its base. Tells what its low-rank ones did, where they are to be
/// weighed.
fn join(
    tensors: &mut Tensors,
    own: Tensors,
    card: &ModelCard,
    weigh: bool,
) -> Result<Vec<LoraNorm>, EncodeError> {
    let (low_rank, whole): (BTreeMap<_, _>, BTreeMap<_, _>) =
        own.into_iter().partition(|(name, _)| name.contains(".lora_"));
    let mut norms = Vec::new();
    if let Some(lora) = card.lora {
        let scale = lora.alpha / lora.r as f64;
        if weigh {
            norms = peft::norms(tensors, &low_rank, scale)?;
        }
        nn::merge(tensors, &low_rank, scale)?;
    }
    if card.kind == ModelKind::Llm2clip {
        // What an image tower's LLM2CLIP stage drops of its CLIP model.
        let fresh = ["text_model.", "text_projection."];
        tensors.retain(|name, _| !fresh.iter().any(|prefix| name.starts_with(prefix)));
    }
    tensors.extend(whole);
    Ok(norms)
}
