//! One training step and its state. Emits no events and writes no log: a step returns a
//! [`StepReport`], and the runner narrates.
//!
//! | file | holds |
//! |---|---|
//! | `trainer.rs` | [`Trainer`]: batch, forward, backward, clip, update; validation |
//! | `memory.rs` | how much memory a stage will take, from shapes alone |
//! | `model.rs` | [`StageModel`]: what a stage trains, built from weights or fresh |
//! | `batch.rs` | [`Batch`]: what one forward pass reads |
//! | `feed.rs` | [`Feed`]: a stage's batches, a pure function of seed and cursor |
//! | `ahead.rs` | one batch made while a step computes |
//! | `gradient.rs` | one update's gradient: whole, accumulated, or with cached features |
//! | `features.rs` | a contrastive batch through the model to unit rows |
//! | `retrieval.rs` | what the validation split retrieves, and how long texts are |
//! | `loss.rs` | a batch's loss, for each objective |
//! | `groups.rs` | parameter groups: decay, rate factors, names in reports |
//! | `optimizer.rs` | AdamW with visible state, clipping by the global norm |
//! | `checkpoint.rs` | a checkpoint's folder: written whole, verified, restored |
//! | `report.rs` | what a step says |
//! | `error.rs` | what can go wrong |

mod ahead;
mod batch;
mod checkpoint;
mod error;
mod features;
mod feed;
mod gradient;
mod groups;
mod loss;
pub mod memory;
mod model;
mod optimizer;
mod report;
mod retrieval;
mod trainer;

pub use batch::Batch;
pub use checkpoint::{
    Checkpoint, CheckpointError, bytes_needed, mark_asked_for, read_state, was_asked_for,
};
pub use error::TrainError;
pub use features::pooling_of;
pub use feed::{Feed, FeedSource, TextRows};
pub use groups::{Group, group_of};
pub use model::{ModelShape, Net, StageModel, Weights};
pub use optimizer::{AdamW, Hyper, Norms};
pub use report::{BadStep, Milliseconds, Pairs, StepOutcome, StepReport, ValidationReport};
pub use trainer::{Best, TrainState, Trainer};
