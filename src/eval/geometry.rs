//! How embeddings lie on the sphere: anisotropy, alignment, uniformity, effective rank, hubs.
//!
//! All take unit rows `[n, dim]` that passed [`super::check_rows`].

use super::eigen::symmetric_eigenvalues;
use super::product::{gram, rows_by_rows};
use super::topk::Hit;
use super::{Error, Relevant, check_rows};
use crate::rng::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Above this many rows, measures over pairs take a sample of this many.
pub const SAMPLE: usize = 2_000;

/// Rows of a block of pairs.
const BLOCK: usize = 64;

/// The list's length for counting how often an item appears in lists.
pub const HUB_K: usize = 10;

/// The measures of one set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// See [`mean_cosine`].
    pub mean_cosine: f64,
    /// See [`uniformity`].
    pub uniformity: f64,
    /// See [`effective_rank`].
    pub effective_rank: f64,
    /// See [`alignment_with`]; none where nothing was paired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<f64>,
}

/// All measures that need no pairing. At least two rows.
pub fn geometry(rows: &[f32], dim: usize) -> Result<Geometry, Error> {
    Ok(Geometry {
        mean_cosine: mean_cosine(rows, dim)?,
        uniformity: uniformity(rows, dim)?,
        effective_rank: effective_rank(rows, dim)?,
        alignment: None,
    })
}

/// The rows themselves, or a fixed sample of [`SAMPLE`] of them in their order.
fn sample(rows: &[f32], dim: usize) -> Result<(Cow<'_, [f32]>, usize), Error> {
    let n = check_rows("embeddings", rows, dim)?;
    if n < 2 {
        return Err(Error::TooFew { what: "embeddings", least: 2, found: n });
    }
    if n <= SAMPLE {
        return Ok((Cow::Borrowed(rows), n));
    }
    let mut stream = Key::new(0).named("geometry").stream();
    let mut places: Vec<usize> = (0..n).collect();
    for at in 0..SAMPLE {
        let other = at + stream.below(n - at);
        places.swap(at, other);
    }
    places.truncate(SAMPLE);
    places.sort_unstable();
    let taken = places.iter().flat_map(|&at| &rows[at * dim..(at + 1) * dim]).copied().collect();
    Ok((Cow::Owned(taken), SAMPLE))
}

/// Anisotropy: the mean cosine of distinct pairs, from -1/(n-1) to 1. Computed as
/// (|sum of rows|^2 - sum of |row|^2) / (n (n - 1)), in f64.
pub fn mean_cosine(rows: &[f32], dim: usize) -> Result<f64, Error> {
    let (rows, n) = sample(rows, dim)?;
    let mut sum = vec![0.0f64; dim];
    let mut squares = 0.0;
    for row in rows.chunks_exact(dim) {
        for (sum, &v) in sum.iter_mut().zip(row) {
            *sum += f64::from(v);
            squares += f64::from(v) * f64::from(v);
        }
    }
    let whole: f64 = sum.iter().map(|v| v * v).sum();
    Ok((whole - squares) / (n as f64 * (n as f64 - 1.0)))
}

/// Alignment: mean squared distance of positive pairs, row i of `a` with row i of `b`, both
/// `[n, dim]` (Wang and Isola 2020, alpha 2).
pub fn alignment(a: &[f32], b: &[f32], dim: usize) -> Result<f64, Error> {
    let n = check_rows("embeddings", a, dim)?;
    check_rows("their pairs", b, dim)?;
    if a.len() != b.len() {
        return Err(Error::Shape { what: "their pairs", expected: a.len(), found: b.len() });
    }
    if n == 0 {
        return Err(Error::TooFew { what: "embeddings", least: 1, found: 0 });
    }
    let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
    Ok(a.iter().zip(b).map(square).sum::<f64>() / n as f64)
}

