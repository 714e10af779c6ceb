//! How much memory a stage will take, from shapes alone: before anything is allocated.
//!
//! What a block keeps for backward is counted as the fused kernels keep it (`nn::kernel::block`);
//! all numbers are f32. It is an estimate: allocators round up, texts differ in length.

use super::ModelShape;
use crate::model::{AdapterConfig, ClipTextConfig, LlamaConfig, VitConfig};
use crate::recipe::{Objective, Stage, Trainable};

/// What a stage takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All weights, trained or not.
    pub parameters: u64,
    /// The optimizer's two moments of every trained number.
    pub moments: u64,
    /// Gradients of every trained number, twice where micro-batches are summed.
    pub gradients: u64,
    /// What forward keeps for backward, and what backward needs beside it.
    pub activations: u64,
    /// The batch itself, and features and similarities of contrastive objectives.
    pub batch: u64,
}

impl Memory {
    /// Everything.
    pub fn total(&self) -> u64 {
        self.parameters + self.moments + self.gradients + self.activations + self.batch
    }
}

/// What a stage needs, what there is, and what would make it fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "stage {stage} needs about {} of memory, and {} {}: {hint}",
    people(*.needed), people(*.room), if *.limited { "is what --memory-limit leaves" } else { "is free" }
)]
pub struct TooLarge {
    /// The stage.
    pub stage: String,
    /// Bytes it would take.
    pub needed: u64,
    /// Bytes it may take.
    pub room: u64,
    /// Whether a limit was set, or the machine has no more.
    pub limited: bool,
    /// What to do.
    pub hint: String,
}

/// How much memory a stage may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Whether a limit was set, or the machine has no more.
    pub limited: bool,
}

impl Room {
    /// The room a process has that holds `resident` bytes on a machine with `available` bytes left (0:
    /// unknown) under `limit`; none where nothing is known.
    pub fn of(limit: Option<u64>, resident: u64, available: u64) -> Option<Self> {
        let below = limit.map(|limit| limit.saturating_sub(resident));
        match below {
            Some(bytes) if available == 0 || bytes < available => {
                Some(Self { bytes, limited: true })
            }
            _ => (available > 0).then_some(Self { bytes: available, limited: false }),
        }
    }
}

/// Refuses a stage that does not fit into `room`, with what would.
pub fn check(
    stage: &Stage,
    shape: &ModelShape,
    tokens: f64,
    room: Room,
) -> Result<Memory, TooLarge> {
    let memory = estimate(stage, shape, tokens);
    if memory.total() <= room.bytes {
        return Ok(memory);
    }
    let hint = suggestion(stage, shape, tokens, room.bytes);
    let (stage, needed) = (stage.name.to_string(), memory.total());
    Err(TooLarge { stage, needed, room: room.bytes, limited: room.limited, hint })
}

/// The least change that makes `stage` fit: the largest micro-batch, then recomputed activations with
/// the largest micro-batch.
fn suggestion(stage: &Stage, shape: &ModelShape, tokens: f64, room: u64) -> String {
    let whole =
        if stage.micro_batch == 0 { stage.batch } else { stage.micro_batch.min(stage.batch) };
    let mut smaller = std::iter::successors(Some(whole.next_power_of_two() / 2), |size| {
        (*size > 1).then_some(size / 2)
    })
    .filter(|&size| size > 0 && size < whole)
    .collect::<Vec<_>>();
    let mut tries: Vec<(Stage, String)> = Vec::new();
    for recompute in [stage.activation_checkpointing, true] {
        let mut other = stage.clone();
        other.activation_checkpointing = recompute;
        let extra = if recompute && !stage.activation_checkpointing {
            tries.push((other.clone(), "activation_checkpointing=true".to_owned()));
            " and activation_checkpointing=true"
        } else {
            ""
        };
        for &size in &smaller {
            other.micro_batch = size;
            tries.push((other.clone(), format!("micro_batch={size}{extra}")));
        }
        if recompute {
            smaller.clear();
        }
    }
    let fits = tries.iter().find_map(|(other, sets)| {
        let total = estimate(other, shape, tokens).total();
        (total <= room).then(|| format!("--set {sets} would need about {}", people(total)))
    });
    fits.unwrap_or_else(|| {
        let least = tries.iter().map(|(other, _)| estimate(other, shape, tokens).total()).min();
        format!(
            "no micro_batch makes it fit (the least is about {}): take a smaller model or batch, trainable=lora, or a machine with more memory",
            people(least.unwrap_or(0))
        )
    })
}

