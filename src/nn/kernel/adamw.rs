//! AdamW and the gradient norm in one pass over memory each.

use super::rows::PIECE;
use crate::nn::AdamW;
use candle_core::{CpuStorage, InplaceOp1, Layout, Result as CandleResult, Tensor};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

#[derive(Clone, Copy)]
struct Factors {
    grad: f32,
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    correction1: f32,
    correction2: f32,
    lr: f32,
    keep: f32,
    eps: f32,
}

struct Piece<'a> {
    p: &'a mut [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    g: &'a [f32],
}

simd! {
    fn update(piece: Piece<'_>, f: Factors) {
        let moments = piece.m.iter_mut().zip(piece.v);
        for ((p, (m, v)), &g) in piece.p.iter_mut().zip(moments).zip(piece.g) {
            let g = g * f.grad;
            *m = f.beta1 * *m + f.rest1 * g;
            *v = f.beta2 * *v + f.rest2 * g * g;
            let step = (*m * f.correction1) / ((*v * f.correction2).sqrt() + f.eps);
            *p = *p * f.keep - f.lr * step;
        }
    }
}

/// Updates `p`, `m` and `v` in place from the gradient `g`; all contiguous f32 on the processor,
/// of one shape, and four different tensors.
pub(in super::super) fn adamw(
    how: &AdamW,
    corrections: (f64, f64),
    [p, m, v]: [&Tensor; 3],
    g: &Tensor,
) -> CandleResult<()> {
    let factors = Factors {
        grad: how.grad_scale as f32,
        beta1: how.beta1 as f32,
        beta2: how.beta2 as f32,
        // In f32, 1 - 0.999 would be off by 1e-5 of itself.
        rest1: (1.0 - how.beta1) as f32,
        rest2: (1.0 - how.beta2) as f32,
        correction1: corrections.0 as f32,
        correction2: corrections.1 as f32,
        lr: how.lr as f32,
        keep: (1.0 - how.lr * how.weight_decay) as f32,
        eps: how.eps as f32,
    };
    let held = [g.contiguous()?];
    super::node::slices(&held, |slices| {
        let g = slices[0];
        in_place(p, |p| {
            in_place(m, |m| {
                in_place(v, |v| {
                    p.par_chunks_mut(PIECE)
                        .zip(m.par_chunks_mut(PIECE))
                        .zip(v.par_chunks_mut(PIECE).zip(g.par_chunks(PIECE)))
                        .for_each(|((p, m), (v, g))| update(Piece { p, m, v, g }, factors));
                    Ok(())
                })
            })
        })
    })?
}

/// Runs `work` on a tensor's own numbers.
fn in_place<F: FnOnce(&mut [f32]) -> CandleResult<()>>(x: &Tensor, work: F) -> CandleResult<()> {
    struct Once<F>(Mutex<Option<F>>);
    impl<F: FnOnce(&mut [f32]) -> CandleResult<()>> InplaceOp1 for Once<F> {
        fn name(&self) -> &'static str {
            "in_place"
        }

        fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> CandleResult<()> {
            let work = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (CpuStorage::F32(all), Some((start, end)), Some(work)) =
                (storage, layout.contiguous_offsets(), work)
            else {
                candle_core::bail!("in_place: expected contiguous f32, found {layout:?}")
            };
            work(&mut all[start..end])
        }
    }
    x.inplace_op1(&Once(Mutex::new(Some(work))))
}

simd! {
    fn squares(x: &[f32]) -> f64 {
        let mut lanes = [0f64; 8];
        let (chunks, rest) = x.as_chunks::<8>();
        for chunk in chunks {
            for j in 0..8 {
                lanes[j] += f64::from(chunk[j]) * f64::from(chunk[j]);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += f64::from(x) * f64::from(x);
        }
        lanes.iter().sum()
    }
}

/// The sum of squares, combined in index order.
pub(in super::super) fn sum_of_squares(x: &[f32]) -> f64 {
    x.par_chunks(PIECE).map(squares).collect::<Vec<_>>().into_iter().sum()
}
