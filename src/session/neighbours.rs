//! Who stood near whom: for every query of a result both ranks, the margin and the top-k.
//!
//! One safetensors file a result, a set a row of its table. Sets are numbered; set `0` has the
//! tensors `0/rank_low` and `0/rank_high` U32 `[queries]`, `0/margin` F32 `[queries]`,
//! `0/top_items` U32 `[queries, k]` and `0/top_scores` F32 `[queries, k]`. The one metadata key,
//! `neighbours`, is a JSON text with what the sets are and the ids their numbers stand for.

use super::error::{LogError, file_error, io_error, json_error};
use crate::eval::{Hit, Ranked};
use crate::files;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Format of the file, in its metadata.
pub const NEIGHBOURS_FORMAT: &str = "llm2clip.neighbours/1";

/// What stands in `top_items` where a gallery has fewer than k items.
pub const NO_ITEM: u32 = u32::MAX;

const METADATA_KEY: &str = "neighbours";
const PARTS: [&str; 5] = ["rank_low", "rank_high", "margin", "top_items", "top_scores"];

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
struct Card {
    format: String,
    sets: Vec<SetCard>,
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

    fn shapes(&self) -> [Vec<usize>; 5] {
        let queries = self.queries.len();
        let (flat, wide) = (vec![queries], vec![queries, self.k]);
        [flat.clone(), flat.clone(), flat, wide.clone(), wide]
    }

    fn parts(&self) -> [Part<'_>; 5] {
        [
            Part::Counts(&self.rank_low),
            Part::Counts(&self.rank_high),
            Part::Numbers(&self.margin),
            Part::Counts(&self.top_items),
            Part::Numbers(&self.top_scores),
        ]
    }
}

enum Part<'a> {
    Counts(&'a [u32]),
    Numbers(&'a [f32]),
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Counts(values) => values.len(),
            Self::Numbers(values) => values.len(),
        }
    }

    fn dtype(&self) -> Dtype {
        match self {
            Self::Counts(_) => Dtype::U32,
            Self::Numbers(_) => Dtype::F32,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Counts(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Numbers(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }
}

/// Writes the neighbours of a result, whole or not at all.
pub fn write_neighbours(path: &Path, sets: &[NeighbourSet]) -> Result<(), LogError> {
    let act = "write the neighbours of a result";
    let mut tensors = Vec::new();
    for (number, set) in sets.iter().enumerate() {
        check_units(&set.units, set.queries.len(), number, path)?;
        for ((part, shape), values) in PARTS.iter().zip(set.shapes()).zip(set.parts()) {
            let expected: usize = shape.iter().product();
            if values.len() != expected {
                return Err(LogError::Malformed {
                    what: part,
                    expected: format!("{expected} values, shape {shape:?}, in set {number}"),
                    found: values.len().to_string(),
                    path: path.to_owned(),
                });
            }
            tensors.push((format!("{number}/{part}"), values.dtype(), shape, values.bytes()));
        }
    }
    let card = Card {
        format: NEIGHBOURS_FORMAT.to_owned(),
        sets: sets
            .iter()
            .map(|set| SetCard {
                role: set.role.clone(),
                direction: set.direction.clone(),
                k: set.k,
                queries: set.queries.clone(),
                gallery: set.gallery.clone(),
                units: set.units.clone(),
            })
            .collect(),
    };
    let card = serde_json::to_string(&card).map_err(json_error(act, path))?;
    let tensor_error = |source| LogError::Tensors { act, path: path.to_owned(), source };
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &tensors {
        let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(tensor_error)?;
        views.push((name.as_str(), view));
    }
    let metadata = std::iter::once((METADATA_KEY.to_owned(), card)).collect();
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(tensor_error)?;
    files::write_atomic(path, &bytes).map_err(file_error(act, path))
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
    let act = "read the neighbours of a result";
    let tensor_error = |source| LogError::Tensors { act, path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(io_error(act, path))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(tensor_error)?;
    let card = metadata.metadata().as_ref().and_then(|keys| keys.get(METADATA_KEY));
    let card = card.ok_or_else(|| LogError::Malformed {
        what: "neighbours",
        expected: format!("a metadata key {METADATA_KEY}"),
        found: "none".to_owned(),
        path: path.to_owned(),
    })?;
    let card: Card = serde_json::from_str(card).map_err(json_error(act, path))?;
    if card.format != NEIGHBOURS_FORMAT {
        let (expected, found) = (NEIGHBOURS_FORMAT, card.format);
        return Err(LogError::Version { path: path.to_owned(), expected, found });
    }
    let tensors = SafeTensors::deserialize(&bytes).map_err(tensor_error)?;
    let words = |number: usize, part: usize, dtype: Dtype, shape: &[usize]| {
        let name = format!("{number}/{}", PARTS[part]);
        let tensor = tensors.tensor(&name).map_err(tensor_error)?;
        if tensor.dtype() != dtype || tensor.shape() != shape {
            return Err(LogError::Malformed {
                what: PARTS[part],
                expected: format!("{dtype:?} {shape:?} in set {number}"),
                found: format!("{:?} {:?}", tensor.dtype(), tensor.shape()),
                path: path.to_owned(),
            });
        }
        let (words, _) = tensor.data().as_chunks::<4>();
        Ok(words.to_vec())
    };
    let counts = |words: Vec<[u8; 4]>| words.into_iter().map(u32::from_le_bytes).collect();
    let numbers = |words: Vec<[u8; 4]>| words.into_iter().map(f32::from_le_bytes).collect();
    let mut sets = Vec::new();
    for (number, card) in card.sets.into_iter().enumerate() {
        let SetCard { role, direction, k, queries, gallery, units } = card;
        check_units(&units, queries.len(), number, path)?;
        let (flat, wide) = ([queries.len()], [queries.len(), k]);
        sets.push(NeighbourSet {
            rank_low: counts(words(number, 0, Dtype::U32, &flat)?),
            rank_high: counts(words(number, 1, Dtype::U32, &flat)?),
            margin: numbers(words(number, 2, Dtype::F32, &flat)?),
            top_items: counts(words(number, 3, Dtype::U32, &wide)?),
            top_scores: numbers(words(number, 4, Dtype::F32, &wide)?),
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
