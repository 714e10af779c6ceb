//! `compare --results`: rows of results that sessions keep, in one table.

use super::global::{Global, Refused};
use super::session::found;
use crate::eval::document::COMPARE_FORMAT;
use crate::eval::joined::{JoinError, JoinedResult, KeptRanks, Part, join};
use crate::eval::{CompareDocument, Direction};
use crate::runner::evaluate::RESAMPLES;
use crate::session::neighbours::read_neighbours;
use crate::session::results::{ResultId, results_of};
use std::path::Path;

/// The table of `[LABEL=]SESSION/RESULT`, separated by commas.
pub fn joined(
    global: &Global,
    list: &str,
    baseline: Option<&str>,
) -> anyhow::Result<CompareDocument> {
    let sessions = global.roots()?.sessions;
    let parts: Vec<Part> =
        list.split(',').map(|text| part(&sessions, text.trim())).collect::<Result<_, _>>()?;
    join(parts, baseline, RESAMPLES, global.seed.unwrap_or(0)).map_err(|error| match error {
        JoinError::Eval(error) => error.into(),
        wrong => Refused(wrong.to_string()).into(),
    })
}

fn part(sessions: &Path, text: &str) -> anyhow::Result<Part> {
    let refused = |what: String| Refused(format!("--results: {what}"));
    let (label, name) = text.split_once('=').unwrap_or((text, text));
    let (session, result) = name.split_once('/').ok_or_else(|| {
        refused(format!("expected [LABEL=]SESSION/RESULT, such as demo/image-1, found {text:?}"))
    })?;
    let folder = found(sessions, session)?;
    let id = folder.id();
    let results = results_of(folder.folder());
    let known = results.list()?;
    let stands = result.parse::<ResultId>().ok().filter(|result| known.contains(result));
    let Some(stands) = stands else {
        let known: Vec<&str> = known.iter().map(ResultId::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let what = format!("session {id} has no result {result:?}; its results: {known}");
        return Err(refused(what).into());
    };
    let stored = results.read(&stands)?;
    if stored.format != COMPARE_FORMAT {
        let what = format!("{name}: expected a comparison, found {}", stored.format);
        return Err(refused(what).into());
    }
    let document: CompareDocument = serde_json::from_value(stored.document)
        .map_err(|error| anyhow::anyhow!("{name} cannot be read as a comparison: {error}"))?;
    let path = results.neighbours_path(&stands);
    let sets = if path.is_file() { read_neighbours(&path)? } else { Vec::new() };
    let kept = sets.into_iter().filter_map(|set| {
        let direction: Direction = set.direction.parse().ok()?;
        Some(KeptRanks { role: set.role, direction, queries: set.queries, ranks: set.rank_high })
    });
    let name = JoinedResult { label: label.to_owned(), result: format!("{id}/{stands}") };
    Ok(Part { name, document, ranks: kept.collect() })
}
