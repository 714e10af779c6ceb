//! What ends a run.

use crate::data::DataError;
use crate::encode::EncodeError;
use crate::eval::Error as EvalError;
use crate::files::FileError;
use crate::files::manifest::ManifestError;
use crate::ids::BadName;
use crate::recipe::Problem;
use crate::session::error::LogError;
use crate::train::{CheckpointError, TrainError};

/// A run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The recipe has problems; all of them are listed.
    #[error("the recipe cannot run:{}", list(problems))]
    Recipe {
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// An encoder failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A measure could not be taken.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The log could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint is not whole.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A name is not one.
    #[error(transparent)]
    Name(#[from] BadName),
    /// candle refused.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A loss or gradient was not finite and the recipe says to fail then.
    #[error("{what} was not finite at step {step} of stage {stage}; nothing of that step was applied; the run ends at its last checkpoint. Batch: {items}")]
    Diverged {
        /// The stage.
        stage: String,
        /// The step that would have been.
        step: usize,
        /// What was not finite.
        what: String,
        /// Ids of the batch's items.
        items: String,
    },
    /// The disk cannot hold two checkpoints.
    #[error("the disk below {place} has {free} free; this stage's checkpoints need {needed} (two of them); free some space, or name another folder with --checkpoints")]
    DiskFull {
        /// The checkpoints folder.
        place: String,
        /// Free, in people's units.
        free: String,
        /// Needed, in people's units.
        needed: String,
    },
    /// What was asked for does not fit what there is.
    #[error("{0}")]
    Unfit(String),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
