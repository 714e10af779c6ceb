//! Layer norm and root-mean-square norm.

use super::math::{sum, sum2};
use super::node::Kernel;
use super::rows::{ROWS, total};
use rayon::prelude::*;

/// Layer norm with a bias, or root-mean-square norm without.
#[derive(Clone, Copy)]
pub(in super::super) struct Norm {
    pub eps: f32,
    pub rms: bool,
}

#[inline(always)]
fn statistics(x: &[f32], norm: Norm) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = if norm.rms { 0.0 } else { sum(x, |x| x) / n };
    let variance = sum(x, |x| (x - mean) * (x - mean)) / n;
    (mean, 1.0 / (variance + norm.eps).sqrt())
}

simd! {
    fn forward(x: &[f32], w: &[f32], b: Option<&[f32]>, out: &mut [f32], norm: Norm) {
        let width = w.len();
        for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            let (mean, inverse) = statistics(x, norm);
            for ((out, &x), &w) in out.iter_mut().zip(x).zip(w) {
                *out = (x - mean) * inverse * w;
            }
            if let Some(b) = b {
                for (out, &b) in out.iter_mut().zip(b) {
                    *out += b;
                }
            }
        }
    }
}

/// `dx += ...` for the rows of one piece, and their share of the weight's and bias' gradients.
struct Piece<'a> {
    x: &'a [f32],
    g: &'a [f32],
    dx: &'a mut [f32],
    dw: &'a mut [f32],
    db: &'a mut [f32],
}

simd! {
    fn backward(piece: Piece<'_>, w: &[f32], norm: Norm) {
        let width = w.len();
        let n = width as f32;
        let rows = piece.x.chunks_exact(width).zip(piece.g.chunks_exact(width));
        for (dx, (x, g)) in piece.dx.chunks_exact_mut(width).zip(rows) {
            let (mean, inverse) = statistics(x, norm);
            let share = if norm.rms { 0.0 } else { sum2(g, w, |g, w| g * w) / n };
            for ((dw, db), (&x, &g)) in
                piece.dw.iter_mut().zip(piece.db.iter_mut()).zip(x.iter().zip(g))
            {
                *dw += g * ((x - mean) * inverse);
                *db += g;
            }
            let mut lanes = [0f32; 16];
            let chunks = x.chunks(16).zip(g.chunks(16)).zip(w.chunks(16));
            for ((x, g), w) in chunks {
                for (((lane, &x), &g), &w) in lanes.iter_mut().zip(x).zip(g).zip(w) {
                    *lane += g * w * ((x - mean) * inverse);
                }
            }
            let along = sum(&lanes, |x| x) / n;
            for ((dx, &x), (&g, &w)) in dx.iter_mut().zip(x).zip(g.iter().zip(w)) {
                *dx += inverse * (g * w - share - (x - mean) * inverse * along);
            }
        }
    }
}

impl Norm {
    /// x `[rows, width]`, w and b `[width]`.
    pub(super) fn run(self, x: &[f32], w: &[f32], b: Option<&[f32]>) -> Vec<f32> {
        let mut out = vec![0.0; x.len()];
        let piece = w.len() * ROWS;
        out.par_chunks_mut(piece)
            .zip(x.par_chunks(piece))
            .for_each(|(out, x)| forward(x, w, b, out, self));
        out
    }

    /// Adds x's gradient to `dx`; returns those of the weight and the bias.
    pub(super) fn back(
        self,
        x: &[f32],
        w: &[f32],
        g: &[f32],
        dx: &mut [f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let width = w.len();
        let piece = width * ROWS;
        let (dw, db) = dx
            .par_chunks_mut(piece)
            .zip(x.par_chunks(piece).zip(g.par_chunks(piece)))
            .map(|(dx, (x, g))| {
                let (mut dw, mut db) = (vec![0.0; width], vec![0.0; width]);
                backward(Piece { x, g, dx, dw: &mut dw, db: &mut db }, w, self);
                (dw, db)
            })
            .collect::<Vec<_>>()
            .into_iter()
            .unzip();
        (total(dw, width), total(db, width))
    }
}

/// Arguments x, weight, and the bias of layer norm.
impl Kernel for Norm {
    fn name(&self) -> &'static str {
        if self.rms { "rms_norm" } else { "layer_norm" }
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        self.run(args[0], args[1], args.get(2).copied())
    }

    fn backward(
        &self,
        args: &[&[f32]],
        needs: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let mut dx = vec![0.0; args[0].len()];
        let (dw, db) = self.back(args[0], args[1], grad, &mut dx);
        let found = [dx, dw, db].into_iter().zip(needs);
        found.map(|(found, &needed)| needed.then_some(found)).collect()
    }
}
