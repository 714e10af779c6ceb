//! Runs: all runs of all sessions, live ones first, with a filter, an order, marks and pins.

use super::{Screen, ScreenId};
use crate::session::RunStatus;
use crate::session::names::RunId;
use crate::tui::app::{Effect, Overlay, Purpose, Shared};
use crate::tui::data::filter::Filter;
use crate::tui::data::library::RunEntry;
use crate::tui::format;
use crate::tui::keys::Action;
use crate::tui::msg::Cmd;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, paragraph, pieces, pointer, put, section, top};
use crate::tui::widget::table::{self, Column};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// The columns; the first is the state with its marks.
const COLUMNS: [Column; 12] = [
    Column { title: "state", width: 11, right: false, from: 0 },
    Column { title: "run", width: 0, right: false, from: 0 },
    Column { title: "stage", width: 19, right: false, from: 96 },
    Column { title: "step", width: 15, right: true, from: 0 },
    Column { title: "done", width: 5, right: true, from: 84 },
    Column { title: "loss", width: 8, right: true, from: 0 },
    Column { title: "best", width: 15, right: true, from: 112 },
    Column { title: "left", width: 6, right: true, from: 0 },
    Column { title: "began", width: 12, right: true, from: 72 },
    Column { title: "loss over steps", width: 20, right: false, from: 150 },
    Column { title: "device", width: 7, right: false, from: 132 },
    Column { title: "seed", width: 5, right: true, from: 170 },
];

/// What the list can be sorted by: columns that order runs.
const ORDERS: [usize; 8] = [8, 0, 1, 2, 4, 5, 6, 7];

/// The screen.
#[derive(Debug, Default)]
pub struct RunsScreen {
    cursor: Cursor,
    /// The selected run: it stays selected when the list moves.
    selected: Option<RunId>,
    filter_text: String,
    filter: Filter,
    filter_error: Option<String>,
    order: usize,
    reverse: bool,
}

/// A rank of states: what runs comes first.
const fn rank(status: RunStatus) -> u8 {
    match status {
        RunStatus::Live => 0,
        RunStatus::Paused => 1,
        RunStatus::Queued => 2,
        RunStatus::Crashed => 3,
        RunStatus::Failed => 4,
        RunStatus::Unknown => 5,
        RunStatus::Stopped => 6,
        RunStatus::Done => 7,
    }
}

