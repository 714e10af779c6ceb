//! What comes into the model, and what it asks for.

use super::data::joining::JoinPart;
use super::data::library::{LoadedResult, MachineSample, OpenRun, RunEntry, SessionEntry};
use super::data::looked::LookShown;
use super::keys::Key;
use super::picture::{Drawn, Graphics, Key as PictureKey};
use crate::eval::CompareDocument;
use crate::ids::{Digest, SessionId};
use crate::recipe::Estimate;
use crate::session::Time;
use crate::session::control::Command;
use crate::session::names::RunId;
use crate::session::sitting::{Place, SittingEvent, SittingState};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// A text was pasted.
    Paste(String),
    /// The left button was pressed on a cell.
    Click {
        /// Column, from 0.
        column: u16,
        /// Row, from 0.
        row: u16,
    },
    /// The wheel was turned over a cell; up is negative.
    Wheel {
        /// Column, from 0.
        column: u16,
        /// Row, from 0.
        row: u16,
        /// Lines.
        lines: i8,
    },
    /// The terminal has another size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Another program wants this one to stop, as the terminal would.
    Suspend,
    /// Another program had stopped this one, which goes on.
    Resumed,
    /// The terminal cannot do what was asked of it; why, in words.
    Unable(String),
    /// How pictures can be shown here.
    Graphics {
        /// The way.
        graphics: Graphics,
        /// Pixels of a cell.
        cell: (u16, u16),
    },
    /// The ground on which the terminal draws.
    Ground {
        /// Whether dark letters are read on it.
        light: bool,
    },
    /// It is this late now.
    Time(Time),
    /// News wait elsewhere.
    Woken,
    /// News of the files.
    News(News),
}

/// News from the thread that reads files.
#[derive(Clone, Debug)]
pub enum News {
    /// All sessions there are, newest first.
    Sessions(Vec<SessionEntry>),
    /// A run was read, or has changed.
    Run(Box<RunEntry>),
    /// A run is there no longer.
    Gone(RunId),
    /// All that is known of a run that is looked at.
    Open(RunId, Box<OpenRun>),
    /// Every log has been looked at once.
    Scanned,
    /// The machine, just now.
    Machine(Box<MachineSample>),
    /// A session's results, by id.
    Results(SessionId, Vec<LoadedResult>),
    /// The one table of these results, or why there is none.
    Joined(Vec<JoinPart>, Result<Box<CompareDocument>, String>),
    /// The sessions that have queries to inspect.
    Inspected(BTreeSet<SessionId>),
    /// The runs whose weights are here.
    Weights(BTreeSet<RunId>),
    /// What people noted, tagged and pinned in a session.
    Sittings(SessionId, Box<SittingState>),
    /// A session was opened for what is done here.
    Begun(Box<SessionEntry>),
    /// A moment was marked: the record has it.
    Marked(Place),
    /// What was done or made here could not be recorded; in words.
    Unrecorded(String),
    /// The player of the Replay screen moved; nothing: it was put away.
    Reel(Option<Box<super::data::reel::Reel>>),
    /// A command was put into a run's mailbox, and bears this id.
    Sent {
        /// The run.
        run: RunId,
        /// What was asked.
        command: Command,
        /// Under which id the log will answer.
        id: String,
    },
    /// A command could not be put into a run's mailbox.
    Unsent {
        /// The run.
        run: RunId,
        /// What was asked.
        command: Command,
        /// Why not, in words.
        why: String,
    },
    /// A picture is ready; nothing: it is not there, or cannot be shown.
    Picture(PictureKey, Option<Arc<Drawn>>),
    /// A typed query's answer: a line of the child that serves encoders.
    Answered(Value),
    /// The picture of a typed query's file is at hand: the query's id, and the picture's name.
    Seen(String, Digest),
    /// That child ended; which questions of it wait, and why there is no answer.
    Unanswered(Vec<String>, String),
    /// A job said this.
    JobSaid(u64, String),
    /// A job ended and what it came to, or failed and why.
    JobEnded(u64, Result<Option<String>, String>),
    /// An encoder was looked into: what the program said of it.
    Looked(u64, Result<Box<LookShown>, String>),
    /// What a recipe will take, as asked with these arguments.
    Estimated(Vec<String>, Result<Box<Estimate>, String>),
    /// A run was started, or another child has ended; in words.
    Said(String),
    /// Something could not be done; in words.
    Failed(String),
    /// A line that this program or a library printed.
    Printed(String),
}

/// Something to do outside the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Cmd {
    /// Leave.
    Quit,
    /// Leave to the shell until it is continued.
    Suspend,
    /// Take the terminal again, whatever others have made of it.
    Resume,
    /// Draw everything again.
    Repaint,
    /// Put a text into the clipboard, by OSC 52.
    Copy(String),
    /// Ring, and tell the terminal's desktop in words.
    Tell(String),
    /// For the thread that works on files.
    Work(Work),
}

/// Work on files, done beside the terminal.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// From now on tell everything of these runs, and only of these.
    Watch(BTreeSet<RunId>),
    /// Whether to sample the machine.
    Sample(bool),
    /// Read a session's results, and again when they change.
    Results(SessionId),
    /// Read a session's results no longer.
    Forget(SessionId),
    /// Join these results into one table.
    Join(Vec<JoinPart>),
    /// Move the player of the Replay screen.
    Reel(super::data::reel::ReelOrder),
    /// Put a command into a run's mailbox.
    Send(RunId, Command),
    /// Make these pictures of a session, or what an encoder sees where there is none, ready, for this way
    /// and this size of cells; the newest order counts.
    Pictures(Option<SessionId>, Vec<PictureKey>, Graphics, (u16, u16)),
    /// Ask the child that serves a session's encoders. It is started with these arguments; one that was
    /// started with others is ended.
    Ask {
        /// Arguments, without the program's name.
        arguments: Vec<String>,
        /// The question's line.
        question: Value,
    },
    /// Record what was done in a session's sitting.
    Record(SessionId, Box<SittingEvent>),
    /// The theme has this name now: a sitting begins with it.
    Theme(&'static str),
    /// Record what was done where there is no session: the first one to be recorded opens one.
    Begin(Box<SittingEvent>),
    /// Start this program with these arguments and watch it.
    Job(u64, Vec<String>),
    /// Look into an encoder: start this program with these arguments and read its document.
    Look(u64, Vec<String>),
    /// Find out what a recipe will take: start this program with these arguments and read its document;
    /// the newest order counts.
    Estimate(Vec<String>),
    /// Start this program with these arguments, detached.
    Launch {
        /// Arguments, without the program's name.
        arguments: Vec<String>,
        /// What is started, in words.
        what: String,
    },
}