/// What `stage` takes on a model of `shape`; `tokens` is the mean length of a text.
pub fn estimate(stage: &Stage, shape: &ModelShape, tokens: f64) -> Memory {
    let parts = Parts::of(stage, shape);
    let micro = match stage.micro_batch {
        0 => stage.batch,
        size => size.min(stage.batch),
    };
    let cut = micro < stage.batch;
    let contrastive = stage.objective.is_contrastive();
    let floats = |count: f64| (count * 4.0) as u64;
    let recompute = stage.activation_checkpointing;
    let count = micro as f64;
    let activations = match shape {
        ModelShape::Clip(config) => {
            vit_rows(&config.vision, parts.tower, recompute) * count
                + text_rows(&config.text, parts.tower, recompute) * count * tokens
        }
        ModelShape::Llm2clip(config) => {
            vit_rows(&config.vision, parts.tower, recompute) * count
                + adapter_rows(&config.adapter) * count
        }
        ModelShape::Llama(config) => {
            let rows = llama_rows(config, recompute) * count * tokens * views(&stage.objective);
            // Logits, their gradient, and what cross entropy makes in between.
            rows + predictions(&stage.objective, count * tokens) * config.vocab as f64 * 3.0
        }
    };
    let batch = match shape {
        // The batch, the next one that is made beside it, the micro-batches cut from it, and the
        // tensor of one.
        ModelShape::Clip(_) | ModelShape::Llm2clip(_) => {
            let vision = vision(shape);
            let pixels = vision.map_or(0, |v| v.patches() * v.patch_numbers()) as f64;
            pixels * (stage.batch as f64 * if cut { 3.0 } else { 2.0 } + count)
        }
        ModelShape::Llama(_) => 0.0,
    };
    let features = if contrastive {
        let n = stage.batch as f64;
        let documents = n * (views(&stage.objective) - 1.0).max(1.0);
        // Similarities and their gradient; rows of both sides, their gradients and copies.
        2.0 * n * documents + 6.0 * (n + documents) * dim(shape) as f64
    } else {
        0.0
    };
    Memory {
        parameters: floats(parts.all as f64),
        moments: floats(parts.trained as f64 * 2.0),
        gradients: floats(parts.trained as f64 * if cut { 2.0 } else { 1.0 }),
        activations: floats(activations),
        batch: floats(batch + features),
    }
}

/// Texts that are read for an example.
fn views(objective: &Objective) -> f64 {
    match objective {
        Objective::Simcse { .. } => 2.0,
        Objective::CaptionContrastive { hard_negatives, .. } => 2.0 + *hard_negatives as f64,
        _ => 1.0,
    }
}

/// Positions whose next token is asked for.
fn predictions(objective: &Objective, tokens: f64) -> f64 {
    match objective {
        Objective::CausalLm { .. } => tokens,
        Objective::Mntp { mask_probability, .. } => tokens * f64::from(*mask_probability),
        _ => 0.0,
    }
}

fn vision(shape: &ModelShape) -> Option<&VitConfig> {
    match shape {
        ModelShape::Clip(config) => Some(&config.vision),
        ModelShape::Llm2clip(config) => Some(&config.vision),
        ModelShape::Llama(_) => None,
    }
}

/// Numbers of a feature.
fn dim(shape: &ModelShape) -> usize {
    match shape {
        ModelShape::Llama(config) => config.width,
        other => vision(other).map_or(0, |vision| vision.projection),
    }
}

/// Numbers a row of a tower: `kept` a block and the `passing` of one block's backward, over `layers`
/// blocks of `width`. Recomputed blocks keep their input, and one of them all of it.
fn rows(width: f64, kept: f64, passing: f64, layers: usize, recompute: bool) -> f64 {
    let layers = layers as f64;
    let stays = if recompute { width * layers + kept } else { kept * layers };
    stays + passing
}

/// Numbers a picture.
fn vit_rows(config: &VitConfig, tracked: bool, recompute: bool) -> f64 {
    let (w, mlp) = (config.width as f64, config.mlp as f64);
    let tokens = (config.patches() + 1) as f64;
    if !tracked {
        return tokens * (6.0 * w + 2.0 * mlp);
    }
    // The last block's MLP runs on the class token alone.
    let last = mlp + 2.0 * w;
    let inside = rows(w, 8.0 * w + mlp, 2.0 * mlp + 3.0 * w, config.layers, recompute);
    tokens * (inside - if recompute { 0.0 } else { last } + 4.0 * w)
}

/// Numbers a token of a text tower.
fn text_rows(config: &ClipTextConfig, tracked: bool, recompute: bool) -> f64 {
    let (w, mlp) = (config.width as f64, config.mlp as f64);
    if !tracked {
        return 6.0 * w + 2.0 * mlp;
    }
    let last = if recompute { 0.0 } else { mlp + 2.0 * w };
    rows(w, 8.0 * w + mlp, 2.0 * mlp + 3.0 * w, config.layers, recompute) - last + 3.0 * w
}

