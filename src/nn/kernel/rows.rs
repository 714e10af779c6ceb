//! Rows as rows: addition, column sums, look-up, unit length, pooling, and a row's dropout mask.

use super::math::sum2;
use super::node::Kernel;
use crate::nn::{Dropout, Packing};
use crate::rng::bits_at;
use rayon::prelude::*;

/// Numbers in one thread's piece of an elementwise pass.
pub(super) const PIECE: usize = 1 << 14;

/// Rows in one thread's piece of a pass over rows.
pub(super) const ROWS: usize = 32;

simd! {
    fn plus(out: &mut [f32], x: &[f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out += x;
        }
    }
}

/// `out += x`, on all threads.
pub(super) fn add_to(out: &mut [f32], x: &[f32]) {
    out.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(out, x)| plus(out, x));
}

simd! {
    fn copy_plus(x: &[f32], bias: &[f32], out: &mut [f32]) {
        let width = bias.len();
        for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            for ((out, &x), &b) in out.iter_mut().zip(x).zip(bias) {
                *out = x + b;
            }
        }
    }
}

/// Rows of `width` numbers: `residual + bias`, either of which may be absent.
pub(super) fn filled(
    rows: usize,
    width: usize,
    bias: Option<&[f32]>,
    residual: Option<&[f32]>,
) -> Vec<f32> {
    match (residual, bias) {
        (None, None) => vec![0.0; rows * width],
        (None, Some(bias)) => {
            let mut out = Vec::with_capacity(rows * width);
            (0..rows).for_each(|_| out.extend_from_slice(bias));
            out
        }
        (Some(residual), None) => residual.to_vec(),
        (Some(residual), Some(bias)) => {
            let mut out = vec![0.0; rows * width];
            let piece = width * ROWS;
            out.par_chunks_mut(piece)
                .zip(residual.par_chunks(piece))
                .for_each(|(out, x)| copy_plus(x, bias, out));
            out
        }
    }
}

simd! {
    fn sum_rows(x: &[f32], sums: &mut [f32]) {
        for x in x.chunks_exact(sums.len()) {
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum += x;
            }
        }
    }
}

/// The sum of each column of rows of `width` numbers.
pub(super) fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let partial = |x: &[f32]| {
        let mut sums = vec![0.0; width];
        sum_rows(x, &mut sums);
        sums
    };
    total(x.par_chunks(width * ROWS * 4).map(partial).collect(), width)
}

/// Partial sums combined in index order.
pub(super) fn total(partial: Vec<Vec<f32>>, width: usize) -> Vec<f32> {
    let mut partial = partial.into_iter();
    let mut sums = partial.next().unwrap_or_else(|| vec![0.0; width]);
    for other in partial {
        plus(&mut sums, &other);
    }
    sums
}

simd! {
    fn drop_piece(x: &[f32], out: &mut [f32], key: u64, first: u32, threshold: u32, scale: f32) {
        for (i, (out, &x)) in (0u32..).zip(out.iter_mut().zip(x)) {
            let bits = bits_at(key, first.wrapping_add(i));
            *out = if bits < threshold { 0.0 } else { x * scale };
        }
    }
}

/// `x` with its dropped numbers at zero and the others scaled. Applied to a gradient it is this
/// dropout's backward.
pub(super) fn dropped(x: &[f32], width: usize, drop: &Dropout, packing: &Packing) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let (threshold, scale) = (drop.threshold(), drop.scale());
    let mut rest = out.as_mut_slice();
    let mut pieces = Vec::with_capacity(packing.sequences());
    for s in 0..packing.sequences() {
        let range = packing.range(s);
        let (piece, after) = rest.split_at_mut(range.len() * width);
        rest = after;
        pieces.push((piece, &x[range.start * width..range.end * width], drop.stream(s).bits()));
    }
    pieces.into_par_iter().for_each(|(out, x, key)| drop_piece(x, out, key, 0, threshold, scale));
    out
}

/// `x + y`.
pub(in super::super) struct Add;

