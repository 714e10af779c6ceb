//! The residual block that both CLIP towers are made of.

use super::ModelError;
use super::ctx::{Ctx, Site};
use crate::nn::block::{self, Projections};
use crate::nn::{
    Activation, Attention, Builder, Init, LayerNorm, Linear, Mask, NnError, Packing, ops,
};
use candle_core::Tensor;

/// What a block needs to know of its tower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipBlockConfig {
    /// Numbers a row.
    pub width: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Numbers inside the MLP.
    pub mlp: usize,
    /// The MLP's non-linearity.
    pub activation: Activation,
    /// Of the layer norms.
    pub eps: f64,
    /// Blocks in the tower, for the scale of fresh residual projections.
    pub layers: usize,
}

/// `x + out(attention(norm(x)))`, then `x + fc2(activation(fc1(norm(x))))`, biases everywhere.
/// Fresh weights as `open_clip` draws them for width w and L layers: q, k and v normal with
/// standard deviation w^-1/2, out and fc2 with (w 2L)^-1/2, fc1 with (2w)^-1/2; biases 0.
#[derive(Clone, Debug)]
pub struct ClipBlock {
    norm1: LayerNorm,
    projections: Projections,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    activation: Activation,
    layer: usize,
}

impl ClipBlock {
    /// Block number `layer` of its tower; names `self_attn.{q,k,v,out}_proj`, `layer_norm1`,
    /// `layer_norm2`, `mlp.fc1` and `mlp.fc2` below `builder`'s path.
    ///
    /// # Errors
    /// Tensors asked for twice with two shapes; missing ones are the builder's to report.
    pub fn new(builder: &Builder, cfg: &ClipBlockConfig, layer: usize) -> Result<Self, ModelError> {
        let width = cfg.width as f32;
        let residual = 1.0 / (width * 2.0 * cfg.layers as f32).sqrt();
        let attention = builder.pp("self_attn");
        let square = |name: &str, std: f32| -> Result<Linear, NnError> {
            let init = Init::Normal { std };
            Linear::new(&attention.pp(name), cfg.width, cfg.width, true, init)
        };
        let inwards = 1.0 / width.sqrt();
        let projections = Projections {
            q: square("q_proj", inwards)?,
            k: square("k_proj", inwards)?,
            v: square("v_proj", inwards)?,
            o: square("out_proj", residual)?,
        };
        let fc1 = Init::Normal { std: 1.0 / (2.0 * width).sqrt() };
        let fc2 = Init::Normal { std: residual };
        Ok(Self {
            norm1: LayerNorm::new(&builder.pp("layer_norm1"), cfg.width, cfg.eps)?,
            projections,
            norm2: LayerNorm::new(&builder.pp("layer_norm2"), cfg.width, cfg.eps)?,
            fc1: Linear::new(&builder.pp("mlp.fc1"), cfg.width, cfg.mlp, true, fc1)?,
            fc2: Linear::new(&builder.pp("mlp.fc2"), cfg.mlp, cfg.width, true, fc2)?,
            heads: cfg.heads,
            activation: cfg.activation,
            layer,
        })
    }

    /// `x` `[rows, width]` to `[rows, width]`.
    ///
    /// # Errors
    /// Rows that `packing` does not have.
    pub fn forward(
        &self,
        x: &Tensor,
        packing: &Packing,
        mask: Mask,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        let x = self.attend(x, packing, mask, ctx)?;
        self.mlp(&x, packing, ctx)
    }

    /// [`ClipBlock::forward`], recomputed in backward where `ctx` says so.
    pub(super) fn run(
        &self,
        x: &Tensor,
        packing: &Packing,
        mask: Mask,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        let (block, packing, inner) = (self.clone(), packing.clone(), ctx.clone());
        ctx.run(x, move |x| block.forward(x, &packing, mask, &inner))
    }

    /// The same rows `rows` of the output alone, one a sequence: `[rows.len(), width]`. A tower
    /// whose feature is one row a sequence spends nothing on the last MLP's other rows.
    ///
    /// # Errors
    /// Rows that `packing` does not have.
    pub fn forward_rows(
        &self,
        x: &Tensor,
        packing: &Packing,
        mask: Mask,
        ctx: &Ctx,
        rows: &[u32],
    ) -> Result<Tensor, ModelError> {
        let x = ops::select_rows(&self.attend(x, packing, mask, ctx)?, rows)?;
        self.mlp(&x, &Packing::uniform(rows.len(), 1), ctx)
    }

    fn attend(
        &self,
        x: &Tensor,
        packing: &Packing,
        mask: Mask,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        let how = Attention {
            heads: self.heads,
            kv_heads: self.heads,
            packing: packing.clone(),
            mask,
            dropout: ctx.attention(self.layer),
        };
        let drop = ctx.at(self.layer, Site::Projections, packing);
        Ok(block::attention(x, &self.norm1, &self.projections, &how, drop)?)
    }

    fn mlp(&self, x: &Tensor, packing: &Packing, ctx: &Ctx) -> Result<Tensor, ModelError> {
        let drop = ctx.at(self.layer, Site::Mlp, packing);
        Ok(block::mlp(x, &self.norm2, &self.fc1, self.activation, &self.fc2, drop)?)
    }
}
