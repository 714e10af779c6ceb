//! A session's results, read whole.

use crate::eval::classify::{CLASSIFY_FORMAT, ClassifyDocument};
use crate::eval::document::{COMPARE_FORMAT, INSPECT_FORMAT};
use crate::eval::{CompareDocument, CompareRow, InspectDocument};
use crate::session::judged::{JudgedSet, read_judged};
use crate::session::neighbours::{NeighbourSet, read_neighbours};
use crate::session::results::{ResultId, Results, results_of};
use crate::session::thumbnails::Thumbnails;
use crate::tui::data::asked::spec;
use crate::tui::data::judged::Judged;
use crate::tui::data::library::{Heat, LoadedResult, ResultContent};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// All results of the session in a folder, by name and then number: `caption-2` before `caption-10`.
/// What cannot be read says why.
pub fn read(folder: &Path) -> Vec<LoadedResult> {
    let results = results_of(folder);
    let mut ids = results.list().unwrap_or_default();
    ids.sort_by(|a, b| numbered(a.as_str()).cmp(&numbered(b.as_str())));
    let thumbnails = Thumbnails::of(folder);
    let load = |id: &ResultId| {
        let stored = results.read(id).ok();
        let sweep = stored.as_ref().map(|stored| swept(&stored.document)).unwrap_or_default();
        LoadedResult {
            id: id.to_string(),
            content: one(&results, id),
            // Names are shown where pictures and captions cannot be read.
            shown: Arc::new(thumbnails.read_map(id).unwrap_or_default()),
            sweep,
            judged: Arc::new(judged(&results, id)),
            made: stored.and_then(|stored| stored.made()),
        }
    };
    ids.iter().map(load).collect()
}

/// What answers what, and the lists of a second set of judgements; nothing where ids say so, where there is
/// none, or where it cannot be read.
fn judged(results: &Results, id: &ResultId) -> Judged {
    let read = |path: &Path| -> Vec<JudgedSet> {
        if path.exists() { read_judged(path).unwrap_or_default() } else { Vec::new() }
    };
    let second = read(&results.second_judged_path(id));
    let path = results.second_neighbours_path(id);
    let lists = if second.is_empty() || !path.exists() {
        Vec::new()
    } else {
        read_neighbours(&path).unwrap_or_default()
    };
    Judged::new(read(&results.judged_path(id)), second, lists)
}

/// A result's name before its number, that number, and the whole.
fn numbered(id: &str) -> (&str, u64, &str) {
    let split = id.rsplit_once('-').and_then(|(name, number)| Some((name, number.parse().ok()?)));
    let (name, number) = split.unwrap_or((id, 0));
    (name, number, id)
}

/// Layers and poolings that a comparison tried: an optional part of its document.
fn swept(document: &Value) -> Vec<Heat> {
    let rows = document["sweep"]["rows"].as_array();
    let heat = |row: &Value| {
        let bos = if row["bos"] == false { ", no bos" } else { "" };
        Some(Heat {
            role: row["role"].as_str()?.to_owned(),
            layer: row["layer"].as_u64()?,
            pooling: format!("{}{bos}", row["pooling"].as_str()?),
            recall: row["metrics"]["recall@1"].as_f64()?,
            cosine: row["mean_cosine"].as_f64(),
        })
    };
    rows.into_iter().flatten().filter_map(heat).collect()
}

fn one(results: &Results, id: &ResultId) -> Result<ResultContent, String> {
    let stored = results.read(id).map_err(|error| error.to_string())?;
    let path = results.neighbours_path(id);
    let sets = if path.exists() {
        read_neighbours(&path).map_err(|error| error.to_string())?
    } else {
        Vec::new()
    };
    let sets = Arc::new(sets);
    match stored.format.as_str() {
        COMPARE_FORMAT => {
            let document: CompareDocument =
                serde_json::from_value(stored.document).map_err(|error| error.to_string())?;
            let sets = if sets.is_empty() { Arc::new(unlisted(&document)) } else { sets };
            Ok(ResultContent::Compare(Box::new(document), sets))
        }
        INSPECT_FORMAT => {
            let document: InspectDocument =
                serde_json::from_value(stored.document).map_err(|error| error.to_string())?;
            Ok(ResultContent::Inspect(Box::new(document), sets))
        }
        CLASSIFY_FORMAT => {
            let document: ClassifyDocument =
                serde_json::from_value(stored.document).map_err(|error| error.to_string())?;
            Ok(ResultContent::Classify(Box::new(document)))
        }
        other => Err(format!("format {other:?} is not known")),
    }
}

/// Sets of no queries for the rows of a comparison that kept none: their encoders can still be asked.
fn unlisted(document: &CompareDocument) -> Vec<NeighbourSet> {
    let asked = document.rows.iter().filter(|row| spec(&row.role, &row.encoder).is_some());
    let set = |row: &CompareRow| NeighbourSet {
        role: row.role.clone(),
        direction: row.direction.name().to_owned(),
        ..NeighbourSet::default()
    };
    asked.map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_by_name_and_then_by_number() {
        let mut ids = ["image-1", "caption-10", "caption-2", "caption", "caption-x", "caption-1"];
        ids.sort_by(|a, b| numbered(a).cmp(&numbered(b)));
        assert_eq!(
            ids,
            ["caption", "caption-1", "caption-2", "caption-10", "caption-x", "image-1"]
        );
    }

    #[test]
    fn a_comparison_that_kept_no_lists_still_says_whom_one_can_ask() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let results = read(&root.join("sessions/20261124-164003-pocket-1aceb5"));
        let unlisted = results.iter().find(|result| result.id == "image-1").unwrap();
        let Ok(ResultContent::Compare(_, sets)) = &unlisted.content else {
            panic!("no comparison");
        };
        assert_eq!(sets.len(), 8);
        assert!(sets.iter().all(|set| set.queries.is_empty()));
        let first: Vec<(&str, &str)> =
            sets.iter().take(2).map(|set| (&*set.role, &*set.direction)).collect();
        let (clip, tuned) = ("pocket-1/clip", "pocket-1/llm2clip");
        assert_eq!(first, [(clip, "text-to-image"), (tuned, "text-to-image")]);
        // One that counts words embeds nothing.
        let results = read(&root.join("sessions/20261124-184419-smollm2-captions-b08edd"));
        let Ok(ResultContent::Compare(_, sets)) = &results[0].content else {
            panic!("no comparison");
        };
        assert!(!sets.is_empty() && sets.iter().all(|set| set.role != "bm25"));
    }
}
