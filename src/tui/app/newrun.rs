//! The form of a new run: a preset or a checkpoint of a run, the keys of its stages with their values,
//! checked while they are typed, and when it starts.

mod origin;
mod room;
mod start;
#[cfg(test)]
mod tests;

pub use origin::{Forked, Origin};

use super::form::{Form, beside, unscrolled};
use super::newrunview::{FIXED_LINES, NAMES, foot_lines, preset_at};
use super::shared::READONLY;
use super::{Effect, Shared};
use crate::recipe::{Estimate, Recipe, apply_set, difference, validate};
use crate::session::names::RunId;
use crate::tui::data::library::RunEntry;
use crate::tui::format;
use crate::tui::keys::{Action, Context, Key, action_of};
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use serde_json::Value;
use std::collections::BTreeMap;

/// What stands in a line of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The preset, or the checkpoint.
    Origin,
    /// `[STAGE.]KEY=VALUE`, separated by spaces.
    Quick,
    /// Now, or after which run.
    After,
    /// Whose keys stand below.
    Stage,
    /// One of those keys.
    Key(usize),
    /// Behind them all: what starts the run.
    Start,
}

/// Lines before the keys.
const FIXED: [Row; 4] = [Row::Origin, Row::Quick, Row::After, Row::Stage];
/// Lines a page turns.
const PAGE: usize = 8;
/// The keys most often changed; the others follow by name.
const FIRST: [&str; 11] = [
    "steps",
    "batch",
    "lr",
    "warmup",
    "schedule",
    "data",
    "captions",
    "max_tokens",
    "init",
    "trainable",
    "micro_batch",
];
/// Keys of the recipe itself.
const OWN: [&str; 3] = ["seed", "name", "report"];

/// What is wrong with what is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `STAGE.KEY` where it is one key's fault.
    pub place: String,
    /// In words.
    pub words: String,
}

/// A value in the line where it is typed, and what it was.
#[derive(Clone, Debug, PartialEq)]
struct Edit {
    input: Input,
    was: String,
}

impl Edit {
    fn is_change(&self) -> bool {
        self.input.text() != self.was
    }
}

/// The form.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// What the run starts from.
    pub origin: Origin,
    /// `[STAGE.]KEY=VALUE`, separated by spaces.
    pub quick: Input,
    /// Runs it can be started after.
    pub waits: Vec<RunId>,
    /// Which of them, from 1; 0: it starts now.
    pub after: usize,
    /// Which stage's keys are listed; beyond the last stage, the recipe's own.
    pub stage: usize,
    /// The line in front.
    pub at: usize,
    /// Typed values by `STAGE.KEY`.
    edits: BTreeMap<String, Edit>,
    resolved: Result<Recipe, Wrong>,
    /// What it will take, as far as that is known.
    pub estimate: Option<Result<Box<Estimate>, String>>,
    asked: Vec<String>,
    /// Whether it is asked if the run shall start.
    pub asking: bool,
}

impl NewRun {
    /// A form that starts from a preset; after a run, where one is named.
    #[must_use]
    pub fn new(shared: &Shared, selected: Option<&RunEntry>) -> Self {
        Self::of(Origin::Preset(0), shared, selected)
    }

    /// A form that starts from a run's newest checkpoint, or why there is none.
    ///
    /// # Errors
    /// Where the run has no checkpoint, or its recipe cannot be read.
    pub fn fork(shared: &Shared, run: &RunEntry) -> Result<Self, String> {
        Ok(Self::of(Origin::Run(Box::new(Forked::of(run)?)), shared, Some(run)))
    }

    fn of(origin: Origin, shared: &Shared, selected: Option<&RunEntry>) -> Self {
        let selected = selected.filter(|run| run.row.state.has_runner()).map(|run| &run.id);
        let others = shared.library.live().map(|run| &run.id);
        let others = others.filter(|run| Some(*run) != selected);
        let mut form = Self {
            stage: origin.first_stage(),
            resolved: Ok(origin.recipe()),
            origin,
            quick: Input::default(),
            waits: selected.into_iter().chain(others).cloned().collect(),
            after: 0,
            at: 0,
            edits: BTreeMap::new(),
            estimate: None,
            asked: Vec::new(),
            asking: false,
        };
        form.renew();
        form
    }

    /// The line in front.
    #[must_use]
    pub fn row(&self) -> Row {
        match self.at.checked_sub(FIXED.len()) {
            Some(at) if at < self.keys().len() => Row::Key(at),
            Some(_) => Row::Start,
            None => FIXED[self.at],
        }
    }

