//! All listed queries at once, counted once: their ranks under both encoders, and the scores in their
//! lists. What is drawn of them is in `spread.rs`.

use crate::eval::relevant::Relevant;
use crate::session::neighbours::NeighbourSet;
use crate::tui::data::pairing::{PairedQuery, unit};
use std::cmp::Ordering;

/// Ranks under both encoders.
#[derive(Debug)]
pub struct Ranks {
    /// The highest there is, and 10 at least.
    pub highest: u32,
    /// How many queries kept their rank, lost and gained.
    pub counts: [usize; 3],
    /// Where those stand that kept, lost and gained: the share of both axes. Equal ones stand once.
    pub points: [Vec<[f64; 2]>; 3],
}

impl Ranks {
    /// Of these queries.
    pub fn of<'a>(queries: impl Iterator<Item = &'a PairedQuery>) -> Self {
        let mut pairs: [Vec<[u32; 2]>; 3] = [Vec::new(), Vec::new(), Vec::new()];
        for query in queries {
            let kind = match query.gain().cmp(&0) {
                Ordering::Equal => 0,
                Ordering::Less => 1,
                Ordering::Greater => 2,
            };
            pairs[kind].push(query.rank);
        }
        let counts = [pairs[0].len(), pairs[1].len(), pairs[2].len()];
        let highest = pairs.iter().flatten().flatten().copied().max().unwrap_or(1).max(10);
        let points = pairs.map(|mut pairs| {
            pairs.sort_unstable();
            pairs.dedup();
            pairs.into_iter().map(|ranks| ranks.map(|rank| share(rank, highest))).collect()
        });
        Self { highest, counts, points }
    }

    /// How far along an axis a rank stands, from 0 to 1.
    pub fn share(&self, rank: u32) -> f64 {
        share(rank, self.highest)
    }
}

fn share(rank: u32, highest: u32) -> f64 {
    f64::from(rank.max(1)).ln() / f64::from(highest).ln()
}

/// A line of one of the lists.
#[derive(Clone, Copy, Debug)]
struct Line {
    score: f32,
    /// The query's place in the set.
    query: u32,
    /// Whether the item answers it.
    right: bool,
}

/// All lines of an encoder's lists, the lowest score first.
#[derive(Debug)]
pub struct Hits(Vec<Line>);

impl Hits {
    /// Of all queries of a set, of scores from `least` on; `relevant` where ids do not say what answers
    /// what.
    pub fn of(set: &NeighbourSet, relevant: Option<&Relevant>, least: f32) -> Self {
        let units: Vec<&str> = set.gallery.iter().map(|id| unit(id)).collect();
        let mut lines = Vec::with_capacity(set.queries.len() * set.k);
        for (at, id) in set.queries.iter().enumerate() {
            let own = unit(id);
            let range = at * set.k..(at + 1) * set.k;
            let items = set.top_items.get(range.clone()).unwrap_or_default();
            let scores = set.top_scores.get(range).unwrap_or_default();
            let counts = |score: &f32| score.is_finite() && *score >= least;
            for (item, score) in items.iter().zip(scores).filter(|(_, score)| counts(score)) {
                let Some(other) = units.get(*item as usize) else { continue };
                let right = match relevant {
                    Some(known) => at < known.queries() && known.holds(at, *item),
                    None => *other == own,
                };
                lines.push(Line { score: *score, query: at as u32, right });
            }
        }
        lines.sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
        Self(lines)
    }
}

/// The scores in an encoder's lists, the lowest first.
#[derive(Debug, Default, PartialEq)]
pub struct Scores {
    /// Of right answers.
    pub right: Vec<f32>,
    /// Of others.
    pub others: Vec<f32>,
}

impl Scores {
    /// In the lists of queries that are listed, by their places in the set.
    pub fn of(hits: &Hits, listed: &[bool]) -> Self {
        let mut scores = Self::default();
        let is_listed = |line: &&Line| listed.get(line.query as usize) == Some(&true);
        for line in hits.0.iter().filter(is_listed) {
            let part = if line.right { &mut scores.right } else { &mut scores.others };
            part.push(line.score);
        }
        scores
    }

