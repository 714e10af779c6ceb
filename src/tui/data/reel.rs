//! What the Replay screen knows of the player that the worker holds: where it is, what was known there.

use super::acts::{Done, Scene};
use super::asked::Asked;
use super::library::{MachineSample, OpenRun};
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::event::Event;
use crate::session::names::RunId;
use crate::session::sitting::SittingState;
use crate::tui::format;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the player is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum ReelOrder {
    /// Open a session, at its end.
    Open(SessionId),
    /// Put the session away.
    Close,
    /// Nobody looks at it: hold it, and tell nothing of it.
    Away,
    /// It is looked at again.
    Front,
    /// Play, or hold.
    Toggle,
    /// So many records on, or back; moving about in a replay is none.
    Step(i64),
    /// So many seconds on, or back.
    Seconds(f64),
    /// To the next mark, or the one before.
    Mark(bool),
    /// Twice as fast, or half.
    Speed(bool),
    /// To a share of the session, 0 to 1.
    Share(f64),
    /// To the end of the runs; from there, to the end of everything.
    End,
    /// To where a step was made first.
    MadeStep(u64),
    /// To a moment.
    Moment(Time),
    /// To the next record that holds a text, or the one before.
    Find(String, bool),
    /// To the next action at the terminal, or the one before.
    Action(bool),
    /// Begin again at the end, or stop there.
    Loop,
}

/// What there is at a place to skip to; what matters more comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// A checkpoint was saved.
    Checkpoint,
    /// A stage began, or ended.
    Stage,
    /// A run began, or ended.
    Run,
    /// A comparison or an inspection was made.
    Result,
    /// A warning, or worse.
    Warning,
    /// Someone marked the moment.
    Bookmark,
}

impl MarkKind {
    /// That of a record which is skipped to.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        match event {
            Event::CheckpointSaved(_) => Self::Checkpoint,
            Event::StageStarted(_) | Event::StageFinished(_) => Self::Stage,
            Event::RunStarted(_) | Event::RunFinished(_) => Self::Run,
            Event::Compared(_) | Event::Inspected(_) => Self::Result,
            _ => Self::Warning,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Stage => "stage",
            Self::Run => "run",
            Self::Result => "result",
            Self::Warning => "warning",
            Self::Bookmark => "marked",
        }
    }
}

/// The last place to skip to that has been reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// What is there.
    pub kind: MarkKind,
    /// Which of them it is, from 1.
    pub number: usize,
    /// When.
    pub time: Time,
    /// What happened, in words. From people and files: to be shown escaped.
    pub words: String,
    /// Whether nothing has happened since.
    pub here: bool,
}

/// A long stretch in which nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Its place, as a share of what there is to watch.
    pub share: f64,
    /// Seconds of it that are left out.
    pub seconds: f64,
}

/// A moment that someone marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Marked {
    /// Its name.
    pub mark: String,
    /// When.
    pub time: Time,
    /// Its share of what there is to watch.
    pub share: f64,
    /// What it is called; any text.
    pub label: String,
}

/// The player at one moment.
#[derive(Clone, Debug)]
pub struct Reel {
    /// The session.
    pub session: SessionId,
    /// Records that have happened. Moving about in a replay is none.
    pub position: usize,
    /// Records there are, likewise.
    pub count: usize,
    /// The clock.
    pub time: Time,
    /// The first record's time.
    pub start: Time,
    /// The last record's time, likewise.
    pub end: Time,
    /// Whether it plays.
    pub playing: bool,
    /// How fast, 1 as it happened.
    pub speed: f64,
    /// Whether the end is followed by the beginning.
    pub looping: bool,
    /// Seconds of watching up to here, and to the end: long stretches without records are cut short.
    pub watched: (f64, f64),
    /// Where such stretches are cut.
    pub gaps: Vec<Gap>,
    /// Seconds that are left out of watching, altogether.
    pub left_out: f64,
    /// Places to skip to, as shares of what there is to watch.
    pub marks: Vec<(f64, MarkKind)>,
    /// The last of them that has been reached.
    pub reached: Option<Reached>,
    /// What people marked, in order.
    pub marked: Vec<Marked>,
    /// What was done at the terminal around this moment, oldest first.
    pub done: Vec<Done>,
    /// What the terminal showed then, where someone was there.
    pub scene: Option<Scene>,
    /// Runs that wrote nothing after this moment.
    pub over: BTreeSet<RunId>,
    /// The runs as they were then.
    pub runs: BTreeMap<RunId, OpenRun>,
    /// The run of the newest record.
    pub latest: Option<RunId>,
    /// Which run each was told to wait for, of those that were.
    pub after: BTreeMap<RunId, String>,
    /// The machine as it was sampled last before this moment.
    pub machine: Option<MachineSample>,
    /// Tags, pins and notes as they stood then; nothing else of the sittings.
    pub sittings: SittingState,
    /// Typed queries that were answered by then, and not put away, oldest first.
    pub asked: Arc<Vec<Asked>>,
    /// When the session's records first tell of each result, before this moment or after it.
    pub first: Arc<BTreeMap<String, Time>>,
}

impl Reel {
    /// A moment's time of day, with its date where the session is of several days.
    #[must_use]
    pub fn clock(&self, time: Time) -> String {
        let clock = format::clock_seconds(time);
        if format::same_day(self.start, self.end) {
            return clock;
        }
        format!("{} {clock}", format::day(time))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A session of a hundred seconds, half of it watched.
    pub(crate) fn reel(session: &str) -> Reel {
        let at = |seconds: i64| Time::from_millis(seconds * 1000).unwrap();
        Reel {
            session: session.parse().unwrap(),
            position: 5,
            count: 9,
            time: at(50),
            start: at(0),
            end: at(100),
            playing: false,
            speed: 1.0,
            looping: true,
            watched: (50.0, 100.0),
            gaps: vec![Gap { share: 0.75, seconds: 200_000.0 }],
            left_out: 200_030.0,
            marks: vec![(0.25, MarkKind::Stage)],
            reached: None,
            marked: Vec::new(),
            done: Vec::new(),
            scene: None,
            over: BTreeSet::new(),
            runs: BTreeMap::new(),
            latest: None,
            after: BTreeMap::new(),
            machine: None,
            sittings: SittingState::default(),
            asked: Arc::default(),
            first: Arc::default(),
        }
    }
}
