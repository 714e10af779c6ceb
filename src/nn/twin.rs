//! The composed twins: every op out of candle's elementary, differentiable ops. They run on any
//! device and are what the fused kernels are compared with. Arguments were checked by `ops`.

use super::ops::{Activation, Attention, Mask, Pooling};
use super::{Dropout, Packing, Result, RopeStyle, RopeTable};
use crate::rng::bits_at;
use candle_core::{D, DType, Tensor};

pub(super) fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    let y = x.matmul(&w.t()?)?;
    Ok(match b {
        Some(b) => y.broadcast_add(b)?,
        None => y,
    })
}

/// `scale * dropout(x) Aᵀ Bᵀ`
pub(super) fn lora_branch(
    x: &Tensor,
    a: &Tensor,
    b: &Tensor,
    scale: f64,
    drop: Option<(&Dropout, &Packing)>,
) -> Result<Tensor> {
    let x = match drop {
        Some((drop, packing)) => x.mul(&row_mask(x, drop, packing)?)?,
        None => x.clone(),
    };
    Ok((x.matmul(&a.t()?)?.matmul(&b.t()?)? * scale)?)
}

/// 0 or `1 / (1 - p)` for every (row, column).
fn row_mask(x: &Tensor, drop: &Dropout, packing: &Packing) -> Result<Tensor> {
    let width = x.dim(1)?;
    let mut mask = Vec::with_capacity(x.elem_count());
    for s in 0..packing.sequences() {
        let key = drop.stream(s).bits();
        let count = (packing.range(s).len() * width) as u32;
        mask.extend((0..count).map(|index| kept(drop, key, index)));
    }
    Ok(Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(x.dtype())?)
}

fn kept(drop: &Dropout, key: u64, index: u32) -> f32 {
    if bits_at(key, index) < drop.threshold() { 0.0 } else { drop.scale() }
}

pub(super) fn layer_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let unit = centred.broadcast_div(&(variance + eps)?.sqrt()?)?;
    Ok(unit.broadcast_mul(w)?.broadcast_add(b)?)
}

pub(super) fn rms_norm(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    let square = x.sqr()?.mean_keepdim(D::Minus1)?;
    Ok(x.broadcast_div(&(square + eps)?.sqrt()?)?.broadcast_mul(w)?)
}

fn sigmoid(x: &Tensor) -> Result<Tensor> {
    // candle's own backward stays finite where exp(-x) overflows.
    Ok(candle_nn::ops::sigmoid(x)?)
}

pub(super) fn activation(x: &Tensor, kind: Activation) -> Result<Tensor> {
    Ok(match kind {
        Activation::QuickGelu => x.mul(&sigmoid(&(x * 1.702)?)?)?,
        Activation::GeluErf => x.gelu_erf()?,
        Activation::GeluTanh => x.gelu()?,
        Activation::Silu => x.silu()?,
    })
}

pub(super) fn rope(
    x: &Tensor,
    packing: &Packing,
    table: &RopeTable,
    heads: usize,
    style: RopeStyle,
) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let (half, dim) = (table.half(), width / heads);
    let pick = |all: &[f32]| -> Result<Tensor> {
        let rows_of = packing.positions();
        let picked = rows_of.iter().flat_map(|&position| {
            let start = position as usize * half;
            all[start..start + half].iter().copied()
        });
        let picked = Tensor::from_vec(picked.collect::<Vec<_>>(), (rows, 1, half), x.device())?;
        Ok(picked.to_dtype(x.dtype())?)
    };
    let (cos, sin) = (pick(&table.cos)?, pick(&table.sin)?);
    let (first, second) = match style {
        RopeStyle::Half => {
            let x = x.reshape((rows, heads, dim))?;
            (x.narrow(2, 0, half)?, x.narrow(2, half, half)?)
        }
        RopeStyle::Pairs => {
            let x = x.reshape((rows, heads, half, 2))?;
            (x.narrow(3, 0, 1)?.squeeze(3)?, x.narrow(3, 1, 1)?.squeeze(3)?)
        }
    };
    let turned_first = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
    let turned_second = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
    Ok(match style {
        RopeStyle::Half => Tensor::cat(&[turned_first, turned_second], 2)?,
        RopeStyle::Pairs => Tensor::stack(&[turned_first, turned_second], 3)?,
    }
    .reshape((rows, width))?)
}