    /// The key that the list of keys has in its middle.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.at.saturating_sub(FIXED.len())
    }

    /// What is known of what it will take.
    #[must_use]
    pub fn known(&self) -> Option<&Estimate> {
        self.estimate.as_ref()?.as_deref().ok()
    }

    /// The stages whose keys can be listed, and the recipe itself: what they are called, from which
    /// place on.
    #[must_use]
    pub fn tabs(&self) -> (usize, Vec<String>) {
        let first = self.origin.first_stage();
        let recipe = self.origin.recipe();
        let stages = recipe.stages.iter().skip(first).map(|stage| stage.name.to_string());
        (first, stages.chain(["recipe".to_owned()]).collect())
    }

    /// The recipe as it stands, or what is wrong.
    ///
    /// # Errors
    /// Where a value is none, or the recipe cannot run.
    pub fn recipe(&self) -> Result<&Recipe, &Wrong> {
        self.resolved.as_ref()
    }

    /// The recipe without the typed values that are not in order.
    #[must_use]
    pub fn ground(&self) -> Recipe {
        let base = self.origin.recipe();
        let quick = self
            .quick
            .text()
            .split_whitespace()
            .try_fold(base.clone(), |recipe, set| apply_set(&recipe, set));
        quick.unwrap_or(base)
    }

    /// The keys listed, with their values before they were typed over: `STAGE.KEY`, key, value.
    #[must_use]
    pub fn keys(&self) -> Vec<(String, String, String)> {
        let recipe = self.ground();
        let Some(stage) = recipe.stages.get(self.stage) else {
            let json = serde_json::to_value(&recipe).unwrap_or_default();
            return OWN
                .map(|key| (key.to_owned(), key.to_owned(), format::value(&json[key])))
                .into();
        };
        let mut keys = Vec::new();
        flatten("", &serde_json::to_value(stage).unwrap_or_default(), &mut keys);
        keys.retain(|(key, _)| !["name", "objective"].contains(&key.as_str()));
        let place = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
        keys.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)).then(a.cmp(b)));
        let path = |key: &str| format!("{}.{key}", stage.name);
        keys.into_iter().map(|(key, value)| (path(&key), key, value)).collect()
    }

    /// The line in which a key's value is typed, once it is.
    #[must_use]
    pub fn edit(&self, path: &str) -> Option<&Input> {
        self.edits.get(path).map(|edit| &edit.input)
    }

    /// What is changed, key by key.
    #[must_use]
    pub fn changes(&self) -> Vec<String> {
        let Ok(now) = self.recipe() else { return Vec::new() };
        let rows = difference(&self.origin.recipe(), now);
        rows.iter()
            .map(|row| {
                format!("{}: {} becomes {}", row.key, format::value(&row.a), format::value(&row.b))
            })
            .collect()
    }

    /// The run this one waits for.
    #[must_use]
    pub fn waits_for(&self) -> Option<&RunId> {
        self.waits.get(self.after.checked_sub(1)?)
    }

    /// What is set, as `--set` takes it.
    fn sets(&self) -> Vec<String> {
        let quick = self.quick.text().split_whitespace().map(str::to_owned);
        let typed = self.edits.iter().filter(|(_, edit)| edit.is_change());
        let typed = typed.map(|(path, edit)| format!("{path}={}", edit.input.text()));
        quick.chain(typed).collect()
    }

    /// Forgets lines in which nothing was changed: their keys may get other values elsewhere.
    fn tidy(&mut self) {
        self.edits.retain(|_, edit| edit.is_change());
    }

    /// Reads everything anew.
    fn renew(&mut self) {
        self.resolved = self.resolve();
    }

    fn resolve(&self) -> Result<Recipe, Wrong> {
        let mut recipe = self.origin.recipe();
        for set in self.sets() {
            let place = set.split('=').next().unwrap_or_default().trim().to_owned();
            recipe = apply_set(&recipe, &set)
                .map_err(|error| Wrong { place, words: error.to_string() })?;
        }
        self.origin.check(&mut recipe, &self.sets())?;
        let problems = validate(&recipe);
        match problems.first() {
            None => Ok(recipe),
            Some(first) => {
                let more = match problems.len() {
                    1 => String::new(),
                    count => format!(" (and {} more)", count - 1),
                };
                Err(Wrong { place: first.place.clone(), words: format!("{first}{more}") })
            }
        }
    }

    /// The arguments that find out what it will take, where that was not asked yet.
    pub(super) fn ask(&mut self) -> Option<Vec<String>> {
        self.resolved.as_ref().ok()?;
        let mut arguments = vec!["recipes".to_owned(), self.origin.source()];
        arguments.extend(self.sets().into_iter().flat_map(|set| ["--set".to_owned(), set]));
        arguments.extend(["--estimate".to_owned(), "--json".to_owned()]);
        if arguments == self.asked {
            return None;
        }
        self.estimate = None;
        self.asked.clone_from(&arguments);
        Some(arguments)
    }

    /// What was found out, where that is still the question.
    pub(super) fn estimated(&mut self, asked: &[String], answer: Result<Box<Estimate>, String>) {
        if asked == self.asked {
            self.estimate = Some(answer);
        }
    }

    /// Another preset, checkpoint, run to wait for or stage.
    fn turn(&mut self, row: Row, back: bool) {
        match row {
            Row::Origin => {
                let before = self.origin.first_stage();
                self.origin.turn(back);
                if self.origin.first_stage() != before || matches!(self.origin, Origin::Preset(_)) {
                    self.begin();
                }
            }
            Row::After => self.after = beside(self.after, self.waits.len() + 1, back),
            _ => {
                let (first, tabs) = self.tabs();
                let starts = self.row() == Row::Start;
                self.stage = first + beside(self.stage - first, tabs.len(), back);
                let keys = FIXED.len() + self.keys().len();
                self.at = if starts { keys } else { self.at.min(keys - 1) };
            }
        }
        self.tidy();
        self.renew();
    }

    /// Lists the first stage of another recipe, unchanged.
    fn begin(&mut self) {
        self.stage = self.origin.first_stage();
        self.edits.clear();
    }

    fn move_by(&mut self, action: Action) -> bool {
        let last = FIXED.len() + self.keys().len();
        self.at = match action {
            // The line that starts it is one step from the first one.
            Action::OverlayUp => self.at.checked_sub(1).unwrap_or(last),
            Action::OverlayDown => self.at + 1,
            Action::OverlayPageUp => self.at.saturating_sub(PAGE),
            Action::OverlayPageDown => self.at + PAGE,
            _ => return false,
        }
        .min(last);
        self.tidy();
        true
    }
}

