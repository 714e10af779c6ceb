//! Sessions as a whole: the list of them, and what one holds.

use super::error::LogError;
use super::folder::{Session, SessionCard, list_sessions};
use super::follow::{logs_in, read_run};
use super::results::results_of;
use super::runs::RunRow;
use super::sitting::{SittingState, read_sittings};
use super::time::Time;
use crate::ids::SessionId;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Format of the list.
pub const SESSIONS_FORMAT: &str = "llm2clip.sessions/1";

/// Format of what one session holds.
pub const OVERVIEW_FORMAT: &str = "llm2clip.session-overview/1";

/// One session as the list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its name.
    pub session: SessionId,
    /// What people call it.
    pub title: String,
    /// When it was opened.
    pub created: Time,
    /// Runs with their first record.
    pub runs: usize,
    /// Runs with a runner at work.
    pub live: usize,
    /// Results.
    pub results: usize,
    /// Sittings at the terminal.
    pub sittings: usize,
    /// Bytes of all its files; weights lie elsewhere.
    pub bytes: u64,
}

/// The list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionsDocument {
    /// [`SESSIONS_FORMAT`].
    pub format: String,
    /// Newest first.
    pub sessions: Vec<SessionRow>,
}

/// A result in brief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRow {
    /// Its id.
    pub id: String,
    /// The document's format.
    pub format: String,
}

/// What one session holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewDocument {
    /// [`OVERVIEW_FORMAT`].
    pub format: String,
    /// Its name.
    pub session: SessionId,
    /// What `session.json` says.
    pub card: SessionCard,
    /// Its runs by name.
    pub runs: Vec<RunRow>,
    /// Its results by id.
    pub results: Vec<ResultRow>,
    /// What was marked, noted, tagged and pinned.
    pub notes: SittingState,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Bytes of its checkpoints.
    pub checkpoint_bytes: u64,
    /// What cannot be read, in words; empty where all can.
    pub problems: Vec<String>,
}

/// Every session below a folder, newest first, and what could not be read.
pub fn list(
    sessions: &Path,
    now: Time,
) -> Result<(SessionsDocument, Vec<(SessionId, LogError)>), LogError> {
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for id in list_sessions(sessions)? {
        match Session::open(sessions, &id).and_then(|session| row(&session, now)) {
            Ok(row) => rows.push(row),
            Err(error) => problems.push((id, error)),
        }
    }
    let format = SESSIONS_FORMAT.to_owned();
    Ok((SessionsDocument { format, sessions: rows }, problems))
}

fn row(session: &Session, now: Time) -> Result<SessionRow, LogError> {
    let (mut runs, mut live) = (0, 0);
    for run in logs_in(session.folder())?.into_keys() {
        match read_run(session.folder(), &run) {
            Ok(run) => {
                runs += 1;
                live += usize::from(run.status(now).has_runner());
            }
            Err(LogError::NotARun { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(SessionRow {
        session: session.id().clone(),
        title: session.card().title.clone(),
        created: session.card().created,
        runs,
        live,
        results: results_of(session.folder()).list()?.len(),
        sittings: super::sitting::sittings_in(session.folder())?.len(),
        bytes: bytes_below(session.folder()),
    })
}

/// What a session holds, its checkpoints below `checkpoints` counted.
pub fn overview(
    session: &Session,
    checkpoints: &Path,
    now: Time,
) -> Result<OverviewDocument, LogError> {
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    for run in logs_in(session.folder())?.into_keys() {
        match read_run(session.folder(), &run) {
            Ok(follower) => {
                let odd = follower.oddities();
                if odd.bad_lines > 0 {
                    problems.push(format!("{run}: {} lines that are no records", odd.bad_lines));
                }
                runs.push(RunRow::of(session.id(), &follower, now));
            }
            Err(LogError::NotARun { .. }) => {}
            Err(error) => problems.push(format!("{run}: {error}")),
        }
    }
    let stored = results_of(session.folder());
    let mut results = Vec::new();
    for id in stored.list()? {
        match stored.read(&id) {
            Ok(result) => results.push(ResultRow { id: id.to_string(), format: result.format }),
            Err(error) => problems.push(format!("{id}: {error}")),
        }
    }
    let notes = read_sittings(session.folder()).unwrap_or_else(|error| {
        problems.push(error.to_string());
        SittingState::default()
    });
    Ok(OverviewDocument {
        format: OVERVIEW_FORMAT.to_owned(),
        session: session.id().clone(),
        card: session.card().clone(),
        runs,
        results,
        notes,
        bytes: bytes_below(session.folder()),
        checkpoint_bytes: bytes_below(&checkpoints.join(session.id().as_str())),
        problems,
    })
}

/// Bytes of all files below a folder; what cannot be looked at counts nothing. Links are not
/// followed.
#[must_use]
pub fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes_below(&entry.path()),
            Ok(found) if found.is_file() => found.len(),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::sitting::{Noted, Opened, Sitting, Subject};
    use super::*;

    #[test]
    fn sessions_are_listed_and_shown_with_what_they_hold() {
        let root = tempfile::tempdir().unwrap();
        let card = SessionCard::new("Night", None, "machine".into(), "cpu".into(), 2);
        let session = Session::create(root.path(), card).unwrap();
        let opened = Opened { columns: 80, rows: 24, terminal: None, theme: None };
        let mut sitting = Sitting::open(session.folder(), session.id(), opened).unwrap();
        let on = Subject::session();
        sitting.write(Noted { on: on.clone(), text: "baseline".into() }).unwrap();
        let document = serde_json::json!({"format": "llm2clip.compare/1", "rows": []});
        let results = results_of(session.folder());
        results.write(&"caption-1".parse().unwrap(), &document).unwrap();
        let broken = session.folder().join("results/broken.json");
        fs::write(broken, "{").unwrap();
        let (list, problems) = list(root.path(), Time::now()).unwrap();
        assert!(problems.is_empty());
        let row = &list.sessions[0];
        assert_eq!((row.title.as_str(), row.runs, row.results, row.sittings), ("Night", 0, 2, 1));
        assert!(row.bytes > 100);
        let shown = overview(&session, root.path(), Time::now()).unwrap();
        assert_eq!(shown.results[0].id, "caption-1");
        assert_eq!(shown.notes.notes[&on].text, "baseline");
        assert_eq!(shown.problems.len(), 1);
    }
}
