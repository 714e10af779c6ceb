//! Runs: all runs of all sessions, live ones first, with a filter, an order, marks and pins.
//! `columns.rs` is what the list shows and is sorted by, `detail.rs` what stands below it.

mod columns;
mod detail;

pub use columns::role;

use super::{Screen, ScreenId, commands};
use crate::session::RunStatus;
use crate::session::names::RunId;
use crate::tui::app::newrun::NewRun;
use crate::tui::app::{Differ, Effect, Overlay, Purpose, READONLY, Shared};
use crate::tui::data::filter::Filter;
use crate::tui::data::library::RunEntry;
use crate::tui::keys::Action;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, paragraph, pointer, put, top};
use crate::tui::widget::table;
use columns::{COLUMNS, ORDERS, cells, compare};
use detail::welcome;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

/// The screen.
#[derive(Debug, Default)]
pub struct RunsScreen {
    cursor: Cursor,
    /// The selected run: it stays selected when the list moves.
    selected: Option<RunId>,
    /// The run it stood on when the screen came to the front.
    came_on: Option<RunId>,
    filter_text: String,
    filter: Filter,
    /// What is typed where it is no filter, and why not; what is complete of it stays in force, else the
    /// filter before.
    bad: Option<(String, String)>,
    /// The filter that was in force when this one began to be typed.
    before: (String, Filter),
    /// The run whose tags are typed.
    tagging: Option<RunId>,
    order: usize,
    reverse: bool,
    /// Whether it shows how things were: there is nothing to press on it.
    past: bool,
}

impl RunsScreen {
    /// The runs as listed: pinned ones, then those a runner works for, then the order chosen.
    fn listed<'a>(&self, shared: &'a Shared) -> Vec<&'a RunEntry> {
        let library = &shared.library;
        let fits = |run: &&RunEntry| {
            self.filter.is_empty()
                || self.filter.matches(run, &library.title(&run.id.session), &library.tags(&run.id))
        };
        let mut runs: Vec<&RunEntry> = library.runs.iter().filter(fits).collect();
        runs.sort_by(|a, b| {
            let place =
                |run: &RunEntry| (!shared.pins.contains(&run.id), !run.row.state.has_runner());
            place(a).cmp(&place(b)).then(compare(ORDERS[self.order], self.reverse, a, b))
        });
        runs
    }

    /// The selected run.
    #[must_use]
    pub fn selected<'a>(&self, shared: &'a Shared) -> Option<&'a RunId> {
        self.listed(shared).get(self.cursor.at).map(|run| &run.id)
    }

    /// Whether a line is the selected one. A run of another session that was selected is not there in a
    /// replay of this one.
    fn is_chosen(&self, at: usize, run: &RunEntry) -> bool {
        at == self.cursor.at && (!self.past || self.selected.as_ref() == Some(&run.id))
    }

    /// The run under the cursor, where the cursor was moved to it since the screen came to the front.
    #[must_use]
    pub fn chosen<'a>(&self, shared: &'a Shared) -> Option<&'a RunId> {
        self.selected.as_ref()?;
        self.selected(shared).filter(|run| self.came_on.as_ref() != Some(*run))
    }

    /// Lets the run under the cursor be the one the screen came to the front with.
    pub fn stay(&mut self, shared: &Shared) {
        self.remember(shared);
        self.came_on.clone_from(&self.selected);
    }

    /// Stands on a run; whether it is listed. Where it is not, once it is.
    pub fn stand_on(&mut self, run: &RunId, shared: &Shared) -> bool {
        self.selected = Some(run.clone());
        self.refresh(shared);
        self.selected(shared) == Some(run)
    }

    fn remember(&mut self, shared: &Shared) {
        self.selected = self.selected(shared).cloned();
    }

    /// The form of a new run: of a preset, after the selected run, or from its checkpoint.
    fn start(&self, action: Action, shared: &Shared) -> Vec<Effect> {
        let run = self.selected(shared).and_then(|id| shared.library.run(id));
        let form = match (action, run) {
            (Action::NewRun, _) => Ok(NewRun::new(shared, run)),
            (_, None) => return Vec::new(),
            (Action::Fork, Some(run)) => NewRun::fork(shared, run),
            (_, Some(run)) if run.row.state.has_runner() => {
                let mut form = NewRun::new(shared, Some(run));
                // The selected run stands first among those it can wait for.
                form.after = 1;
                Ok(form)
            }
            (_, Some(run)) => Err(format!(
                "{} is {}: only a run at work is waited for; n starts one now",
                shared.library.name(&run.id),
                run.row.state
            )),
        };
        match form {
            Ok(form) => vec![Effect::Open(Box::new(Overlay::NewRun(Box::new(form))))],
            Err(why) => vec![Effect::Fail(why)],
        }
    }

    /// The order in words: its column may not be among those shown.
    fn sorted(&self) -> String {
        let turned = if self.reverse { ", the other way round" } else { "" };
        format!("sorted by {}{turned}", COLUMNS[ORDERS[self.order]].title)
    }

    /// What is wrong with a filter that was typed and which one is in force, in lines above the list;
    /// and the area that is left.
    fn complain(&self, area: Rect) -> (Vec<(Role, String)>, Rect) {
        let Some((_, why)) = &self.bad else { return (Vec::new(), area) };
        let width = usize::from(area.width.saturating_sub(2).max(1));
        let wrong = text::wrap(&text::safe(why), width);
        let mut lines: Vec<(Role, String)> =
            wrong.into_iter().map(|line| (Role::Bad, line)).collect();
        lines.push((
            Role::Warn,
            match self.filter_text.as_str() {
                "" => "so no filter is in force: all runs are listed".to_owned(),
                text => format!("so the filter before is in force: {}", text::safe(text)),
            },
        ));
        lines.truncate(usize::from(area.height / 2));
        let rest = top(area, lines.len() as u16).1;
        (lines, rest)
    }

    fn nothing(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let area = Rect {
            x: area.x + 2,
            y: area.y + 1,
            width: area.width.saturating_sub(4),
            height: area.height.saturating_sub(1),
        };
        if !shared.library.scanned {
            paragraph(shared, buffer, area, Role::Dim, "Looking for runs...");
        } else if shared.library.runs.is_empty() && self.past {
            paragraph(shared, buffer, area, Role::Dim, "No runs yet.");
        } else if shared.library.runs.is_empty() {
            let starts = if shared.readonly {
                ""
            } else {
                "n   starts one: choose a preset, change its values\n"
            };
            let words = format!(
                "No runs yet.\n\n{starts}:   finds anything by name\n?   shows every key\n\nOr from a shell: llm2clip demo"
            );
            paragraph(shared, buffer, area, Role::Text, &words);
        } else {
            let clears = if self.past { "" } else { "\n\nesc clears the filter" };
            let words = format!("No run matches {:?}.{clears}", text::safe(&self.filter_text));
            paragraph(shared, buffer, area, Role::Text, &words);
        }
    }
}