/// Alignment of a search: mean squared distance of the positive pairs, every query with each item
/// that answers it. From 0, all pairs in one place, to 4.
///
/// # Errors
/// Rows that are no embeddings, other numbers of queries than of lists, an item that is not there, no
/// pair at all.
pub fn alignment_with(
    queries: &[f32],
    gallery: &[f32],
    dim: usize,
    relevant: &Relevant,
) -> Result<f64, Error> {
    let asked = check_rows("queries", queries, dim)?;
    let items = check_rows("gallery", gallery, dim)?;
    if relevant.queries() != asked {
        let (expected, found) = (asked, relevant.queries());
        return Err(Error::Shape { what: "relevant", expected, found });
    }
    for query in 0..asked {
        if let Some(&item) = relevant.of(query).last().filter(|&&item| item as usize >= items) {
            let item = item as usize;
            return Err(Error::Range { what: "relevant", query, item, gallery: items });
        }
    }
    // Summed a query at a time and then in their order, so that threads change nothing.
    let sums: Vec<(f64, usize)> = queries
        .par_chunks(dim)
        .enumerate()
        .map(|(query, row)| {
            let answers = relevant.of(query);
            let distance = |&item: &u32| {
                let other = &gallery[item as usize * dim..][..dim];
                let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
                row.iter().zip(other).map(square).sum::<f64>()
            };
            (answers.iter().map(distance).sum(), answers.len())
        })
        .collect();
    let pairs: usize = sums.iter().map(|(_, count)| count).sum();
    if pairs == 0 {
        return Err(Error::TooFew { what: "positive pairs", least: 1, found: 0 });
    }
    Ok(sums.iter().map(|(sum, _)| sum).sum::<f64>() / pairs as f64)
}

/// Uniformity: log of the mean over distinct pairs of exp(-2 d^2) (Wang and Isola 2020, t = 2);
/// 0 where all rows are one, lower the more evenly they spread.
pub fn uniformity(rows: &[f32], dim: usize) -> Result<f64, Error> {
    let (rows, n) = sample(rows, dim)?;
    let squares: Vec<f64> = rows
        .chunks_exact(dim)
        .map(|row| row.iter().map(|&v| f64::from(v) * f64::from(v)).sum())
        .collect();
    let sums: Vec<f64> = rows
        .par_chunks(BLOCK * dim)
        .enumerate()
        .map(|(block, left)| {
            let (first, taken) = (block * BLOCK, left.len() / dim);
            let mut cosines = vec![0.0; taken * (n - first)];
            rows_by_rows(&mut cosines, left, &rows[first * dim..], dim);
            let mut sum = 0.0;
            for (at, line) in cosines.chunks_exact(n - first).enumerate() {
                let i = first + at;
                for (j, &cosine) in (first..n).zip(line).skip(at + 1) {
                    let distance = squares[i] + squares[j] - 2.0 * f64::from(cosine);
                    sum += (-2.0 * distance.max(0.0)).exp();
                }
            }
            sum
        })
        .collect();
    let pairs = n as f64 * (n as f64 - 1.0) / 2.0;
    Ok((sums.iter().sum::<f64>() / pairs).ln())
}

/// Effective rank: exp of the entropy of the singular values, normalised to sum 1 (Roy and
/// Vetterli 2007); from 1 (all rows on one line) to min(n, dim). Of all rows, as they are.
pub fn effective_rank(rows: &[f32], dim: usize) -> Result<f64, Error> {
    let n = check_rows("embeddings", rows, dim)?;
    if n == 0 {
        return Err(Error::TooFew { what: "embeddings", least: 1, found: 0 });
    }
    let wide: Vec<f64> = rows.iter().map(|&v| f64::from(v)).collect();
    let (mut square, size) = gram(&wide, n, dim);
    let values = symmetric_eigenvalues(&mut square, size);
    // Below this an eigenvalue is rounding noise of the largest; its root would not look like it.
    let noise = size as f64 * f64::EPSILON * values.last().copied().unwrap_or(0.0);
    let singular: Vec<f64> =
        values.iter().filter(|&&value| value > noise).map(|value| value.sqrt()).collect();
    let whole: f64 = singular.iter().sum();
    let entropy: f64 = singular.iter().map(|s| s / whole).map(|p| -p * p.ln()).sum();
    Ok(entropy.exp())
}

