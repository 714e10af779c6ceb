//! Rotary positions.

use super::node::Kernel;
use crate::nn::{Packing, RopeStyle, RopeTable};
use rayon::prelude::*;

/// Rotates every head of every row by its position in its sequence.
#[derive(Clone)]
pub(in super::super) struct Rope {
    pub packing: Packing,
    pub table: RopeTable,
    pub heads: usize,
    pub style: RopeStyle,
}

simd! {
    fn turn(row: &mut [f32], cos: &[f32], sin: &[f32], sign: f32) {
        let half = cos.len();
        for head in row.chunks_exact_mut(2 * half) {
            let (first, second) = head.split_at_mut(half);
            for ((a, b), (&c, &s)) in first.iter_mut().zip(second).zip(cos.iter().zip(sin)) {
                let s = s * sign;
                (*a, *b) = (*a * c - *b * s, *b * c + *a * s);
            }
        }
    }
}

simd! {
    fn turn_pairs(row: &mut [f32], cos: &[f32], sin: &[f32], sign: f32) {
        for head in row.chunks_exact_mut(2 * cos.len()) {
            for (pair, (&c, &s)) in head.chunks_exact_mut(2).zip(cos.iter().zip(sin)) {
                let (a, b, s) = (pair[0], pair[1], s * sign);
                pair[0] = a * c - b * s;
                pair[1] = b * c + a * s;
            }
        }
    }
}

impl Rope {
    /// Rotates x `[rows, heads * dim]` in place; `sign` -1 turns back.
    pub(super) fn rotate(&self, x: &mut [f32], sign: f32) {
        let (half, width) = (self.table.half(), 2 * self.table.half() * self.heads);
        let positions = self.packing.positions();
        x.par_chunks_mut(width).zip(&positions).with_min_len(16).for_each(|(row, &position)| {
            let range = position as usize * half..(position as usize + 1) * half;
            let (cos, sin) = (&self.table.cos[range.clone()], &self.table.sin[range]);
            match self.style {
                RopeStyle::Half => turn(row, cos, sin, sign),
                RopeStyle::Pairs => turn_pairs(row, cos, sin, sign),
            }
        });
    }
}

impl Kernel for Rope {
    fn name(&self) -> &'static str {
        "rope"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        let mut out = args[0].to_vec();
        self.rotate(&mut out, 1.0);
        out
    }

    fn backward(&self, _: &[&[f32]], _: &[bool], _: &[f32], grad: &[f32]) -> Vec<Option<Vec<f32>>> {
        let mut dx = grad.to_vec();
        self.rotate(&mut dx, -1.0);
        vec![Some(dx)]
    }
}
