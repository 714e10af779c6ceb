//! What all screens see, and what a screen asks for beyond itself.

use super::{Overlay, Purpose};
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::control::Command;
use crate::session::names::RunId;
use crate::session::sitting::Subject;
use crate::tui::data::asked::Asked;
use crate::tui::data::expected::Expected;
use crate::tui::data::jobs::Job;
use crate::tui::data::library::Library;
use crate::tui::data::looked::Looked;
use crate::tui::glyphs::Glyphs;
use crate::tui::keys::Action;
use crate::tui::msg::Cmd;
use crate::tui::picture::{CELL, Graphics};
use crate::tui::screen::ScreenId;
use crate::tui::theme::{Depth, Theme};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Why something is refused that would write.
pub const READONLY: &str = "the workbench was opened with --readonly: nothing is written";

/// A command that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The run it was sent to.
    pub run: RunId,
    /// What was asked.
    pub command: Command,
    /// Under which id the log will answer; nothing until it lies in the mailbox.
    pub id: Option<String>,
}

/// What all screens see.
#[derive(Debug)]
pub struct Shared {
    /// Sessions and runs.
    pub library: Library,
    /// Colours.
    pub theme: Theme,
    /// Signs.
    pub glyphs: Glyphs,
    /// How late it is.
    pub now: Time,
    /// Whether nothing may be written.
    pub readonly: bool,
    /// The run that Train, Replay and Log show.
    pub focus: Option<RunId>,
    /// The session whose results are shown, where it was chosen and not with a run.
    pub session: Option<SessionId>,
    /// Marked runs, in the order of marking: laid over each other in charts.
    pub marks: Vec<RunId>,
    /// Runs kept at the top.
    pub pins: BTreeSet<RunId>,
    /// Commands that wait for their answers.
    pub requests: Vec<Request>,
    /// Bytes sent to the terminal so far.
    pub sent: u64,
    /// How pictures are shown.
    pub graphics: Graphics,
    /// The ways of showing pictures that work here.
    pub ways: Vec<Graphics>,
    /// Pixels of a cell.
    pub cell: (u16, u16),
    /// What stands between this program and the terminal, in words, and what it does with a copied text.
    pub between: Option<&'static str>,
    /// Whether something lies over the screen.
    pub covered: bool,
    /// Typed queries, oldest first.
    pub asked: Vec<Asked>,
    /// Work that was started here, oldest first.
    pub jobs: Vec<Job>,
    /// The encoder that was looked into last.
    pub look: Option<Looked>,
    /// The folder this program works in.
    pub here: PathBuf,
}

impl Shared {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(theme: Theme, glyphs: Glyphs, readonly: bool, now: Time) -> Self {
        Self {
            library: Library::default(),
            theme,
            glyphs,
            now,
            readonly,
            focus: None,
            session: None,
            marks: Vec::new(),
            pins: BTreeSet::new(),
            requests: Vec::new(),
            sent: 0,
            graphics: Graphics::Off,
            ways: Vec::new(),
            cell: CELL,
            between: None,
            covered: false,
            asked: Vec::new(),
            jobs: Vec::new(),
            look: None,
            here: PathBuf::new(),
        }
    }

    /// What is said of a text that was sent to the clipboard: no terminal answers whether it took it.
    #[must_use]
    pub fn copied(&self, what: &str) -> String {
        self.between.map_or_else(
            || format!("copied {what}"),
            |between| format!("sent to {between}: {what}"),
        )
    }

    /// How pictures are shown in what lies in front of everything.
    #[must_use]
    pub fn graphics_in_front(&self) -> Graphics {
        if self.theme.depth == Depth::None { Graphics::Off } else { self.graphics }
    }

    /// How pictures of the screen are shown at this moment: what lies over it must not lie under one.
    #[must_use]
    pub fn graphics_now(&self) -> Graphics {
        match self.graphics_in_front() {
            graphics if graphics.is_laid_over() && self.covered => Graphics::Halfblocks,
            graphics => graphics,
        }
    }

    /// An id for the next typed query: no other of this sitting has it, of whatever session.
    #[must_use]
    pub fn next_question(&self) -> String {
        let gone =
            |id: &str| self.library.sittings.values().any(|sitting| sitting.dismissed.contains(id));
        let taken = |id: &str| self.asked.iter().any(|asked| asked.id == id) || gone(id);
        let ids = (1..).map(|number| format!("typed-{number}"));
        ids.into_iter().find(|id| !taken(id)).unwrap_or_default()
    }

    /// The number of the next job.
    #[must_use]
    pub fn next_job(&self) -> u64 {
        self.jobs.len() as u64 + 1
    }

    /// The commands a run has not answered yet, in words.
    #[must_use]
    pub fn requested(&self, run: &RunId) -> Vec<Command> {
        self.requests
            .iter()
            .filter(|request| request.run == *run)
            .map(|request| request.command)
            .collect()
    }

    /// The runs charts show: the one in focus, then the marked ones.
    #[must_use]
    pub fn shown(&self) -> Vec<&RunId> {
        let focus = self.focus.iter();
        focus.chain(self.marks.iter().filter(|run| self.focus.as_ref() != Some(*run))).collect()
    }
}

/// What a screen asks for beyond itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Work outside the model.
    Do(Cmd),
    /// Go to a screen.
    Go(ScreenId),
    /// Show the results of a session.
    Session(SessionId),
    /// Put a run into focus.
    Focus(RunId),
    /// Mark a run, or take its mark off.
    Mark(RunId),
    /// Take all marks off.
    Unmark,
    /// Pin a run, or let it go.
    Pin(RunId),
    /// Put tags on a run, and take some off, as typed.
    Tag(RunId, String),
    /// Say something in the footer.
    Say(String),
    /// Put a text into the clipboard: what it is, in words, and the text.
    Copy(String, String),
    /// Open a line to type in.
    Type(Purpose, String),
    /// Open another overlay.
    Open(Box<Overlay>),
    /// Ask before commanding a run.
    Command(RunId, Action),
    /// Say in the footer what went wrong.
    Fail(String),
    /// A typed line is finished.
    Submit(Purpose, String),
    /// A line that counted while it was typed is finished.
    Typed(Purpose, String),
    /// Ask two encoders, which a child started with these arguments serves.
    Ask(SessionId, Vec<String>, Question),
    /// Start work for a session and watch it: what, in words, and the arguments.
    Job(SessionId, String, Vec<String>),
    /// Look into an encoder: its name, a text or a picture's path, and the arguments.
    Look(String, String, Vec<String>),
    /// Put a session's typed query away, by its id.
    Dismiss(SessionId, String),
    /// Write a note in a session; an empty one takes it back.
    Note(SessionId, Subject, String),
}

/// A question for two encoders, as the child that serves them reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// The line.
    pub line: Value,
    /// What its answer must stand on.
    pub expected: Expected,
}
