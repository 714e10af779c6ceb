//! Published architectures out of nn: ViT, CLIP text tower, Llama, pooling, adapter and projector.
//!
//! Batches are packed: rows `[rows, width]` beside a [`crate::nn::Packing`]; nothing here pads.
//! Configurations are plain data, read from (and written as) Hugging Face's `config.json`; tensor
//! names inside are Hugging Face's too, and [`names`] turns other sources' names into them.

mod adapter;
mod candle_types;
mod clip;
mod clip_block;
mod clip_text;
mod config;
mod ctx;
mod error;
pub mod gguf_llama;
mod hf_clip;
mod llama;
mod llama_config;
mod llm2clip;
pub mod names;
mod pooling;
mod rope_scaling;
mod vit;

pub use adapter::{AdapterConfig, TextAdapter};
pub use clip::{Clip, ClipConfig, LOGIT_SCALE_INIT, LOGIT_SCALE_MAX, LogitScale};
pub use clip_block::{ClipBlock, ClipBlockConfig};
pub use clip_text::{ClipText, ClipTextConfig, EotRule};
pub use config::{ConfigError, activation, activation_name};
pub use ctx::Ctx;
pub use error::ModelError;
pub use llama::{LlamaLayer, Trunk};
pub use llama_config::LlamaConfig;
pub use llm2clip::{Llm2Clip, Llm2ClipConfig};
pub use pooling::{Pooling, UnknownPooling};
pub use rope_scaling::{Llama3, RopeScaling};
pub use vit::{Vit, VitConfig};
