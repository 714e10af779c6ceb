//! What may lie over a screen: help, the palette, a question, a line to type in, a new run's form.

use super::differ::Differ;
use super::export::ExportForm;
use super::finder::Finder;
use super::form::Form;
use super::look::LookForm;
use super::newcompare::NewCompare;
use super::newrun::NewRun;
use super::{Effect, Shared};
use crate::tui::keys::{Action, Context, Key, action_of};
use crate::tui::screen::ScreenId;
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use serde_json::{Map, Value};

/// What a typed line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The filter of the list of runs.
    RunsFilter,
    /// Tags of a run.
    Tags,
    /// The filter of the list of queries.
    QuerySearch,
    /// A text that lines of the log must hold.
    LogSearch,
    /// A text or a picture's path that two encoders are asked for.
    Ask,
    /// Texts to choose from for a picture.
    Choose,
    /// A note on a query.
    Note,
    /// Where to go in a replay.
    Seek,
    /// A text that records of a replay must hold.
    Find,
    /// What a marked moment is called.
    Bookmark,
    /// The file a replay is written into.
    Film,
}

impl Purpose {
    /// The screen that is told while the line is typed.
    #[must_use]
    pub const fn screen(self) -> ScreenId {
        match self {
            Self::RunsFilter | Self::Tags => ScreenId::Runs,
            Self::QuerySearch | Self::Ask | Self::Choose | Self::Note => ScreenId::Inspect,
            Self::LogSearch => ScreenId::Log,
            Self::Seek | Self::Find | Self::Bookmark | Self::Film => ScreenId::Replay,
        }
    }

    /// What stands before the line.
    #[must_use]
    pub const fn prompt(self) -> &'static str {
        match self {
            Self::RunsFilter | Self::QuerySearch => "filter",
            Self::Tags => "tags",
            Self::LogSearch => "search",
            Self::Ask => "ask",
            Self::Choose => "choose among",
            Self::Note => "note",
            Self::Seek => "step, time or share",
            Self::Find => "find",
            Self::Bookmark => "mark, called",
            Self::Film => "write to .cast, .svg or .txt",
        }
    }

    /// Whether the line counts only when it is finished.
    #[must_use]
    pub const fn submits(self) -> bool {
        !matches!(self, Self::RunsFilter | Self::QuerySearch | Self::LogSearch)
    }

    /// The action that opened the line.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::RunsFilter => Action::Filter,
            Self::Tags => Action::Tag,
            Self::QuerySearch => Action::Search,
            Self::LogSearch => Action::LogSearch,
            Self::Ask => Action::Ask,
            Self::Choose => Action::Choose,
            Self::Note => Action::Note,
            Self::Seek => Action::Seek,
            Self::Find => Action::Find,
            Self::Bookmark => Action::Bookmark,
            Self::Film => Action::Film,
        }
    }
}

/// What a key does to this program itself, whatever lies over the screen: no overlay takes it away.
#[must_use]
pub(super) fn of_the_program(key: Key) -> Option<Action> {
    let action = action_of(key, &[Context::Global]).filter(|_| key.ctrl)?;
    matches!(action, Action::Quit | Action::Suspend | Action::Repaint).then_some(action)
}

/// What was chosen in an overlay.
#[derive(Debug)]
pub(super) enum Chosen {
    /// An action, as if its key had been pressed.
    Action(Action),
    /// An effect.
    Effect(Effect),
}

/// The overlay in front.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Keys of a screen, with a line that narrows them.
    Help {
        /// The screen it is for.
        screen: ScreenId,
        /// What they must hold.
        input: Input,
        /// The chosen one.
        cursor: Cursor,
    },
    /// All actions by name.
    Palette {
        /// The screen it was opened on.
        screen: ScreenId,
        /// What is looked for.
        input: Input,
        /// The chosen one.
        cursor: Cursor,
    },
    /// A question with yes and no.
    Question {
        /// In words.
        text: String,
        /// What yes does.
        yes: Box<Effect>,
    },
    /// A line to type in.
    Line {
        /// What for.
        purpose: Purpose,
        /// The line.
        input: Input,
        /// What it held before.
        before: String,
    },
    /// The form of a new run.
    NewRun(Box<NewRun>),
    /// Two recipes side by side.
    Differ(Box<Differ>),
    /// The form of a new comparison.
    NewCompare(Box<NewCompare>),
    /// An encoder looked into.
    Look(Box<LookForm>),
    /// Where a session's results are written to.
    Export(Box<ExportForm>),
}

impl Overlay {
    /// Help for a screen.
    #[must_use]
    pub fn help(screen: ScreenId) -> Self {
        Self::Help { screen, input: Input::default(), cursor: Cursor::default() }
    }

    /// The palette.
    #[must_use]
    pub fn palette(screen: ScreenId) -> Self {
        Self::Palette { screen, input: Input::default(), cursor: Cursor::default() }
    }

    /// A line to type in.
    #[must_use]
    pub fn line_for(purpose: Purpose, text: &str) -> Self {
        Self::Line { purpose, input: Input::new(text), before: text.to_owned() }
    }

    /// Whether it lies over the screen rather than in the footer.
    #[must_use]
    pub fn is_sheet(&self) -> bool {
        !matches!(self, Self::Line { .. })
    }

