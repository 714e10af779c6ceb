//! Train: a run's curves that tell the truth, its progress, its machine, its alerts, its console.
//!
//! | file | holds |
//! |---|---|
//! | `charts.rs` | which curves a chart holds |
//! | `panel.rs`, `device.rs` | the panel beside the charts, and the machine in it |
//! | `below.rs` | alerts, what happened, what was printed |

mod below;
mod charts;
mod device;
mod panel;
#[cfg(test)]
mod tests;

use super::{Screen, commands};
use crate::session::names::RunId;
use crate::session::sitting::Place;
use crate::session::{RunStatus, Time};
use crate::tui::app::{Effect, Shared};
use crate::tui::data::alerts::Alert;
use crate::tui::data::curve::XKind;
use crate::tui::data::library::OpenRun;
use crate::tui::keys::Action;
use crate::tui::theme::Role;
use crate::tui::widget::chart::{self, Look, Marker};
use crate::tui::widget::paint::{bottom, paragraph, right, top};
use below::Below;
use panel::Seen;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Shares of the past in the moving average, from none to much.
const SMOOTHINGS: [f64; 5] = [0.0, 0.5, 0.9, 0.97, 0.99];

/// The screen.
#[derive(Debug)]
pub struct TrainScreen {
    look: Look,
    smoothing: usize,
    /// Which measure the large chart shows, by name.
    measure: String,
    /// One stage alone.
    stage: Option<usize>,
    wide: bool,
    below: Below,
    /// The run that window, crosshair and stage are of.
    of: Option<RunId>,
    /// The runs as they were when the charts were held still.
    frozen: Option<BTreeMap<RunId, OpenRun>>,
}

impl Default for TrainScreen {
    fn default() -> Self {
        let look = Look {
            log_y: false,
            log_x: false,
            x: XKind::Step,
            window: None,
            smoothing: SMOOTHINGS[2],
            middle: false,
            marker: Marker::Braille,
            crosshair: None,
            superseded: true,
        };
        Self {
            look,
            smoothing: 2,
            measure: "loss".to_owned(),
            stage: None,
            wide: false,
            below: Below::default(),
            of: None,
            frozen: None,
        }
    }
}

impl TrainScreen {
    fn open<'a>(&'a self, shared: &'a Shared) -> &'a BTreeMap<RunId, OpenRun> {
        self.frozen.as_ref().unwrap_or(&shared.library.open)
    }

    fn seen(&self, shared: &Shared) -> Seen {
        Seen { now: shared.now, past: false, frozen: self.frozen.is_some() }
    }

