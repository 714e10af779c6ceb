//! How embeddings lie, against double loops in f64 and a singular value decomposition of its own, on rows
//! many of which are equal or opposite.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::eval::contrast;
use llm2clip::eval::geometry::{alignment, effective_rank, geometry};
use llm2clip::rng::Key;
use proptest::prelude::*;

/// Unit rows, drawn from a few: most are there several times.
fn rows(n: usize, dim: usize, different: usize, seed: u64) -> Vec<f32> {
    let mut stream = Key::new(seed).stream();
    let known: Vec<Vec<f32>> = (0..different)
        .map(|at| {
            let mut row: Vec<f32> = (0..dim).map(|_| stream.normal()).collect();
            if at % 3 == 0 {
                // On an axis, so that some are at right angles.
                let axis = stream.below(dim);
                row = (0..dim).map(|place| f32::from(u8::from(place == axis))).collect();
            }
            let length = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
            row.iter().map(|x| (f64::from(*x) / length) as f32).collect()
        })
        .collect();
    (0..n)
        .flat_map(|_| {
            let sign = if stream.below(4) == 0 { -1.0 } else { 1.0 };
            known[stream.below(different)].iter().map(move |x| sign * x).collect::<Vec<_>>()
        })
        .collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

/// Singular values by one-sided Jacobi rotations of the columns (Hestenes 1958).
fn singular_values(rows: &[f32], dim: usize) -> Vec<f64> {
    let n = rows.len() / dim;
    let mut columns: Vec<Vec<f64>> =
        (0..dim).map(|c| (0..n).map(|r| f64::from(rows[r * dim + c])).collect()).collect();
    for _ in 0..60 {
        let mut rotated = false;
        for p in 0..dim {
            for q in p + 1..dim {
                let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let (pp, qq) = (sum(&columns[p], &columns[p]), sum(&columns[q], &columns[q]));
                let pq = sum(&columns[p], &columns[q]);
                if pq.abs() <= 1e-15 * (pp * qq).sqrt() || pq == 0.0 {
                    continue;
                }
                rotated = true;
                let zeta = (qq - pp) / (2.0 * pq);
                let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let t = if zeta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (1.0 + t * t).sqrt();
                let s = c * t;
                let (left, right) = columns.split_at_mut(q);
                for (x, y) in left[p].iter_mut().zip(&mut right[0]) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
            }
        }
        if !rotated {
            break;
        }
    }
    columns.iter().map(|column| column.iter().map(|x| x * x).sum::<f64>().sqrt()).collect()
}

fn plain_rank(rows: &[f32], dim: usize) -> f64 {
    let values = singular_values(rows, dim);
    let whole: f64 = values.iter().sum();
    let shares = values.iter().map(|value| value / whole).filter(|share| *share > 1e-12);
    shares.map(|share| -share * share.ln()).sum::<f64>().exp()
}

/// Mean cosine and uniformity of distinct pairs.
fn plain_pairs(rows: &[f32], dim: usize) -> (f64, f64) {
    let n = rows.len() / dim;
    let row = |at: usize| &rows[at * dim..(at + 1) * dim];
    let (mut cosines, mut spread, mut pairs) = (0.0, 0.0, 0.0);
    for i in 0..n {
        for j in 0..n {
            if i != j {
                cosines += dot(row(i), row(j));
                spread += (-2.0 * squared_distance(row(i), row(j))).exp();
                pairs += 1.0;
            }
        }
    }
    (cosines / pairs, f64::ln(spread / pairs))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn measures_of_one_set_are_those_of_double_loops(
        n in 2usize..90, dim in 1usize..12, different in 1usize..20, seed in any::<u64>(),
    ) {
        let rows = rows(n, dim, different, seed);
        let found = geometry(&rows, dim).unwrap();
        let (cosine, uniformity) = plain_pairs(&rows, dim);
        prop_assert!((found.mean_cosine - cosine).abs() < 1e-6, "{} {cosine}", found.mean_cosine);
        prop_assert!((found.uniformity - uniformity).abs() < 1e-5, "{} {uniformity}", found.uniformity);
        let rank = plain_rank(&rows, dim);
        prop_assert!((found.effective_rank - rank).abs() < 1e-4 * rank, "{} {rank}", found.effective_rank);
        prop_assert_eq!(effective_rank(&rows, dim).unwrap(), found.effective_rank);
    }

    #[test]
    fn measures_of_pairs_are_those_of_loops(
        n in 2usize..40, dim in 1usize..9, different in 1usize..9, seed in any::<u64>(),
    ) {
        let (a, b) = (rows(n, dim, different, seed), rows(n, dim, different, seed ^ 1));
        let row = |rows: &[f32], at: usize| rows[at * dim..(at + 1) * dim].to_vec();
        let distances = (0..n).map(|at| squared_distance(&row(&a, at), &row(&b, at)));
        let wanted = distances.sum::<f64>() / n as f64;
        prop_assert!((alignment(&a, &b, dim).unwrap() - wanted).abs() < 1e-9);
        let found = contrast(&a, &b, dim).unwrap();
        let (mut positive, mut hardest) = (0.0, 0.0);
        for i in 0..n {
            positive += dot(&row(&a, i), &row(&b, i)) / n as f64;
            let wrong = (0..n).filter(|&j| j != i).map(|j| dot(&row(&a, i), &row(&b, j)));
            hardest += wrong.fold(f64::NEG_INFINITY, f64::max) / n as f64;
        }
        prop_assert!((found.alignment - wanted).abs() < 1e-9);
        prop_assert!((found.positive - positive).abs() < 1e-5);
        prop_assert!((found.hardest_negative - hardest).abs() < 1e-5);
        let uniformity = 0.5 * (plain_pairs(&a, dim).1 + plain_pairs(&b, dim).1);
        prop_assert!((found.uniformity - uniformity).abs() < 1e-5);
        let rank = 0.5 * (plain_rank(&a, dim) + plain_rank(&b, dim));
        prop_assert!((found.effective_rank - rank).abs() < 1e-4 * rank);
    }
}
