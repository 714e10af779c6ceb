//! One sitting at the terminal: what was done, marked and noted, in `ui-<n>.jsonl`.
//!
//! The sitting is the sole writer of its log. The workbench reads all sittings of a session back:
//! marks, notes, tags and pins live on ([`SittingState`]); a runner never reads them.

pub mod event;
mod state;

pub use event::{
    Acted, Answered, Left, Marked, Noted, Opened, Pinned, Place, Resized, SittingEvent, Subject,
    Tagged, Unmarked, Unpinned, Untagged,
};
pub use state::{Answer, Mark, Note, SittingState};

use super::error::{LogError, io_error};
use super::header::Header;
use super::record::Record;
use super::tail::{Budget, LogTail, Oddities, Reached};
use super::time::Time;
use super::writer::LogWriter;
use crate::ids::SessionId;
use std::collections::{BTreeMap, btree_map};
use std::fs;
use std::path::{Path, PathBuf};

/// `ui-<n>.jsonl`.
#[must_use]
pub fn sitting_name(number: u32) -> String {
    format!("ui-{number}.jsonl")
}

/// The number of a sitting's log; nothing for any other file.
#[must_use]
pub fn parse_sitting_name(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("ui-")?.strip_suffix(".jsonl")?;
    let number: u32 = digits.parse().ok().filter(|number| *number > 0)?;
    // `ui-01.jsonl` would be a second name for the same sitting.
    (number.to_string() == digits).then_some(number)
}

/// The logs of a session's sittings by number.
pub fn sittings_in(folder: &Path) -> Result<BTreeMap<u32, PathBuf>, LogError> {
    let act = "list the session's files";
    let mut sittings = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(io_error(act, folder))? {
        let entry = entry.map_err(io_error(act, folder))?;
        if let Some(number) = entry.file_name().to_str().and_then(parse_sitting_name) {
            sittings.insert(number, entry.path());
        }
    }
    Ok(sittings)
}

/// Writes the log of one sitting.
#[derive(Debug)]
pub struct Sitting {
    number: u32,
    log: LogWriter,
}

impl Sitting {
    /// Begins a sitting in a session's folder under the first free number, and says so.
    pub fn open(folder: &Path, session: &SessionId, opened: Opened) -> Result<Self, LogError> {
        let last = sittings_in(folder)?.into_keys().next_back().unwrap_or(0);
        let mut number = last + 1;
        let log = loop {
            let path = folder.join(sitting_name(number));
            match LogWriter::create(&path, &Header::of_sitting(session.clone()), 1) {
                Ok(log) => break log,
                // Another sitting was faster.
                Err(LogError::Exists { .. }) if number < u32::MAX => number += 1,
                Err(error) => return Err(error),
            }
        };
        let mut sitting = Self { number, log };
        if let Err(error) = sitting.write(opened) {
            // Nobody would ever write on in it.
            let _ = fs::remove_file(sitting.path());
            return Err(error);
        }
        Ok(sitting)
    }

    /// Its number: `ui-<n>`.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its log.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.log.path()
    }

    /// Appends an event at this moment and returns its number.
    pub fn write(&mut self, event: impl Into<SittingEvent>) -> Result<u64, LogError> {
        self.write_at(Time::now(), event)
    }

    /// Appends an event at a given moment and returns its number.
    pub fn write_at(
        &mut self,
        time: Time,
        event: impl Into<SittingEvent>,
    ) -> Result<u64, LogError> {
        self.log.append_as(time, event.into())
    }

    /// A name for a new mark that no other sitting of the session gives.
    #[must_use]
    pub fn mark_name(&self) -> String {
        format!("{}-{}", self.number, self.log.next_seq())
    }
}

/// Follows all sittings of a session, live or over.
#[derive(Debug)]
pub struct SittingFollower {
    folder: PathBuf,
    tails: BTreeMap<u32, LogTail<SittingEvent>>,
    state: SittingState,
}

impl SittingFollower {
    /// Follows the sittings of a session's folder. There may be none yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let state = SittingState::default();
        Self { folder: folder.to_owned(), tails: BTreeMap::new(), state }
    }

    /// Reads on within the budget and folds. `seen` gets the sitting and every record before it is
    /// folded. Sittings are read in order of their numbers.
    pub fn poll_with(
        &mut self,
        budget: Budget,
        mut seen: impl FnMut(u32, &Record<SittingEvent>),
    ) -> Result<Reached, LogError> {
        for (number, path) in sittings_in(&self.folder)? {
            if let btree_map::Entry::Vacant(place) = self.tails.entry(number) {
                place.insert(LogTail::open_as(&path)?);
            }
        }
        let mut left = budget;
        for (number, tail) in &mut self.tails {
            let state = &mut self.state;
            let mut lines = 0;
            let reached = tail.poll(left, |record| {
                lines += 1;
                seen(*number, &record);
                state.apply(record);
            })?;
            left.records = left.records.saturating_sub(lines);
            if reached == Reached::Budget || left.records == 0 {
                return Ok(Reached::Budget);
            }
        }
        Ok(Reached::End)
    }

    /// Reads on within the budget and folds.
    pub fn poll(&mut self, budget: Budget) -> Result<Reached, LogError> {
        self.poll_with(budget, |_, _| {})
    }

    /// What is known so far.
    #[must_use]
    pub fn state(&self) -> &SittingState {
        &self.state
    }

    /// Skipped lines and unknown things in all sittings.
    #[must_use]
    pub fn oddities(&self) -> Oddities {
        let mut all = Oddities::default();
        self.tails.values().for_each(|tail| all.add(tail.oddities()));
        all
    }
}

