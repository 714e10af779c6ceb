//! Removing a session with its checkpoints: never under a runner, and not without a word about
//! what stands on them.

use super::error::{LogError, io_error};
use super::folder::{Session, list_sessions};
use super::follow::{logs_in, read_run};
use super::overview::bytes_below;
use super::state::RunStatus;
use super::time::Time;
use crate::ids::SessionId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Format of what a removal says.
pub const REMOVED_FORMAT: &str = "llm2clip.session-removed/1";

/// A card larger than this is passed over. Bytes.
const LARGEST_CARD: u64 = 4 << 20;

/// How deep below the checkpoints folder cards are looked for: session, run, stage, step.
const DEPTH: usize = 4;

/// Something that stands on a session's checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependant {
    /// `run` (its recipe, its fork or one of its stages began there) or `checkpoint` (its card
    /// names it).
    pub kind: String,
    /// The run, `<session>/<run>`, or the checkpoint's folder below the checkpoints folder.
    pub name: String,
    /// The checkpoint it stands on.
    pub on: String,
}

/// Why a session was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// A runner is at work.
    #[error("{run} is {status}: expected no runner in a session to be removed; stop it first")]
    InUse {
        /// The run.
        run: String,
        /// What it is doing.
        status: RunStatus,
    },
    /// Nothing tells whether a runner is at work.
    #[error(
        "{run} may be live: its file system has no locks and its log has no end; make sure that no runner is left, then use --force"
    )]
    MayBeInUse {
        /// The run.
        run: String,
    },
    /// Others stand on it.
    #[error("{} stand on it: {}; remove them first, or use --force and lose what they need", count(.0.len()), names(.0))]
    StoodOn(Vec<Dependant>),
    /// Something could not be read or removed.
    #[error(transparent)]
    Log(#[from] LogError),
}

fn count(number: usize) -> String {
    if number == 1 { "1 thing".to_owned() } else { format!("{number} things") }
}

fn names(dependants: &[Dependant]) -> String {
    let shown: Vec<String> = dependants
        .iter()
        .take(10)
        .map(|one| format!("{} {} (on {})", one.kind, one.name, one.on))
        .collect();
    let more = dependants.len() - shown.len();
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// What a removal did: the document `llm2clip.session-removed/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// [`REMOVED_FORMAT`].
    pub format: String,
    /// The session that was.
    pub session: SessionId,
    /// Bytes freed, checkpoints included.
    pub bytes: u64,
    /// What stood on it, where that was overruled.
    pub stood_on: Vec<Dependant>,
}

/// Every text of a JSON value that names something of the session.
fn mentions(value: &Value, prefix: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            if let Some(at) = text.find(prefix)
                && (at == 0 || text.as_bytes()[at - 1] == b'/')
            {
                found.push(text[at..].to_owned());
            }
        }
        Value::Array(values) => {
            for value in values {
                mentions(value, prefix, found);
            }
        }
        Value::Object(map) => {
            for value in map.values() {
                mentions(value, prefix, found);
            }
        }
        _ => {}
    }
}

/// What stands on a session's checkpoints: runs of other sessions whose recipe, fork or stages
/// begin there, and cards of other sessions' checkpoints. A log or card that cannot be read stands
/// on nothing that could be told.
pub fn dependants(
    sessions: &Path,
    checkpoints: &Path,
    id: &SessionId,
) -> Result<Vec<Dependant>, LogError> {
    let prefix = format!("{id}/");
    let mut all = Vec::new();
    let mut add = |kind: &str, name: String, found: Vec<String>| {
        all.extend(found.into_iter().map(|on| {
            let (kind, name) = (kind.to_owned(), name.clone());
            Dependant { kind, name, on }
        }));
    };
    for other in list_sessions(sessions)?.into_iter().filter(|other| other != id) {
        let folder = sessions.join(other.as_str());
        for run in logs_in(&folder)?.into_keys() {
            let Ok(follower) = read_run(&folder, &run) else { continue };
            let state = follower.state();
            let mut found = Vec::new();
            let begun = state.started.as_ref().map(serde_json::to_value);
            let stages = state.stages.iter().map(|stage| serde_json::to_value(&stage.started));
            for value in begun.into_iter().chain(stages).flatten() {
                mentions(&value, &prefix, &mut found);
            }
            for from in state.segments.iter().filter_map(|one| one.resumed_from.as_ref()) {
                found.extend(from.path.clone().filter(|path| path.starts_with(&prefix)));
            }
            add("run", format!("{other}/{run}"), found);
        }
    }
    for card in cards(checkpoints, id) {
        let value = fs::read(&card).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let Some(value) = value else { continue };
        let mut found = Vec::new();
        mentions(&value, &prefix, &mut found);
        let folder = card.parent().unwrap_or(&card);
        let name = folder.strip_prefix(checkpoints).unwrap_or(folder).to_string_lossy();
        add("checkpoint", name.into_owned(), found);
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Cards of all checkpoints but the session's own.
fn cards(checkpoints: &Path, id: &SessionId) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(checkpoints.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(what) = entry.metadata() else { continue };
            let own = depth == 0 && entry.file_name() == id.as_str();
            if what.is_dir() && !own && depth < DEPTH {
                folders.push((entry.path(), depth + 1));
            } else if entry.file_name() == "card.json" && what.len() <= LARGEST_CARD {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Removes a session and its checkpoints. A run with a runner is never removed; what others stand
/// on, and what may be live, only with `force`.
pub fn remove(
    sessions: &Path,
    checkpoints: &Path,
    session: &Session,
    force: bool,
    now: Time,
) -> Result<Removed, RemoveError> {
    let id = session.id();
    for run in logs_in(session.folder())?.into_keys() {
        let status = match read_run(session.folder(), &run) {
            Ok(follower) => follower.status(now),
            // Between creating its log and its first record a runner holds the lock too.
            Err(_) => held_status(session.folder(), &run),
        };
        let run = format!("{id}/{run}");
        match status {
            _ if status.has_runner() => return Err(RemoveError::InUse { run, status }),
            RunStatus::Unknown if !force => return Err(RemoveError::MayBeInUse { run }),
            _ => {}
        }
    }
    let stood_on = dependants(sessions, checkpoints, id)?;
    if !stood_on.is_empty() && !force {
        return Err(RemoveError::StoodOn(stood_on));
    }
    let weights = checkpoints.join(id.as_str());
    let bytes = bytes_below(session.folder()) + bytes_below(&weights);
    // The session goes first: what is left of a removal that was cut short is never a session
    // whose checkpoints are half there.
    for folder in [session.folder(), &weights] {
        remove_folder(folder)?;
    }
    Ok(Removed { format: REMOVED_FORMAT.to_owned(), session: id.clone(), bytes, stood_on })
}

fn held_status(folder: &Path, run: &crate::ids::RunName) -> RunStatus {
    use super::state::{LogLock, lock_of};
    let logs = logs_in(folder).ok().and_then(|mut logs| logs.remove(run)).unwrap_or_default();
    let held = logs.values().any(|log| lock_of(log) == LogLock::Held);
    if held { RunStatus::Live } else { RunStatus::Crashed }
}

/// Takes a folder's name away first, so that nobody finds it half removed.
fn remove_folder(folder: &Path) -> Result<(), LogError> {
    if !folder.exists() {
        return Ok(());
    }
    let act = "remove the folder";
    let hidden = crate::files::temporary_name(folder);
    fs::rename(folder, &hidden).map_err(io_error(act, folder))?;
    fs::remove_dir_all(&hidden).map_err(io_error(act, &hidden))
}