/// How often items stand in the first ten of someone's list.
#[derive(Clone, Debug, PartialEq)]
pub struct Hubs {
    /// For every gallery item, the number of queries that have it in their first [`HUB_K`].
    pub counts: Vec<u32>,
    /// Skewness of those counts (third central moment over the 1.5th power of the second); 0 where
    /// all are equal.
    pub skewness: f64,
    /// An item with more than this (mean + 2 standard deviations; Radovanovic et al. 2010) is a
    /// hub.
    pub threshold: f64,
}

impl Hubs {
    /// Whether an item is one.
    #[must_use]
    pub fn is_hub(&self, item: u32) -> bool {
        self.counts.get(item as usize).is_some_and(|&count| f64::from(count) > self.threshold)
    }
}

/// Counts hubs over ranked lists; `gallery` is the number of items.
pub fn hubs(lists: &[Vec<Hit>], gallery: usize) -> Result<Hubs, Error> {
    hubs_among(lists.iter().map(|list| list.iter().map(|hit| hit.item)), gallery)
}

/// Likewise of lists of items alone, the best first.
///
/// # Errors
/// An item that is not there.
pub fn hubs_among(
    lists: impl Iterator<Item = impl Iterator<Item = u32>>,
    gallery: usize,
) -> Result<Hubs, Error> {
    let mut counts = vec![0u32; gallery];
    for (query, list) in lists.enumerate() {
        for item in list.take(HUB_K) {
            let item = item as usize;
            let count = counts.get_mut(item).ok_or(Error::Range {
                what: "ranked list",
                query,
                item,
                gallery,
            })?;
            *count += 1;
        }
    }
    let n = gallery.max(1) as f64;
    let mean = counts.iter().map(|&c| f64::from(c)).sum::<f64>() / n;
    let moment = |power| counts.iter().map(|&c| (f64::from(c) - mean).powi(power)).sum::<f64>() / n;
    let (second, third) = (moment(2), moment(3));
    let skewness = if second > 0.0 { third / second.powf(1.5) } else { 0.0 };
    Ok(Hubs { counts, skewness, threshold: mean + 2.0 * second.sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit_rows(n: usize, dim: usize, seed: u64) -> Vec<f32> {
        let mut stream = Key::new(seed).stream();
        let mut rows: Vec<f32> = (0..n * dim).map(|_| stream.normal()).collect();
        for row in rows.chunks_exact_mut(dim) {
            let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
            for v in row {
                *v /= length;
            }
        }
        rows
    }

    fn cosine(rows: &[f32], dim: usize, i: usize, j: usize) -> f64 {
        (0..dim).map(|t| f64::from(rows[i * dim + t]) * f64::from(rows[j * dim + t])).sum()
    }

    proptest! {
        #[test]
        fn pairs_are_the_ones_of_the_double_loop(
            n in 2usize..150, dim in 2usize..20, seed in any::<u64>(),
        ) {
            let rows = unit_rows(n, dim, seed);
            let (mut cosines, mut spread, mut pairs) = (0.0, 0.0, 0.0);
            for i in 0..n {
                for j in 0..i {
                    let cosine = cosine(&rows, dim, i, j);
                    cosines += cosine;
                    spread += (-2.0 * (2.0 - 2.0 * cosine)).exp();
                    pairs += 1.0;
                }
            }
            prop_assert!((mean_cosine(&rows, dim).unwrap() - cosines / pairs).abs() < 1e-6);
            let want: f64 = f64::ln(spread / pairs);
            prop_assert!((uniformity(&rows, dim).unwrap() - want).abs() < 1e-5);
        }
    }

    #[test]
    fn one_point_is_anisotropic_and_opposite_points_are_not() {
        let same = [0.6, 0.8].repeat(5);
        assert!((mean_cosine(&same, 2).unwrap() - 1.0).abs() < 1e-6);
        assert!(uniformity(&same, 2).unwrap().abs() < 1e-6);
        let square = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0];
        assert!((mean_cosine(&square, 2).unwrap() + 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_large_set_is_measured_on_a_fixed_sample() {
        let rows = unit_rows(3_000, 8, 1);
        let (taken, n) = sample(&rows, 8).unwrap();
        assert_eq!((n, taken.len()), (SAMPLE, SAMPLE * 8));
        assert_eq!(sample(&rows, 8).unwrap().0, taken);
        assert!(mean_cosine(&rows, 8).unwrap().abs() < 0.01);
    }

    #[test]
    fn alignment_is_the_mean_squared_distance_of_pairs() {
        let (a, b) = ([1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(alignment(&a, &b, 2).unwrap(), 1.0);
        assert!(alignment(&a, &b[..2], 2).is_err());
    }

    #[test]
    fn alignment_of_a_search_runs_over_every_query_and_each_of_its_answers() {
        let (queries, gallery) = ([1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0, -1.0, 0.0]);
        // Distances squared: 0 and 4 for the first query, 2 for the second.
        let relevant = Relevant::from_lists([vec![0, 2], vec![2]]);
        assert_eq!(alignment_with(&queries, &gallery, 2, &relevant).unwrap(), 2.0);
        let paired = Relevant::diagonal(2);
        assert_eq!(
            alignment_with(&queries, &gallery, 2, &paired).unwrap(),
            alignment(&queries, &gallery[..4], 2).unwrap()
        );
        let nothing = Relevant::from_lists([vec![], vec![]]);
        assert!(alignment_with(&queries, &gallery, 2, &nothing).is_err(), "no pair");
        assert!(alignment_with(&queries, &gallery, 2, &Relevant::diagonal(3)).is_err());
        let beyond = Relevant::from_lists([[0], [3]]);
        assert!(matches!(
            alignment_with(&queries, &gallery, 2, &beyond),
            Err(Error::Range { query: 1, item: 3, .. })
        ));
    }

    #[test]
    fn effective_rank_counts_directions() {
        let identity: Vec<f32> = (0..36).map(|at| f32::from(u8::from(at / 6 == at % 6))).collect();
        assert!((effective_rank(&identity, 6).unwrap() - 6.0).abs() < 1e-9);
        assert!((effective_rank(&[0.6, 0.8].repeat(9), 2).unwrap() - 1.0).abs() < 1e-6);
        // Three rows along x, one along y: singular values sqrt(3) and 1.
        let rows = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        let p = 3f64.sqrt() / (1.0 + 3f64.sqrt());
        let want = (-p * p.ln() - (1.0 - p) * (1.0 - p).ln()).exp();
        assert!((effective_rank(&rows, 2).unwrap() - want).abs() < 1e-9);
    }

    #[test]
    fn two_rows_in_many_dimensions_have_at_most_rank_two() {
        let rows = unit_rows(2, 50, 4);
        let rank = effective_rank(&rows, 50).unwrap();
        assert!((1.0..=2.0 + 1e-9).contains(&rank), "{rank}");
    }

    #[test]
    fn an_item_in_every_list_is_a_hub() {
        let list = |items: [u32; 2]| {
            items.map(|item| Hit { item, score: 0.0, rank: 1, rank_high: 1 }).to_vec()
        };
        let lists: Vec<Vec<Hit>> = (1..11).map(|other| list([0, other])).collect();
        let hubs = hubs(&lists, 11).unwrap();
        assert_eq!(hubs.counts[..3], [10, 1, 1]);
        assert!(hubs.is_hub(0) && !hubs.is_hub(1) && !hubs.is_hub(99));
        // Counts 10, and ten times 1: mean 20/11; the moments by hand.
        let (top, rest) = (10.0 - 20.0 / 11.0, 1.0 - 20.0 / 11.0);
        let second: f64 = (top * top + 10.0 * rest * rest) / 11.0;
        let third = (top.powi(3) + 10.0 * rest.powi(3)) / 11.0;
        assert!((hubs.skewness - third / second.powf(1.5)).abs() < 1e-12);
        assert!(super::hubs(&lists, 5).is_err());
    }
}
