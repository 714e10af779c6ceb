//! The screens, a file or folder each, behind one trait: a screen changes itself on an action,
//! asks for what lies outside it, and draws itself from plain values. `gone.rs` is for two of them: a
//! result that was looked at and cannot be shown any more.

pub mod compare;
mod gone;
pub mod inspect;
pub mod log;
pub mod replay;
pub mod runs;
pub mod system;
pub mod train;

use super::app::{Effect, Purpose, Shared};
use super::data::joining::JoinPart;
use super::keys::{Action, Context};
use super::picture::Key as PictureKey;
use crate::session::RunStatus;
use crate::session::sitting::Place;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

/// Which screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScreenId {
    /// All runs of all sessions.
    #[default]
    Runs,
    /// One run's curves and progress.
    Train,
    /// Encoders by metrics.
    Compare,
    /// Single queries under two encoders.
    Inspect,
    /// A session as it happened.
    Replay,
    /// Processor, memory, disk, runners.
    System,
    /// Records and printed lines.
    Log,
}

impl ScreenId {
    /// All, in the order of their keys.
    pub const ALL: [Self; 7] = [
        Self::Runs,
        Self::Train,
        Self::Compare,
        Self::Inspect,
        Self::Replay,
        Self::System,
        Self::Log,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Runs => "Runs",
            Self::Train => "Train",
            Self::Compare => "Compare",
            Self::Inspect => "Inspect",
            Self::Replay => "Replay",
            Self::System => "System",
            Self::Log => "Log",
        }
    }

    /// The action that shows it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Runs => Action::ShowRuns,
            Self::Train => Action::ShowTrain,
            Self::Compare => Action::ShowCompare,
            Self::Inspect => Action::ShowInspect,
            Self::Replay => Action::ShowReplay,
            Self::System => Action::ShowSystem,
            Self::Log => Action::ShowLog,
        }
    }

    /// The contexts in force on it, the nearest first.
    #[must_use]
    pub const fn contexts(self) -> &'static [Context] {
        use Context::{
            Chart, Compare, Control, Global, Inspect, List, Log, Replay, Runs, System, Train,
        };
        match self {
            Self::Runs => &[Runs, Control, List, Global],
            Self::Train => &[Train, Control, Chart, Global],
            Self::Compare => &[Compare, List, Global],
            Self::Inspect => &[Inspect, List, Global],
            Self::Replay => &[Replay, Global],
            Self::System => &[System, Control, List, Global],
            Self::Log => &[Log, List, Global],
        }
    }

    /// The screen an action belongs to, where it belongs to one.
    #[must_use]
    pub fn of(context: Context) -> Option<Self> {
        Some(match context {
            Context::Runs | Context::Control | Context::List => Self::Runs,
            Context::Train | Context::Chart => Self::Train,
            Context::Compare => Self::Compare,
            Context::Inspect => Self::Inspect,
            Context::Replay => Self::Replay,
            Context::System => Self::System,
            Context::Log => Self::Log,
            Context::Global | Context::Overlay | Context::Question => return None,
        })
    }
}

/// The commands that a run takes which is doing that; of none where none is known.
#[must_use]
pub fn commands(status: Option<RunStatus>) -> &'static [Action] {
    match status {
        Some(RunStatus::Live | RunStatus::Paused) => {
            &[Action::Checkpoint, Action::Pause, Action::Stop]
        }
        Some(RunStatus::Queued) => &[Action::Stop],
        Some(status) if status.can_resume() => &[Action::Resume],
        _ => &[],
    }
}

/// What a screen says where no session is there, and where to go from there.
fn no_session(shared: &Shared) -> String {
    if !shared.library.scanned {
        return "Looking for sessions...".to_owned();
    }
    let starts =
        if shared.readonly { "" } else { "1 n start a run: choose a preset, change its values\n" };
    format!(
        "No session yet: a run makes one.\n\n{starts}1   the list of runs\n?   every key that works here\n\nFrom a shell: llm2clip demo"
    )
}

/// One screen. Everything here is pure: no clock, no file.
pub trait Screen {
    /// An action was asked for.
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect>;

    /// A line that this screen asked for changes while it is typed.
    fn typed(&mut self, _text: &str, _shared: &Shared) {}

    /// A line that this screen asked for is finished.
    fn submitted(&mut self, _purpose: Purpose, _text: &str, _shared: &Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// What is looked at, for the record: names and ids.
    fn looked_at(&self, _shared: &Shared) -> Map<String, Value> {
        Map::new()
    }

    /// Looks again at what a record says was looked at.
    fn restore(&mut self, _with: &Map<String, Value>, _shared: &Shared) {}

    /// A moment of the run in focus that is pointed at: what a mark is set on.
    fn moment(&self, _shared: &Shared) -> Option<Place> {
        None
    }

    /// The results whose one table it shows.
    fn joins(&self, _shared: &Shared) -> Option<Vec<JoinPart>> {
        None
    }

    /// The pictures it shows in an area, and where.
    fn slots(&self, _shared: &Shared, _area: Rect) -> Vec<(PictureKey, Rect)> {
        Vec::new()
    }

    /// The screen came to the front.
    fn entered(&mut self, _shared: &Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// What it shows may have changed.
    fn refresh(&mut self, _shared: &Shared) {}

    /// What it found when that changed and the footer is to say, once.
    fn noticed(&mut self) -> Option<String> {
        None
    }

    /// The left button was pressed in its area.
    fn click(&mut self, _column: u16, _row: u16, _area: Rect, _shared: &Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// The wheel was turned; up is negative.
    fn wheel(&mut self, _lines: i8, _shared: &Shared) {}

    /// Draws it.
    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer);

    /// What the run is doing that a command would go to.
    fn commanded(&self, _shared: &Shared) -> Option<RunStatus> {
        None
    }

    /// The actions worth a place in the footer now.
    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        Vec::new()
    }
}
