//! Losses: one number out, one pass of softmax in and one in backward.

use super::math::{exp, max, sum, sum2};
use super::node::Kernel;
use super::product::{View, produced};
use rayon::prelude::*;
use std::sync::OnceLock;

simd! {
    /// `log(sum(exp(scale * x)))`
    fn log_sum_exp(x: &[f32], scale: f32) -> f32 {
        let top = if scale < 0.0 { f32::MIN } else { max(x) * scale };
        // A negative scale turns the order round: the largest product is then the smallest's.
        let top = if scale < 0.0 { x.iter().fold(top, |top, &x| top.max(x * scale)) } else { top };
        top + sum(x, |x| exp(x * scale - top)).ln()
    }
}

/// The mean of a few numbers, in their order.
fn mean(x: &[f32]) -> f32 {
    (x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len() as f64) as f32
}

/// The mean of `-log softmax(logits)[target]` of rows of `classes` logits.
pub(in super::super) struct CrossEntropy {
    targets: Vec<u32>,
    classes: usize,
    normalizers: OnceLock<Vec<f32>>,
}

impl CrossEntropy {
    pub fn new(targets: Vec<u32>, classes: usize) -> Self {
        Self { targets, classes, normalizers: OnceLock::new() }
    }

    fn normalizers(&self, logits: &[f32]) -> Vec<f32> {
        logits.par_chunks(self.classes).map(|row| log_sum_exp(row, 1.0)).collect()
    }
}

simd! {
    fn probabilities(x: &[f32], out: &mut [f32], normalizer: f32, scale: f32) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = exp(x - normalizer) * scale;
        }
    }
}

impl Kernel for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        let normalizers = self.normalizers.get_or_init(|| self.normalizers(args[0]));
        let rows = args[0].chunks_exact(self.classes).zip(&self.targets).zip(normalizers);
        let losses: Vec<f32> = rows.map(|((row, &t), n)| n - row[t as usize]).collect();
        vec![mean(&losses)]
    }

    fn backward(
        &self,
        args: &[&[f32]],
        _: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let normalizers = self.normalizers.get_or_init(|| self.normalizers(args[0]));
        let share = grad[0] / self.targets.len() as f32;
        let mut out = vec![0.0; args[0].len()];
        out.par_chunks_mut(self.classes)
            .zip(args[0].par_chunks(self.classes))
            .zip(self.targets.par_iter().zip(normalizers))
            .for_each(|((out, row), (&target, &normalizer))| {
                probabilities(row, out, normalizer, share);
                out[target as usize] -= share;
            });
        vec![Some(out)]
    }
}

/// How similarities become a loss.
#[derive(Clone, Copy, PartialEq)]
pub(in super::super) enum Contrast {
    /// Each row's softmax against the diagonal, scaled by this.
    Rows(f32),
    /// Rows' and columns', halved; the scale is the third argument.
    Both,
    /// A sigmoid for each pair; scale and bias are the third and fourth.
    Sigmoid,
}

/// A loss of `a bᵀ`: a `[n, width]`, b `[m, width]`.
pub(in super::super) struct Pairs {
    kind: Contrast,
    width: usize,
    kept: OnceLock<Kept>,
}

/// What forward leaves for backward.
struct Kept {
    similarities: Vec<f32>,
    rows: Vec<f32>,
    columns: Vec<f32>,
}

simd! {
    /// Normalizers of a run of columns of rows of `m` numbers.
    fn column_normalizers(x: &[f32], m: usize, first: usize, scale: f32, out: &mut [f32]) {
        let count = out.len();
        let mut top = vec![f32::MIN; count];
        for row in x.chunks_exact(m) {
            for (top, &x) in top.iter_mut().zip(&row[first..first + count]) {
                let x = x * scale;
                *top = if x > *top { x } else { *top };
            }
        }
        out.fill(0.0);
        for row in x.chunks_exact(m) {
            for ((out, &top), &x) in out.iter_mut().zip(&top).zip(&row[first..first + count]) {
                *out += exp(x * scale - top);
            }
        }
        for (out, &top) in out.iter_mut().zip(&top) {
            *out = top + out.ln();
        }
    }
}

simd! {
    /// A row's gradients with respect to its logits, times the count that the loss divides by.
    fn softmax_row(x: &[f32], out: &mut [f32], scale: f32, row: f32, columns: &[f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = exp(x * scale - row);
        }
        if !columns.is_empty() {
            for ((out, &x), &column) in out.iter_mut().zip(x).zip(columns) {
                *out += exp(x * scale - column);
            }
        }
    }
}

simd! {
    fn sigmoid_row(x: &[f32], out: &mut [f32], scale: f32, bias: f32) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = 1.0 / (1.0 + exp(-x.mul_add(scale, bias)));
        }
    }
}

simd! {
    fn dot(x: &[f32], y: &[f32]) -> f32 {
        sum2(x, y, |x, y| x * y)
    }
}

simd! {
    fn scaled_by(x: &mut [f32], scale: f32) {
        for x in x {
            *x *= scale;
        }
    }
}

