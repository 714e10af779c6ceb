//! What happened: one type a kind, all in the past tense, and the table of kinds.
//!
//! A line of a log is one flat JSON object: `seq`, `time`, `event` (the kind), then the keys of
//! that kind's type. Reading takes two steps: the kind first, then the same line as that type.
//! A kind that is not in the table becomes [`Unknown`] and keeps everything it had.

mod results;
mod run;
mod step;

pub use results::{
    CommandApplied, CommandRefused, Compared, Exported, Inspected, Progressed, TableMade, Warned,
};
pub use run::{
    Base, Continued, DataUsed, Ending, Heartbeat, Paused, Queued, ResumePoint, RunFinished,
    RunStarted, StageFinished, StagePlan, StageStarted, StillToStart, StoppedEarly, TableUsed,
};
pub use step::{
    CheckpointRemoved, CheckpointSaved, Contrast, Diverged, StepFinished, StepSkipped, StepTimes,
    Validated,
};

use super::time::Time;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write;

/// An event of a kind this version does not know: kept whole, counted by the reader.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// The kind as written.
    pub kind: String,
    /// Every key of the line but `seq`, `time` and `event`.
    pub body: Map<String, Value>,
}

/// A line as it is written: the record's keys first, then the event's own beside them.
#[derive(Serialize)]
struct Line<'a, T> {
    seq: u64,
    time: Time,
    event: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

/// Writes one line without its newline.
pub(super) fn write_line<T: Serialize>(
    out: impl Write,
    seq: u64,
    time: Time,
    kind: &str,
    body: &T,
) -> serde_json::Result<()> {
    serde_json::to_writer(out, &Line { seq, time, event: kind, body })
}

/// What one kind of log says: its kinds of events, read and written the same way.
pub trait LogEvent: Sized {
    /// The kind as it stands in the log.
    fn kind(&self) -> &str;

    /// Second step of reading: the line as the type of `kind`; nothing where the kind is not known.
    /// Keys that the type lacks are passed over here.
    fn read(kind: &str, line: &str) -> Option<serde_json::Result<Self>>;

    /// Writes the event as a line without its newline.
    fn write(&self, out: impl Write, seq: u64, time: Time) -> serde_json::Result<()>;

    /// An event of a kind this version does not know.
    fn of_unknown(unknown: Unknown) -> Self;

    /// Whether this version does not know the kind.
    fn is_unknown(&self) -> bool;

    /// Whether the log is to be safe on disk before anyone goes on.
    fn is_durable(&self) -> bool;
}

macro_rules! events {
    (
        $(#[$about:meta])* $Event:ident, durable: [$($durable:ident),*];
        $($kind:literal $name:ident: $doc:literal),+ $(,)?
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $Event {
            $(#[doc = $doc] $name($name),)+
            /// A kind this version does not know.
            Unknown($crate::session::event::Unknown),
        }

        impl $Event {
            /// Every kind this version knows, in the order of `docs/formats.md`.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// The kind as it stands in the log.
            #[must_use]
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$name(_) => $kind,)+
                    Self::Unknown(unknown) => &unknown.kind,
                }
            }
        }

        impl $crate::session::event::LogEvent for $Event {
            fn kind(&self) -> &str {
                self.kind()
            }

            fn read(kind: &str, line: &str) -> Option<serde_json::Result<Self>> {
                Some(match kind {
                    $($kind => serde_json::from_str(line).map(Self::$name),)+
                    _ => return None,
                })
            }

            fn write(
                &self,
                out: impl std::io::Write,
                seq: u64,
                time: $crate::session::time::Time,
            ) -> serde_json::Result<()> {
                use $crate::session::event::{Unknown, write_line};
                match self {
                    $(Self::$name(body) => write_line(out, seq, time, $kind, body),)+
                    Self::Unknown(Unknown { kind, body }) => {
                        write_line(out, seq, time, kind, body)
                    }
                }
            }

            fn of_unknown(unknown: $crate::session::event::Unknown) -> Self {
                Self::Unknown(unknown)
            }

            fn is_unknown(&self) -> bool {
                matches!(self, Self::Unknown(_))
            }

            fn is_durable(&self) -> bool {
                match self {
                    $(Self::$durable(_) => true,)*
                    _ => false,
                }
            }
        }

        $(impl From<$name> for $Event {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        })+
    };
}

pub(in crate::session) use events;

events! {
    /// Something that happened. See `docs/formats.md` for the same list with every key.
    Event, durable: [CheckpointSaved, RunFinished];
    "run_started" RunStarted: "A segment of a run began. The first record of every log of a run.",
    "queued" Queued: "The run waits for its turn.",
    "stage_started" StageStarted: "A stage began, or went on in a new segment.",
    "step_finished" StepFinished: "One optimizer update was made.",
    "step_skipped" StepSkipped: "A step was not applied, and the run backed off.",
    "validated" Validated: "The stage was measured on data it does not train on.",
    "checkpoint_saved" CheckpointSaved: "A checkpoint is safe on disk.",
    "checkpoint_removed" CheckpointRemoved: "An older checkpoint was deleted.",
    "diverged" Diverged: "A number was not finite.",
    "stage_finished" StageFinished: "A stage ended.",
    "progressed" Progressed: "Something long that is not training moved on.",
    "table_made" TableMade: "An embedding table is ready.",
    "compared" Compared: "A comparison was written to `results/`.",
    "inspected" Inspected: "An inspection was written to `results/`.",
    "exported" Exported: "Results were exported.",
    "paused" Paused: "The run stopped stepping and keeps its place.",
    "continued" Continued: "A paused or queued run goes on.",
    "command_applied" CommandApplied: "A command from the mailbox was carried out.",
    "command_refused" CommandRefused: "A command from the mailbox was not carried out.",
    "warned" Warned: "Something the user should know.",
    "heartbeat" Heartbeat: "The runner is alive and had nothing else to say.",
    "run_finished" RunFinished: "The run ended by itself. The last record of its log.",
}
