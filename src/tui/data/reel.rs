//! What the Replay screen knows of the player that the worker holds: where it is, what was known there.

use super::acts::{Done, Scene};
use super::asked::Asked;
use super::library::{MachineSample, OpenRun};
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::names::RunId;
use crate::session::sitting::SittingState;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the player is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum ReelOrder {
    /// Open a session, at its end.
    Open(SessionId),
    /// Put the session away.
    Close,
    /// Play, or hold.
    Toggle,
    /// So many records on, or back.
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
    /// Records that have happened.
    pub position: usize,
    /// Records there are.
    pub count: usize,
    /// The clock.
    pub time: Time,
    /// The first record's time.
    pub start: Time,
    /// The last record's time.
    pub end: Time,
    /// Whether it plays.
    pub playing: bool,
    /// How fast, 1 as it happened.
    pub speed: f64,
    /// Whether the end is followed by the beginning.
    pub looping: bool,
    /// Seconds of watching up to here, and to the end: long stretches without records are cut short.
    pub watched: (f64, f64),
    /// Where such stretches are cut, as shares of what there is to watch.
    pub gaps: Vec<f64>,
    /// Places to skip to, likewise.
    pub marks: Vec<f64>,
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
