//! CLIP's image tower: a vision transformer with a class token (Dosovitskiy et al. 2020, Radford
//! et al. 2021).

use super::clip_block::{ClipBlock, ClipBlockConfig};
use super::config::activation_serde;
use super::{ConfigError, Ctx, ModelError};
use crate::nn::{Activation, Builder, Init, LayerNorm, Linear, Mask, Packing, ops};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The shape of an image tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// Side of the square input, pixels.
    pub image_size: usize,
    /// Side of a patch, pixels; divides `image_size`.
    pub patch: usize,
    /// Numbers a token.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Numbers inside a block's MLP.
    pub mlp: usize,
    /// The MLP's non-linearity.
    #[serde(with = "activation_serde")]
    pub activation: Activation,
    /// Of the layer norms.
    pub eps: f64,
    /// Numbers a feature.
    pub projection: usize,
}

impl VitConfig {
    /// Patches a picture, the class token not counted.
    #[must_use]
    pub fn patches(&self) -> usize {
        let side = self.image_size / self.patch.max(1);
        side * side
    }

    /// Numbers a patch: 3 channels times the patch's pixels.
    #[must_use]
    pub fn patch_numbers(&self) -> usize {
        3 * self.patch * self.patch
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.patch == 0 || !self.image_size.is_multiple_of(self.patch) || self.image_size == 0 {
            let expected = format!("a divisor of the image size {}", self.image_size);
            return Err(ConfigError::unsupported("patch_size", expected, &self.patch));
        }
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            let expected = format!("a divisor of the width {}", self.width);
            return Err(ConfigError::unsupported("num_attention_heads", expected, &self.heads));
        }
        Ok(())
    }

    fn block(&self) -> ClipBlockConfig {
        ClipBlockConfig {
            width: self.width,
            heads: self.heads,
            mlp: self.mlp,
            activation: self.activation,
            eps: self.eps,
            layers: self.layers,
        }
    }
}

/// Patch product without bias, class token, absolute positions, norm, blocks; the class token's
/// last state, normed, through a bias-free projection.
#[derive(Clone, Debug)]
pub struct Vit {
    config: VitConfig,
    patch: Tensor,
    class: Tensor,
    positions: Tensor,
    pre: LayerNorm,
    blocks: Vec<ClipBlock>,
    post: LayerNorm,
    projection: Linear,
}

impl Vit {
    /// Names as in Hugging Face's `CLIPModel`: `vision_model.…` and `visual_projection.weight`
    /// below `builder`'s path. Fresh weights as in `open_clip`: class token, positions and
    /// projection normal with standard deviation width^-1/2, the patch product as PyTorch's
    /// convolution (uniform within fan-in^-1/2), blocks as [`ClipBlock`] says.
    ///
    /// # Errors
    /// A configuration whose sizes do not divide.
    pub fn new(config: &VitConfig, builder: &Builder) -> Result<Self, ModelError> {
        config.check()?;
        let (width, p) = (config.width, config.patch);
        let std = 1.0 / (width as f32).sqrt();
        let model = builder.pp("vision_model");
        let embeddings = model.pp("embeddings");
        let bound = 1.0 / (config.patch_numbers() as f32).sqrt();
        let blocks = (0..config.layers)
            .map(|n| ClipBlock::new(&model.pp("encoder.layers").pp(n), &config.block(), n))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            config: config.clone(),
            patch: embeddings.get(
                "patch_embedding.weight",
                &[width, 3, p, p],
                Init::Uniform { bound },
            )?,
            class: embeddings.get("class_embedding", &[width], Init::Normal { std })?,
            positions: embeddings.get(
                "position_embedding.weight",
                &[config.patches() + 1, width],
                Init::Normal { std },
            )?,
            // The misspelling is the published name.
            pre: LayerNorm::new(&model.pp("pre_layrnorm"), width, config.eps)?,
            blocks,
            post: LayerNorm::new(&model.pp("post_layernorm"), width, config.eps)?,
            projection: Linear::new(
                &builder.pp("visual_projection"),
                width,
                config.projection,
                false,
                Init::Normal { std },
            )?,
        })
    }

    /// The configuration it was built with.
    #[must_use]
    pub fn config(&self) -> &VitConfig {
        &self.config
    }

    /// The blocks, first to last.
    #[must_use]
    pub fn blocks(&self) -> &[ClipBlock] {
        &self.blocks
    }

    /// The sequences of a batch of `b` pictures: class token first, then the patches row by row.
    #[must_use]
    pub fn packing(&self, b: usize) -> Packing {
        Packing::uniform(b, self.config.patches() + 1)
    }

    /// Features `[b, projection]`, not normalised, of `patches` `[b * patches, 3 * p * p]` (pixels
    /// cut in patch rows; a row's order is channel, y, x, like the weight's).
    ///
    /// # Errors
    /// Another number of patches or pixels.
    pub fn forward(&self, patches: &Tensor, b: usize, ctx: &Ctx) -> Result<Tensor, ModelError> {
        let class = self.class_states(patches, b, ctx)?;
        Ok(self.projection.forward(&class, None)?)
    }

    /// The class token's normed last state, before the projection: `[b, width]`.
    ///
    /// # Errors
    /// As [`Vit::forward`].
    pub fn class_states(
        &self,
        patches: &Tensor,
        b: usize,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        let packing = self.packing(b);
        let rows: Vec<u32> = (0..b).map(|s| packing.range(s).start as u32).collect();
        let mut x = self.embed(patches, b)?;
        let class = match self.blocks.split_last() {
            None => ops::select_rows(&x, &rows)?,
            Some((last, blocks)) => {
                for block in blocks {
                    x = block.run(&x, &packing, Mask::Bidirectional, ctx)?;
                }
                // Backward begins at the last block: running it twice would save nothing.
                last.forward_rows(&x, &packing, Mask::Bidirectional, ctx, &rows)?
            }
        };
        Ok(self.post.forward(&class)?)
    }

    /// Every block's input and the last one's output, `[b * (patches + 1), width]` each: layers
    /// plus 1 of them, none normed by the post norm (as Hugging Face's `hidden_states`).
    ///
    /// # Errors
    /// As [`Vit::forward`].
    pub fn hidden_layers(
        &self,
        patches: &Tensor,
        b: usize,
        ctx: &Ctx,
    ) -> Result<Vec<Tensor>, ModelError> {
        let packing = self.packing(b);
        let mut x = self.embed(patches, b)?;
        let mut layers = vec![x.clone()];
        for block in &self.blocks {
            x = block.forward(&x, &packing, Mask::Bidirectional, ctx)?;
            layers.push(x.clone());
        }
        Ok(layers)
    }

    /// The first block's input `[b * (patches + 1), width]`.
    fn embed(&self, patches: &Tensor, b: usize) -> Result<Tensor, ModelError> {
        let (n, width) = (self.config.patches(), self.config.width);
        let rows = patches.dims().first().copied().unwrap_or(0);
        if rows != b * n {
            return Err(ModelError::Rows { what: "patches", expected: b * n, found: rows });
        }
        let weight = self.patch.reshape((width, self.config.patch_numbers()))?;
        let x = ops::linear(patches, &weight, None)?.reshape((b, n, width))?;
        let class = self.class.reshape((1, 1, width))?.broadcast_as((b, 1, width))?;
        let x = Tensor::cat(&[&class.contiguous()?, &x], 1)?;
        let x = x.broadcast_add(&self.positions.unsqueeze(0)?)?.reshape((b * (n + 1), width))?;
        Ok(self.pre.forward(&x)?)
    }
}