    fn run<'a>(&'a self, shared: &'a Shared) -> Option<(&'a RunId, &'a OpenRun)> {
        let focus = shared.focus.as_ref()?;
        Some((focus, self.open(shared).get(focus)?))
    }

    /// Draws the run as some other fold has it, at another time: the picture of a replay.
    pub fn picture(
        &self,
        shared: &Shared,
        id: &RunId,
        runs: &BTreeMap<RunId, OpenRun>,
        now: Time,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let runs: Vec<(&RunId, &OpenRun)> = runs.iter().filter(|(run, _)| *run == id).collect();
        let seen = Seen { now, past: true, frozen: false };
        self.draw(shared, id, &runs, seen, area, buffer);
    }

    fn draw(
        &self,
        shared: &Shared,
        id: &RunId,
        runs: &[(&RunId, &OpenRun)],
        seen: Seen,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let Some((_, run)) = runs.first() else { return };
        let parts = self.layout(area);
        let mut large = charts::chart(self, shared, runs, &self.measure);
        large.title = self.title(shared, id, run);
        chart::draw(shared, &large, &self.look, parts.chart, buffer);
        let mut small = charts::measures(&run.state, self.stage)
            .into_iter()
            .filter(|name| *name != self.measure);
        for place in &parts.small {
            if let Some(measure) = small.next() {
                let one = charts::chart(self, shared, runs, &measure);
                chart::draw(shared, &one, &self.look, *place, buffer);
            }
        }
        if parts.panel.width > 0 {
            panel::progress(shared, id, run, seen, parts.panel, buffer);
        }
        if parts.events.height > 0 {
            below::draw(shared, run, seen, self.below, parts.events, buffer);
        }
    }

    /// What the large chart shows: of a stage that is looked at alone its name, and in the wide view,
    /// which has no panel, which run it is and what that does.
    fn title(&self, shared: &Shared, id: &RunId, run: &OpenRun) -> String {
        let mut title = self.measure.clone();
        let only = self.stage.and_then(|at| run.state.stages.get(at));
        if let Some(stage) = only {
            title.push_str(&format!(" of {}", stage.stage));
        }
        if self.wide {
            let (dot, sign) = (shared.glyphs.dot(), shared.glyphs.status(run.status));
            title.push_str(&format!(" {dot} {sign} {} {}", run.status, id.run));
            if let (None, Some(now)) = (only, run.state.stage_now()) {
                let (at, all) = (run.state.current.unwrap_or(0) + 1, run.state.stages.len());
                title.push_str(&format!(" {dot} {} ({at} of {all})", now.stage));
            }
        }
        title
    }

    /// In the wide view the console, where it was asked for, stands below the chart.
    fn layout(&self, area: Rect) -> Parts {
        layout(area, self.wide, self.below.console)
    }

    /// All of the axis below, over every run shown.
    fn span(&self, shared: &Shared) -> (f64, f64) {
        charts::span(self, &charts::runs(self, shared))
    }

    fn window(&self, shared: &Shared) -> (f64, f64) {
        self.look.window.unwrap_or_else(|| self.span(shared))
    }

    /// Looks at less or more of the axis, around the crosshair or the right end.
    fn zoom(&mut self, shared: &Shared, factor: f64) {
        let (all, now) = (self.span(shared), self.window(shared));
        let width = ((now.1 - now.0) * factor).clamp((all.1 - all.0) * 1e-6, all.1 - all.0);
        let at = self.look.crosshair.unwrap_or(now.1);
        let share = ((at - now.0) / (now.1 - now.0).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        let from = (at - width * share).clamp(all.0, all.1 - width);
        self.look.window = (width < (all.1 - all.0) * 0.999).then_some((from, from + width));
    }

    fn pan(&mut self, shared: &Shared, share: f64) {
        let (all, now) = (self.span(shared), self.window(shared));
        let width = now.1 - now.0;
        if let Some(at) = self.look.crosshair {
            let at = (at + width * share / 12.0).clamp(all.0, all.1);
            self.look.crosshair = Some(at);
            if at < now.0 || at > now.1 {
                self.centre(shared, at);
            }
            return;
        }
        if self.look.window.is_some() {
            let from = (now.0 + width * share).clamp(all.0, all.1 - width);
            self.look.window = Some((from, from + width));
        }
    }

    fn centre(&mut self, shared: &Shared, at: f64) {
        if let Some(window) = self.look.window {
            let (all, width) = (self.span(shared), window.1 - window.0);
            let from = (at - width / 2.0).clamp(all.0, (all.1 - width).max(all.0));
            self.look.window = Some((from, from + width));
        }
    }

    /// Puts the crosshair on an alert.
    fn jump(&mut self, shared: &Shared, by: isize) -> Vec<Effect> {
        let Some((_, run)) = self.run(shared) else { return Vec::new() };
        let silence = below::silence(run, self.seen(shared));
        let alerts: Vec<&Alert> = run.alerts.kept.iter().chain(&silence).collect();
        if alerts.is_empty() {
            return vec![Effect::Say("no alerts".to_owned())];
        }
        let last = alerts.len() - 1;
        let at = match self.below.alert {
            None => last,
            Some(at) => at.saturating_add_signed(by).min(last),
        };
        let place = charts::place_of(self, run, alerts[at]);
        self.below.alert = Some(at);
        if let Some(place) = place {
            self.look.crosshair = Some(place);
            self.centre(shared, place);
        }
        Vec::new()
    }

    fn measure_by(&mut self, shared: &Shared, by: usize) {
        let Some((_, run)) = self.run(shared) else { return };
        let names = charts::measures(&run.state, self.stage);
        let at = names.iter().position(|name| *name == self.measure).unwrap_or(0);
        if let Some(name) = names.get((at + by) % names.len().max(1)) {
            self.measure.clone_from(name);
        }
    }

    fn stage_by(&mut self, shared: &Shared, by: isize) {
        let Some((_, run)) = self.run(shared) else { return };
        let count = run.state.stages.len();
        let now = self.stage.or(run.state.current).unwrap_or(0);
        let at = if self.stage.is_none() { now } else { now.saturating_add_signed(by) };
        self.stage = Some(at.min(count.saturating_sub(1)));
        (self.look.window, self.look.crosshair) = (None, None);
    }
}

