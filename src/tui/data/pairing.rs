//! Two encoders' neighbours of the same queries: ranks side by side, and what became of each query.

use crate::eval::compare::Slice;
pub use crate::ids::item_of as unit;
use crate::session::neighbours::NeighbourSet;
use std::collections::BTreeMap;

/// Neighbours counted for hubs.
const NEAR: usize = 10;
/// An item that so many times its fair share of lists holds is a hub.
const HUB: usize = 5;

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

/// How often each item stands in someone's first ten.
#[must_use]
pub fn hubs(set: &NeighbourSet) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for query in 0..set.queries.len() {
        let list = set.top_items.get(query * set.k..(query + 1) * set.k).unwrap_or_default();
        for item in list.iter().take(NEAR) {
            *counts.entry(*item).or_insert(0) += 1;
        }
    }
    counts
}

/// The queries two sets share, the largest change first.
#[must_use]
pub fn pair(a: &NeighbourSet, b: &NeighbourSet) -> Vec<PairedQuery> {
    if a.queries != b.queries {
        return Vec::new();
    }
    let hubs = [hubs(a), hubs(b)];
    let fair = NEAR.min(a.k.max(1)) * a.queries.len() / a.gallery.len().max(1);
    let mut queries: Vec<PairedQuery> = (0..a.queries.len())
        .filter_map(|at| {
            let rank = [*a.rank_high.get(at)?, *b.rank_high.get(at)?];
            let low = [*a.rank_low.get(at)?, *b.rank_low.get(at)?];
            let margin = [*a.margin.get(at)?, *b.margin.get(at)?];
            let mut slices = vec![match (rank[0] == 1, rank[1] == 1) {
                (false, true) => Slice::Fixed,
                (true, false) => Slice::Broke,
                (true, true) => Slice::BothRight,
                (false, false) => Slice::BothWrong,
            }];
            if low != rank {
                slices.push(Slice::Tie);
            }
            let misled = [a, b].into_iter().zip(&hubs).zip(rank).any(|((set, hubs), rank)| {
                let first = set.top_items.get(at * set.k);
                rank > 1
                    && first
                        .and_then(|item| hubs.get(item))
                        .is_some_and(|count| *count > HUB * fair.max(1))
            });
            if misled {
                slices.push(Slice::Hub);
            }
            Some(PairedQuery { at, id: a.queries[at].clone(), rank, margin, slices })
        })
        .collect();
    queries.sort_by_key(|query| std::cmp::Reverse(query.gain().abs()));
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rank: [u32; 3], low: [u32; 3]) -> NeighbourSet {
        NeighbourSet {
            role: "x".into(),
            direction: "text-to-image".into(),
            queries: ["a#0", "b#0", "c#0"].map(str::to_owned).to_vec(),
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
        let pairs = pair(&set([1, 9, 3], [1, 9, 3]), &set([2, 1, 3], [2, 1, 2]));
        let of = |id: &str| pairs.iter().find(|pair| pair.id == id).unwrap();
        assert_eq!(of("a#0").slices, [Slice::Broke]);
        assert_eq!(of("b#0").slices, [Slice::Fixed]);
        assert_eq!(of("c#0").slices, [Slice::BothWrong, Slice::Tie]);
        assert_eq!(pairs[0].id, "b#0");
        for (id, item) in [("b#0", "b"), ("b@12", "b"), ("b", "b"), ("a@b", "a@b"), ("c#", "c#")] {
            assert_eq!(unit(id), item);
        }
    }
}
