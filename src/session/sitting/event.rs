//! Events of a sitting at the terminal.

use crate::ids::{RunName, StageName};
use crate::session::event::{Exported, events};
use crate::session::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

events! {
    /// Something that happened at the terminal. See `docs/formats.md` for the same list with every
    /// key.
    SittingEvent, durable: [];
    "opened" Opened: "A sitting began. The first record of its log.",
    "acted" Acted: "An action of the key table was carried out.",
    "resized" Resized: "The terminal has another size.",
    "marked" Marked: "A moment was marked.",
    "unmarked" Unmarked: "A mark was taken back.",
    "noted" Noted: "A note was written on something.",
    "tagged" Tagged: "Something was tagged.",
    "untagged" Untagged: "A tag was taken off.",
    "pinned" Pinned: "Something was pinned.",
    "unpinned" Unpinned: "A pin was taken off.",
    "answered" Answered: "A typed query was answered.",
    "exported" Exported: "Results were exported.",
    "left" Left: "The sitting ended by itself. The last record of its log.",
}

/// A sitting began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Width of the terminal in cells.
    pub columns: u16,
    /// Height of the terminal in cells.
    pub rows: u16,
    /// What the terminal says it is, such as `xterm-256color`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// The theme's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
}

/// An action of the key table was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// The action's name in the key table.
    pub action: String,
    /// The screen it was carried out on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// What it was carried out with, such as a filter's text or a run's name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub with: Map<String, Value>,
}

/// The terminal has another size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resized {
    /// Width in cells.
    pub columns: u16,
    /// Height in cells.
    pub rows: u16,
}

/// A moment of the session: by the clock of its logs, and by step where it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The moment that was looked at, not the moment of marking it.
    pub time: Time,
    /// The run that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunName>,
    /// Its stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// The step of that stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
}

impl Place {
    /// A moment of no run in particular.
    #[must_use]
    pub fn moment(time: Time) -> Self {
        Self { time, run: None, stage: None, step: None }
    }
}

/// What a note, a tag or a pin stands on: a kind and a name, written `kind/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

impl Subject {
    /// A subject of any kind; the kind has no `/` in it.
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind}/{name}"))
    }

    /// The session itself.
    #[must_use]
    pub fn session() -> Self {
        Self::new("session", "")
    }

    /// A run by its name within the session.
    #[must_use]
    pub fn run(name: &str) -> Self {
        Self::new("run", name)
    }

    /// A result by its id.
    #[must_use]
    pub fn result(id: &str) -> Self {
        Self::new("result", id)
    }

    /// A query by its id.
    #[must_use]
    pub fn query(id: &str) -> Self {
        Self::new("query", id)
    }

    /// An item of a gallery by its id.
    #[must_use]
    pub fn item(id: &str) -> Self {
        Self::new("item", id)
    }

    /// What it is: `session`, `run`, `result`, `query`, `item`, or a later version's kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(kind, _)| kind)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A moment was marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// The mark's name: no other mark of the session has it.
    pub mark: String,
    /// Which moment.
    pub at: Place,
    /// What it is called; may be empty.
    pub label: String,
}

/// A mark was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmarked {
    /// The mark's name.
    pub mark: String,
}

/// A note was written on something, in the place of an older one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// On what.
    pub on: Subject,
    /// The whole note; empty: it was taken back.
    pub text: String,
}

/// Something was tagged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    /// What.
    pub on: Subject,
    /// The tag.
    pub tag: String,
}

/// A tag was taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untagged {
    /// Off what.
    pub on: Subject,
    /// The tag.
    pub tag: String,
}

/// Something was pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// What.
    pub on: Subject,
}

/// A pin was taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpinned {
    /// Off what.
    pub on: Subject,
}

/// A typed query was answered. Question and answer are kept, so that a replay needs no encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The question's id within the sitting.
    pub id: String,
    /// The question: a line as `inspect --serve` takes it.
    pub question: Value,
    /// The answer: an `llm2clip.inspect/1` document, or an object with `error`.
    pub answer: Value,
}

/// The sitting ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {}