/// The role of a state.
#[must_use]
pub const fn role(status: RunStatus) -> Role {
    match status {
        RunStatus::Live => Role::Good,
        RunStatus::Paused | RunStatus::Queued => Role::Warn,
        RunStatus::Failed | RunStatus::Crashed => Role::Bad,
        RunStatus::Done => Role::Text,
        RunStatus::Stopped | RunStatus::Unknown => Role::Dim,
    }
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
            let order = self.compare(a, b);
            place(a).cmp(&place(b)).then(if self.reverse { order.reverse() } else { order })
        });
        runs
    }

    fn compare(&self, a: &RunEntry, b: &RunEntry) -> Ordering {
        // What is not known comes last.
        let number = |a: Option<f64>, b: Option<f64>| {
            (a.is_none()).cmp(&b.is_none()).then(a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0)))
        };
        match ORDERS[self.order] {
            0 => rank(a.row.state).cmp(&rank(b.row.state)),
            1 => a.id.run.cmp(&b.id.run),
            2 => a.row.stage.cmp(&b.row.stage),
            4 => b.share.total_cmp(&a.share),
            5 => number(a.row.loss, b.row.loss),
            6 => number(a.best.as_ref().map(|best| best.1), b.best.as_ref().map(|best| best.1)),
            7 => number(a.row.eta_s, b.row.eta_s),
            _ => b.began.cmp(&a.began),
        }
    }

    /// The selected run.
    #[must_use]
    pub fn selected<'a>(&self, shared: &'a Shared) -> Option<&'a RunId> {
        self.listed(shared).get(self.cursor.at).map(|run| &run.id)
    }

    fn remember(&mut self, shared: &Shared) {
        self.selected = self.selected(shared).cloned();
    }

    fn cells(shared: &Shared, run: &RunEntry) -> Vec<table::Cell> {
        let none = || (Role::Dim, shared.glyphs.none().to_owned());
        let status = run.row.state;
        let some = |value: Option<String>| value.map_or_else(none, |value| (Role::Text, value));
        let marked = if shared.pins.contains(&run.id) {
            shared.glyphs.pin()
        } else if shared.marks.contains(&run.id) {
            shared.glyphs.mark()
        } else {
            " "
        };
        let requested = shared.requested(&run.id);
        let state = match requested.first() {
            Some(command) => format!("{marked}{} {command}?", shared.glyphs.status(status)),
            None => format!("{marked}{} {status}", shared.glyphs.status(status)),
        };
        let steps = format!("{}/{}", format::count(run.row.step), format::count(run.row.steps));
        let stage = run.row.stage.as_ref().map(|stage| {
            if run.stage.1 > 1 {
                format!("{}/{} {stage}", run.stage.0, run.stage.1)
            } else {
                stage.to_string()
            }
        });
        let best = run.best.as_ref().map(|(what, value)| {
            if what == "loss" {
                format::number(*value)
            } else {
                format!("R@1 {}", format::percent(*value))
            }
        });
        let left = run.row.eta_s.filter(|_| status.has_runner()).map(format::short_duration);
        vec![
            (role(status), state),
            (Role::Text, run.id.run.to_string()),
            some(stage),
            if run.row.steps == 0 { none() } else { (Role::Text, steps) },
            (Role::Dim, format!("{:.0} %", run.share * 100.0)),
            some(run.row.loss.map(format::number)),
            some(best),
            some(left),
            some(run.began.map(|began| format::moment(began, shared.now))),
            (Role::Curve(0), shared.glyphs.spark(&halved(&run.spark))),
            (Role::Dim, run.device.clone()),
            (Role::Dim, run.seed.to_string()),
        ]
    }

    fn detail(shared: &Shared, run: &RunEntry, area: Rect, buffer: &mut Buffer) {
        let title = text::safe(&shared.library.title(&run.id.session));
        let inner = section(
            shared,
            buffer,
            area,
            &format!("{} {} {title}", run.id.run, shared.glyphs.dot()),
            "",
        );
        let mut lines: Vec<Vec<(Role, String)>> = Vec::new();
        let label = |word: &str| (Role::Dim, format!("{word:<9}"));
        let status = run.row.state;
        let mut state = vec![
            label("state"),
            (role(status), format!("{} {status}", shared.glyphs.status(status))),
        ];
        if let Some(reason) = &run.reason {
            state.push((Role::Dim, format!("  {}", text::safe(reason))));
        } else if status.can_resume() {
            state.push((Role::Dim, "  R goes on from its newest checkpoint".to_owned()));
        }
        lines.push(state);
        let stage = run
            .row
            .stage
            .as_ref()
            .map_or_else(|| shared.glyphs.none().to_owned(), ToString::to_string);
        let width = usize::from(area.width / 3).clamp(10, 40);
        lines.push(vec![
            label("stage"),
            (Role::Text, format!("{stage} ({} of {})  ", run.stage.0, run.stage.1)),
            (Role::Good, shared.glyphs.gauge(run.share, width.min(24))),
            (Role::Text, format!(" {:.0} %", run.share * 100.0)),
        ]);
        lines.push(vec![
            label("loss"),
            (Role::Curve(0), shared.glyphs.spark(&run.spark)),
            (
                Role::Text,
                run.row.loss.map_or_else(String::new, |loss| format!(" {}", format::number(loss))),
            ),
        ]);
        let mut about = format!("{} {} {}", run.host, shared.glyphs.dot(), run.device);
        about.push_str(&format!(" {} seed {}", shared.glyphs.dot(), run.seed));
        if run.segments > 1 {
            about.push_str(&format!(" {} {} segments", shared.glyphs.dot(), run.segments));
        }
        if run.warnings > 0 {
            about.push_str(&format!(" {} {} warnings", shared.glyphs.dot(), run.warnings));
        }
        lines.push(vec![label("on"), (Role::Text, text::safe(&about))]);
        lines.push(vec![label("session"), (Role::Text, run.id.session.to_string())]);
        if let Some(digest) = &run.row.final_digest {
            lines.push(vec![label("digest"), (Role::Text, digest.to_string())]);
        }
        for (at, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
            let parts: Vec<(Role, &str)> =
                line.iter().map(|(role, words)| (*role, words.as_str())).collect();
            pieces(shared, buffer, inner, inner.x + 1, inner.y + at as u16, &parts);
        }
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
        } else if shared.library.runs.is_empty() {
            let words = "No runs yet.\n\nn   starts one: choose a preset, change its values\n:   finds anything by name\n?   shows every key\n\nOr from a shell: llm2clip demo";
            paragraph(shared, buffer, area, Role::Text, words);
        } else {
            let words = format!("No run matches {:?}.\n\nesc clears the filter", self.filter_text);
            paragraph(shared, buffer, area, Role::Text, &words);
        }
    }
}