/// Reads all sittings of a session and folds them.
pub fn read_sittings(folder: &Path) -> Result<SittingState, LogError> {
    let mut follower = SittingFollower::new(folder);
    follower.poll(Budget::ALL)?;
    Ok(follower.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Opened {
        Opened { columns: 80, rows: 24, terminal: None, theme: Some("dark".into()) }
    }

    #[test]
    fn what_was_marked_noted_tagged_and_pinned_is_read_back_through_all_sittings() {
        let folder = tempfile::tempdir().unwrap();
        let id: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let mut one = Sitting::open(folder.path(), &id, opened()).unwrap();
        let mut two = Sitting::open(folder.path(), &id, opened()).unwrap();
        assert_eq!((one.number(), two.number()), (1, 2));
        let on = Subject::query("1f600#0");
        let run = Subject::run("demo-1");
        let mark = one.mark_name();
        assert_ne!(mark, two.mark_name());
        let at = Place::moment(Time::from_millis(1000).unwrap());
        one.write(Marked { mark: mark.clone(), at, label: "spike".into() }).unwrap();
        one.write(Noted { on: on.clone(), text: "a cat, not a dog\u{1b}[2J".into() }).unwrap();
        one.write(Tagged { on: run.clone(), tag: "keep".into() }).unwrap();
        one.write(Pinned { on: run.clone() }).unwrap();
        let mut live = SittingFollower::new(folder.path());
        live.poll(Budget::LIVE).unwrap();
        assert_eq!(live.state().marks.len(), 1);
        two.write(Unmarked { mark }).unwrap();
        two.write(Tagged { on: run.clone(), tag: "best".into() }).unwrap();
        two.write(Untagged { on: run.clone(), tag: "keep".into() }).unwrap();
        two.write(Resized { columns: 120, rows: 40 }).unwrap();
        two.write(Left {}).unwrap();
        live.poll(Budget::LIVE).unwrap();
        let state = read_sittings(folder.path()).unwrap();
        assert_eq!(&state, live.state());
        assert!(state.marks.is_empty());
        assert_eq!(state.notes[&on].text, "a cat, not a dog\u{1b}[2J");
        assert_eq!(state.tags[&run].iter().collect::<Vec<_>>(), ["best"]);
        assert_eq!(state.pins, [run]);
        assert_eq!(state.size, Some((120, 40)));
        assert_eq!(live.oddities(), Oddities::default());
    }

    #[test]
    fn a_typed_query_that_was_put_away_does_not_come_back_and_its_id_may_be_given_again() {
        use serde_json::{Map, json};
        let folder = tempfile::tempdir().unwrap();
        let id: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let answered = |id: &str, text: &str| Answered {
            id: id.into(),
            question: json!({"id": id, "text": text}),
            answer: json!({"id": id, "error": "no such file"}),
        };
        let dismissed = |id: &str| Acted {
            action: "dismiss".into(),
            screen: Some("inspect".into()),
            with: Map::from_iter([("dismissed".to_owned(), id.into())]),
        };
        let texts = || -> Vec<String> {
            let kept = read_sittings(folder.path()).unwrap().answers.kept;
            kept.iter().map(|kept| kept.question["text"].as_str().unwrap().to_owned()).collect()
        };
        let mut one = Sitting::open(folder.path(), &id, opened()).unwrap();
        one.write(answered("typed-1", "a cat")).unwrap();
        one.write(answered("typed-2", "a dog")).unwrap();
        assert_eq!(texts(), ["a cat", "a dog"]);
        one.write(dismissed("typed-1")).unwrap();
        // What other actions were carried out with puts nothing away.
        let other = Acted { action: "note".into(), ..dismissed("typed-2") };
        one.write(other).unwrap();
        assert_eq!(texts(), ["a dog"]);
        let mut two = Sitting::open(folder.path(), &id, opened()).unwrap();
        two.write(answered("typed-1", "a fish")).unwrap();
        assert_eq!(texts(), ["a dog", "a fish"]);
    }

    #[test]
    fn only_logs_of_sittings_are_taken_for_such() {
        assert_eq!(parse_sitting_name("ui-12.jsonl"), Some(12));
        for other in ["ui-0.jsonl", "ui-01.jsonl", "ui-.jsonl", "ui-1.2.jsonl", "xui-1.jsonl"] {
            assert_eq!(parse_sitting_name(other), None, "{other}");
        }
    }
}
