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
    #[error(
        "{what} was not finite at step {step} of stage {stage}; nothing of that step was applied; the run ends at its last checkpoint. Batch: {items}"
    )]
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
    #[error(
        "the disk below {place} has {free} free; this stage's checkpoints need {needed} (two of them); free some space, or name another folder with --checkpoints"
    )]
    DiskFull {
        /// The checkpoints folder.
        place: String,
        /// Free, in people's units.
        free: String,
        /// Needed, in people's units.
        needed: String,
    },
    /// A stage needs more memory than there is.
    #[error(transparent)]
    Memory(#[from] crate::train::memory::TooLarge),
    /// The run was asked to end; what was made is saved.
    #[error("the run was asked to end")]
    Stopped {
        /// The signal that asked; none where a command did.
        signal: Option<i32>,
    },
    /// The disk had no room for what was being written.
    #[error(
        "disk full: {cause}; the log and the last checkpoint are whole; free some space and `llm2clip resume` goes on from there"
    )]
    NoRoom {
        /// What could not be written.
        #[source]
        cause: Box<RunError>,
    },
    /// A folder that the run must write to is closed to it.
    #[error(
        "could not write to {}: expected a folder that this user may write to, found {cause}; open it, or name another with --checkpoints",
        place.display()
    )]
    Closed {
        /// The folder.
        place: std::path::PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// What was asked for does not fit what there is.
    #[error("{0}")]
    Unfit(String),
}

impl RunError {
    /// Whether the cause at its bottom is a disk, a quota or a limit with no room left.
    pub(super) fn is_full(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
                return matches!(io.kind(), FileTooLarge | QuotaExceeded | StorageFull);
            }
            cause = error.source();
        }
        false
    }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
