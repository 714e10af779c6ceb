//! Files to plain batches, no tensors: items, captions, pictures, tokens, order.

pub mod bad;
pub mod builtin;
pub mod check;
pub mod collate;
pub mod corpus;
pub mod decoded;
pub mod error;
pub mod format;
pub mod hf_tokenizer;
pub mod named;
pub mod near;
pub mod normalise;
pub mod open;
pub mod order;
pub mod picture;
pub mod pictures;
pub mod preprocessor;
pub mod processor;
pub mod read;
pub mod resize;
pub mod text;
pub mod thumbnail;
pub mod tokenizer;
pub mod tokenizer_gguf;
mod tokenizer_pre;
pub mod tokenizer_train;
pub mod wordnet;
pub mod words;

pub use error::{DataError, Result};
