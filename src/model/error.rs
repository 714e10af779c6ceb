//! What a model can refuse.

use super::ConfigError;
use crate::nn::NnError;

/// A model refused its configuration or its input, or something underneath failed.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A block or op failed.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// The configuration cannot be computed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A text with more tokens than the model has positions.
    #[error(
        "sequence {sequence} is too long: expected at most {positions} tokens, found {found}; \
         truncate it"
    )]
    TooLong {
        /// Its number in the batch.
        sequence: usize,
        /// The model's positions.
        positions: usize,
        /// Its tokens.
        found: usize,
    },
    /// Another number of ids or rows than the packing has.
    #[error("{what}: expected {expected} rows, found {found}")]
    Rows {
        /// Which input.
        what: &'static str,
        /// What the packing or the batch says.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A token the model does not have.
    #[error("token {id} is outside the vocabulary of {vocab}; the tokenizer is another model's")]
    Token {
        /// The id.
        id: u32,
        /// The vocabulary's size.
        vocab: usize,
    },
    /// A text without the token its feature is taken from.
    #[error("sequence {sequence} has no end token {id}; end every text with it")]
    NoEnd {
        /// Its number in the batch.
        sequence: usize,
        /// The end token.
        id: u32,
    },
    /// A layer number beyond the model's.
    #[error("layer {found}: expected 0 (the embeddings) to {layers} (after the final norm)")]
    Layer {
        /// The number asked for.
        found: usize,
        /// The model's layers.
        layers: usize,
    },
    /// Logits of a model that was built without its head.
    #[error("the model was built without its language-model head; build it with one")]
    NoHead,
    /// Two parts that do not fit together.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// Which two.
        what: &'static str,
        /// One width.
        expected: usize,
        /// The other.
        found: usize,
    },
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        Self::Nn(NnError::Candle(error))
    }
}