/// Numbers a token of a trunk.
fn llama_rows(config: &LlamaConfig, recompute: bool) -> f64 {
    let (w, mlp) = (config.width as f64, config.mlp as f64);
    let inner = (config.heads * config.head_dim) as f64;
    let kv = (config.kv_heads * config.head_dim) as f64;
    let kept = 4.0 * w + 2.0 * inner + 2.0 * kv + 2.0 * mlp;
    rows(w, kept, 4.0 * mlp + 3.0 * w, config.layers, recompute) + 3.0 * w
}

/// Numbers a text of the adapter.
fn adapter_rows(config: &AdapterConfig) -> f64 {
    let d = config.width as f64;
    config.blocks as f64 * 4.0 * d + 8.0 * d + config.projection as f64
}

/// How many numbers a model has, and how many of them are trained.
struct Parts {
    all: usize,
    trained: usize,
    /// Whether gradients go through the towers.
    tower: bool,
}

impl Parts {
    fn of(stage: &Stage, shape: &ModelShape) -> Self {
        let r = stage.lora_r;
        let (body, head, low) = match shape {
            ModelShape::Llama(config) => llama_numbers(config, r),
            ModelShape::Clip(config) => {
                let (vision, low) = vit_numbers(&config.vision, r);
                let (text, text_low) = text_numbers(&config.text, r);
                let scale = 1 + usize::from(config.logit_bias_init.is_some());
                let projections =
                    (config.vision.width + config.text.width) * config.vision.projection;
                (vision + text + projections, scale, low + text_low)
            }
            ModelShape::Llm2clip(config) => {
                let (vision, low) = vit_numbers(&config.vision, r);
                let projection = config.vision.width * config.vision.projection;
                (vision, projection + adapter_numbers(&config.adapter) + 1, low)
            }
        };
        match stage.trainable {
            Trainable::All => Self { all: body + head, trained: body + head, tower: true },
            Trainable::Lora => Self { all: body + head + low, trained: head + low, tower: true },
            Trainable::Adapter => Self { all: body + head, trained: head, tower: false },
        }
    }
}

fn block_numbers(w: usize, mlp: usize, r: usize) -> (usize, usize) {
    (4 * (w * w + w) + 4 * w + 2 * w * mlp + mlp + w, r * (8 * w + 2 * (w + mlp)))
}

/// Without the projection, which is a part of the head in LLM2CLIP.
fn vit_numbers(config: &VitConfig, r: usize) -> (usize, usize) {
    let w = config.width;
    let (block, low) = block_numbers(w, config.mlp, r);
    let embeddings = w * config.patch_numbers() + w + (config.patches() + 1) * w;
    (embeddings + 4 * w + config.layers * block, config.layers * low)
}

/// Without the projection.
fn text_numbers(config: &ClipTextConfig, r: usize) -> (usize, usize) {
    let w = config.width;
    let (block, low) = block_numbers(w, config.mlp, r);
    ((config.vocab + config.positions + 2) * w + config.layers * block, config.layers * low)
}

/// The last is LoRA's; a Llama has no head of its own that LoRA leaves trained.
fn llama_numbers(config: &LlamaConfig, r: usize) -> (usize, usize, usize) {
    let (w, mlp) = (config.width, config.mlp);
    let inner = config.heads * config.head_dim;
    let kv = config.kv_heads * config.head_dim;
    let layer = 2 * w + 2 * w * inner + 2 * w * kv + 3 * w * mlp;
    let low = r * (2 * (w + inner) + 2 * (w + kv) + 3 * (w + mlp));
    let tables = if config.tied { 1 } else { 2 } * config.vocab * w;
    (tables + config.layers * layer + w, 0, config.layers * low)
}

fn adapter_numbers(config: &AdapterConfig) -> usize {
    let (d, p) = (config.width, config.projection);
    config.blocks * (2 * d + 4 * d * d + 3 * d) + 2 * d + d * p + p
}

