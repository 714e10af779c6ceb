//! From the records of all sittings to what lives on: marks, notes, tags, pins.

use super::event::{Place, SittingEvent, Subject};
use crate::session::fold::Newest;
use crate::session::record::Record;
use crate::session::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A marked moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Which moment.
    pub at: Place,
    /// What it is called.
    pub label: String,
    /// When it was marked.
    pub time: Time,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// What it says. From a person, or from a file: to be shown escaped.
    pub text: String,
    /// When it was written.
    pub time: Time,
}

/// A typed query with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// When it came.
    pub time: Time,
    /// The question.
    pub question: Value,
    /// The answer's document.
    pub answer: Value,
}

/// All that is known from the sittings of a session. What a person made is all kept; of what a
/// program made, the newest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SittingState {
    /// Marks by name.
    pub marks: BTreeMap<String, Mark>,
    /// Notes by what they stand on.
    pub notes: BTreeMap<Subject, Note>,
    /// Tags by what they stand on; never an empty set.
    pub tags: BTreeMap<Subject, BTreeSet<String>>,
    /// What is pinned, in the order of pinning.
    pub pins: Vec<Subject>,
    /// Answers to typed queries, but for those that were put away.
    pub answers: Newest<Answer>,
    /// Width and height of the terminal in cells, as last said.
    pub size: Option<(u16, u16)>,
    /// Name of the last action.
    pub last_action: Option<String>,
    /// Typed queries that were put away: their ids are not given to others.
    #[serde(default)]
    pub dismissed: BTreeSet<String>,
    /// Actions carried out.
    pub actions: u64,
    /// Sittings begun.
    pub sittings: u64,
    /// Time of the newest record.
    pub last_time: Option<Time>,
    /// Records applied.
    pub records: u64,
    /// Records of unknown kinds among them.
    pub unknown: u64,
}

impl SittingState {
    /// Takes one more record in.
    pub fn apply(&mut self, record: Record<SittingEvent>) {
        let Record { time, event, .. } = record;
        self.records += 1;
        self.last_time = self.last_time.max(Some(time));
        match event {
            SittingEvent::Opened(event) => {
                self.sittings += 1;
                // A command's own sitting has no terminal.
                if event.columns > 0 {
                    self.size = Some((event.columns, event.rows));
                }
            }
            SittingEvent::Acted(event) => {
                self.actions += 1;
                if event.action == "dismiss"
                    && let Some(id) = event.with.get("dismissed")
                {
                    self.answers.kept.retain(|answer| answer.question["id"] != *id);
                    self.dismissed.extend(id.as_str().map(str::to_owned));
                }
                self.last_action = Some(event.action);
            }
            SittingEvent::Resized(event) => self.size = Some((event.columns, event.rows)),
            SittingEvent::Marked(event) => {
                let mark = Mark { at: event.at, label: event.label, time };
                self.marks.insert(event.mark, mark);
            }
            SittingEvent::Unmarked(event) => drop(self.marks.remove(&event.mark)),
            SittingEvent::Noted(event) if event.text.is_empty() => {
                self.notes.remove(&event.on);
            }
            SittingEvent::Noted(event) => {
                self.notes.insert(event.on, Note { text: event.text, time });
            }
            SittingEvent::Tagged(event) => {
                self.tags.entry(event.on).or_default().insert(event.tag);
            }
            SittingEvent::Untagged(event) => {
                if let Some(tags) = self.tags.get_mut(&event.on) {
                    tags.remove(&event.tag);
                    if tags.is_empty() {
                        self.tags.remove(&event.on);
                    }
                }
            }
            SittingEvent::Pinned(event) => {
                if !self.pins.contains(&event.on) {
                    self.pins.push(event.on);
                }
            }
            SittingEvent::Unpinned(event) => self.pins.retain(|pinned| *pinned != event.on),
            SittingEvent::Answered(event) => {
                let (question, answer) = (event.question, event.answer);
                self.answers.push(Answer { time, question, answer });
            }
            SittingEvent::Exported(_) | SittingEvent::Left(_) => {}
            SittingEvent::Unknown(_) => self.unknown += 1,
        }
    }

    /// The marks in the order of their moments.
    #[must_use]
    pub fn marks_by_time(&self) -> Vec<(&str, &Mark)> {
        let mut marks: Vec<(&str, &Mark)> =
            self.marks.iter().map(|(name, mark)| (name.as_str(), mark)).collect();
        marks.sort_by_key(|(_, mark)| mark.at.time);
        marks
    }
}
