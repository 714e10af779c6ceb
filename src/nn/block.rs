//! Whole sub-layers of a transformer: norm, products, non-linearity and residual in one call.

use super::{
    Activation, Attention, DropAt, LayerNorm, Linear, Result, RmsNorm, RopeStyle, RopeTable, ops,
};
use candle_core::Tensor;

/// The linears of an attention sub-layer.
#[derive(Clone, Debug)]
pub struct Projections {
    /// `[heads * dim, width]`
    pub q: Linear,
    /// `[kv_heads * dim, width]`
    pub k: Linear,
    /// `[kv_heads * dim, width]`
    pub v: Linear,
    /// `[width, heads * dim]`
    pub o: Linear,
}

/// The linears of a gated MLP.
#[derive(Clone, Debug)]
pub struct GatedMlp {
    /// `[mlp, width]`
    pub gate: Linear,
    /// `[mlp, width]`
    pub up: Linear,
    /// `[width, mlp]`
    pub down: Linear,
}

/// A LoRA drop for each linear of a sub-layer: sites count up from the sub-layer's.
fn at(drop: Option<DropAt<'_>>, nth: u64) -> Option<DropAt<'_>> {
    drop.map(|drop| DropAt { site: drop.site + nth, ..drop })
}

/// `x + second(activation(first(norm(x))))`: the MLP of ViT, of CLIP's text tower and of the
/// LLM2CLIP adapter. x `[rows, width]`. `drop.site` and the next one are LoRA's.
pub fn mlp(
    x: &Tensor,
    norm: &LayerNorm,
    first: &Linear,
    activation: Activation,
    second: &Linear,
    drop: Option<DropAt<'_>>,
) -> Result<Tensor> {
    let hidden = ops::activation(&first.forward(&norm.forward(x)?, drop)?, activation)?;
    ops::add(x, &second.forward(&hidden, at(drop, 1))?)
}

/// `x + down(silu(gate(norm(x))) * up(norm(x)))`: Llama's MLP. x `[rows, width]`. `drop.site` and
/// the next two are LoRA's.
pub fn gated_mlp(
    x: &Tensor,
    norm: &RmsNorm,
    mlp: &GatedMlp,
    drop: Option<DropAt<'_>>,
) -> Result<Tensor> {
    let h = norm.forward(x)?;
    let gated = ops::silu_gate(&mlp.gate.forward(&h, drop)?, &mlp.up.forward(&h, at(drop, 1))?)?;
    ops::add(x, &mlp.down.forward(&gated, at(drop, 2))?)
}

/// `x + o(attention(q(norm(x)), k(norm(x)), v(norm(x))))`: ViT's and CLIP's. x `[rows, width]`.
/// `drop.site` and the next three are LoRA's.
pub fn attention(
    x: &Tensor,
    norm: &LayerNorm,
    p: &Projections,
    how: &Attention,
    drop: Option<DropAt<'_>>,
) -> Result<Tensor> {
    let h = norm.forward(x)?;
    let (q, k) = (p.q.forward(&h, drop)?, p.k.forward(&h, at(drop, 1))?);
    let a = ops::attention(&q, &k, &p.v.forward(&h, at(drop, 2))?, how)?;
    ops::add(x, &p.o.forward(&a, at(drop, 3))?)
}

/// The same with rotary positions and a root-mean-square norm: Llama's. x `[rows, width]`.
pub fn rotary_attention(
    x: &Tensor,
    norm: &RmsNorm,
    p: &Projections,
    table: &RopeTable,
    how: &Attention,
    drop: Option<DropAt<'_>>,
) -> Result<Tensor> {
    let h = norm.forward(x)?;
    let turn = |x: Tensor, heads| ops::rope(&x, &how.packing, table, heads, RopeStyle::Half);
    let q = turn(p.q.forward(&h, drop)?, how.heads)?;
    let k = turn(p.k.forward(&h, at(drop, 1))?, how.kv_heads)?;
    let a = ops::attention(&q, &k, &p.v.forward(&h, at(drop, 2))?, how)?;
    ops::add(x, &p.o.forward(&a, at(drop, 3))?)
}