    /// The line being typed for a screen, if that is what this is.
    #[must_use]
    pub fn line(&self) -> Option<(Purpose, &str)> {
        match self {
            Self::Line { purpose, input, .. } if !purpose.submits() => {
                Some((*purpose, input.text()))
            }
            _ => None,
        }
    }

    /// What it holds, for the record where it is closed and nothing comes of it: the action that says so,
    /// and with what.
    pub(super) fn held(&mut self) -> (Action, Map<String, Value>) {
        let mut with = Map::new();
        let mut put = |key: &str, text: &str| {
            with.insert(key.to_owned(), text.into());
        };
        let action = match self {
            Self::Line { purpose, input, .. } => {
                put("text", input.text());
                purpose.action()
            }
            Self::Question { text, .. } => {
                put("question", text);
                Action::No
            }
            Self::Help { input, .. } | Self::Palette { input, .. } => {
                put("text", input.text());
                Action::Close
            }
            _ => {
                if let Some(form) = self.form()
                    && let Some(line) = form.line()
                {
                    put("text", line.text());
                }
                Action::Close
            }
        };
        if action == Action::Close {
            put("closed", self.name());
        }
        with.insert("taken".to_owned(), false.into());
        (action, with)
    }

    /// The action that opens it.
    fn name(&self) -> &'static str {
        let action = match self {
            Self::Help { .. } => Action::Help,
            Self::Palette { .. } => Action::Palette,
            Self::Question { .. } => Action::No,
            Self::Line { purpose, .. } => purpose.action(),
            Self::NewRun(_) => Action::NewRun,
            Self::Differ(_) => Action::Difference,
            Self::NewCompare(_) => Action::NewCompare,
            Self::Look(_) => Action::Encoder,
            Self::Export(_) => Action::Export,
        };
        action.entry().name
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Help { input, cursor, .. } | Self::Palette { input, cursor, .. } => {
                input.insert(text);
                *cursor = Cursor::default();
            }
            Self::Line { input, .. } => input.insert(text),
            Self::Question { .. } => {}
            _ => {
                if let Some(form) = self.form() {
                    form.paste(text);
                }
            }
        }
    }

    pub(super) fn form(&mut self) -> Option<&mut dyn Form> {
        match self {
            Self::NewRun(form) => Some(&mut **form),
            Self::Differ(form) => Some(&mut **form),
            Self::NewCompare(form) => Some(&mut **form),
            Self::Look(form) => Some(&mut **form),
            Self::Export(form) => Some(&mut **form),
            _ => None,
        }
    }

    /// Takes a key: whether the overlay stays, and what was chosen.
    pub(super) fn key(
        &mut self,
        key: Key,
        shared: &Shared,
        screen: ScreenId,
    ) -> (bool, Vec<Chosen>) {
        let action = match self {
            Self::Question { .. } => action_of(key, &[Context::Question]),
            _ => action_of(key, &[Context::Overlay]),
        };
        match self {
            Self::Question { yes, .. } => match action {
                Some(Action::Yes) => (false, vec![Chosen::Effect((**yes).clone())]),
                Some(Action::No) => (false, Vec::new()),
                _ => (true, Vec::new()),
            },
            Self::Help { input, cursor, screen } => {
                match action {
                    Some(Action::Close | Action::Accept) => return (false, Vec::new()),
                    Some(action) => {
                        cursor.act(action, Finder::Help.rows(input.text(), *screen).len());
                    }
                    None if key == Key::plain(ratatui::crossterm::event::KeyCode::Char('?')) => {
                        return (false, Vec::new());
                    }
                    None => {
                        if input.key(key) {
                            *cursor = Cursor::default();
                        }
                    }
                }
                (true, Vec::new())
            }
            Self::Palette { input, cursor, .. } => {
                let entries = Finder::Palette.rows(input.text(), screen);
                match action {
                    Some(Action::Close) => return (false, Vec::new()),
                    Some(Action::Accept) => {
                        let chosen =
                            entries.get(cursor.at).map(|entry| Chosen::Action(entry.action));
                        return (false, chosen.into_iter().collect());
                    }
                    Some(action) => {
                        cursor.act(action, entries.len());
                    }
                    None => {
                        if input.key(key) {
                            *cursor = Cursor::default();
                        }
                    }
                }
                (true, Vec::new())
            }
            Self::Line { input, before, purpose } => match action {
                Some(Action::Accept) if purpose.submits() => {
                    let effect = Effect::Submit(*purpose, input.text().to_owned());
                    (false, vec![Chosen::Effect(effect)])
                }
                Some(Action::Close) => {
                    *input = Input::new(before);
                    (false, Vec::new())
                }
                Some(Action::Accept) => {
                    let effect = Effect::Typed(*purpose, input.text().to_owned());
                    (false, vec![Chosen::Effect(effect)])
                }
                _ => {
                    input.key(key);
                    (true, Vec::new())
                }
            },
            _ => {
                let form = self.form().map(|form| form.key(key, action, shared));
                let (keep, effects) = form.unwrap_or_default();
                (keep, effects.into_iter().map(Chosen::Effect).collect())
            }
        }
    }
}
