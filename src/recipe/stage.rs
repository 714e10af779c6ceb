//! [`Recipe`] and [`Stage`]: the keys that every stage has, flat, as `--set` and TOML name them.

use super::{Objective, Schedule, Watched};
use crate::ids::StageName;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A complete, resolved description of a run: two runs of equal recipes give equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The recipe's name; runs are called `<name>-<n>`.
    pub name: String,
    /// The root of every random stream.
    pub seed: u64,
    /// Whether the run goes on, after its last stage, to compare every encoder it has made in both
    /// tasks, to inspect a query and to export.
    #[serde(default)]
    pub report: bool,
    /// The stages, in the order they run.
    pub stages: Vec<Stage>,
}

/// One objective with its own steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The stage's name, unique in its recipe.
    pub name: StageName,
    /// What is minimised; its own keys stand beside the common ones.
    #[serde(flatten)]
    pub objective: Objective,
    /// Where the weights come from.
    pub init: Init,
    /// Which weights move.
    pub trainable: Trainable,
    /// What `--dataset` takes; text corpora may be joined with `+`.
    pub data: String,
    /// Languages whose captions are drawn, separated by commas, or `all`.
    pub captions: String,
    /// The name of the random streams that order the data and draw pictures, captions, masks and
    /// crops. Stages of one seed with equal names, data and batch see the same examples.
    pub draws: String,
    /// Optimizer updates.
    pub steps: usize,
    /// Examples an update.
    pub batch: usize,
    /// Examples a forward pass holds at once; 0 means the whole batch. In contrastive objectives the
    /// features are cached, and the loss still sees the whole batch.
    pub micro_batch: usize,
    /// Whether transformer blocks keep their input alone and run again in backward: less memory, the
    /// same numbers, about a third more time.
    #[serde(default)]
    pub activation_checkpointing: bool,
    /// Longest token sequence; longer ones are cut and counted.
    pub max_tokens: usize,
    /// Peak learning rate.
    pub lr: f64,
    /// Updates of linear warm-up.
    pub warmup: usize,
    /// How the rate goes on after the warm-up.
    pub schedule: Schedule,
    /// Factor on the learning rate per layer below the head; 1 means none (facts 3.4).
    pub layer_decay: f64,
    /// Decoupled weight decay; norms, biases, scales and embeddings of position have none.
    pub weight_decay: f64,
    /// `AdamW`'s first decay.
    pub beta1: f64,
    /// `AdamW`'s second decay.
    pub beta2: f64,
    /// `AdamW`'s epsilon.
    pub eps: f64,
    /// Largest global gradient norm; 0 means no clipping.
    pub clip_norm: f64,
    /// Rank of the LoRA matrices, where `trainable` asks for them.
    pub lora_r: usize,
    /// LoRA's alpha: the product is scaled by alpha / r.
    pub lora_alpha: f64,
    /// Dropout on LoRA's input.
    pub lora_dropout: f32,
    /// Transformer blocks below this one get no LoRA, and no gradient is computed for them.
    #[serde(default)]
    pub lora_from_layer: usize,
    /// What happens when a loss or gradient is not finite.
    pub on_bad_step: OnBadStep,
    /// Updates between checkpoints; the stage's end always has one. 0 means only there.
    pub checkpoint_every: usize,
    /// Checkpoints kept besides the stage's last.
    pub keep: usize,
    /// Checkpoints at multiples of this stay for good; 0 means none do.
    #[serde(default)]
    pub keep_every: usize,
    /// What makes a validation the best. Its checkpoint is saved at once and kept; with `none`
    /// nothing is kept for it and the loss is watched.
    #[serde(default)]
    pub keep_best: Watched,
    /// Updates between validations; 0 means only at the stage's end.
    pub validate_every: usize,
    /// Updates between retrievals on the validation split, in contrastive objectives; 0 means only
    /// at the stage's end.
    #[serde(default)]
    pub retrieval_every: usize,
    /// Validations in a row without a better value of what is watched after which the stage ends;
    /// 0 means it never ends early.
    #[serde(default)]
    pub patience: usize,
}

/// Where a stage's weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Init {
    /// Fresh weights, drawn from the recipe's seed.
    Fresh,
    /// The end of an earlier stage of this recipe, its LoRA merged.
    Stage(StageName),
    /// Any encoder or checkpoint the command line can name: `builtin:llama`, a run's stage, a folder.
    Source(String),
}

impl TryFrom<String> for Init {
    type Error = crate::ids::BadName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "fresh" {
            return Ok(Self::Fresh);
        }
        match text.strip_prefix("stage:") {
            Some(stage) => stage.parse().map(Self::Stage),
            None => Ok(Self::Source(text)),
        }
    }
}

impl From<Init> for String {
    fn from(init: Init) -> Self {
        init.to_string()
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh => f.write_str("fresh"),
            Self::Stage(stage) => write!(f, "stage:{stage}"),
            Self::Source(source) => f.write_str(source),
        }
    }
}

/// Which weights move; every parameter is either trainable or frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trainable {
    /// Every weight of the model.
    All,
    /// Fresh LoRA matrices on every linear layer of the language model or image tower;
    /// for `llm2clip` also projection, adapter and logit scale.
    Lora,
    /// `llm2clip` only: projection, adapter and logit scale; the image tower stays as it is.
    Adapter,
}

/// What a run does when a loss or gradient is not finite. It never reaches the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadStep {
    /// The run ends as `failed` at its last good checkpoint.
    Fail,
    /// The update is skipped and the learning rate halved; it recovers over the next 100 good steps.
    Skip,
}
