//! Whole sub-layers of a transformer: norm, products, non-linearity and residual in one call.

use super::kernel::{
    attention::Attend, block as fused, linear::Plan, node, norm::Norm, rope::Rope,
};
use super::{
    Activation, Attention, DropAt, LayerNorm, Linear, NnError, Result, RmsNorm, RopeStyle,
    RopeTable, ops,
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

impl Projections {
    fn plans<'a>(
        &'a self,
        x: &Tensor,
        how: &Attention,
        drop: Option<DropAt<'_>>,
        args: &mut Vec<&'a Tensor>,
    ) -> Result<([Plan; 4], Attend)> {
        let (rows, width) = x.dims2()?;
        let q = self.q.plan(rows, width, drop, args)?;
        let k = self.k.plan(rows, width, at(drop, 1), args)?;
        let v = self.v.plan(rows, width, at(drop, 2), args)?;
        let dim = ops::check_attention(rows, q.outputs, how)?;
        for x in [&k, &v] {
            if x.outputs != dim * how.kv_heads {
                let expected = format!("keys and values {} wide", dim * how.kv_heads);
                return Err(NnError::shape("attention", expected, x.outputs));
            }
        }
        let o = self.o.plan(rows, q.outputs, at(drop, 3), args)?;
        closes("attention", &o, width)?;
        Ok(([q, k, v, o], Attend { how: how.clone(), dim }))
    }
}

/// A sub-layer's last linear comes back to the width of the residual.
fn closes(op: &'static str, last: &Plan, width: usize) -> Result<()> {
    if last.outputs == width {
        return Ok(());
    }
    Err(NnError::shape(op, format!("a last linear to {width}"), last.outputs))
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
    let (rows, width) = x.dims2()?;
    let mut args = norm.args(x)?;
    let plans = (first.plan(rows, width, drop, &mut args)?, first.outputs());
    let second_plan = second.plan(rows, plans.1, at(drop, 1), &mut args)?;
    closes("mlp", &second_plan, width)?;
    if ops::fused(&args) {
        let norm = Norm { eps: norm.eps as f32, rms: false };
        return node::apply(
            fused::Mlp::new(norm, plans.0, activation, second_plan),
            &args,
            x.dims(),
        );
    }
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
    let (rows, width) = x.dims2()?;
    let mut args = norm.args(x)?;
    let gate = mlp.gate.plan(rows, width, drop, &mut args)?;
    let up = mlp.up.plan(rows, width, at(drop, 1), &mut args)?;
    if gate.outputs != up.outputs {
        return Err(NnError::shape("gated_mlp", format!("up to {}", gate.outputs), up.outputs));
    }
    let down = mlp.down.plan(rows, gate.outputs, at(drop, 2), &mut args)?;
    closes("gated_mlp", &down, width)?;
    if ops::fused(&args) {
        let norm = Norm { eps: norm.eps as f32, rms: true };
        return node::apply(fused::Gated::new(norm, gate, up, down), &args, x.dims());
    }
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
    let mut args = norm.args(x)?;
    let (plans, attend) = p.plans(x, how, drop, &mut args)?;
    if ops::fused(&args) {
        let norm = Norm { eps: norm.eps as f32, rms: false };
        let kernel = fused::SelfAttention::new(norm, plans, attend, None);
        return node::apply(kernel, &args, x.dims());
    }
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
    let mut args = norm.args(x)?;
    let (plans, attend) = p.plans(x, how, drop, &mut args)?;
    ops::check_rope(x.dims()[0], &how.packing, table)?;
    if attend.dim != 2 * table.half() {
        let expected = format!("heads of {} columns", 2 * table.half());
        return Err(NnError::shape("rotary_attention", expected, attend.dim));
    }
    if ops::fused(&args) {
        let norm = Norm { eps: norm.eps as f32, rms: true };
        let (packing, table, style) = (how.packing.clone(), table.clone(), RopeStyle::Half);
        let rope = Rope { packing, table, heads: how.heads, style };
        let ropes = Some((rope.clone(), Rope { heads: how.kv_heads, ..rope }));
        let kernel = fused::SelfAttention::new(norm, plans, attend, ropes);
        return node::apply(kernel, &args, x.dims());
    }
    let h = norm.forward(x)?;
    let turn = |x: Tensor, heads| ops::rope(&x, &how.packing, table, heads, RopeStyle::Half);
    let q = turn(p.q.forward(&h, drop)?, how.heads)?;
    let k = turn(p.k.forward(&h, at(drop, 1))?, how.kv_heads)?;
    let a = ops::attention(&q, &k, &p.v.forward(&h, at(drop, 2))?, how)?;
    ops::add(x, &p.o.forward(&a, at(drop, 3))?)
}