impl Screen for TrainScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::LogY => self.look.log_y = !self.look.log_y,
            Action::LogX if self.look.x == XKind::Clock => {
                let words = "the clock has no logarithmic axis; x puts something else below";
                return vec![Effect::Say(words.to_owned())];
            }
            Action::LogX => self.look.log_x = !self.look.log_x,
            Action::XAxis => {
                self.look.x = self.look.x.next();
                (self.look.window, self.look.crosshair) = (None, None);
            }
            Action::SmoothLess => self.smoothing = self.smoothing.saturating_sub(1),
            Action::SmoothMore => self.smoothing = (self.smoothing + 1).min(SMOOTHINGS.len() - 1),
            Action::ZoomIn => self.zoom(shared, 0.5),
            Action::ZoomOut => self.zoom(shared, 2.0),
            Action::ZoomReset => self.look.window = None,
            Action::PanLeft => self.pan(shared, -0.25),
            Action::PanRight => self.pan(shared, 0.25),
            Action::Crosshair => {
                self.look.crosshair = match self.look.crosshair {
                    Some(_) => None,
                    None => Some(charts::newest(self, shared)),
                };
            }
            Action::Outliers => self.look.middle = !self.look.middle,
            Action::Superseded => {
                self.look.superseded = !self.look.superseded;
                let again = self.run(shared).is_some_and(|(_, run)| charts::went_back(&run.state));
                let words = match (again, self.look.superseded) {
                    (false, _) => "no step of this run was made again by a later segment",
                    (true, true) => "steps that a later segment made again are shown, dim",
                    (true, false) => "steps that a later segment made again are hidden",
                };
                return vec![Effect::Say(words.to_owned())];
            }
            Action::Marker => {
                self.look.marker = self.look.marker.next();
                return vec![Effect::Say(format!("charts drawn with {}", self.look.marker.name()))];
            }
            Action::Freeze => {
                self.frozen = match self.frozen {
                    Some(_) => None,
                    None => Some(shared.library.open.clone()),
                };
                let words = if self.frozen.is_some() {
                    "charts held still; f lets them go"
                } else {
                    "charts move again"
                };
                return vec![Effect::Say(words.to_owned())];
            }
            Action::MetricNext => self.measure_by(shared, 1),
            Action::MetricPrevious => {
                let back = self
                    .run(shared)
                    .map_or(1, |(_, run)| charts::measures(&run.state, self.stage).len());
                self.measure_by(shared, back.max(1) - 1);
            }
            Action::StageNext => self.stage_by(shared, 1),
            Action::StagePrevious => self.stage_by(shared, -1),
            Action::StageAll => {
                self.stage = None;
                (self.look.window, self.look.crosshair) = (None, None);
            }
            Action::Wide => self.wide = !self.wide,
            Action::Console => self.below.console = !self.below.console,
            Action::AlertNext => return self.jump(shared, 1),
            Action::AlertPrevious => return self.jump(shared, -1),
            Action::Checkpoint | Action::Pause | Action::Stop | Action::Resume => {
                return shared
                    .focus
                    .iter()
                    .map(|run| Effect::Command(run.clone(), action))
                    .collect();
            }
            Action::Back => {
                let set = self.look.crosshair.take().is_some()
                    || self.look.window.take().is_some()
                    || self.frozen.take().is_some()
                    || self.stage.take().is_some();
                self.below.alert = None;
                if set {
                    return vec![Effect::Say("all of the run again".to_owned())];
                }
            }
            _ => {}
        }
        self.look.smoothing = SMOOTHINGS[self.smoothing];
        if shared.glyphs.ascii {
            self.look.marker = Marker::Ascii;
        }
        Vec::new()
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        if shared.glyphs.ascii {
            self.look.marker = Marker::Ascii;
        }
        (self.frozen, self.below.alert) = (None, None);
        if self.of != shared.focus {
            self.of.clone_from(&shared.focus);
            (self.look.window, self.look.crosshair, self.stage) = (None, None, None);
        }
        Vec::new()
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        let mut with = Map::new();
        let mut put = |key: &str, value: Value| drop(with.insert(key.to_owned(), value));
        put("measure", self.measure.as_str().into());
        put("x", self.look.x.name().into());
        put("smoothing", self.look.smoothing.into());
        if self.look.log_y {
            put("log_y", true.into());
        }
        if let Some(at) = self.look.crosshair {
            put("crosshair", at.into());
        }
        if let Some((from, to)) = self.look.window {
            put("window", vec![from, to].into());
        }
        let stage = self.stage.zip(self.run(shared));
        if let Some(stage) = stage.and_then(|(at, (_, run))| run.state.stages.get(at)) {
            put("stage", stage.stage.as_str().into());
        }
        with
    }

    fn moment(&self, shared: &Shared) -> Option<Place> {
        let (id, run) = self.run(shared)?;
        charts::moment(self, id, run, self.look.crosshair?)
    }

    fn click(&mut self, column: u16, row: u16, area: Rect, shared: &Shared) -> Vec<Effect> {
        let chart = self.layout(area).chart;
        if row >= chart.y && row < chart.bottom() && column >= chart.x + 6 && column < chart.right()
        {
            let window = self.window(shared);
            let share =
                f64::from(column - chart.x - 6) / f64::from(chart.width.saturating_sub(7).max(1));
            let first = charts::first(self, &charts::runs(self, shared));
            let axis = chart::axis_below(window, first, &self.look);
            self.look.crosshair = Some(axis.value(share.clamp(0.0, 1.0)));
        }
        Vec::new()
    }

    fn wheel(&mut self, lines: i8, shared: &Shared) {
        self.zoom(shared, if lines < 0 { 0.8 } else { 1.25 });
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let Some((id, _)) = self.run(shared) else {
            let words = match &shared.focus {
                Some(run) => format!("Reading {run}..."),
                None if shared.library.runs.is_empty() => {
                    "No run to show yet.\n\n1   the list of runs\nn   there starts one".to_owned()
                }
                None => "No run chosen.\n\n1   the list of runs; enter opens one".to_owned(),
            };
            let inner = Rect {
                x: area.x + 2,
                y: area.y + 1,
                width: area.width.saturating_sub(4),
                height: area.height.saturating_sub(1),
            };
            paragraph(shared, buffer, inner, Role::Dim, &words);
            return;
        };
        let runs: Vec<(&RunId, &OpenRun)> = charts::runs(self, shared);
        self.draw(shared, id, &runs, self.seen(shared), area, buffer);
    }

    fn commanded(&self, shared: &Shared) -> Option<RunStatus> {
        self.run(shared).map(|(_, run)| run.status)
    }

    fn hints(&self, shared: &Shared) -> Vec<Action> {
        let status = self.commanded(shared).filter(|_| !shared.readonly);
        let mut hints = commands(status).to_vec();
        hints.extend([
            Action::MetricNext,
            Action::LogY,
            Action::XAxis,
            Action::SmoothMore,
            Action::ZoomIn,
            Action::Crosshair,
        ]);
        hints
    }
}

