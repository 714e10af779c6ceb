//! The mailbox of a run: commands as files, taken by the runner when it suits it.
//!
//! No socket, so it works over network file systems and between two users. A command is written
//! under another name and renamed in; the runner answers it in its log by id, then removes it.

use super::error::{LogError, file_error, io_error, json_error};
use super::time::Time;
use crate::files;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, fs, io};

/// Format of a command's file.
pub const COMMAND_FORMAT: &str = "llm2clip.command/1";

/// Commands larger than this are refused unread. Bytes.
const LARGEST: u64 = 64 << 10;

/// What a runner can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Save a checkpoint at the next step boundary and go on.
    Checkpoint,
    /// Stop stepping and keep the place.
    Pause,
    /// Go on after a pause.
    Continue,
    /// Save a checkpoint and end.
    Stop,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checkpoint => "checkpoint",
            Self::Pause => "pause",
            Self::Continue => "continue",
            Self::Stop => "stop",
        })
    }
}

/// A command's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sheet {
    format: String,
    command: Command,
    time: Time,
}

/// A command in the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its id: the file's name without `.json`.
    pub id: String,
    /// What is asked, or why that cannot be read: such a letter is to be refused with that text.
    pub command: Result<Command, String>,
}

/// Puts a command into a run's mailbox and returns its id, under which the log will answer.
pub fn send(folder: &Path, command: Command) -> Result<String, LogError> {
    static SENT: AtomicU32 = AtomicU32::new(0);
    let act = "put a command into the mailbox";
    fs::create_dir_all(folder).map_err(io_error(act, folder))?;
    let time = Time::now();
    // Name order is the order of sending, also where the clock was set back since a letter that still
    // waits; process and count keep two senders apart.
    let newest = Mailbox::new(folder.to_owned()).names()?.pop();
    let newest = newest.and_then(|id| id.split_once('-')?.0.parse::<i64>().ok());
    let moment = newest.map_or(time.millis(), |newest| time.millis().max(newest + 1));
    let count = SENT.fetch_add(1, Ordering::Relaxed);
    let id = format!("{moment:015}-{}-{count:04}", std::process::id());
    let path = folder.join(format!("{id}.json"));
    let sheet = Sheet { format: COMMAND_FORMAT.to_owned(), command, time };
    let text = serde_json::to_vec(&sheet).map_err(json_error(act, &path))?;
    files::write_atomic(&path, &text).map_err(file_error(act, &path))?;
    Ok(id)
}

/// Takes a letter back that nobody will read. Without a word where it is gone.
pub fn take_back(folder: &Path, id: &str) {
    let _ = fs::remove_file(folder.join(format!("{id}.json")));
}

/// A runner's end of its mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    folder: PathBuf,
}

impl Mailbox {
    /// The mailbox in a folder, which need not exist before the first command.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The commands that wait, in name order. They stay until [`Mailbox::remove`]. Cheap where
    /// there are none: one look at a folder.
    pub fn waiting(&self) -> Result<Vec<Letter>, LogError> {
        Ok(self.names()?.into_iter().map(|id| self.read(id)).collect())
    }

    /// The ids of the letters that wait, in name order.
    fn names(&self) -> Result<Vec<String>, LogError> {
        let act = "look into the mailbox";
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.map_err(io_error(act, &self.folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(io_error(act, &self.folder))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(id.filter(|id| !id.starts_with('.')).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, id: String) -> Letter {
        let path = self.path(&id);
        let read = || -> Result<Command, String> {
            let length = fs::metadata(&path).map_err(|error| error.to_string())?.len();
            if length > LARGEST {
                return Err(format!("expected at most {LARGEST} bytes, found {length}"));
            }
            let text = fs::read(&path).map_err(|error| error.to_string())?;
            let sheet: Sheet = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
            if sheet.format != COMMAND_FORMAT {
                return Err(format!("expected {COMMAND_FORMAT:?}, found {:?}", sheet.format));
            }
            Ok(sheet.command)
        };
        Letter { command: read(), id }
    }

    /// Takes an answered command out.
    pub fn remove(&self, letter: &Letter) -> Result<(), LogError> {
        let path = self.path(&letter.id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(io_error("take a command out of the mailbox", &path)),
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_wait_in_the_order_of_sending_until_they_are_removed() {
        let session = tempfile::tempdir().unwrap();
        let folder = session.path().join("control/clip-1");
        let mailbox = Mailbox::new(folder.clone());
        assert_eq!(mailbox.waiting().unwrap(), []);
        let sent = [Command::Pause, Command::Continue, Command::Stop];
        let ids: Vec<String> =
            sent.iter().map(|command| send(&folder, *command).unwrap()).collect();
        let letters = mailbox.waiting().unwrap();
        assert_eq!(
            letters.iter().map(|letter| &letter.id).collect::<Vec<_>>(),
            ids.iter().collect::<Vec<_>>()
        );
        assert_eq!(
            letters.iter().filter_map(|letter| letter.command.clone().ok()).collect::<Vec<_>>(),
            sent
        );
        for letter in &letters {
            mailbox.remove(letter).unwrap();
        }
        assert_eq!(mailbox.waiting().unwrap(), []);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_turn_the_order_of_commands_round() {
        let folder = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::new(folder.path().to_owned());
        let tomorrow = format!("{:015}-1-0000", Time::now().millis() + 86_400_000);
        fs::write(folder.path().join(format!("{tomorrow}.json")), "{}").unwrap();
        let id = send(folder.path(), Command::Continue).unwrap();
        let ids: Vec<_> = mailbox.waiting().unwrap().into_iter().map(|letter| letter.id).collect();
        assert_eq!(ids, [tomorrow, id]);
    }

    #[test]
    fn what_cannot_be_read_is_a_letter_to_refuse() {
        let folder = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::new(folder.path().to_owned());
        let dance =
            r#"{"format":"llm2clip.command/1","command":"dance","time":"2026-11-24T03:50:43Z"}"#;
        for (name, text) in [("1.json", dance), ("2.json", "{"), (".3.json.9.tmp", "{"), ("4", "{")]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let letters = mailbox.waiting().unwrap();
        assert_eq!(letters.iter().map(|letter| letter.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert!(letters.iter().all(|letter| letter.command.is_err()));
        assert!(letters[0].command.as_ref().unwrap_err().contains("dance"));
    }
}