impl Kernel for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        let mut out = args[0].to_vec();
        add_to(&mut out, args[1]);
        out
    }

    fn backward(
        &self,
        _: &[&[f32]],
        needs: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        needs.iter().map(|&needed| needed.then(|| grad.to_vec())).collect()
    }
}

/// Rows `ids` of a table of rows of `width` numbers. Its backward adds in the order of the ids.
pub(in super::super) struct Lookup {
    pub ids: Vec<u32>,
    pub width: usize,
}

impl Kernel for Lookup {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.ids.len() * self.width);
        for &id in &self.ids {
            let start = id as usize * self.width;
            out.extend_from_slice(&args[0][start..start + self.width]);
        }
        out
    }

    fn backward(
        &self,
        args: &[&[f32]],
        _: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let mut table = vec![0.0; args[0].len()];
        for (&id, grad) in self.ids.iter().zip(grad.chunks_exact(self.width)) {
            let start = id as usize * self.width;
            plus(&mut table[start..start + self.width], grad);
        }
        vec![Some(table)]
    }
}

simd! {
    fn unit_rows(x: &[f32], out: &mut [f32], width: usize, tiny: f32) {
        for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            let inverse = 1.0 / (sum2(x, x, |x, y| x * y) + tiny).sqrt();
            for (out, &x) in out.iter_mut().zip(x) {
                *out = x * inverse;
            }
        }
    }
}

simd! {
    fn unit_rows_back(x: &[f32], g: &[f32], out: &mut [f32], width: usize, tiny: f32) {
        let rows = x.chunks_exact(width).zip(g.chunks_exact(width));
        for (out, (x, g)) in out.chunks_exact_mut(width).zip(rows) {
            let inverse = 1.0 / (sum2(x, x, |x, y| x * y) + tiny).sqrt();
            let along = sum2(x, g, |x, g| x * g) * inverse * inverse;
            for ((out, &x), &g) in out.iter_mut().zip(x).zip(g) {
                *out = (g - x * along) * inverse;
            }
        }
    }
}

/// Rows of unit length.
pub(in super::super) struct Normalize {
    pub width: usize,
    /// Added to the sum of squares.
    pub tiny: f32,
}

impl Kernel for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        let mut out = vec![0.0; args[0].len()];
        let piece = self.width * ROWS;
        out.par_chunks_mut(piece)
            .zip(args[0].par_chunks(piece))
            .for_each(|(out, x)| unit_rows(x, out, self.width, self.tiny));
        out
    }

    fn backward(
        &self,
        args: &[&[f32]],
        _: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let mut out = vec![0.0; args[0].len()];
        let piece = self.width * ROWS;
        out.par_chunks_mut(piece)
            .zip(args[0].par_chunks(piece).zip(grad.par_chunks(piece)))
            .for_each(|(out, (x, g))| unit_rows_back(x, g, out, self.width, self.tiny));
        vec![Some(out)]
    }
}

simd! {
    fn plus_scaled(out: &mut [f32], x: &[f32], scale: f32) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x.mul_add(scale, *out);
        }
    }
}

/// Weighted sums of rows: one sum for each entry of `weights`, over its (row, weight).
pub(in super::super) struct Pool {
    pub weights: Vec<Vec<(usize, f32)>>,
    pub width: usize,
}

impl Kernel for Pool {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        let mut out = vec![0.0; self.weights.len() * self.width];
        let picked = self.weights.par_iter();
        out.par_chunks_mut(self.width).zip(picked).for_each(|(out, picked)| {
            for &(row, weight) in picked {
                plus_scaled(out, &args[0][row * self.width..(row + 1) * self.width], weight);
            }
        });
        out
    }

    fn backward(
        &self,
        args: &[&[f32]],
        _: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let mut out = vec![0.0; args[0].len()];
        for (picked, grad) in self.weights.iter().zip(grad.chunks_exact(self.width)) {
            for &(row, weight) in picked {
                plus_scaled(&mut out[row * self.width..(row + 1) * self.width], grad, weight);
            }
        }
        vec![Some(out)]
    }
}