/// Two neighbours as one.
fn halved(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let pair = |pair: &[Option<f64>]| {
        let known: Vec<f64> = pair.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    values.chunks(2).map(pair).collect()
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
                vec![Effect::Say(format!("copied {name}")), Effect::Do(Cmd::Copy(name))]
            }),
            Action::Filter => vec![Effect::Type(Purpose::RunsFilter, self.filter_text.clone())],
            Action::SortNext => {
                self.order = (self.order + 1) % ORDERS.len();
                self.refresh(shared);
                Vec::new()
            }
            Action::SortReverse => {
                self.reverse = !self.reverse;
                self.refresh(shared);
                Vec::new()
            }
            Action::NewRun => {
                vec![Effect::Open(Box::new(Overlay::NewRun(Box::default())))]
            }
            Action::Checkpoint | Action::Pause | Action::Stop | Action::Resume => {
                on_selected(&|run| vec![Effect::Command(run, action)])
            }
            Action::Back if !self.filter_text.is_empty() => {
                self.typed("", shared);
                vec![Effect::Say("filter cleared".to_owned())]
            }
            _ => Vec::new(),
        }
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
        with
    }

    fn typed(&mut self, text: &str, shared: &Shared) {
        text.clone_into(&mut self.filter_text);
        match text.parse::<Filter>() {
            Ok(filter) => {
                self.filter = filter;
                self.filter_error = None;
            }
            Err(error) => self.filter_error = Some(error.to_string()),
        }
        self.refresh(shared);
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
        let (list, _) = layout(area);
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
        let (list, detail) = layout(area);
        let header = Rect { y: area.y, height: 1, x: area.x + 1, width: area.width - 1 };
        if let Some(error) = &self.filter_error {
            put(buffer, header, header.x, header.y, error, shared.theme.style(Role::Bad));
        } else {
            table::header(
                shared,
                buffer,
                header,
                &COLUMNS,
                Some((ORDERS[self.order], !self.reverse)),
            );
        }
        if runs.is_empty() {
            self.nothing(shared, list, buffer);
            return;
        }
        let first = self.cursor.first(runs.len(), usize::from(list.height));
        for (at, run) in runs.iter().enumerate().skip(first).take(usize::from(list.height)) {
            let y = list.y + (at - first) as u16;
            let chosen = at == self.cursor.at;
            let line = Rect { x: list.x + 1, width: list.width - 1, ..list };
            table::row(shared, buffer, line, y, &COLUMNS, &Self::cells(shared, run), chosen);
            if chosen {
                pointer(shared, buffer, list, y);
            }
        }
        let rest = top(list, runs.len().saturating_sub(first) as u16 + 1).1;
        if shared.library.runs.len() <= FEW && shared.library.live().next().is_none() {
            welcome(shared, rest, buffer);
        }
        if let Some(run) = runs.get(self.cursor.at) {
            Self::detail(shared, run, detail, buffer);
        }
        let mut note = format!("{} of {} runs", runs.len(), shared.library.runs.len());
        if !self.filter_text.is_empty() {
            note = format!("{note} match {}", text::safe(&self.filter_text));
        }
        if !shared.marks.is_empty() {
            note = format!("{note}, {} marked", shared.marks.len());
        }
        if !shared.library.scanned {
            note.push_str(", reading logs...");
        }
        let y = list.bottom();
        let x = area.right().saturating_sub(text::width(&note) as u16 + 2);
        if y < area.bottom() {
            put(buffer, area, x, y, &format!(" {note} "), shared.theme.style(Role::Dim));
        }
    }

    fn hints(&self, shared: &Shared) -> Vec<Action> {
        let live =
            self.selected(shared).and_then(|id| shared.library.run(id)).map(|run| run.row.state);
        let mut hints = vec![Action::Open, Action::Mark, Action::Filter, Action::SortNext];
        match live {
            Some(status) if status.has_runner() => {
                hints.extend([Action::Checkpoint, Action::Pause, Action::Stop]);
            }
            Some(status) if status.can_resume() => hints.push(Action::Resume),
            _ => {}
        }
        hints.push(Action::NewRun);
        hints
    }
}

/// Runs up to which someone is taken to be new here.
const FEW: usize = 3;

/// What to press next, where there is little to see and room to say it.
fn welcome(shared: &Shared, area: Rect, buffer: &mut Buffer) {
    let lines = [
        ("enter", "opens the chosen run: its curves, and what happened"),
        ("3 4", "compare its encoders, and inspect single queries, where it has results"),
        ("5", "plays its session again; space plays and holds"),
        ("n", "starts a run of your own; it goes on when you leave"),
        ("?", "every key of a screen, : any action by name"),
    ];
    if usize::from(area.height) < lines.len() + 1 {
        return;
    }
    for (at, (key, what)) in lines.iter().enumerate() {
        let key = text::right(key, 8, "");
        let parts = [(Role::Key, key.as_str()), (Role::Dim, "  "), (Role::Dim, what)];
        pieces(shared, buffer, area, area.x, area.y + at as u16, &parts);
    }
    let y = area.y + lines.len() as u16;
    let words = "          llm2clip demo   trains, compares and inspects in about five minutes";
    put(buffer, area, area.x, y, words, shared.theme.style(Role::Dim));
}

/// The list (below its header) and the detail of the selected run.
fn layout(area: Rect) -> (Rect, Rect) {
    let rest = top(area, 1).1;
    let detail = if area.height >= 18 { 7 } else { 0 };
    bottom(rest, detail)
}
