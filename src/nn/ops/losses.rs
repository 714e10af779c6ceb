//! Losses: each one scalar.

use super::super::kernel::{loss, node};
use super::super::{NnError, Result, twin};
use super::{fused, rows_of, same, width_of};
use candle_core::Tensor;

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
