//! Sizes of towers that start from fresh weights. Published sizes come from a model's own files.

use serde::{Deserialize, Serialize};

/// A ViT as in CLIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisionShape {
    /// Pixels a side.
    pub image_size: usize,
    /// Pixels a patch's side.
    pub patch: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
}

/// CLIP's causal text transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextShape {
    /// Width of the residual stream.
    pub width: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Positions, the longest text with its start and end.
    pub positions: usize,
}

/// A Llama trunk; head width is `width / heads`, the head is tied to the embeddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlamaShape {
    /// Width of the residual stream.
    pub width: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads, shared by groups of query heads.
    pub kv_heads: usize,
    /// Width of the gated feed-forward.
    pub mlp: usize,
    /// Positions.
    pub positions: usize,
}