/// Pads every sequence on the left to the longest, attends densely under a mask and takes the
/// rows out again.
pub(super) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, a: &Attention) -> Result<Tensor> {
    let (rows, width) = q.dims2()?;
    let (dim, longest, sequences) = (width / a.heads, a.packing.longest(), a.packing.sequences());
    if rows == 0 {
        return Ok(q.clone());
    }
    let (device, cells) = (q.device(), longest * longest);
    let mut padded = Vec::with_capacity(sequences * longest);
    let mut taken = Vec::with_capacity(rows);
    let mut mask = vec![0f32; sequences * cells];
    for s in 0..sequences {
        let range = a.packing.range(s);
        let pad = longest - range.len();
        // A padding row repeats some row: its keys are masked, its own output is not taken.
        padded.extend(std::iter::repeat_n(0u32, pad));
        taken.extend((pad..longest).map(|row| (s * longest + row) as u32));
        for (i, cell) in mask[s * cells..(s + 1) * cells].chunks_mut(longest).enumerate() {
            for (j, value) in cell.iter_mut().enumerate() {
                let seen = j >= pad && (a.mask == Mask::Bidirectional || j <= i);
                // Padding rows see everything, so that no row is empty and none gives NaN.
                *value = if seen || i < pad { 0.0 } else { f32::NEG_INFINITY };
            }
        }
        padded.extend(range.map(|row| row as u32));
    }
    let padded = Tensor::from_vec(padded, sequences * longest, device)?;
    let taken = Tensor::from_vec(taken, rows, device)?;
    let mask = Tensor::from_vec(mask, (sequences, 1, longest, longest), device)?;
    let split = |x: &Tensor, heads: usize| -> Result<Tensor> {
        let x = x.contiguous()?.index_select(&padded, 0)?;
        let x = x.reshape((sequences, longest, heads, dim))?.transpose(1, 2)?;
        let shape = (sequences, heads, a.heads / heads, longest, dim);
        let x = x.unsqueeze(2)?.broadcast_as(shape)?.contiguous()?;
        Ok(x.reshape((sequences, a.heads, longest, dim))?)
    };
    let (q, k, v) = (split(q, a.heads)?, split(k, a.kv_heads)?, split(v, a.kv_heads)?);
    let scores = (q.matmul(&k.t()?)? * (1.0 / (dim as f64).sqrt()))?;
    let scores = scores.broadcast_add(&mask.to_dtype(scores.dtype())?)?;
    let mut p = softmax(&scores)?;
    if let Some(drop) = &a.dropout {
        p = p.mul(&probability_mask(a, drop, longest, device)?.to_dtype(p.dtype())?)?;
    }
    let y = p.matmul(&v)?.transpose(1, 2)?.contiguous()?;
    Ok(y.reshape((sequences * longest, width))?.index_select(&taken, 0)?)
}

fn probability_mask(
    a: &Attention,
    drop: &Dropout,
    longest: usize,
    device: &candle_core::Device,
) -> Result<Tensor> {
    let shape = (a.packing.sequences(), a.heads, longest, longest);
    let mut mask = vec![0f32; shape.0 * shape.1 * longest * longest];
    for (index, cells) in mask.chunks_mut((longest * longest).max(1)).enumerate() {
        let (s, head) = (index / a.heads, index % a.heads);
        let (key, length) = (drop.stream(s).child(head as u64).bits(), a.packing.range(s).len());
        let pad = longest - length;
        for i in 0..length {
            for j in 0..length {
                cells[(pad + i) * longest + pad + j] = kept(drop, key, (i * length + j) as u32);
            }
        }
    }
    Ok(Tensor::from_vec(mask, shape, device)?)
}

fn softmax(x: &Tensor) -> Result<Tensor> {
    let e = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?.exp()?;
    Ok(e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?)
}

pub(super) fn cross_entropy(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let (n, _) = logits.dims2()?;
    let targets = Tensor::from_slice(targets, (n, 1), logits.device())?;
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    let total = shifted.exp()?.sum_keepdim(1)?.log()?;
    Ok((total - shifted.contiguous()?.gather(&targets, 1)?)?.mean_all()?)
}

