//! Differentiable functions on packed rows. Each checks its arguments and then takes the fused
//! kernel where there is one (f32 on the processor) or the composed twin.

use super::kernel::{attention::Attend, linear, node, norm::Norm, rope::Rope, rows};
use super::twin;
use super::{Dropout, NnError, Packing, Result, RopeStyle, RopeTable};
use candle_core::Tensor;
use std::cell::Cell;

mod check;
mod losses;

pub(super) use check::{check_attention, check_lora, check_norm, check_rope, check_weight};
use check::{check_linear, check_packing, rows_of, same, width_of};
pub use losses::{contrastive, cross_entropy, info_nce, sigmoid_loss};

/// Which implementation the ops of this thread take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// The fused kernel where there is one.
    Auto,
    /// The composed twin.
    Composed,
}

thread_local! {
    static PATH: Cell<Path> = const { Cell::new(Path::Auto) };
}

/// Runs `work` with the composed twins. Only this thread is affected; backward runs the path that
/// forward took.
pub fn with_composed<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(Path);
    impl Drop for Restore {
        fn drop(&mut self) {
            PATH.set(self.0);
        }
    }
    let _restore = Restore(PATH.replace(Path::Composed));
    work()
}

/// Whether the fused path takes these tensors.
pub(super) fn fused(args: &[&Tensor]) -> bool {
    PATH.get() == Path::Auto && node::takes(args)
}

/// Elementwise non-linearities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x sigmoid(1.702 x)`, which `OpenAI`'s CLIP weights were trained with.
    QuickGelu,
    /// `x Φ(x)` exactly.
    GeluErf,
    /// `x Φ(x)` by the tanh formula.
    GeluTanh,
    /// `x sigmoid(x)`.
    Silu,
}

/// Which rows of its sequence a row attends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Itself and those before.
    Causal,
    /// All.
    Bidirectional,
}

/// What attention needs beside its tensors. Scores are scaled by `1 / sqrt(dim)`.
#[derive(Clone, Debug)]
pub struct Attention {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// The sequences of the rows.
    pub packing: Packing,
    /// Who sees whom.
    pub mask: Mask,
    /// Dropout on the probabilities.
    pub dropout: Option<Dropout>,
}

/// How the rows of a sequence become one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The mean of the embedded rows.
    Mean,
    /// The mean of the embedded rows weighted 1..n.
    WeightedMean,
    /// The last embedded row.
    Last,
    /// The first row, embedded or not.
    Cls,
}

/// `x Wᵀ + b`: x `[rows, in]`, w `[out, in]`, b `[out]`.
pub fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    let (inputs, outputs) = check_linear(x, w, b)?;
    let args: Vec<&Tensor> = [x, w].into_iter().chain(b).collect();
    if !fused(&args) {
        return twin::linear(x, w, b);
    }
    let plan = linear::Plan { inputs, outputs, weight: true, bias: b.is_some(), lora: None };
    let shape = [x.dims()[0], outputs];
    node::apply(linear::Linear { plan, residual: false }, &args, &shape)
}

/// `residual + x Wᵀ + b`: one op instead of two, and one gradient less to add.
pub fn linear_residual(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    residual: &Tensor,
) -> Result<Tensor> {
    let (inputs, outputs) = check_linear(x, w, b)?;
    let shape = [x.dims()[0], outputs];
    if residual.dims() != shape {
        let expected = format!("a residual {shape:?}");
        return Err(NnError::shape("linear_residual", expected, residual.dims()));
    }
    let args: Vec<&Tensor> = [x, w].into_iter().chain(b).chain([residual]).collect();
    if !fused(&args) {
        return Ok((residual + twin::linear(x, w, b)?)?);
    }
    let plan = linear::Plan { inputs, outputs, weight: true, bias: b.is_some(), lora: None };
    node::apply(linear::Linear { plan, residual: true }, &args, &shape)
}

