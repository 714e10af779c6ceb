//! Two encoders side by side: ranked lists aligned by item, and queries sorted into slices.

use super::geometry::Hubs;
use super::{Error, Hit, Ranked};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An item and its rank in each of two lists; none where it is not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlignedItem {
    /// Its place in the gallery.
    pub item: u32,
    /// `rank` of the hit in each list.
    pub rank: [Option<u32>; 2],
}

/// Aligns two ranked lists: all items of the first in its order, then what only the second has.
#[must_use]
pub fn align(a: &[Hit], b: &[Hit]) -> Vec<AlignedItem> {
    let ranks = |list: &[Hit]| -> BTreeMap<u32, u32> {
        list.iter().map(|hit| (hit.item, hit.rank)).collect()
    };
    let (in_a, in_b) = (ranks(a), ranks(b));
    let rest = b.iter().filter(|hit| !in_a.contains_key(&hit.item));
    a.iter()
        .chain(rest)
        .map(|hit| AlignedItem {
            item: hit.item,
            rank: [in_a.get(&hit.item).copied(), in_b.get(&hit.item).copied()],
        })
        .collect()
}

/// The share of the first `k` that both lists have; of as many as the longer has where both are
/// shorter, and 1 where both are empty.
#[must_use]
pub fn overlap_at(a: &[Hit], b: &[Hit], k: usize) -> f64 {
    let (a, b) = (&a[..k.min(a.len())], &b[..k.min(b.len())]);
    let shared = a.iter().filter(|hit| b.iter().any(|other| other.item == hit.item)).count();
    match a.len().max(b.len()) {
        0 => 1.0,
        longest => shared as f64 / longest as f64,
    }
}

/// What became of a query between two encoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slice {
    /// Wrong under the first, right under the second.
    Fixed,
    /// Right under the first, wrong under the second.
    Broke,
    /// Right under both.
    BothRight,
    /// Wrong under both.
    BothWrong,
    /// Its rank hangs on the order of equal scores under at least one. Beside one of the above.
    Tie,
    /// Under at least one, its first hit is wrong and a hub. Beside one of the above.
    Hub,
}

impl Slice {
    /// All of them, in the order documents list them.
    pub const ALL: [Self; 6] =
        [Self::Fixed, Self::Broke, Self::BothRight, Self::BothWrong, Self::Tie, Self::Hub];

    /// Its name in documents and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Broke => "broke",
            Self::BothRight => "both-right",
            Self::BothWrong => "both-wrong",
            Self::Tie => "tie",
            Self::Hub => "hub",
        }
    }
}

impl std::fmt::Display for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A slice that is none of the six.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("slice: expected fixed, broke, both-right, both-wrong, tie or hub, found {0:?}")]
pub struct BadSlice(String);

impl std::str::FromStr for Slice {
    type Err = BadSlice;
    fn from_str(text: &str) -> Result<Self, BadSlice> {
        let found = Self::ALL.into_iter().find(|slice| slice.name() == text);
        found.ok_or_else(|| BadSlice(text.to_owned()))
    }
}

/// The slices of one query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slices(u8);

impl Slices {
    /// Those of a query between two encoders: its ranks under each, and whether its first hit is wrong
    /// and a hub. A query is right when its high rank is 1.
    #[must_use]
    pub fn of(ranked: [Ranked; 2], fell_for_hub: [bool; 2]) -> Self {
        let mut slices = Self::default();
        slices.put(match ranked.map(|ranked| ranked.high == 1) {
            [false, true] => Slice::Fixed,
            [true, false] => Slice::Broke,
            [true, true] => Slice::BothRight,
            [false, false] => Slice::BothWrong,
        });
        if ranked.iter().any(Ranked::tied) {
            slices.put(Slice::Tie);
        }
        if fell_for_hub.contains(&true) {
            slices.put(Slice::Hub);
        }
        slices
    }

    const fn put(&mut self, slice: Slice) {
        self.0 |= 1_u8 << slice as u8;
    }

    /// Whether it is in one.
    #[must_use]
    pub const fn contains(self, slice: Slice) -> bool {
        self.0 & (1_u8 << slice as u8) != 0
    }

    /// All it is in, in the order of [`Slice::ALL`].
    pub fn all(self) -> impl Iterator<Item = Slice> {
        Slice::ALL.into_iter().filter(move |slice| self.contains(*slice))
    }
}

