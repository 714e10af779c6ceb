//! Files to plain batches, no tensors: items, captions, pictures, tokens, order.

pub mod builtin;
pub mod corpus;