/// Where the parts of the screen are.
struct Parts {
    chart: Rect,
    small: Vec<Rect>,
    panel: Rect,
    events: Rect,
}

/// Below so many lines, the panel keeps them all: what happened stands beside it.
const LOW: u16 = 14;

fn layout(area: Rect, wide: bool, console: bool) -> Parts {
    let (upper, events) = bottom(area, (area.height / 4).clamp(4, 10));
    if wide {
        let (chart, events) = if console { (upper, events) } else { (area, Rect::ZERO) };
        return Parts { chart, small: Vec::new(), panel: Rect::ZERO, events };
    }
    let panel = if area.width >= 110 { 34 } else { 28 };
    if area.height < LOW {
        let (left, panel) = right(area, panel);
        let left = Rect { width: left.width.saturating_sub(1), ..left };
        let (chart, events) = bottom(left, (area.height / 2).min(4));
        return Parts { chart, small: Vec::new(), panel, events };
    }
    let (left, panel) = right(upper, panel);
    let left = Rect { width: left.width.saturating_sub(1), ..left };
    let rows = if upper.height >= 34 { 2 } else { u16::from(upper.height >= 22) };
    let columns = if left.width >= 100 { 3 } else { 2 };
    let each = (upper.height * 2 / 5).checked_div(rows).map_or(0, |each| each.clamp(7, 12));
    let (chart, mut rest) = bottom(left, each * rows);
    let mut small = Vec::new();
    for _ in 0..rows {
        let (row, below) = top(rest, each);
        let width = row.width / columns;
        for column in 0..columns {
            let gap = u16::from(column + 1 < columns);
            small.push(Rect { x: row.x + column * width, width: width.saturating_sub(gap), ..row });
        }
        rest = below;
    }
    Parts { chart, small, panel, events }
}
