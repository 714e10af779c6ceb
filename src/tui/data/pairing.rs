//! Two encoders' neighbours of the same queries: ranks side by side, and what became of each query.

use crate::eval::compare::{Answers, Slice, slices};
use crate::eval::geometry::{self, Hubs};
use crate::eval::{Hit, Ranked};
pub use crate::ids::item_of as unit;
use crate::session::neighbours::{NO_ITEM, NeighbourSet};

/// A query under two encoders.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedQuery {
    /// Its place in the sets.
    pub at: usize,
    /// Its id.
    pub id: String,
    /// High rank of its best relevant item under each.
    pub rank: [u32; 2],
    /// Margin under each.
    pub margin: [f32; 2],
    /// The slices it is in.
    pub slices: Vec<Slice>,
}

impl PairedQuery {
    /// Ranks gained from the first to the second; negative where it lost.
    #[must_use]
    pub fn gain(&self) -> i64 {
        i64::from(self.rank[0]) - i64::from(self.rank[1])
    }
}

/// Two sets side by side.
#[derive(Clone, Debug)]
pub struct Paired {
    /// The queries they share, the largest change first.
    pub queries: Vec<PairedQuery>,
    /// How often each item stands in someone's first ten, under each.
    pub hubs: [Hubs; 2],
}

/// One set as the measures read it.
struct Side {
    ranked: Vec<Ranked>,
    lists: Vec<Vec<Hit>>,
    hubs: Hubs,
}

impl Side {
    /// Nothing where a set's parts do not fit each other.
    fn of(set: &NeighbourSet) -> Option<Self> {
        let hit = |(at, (item, score)): (usize, (&u32, &f32))| {
            let rank = at as u32 + 1;
            Hit { item: *item, score: *score, rank, rank_high: rank }
        };
        let list = |query: usize| {
            let range = query * set.k..(query + 1) * set.k;
            let items = set.top_items.get(range.clone())?;
            let scores = set.top_scores.get(range)?;
            let there = items.iter().zip(scores).take_while(|(item, _)| **item != NO_ITEM);
            Some(there.enumerate().map(hit).collect())
        };
        let rank = |query: usize| {
            let (low, high) = (*set.rank_low.get(query)?, *set.rank_high.get(query)?);
            Some(Ranked { low, high, relevant: *set.margin.get(query)?, other: 0.0 })
        };
        let queries = 0..set.queries.len();
        let lists: Vec<Vec<Hit>> = queries.clone().map(list).collect::<Option<_>>()?;
        let hubs = geometry::hubs(&lists, set.gallery.len()).ok()?;
        Some(Self { ranked: queries.map(rank).collect::<Option<_>>()?, lists, hubs })
    }

    fn answers(&self) -> Answers<'_> {
        Answers { ranked: &self.ranked, lists: &self.lists, hubs: &self.hubs }
    }
}

/// Two sets of the same queries; nothing where they have others.
#[must_use]
pub fn pair(a: &NeighbourSet, b: &NeighbourSet) -> Option<Paired> {
    if a.queries != b.queries {
        return None;
    }
    let sides = [Side::of(a)?, Side::of(b)?];
    let found = slices(sides[0].answers(), sides[1].answers()).ok()?;
    let query = |(at, slices): (usize, Vec<Slice>)| PairedQuery {
        at,
        id: a.queries[at].clone(),
        rank: [&sides[0], &sides[1]].map(|side| side.ranked[at].high),
        margin: [&sides[0], &sides[1]].map(|side| side.ranked[at].relevant),
        slices,
    };
    let mut queries: Vec<PairedQuery> = found.into_iter().enumerate().map(query).collect();
    queries.sort_by_key(|query| std::cmp::Reverse(query.gain().abs()));
    Some(Paired { queries, hubs: sides.map(|side| side.hubs) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rank: [u32; 3], low: [u32; 3]) -> NeighbourSet {
        NeighbourSet {
            role: "x".into(),
            direction: "text-to-image".into(),
            queries: ["a#0", "b#0", "c#0"].map(str::to_owned).to_vec(),
            units: Vec::new(),
            gallery: ["a", "b", "c"].map(str::to_owned).to_vec(),
            k: 1,
            rank_low: low.to_vec(),
            rank_high: rank.to_vec(),
            margin: vec![0.0; 3],
            top_items: vec![0, 1, 2],
            top_scores: vec![0.5; 3],
        }
    }

    #[test]
    fn queries_are_told_by_what_became_of_them() {
        let paired = pair(&set([1, 9, 3], [1, 9, 3]), &set([2, 1, 3], [2, 1, 2])).unwrap();
        let pairs = paired.queries;
        let of = |id: &str| pairs.iter().find(|pair| pair.id == id).unwrap();
        assert_eq!(of("a#0").slices, [Slice::Broke]);
        assert_eq!(of("b#0").slices, [Slice::Fixed]);
        assert_eq!(of("c#0").slices, [Slice::BothWrong, Slice::Tie]);
        assert_eq!(pairs[0].id, "b#0");
        for (id, item) in [("b#0", "b"), ("b@12", "b"), ("b", "b"), ("a@b", "a@b"), ("c#", "c#")] {
            assert_eq!(unit(id), item);
        }
    }

    #[test]
    fn hubs_are_those_that_inspect_counts() {
        // Item 0 comes first everywhere; every other item once, in second place.
        let queries: Vec<String> = (0..11).map(|at| format!("q{at}#0")).collect();
        let gallery: Vec<String> = (0..12).map(|at| format!("q{at}")).collect();
        let items: Vec<u32> = (0..11).flat_map(|at| [0, at + 1]).collect();
        let set = NeighbourSet {
            role: "x".into(),
            direction: "text-to-image".into(),
            k: 2,
            rank_low: vec![2; 11],
            rank_high: vec![2; 11],
            margin: vec![-0.1; 11],
            top_scores: vec![0.5; items.len()],
            top_items: items,
            queries,
            units: Vec::new(),
            gallery,
        };
        let paired = pair(&set, &set).unwrap();
        assert!(paired.hubs[0].is_hub(0) && !paired.hubs[0].is_hub(1));
        assert!(paired.queries.iter().all(|query| query.slices.contains(&Slice::Hub)));
        // A low rank of 1 is no fall, however the ties above it are ordered.
        let tied = NeighbourSet { rank_low: vec![1; 11], ..set.clone() };
        let paired = pair(&tied, &tied).unwrap();
        assert!(paired.queries.iter().all(|query| !query.slices.contains(&Slice::Hub)));
        let other = NeighbourSet { queries: vec!["z".into(); 11], ..set.clone() };
        assert!(pair(&set, &other).is_none());
        let torn = NeighbourSet { rank_low: vec![1; 3], ..set.clone() };
        assert!(pair(&set, &torn).is_none());
    }
}
