//! Differentiable functions on packed rows. Each checks its arguments and then takes the fused
//! kernel where there is one (f32 on the processor) or the composed twin.

use super::kernel::{attention::Attend, linear, loss, node, norm::Norm, rope::Rope, rows};
use super::twin;
use super::{Dropout, NnError, Packing, Result, RopeStyle, RopeTable};
use candle_core::Tensor;
use std::cell::Cell;

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

fn rows_of(op: &'static str, x: &Tensor, width: usize) -> Result<usize> {
    match x.dims() {
        [rows, found] if *found == width => Ok(*rows),
        found => Err(NnError::shape(op, format!("[rows, {width}]"), found)),
    }
}

fn vector(op: &'static str, x: &Tensor, width: usize) -> Result<()> {
    if x.dims() == [width] {
        return Ok(());
    }
    Err(NnError::shape(op, format!("[{width}]"), x.dims()))
}

fn width_of(op: &'static str, x: &Tensor) -> Result<usize> {
    match x.dims() {
        [_, width] if *width > 0 => Ok(*width),
        found => Err(NnError::shape(op, "[rows, width] with a width", found)),
    }
}

fn same(op: &'static str, x: &Tensor, y: &Tensor) -> Result<()> {
    if x.dims() == y.dims() {
        return Ok(());
    }
    Err(NnError::shape(op, format!("{:?} like the first", x.dims()), y.dims()))
}

fn check_drop(op: &'static str, drop: &Dropout, packing: &Packing) -> Result<()> {
    if !(0.0..1.0).contains(&drop.p) {
        return Err(NnError::shape(op, "a dropout probability in 0..1", drop.p));
    }
    if drop.keys.len() != packing.sequences() {
        let expected = format!("a dropout key for each of {} sequences", packing.sequences());
        return Err(NnError::shape(op, expected, drop.keys.len()));
    }
    Ok(())
}

