//! Who stood near whom: for every query of a result both ranks, the margin and the top-k.
//!
//! One safetensors file a result, a set a row of its table. Sets are numbered; set `0` has the
//! tensors `0/rank_low` and `0/rank_high` U32 `[queries]`, `0/margin` F32 `[queries]`,
//! `0/top_items` U32 `[queries, k]` and `0/top_scores` F32 `[queries, k]`. The one metadata key,
//! `neighbours`, is a JSON text with what the sets are and the ids their numbers stand for.

use super::error::LogError;
use super::sets::{Part, SetsFile};
use crate::eval::{Hit, Ranked};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Format of the file, in its metadata.
pub const NEIGHBOURS_FORMAT: &str = "llm2clip.neighbours/1";

/// What stands in `top_items` where a gallery has fewer than k items.
pub const NO_ITEM: u32 = u32::MAX;

const FILE: SetsFile = SetsFile {
    format: NEIGHBOURS_FORMAT,
    key: "neighbours",
    holds: "neighbours",
    writing: "write the neighbours of a result",
    reading: "read the neighbours of a result",
};

/// The neighbours of one row of a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeighbourSet {
    /// The row's role, such as `llm2clip`.
    pub role: String,
    /// The row's direction, such as `text-to-image`.
    pub direction: String,
    /// Ids of the queries, in order.
    pub queries: Vec<String>,
    /// `[queries]`: their units, by number; empty where every item is a unit.
    pub units: Vec<u32>,
    /// Ids of the gallery's items, in order.
    pub gallery: Vec<String>,
    /// Items kept for every query.
    pub k: usize,
    /// `[queries]`: 1 and the non-relevant items scored strictly higher than the best relevant.
    pub rank_low: Vec<u32>,
    /// `[queries]`: likewise, with those scored equally.
    pub rank_high: Vec<u32>,
    /// `[queries]`: score of the best relevant less that of the best other.
    pub margin: Vec<f32>,
    /// `[queries, k]`: places in the gallery, best first; [`NO_ITEM`] where there are fewer.
    pub top_items: Vec<u32>,
    /// `[queries, k]`: their scores; 0 where there are fewer.
    pub top_scores: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
struct SetCard {
    role: String,
    direction: String,
    k: usize,
    queries: Vec<String>,
    gallery: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    units: Vec<u32>,
}

impl NeighbourSet {
    /// The set of a row, named by role and direction, from every query's ranks and list; lists are kept
    /// up to `k`.
    #[must_use]
    pub fn of(
        (role, direction): (&str, &str),
        queries: Vec<String>,
        gallery: Vec<String>,
        ranked: &[Ranked],
        lists: &[Vec<Hit>],
        k: usize,
    ) -> Self {
        let mut set = Self {
            role: role.to_owned(),
            direction: direction.to_owned(),
            queries,
            units: Vec::new(),
            gallery,
            k,
            rank_low: ranked.iter().map(|ranked| ranked.low).collect(),
            rank_high: ranked.iter().map(|ranked| ranked.high).collect(),
            margin: ranked.iter().map(|ranked| ranked.margin().unwrap_or(0.0)).collect(),
            top_items: Vec::with_capacity(lists.len() * k),
            top_scores: Vec::with_capacity(lists.len() * k),
        };
        for list in lists {
            for place in 0..k {
                set.top_items.push(list.get(place).map_or(NO_ITEM, |hit| hit.item));
                set.top_scores.push(list.get(place).map_or(0.0, |hit| hit.score));
            }
        }
        set
    }

    /// The ids and scores of a query's top items; empty for a query that is not there.
    pub fn top(&self, query: usize) -> impl Iterator<Item = (&str, f32)> {
        let range = query * self.k..(query + 1) * self.k;
        let items = self.top_items.get(range.clone()).unwrap_or_default();
        let scores = self.top_scores.get(range).unwrap_or_default();
        items
            .iter()
            .zip(scores)
            .filter_map(|(item, score)| Some((self.gallery.get(*item as usize)?.as_str(), *score)))
    }