impl Screen for RunsScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let count = self.listed(shared).len();
        if self.cursor.act(action, count) {
            self.remember(shared);
            return Vec::new();
        }
        let selected = self.selected(shared).cloned();
        let on_selected =
            |effect: &dyn Fn(RunId) -> Vec<Effect>| selected.clone().map_or_else(Vec::new, effect);
        match action {
            Action::Open => {
                on_selected(&|run| vec![Effect::Focus(run), Effect::Go(ScreenId::Train)])
            }
            Action::Mark => {
                let effects = on_selected(&|run| vec![Effect::Mark(run)]);
                self.cursor.act(Action::Down, count);
                self.remember(shared);
                effects
            }
            Action::Unmark => vec![Effect::Unmark],
            Action::Pin => on_selected(&|run| vec![Effect::Pin(run)]),
            Action::Copy => on_selected(&|run| {
                let name = run.to_string();
                vec![Effect::Copy(name.clone(), name)]
            }),
            Action::Filter => {
                self.before = (self.filter_text.clone(), self.filter.clone());
                let typed = self.bad.as_ref().map_or(&self.filter_text, |(typed, _)| typed);
                vec![Effect::Type(Purpose::RunsFilter, typed.clone())]
            }
            Action::SortNext => {
                self.order = (self.order + 1) % ORDERS.len();
                self.refresh(shared);
                vec![Effect::Say(self.sorted())]
            }
            Action::SortReverse => {
                self.reverse = !self.reverse;
                self.refresh(shared);
                vec![Effect::Say(self.sorted())]
            }
            Action::NewRun | Action::Queue | Action::Fork | Action::Tag if shared.readonly => {
                vec![Effect::Fail(READONLY.to_owned())]
            }
            Action::Tag => {
                self.tagging.clone_from(&selected);
                on_selected(&|_| vec![Effect::Type(Purpose::Tags, String::new())])
            }
            Action::NewRun | Action::Queue | Action::Fork => self.start(action, shared),
            Action::Difference => on_selected(&|run| match Differ::of(shared, &run) {
                Ok(differ) => vec![Effect::Open(Box::new(Overlay::Differ(Box::new(differ))))],
                Err(why) => vec![Effect::Fail(why)],
            }),
            Action::Checkpoint | Action::Pause | Action::Stop | Action::Resume => {
                on_selected(&|run| vec![Effect::Command(run, action)])
            }
            Action::Back if self.bad.is_some() => {
                self.bad = None;
                Vec::new()
            }
            Action::Back if !self.filter_text.is_empty() => {
                self.typed("", shared);
                vec![Effect::Say("filter cleared".to_owned())]
            }
            _ => Vec::new(),
        }
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        let listed = |focus: &&RunId| self.listed(shared).iter().any(|run| run.id == **focus);
        if let Some(focus) = shared.focus.as_ref().filter(listed) {
            self.selected = Some(focus.clone());
        }
        self.refresh(shared);
        self.stay(shared);
        Vec::new()
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        let mut with = Map::new();
        if let Some(run) = self.selected(shared) {
            with.insert("selected".to_owned(), run.to_string().into());
        }
        if !self.filter_text.is_empty() {
            with.insert("filter".to_owned(), self.filter_text.as_str().into());
        }
        with.insert("sort".to_owned(), COLUMNS[ORDERS[self.order]].title.into());
        if self.reverse {
            with.insert("reverse".to_owned(), true.into());
        }
        if !shared.marks.is_empty() {
            let marks: Vec<String> = shared.marks.iter().map(ToString::to_string).collect();
            with.insert("marked".to_owned(), marks.into());
        }
        with
    }

    fn restore(&mut self, with: &Map<String, Value>, shared: &Shared) {
        let text = |key: &str| with.get(key).and_then(Value::as_str);
        let title = |column: &usize| Some(COLUMNS[*column].title) == text("sort");
        let is_selected = |run: &&RunEntry| Some(run.id.to_string().as_str()) == text("selected");
        *self = Self {
            selected: shared.library.runs.iter().find(is_selected).map(|run| run.id.clone()),
            order: ORDERS.iter().position(title).unwrap_or(0),
            reverse: with.get("reverse").and_then(Value::as_bool).unwrap_or(false),
            past: true,
            ..Self::default()
        };
        self.typed(text("filter").unwrap_or_default(), shared);
    }

    fn typed(&mut self, text: &str, shared: &Shared) {
        match text.parse::<Filter>() {
            Ok(filter) => {
                text.clone_into(&mut self.filter_text);
                self.filter = filter;
                self.bad = None;
            }
            Err(error) => {
                let finished =
                    text.trim_end().rsplit_once(' ').map_or("", |(words, _)| words.trim());
                (self.filter_text, self.filter) = match finished.parse::<Filter>() {
                    Ok(filter) if !filter.is_empty() => (finished.to_owned(), filter),
                    _ => self.before.clone(),
                };
                self.bad = Some((text.to_owned(), error.to_string()));
            }
        }
        self.refresh(shared);
    }

    fn submitted(&mut self, purpose: Purpose, text: &str, _shared: &Shared) -> Vec<Effect> {
        match self.tagging.take() {
            Some(run) if purpose == Purpose::Tags => vec![Effect::Tag(run, text.to_owned())],
            _ => Vec::new(),
        }
    }

    fn refresh(&mut self, shared: &Shared) {
        let listed = self.listed(shared);
        let found = self
            .selected
            .as_ref()
            .and_then(|selected| listed.iter().position(|run| run.id == *selected));
        self.cursor.at = found.unwrap_or(self.cursor.at).min(listed.len().saturating_sub(1));
    }

    fn click(&mut self, _column: u16, row: u16, area: Rect, shared: &Shared) -> Vec<Effect> {
        let (list, _) = layout(self.complain(area).1);
        let count = self.listed(shared).len();
        let first = self.cursor.first(count, usize::from(list.height));
        if row < list.y || row >= list.bottom() {
            return Vec::new();
        }
        let at = first + usize::from(row - list.y);
        if at >= count {
            return Vec::new();
        }
        if at == self.cursor.at {
            return self.act(Action::Open, shared);
        }
        self.cursor.at = at;
        self.remember(shared);
        Vec::new()
    }

    fn wheel(&mut self, lines: i8, shared: &Shared) {
        self.cursor.shift(lines, self.listed(shared).len());
        self.remember(shared);
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let runs = self.listed(shared);
        let (complaint, area) = self.complain(area);
        for (at, (role, words)) in complaint.iter().enumerate() {
            let y = area.y - (complaint.len() - at) as u16;
            let line = Rect { y, height: 1, ..area };
            put(buffer, line, line.x + 1, y, words, shared.theme.style(*role));
        }
        let (list, below) = layout(area);
        let header = Rect { y: area.y, height: 1, x: area.x + 1, width: area.width - 1 };
        let sorted = Some((ORDERS[self.order], !self.reverse));
        table::header(shared, buffer, header, &COLUMNS, sorted);
        if runs.is_empty() {
            self.nothing(shared, list, buffer);
            return;
        }
        let first = self.cursor.first(runs.len(), usize::from(list.height));
        for (at, run) in runs.iter().enumerate().skip(first).take(usize::from(list.height)) {
            let y = list.y + (at - first) as u16;
            let chosen = self.is_chosen(at, run);
            let line = Rect { x: list.x + 1, width: list.width - 1, ..list };
            table::row(shared, buffer, line, y, &COLUMNS, &cells(shared, run), chosen);
            if chosen {
                pointer(shared, buffer, list, y);
            }
        }
        let rest = top(list, runs.len().saturating_sub(first) as u16 + 1).1;
        // While something is at work, the list is watched.
        if shared.library.live().next().is_none() && !self.past {
            welcome(shared, rest, buffer);
        }
        let chosen = runs.get(self.cursor.at).filter(|run| self.is_chosen(self.cursor.at, run));
        if let Some(run) = chosen {
            detail::detail(shared, run, self.past, below, buffer);
        }
        let seen = usize::from(list.height).min(runs.len() - first);
        let mut note = format!("{} of {} runs", runs.len(), shared.library.runs.len());
        for (count, word) in [(runs.len() - first - seen, "below"), (first, "above")] {
            if count > 0 {
                note = format!("{count} {word}, {note}");
            }
        }
        if !self.filter_text.is_empty() {
            note = format!("{note} match {}", text::safe(&self.filter_text));
        }
        let order = ORDERS[self.order];
        if table::fit(&COLUMNS, header.width).iter().all(|(at, ..)| *at != order) {
            let arrow = table::arrow(shared, !self.reverse);
            note = format!("{note} by {}{arrow}", COLUMNS[order].title);
        }
        if !shared.marks.is_empty() {
            note = format!("{note}, {} marked", shared.marks.len());
        }
        if !shared.library.scanned {
            note.push_str(", reading logs...");
        }
        let note = text::fit(&note, usize::from(area.width.saturating_sub(2)), shared.glyphs.cut());
        let y = list.bottom();
        let x = area.right().saturating_sub(text::width(&note) as u16 + 2);
        if y < area.bottom() {
            put(buffer, area, x, y, &format!(" {note} "), shared.theme.style(Role::Dim));
        }
    }

    fn commanded(&self, shared: &Shared) -> Option<RunStatus> {
        self.selected(shared).and_then(|id| shared.library.run(id)).map(|run| run.row.state)
    }

    fn hints(&self, shared: &Shared) -> Vec<Action> {
        let mut hints = vec![Action::Open, Action::Mark, Action::Filter, Action::SortNext];
        if shared.readonly {
            return hints;
        }
        hints.extend(commands(self.commanded(shared)));
        hints.push(Action::NewRun);
        hints
    }
}

/// The list (below its header) and the detail of the selected run.
fn layout(area: Rect) -> (Rect, Rect) {
    let rest = top(area, 1).1;
    let detail = if area.height >= 18 { 7 } else { 0 };
    bottom(rest, detail)
}
