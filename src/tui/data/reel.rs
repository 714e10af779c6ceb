//! What the Replay screen knows of the player that the worker holds: where it is, what was known there.

use super::library::OpenRun;
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::names::RunId;
use std::collections::BTreeMap;

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
    /// Places to skip to, as shares of the time.
    pub marks: Vec<f64>,
    /// The runs as they were then.
    pub runs: BTreeMap<RunId, OpenRun>,
    /// The run of the newest record.
    pub latest: Option<RunId>,
}