/// `x Wᵀ + b + scale * dropout(x) Aᵀ Bᵀ` with W and b frozen: x `[rows, in]`, w `[out, in]`,
/// b `[out]`, A `[r, in]`, B `[out, r]`.
pub fn lora_linear(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    a: &Tensor,
    b: &Tensor,
    scale: f64,
    drop: Option<(&Dropout, &Packing)>,
) -> Result<Tensor> {
    let (inputs, outputs) = check_linear(x, w, bias)?;
    check_lora(rows_of("lora", x, inputs)?, (a, b), (inputs, outputs), drop)?;
    let (w, bias) = (w.detach(), bias.map(Tensor::detach));
    let args: Vec<&Tensor> = [x, &w].into_iter().chain(&bias).chain([a, b]).collect();
    if fused(&args) {
        let lora = Some(lora_plan(a, scale, drop));
        let bias = bias.is_some();
        let plan = linear::Plan { inputs, outputs, weight: true, bias, lora };
        let shape = [x.dims()[0], outputs];
        return node::apply(linear::Linear { plan, residual: false }, &args, &shape);
    }
    let y = twin::linear(x, &w, bias.as_ref())?;
    Ok((y + twin::lora_branch(x, a, b, scale, drop)?)?)
}

/// `scale * dropout(x) Aᵀ Bᵀ` alone: beside a linear that is trained as well.
pub fn lora_branch(
    x: &Tensor,
    a: &Tensor,
    b: &Tensor,
    scale: f64,
    drop: Option<(&Dropout, &Packing)>,
) -> Result<Tensor> {
    let (inputs, outputs) = (width_of("lora", a)?, b.dim(0)?);
    check_lora(rows_of("lora", x, inputs)?, (a, b), (inputs, outputs), drop)?;
    if !fused(&[x, a, b]) {
        return twin::lora_branch(x, a, b, scale, drop);
    }
    let lora = Some(lora_plan(a, scale, drop));
    let plan = linear::Plan { inputs, outputs, weight: false, bias: false, lora };
    let shape = [x.dims()[0], outputs];
    node::apply(linear::Linear { plan, residual: false }, &[x, a, b], &shape)
}

pub(super) fn lora_plan(
    a: &Tensor,
    scale: f64,
    drop: Option<(&Dropout, &Packing)>,
) -> linear::LoraPlan {
    let drop = drop.map(|(drop, packing)| (drop.clone(), packing.clone()));
    linear::LoraPlan { rank: a.dims()[0], scale: scale as f32, drop }
}

/// Layer norm: x `[rows, width]`, w and b `[width]`.
pub fn layer_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    check_norm("layer_norm", x, &[w, b])?;
    if !fused(&[x, w, b]) {
        return twin::layer_norm(x, w, b, eps);
    }
    node::apply(Norm { eps: eps as f32, rms: false }, &[x, w, b], x.dims())
}

/// Root-mean-square norm: x `[rows, width]`, w `[width]`.
pub fn rms_norm(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    check_norm("rms_norm", x, &[w])?;
    if !fused(&[x, w]) {
        return twin::rms_norm(x, w, eps);
    }
    node::apply(Norm { eps: eps as f32, rms: true }, &[x, w], x.dims())
}

/// An elementwise non-linearity, any shape.
pub fn activation(x: &Tensor, kind: Activation) -> Result<Tensor> {
    if !fused(&[x]) {
        return twin::activation(x, kind);
    }
    node::apply(kind, &[x], x.dims())
}

/// `silu(gate) * up`, equal shapes.
pub fn silu_gate(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    same("silu_gate", gate, up)?;
    if !fused(&[gate, up]) {
        return Ok(twin::activation(gate, Activation::Silu)?.mul(up)?);
    }
    node::apply(super::kernel::activation::SiluGate, &[gate, up], gate.dims())
}

/// `x + y`, equal shapes, on all threads.
pub fn add(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    same("add", x, y)?;
    if !fused(&[x, y]) {
        return Ok(x.add(y)?);
    }
    node::apply(rows::Add, &[x, y], x.dims())
}