fn check_packing(op: &'static str, packing: &Packing, rows: usize) -> Result<()> {
    if packing.rows() == rows {
        return Ok(());
    }
    Err(NnError::shape(op, format!("a packing of {rows} rows"), packing.rows()))
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

fn check_linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<(usize, usize)> {
    let inputs = width_of("linear", w)?;
    rows_of("linear", x, inputs)?;
    Ok((inputs, check_weight(w, b, inputs)?))
}

/// The number of outputs of a linear that takes `inputs`.
pub(super) fn check_weight(w: &Tensor, b: Option<&Tensor>, inputs: usize) -> Result<usize> {
    let outputs = rows_of("linear weight", w, inputs)?;
    if outputs == 0 {
        return Err(NnError::shape("linear weight", "at least one output", w.dims()));
    }
    if let Some(b) = b {
        vector("linear bias", b, outputs)?;
    }
    Ok(outputs)
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

pub(super) fn check_lora(
    rows: usize,
    (a, b): (&Tensor, &Tensor),
    (inputs, outputs): (usize, usize),
    drop: Option<(&Dropout, &Packing)>,
) -> Result<()> {
    let rank = rows_of("lora A", a, inputs)?;
    if b.dims() != [outputs, rank] {
        return Err(NnError::shape("lora B", format!("[{outputs}, {rank}]"), b.dims()));
    }
    if let Some((drop, packing)) = drop {
        check_packing("lora", packing, rows)?;
        check_drop("lora", drop, packing)?;
    }
    Ok(())
}

pub(super) fn check_norm(op: &'static str, x: &Tensor, vectors: &[&Tensor]) -> Result<()> {
    let width = width_of(op, x)?;
    vectors.iter().try_for_each(|x| vector(op, x, width))
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

pub(super) fn check_rope(rows: usize, packing: &Packing, table: &RopeTable) -> Result<()> {
    check_packing("rope", packing, rows)?;
    if table.half() == 0 || packing.longest() > table.positions() {
        let expected = format!("sequences of at most {} rows", table.positions());
        return Err(NnError::shape("rope", expected, packing.longest()));
    }
    Ok(())
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

/// The width of a head of queries `[rows, width]`.
pub(super) fn check_attention(rows: usize, width: usize, how: &Attention) -> Result<usize> {
    if how.heads == 0 || how.kv_heads == 0 || !how.heads.is_multiple_of(how.kv_heads) {
        let found = (how.heads, how.kv_heads);
        return Err(NnError::shape("attention", "heads a multiple of kv_heads", found));
    }
    if !width.is_multiple_of(how.heads) {
        return Err(NnError::shape("attention", format!("{} heads", how.heads), width));
    }
    check_packing("attention", &how.packing, rows)?;
    if let Some(drop) = &how.dropout {
        check_drop("attention", drop, &how.packing)?;
    }
    Ok(width / how.heads)
}

/// The mean of `-log softmax(logits)[target]`: logits `[n, classes]`, a scalar.
pub fn cross_entropy(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let classes = width_of("cross_entropy", logits)?;
    if targets.is_empty() || logits.dims()[0] != targets.len() {
        let expected = format!("[{}, classes], at least one row", targets.len());
        return Err(NnError::shape("cross_entropy", expected, logits.dims()));
    }
    if let Some(&target) = targets.iter().find(|&&target| target as usize >= classes) {
        return Err(NnError::shape("cross_entropy", format!("targets below {classes}"), target));
    }
    if !fused(&[logits]) {
        return twin::cross_entropy(logits, targets);
    }
    node::apply(loss::CrossEntropy::new(targets.to_vec(), classes), &[logits], &[])
}

/// CLIP's loss: the mean of both directions' cross entropy of `scale * a bᵀ` against the
/// diagonal. a and b `[n, width]`, unit rows; scale a one-number tensor, already exponentiated.
pub fn contrastive(a: &Tensor, b: &Tensor, scale: &Tensor) -> Result<Tensor> {
    check_pairs("contrastive", a, b)?;
    one_number("contrastive", scale)?;
    if !fused(&[a, b, scale]) {
        return twin::contrastive(a, b, scale);
    }
    let pairs = loss::Pairs::new(loss::Contrast::Both, a.dims()[1]);
    node::apply(pairs, &[a, b, scale], &[])
}

/// The cross entropy of `scale * q docsᵀ` where `docs` row i is `q` row i's: q `[n, width]`, docs
/// `[m, width]`, m at least n (rows beyond n are hard negatives of all).
pub fn info_nce(q: &Tensor, docs: &Tensor, scale: f64) -> Result<Tensor> {
    let width = width_of("info_nce", q)?;
    let (n, m) = (q.dims()[0], rows_of("info_nce", docs, width)?);
    if n == 0 || m < n {
        return Err(NnError::shape("info_nce", format!("at least {} documents", n.max(1)), m));
    }
    if !fused(&[q, docs]) {
        return twin::info_nce(q, docs, scale);
    }
    let pairs = loss::Pairs::new(loss::Contrast::Rows(scale as f32), width);
    node::apply(pairs, &[q, docs], &[])
}

/// `SigLIP`'s loss: the sum of `-log sigmoid(±(scale * a bᵀ + bias))`, + on the diagonal, over n.
/// a and b `[n, width]`, unit rows; scale and bias one-number tensors.
pub fn sigmoid_loss(a: &Tensor, b: &Tensor, scale: &Tensor, bias: &Tensor) -> Result<Tensor> {
    check_pairs("sigmoid_loss", a, b)?;
    one_number("sigmoid_loss", scale)?;
    one_number("sigmoid_loss", bias)?;
    if !fused(&[a, b, scale, bias]) {
        return twin::sigmoid_loss(a, b, scale, bias);
    }
    let pairs = loss::Pairs::new(loss::Contrast::Sigmoid, a.dims()[1]);
    node::apply(pairs, &[a, b, scale, bias], &[])
}

fn check_pairs(op: &'static str, a: &Tensor, b: &Tensor) -> Result<()> {
    width_of(op, a)?;
    same(op, a, b)?;
    if a.dims()[0] == 0 {
        return Err(NnError::shape(op, "at least one pair", a.dims()));
    }
    Ok(())
}

fn one_number(op: &'static str, x: &Tensor) -> Result<()> {
    if x.elem_count() == 1 {
        return Ok(());
    }
    Err(NnError::shape(op, "one number", x.dims()))
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
