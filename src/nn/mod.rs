//! Differentiable blocks on candle: parameters, fused ops and their composed twins.
//!
//! A batch of sequences is **packed**: rows `[rows, width]` beside a [`Packing`] that says which
//! rows form a sequence. Nothing is padded on the fast path.
//!
//! - [`Builder`] and [`Params`]: named parameters, strictly loaded or freshly drawn by key.
//! - [`ops`]: differentiable functions. Each has a composed twin out of candle's elementary ops
//!   (any device, any float) and, for f32 on the processor, a fused kernel with its own backward.
//! - [`block`]: whole sub-layers (norm, products, residual) in one call, which is where fusing
//!   pays most.
//! - [`backward`]: gradients of a scalar. Prefer it to `Tensor::backward`, which gives the same
//!   gradients but adds each parameter's to a fresh zero first.
//! - [`recomputed`]: a block that keeps its input alone and runs again in backward.

pub mod block;
mod builder;
mod dropout;
mod error;
mod grad;
mod kernel;
mod linear;
mod lora;
mod norm;
pub mod ops;
mod optim;
mod packing;
mod params;
mod recompute;
mod rope;
mod twin;

pub use builder::{Builder, Init, LoraSpec, Rule};
pub use dropout::{DropAt, DropKeys, Dropout};
pub use error::{LoadError, Misshapen, NnError, Result};
pub use grad::backward;
pub use linear::{Linear, Lora};
pub use lora::merge;
pub use norm::{LayerNorm, RmsNorm};
pub use ops::{Activation, Attention, Mask, Pooling};
pub use optim::{AdamW, sum_of_squares};
pub use packing::Packing;
pub use params::{Param, Params};
pub use recompute::recomputed;
pub use rope::{RopeStyle, RopeTable};