impl FromIterator<Slice> for Slices {
    fn from_iter<I: IntoIterator<Item = Slice>>(all: I) -> Self {
        let mut slices = Self::default();
        for slice in all {
            slices.put(slice);
        }
        slices
    }
}

/// One encoder's answers to all queries.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'a> {
    /// Where each query's best answer stands.
    pub ranked: &'a [Ranked],
    /// The ranked list of each query; at least its first hit.
    pub lists: &'a [Vec<Hit>],
    /// How often each item is in someone's first ten.
    pub hubs: &'a Hubs,
}

/// The slices of every query: [`Slices::of`].
pub fn slices(a: Answers<'_>, b: Answers<'_>) -> Result<Vec<Vec<Slice>>, Error> {
    let expected = a.ranked.len();
    for found in [a.lists.len(), b.ranked.len(), b.lists.len()] {
        if found != expected {
            return Err(Error::Shape { what: "answers", expected, found });
        }
    }
    Ok((0..expected)
        .map(|query| {
            let fell_for_hub = |answers: Answers<'_>| {
                answers.ranked[query].low > 1
                    && answers.lists[query].first().is_some_and(|hit| answers.hubs.is_hub(hit.item))
            };
            let ranked = [a, b].map(|answers| answers.ranked[query]);
            Slices::of(ranked, [a, b].map(fell_for_hub)).all().collect()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[u32]) -> Vec<Hit> {
        let hit = |(at, &item): (usize, &u32)| {
            let rank = at as u32 + 1;
            Hit { item, score: 1.0 / rank as f32, rank, rank_high: rank }
        };
        items.iter().enumerate().map(hit).collect()
    }

    #[test]
    fn every_item_of_either_list_has_a_row_and_a_rank_or_none() {
        let rows = align(&list(&[7, 3]), &list(&[3, 9]));
        let want = [(7, [Some(1), None]), (3, [Some(2), Some(1)]), (9, [None, Some(2)])];
        assert_eq!(rows, want.map(|(item, rank)| AlignedItem { item, rank }));
    }

    #[test]
    fn overlap_counts_the_shared_share() {
        let (a, b) = (list(&[1, 2, 3, 4]), list(&[2, 1, 5, 6]));
        assert_eq!(overlap_at(&a, &b, 1), 0.0);
        assert_eq!(overlap_at(&a, &b, 2), 1.0);
        assert_eq!(overlap_at(&a, &b, 4), 0.5);
        assert_eq!(overlap_at(&a, &list(&[1]), 10), 0.25);
        assert_eq!(overlap_at(&[], &[], 3), 1.0);
    }

    #[test]
    fn every_query_is_in_one_of_four_slices_and_perhaps_in_two_more() {
        let ranked = |low, high| Ranked { low, high, relevant: 0.5, other: 0.5 };
        let a = [ranked(2, 2), ranked(1, 1), ranked(1, 1), ranked(3, 3), ranked(1, 2)];
        let b = [ranked(1, 1), ranked(2, 2), ranked(1, 1), ranked(2, 2), ranked(1, 1)];
        let lists: Vec<Vec<Hit>> = (0..5).map(|query| list(&[u32::from(query == 3)])).collect();
        let plain = Hubs { counts: vec![0; 2], skewness: 0.0, threshold: 1.0 };
        let hubs = Hubs { counts: vec![0, 9], ..plain.clone() };
        let sorted = slices(
            Answers { ranked: &a, lists: &lists, hubs: &plain },
            Answers { ranked: &b, lists: &lists, hubs: &hubs },
        )
        .unwrap();
        assert_eq!(
            sorted,
            [
                vec![Slice::Fixed],
                vec![Slice::Broke],
                vec![Slice::BothRight],
                vec![Slice::BothWrong, Slice::Hub],
                vec![Slice::Fixed, Slice::Tie],
            ]
        );
    }

    #[test]
    fn slices_are_read_as_they_are_written() {
        for slice in Slice::ALL {
            assert_eq!(slice.name().parse(), Ok(slice));
            assert_eq!(serde_json::to_value(slice).unwrap(), slice.name());
        }
        assert!("both".parse::<Slice>().is_err());
    }
}
