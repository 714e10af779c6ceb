//! What can go wrong while training.

use crate::data::DataError;
use crate::files::FileError;
use crate::nn::NnError;

/// Training could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A block or op refused.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// A model refused.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    /// candle refused.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// Data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint does not hold what it should.
    #[error(transparent)]
    Checkpoint(#[from] super::CheckpointError),
    /// A trainable parameter received no gradient, so it would never learn.
    #[error("no gradient reaches {names}: these parameters are trainable, expected one for each")]
    DeadParameters {
        /// Their names.
        names: String,
    },
    /// The weights a stage starts from are of the wrong kind.
    #[error("stage {stage} trains {objective}: expected weights of {expected}, found {found}")]
    WrongWeights {
        /// The stage.
        stage: String,
        /// Its objective.
        objective: &'static str,
        /// The kind of model it needs.
        expected: &'static str,
        /// The kind it was given.
        found: &'static str,
    },
    /// The data cannot feed the objective.
    #[error("stage {stage}: {what}")]
    Unfit {
        /// The stage.
        stage: String,
        /// What is missing, and what to do.
        what: String,
    },
}
