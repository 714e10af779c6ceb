//! Events of a step: what was computed, what was kept, what went wrong.

use crate::ids::{Digest, StageName};
use crate::session::finite::{Finite, FiniteMap};
use serde::{Deserialize, Serialize};

/// One optimizer update was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFinished {
    /// The stage.
    pub stage: StageName,
    /// Updates of the stage made so far, this one included: the first step is 1.
    pub step: u64,
    /// Passes over the data completed before this step.
    pub epoch: u64,
    /// Training loss of the whole batch, before the update, in nats.
    pub loss: Finite,
    /// Rate of this update for the first parameter group, schedule and back-off applied.
    pub learning_rate: Finite,
    /// L2 norm of the gradient by parameter group, before clipping.
    pub gradient_norm: FiniteMap,
    /// Whether the gradient was scaled down.
    pub clipped: bool,
    /// exp of the learned log-temperature; absent where the objective has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_scale: Option<Finite>,
    /// Examples a second over the whole step; absent where too short to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples_per_second: Option<Finite>,
    /// Tokens a second over the whole step; absent where no text was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<Finite>,
    /// Where the time went.
    pub milliseconds: StepTimes,
    /// Memory of this process after the step, in bytes.
    pub memory_bytes: u64,
    /// How the batch's pairs lie; absent outside contrastive objectives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Contrast>,
}

/// Wall-clock time of a step by part, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTimes {
    /// Waiting for the batch.
    pub data: Finite,
    /// From the batch to the loss.
    pub forward: Finite,
    /// From the loss to the gradients.
    pub backward: Finite,
    /// Clipping and the update.
    pub optimizer: Finite,
}

impl StepTimes {
    /// All parts together, in milliseconds.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.data.get() + self.forward.get() + self.backward.get() + self.optimizer.get()
    }
}

/// How the pairs of a batch lie on the unit sphere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// Mean cosine of the positive pairs.
    pub positive: Finite,
    /// Mean over queries of the largest cosine with a wrong answer.
    pub hardest_negative: Finite,
    /// Mean squared distance of the positive pairs (Wang and Isola 2020).
    pub alignment: Finite,
    /// Log of the mean of exp(-2 d^2) over distinct pairs (Wang and Isola 2020).
    pub uniformity: Finite,
    /// exp of the entropy of the normalised singular values (Roy and Vetterli 2007).
    pub effective_rank: Finite,
}

/// A step was not applied, and the run backed off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSkipped {
    /// The stage.
    pub stage: StageName,
    /// The step that was tried, counted as in `step_finished`.
    pub step: u64,
    /// What was not finite: a loss, a gradient or a tensor by name.
    pub what: String,
    /// Ids of the batch's items.
    pub items: Vec<String>,
    /// What the learning rate is multiplied by from here on.
    pub learning_rate_factor: Finite,
}

/// A number was not finite and the recipe does not go on: `run_finished` follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// The stage.
    pub stage: StageName,
    /// The step that was tried, counted as in `step_finished`.
    pub step: u64,
    /// What was not finite: a loss, a gradient or a tensor by name.
    pub what: String,
    /// Ids of the batch's items.
    pub items: Vec<String>,
}

/// The stage was measured on data it does not train on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// The stage.
    pub stage: StageName,
    /// Updates made before.
    pub step: u64,
    /// Validation loss in nats; absent where the objective has none, or it was not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Finite>,
    /// Metrics by name, such as `recall@1`; shares are fractions.
    pub metrics: FiniteMap,
    /// Seconds it took.
    pub seconds: Finite,
    /// Whether it is the best so far by what the recipe watches; absent where that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<bool>,
}

/// A checkpoint is safe on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointSaved {
    /// The stage.
    pub stage: StageName,
    /// Updates made before.
    pub step: u64,
    /// Its folder, relative to the checkpoints folder.
    pub path: String,
    /// sha256 of its `params.safetensors`.
    pub digest: Digest,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Seconds it took.
    pub seconds: Finite,
}

/// An older checkpoint was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRemoved {
    /// The stage.
    pub stage: StageName,
    /// Its step.
    pub step: u64,
    /// The folder that was, relative to the checkpoints folder.
    pub path: String,
}
