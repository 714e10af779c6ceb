//! Attention over packed sequences, without a padded score anywhere.
//!
//! One piece of work is a sequence and a key-value head: it owns its columns of the result and of
//! every gradient, so pieces run on any thread in any order. Scores are made for a block of query
//! rows at a time and made again in backward, dropout included.

use super::columns::Columns;
use super::math::{exp, max, sum, sum2};
use super::node::Kernel;
use super::product::{Spread, View, product, product_at};
use crate::nn::{Attention, Mask};
use crate::rng::bits_at;
use rayon::prelude::*;

/// Query rows of one block of scores.
const BLOCK: usize = 128;

/// [`Attention`] of heads of `dim` columns. Arguments q, k, v.
#[derive(Clone)]
pub(in super::super) struct Attend {
    pub how: Attention,
    pub dim: usize,
}

simd! {
    /// Softmax of each row of `cols` scores; under a causal mask row i sees the first
    /// `first + i + 1`, and the others get 0.
    fn softmax(scores: &mut [f32], cols: usize, causal_from: Option<usize>) {
        for (i, row) in scores.chunks_exact_mut(cols).enumerate() {
            let seen = causal_from.map_or(cols, |first| (first + i + 1).min(cols));
            let (row, unseen) = row.split_at_mut(seen);
            unseen.fill(0.0);
            let top = max(row);
            for x in row.iter_mut() {
                *x = exp(*x - top);
            }
            let inverse = 1.0 / sum(row, |x| x);
            for x in row.iter_mut() {
                *x *= inverse;
            }
        }
    }
}

simd! {
    fn drop_scores(p: &[f32], out: &mut [f32], cols: usize, draw: Draw) {
        let rows = out.chunks_exact_mut(cols).zip(p.chunks_exact(cols));
        for (i, (out, p)) in rows.enumerate() {
            let first = ((draw.first + i) * draw.len) as u32;
            for (j, (out, &p)) in (0u32..).zip(out.iter_mut().zip(p)) {
                let bits = bits_at(draw.key, first.wrapping_add(j));
                *out = if bits < draw.threshold { 0.0 } else { p * draw.scale };
            }
        }
    }
}

/// Which dropout numbers belong to a block of scores.
#[derive(Clone, Copy)]
struct Draw {
    key: u64,
    /// The block's first query row in its sequence.
    first: usize,
    /// The length of the sequence.
    len: usize,
    threshold: u32,
    scale: f32,
}

simd! {
    /// From probabilities and their gradients, the scores' gradients in place of the latter.
    fn softmax_back(p: &[f32], dp: &mut [f32], cols: usize, scale: f32) {
        for (p, dp) in p.chunks_exact(cols).zip(dp.chunks_exact_mut(cols)) {
            let along = sum2(p, dp, |p, dp| p * dp);
            for (dp, &p) in dp.iter_mut().zip(p) {
                *dp = p * (*dp - along) * scale;
            }
        }
    }
}

/// One head of one sequence.
struct Head {
    rows: std::ops::Range<usize>,
    /// The first column in queries and results, and in keys and values.
    column: usize,
    kv_column: usize,
    draw: Option<Draw>,
}

/// A block of query rows of a head: the rows in the sequence, and how many keys they see.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    rows: usize,
    cols: usize,
}

impl Attend {
    fn width(&self) -> usize {
        self.how.heads * self.dim
    }

    fn kv_width(&self) -> usize {
        self.how.kv_heads * self.dim
    }

    fn scale(&self) -> f32 {
        (1.0 / (self.dim as f64).sqrt()) as f32
    }

    /// Runs `work` for every sequence and key-value head, each piece with its heads.
    fn pieces(&self, work: impl Fn(&[Head], &mut Scratch) + Sync) {
        let (heads, kv_heads) = (self.how.heads, self.how.kv_heads);
        let group = heads / kv_heads;
        let piece = |scratch: &mut Scratch, index: usize| {
            let (s, kv_head) = (index / kv_heads, index % kv_heads);
            let rows = self.how.packing.range(s);
            if rows.is_empty() {
                return;
            }
            let head = |head: usize| Head {
                rows: rows.clone(),
                column: head * self.dim,
                kv_column: kv_head * self.dim,
                draw: self.how.dropout.as_ref().map(|drop| Draw {
                    key: drop.stream(s).child(head as u64).bits(),
                    first: 0,
                    len: rows.len(),
                    threshold: drop.threshold(),
                    scale: drop.scale(),
                }),
            };
            let heads: Vec<Head> = (kv_head * group..(kv_head + 1) * group).map(head).collect();
            work(&heads, scratch);
        };
        (0..self.how.packing.sequences() * kv_heads)
            .into_par_iter()
            .for_each_init(Scratch::default, piece);
    }

    fn blocks(&self, len: usize) -> impl Iterator<Item = Block> + use<> {
        let causal = self.how.mask == Mask::Causal;
        (0..len).step_by(BLOCK).map(move |first| {
            let rows = BLOCK.min(len - first);
            Block { first, rows, cols: if causal { first + rows } else { len } }
        })
    }

