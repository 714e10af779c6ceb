//! Files to plain batches, no tensors: items, captions, pictures, tokens, order.

pub mod corpus;
pub mod error;
pub mod order;
pub mod text;
pub mod tokenizer;
pub mod tokenizer_train;

pub use error::{DataError, Result};