    /// The lowest and the highest; nothing where all are equal or there is none.
    pub fn range(&self) -> Option<[f32; 2]> {
        let parts = [&self.right, &self.others];
        let low = parts.iter().filter_map(|part| part.first()).copied().reduce(f32::min)?;
        let high = parts.iter().filter_map(|part| part.last()).copied().reduce(f32::max)?;
        (high > low).then_some([low, high])
    }
}

/// How many of ascending scores stand in each of so many columns of equal width.
pub fn in_columns(sorted: &[f32], [low, high]: [f32; 2], width: usize) -> Vec<usize> {
    let column = |score: f32| {
        let share = f64::from((score - low) / (high - low));
        ((share * width as f64) as usize).min(width - 1)
    };
    let mut before = 0;
    let count = |at: usize| {
        let upto = sorted.partition_point(|score| column(*score) <= at);
        let here = upto - before;
        before = upto;
        here
    };
    (0..width).map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::compare::Slices;
    use crate::session::neighbours::NO_ITEM;
    use proptest::prelude::*;

    fn query(rank: [u32; 2]) -> PairedQuery {
        PairedQuery { at: 0, rank, margin: [0.0, 0.0], slices: Slices::default() }
    }

    #[test]
    fn equal_ranks_are_counted_each_and_stand_once() {
        let ranks = [[1, 1], [1, 1], [5, 2], [2, 5], [5, 2], [100, 1]];
        let queries: Vec<PairedQuery> = ranks.into_iter().map(query).collect();
        let found = Ranks::of(queries.iter());
        assert_eq!((found.highest, found.counts), (100, [2, 1, 3]));
        assert_eq!(found.points.each_ref().map(Vec::len), [1, 1, 2]);
        assert_eq!(found.points[0], [[0.0, 0.0]]);
        assert_eq!(found.points[2][1], [1.0, 0.0]);
        assert_eq!(Ranks::of(std::iter::empty()).highest, 10);
    }

    #[test]
    fn scores_of_listed_queries_stand_apart_by_whether_they_are_right() {
        let set = NeighbourSet {
            queries: vec!["a#0".into(), "b#0".into()],
            gallery: vec!["a@0".into(), "b@0".into()],
            k: 3,
            top_items: vec![1, 0, NO_ITEM, 1, 0, NO_ITEM],
            top_scores: vec![0.9, 0.8, 0.0, 0.7, f32::NAN, 0.0],
            ..NeighbourSet::default()
        };
        let hits = Hits::of(&set, None, f32::MIN);
        let above = Hits::of(&set, None, 0.85);
        assert_eq!(Scores::of(&above, &[true, true]).others, [0.9]);
        let both = Scores::of(&hits, &[true, true]);
        assert_eq!((&both.right[..], &both.others[..]), (&[0.7, 0.8][..], &[0.9][..]));
        assert_eq!(both.range(), Some([0.7, 0.9]));
        let second = Scores::of(&hits, &[true, false]);
        assert_eq!((&second.right[..], &second.others[..]), (&[0.8][..], &[0.9][..]));
        assert_eq!(Scores::of(&hits, &[false, true]).range(), None);
        // What a result was judged by goes before ids.
        let relevant = Relevant::from_lists([vec![1u32], vec![]]);
        let judged = Scores::of(&Hits::of(&set, Some(&relevant), f32::MIN), &[true, true]);
        assert_eq!((&judged.right[..], &judged.others[..]), (&[0.9][..], &[0.7, 0.8][..]));
    }

    proptest! {
        #[test]
        fn columns_hold_what_counting_one_by_one_puts_there(
            mut scores in proptest::collection::vec(-1.0f32..1.0, 2..60), width in 1usize..40
        ) {
            scores.sort_unstable_by(f32::total_cmp);
            let (low, high) = (scores[0], scores[scores.len() - 1]);
            prop_assume!(high > low);
            let mut expected = vec![0; width];
            for score in &scores {
                let share = f64::from((score - low) / (high - low));
                expected[((share * width as f64) as usize).min(width - 1)] += 1;
            }
            prop_assert_eq!(in_columns(&scores, [low, high], width), expected);
        }
    }
}
