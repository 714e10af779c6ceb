//! Ranks and the tie rule.
//!
//! A relevant item's rank is 1 + the number of non-relevant items with a score strictly greater
//! (`low`), or greater or equal (`high`); a query's rank is the best of its relevant items'. Since
//! both only fall as the score rises, that best is the one of the relevant item that scores
//! highest. Metrics use `high`: an encoder that gives everything one score is then last everywhere.

use super::scores::{GALLERY_BLOCK, Scores, gallery_blocks, query_block};
use super::{Error, Judgements};
use rayon::prelude::*;

/// Where a query's best answer stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// 1 + the non-relevant items that score strictly higher.
    pub low: u32,
    /// 1 + the non-relevant items that score as high or higher.
    pub high: u32,
    /// The score of the best relevant item.
    pub relevant: f32,
    /// The score of the best other item, the query itself left out; minus infinity when there is
    /// none.
    pub other: f32,
}

impl Ranked {
    /// Score of the best relevant item less that of the best other; none without another item.
    #[must_use]
    pub fn margin(&self) -> Option<f32> {
        self.other.is_finite().then_some(self.relevant - self.other)
    }

    /// Whether the rank hangs on the order of equal scores.
    #[must_use]
    pub fn tied(&self) -> bool {
        self.low != self.high
    }
}

/// Ranks every query. Memory: one block of scores a thread, whatever the sizes.
///
/// The counts need the best relevant score first. Only the gallery blocks that hold a relevant
/// item are scored twice for that: neighbouring queries mostly have neighbouring answers.
pub fn rank(scores: &impl Scores, judgements: &Judgements) -> Result<Vec<Ranked>, Error> {
    let (queries, gallery) = (scores.queries(), scores.gallery());
    judgements.check(queries, gallery)?;
    let unknown = Ranked { low: 1, high: 1, relevant: f32::NEG_INFINITY, other: f32::NEG_INFINITY };
    let mut ranked = vec![unknown; queries];
    let rows = query_block(queries);
    ranked.par_chunks_mut(rows).enumerate().for_each(|(block, ranked)| {
        let mut buffer = vec![0.0; ranked.len() * GALLERY_BLOCK.min(gallery)];
        rank_block(scores, judgements, block * rows, ranked, &mut buffer);
    });
    Ok(ranked)
}

fn rank_block(
    scores: &impl Scores,
    judgements: &Judgements,
    first: usize,
    ranked: &mut [Ranked],
    buffer: &mut [f32],
) {
    let queries = first..first + ranked.len();
    let answers = |query: usize, items: &std::ops::Range<usize>| {
        let of = judgements.relevant.of(query);
        let from = of.partition_point(|&item| (item as usize) < items.start);
        let to = of.partition_point(|&item| (item as usize) < items.end);
        &of[from..to]
    };
    let itself = |query: usize| judgements.itself.as_ref().map(|itself| itself[query]);
    for items in gallery_blocks(scores.gallery()) {
        if queries.clone().all(|query| answers(query, &items).is_empty()) {
            continue;
        }
        let block = &mut buffer[..ranked.len() * items.len()];
        scores.block(queries.clone(), items.clone(), block);
        for (at, row) in block.chunks_exact(items.len()).enumerate() {
            for &item in answers(first + at, &items) {
                if itself(first + at) != Some(item) {
                    let score = row[item as usize - items.start];
                    ranked[at].relevant = ranked[at].relevant.max(score);
                }
            }
        }
    }
    for items in gallery_blocks(scores.gallery()) {
        let block = &mut buffer[..ranked.len() * items.len()];
        scores.block(queries.clone(), items.clone(), block);
        for (at, row) in block.chunks_exact_mut(items.len()).enumerate() {
            let own = itself(first + at).map(|item| item as usize);
            for left_out in answers(first + at, &items)
                .iter()
                .map(|&item| item as usize)
                .chain(own.filter(|item| items.contains(item)))
            {
                row[left_out - items.start] = f32::NEG_INFINITY;
            }
            count(&mut ranked[at], row);
        }
    }
}

/// Counts a row of others into a query's ranks.
fn count(ranked: &mut Ranked, others: &[f32]) {
    let best = ranked.relevant;
    let (mut above, mut at_or_above, mut other) = (0u32, 0u32, ranked.other);
    for &score in others {
        above += u32::from(score > best);
        at_or_above += u32::from(score >= best);
        other = if score > other { score } else { other };
    }
    ranked.low += above;
    ranked.high += at_or_above;
    ranked.other = other;
}

/// The share of queries whose rank hangs on the order of equal scores.
#[must_use]
pub fn tied_share(ranked: &[Ranked]) -> f64 {
    if ranked.is_empty() {
        return 0.0;
    }
    ranked.iter().filter(|r| r.tied()).count() as f64 / ranked.len() as f64
}

/// The ranks that metrics use.
#[must_use]
pub fn high_ranks(ranked: &[Ranked]) -> Vec<u32> {
    ranked.iter().map(|r| r.high).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Given, Products, Relevant};

    fn plain(relevant: Relevant) -> Judgements {
        let units = (0..relevant.queries() as u32).collect();
        Judgements { relevant, units, itself: None }
    }

    #[test]
    fn the_best_of_several_answers_counts_and_answers_do_not_push_each_other_down() {
        let scores = [0.1, 0.9, 0.5, 0.9, 0.7];
        let given = Given::new(&scores, 1, 5).unwrap();
        let ranked = rank(&given, &plain(Relevant::from_lists([[1u32, 3, 4]]))).unwrap()[0];
        assert_eq!((ranked.low, ranked.high), (1, 1));
        let ranked = rank(&given, &plain(Relevant::from_lists([[1u32, 4]]))).unwrap()[0];
        assert_eq!((ranked.low, ranked.high, ranked.margin()), (1, 2, Some(0.0)));
    }

    #[test]
    fn an_encoder_that_says_the_same_of_everything_is_last_everywhere() {
        let rows = [1.0, 0.0].repeat(50);
        let products = Products::new(&rows, &rows, 2).unwrap();
        let ranked = rank(&products, &plain(Relevant::diagonal(50))).unwrap();
        assert!(ranked.iter().all(|r| (r.low, r.high) == (1, 50)));
        assert_eq!(tied_share(&ranked), 1.0);
    }

    #[test]
    fn the_query_itself_is_neither_an_answer_nor_a_rival() {
        let scores = [1.0, 0.5, 0.6];
        let given = Given::new(&scores, 1, 3).unwrap();
        let mut judgements = plain(Relevant::from_lists([[0u32, 1]]));
        judgements.itself = Some(vec![0]);
        let ranked = rank(&given, &judgements).unwrap()[0];
        assert_eq!((ranked.low, ranked.high), (2, 2));
        assert_eq!(ranked.margin(), Some(round(0.5) - round(0.6)));
    }

    fn round(score: f32) -> f32 {
        crate::eval::scores::round_score(score)
    }

    #[test]
    fn with_nothing_but_answers_there_is_no_margin() {
        let given = Given::new(&[0.5], 1, 1).unwrap();
        let ranked = rank(&given, &plain(Relevant::diagonal(1))).unwrap()[0];
        assert_eq!((ranked.high, ranked.margin()), (1, None));
    }
}