    /// Fills `scratch.p` with the block's probabilities before dropout.
    fn probabilities(&self, q: &[f32], k: &[f32], head: &Head, block: Block, p: &mut Vec<f32>) {
        let (width, kv_width) = (self.width(), self.kv_width());
        let row = head.rows.start + block.first;
        p.resize(block.rows * block.cols, 0.0);
        let q = View::rows(&q[row * width + head.column..], width);
        let k = View::transposed(&k[head.rows.start * kv_width + head.kv_column..], kv_width);
        let sizes = (block.rows, block.cols, self.dim);
        product(sizes, q, k, self.scale(), (p, block.cols), false, Spread::Here);
        let causal_from = (self.how.mask == Mask::Causal).then_some(block.first);
        softmax(p, block.cols, causal_from);
    }

    /// q `[rows, heads * dim]`, k and v `[rows, kv_heads * dim]`, to `[rows, heads * dim]`.
    pub(super) fn run(&self, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
        let (width, kv_width) = (self.width(), self.kv_width());
        let mut out = vec![0.0; q.len()];
        let columns = Columns::of(&mut out, width);
        self.pieces(|heads, Scratch { p, dropped, .. }| {
            for head in heads {
                for block in self.blocks(head.rows.len()) {
                    self.probabilities(q, k, head, block, p);
                    let p = drop_block(p, dropped, head, block);
                    let v = View::rows(&v[head.rows.start * kv_width + head.kv_column..], kv_width);
                    let sizes = (block.rows, self.dim, block.cols);
                    let p = View::rows(p, block.cols);
                    // SAFETY: rows of this piece's sequence, columns of this piece's head.
                    unsafe {
                        let out = columns.part(head.rows.start + block.first, head.column);
                        product_at(sizes, p, v, 1.0, out, false, Spread::Here);
                    }
                }
            }
        });
        out
    }

    /// The gradients of q, k and v.
    pub(super) fn back(
        &self,
        q: &[f32],
        k: &[f32],
        v: &[f32],
        g: &[f32],
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let (width, kv_width) = (self.width(), self.kv_width());
        let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        let dq_columns = Columns::of(&mut dq, width);
        let dk_columns = Columns::of(&mut dk, kv_width);
        let dv_columns = Columns::of(&mut dv, kv_width);
        self.pieces(|heads, Scratch { p, dropped, dp }| {
            for head in heads {
                let (start, kv) = (head.rows.start, head.rows.start * kv_width + head.kv_column);
                for block in self.blocks(head.rows.len()) {
                    let row = start + block.first;
                    let cells = block.rows * block.cols;
                    self.probabilities(q, k, head, block, p);
                    let kept = drop_block(p, dropped, head, block);
                    let grad = &g[row * width + head.column..];
                    dp.resize(cells, 0.0);
                    let (sizes, cols) = ((block.rows, block.cols, self.dim), block.cols);
                    let (a, b) = (View::rows(grad, width), View::transposed(&v[kv..], kv_width));
                    product(sizes, a, b, 1.0, (dp, cols), false, Spread::Here);
                    let dv_sizes = (cols, self.dim, block.rows);
                    let (a, b) = (View::transposed(kept, cols), View::rows(grad, width));
                    // SAFETY: rows of this piece's sequence, columns of its key-value head.
                    unsafe {
                        let dv = dv_columns.part(start, head.kv_column);
                        product_at(dv_sizes, a, b, 1.0, dv, true, Spread::Here);
                    }
                    if let Some(draw) = &head.draw {
                        let draw = Draw { first: block.first, ..*draw };
                        dropped.resize(cells, 0.0);
                        drop_scores(dp, dropped, cols, draw);
                        std::mem::swap(dp, dropped);
                    }
                    softmax_back(p, dp, cols, self.scale());
                    let query = &q[row * width + head.column..];
                    let dq_sizes = (block.rows, self.dim, cols);
                    // SAFETY: as above; the queries' columns are this piece's heads'.
                    unsafe {
                        let dq = dq_columns.part(row, head.column);
                        let (a, b) = (View::rows(dp, cols), View::rows(&k[kv..], kv_width));
                        product_at(dq_sizes, a, b, 1.0, dq, false, Spread::Here);
                        let dk = dk_columns.part(start, head.kv_column);
                        let (a, b) = (View::transposed(dp, cols), View::rows(query, width));
                        product_at(dv_sizes, a, b, 1.0, dk, true, Spread::Here);
                    }
                }
            }
        });
        (dq, dk, dv)
    }
}

#[derive(Default)]
struct Scratch {
    p: Vec<f32>,
    dropped: Vec<f32>,
    dp: Vec<f32>,
}

/// The block's probabilities after dropout: `p` itself where nothing drops.
fn drop_block<'a>(p: &'a [f32], dropped: &'a mut Vec<f32>, head: &Head, block: Block) -> &'a [f32] {
    let Some(draw) = &head.draw else { return p };
    dropped.resize(p.len(), 0.0);
    drop_scores(p, dropped, block.cols, Draw { first: block.first, ..*draw });
    dropped
}

impl Kernel for Attend {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        self.run(args[0], args[1], args[2])
    }

    fn backward(
        &self,
        args: &[&[f32]],
        _: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let (dq, dk, dv) = self.back(args[0], args[1], args[2], grad);
        vec![Some(dq), Some(dk), Some(dv)]
    }
}
