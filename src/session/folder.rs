//! A session's folder: making one, opening one, beginning runs in it.

use super::error::{LogError, file_error, io_error, json_error};
use super::follow::{RunFollower, logs_in, read_run};
use super::header::Header;
use super::names::{log_name, session_id, slug};
use super::time::Time;
use super::writer::{LogWriter, lock};
use crate::files;
use crate::ids::{RunName, SessionId};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Format of `session.json`.
pub const SESSION_FORMAT: &str = "llm2clip.session/1";

/// Attempts at a name nobody else has taken.
const ATTEMPTS: u32 = 1000;

/// What `session.json` says. Keys this version does not know are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCard {
    /// [`SESSION_FORMAT`].
    pub format: String,
    /// What people call it; any text.
    pub title: String,
    /// When it was opened.
    pub created: Time,
    /// Version of the program that opened it.
    pub program_version: String,
    /// Revision of that program's source; null where it was not built from a repository.
    pub git_revision: Option<String>,
    /// The computer's name.
    pub host: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Threads that compute.
    pub threads: u32,
}

impl SessionCard {
    /// A card for a session opened now by this version of the program.
    #[must_use]
    pub fn new(
        title: &str,
        git_revision: Option<String>,
        host: String,
        device: String,
        threads: u32,
    ) -> Self {
        Self {
            format: SESSION_FORMAT.to_owned(),
            title: title.to_owned(),
            created: Time::now(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            git_revision,
            host,
            device,
            threads,
        }
    }
}

/// A card with the keys of a later version behind its own.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    card: &'a SessionCard,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// A session on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    id: SessionId,
    folder: PathBuf,
    card: SessionCard,
}

/// A run's log, ready for its first record.
#[derive(Debug)]
pub struct NewSegment {
    /// The run's name within its session.
    pub run: RunName,
    /// The segment: 1 for a new run.
    pub segment: u32,
    /// Writes the segment's log; `run_started` comes first.
    pub log: LogWriter,
}

impl Session {
    /// Opens a new session below `sessions`, which is made where it is missing.
    pub fn create(sessions: &Path, card: SessionCard) -> Result<Self, LogError> {
        fs::create_dir_all(sessions).map_err(io_error("make the sessions folder", sessions))?;
        let mut attempt = 0;
        let (id, folder) = loop {
            let id = session_id(&card.title, card.created, attempt)?;
            let folder = sessions.join(id.as_str());
            match fs::create_dir(&folder) {
                Ok(()) => break (id, folder),
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(io_error("make the session's folder", &folder)(error)),
            }
        };
        let session = Self { id, folder, card };
        let path = session.folder.join("session.json");
        let mut text = serde_json::to_vec_pretty(&session.card)
            .map_err(json_error("write the session's card", &path))?;
        text.push(b'\n');
        files::write_atomic(&path, &text).map_err(file_error("write the session's card", &path))?;
        files::sync_folder(sessions).map_err(file_error("sync the sessions folder", sessions))?;
        Ok(session)
    }

    /// Opens a session that is there.
    pub fn open(sessions: &Path, id: &SessionId) -> Result<Self, LogError> {
        let folder = sessions.join(id.as_str());
        let path = folder.join("session.json");
        let text = fs::read(&path).map_err(io_error("read the session's card", &path))?;
        let card: SessionCard =
            serde_json::from_slice(&text).map_err(json_error("read the session's card", &path))?;
        if card.format != SESSION_FORMAT {
            let (expected, found) = (SESSION_FORMAT, card.format);
            return Err(LogError::Version { path, expected, found });
        }
        Ok(Self { id: id.clone(), folder, card })
    }

    /// Gives the session another title. Its folder keeps its name, which logs and checkpoints stand
    /// on; keys of `session.json` that this version does not know stay.
    pub fn rename(&mut self, title: &str) -> Result<(), LogError> {
        let act = "write the session's card";
        let path = self.folder.join("session.json");
        let text = fs::read(&path).map_err(io_error("read the session's card", &path))?;
        let mut card: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&text).map_err(json_error("read the session's card", &path))?;
        title.clone_into(&mut self.card.title);
        let known = serde_json::to_value(&self.card).map_err(json_error(act, &path))?;
        if let serde_json::Value::Object(known) = known {
            card.retain(|key, _| !known.contains_key(key));
        }
        let card = Kept { card: &self.card, rest: card };
        let mut text = serde_json::to_vec_pretty(&card).map_err(json_error(act, &path))?;
        text.push(b'\n');
        files::write_atomic(&path, &text).map_err(file_error(act, &path))
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `session.json` says.
    #[must_use]
    pub fn card(&self) -> &SessionCard {
        &self.card
    }

    /// Begins a run of a recipe under the first free name `<recipe>-<n>` and locks its log.
    pub fn start_run(&self, recipe: &str) -> Result<NewSegment, LogError> {
        let recipe = slug(recipe);
        let taken = logs_in(&self.folder)?;
        let mut number = 1;
        loop {
            let run: RunName = format!("{recipe}-{number}").parse()?;
            number += 1;
            if taken.contains_key(&run) {
                continue;
            }
            let path = self.folder.join(log_name(&run, 1));
            let header = Header::of_run(self.id.clone(), run.clone(), 1);
            match LogWriter::create(&path, &header, 1) {
                Ok(log) => return Ok(NewSegment { run, segment: 1, log }),
                // Another process was faster.
                Err(LogError::Exists { .. }) if number < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Begins the next segment of a run: locks the run, reads all that was written, and returns it
    /// beside the new log. [`LogError::Held`] where a runner is at work.
    ///
    /// The lock on the first segment's log stands for the whole run, so two processes that resume
    /// it at once cannot both succeed.
    pub fn continue_run(&self, run: &RunName) -> Result<(NewSegment, RunFollower), LogError> {
        let not_a_run = || LogError::NotARun { run: run.to_string(), path: self.folder.clone() };
        let first_path = logs_in(&self.folder)?
            .remove(run)
            .and_then(|segments| segments.into_values().next())
            .ok_or_else(not_a_run)?;
        let first = OpenOptions::new()
            .append(true)
            .open(&first_path)
            .map_err(io_error("open the run's first log", &first_path))?;
        lock(&first, &first_path)?;
        let follower = read_run(&self.folder, run)?;
        let newest = logs_in(&self.folder)?
            .remove(run)
            .and_then(|segments| segments.into_keys().next_back());
        let segment = newest.unwrap_or(0) + 1;
        let path = self.folder.join(log_name(run, segment));
        let header = Header::of_run(self.id.clone(), run.clone(), segment);
        let next_seq = follower.state().last_seq + 1;
        let log = LogWriter::create_with(&path, &header, next_seq, Some(first))?;
        Ok((NewSegment { run: run.clone(), segment, log }, follower))
    }

    /// The folder of a run's mailbox, which may not exist.
    #[must_use]
    pub fn control_folder(&self, run: &RunName) -> PathBuf {
        self.folder.join("control").join(run.as_str())
    }
}

/// The sessions below a folder, newest first; none where the folder is missing.
pub fn list_sessions(sessions: &Path) -> Result<Vec<SessionId>, LogError> {
    let entries = match fs::read_dir(sessions) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(io_error("list the sessions", sessions))?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("list the sessions", sessions))?;
        let id = entry.file_name().to_str().and_then(|name| name.parse::<SessionId>().ok());
        if let Some(id) = id.filter(|_| entry.path().join("session.json").is_file()) {
            ids.push(id);
        }
    }
    ids.sort_by(|a, b| b.cmp(a));
    Ok(ids)
}