/// Bytes as people read them.
pub fn people(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= 1e9 { format!("{:.1} GB", bytes / 1e9) } else { format!("{:.0} MB", bytes / 1e6) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClipConfig, EotRule, LOGIT_SCALE_INIT, Llm2ClipConfig};
    use crate::nn::Activation;
    use crate::recipe::{apply_set, preset};
    use crate::rng::Key;
    use crate::train::{StageModel, Weights};
    use candle_core::Device;
    use std::collections::BTreeMap;

    fn stage(name: &str, sets: &[&str]) -> Stage {
        let recipe = preset(name).unwrap();
        let set = |recipe, set: &&str| apply_set(&recipe, set).unwrap();
        sets.iter().fold(recipe, set).stages.pop().unwrap()
    }

    fn clip() -> ClipConfig {
        let vision = VitConfig {
            image_size: 32,
            patch: 8,
            width: 24,
            layers: 3,
            heads: 2,
            mlp: 96,
            activation: Activation::QuickGelu,
            eps: 1e-5,
            projection: 16,
        };
        let text = ClipTextConfig {
            vocab: 50,
            positions: 12,
            width: 20,
            layers: 2,
            heads: 2,
            mlp: 80,
            activation: Activation::QuickGelu,
            eps: 1e-5,
            projection: 16,
            eot: EotRule::ArgMax,
        };
        ClipConfig { vision, text, logit_scale_init: LOGIT_SCALE_INIT, logit_bias_init: None }
    }

    fn llama() -> LlamaConfig {
        LlamaConfig {
            vocab: 60,
            width: 32,
            mlp: 48,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            head_dim: 8,
            eps: 1e-5,
            rope_theta: 10_000.0,
            rope_scaling: None,
            positions: 64,
            tied: true,
        }
    }

    fn llm2clip() -> Llm2ClipConfig {
        let adapter = AdapterConfig { width: 32, blocks: 4, projection: 16, normalise: true };
        Llm2ClipConfig { vision: clip().vision, adapter, logit_scale_init: LOGIT_SCALE_INIT }
    }

    #[test]
    fn numbers_are_counted_as_models_are_built() {
        let shapes = [
            ("clip", ModelShape::Clip(clip())),
            (
                "clip-sigmoid",
                ModelShape::Clip(ClipConfig { logit_bias_init: Some(-10.0), ..clip() }),
            ),
            ("llm2clip", ModelShape::Llm2clip(llm2clip())),
            ("mntp", ModelShape::Llama(llama())),
            ("mntp", ModelShape::Llama(LlamaConfig { tied: false, ..llama() })),
        ];
        for (name, shape) in shapes {
            for trainable in ["all", "lora", "adapter"] {
                if trainable == "adapter" && name != "llm2clip" {
                    continue;
                }
                let stage = stage(name, &[&format!("trainable={trainable}"), "lora_r=3"]);
                let start = Weights { shape: shape.clone(), tensors: BTreeMap::new() };
                let built = StageModel::build(&stage, start, Key::new(0), &Device::Cpu).unwrap();
                let parts = Parts::of(&stage, &shape);
                let found = built.params.count();
                assert_eq!((parts.all, parts.trained), found, "{name} {trainable}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_does() {
        let shape = ModelShape::Clip(clip());
        let stage = stage("clip", &["batch=4096"]);
        let whole = estimate(&stage, &shape, 8.0).total();
        let room = |bytes| Room { bytes, limited: true };
        assert!(check(&stage, &shape, 8.0, room(whole)).is_ok());
        let refused = check(&stage, &shape, 8.0, room(whole / 2)).unwrap_err();
        assert!(refused.hint.starts_with("--set micro_batch="), "{refused}");
        let size: usize = refused.hint["--set micro_batch=".len()..]
            .split(' ')
            .next()
            .and_then(|size| size.parse().ok())
            .unwrap();
        let mut smaller = stage.clone();
        smaller.micro_batch = size;
        assert!(estimate(&smaller, &shape, 8.0).total() <= whole / 2);
        smaller.micro_batch = size * 2;
        assert!(estimate(&smaller, &shape, 8.0).total() > whole / 2, "a larger one would do");
        let hopeless = check(&stage, &shape, 8.0, room(1000)).unwrap_err().to_string();
        assert!(hopeless.contains("smaller model"), "{hopeless}");
    }

    #[test]
    fn recomputation_and_smaller_micro_batches_need_less() {
        let shape = ModelShape::Clip(clip());
        let total = |sets: &[&str]| estimate(&stage("clip", sets), &shape, 8.0).activations;
        let whole = total(&["batch=256"]);
        assert!(total(&["batch=256", "activation_checkpointing=true"]) < whole);
        assert!(total(&["batch=256", "micro_batch=32"]) * 7 < whole);
    }

    #[test]
    fn a_limit_counts_what_is_held_already() {
        assert_eq!(Room::of(Some(100), 40, 0), Some(Room { bytes: 60, limited: true }));
        assert_eq!(Room::of(Some(100), 40, 50), Some(Room { bytes: 50, limited: false }));
        assert_eq!(Room::of(None, 40, 50), Some(Room { bytes: 50, limited: false }));
        assert_eq!(Room::of(None, 40, 0), None);
    }
}