pub(super) fn contrastive(a: &Tensor, b: &Tensor, scale: &Tensor) -> Result<Tensor> {
    let logits = a.matmul(&b.t()?)?.broadcast_mul(&scale.reshape(())?)?;
    let targets: Vec<u32> = (0..a.dim(0)? as u32).collect();
    let rows = cross_entropy(&logits, &targets)?;
    Ok(((rows + cross_entropy(&logits.t()?.contiguous()?, &targets)?)? * 0.5)?)
}

pub(super) fn info_nce(q: &Tensor, docs: &Tensor, scale: f64) -> Result<Tensor> {
    let targets: Vec<u32> = (0..q.dim(0)? as u32).collect();
    cross_entropy(&(q.matmul(&docs.t()?)? * scale)?, &targets)
}

pub(super) fn sigmoid_loss(
    a: &Tensor,
    b: &Tensor,
    scale: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    let n = a.dim(0)?;
    let logits = a.matmul(&b.t()?)?.broadcast_mul(&scale.reshape(())?)?;
    let logits = logits.broadcast_add(&bias.reshape(())?)?;
    let signs = (0..n * n).map(|i| if i % n == i / n { 1f32 } else { -1.0 }).collect::<Vec<_>>();
    let signs = Tensor::from_vec(signs, (n, n), a.device())?.to_dtype(a.dtype())?;
    let z = logits.mul(&signs)?;
    // -log sigmoid(z) = relu(-z) + log(1 + exp(-|z|)), which never overflows. The sum with 1 is
    // taken in f64: in f32 a well-separated pair's loss would round to nothing.
    let small = (z.abs()?.neg()?.to_dtype(DType::F64)?.exp()? + 1.0)?.log()?;
    let loss = (z.neg()?.relu()? + small.to_dtype(z.dtype())?)?;
    Ok((loss.sum_all()? / n as f64)?)
}

pub(super) fn embedding(table: &Tensor, ids: &[u32]) -> Result<Tensor> {
    Ok(table.index_select(&Tensor::from_slice(ids, ids.len(), table.device())?, 0)?)
}

/// Keeps a zero row at zero instead of making it NaN; lost in rounding for any other row.
pub(super) const TINY: f64 = 1e-24;

pub(super) fn normalize(x: &Tensor) -> Result<Tensor> {
    let square = x.sqr()?.sum_keepdim(D::Minus1)?;
    Ok(x.broadcast_div(&(square + TINY)?.sqrt()?)?)
}

/// For every sequence, the rows that count and their weights.
pub(super) fn pool_weights(
    packing: &Packing,
    embed: &[bool],
    pooling: Pooling,
) -> Option<Vec<Vec<(usize, f32)>>> {
    let weights = |s: usize| {
        let range = packing.range(s);
        let rows: Vec<usize> = range.clone().filter(|&row| embed[row]).collect();
        let n = rows.len();
        let picked = match pooling {
            Pooling::Cls => return Some(vec![(range.clone().next()?, 1.0)]),
            Pooling::Last => return Some(vec![(*rows.last()?, 1.0)]),
            Pooling::Mean => rows.into_iter().map(|row| (row, 1.0 / n as f32)).collect(),
            Pooling::WeightedMean => {
                let total = (n * (n + 1)) as f64 / 2.0;
                let weight = |i: usize| ((i + 1) as f64 / total) as f32;
                rows.into_iter().enumerate().map(|(i, row)| (row, weight(i))).collect()
            }
        };
        (n > 0).then_some(picked)
    };
    (0..packing.sequences()).map(weights).collect()
}

pub(super) fn pool(hidden: &Tensor, weights: &[Vec<(usize, f32)>]) -> Result<Tensor> {
    let rows = hidden.dim(0)?;
    let mut matrix = vec![0f32; weights.len() * rows];
    for (s, picked) in weights.iter().enumerate() {
        for &(row, weight) in picked {
            matrix[s * rows + row] = weight;
        }
    }
    let matrix = Tensor::from_vec(matrix, (weights.len(), rows), hidden.device())?;
    Ok(matrix.to_dtype(DType::F32)?.to_dtype(hidden.dtype())?.matmul(hidden)?)
}