impl Pairs {
    pub fn new(kind: Contrast, width: usize) -> Self {
        Self { kind, width, kept: OnceLock::new() }
    }

    fn scale(&self, args: &[&[f32]]) -> f32 {
        match self.kind {
            Contrast::Rows(scale) => scale,
            Contrast::Both | Contrast::Sigmoid => args[2][0],
        }
    }

    fn keep(&self, args: &[&[f32]]) -> Kept {
        let (n, m) = (args[0].len() / self.width, args[1].len() / self.width);
        let scale = self.scale(args);
        let (a, b) = (View::rows(args[0], self.width), View::transposed(args[1], self.width));
        let similarities = produced((n, m, self.width), a, b, 1.0);
        let rows = match self.kind {
            Contrast::Sigmoid => Vec::new(),
            _ => similarities.par_chunks(m).map(|row| log_sum_exp(row, scale)).collect(),
        };
        let mut columns = Vec::new();
        if self.kind == Contrast::Both {
            columns.resize(m, 0.0);
            columns.par_chunks_mut(256).enumerate().for_each(|(chunk, out)| {
                column_normalizers(&similarities, m, chunk * 256, scale, out);
            });
        }
        Kept { similarities, rows, columns }
    }

    fn loss(&self, kept: &Kept, args: &[&[f32]]) -> f32 {
        let m = args[1].len() / self.width;
        let scale = self.scale(args);
        let rows = kept.similarities.chunks_exact(m);
        match self.kind {
            Contrast::Rows(_) => {
                let losses = rows.zip(&kept.rows).enumerate();
                mean(&losses.map(|(i, (row, n))| n - row[i] * scale).collect::<Vec<_>>())
            }
            Contrast::Both => {
                let normalizers = kept.rows.iter().zip(&kept.columns);
                let losses = rows.zip(normalizers).enumerate();
                let loss = |(i, (row, (r, c))): (usize, (&[f32], (&f32, &f32)))| {
                    0.5 * (r + c) - row[i] * scale
                };
                mean(&losses.map(loss).collect::<Vec<_>>())
            }
            Contrast::Sigmoid => {
                let bias = args[3][0];
                let loss = |(i, row): (usize, &[f32])| -> f32 {
                    let of = |(j, &x): (usize, &f32)| {
                        let z = x * scale + bias;
                        let z = if i == j { z } else { -z };
                        (-z).max(0.0) + (-z.abs()).exp().ln_1p()
                    };
                    row.iter().enumerate().map(of).sum()
                };
                mean(&rows.enumerate().map(loss).collect::<Vec<_>>())
            }
        }
    }
}

impl Kernel for Pairs {
    fn name(&self) -> &'static str {
        "contrastive"
    }

    fn forward(&self, args: &[&[f32]], train: bool) -> Vec<f32> {
        let kept = self.keep(args);
        let loss = self.loss(&kept, args);
        if train {
            self.kept.get_or_init(|| kept);
        }
        vec![loss]
    }

    fn backward(
        &self,
        args: &[&[f32]],
        needs: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let kept = self.kept.get_or_init(|| self.keep(args));
        let width = self.width;
        let (n, m) = (args[0].len() / width, args[1].len() / width);
        let scale = self.scale(args);
        let share = grad[0] / if self.kind == Contrast::Both { 2 * n } else { n } as f32;
        let diagonal = if self.kind == Contrast::Both { 2.0 } else { 1.0 };
        // Gradients with respect to the logits, and for each row their sum and their product
        // with the similarities.
        let mut logits = vec![0.0; n * m];
        let sums: Vec<(f32, f32)> = logits
            .par_chunks_mut(m)
            .zip(kept.similarities.par_chunks(m))
            .enumerate()
            .map(|(i, (out, x))| {
                match self.kind {
                    Contrast::Sigmoid => sigmoid_row(x, out, scale, args[3][0]),
                    _ => softmax_row(x, out, scale, kept.rows[i], &kept.columns),
                }
                out[i] -= diagonal;
                scaled_by(out, share);
                (dot(out, x), out.iter().sum())
            })
            .collect();
        let side = |sizes: (usize, usize, usize), g: View<'_>, other: &[f32]| {
            produced(sizes, g, View::rows(other, width), scale)
        };
        let da = needs[0].then(|| side((n, width, m), View::rows(&logits, m), args[1]));
        let db = needs[1].then(|| side((m, width, n), View::transposed(&logits, m), args[0]));
        let mut found = vec![da, db];
        let in_order = |pick: fn(&(f32, f32)) -> f32| {
            vec![sums.iter().map(|sums| f64::from(pick(sums))).sum::<f64>() as f32]
        };
        if self.kind != Contrast::Rows(scale) {
            found.push(needs[2].then(|| in_order(|sums| sums.0)));
        }
        if self.kind == Contrast::Sigmoid {
            found.push(needs[3].then(|| in_order(|sums| sums.1)));
        }
        found
    }
}
