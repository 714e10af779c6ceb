//! `compare --results`: rows of results that sessions keep, in one table.

use super::global::{Global, Refused};
use super::session::found;
use crate::eval::CompareDocument;
use crate::eval::bootstrap::RESAMPLES;
use crate::eval::joined::{JoinError, Part, join};
use crate::session::parts::{PartError, part as read_part};
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
    read_part(folder.folder(), id, &stands, label).map_err(|error| match error {
        wrong @ PartError::Other { .. } => refused(wrong.to_string()).into(),
        failed => failed.into(),
    })
}
