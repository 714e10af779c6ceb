//! How scores of relevant items lie beside those of all others: counts in bins of equal width.

use super::scores::{GALLERY_BLOCK, Scores, gallery_blocks, query_block};
use super::{Error, Judgements};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Bins of a histogram.
pub const BINS: usize = 80;

/// Counts of scores; bin `i` of `n` holds those from `low + i (high - low) / n` on, the last one
/// `high` too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreHistogram {
    /// The lowest score there is.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// Scores of items that answer their query.
    pub relevant: Vec<u64>,
    /// Scores of all others, the query itself left out.
    pub others: Vec<u64>,
}

/// Counts every score of every query once to find the ends, and once into bins. Memory: one block
/// of scores a thread.
///
/// # Errors
/// Judgements of another size.
pub fn histogram(scores: &impl Scores, judgements: &Judgements) -> Result<ScoreHistogram, Error> {
    judgements.check(scores.queries(), scores.gallery())?;
    let ends = each_block(scores, |_, _, block| {
        block.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &score| {
            (low.min(score), high.max(score))
        })
    });
    let (low, high) = ends
        .into_iter()
        .flatten()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), (a, b)| (low.min(a), high.max(b)));
    let (low, high) = if low <= high { (f64::from(low), f64::from(high)) } else { (0.0, 0.0) };
    let width = if high > low { (high - low) / BINS as f64 } else { 1.0 };
    let counted = each_block(scores, |first, items, block| {
        let mut counts = [[0u64; BINS]; 2];
        for (at, row) in block.chunks_exact(items.len()).enumerate() {
            let own = judgements.itself.as_ref().map(|itself| itself[first + at]);
            let of = judgements.relevant.of(first + at);
            for (item, &score) in items.clone().zip(row) {
                let item = item as u32;
                if own != Some(item) {
                    let bin = ((f64::from(score) - low) / width) as usize;
                    let kind = usize::from(of.binary_search(&item).is_err());
                    counts[kind][bin.min(BINS - 1)] += 1;
                }
            }
        }
        counts
    });
    let mut whole = [[0u64; BINS]; 2];
    // Whole numbers: the order of adding does not matter.
    for counts in counted.into_iter().flatten() {
        for (whole, counts) in whole.iter_mut().zip(counts) {
            for (whole, count) in whole.iter_mut().zip(counts) {
                *whole += count;
            }
        }
    }
    let [relevant, others] = whole.map(Vec::from);
    Ok(ScoreHistogram { low, high, relevant, others })
}

/// What `work` makes of every block of scores, queries in their order, then the gallery in its.
fn each_block<T: Send>(
    scores: &impl Scores,
    work: impl Fn(usize, std::ops::Range<usize>, &[f32]) -> T + Sync,
) -> Vec<Vec<T>> {
    let (queries, gallery) = (scores.queries(), scores.gallery());
    let rows = query_block(queries);
    (0..queries.div_ceil(rows))
        .into_par_iter()
        .map(|block| {
            let first = block * rows;
            let last = (first + rows).min(queries);
            let mut buffer = vec![0.0; (last - first) * GALLERY_BLOCK.min(gallery)];
            gallery_blocks(gallery)
                .map(|items| {
                    let block = &mut buffer[..(last - first) * items.len()];
                    scores.block(first..last, items.clone(), block);
                    work(first, items, block)
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Given, Relevant};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_counts_are_those_of_looking_at_every_score(
            (queries, gallery, scores) in (1usize..5, 2usize..60).prop_flat_map(|(n, m)| {
                (Just(n), Just(m), prop::collection::vec(-8i8..8, n * m))
            }),
            leave_out in any::<bool>(),
        ) {
            let scores: Vec<f32> = scores.into_iter().map(|v| f32::from(v) / 8.0).collect();
            let itself: Vec<u32> = (0..queries).map(|q| (q % gallery) as u32).collect();
            let judgements = Judgements {
                relevant: Relevant::from_lists((0..queries).map(|q| [((q + 1) % gallery) as u32])),
                units: (0..queries as u32).collect(),
                itself: leave_out.then(|| itself.clone()),
            };
            let given = Given::new(&scores, queries, gallery).unwrap();
            let found = histogram(&given, &judgements).unwrap();
            let width = if found.high > found.low { (found.high - found.low) / BINS as f64 } else { 1.0 };
            let mut plain = [vec![0u64; BINS], vec![0u64; BINS]];
            for (q, &own) in itself.iter().enumerate() {
                for item in 0..gallery {
                    if leave_out && own as usize == item {
                        continue;
                    }
                    let score = f64::from(scores[q * gallery + item]);
                    let bin = (((score - found.low) / width) as usize).min(BINS - 1);
                    plain[usize::from(item != (q + 1) % gallery)][bin] += 1;
                }
            }
            let [relevant, others] = plain;
            prop_assert_eq!(found.relevant, relevant);
            prop_assert_eq!(found.others, others);
        }
    }
}