    fn parts(&self) -> Vec<Part> {
        let flat = || vec![self.queries.len()];
        let wide = || vec![self.queries.len(), self.k];
        vec![
            Part::counts("rank_low", flat(), &self.rank_low),
            Part::counts("rank_high", flat(), &self.rank_high),
            Part::numbers("margin", flat(), &self.margin),
            Part::counts("top_items", wide(), &self.top_items),
            Part::numbers("top_scores", wide(), &self.top_scores),
        ]
    }

    fn card(&self) -> SetCard {
        SetCard {
            role: self.role.clone(),
            direction: self.direction.clone(),
            k: self.k,
            queries: self.queries.clone(),
            gallery: self.gallery.clone(),
            units: self.units.clone(),
        }
    }
}

/// Writes the neighbours of a result, whole or not at all.
pub fn write_neighbours(path: &Path, sets: &[NeighbourSet]) -> Result<(), LogError> {
    for (number, set) in sets.iter().enumerate() {
        check_units(&set.units, set.queries.len(), number, path)?;
    }
    FILE.write(path, sets.iter().map(|set| (set.card(), set.parts())))
}

/// Units are those of all queries, or of none.
fn check_units(units: &[u32], queries: usize, set: usize, path: &Path) -> Result<(), LogError> {
    if units.is_empty() || units.len() == queries {
        return Ok(());
    }
    Err(LogError::Malformed {
        what: "units",
        expected: format!("{queries} units, one a query, in set {set}"),
        found: units.len().to_string(),
        path: path.to_owned(),
    })
}

/// Reads the neighbours of a result.
pub fn read_neighbours(path: &Path) -> Result<Vec<NeighbourSet>, LogError> {
    let (cards, bytes) = FILE.read::<SetCard>(path)?;
    let tensors = FILE.tensors(path, &bytes)?;
    let mut sets = Vec::new();
    for (number, card) in cards.into_iter().enumerate() {
        let SetCard { role, direction, k, queries, gallery, units } = card;
        check_units(&units, queries.len(), number, path)?;
        let (flat, wide) = ([queries.len()], [queries.len(), k]);
        sets.push(NeighbourSet {
            rank_low: tensors.counts(number, "rank_low", Some(&flat))?,
            rank_high: tensors.counts(number, "rank_high", Some(&flat))?,
            margin: tensors.numbers(number, "margin", &flat)?,
            top_items: tensors.counts(number, "top_items", Some(&wide))?,
            top_scores: tensors.numbers(number, "top_scores", &wide)?,
            role,
            direction,
            queries,
            units,
            gallery,
            k,
        });
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(role: &str) -> NeighbourSet {
        NeighbourSet {
            role: role.into(),
            direction: "text-to-image".into(),
            queries: vec!["a#0".into(), "b#0".into()],
            units: Vec::new(),
            gallery: vec!["a".into(), "b".into(), "c".into()],
            k: 2,
            rank_low: vec![1, 2],
            rank_high: vec![1, 3],
            margin: vec![0.25, -0.5],
            top_items: vec![0, 2, 1, NO_ITEM],
            top_scores: vec![0.75, 0.5, 0.5, 0.0],
        }
    }

    #[test]
    fn neighbours_come_back_as_they_were_and_equal_sets_make_equal_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let mut sets: Vec<_> = (0..12).map(|n| set(&format!("role-{n}"))).collect();
        sets[3].units = vec![0, 0];
        write_neighbours(&one, &sets).unwrap();
        write_neighbours(&two, &sets).unwrap();
        assert_eq!(read_neighbours(&one).unwrap(), sets);
        assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
        assert_eq!(sets[0].top(0).collect::<Vec<_>>(), [("a", 0.75), ("c", 0.5)]);
        assert_eq!(sets[0].top(1).count(), 1);
        assert_eq!(sets[0].top(2).count(), 0);
    }

    #[test]
    fn a_set_whose_parts_do_not_fit_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut bad = set("clip");
        bad.margin.pop();
        let error = write_neighbours(&path, &[bad]).unwrap_err().to_string();
        assert!(error.starts_with("margin: expected 2 values"), "{error}");
        let bad = NeighbourSet { units: vec![0], ..set("clip") };
        let error = write_neighbours(&path, &[bad]).unwrap_err().to_string();
        assert!(error.starts_with("units: expected 2 units"), "{error}");
        assert!(!path.exists());
    }
}
