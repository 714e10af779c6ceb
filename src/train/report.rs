//! What a step says, in plain numbers.

use std::collections::BTreeMap;

/// Time of one step by part, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Milliseconds {
    /// Waiting for the batch: all of its making, less what was made while the step before computed.
    pub data: f64,
    /// Batch to loss.
    pub forward: f64,
    /// Loss to gradients.
    pub backward: f64,
    /// Norms, clipping and update.
    pub optimizer: f64,
}

/// Both sides of a contrastive batch, for the health measures: unit rows, row i of one side belongs
/// to row i of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// Columns of a row.
    pub dim: usize,
    /// First side: queries or images, `[batch, dim]`.
    pub first: Vec<f32>,
    /// Second side: positives or texts, `[batch, dim]`.
    pub second: Vec<f32>,
}

/// One finished update.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Updates done in this stage, this one included.
    pub step: usize,
    /// Passes over the data so far, begun ones included.
    pub epoch: u64,
    /// Mean loss of the batch.
    pub loss: f32,
    /// The rate of this update, before group factors.
    pub learning_rate: f64,
    /// Gradient norm before clipping, by group, and `all`.
    pub gradient_norm: BTreeMap<&'static str, f64>,
    /// Whether the gradient was scaled down.
    pub clipped: bool,
    /// The factor on similarities, where it is learned.
    pub logit_scale: Option<f32>,
    /// Examples in the batch.
    pub examples: usize,
    /// Tokens in the batch; patches where there is no text.
    pub tokens: usize,
    /// Texts cut to `max_tokens`.
    pub truncated: usize,
    /// Where the time went.
    pub milliseconds: Milliseconds,
    /// Both sides of the batch, when asked for.
    pub pairs: Option<Pairs>,
}

/// A step whose loss or gradient was not finite. Nothing was updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadStep {
    /// The step that would have been.
    pub step: usize,
    /// What was not finite: `loss`, or the first parameter by name.
    pub what: String,
    /// Ids of the items in the batch.
    pub items: Vec<String>,
}

/// What came of a step.
#[derive(Clone, Debug)]
pub enum StepOutcome {
    /// The weights moved.
    Finished(Box<StepReport>),
    /// They did not.
    Bad(BadStep),
}

/// The validation split under the stage's own loss.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationReport {
    /// Mean loss.
    pub loss: f32,
    /// Further measures by name, such as accuracy at the masked positions.
    pub metrics: BTreeMap<String, f64>,
}
