//! What a recipe will take before it runs, as a document, and which stages take equally long a step.

use super::Stage;
use serde::{Deserialize, Serialize};

/// Format of [`Estimate`].
pub const ESTIMATE_FORMAT: &str = "llm2clip.estimate/1";

/// What every stage of a recipe will take here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// [`ESTIMATE_FORMAT`].
    pub format: String,
    /// The recipe's name.
    pub recipe: String,
    /// The device a run would take: `cpu` or `cuda:N`.
    pub device: String,
    /// Why that one.
    pub why: String,
    /// The computer's name.
    pub host: String,
    /// Threads a run would compute on; null in older documents.
    #[serde(default)]
    pub threads: Option<u32>,
    /// Bytes that the device has free for a run; null where that is not known.
    pub free: Option<u64>,
    /// The stages in their order; empty where the memory is not known.
    pub stages: Vec<StageEstimate>,
    /// Why the memory is not known; null where it is.
    pub problem: Option<String>,
    /// How long the stages will take, in their order.
    #[serde(default)]
    pub times: Vec<StageTime>,
}

/// How long a stage will take, as an earlier run tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// The stage's name.
    pub stage: String,
    /// Steps it is still to make.
    pub steps: u64,
    /// Seconds a step, validations and checkpoints in proportion; null where no earlier run tells.
    pub step_seconds: Option<f64>,
    /// The run that tells, `<session>/<run>`.
    pub run: Option<String>,
    /// The computer it ran on, where that is another one.
    pub run_host: Option<String>,
    /// The batch it had, where that is another one: its time was taken in proportion.
    pub run_batch: Option<u64>,
    /// Seconds of a training step by itself.
    #[serde(default)]
    pub training_step_seconds: Option<f64>,
    /// Validations it will make; null where the run that tells made none.
    #[serde(default)]
    pub validations: Option<u64>,
    /// Seconds of all of them.
    #[serde(default)]
    pub validation_seconds: Option<f64>,
    /// Checkpoints it will save; null where the run that tells saved none.
    #[serde(default)]
    pub checkpoints: Option<u64>,
    /// Seconds of all of them.
    #[serde(default)]
    pub checkpoint_seconds: Option<f64>,
    /// The device of the run that tells.
    #[serde(default)]
    pub run_device: Option<String>,
    /// Its threads.
    #[serde(default)]
    pub run_threads: Option<u32>,
    /// In what it differs from what is asked for, or what it cannot tell; null where in nothing.
    #[serde(default)]
    pub caution: Option<String>,
}

impl StageTime {
    /// Seconds for all steps.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        Some(self.steps as f64 * self.step_seconds?)
    }
}

/// Memory of a stage, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEstimate {
    /// The stage's name.
    pub stage: String,
    /// All of it.
    pub total: u64,
    /// All weights.
    pub parameters: u64,
    /// The optimizer's moments.
    pub moments: u64,
    /// Gradients.
    pub gradients: u64,
    /// What forward keeps for backward.
    pub activations: u64,
    /// The batch, its features and similarities.
    pub batch: u64,
}

/// Whether a step of two stages is the same work but for the size of the batch: their rates, cadences
/// and numbers of steps may differ.
#[must_use]
pub fn same_work(a: &Stage, b: &Stage) -> bool {
    a.name == b.name
        && a.objective == b.objective
        && (&a.init, a.trainable, &a.data, &a.captions)
            == (&b.init, b.trainable, &b.data, &b.captions)
        && (a.micro_batch, a.activation_checkpointing)
            == (b.micro_batch, b.activation_checkpointing)
        && (a.max_tokens, a.lora_r, a.lora_from_layer)
            == (b.max_tokens, b.lora_r, b.lora_from_layer)
}

#[cfg(test)]
mod tests {
    use super::super::{apply_set, preset};
    use super::*;

    #[test]
    fn steps_and_rates_leave_a_steps_work_as_it_is_and_widths_do_not() {
        let stage = |set: &str| apply_set(&preset("clip").unwrap(), set).unwrap().stages[0].clone();
        let one = stage("steps=3");
        assert!(same_work(&one, &stage("lr=1")) && same_work(&one, &stage("batch=7")));
        assert!(!same_work(&one, &stage("vision.width=64")));
        assert!(!same_work(&one, &stage("max_tokens=9")));
    }
}