impl Form for NewRun {
    fn line(&mut self) -> Option<&mut Input> {
        match self.row() {
            _ if self.asking => None,
            Row::Quick => Some(&mut self.quick),
            Row::Key(at) => {
                let (path, _, value) = self.keys().into_iter().nth(at)?;
                let fresh = || Edit { input: Input::new(&value), was: value.clone() };
                Some(&mut self.edits.entry(path).or_insert_with(fresh).input)
            }
            _ => None,
        }
    }

    fn changed(&mut self) {
        if self.row() == Row::Quick {
            self.tidy();
        }
        self.renew();
    }

    fn accept(&mut self, shared: &Shared) -> (bool, Vec<Effect>) {
        if self.row() == Row::Start {
            return self.start(shared);
        }
        self.move_by(Action::OverlayDown);
        (true, Vec::new())
    }

    fn start(&mut self, shared: &Shared) -> (bool, Vec<Effect>) {
        if let Err(wrong) = self.recipe() {
            return (true, vec![Effect::Fail(wrong.words.clone())]);
        }
        if shared.readonly {
            return (true, vec![Effect::Fail(READONLY.to_owned())]);
        }
        if self.is_long(shared) {
            self.asking = true;
            return (true, Vec::new());
        }
        (false, vec![self.launch(shared)])
    }

    fn answered(&mut self, key: Key, shared: &Shared) -> Option<(bool, Vec<Effect>)> {
        if !self.asking {
            return None;
        }
        match action_of(key, &[Context::Question]) {
            Some(Action::Yes) => return Some((false, vec![self.launch(shared)])),
            Some(Action::No) => self.asking = false,
            _ => {}
        }
        Some((true, Vec::new()))
    }

    fn clicked(&mut self, (column, row): (u16, u16), inner: Rect) {
        if self.asking {
            return;
        }
        let (row, inner) = unscrolled(row, self.place(), inner);
        // As it is drawn: two lines of origin, one for each field, then the keys above the foot.
        let keys = self.keys().len();
        let foot = foot_lines(inner.height);
        let height = inner.height.saturating_sub(FIXED_LINES + foot);
        let first = Cursor { at: self.listed() }.first(keys, usize::from(height));
        let at = match row {
            0 | 1 => {
                let place = (column.saturating_sub(NAMES), row);
                if let Some(at) = preset_at(place, inner.width.saturating_sub(NAMES))
                    && matches!(self.origin, Origin::Preset(before) if before != at)
                {
                    self.origin = Origin::Preset(at);
                    self.begin();
                    self.renew();
                }
                0
            }
            2..=4 => usize::from(row) - 1,
            row if row < 5 + height => {
                (FIXED.len() + first + usize::from(row - 5)).min(FIXED.len() + keys - 1)
            }
            // The last line but one starts it.
            row if row + 2 == inner.height => FIXED.len() + keys,
            _ => return,
        };
        self.at = at;
        self.tidy();
    }

    fn wheel(&mut self, lines: i8) {
        if self.asking || (lines < 0 && self.at == 0) {
            return;
        }
        let action = if lines < 0 { Action::OverlayUp } else { Action::OverlayDown };
        self.move_by(action);
    }

    fn takes(&mut self, key: Key, action: Option<Action>, _shared: &Shared) -> bool {
        if action.is_some_and(|action| self.move_by(action)) {
            return true;
        }
        let row = self.row();
        let chooses = matches!(row, Row::Origin | Row::After | Row::Stage);
        match key.code {
            KeyCode::Tab => self.turn(Row::Stage, false),
            KeyCode::BackTab => self.turn(Row::Stage, true),
            KeyCode::Left if chooses => self.turn(row, true),
            KeyCode::Right | KeyCode::Char(' ') if chooses => self.turn(row, false),
            _ => return false,
        }
        true
    }
}

fn flatten(prefix: &str, value: &Value, keys: &mut Vec<(String, String)>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if value.is_object() {
            flatten(&path, value, keys);
        } else {
            keys.push((path, format::value(value)));
        }
    }
}