/// Rotates every head of x `[rows, heads * dim]` by its row's position in its sequence.
pub fn rope(
    x: &Tensor,
    packing: &Packing,
    table: &RopeTable,
    heads: usize,
    style: RopeStyle,
) -> Result<Tensor> {
    let rows = rows_of("rope", x, heads * table.half() * 2)?;
    check_rope(rows, packing, table)?;
    if !fused(&[x]) {
        return twin::rope(x, packing, table, heads, style);
    }
    let rope = Rope { packing: packing.clone(), table: table.clone(), heads, style };
    node::apply(rope, &[x], x.dims())
}

/// Attention within each sequence: q `[rows, heads * dim]`, k and v `[rows, kv_heads * dim]`, to
/// `[rows, heads * dim]`.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, how: &Attention) -> Result<Tensor> {
    let width = width_of("attention", q)?;
    let rows = q.dims()[0];
    let dim = check_attention(rows, width, how)?;
    for x in [k, v] {
        let kv_width = dim * how.kv_heads;
        if x.dims() != [rows, kv_width] {
            let expected = format!("keys and values [{rows}, {kv_width}]");
            return Err(NnError::shape("attention", expected, x.dims()));
        }
    }
    if !fused(&[q, k, v]) {
        return twin::attention(q, k, v, how);
    }
    node::apply(Attend { how: how.clone(), dim }, &[q, k, v], q.dims())
}

/// Rows `ids` of table `[vocab, width]`: `[ids, width]`.
pub fn embedding(table: &Tensor, ids: &[u32]) -> Result<Tensor> {
    width_of("embedding", table)?;
    let vocab = table.dims()[0];
    if let Some(&id) = ids.iter().find(|&&id| id as usize >= vocab) {
        return Err(NnError::shape("embedding", format!("ids below {vocab}"), id));
    }
    look_up(table, ids)
}

fn look_up(table: &Tensor, ids: &[u32]) -> Result<Tensor> {
    if !fused(&[table]) {
        return twin::embedding(table, ids);
    }
    let width = table.dims()[1];
    node::apply(rows::Lookup { ids: ids.to_vec(), width }, &[table], &[ids.len(), width])
}

/// Rows `rows` of x `[n, width]`, such as the end-of-text rows: `[rows, width]`.
pub fn select_rows(x: &Tensor, rows: &[u32]) -> Result<Tensor> {
    width_of("select_rows", x)?;
    let n = x.dims()[0];
    if let Some(&row) = rows.iter().find(|&&row| row as usize >= n) {
        return Err(NnError::shape("select_rows", format!("rows below {n}"), row));
    }
    look_up(x, rows)
}

/// Rows of unit length: x `[rows, width]`. A zero row stays zero.
pub fn normalize(x: &Tensor) -> Result<Tensor> {
    width_of("normalize", x)?;
    if !fused(&[x]) {
        return twin::normalize(x);
    }
    let tiny = twin::TINY as f32;
    node::apply(rows::Normalize { width: x.dims()[1], tiny }, &[x], x.dims())
}

/// One row a sequence: hidden `[rows, width]`, `embed` says which rows count, to
/// `[sequences, width]`. A sequence without an embedded row is an error.
pub fn pool(
    hidden: &Tensor,
    packing: &Packing,
    embed: &[bool],
    pooling: Pooling,
) -> Result<Tensor> {
    width_of("pool", hidden)?;
    check_packing("pool", packing, hidden.dims()[0])?;
    if embed.len() != hidden.dims()[0] {
        let expected = format!("an embed mask of {} rows", hidden.dims()[0]);
        return Err(NnError::shape("pool", expected, embed.len()));
    }
    let Some(weights) = twin::pool_weights(packing, embed, pooling) else {
        let lengths: Vec<usize> = (0..packing.sequences())
            .filter(|&s| !embed[packing.range(s)].contains(&true))
            .collect();
        return Err(NnError::shape("pool", "an embedded row in every sequence", lengths));
    };
    if !fused(&[hidden]) {
        return twin::pool(hidden, &weights);
    }
    let (sequences, width) = (packing.sequences(), hidden.dims()[1]);
    node::apply(rows::Pool { weights, width }, &[hidden], &[sequences, width])
}
