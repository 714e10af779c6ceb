//! What can go wrong between a text or picture and its row.

use super::{EmbeddingError, GgufError, HfError, SpecError};
use crate::data::DataError;
use crate::files::FileError;
use crate::files::manifest::ManifestError;
use crate::hub::HubError;
use crate::model::{ConfigError, ModelError};
use crate::nn::NnError;
use std::path::PathBuf;

/// An encoder could not be made, or could not encode.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The encoder's text was wrong.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A block or op refused.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// A model refused.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A configuration is not one of ours.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// candle refused.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// Data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint is not whole.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A row has no direction.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// A row of a table has no direction.
    #[error("{cause} ({})", path.display())]
    Row {
        /// Which row, and what is wrong with it.
        #[source]
        cause: EmbeddingError,
        /// The table.
        path: PathBuf,
    },
    /// A JSON file does not parse.
    #[error("{cause} ({})", path.display())]
    Json {
        /// What the parser says.
        #[source]
        cause: serde_json::Error,
        /// The file.
        path: PathBuf,
    },
    /// A file of weights is torn, lies about what it holds, or holds what is not computed with.
    #[error(
        "expected a whole safetensors file, found {bytes} bytes that are none ({cause}); copy or fetch it again ({})",
        path.display()
    )]
    Tensors {
        /// What its reader says.
        #[source]
        cause: candle_core::Error,
        /// How long it is.
        bytes: usize,
        /// The file.
        path: PathBuf,
    },
    /// A GGUF file cannot be read.
    #[error("{cause} ({})", path.display())]
    Gguf {
        /// What is wrong with it.
        #[source]
        cause: GgufError,
        /// The file.
        path: PathBuf,
    },
    /// A GGUF model is not one of ours.
    #[error(transparent)]
    GgufModel(#[from] GgufError),
    /// A model folder cannot be read.
    #[error(transparent)]
    Hf(#[from] HfError),
    /// A model of the hub is not here.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// Nothing of that name.
    #[error("no encoder is called {name:?}: expected {expected}")]
    Unknown {
        /// As asked for.
        name: String,
        /// What there is, or where was looked.
        expected: String,
    },
    /// More than one checkpoint fits.
    #[error("{name:?} fits several runs: {candidates}; write more of the name")]
    Ambiguous {
        /// As asked for.
        name: String,
        /// What fits.
        candidates: String,
    },
    /// The encoder cannot do what was asked.
    #[error("encoder {encoder} {what}")]
    Unfit {
        /// The encoder.
        encoder: String,
        /// What it lacks, and what to do.
        what: String,
    },
    /// Whoever was told of the progress ended the work.
    #[error("encoding was interrupted")]
    Interrupted,
    /// Something a checkpoint stands on has changed.
    #[error(
        "{name} stands on {parent} with weights {expected}, found {found}; the base was changed after training"
    )]
    OtherParent {
        /// The checkpoint.
        name: String,
        /// What it stands on.
        parent: String,
        /// The digest in its card.
        expected: String,
        /// The digest found.
        found: String,
    },
}
