//! Two encoders' neighbours of the same queries: ranks side by side, and what became of each query.
//! Numbers only, so that it costs little whenever other encoders come in front: ids and lists stay where
//! they are.

use crate::eval::Ranked;
use crate::eval::compare::Slices;
use crate::eval::geometry::{Hubs, hubs_among};
pub use crate::ids::item_of as unit;
use crate::session::neighbours::{NO_ITEM, NeighbourSet};

/// A query under two encoders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedQuery {
    /// Its place in the sets, which have its id.
    pub at: usize,
    /// High rank of its best relevant item under each.
    pub rank: [u32; 2],
    /// Margin under each.
    pub margin: [f32; 2],
    /// The slices it is in.
    pub slices: Slices,
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

/// The items of a query's list, the best first.
fn items(set: &NeighbourSet, query: usize) -> impl Iterator<Item = u32> {
    let range = query * set.k..(query + 1) * set.k;
    let items = set.top_items.get(range).unwrap_or_default();
    items.iter().copied().take_while(|item| *item != NO_ITEM)
}

/// How often items stand in the lists of a set; nothing where its parts do not fit each other.
fn counted(set: &NeighbourSet) -> Option<Hubs> {
    let queries = set.queries.len();
    let flat = [set.rank_low.len(), set.rank_high.len(), set.margin.len()];
    let wide = [set.top_items.len(), set.top_scores.len()];
    let fits =
        flat.iter().all(|len| *len >= queries) && wide.iter().all(|len| *len >= queries * set.k);
    let lists = (0..queries).map(|query| items(set, query));
    fits.then(|| hubs_among(lists, set.gallery.len()).ok()).flatten()
}

/// Two sets of the same queries; nothing where they have others.
#[must_use]
pub fn pair(a: &NeighbourSet, b: &NeighbourSet) -> Option<Paired> {
    if a.queries != b.queries {
        return None;
    }
    let hubs = [counted(a)?, counted(b)?];
    let sides = [(a, &hubs[0]), (b, &hubs[1])];
    let query = |at: usize| {
        let ranked = sides.map(|(set, _)| Ranked {
            low: set.rank_low[at],
            high: set.rank_high[at],
            relevant: set.margin[at],
            other: 0.0,
        });
        let fell_for_hub = sides.map(|(set, hubs)| {
            set.rank_low[at] > 1 && items(set, at).next().is_some_and(|item| hubs.is_hub(item))
        });
        PairedQuery {
            at,
            rank: ranked.map(|ranked| ranked.high),
            margin: ranked.map(|ranked| ranked.relevant),
            slices: Slices::of(ranked, fell_for_hub),
        }
    };
    let mut queries: Vec<PairedQuery> = (0..a.queries.len()).map(query).collect();
    queries.sort_by_key(|query| std::cmp::Reverse(query.gain().abs()));
    Some(Paired { queries, hubs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::compare::Slice;

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
        let of = |at: usize| {
            let pair = pairs.iter().find(|pair| pair.at == at).unwrap();
            pair.slices.all().collect::<Vec<Slice>>()
        };
        assert_eq!(of(0), [Slice::Broke]);
        assert_eq!(of(1), [Slice::Fixed]);
        assert_eq!(of(2), [Slice::BothWrong, Slice::Tie]);
        assert_eq!(pairs[0].at, 1);
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
        assert!(paired.queries.iter().all(|query| query.slices.contains(Slice::Hub)));
        // A low rank of 1 is no fall, however the ties above it are ordered.
        let tied = NeighbourSet { rank_low: vec![1; 11], ..set.clone() };
        let paired = pair(&tied, &tied).unwrap();
        assert!(paired.queries.iter().all(|query| !query.slices.contains(Slice::Hub)));
        let other = NeighbourSet { queries: vec!["z".into(); 11], ..set.clone() };
        assert!(pair(&set, &other).is_none());
        let torn = NeighbourSet { rank_low: vec![1; 3], ..set.clone() };
        assert!(pair(&set, &torn).is_none());
    }
}
