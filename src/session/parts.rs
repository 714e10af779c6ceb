//! A comparison as a part of a table that joins several: its document, and the ranks of its rows.

use super::error::LogError;
use super::neighbours::{NeighbourSet, read_neighbours};
use super::results::{ResultId, results_of};
use crate::eval::document::COMPARE_FORMAT;
use crate::eval::joined::{JoinedResult, KeptRanks, Part};
use crate::eval::{CompareDocument, Direction};
use crate::ids::SessionId;
use std::path::Path;

/// Why a result is no part of a table.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// It is something else.
    #[error("{result}: expected a comparison, found {found}")]
    Other {
        /// Its name.
        result: String,
        /// Its format.
        found: String,
    },
    /// Its document says less than one of a comparison does.
    #[error("{result} cannot be read as a comparison: {why}")]
    Document {
        /// Its name.
        result: String,
        /// What is wrong with it.
        why: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Reads a result of the session whose folder this is; `label` stands before a row's where several
/// results have one of that label.
///
/// # Errors
/// It is not there, or is no comparison.
pub fn part(
    folder: &Path,
    session: &SessionId,
    result: &ResultId,
    label: &str,
) -> Result<Part, PartError> {
    let results = results_of(folder);
    let stored = results.read(result)?;
    let name = format!("{session}/{result}");
    if stored.format != COMPARE_FORMAT {
        return Err(PartError::Other { result: name, found: stored.format });
    }
    let document: CompareDocument = serde_json::from_value(stored.document)
        .map_err(|error| PartError::Document { result: name.clone(), why: error.to_string() })?;
    let path = results.neighbours_path(result);
    let sets = if path.is_file() { read_neighbours(&path)? } else { Vec::new() };
    let name = JoinedResult { label: label.to_owned(), result: name };
    Ok(Part { name, document, ranks: sets.into_iter().filter_map(kept).collect() })
}

/// The ranks of a row; nothing for one of an unknown direction.
fn kept(set: NeighbourSet) -> Option<KeptRanks> {
    let direction: Direction = set.direction.parse().ok()?;
    let NeighbourSet { role, queries, rank_high, units, .. } = set;
    Some(KeptRanks { role, direction, queries, ranks: rank_high, units })
}
