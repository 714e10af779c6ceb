//! How the form of a new run looks, and when its estimate is asked for.

use super::form::within;
use super::frame::sheet_width;
use super::newrun::{NewRun, Origin, Row};
use super::{App, Overlay, Shared};
use crate::recipe::{Estimate, StageTime, meaning, names};
use crate::tui::data::pace::{pace, parts, source, threads};
use crate::tui::format;
use crate::tui::msg::{Cmd, Work};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, put, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns before a field's value.
pub(super) const NAMES: u16 = 9;
/// Lines above the keys: two of origin, one for each field.
pub(super) const FIXED_LINES: u16 = 5;
/// Cells of a key, and of its value.
const KEY: usize = 26;

/// Lines below the keys where the inside of the form has so many: in little room the chosen line is not
/// explained, and the device not told.
pub(super) const fn foot_lines(height: u16) -> u16 {
    if height < 14 { 5 } else { 7 }
}

/// Seconds that no run is likely meant to take: a month.
const LONG: f64 = 30.0 * 86_400.0;

/// Where the presets' names stand, one after the other, a column before and behind each.
fn preset_places(width: u16) -> Vec<(u16, u16)> {
    let (mut x, mut y) = (0, 0);
    let place = |name: &&str| {
        let wide = name.len() as u16 + 2;
        if x + wide > width {
            (x, y) = (0, y + 1);
        }
        let at = (x, y);
        x += wide;
        at
    };
    names().iter().map(place).collect()
}

/// The preset whose name stands at a place.
pub(super) fn preset_at((column, row): (u16, u16), width: u16) -> Option<usize> {
    let places = preset_places(width).into_iter().zip(names());
    let stands = |((x, y), name): ((u16, u16), &&str)| {
        y == row && (x..x + name.len() as u16 + 2).contains(&column)
    };
    places.into_iter().position(stands)
}

impl App {
    /// Asks what the recipe in the form will take, each time it has become another one.
    pub(super) fn await_estimate(&mut self, commands: &mut Vec<Cmd>) {
        let Some(Overlay::NewRun(form)) = &mut self.overlay else { return };
        commands.extend(form.ask().map(|arguments| Cmd::Work(Work::Estimate(arguments))));
    }

    pub(super) fn new_run(&self, form: &NewRun, area: Rect, buffer: &mut Buffer) {
        let title = match &form.origin {
            Origin::Preset(_) => "A new run".to_owned(),
            Origin::Run(forked) => format!("A fork of {}", self.shared.library.name(&forked.run)),
        };
        let height = area.height.saturating_sub(2).min(44);
        let inner = self.sheet(sheet_width(area), height, &title, area, buffer);
        within(form.place(), inner, buffer, |inner, buffer| {
            let (head, rest) = top(inner, FIXED_LINES);
            self.new_run_head(form, head, buffer);
            let (keys, foot) = bottom(rest, foot_lines(inner.height));
            self.new_run_keys(form, keys, buffer);
            self.new_run_foot(form, usize::from(keys.height), foot, buffer);
        });
        if form.asking {
            self.question(&form.question(&self.shared), area, buffer);
        }
    }

    fn new_run_head(&self, form: &NewRun, area: Rect, buffer: &mut Buffer) {
        let row = form.row();
        let style = |role| self.shared.theme.style(role);
        let line = |at: u16| {
            top(Rect { y: area.y + at, height: area.height.saturating_sub(at), ..area }, 1).0
        };
        let value =
            self.field((form_name(&form.origin), NAMES), row == Row::Origin, line(0), buffer);
        match &form.origin {
            Origin::Preset(at) => {
                self.presets(*at, Rect { height: 2.min(area.height), ..value }, buffer);
            }
            Origin::Run(forked) => {
                let (stage, _, step) = forked.place();
                let words =
                    format!("[{stage}@{step}]  {} of {}", forked.at + 1, forked.saved.len());
                put(buffer, value, value.x, value.y, &words, style(Role::Accent));
                let from = forked.run.to_string();
                let from = text::fit_end(&from, usize::from(value.width), self.shared.glyphs.cut());
                put(buffer, area, value.x, area.y + 1, &from, style(Role::Dim));
            }
        }
        let value = self.field(("set", NAMES), row == Row::Quick, line(2), buffer);
        if form.quick.text().is_empty() && row != Row::Quick {
            let words = "[STAGE.]KEY=VALUE, several with spaces between; or type values below";
            put(buffer, value, value.x, value.y, words, style(Role::Dim));
        } else {
            self.value(&form.quick, row == Row::Quick, value, buffer);
        }
        let value = self.field(("when", NAMES), row == Row::After, line(3), buffer);
        let words =
            when(form.waits_for().map(|run| self.shared.library.name(run)), form.waits.len());
        put(buffer, value, value.x, value.y, &words, style(Role::Text));
        let value = self.field(("stage", NAMES), row == Row::Stage, line(4), buffer);
        let (first, tabs) = form.tabs();
        let chosen = form.stage - first;
        let shown = |from: usize| -> String {
            let tabs = tabs.iter().enumerate().skip(from);
            let name = |(at, tab): (usize, &String)| {
                if at == chosen { format!("[{tab}]") } else { format!(" {tab} ") }
            };
            tabs.map(name).collect()
        };
        // As many before the chosen one as let it be seen whole.
        let room = usize::from(value.width);
        let whole = |from: &usize| {
            let end = shown(*from).find(']').unwrap_or(0);
            end < room
        };
        let words = shown((0..=chosen).find(whole).unwrap_or(chosen));
        let words = text::fit(&words, room, self.shared.glyphs.cut());
        put(buffer, value, value.x, value.y, &words, style(Role::Text));
    }

    fn presets(&self, chosen: usize, area: Rect, buffer: &mut Buffer) {
        for (at, (x, y)) in preset_places(area.width).into_iter().enumerate() {
            let name = names()[at];
            let (role, name) = if at == chosen {
                (Role::Accent, format!("[{name}]"))
            } else {
                (Role::Dim, format!(" {name} "))
            };
            let style = self.shared.theme.style(role);
            put(buffer, area, area.x + x, area.y + y, &name, style);
        }
    }

    fn new_run_keys(&self, form: &NewRun, area: Rect, buffer: &mut Buffer) {
        let shared = &self.shared;
        let cut = shared.glyphs.cut();
        let keys = form.keys();
        let at = match form.row() {
            Row::Key(at) => Some(at),
            _ => None,
        };
        let wrong = form.recipe().err().map(|wrong| wrong.place.as_str());
        let first = Cursor { at: form.listed() }.first(keys.len(), usize::from(area.height));
        let lines = keys.iter().enumerate().skip(first).take(usize::from(area.height));
        for (place, (path, key, was)) in lines {
            let y = area.y + (place - first) as u16;
            let line = Rect { y, height: 1, ..area };
            let front = at == Some(place);
            let role = if front { Role::Key } else { Role::Dim };
            let name = text::left(key, KEY - 1, cut);
            put(buffer, line, line.x, y, &name, shared.theme.style(role));
            let value = Rect {
                x: line.x + KEY as u16,
                width: line.width.saturating_sub(KEY as u16),
                ..line
            };
            let typed = form.edit(path).map_or(was.as_str(), Input::text);
            let changed = typed != was;
            let note = if changed { format!("was {}", text::safe(was)) } else { String::new() };
            let room = usize::from(value.width).saturating_sub(text::width(&note) + 2);
            if front {
                let input = form.edit(path).cloned();
                let input = input.unwrap_or_else(|| Input::new(was));
                let narrow = Rect { width: room as u16, ..value };
                self.value(&input, true, narrow, buffer);
            } else {
                let role = match () {
                    () if wrong == Some(path.as_str()) => Role::Bad,
                    () if changed => Role::Accent,
                    () => Role::Text,
                };
                let words = text::fit(&text::safe(typed), room, cut);
                put(buffer, value, value.x, y, &words, shared.theme.style(role));
            }
            let x = value.right().saturating_sub(text::width(&note) as u16).max(value.x);
            put(buffer, value, x, y, &note, shared.theme.style(Role::Dim));
        }
    }

    fn new_run_foot(&self, form: &NewRun, seen: usize, area: Rect, buffer: &mut Buffer) {
        let room = area.height >= foot_lines(u16::MAX);
        let mut rest = area;
        let mut next = || {
            let (line, below) = top(rest, 1);
            rest = below;
            line
        };
        if room {
            self.new_run_about(form, seen, next(), buffer);
        }
        let tick = self.shared.glyphs.tick();
        let (role, words) = match (form.recipe(), form.changes()) {
            (Err(wrong), _) => (Role::Bad, wrong.words.clone()),
            (Ok(_), changes) if changes.is_empty() => {
                (Role::Dim, "as it stands; up and down go through the keys".to_owned())
            }
            (Ok(_), changes) => (Role::Good, format!("{tick} {}", changes.join(", "))),
        };
        self.verdict(role, &words, next(), buffer);
        let value = self.field(("memory", NAMES), false, next(), buffer);
        let (role, words) = match &form.estimate {
            None if form.recipe().is_err() => (Role::Dim, self.shared.glyphs.none().to_owned()),
            None => (Role::Dim, "working it out...".to_owned()),
            Some(Err(why)) => (Role::Bad, why.clone()),
            Some(Ok(estimate)) => memory(form, estimate),
        };
        self.verdict(role, &words, value, buffer);
        let value = self.field(("time", NAMES), false, next(), buffer);
        let (role, words) = time(&self.shared, form, form.known());
        self.verdict(role, &words, value, buffer);
        if room {
            let value = self.field(("device", NAMES), false, next(), buffer);
            let words = form.known().map(|estimate| {
                let threads = estimate.threads.map(|number| format!(", {}", threads(number)));
                format!("{}{}: {}", estimate.device, threads.unwrap_or_default(), estimate.why)
            });
            self.verdict(Role::Text, &words.unwrap_or_default(), value, buffer);
        }
        let front = form.row() == Row::Start;
        let value = self.field(("start", NAMES), front, next(), buffer);
        let (role, words) = match form.recipe() {
            Err(_) => (Role::Dim, "not as it stands: something is wrong with it"),
            Ok(_) if front => (Role::Accent, "[start]  enter starts it in the background"),
            Ok(_) => (Role::Text, " start   enter on this line, or ctrl-s on any"),
        };
        self.verdict(role, words, value, buffer);
        let (enter, chooses) = match form.row() {
            Row::Quick | Row::Key(_) => ("next line", ("tab", "next stage")),
            Row::Start => ("start", ("tab", "next stage")),
            _ => ("next line", ("left right", "choose")),
        };
        let keys = [("enter", enter), ("ctrl-s", "start"), ("up down", "lines"), chooses];
        self.last_line(&keys, next(), buffer);
    }

    /// What the line in front is for, and how many keys are not seen.
    fn new_run_about(&self, form: &NewRun, seen: usize, area: Rect, buffer: &mut Buffer) {
        let keys = form.keys();
        let more = match keys.len().saturating_sub(seen) {
            0 => String::new(),
            more => format!("{more} more keys"),
        };
        let explained = |key: &str| format!("{key}: {}", meaning(key).unwrap_or_default());
        let words = match form.row() {
            Row::Origin if matches!(form.origin, Origin::Preset(_)) => {
                "recipe: left and right choose one of the presets".to_owned()
            }
            Row::Origin => "from: left and right choose the checkpoint it goes on from".to_owned(),
            Row::Quick => "set: [STAGE.]KEY=VALUE, several with spaces between".to_owned(),
            Row::After => "when: now, or after a run that is at work".to_owned(),
            Row::Stage => {
                "stage: whose keys are listed below; tab goes on from any line".to_owned()
            }
            Row::Key(at) => keys.get(at).map_or_else(String::new, |(_, key, _)| explained(key)),
            Row::Start => String::new(),
        };
        let wide = text::width(&more) as u16;
        let x = area.right().saturating_sub(wide).max(area.x);
        put(buffer, area, x, area.y, &more, self.shared.theme.style(Role::Accent));
        let area = Rect { width: area.width.saturating_sub(wide + 2), ..area };
        self.verdict(Role::Dim, &words, area, buffer);
    }
}

fn form_name(origin: &Origin) -> &'static str {
    match origin {
        Origin::Preset(_) => "recipe",
        Origin::Run(_) => "from",
    }
}

fn when(after: Option<String>, runs: usize) -> String {
    match (after, runs) {
        (None, 0) => "now; no run is at work to wait for".to_owned(),
        (None, _) => format!("[now]  or after one of {runs} at work"),
        (Some(run), _) => format!("[after {run}]  when it has ended, and the device is free"),
    }
}

/// What the stage listed takes, or the largest one; against what is free.
fn memory(form: &NewRun, estimate: &Estimate) -> (Role, String) {
    if let Some(problem) = &estimate.problem {
        return (Role::Warn, format!("not known before its weights are there: {problem}"));
    }
    let stages = || estimate.stages.iter().skip(form.origin.first_stage());
    let Some(most) = stages().max_by_key(|stage| stage.total) else {
        return (Role::Dim, String::new());
    };
    let mut words = String::new();
    if let Some(own) = estimate.stages.get(form.stage) {
        words = format!("{} about {}; ", own.stage, format::bytes(own.total));
    }
    words.push_str(&format!("at most {} ({})", format::bytes(most.total), most.stage));
    let Some(free) = estimate.free else { return (Role::Text, words) };
    words.push_str(&format!("; {} free", format::bytes(free)));
    if most.total > free {
        return (Role::Bad, format!("too much: {words}"));
    }
    (Role::Text, words)
}

/// The step after which the stage at a place begins.
pub(super) fn from_step(origin: &Origin, at: usize) -> u64 {
    match origin {
        Origin::Run(forked) if forked.place().1 == at => forked.place().2,
        _ => 0,
    }
}

/// How long the stages still to be trained take, of which earlier runs tell, with their places.
pub(super) fn times(
    shared: &Shared,
    form: &NewRun,
    estimate: Option<&Estimate>,
) -> Vec<(usize, StageTime)> {
    let recipe = match form.recipe() {
        Ok(recipe) => recipe.clone(),
        Err(_) => form.ground(),
    };
    let mut known: Vec<(usize, StageTime)> = Vec::new();
    for (at, stage) in recipe.stages.iter().enumerate().skip(form.origin.first_stage()) {
        let pace = pace(&shared.library, stage, estimate);
        known.extend(pace.map(|pace| (at, pace.time(stage, from_step(&form.origin, at)))));
    }
    known
}

/// How long the stage listed takes, and all that are still to be trained, by earlier runs.
fn time(shared: &Shared, form: &NewRun, estimate: Option<&Estimate>) -> (Role, String) {
    let known = times(shared, form, estimate);
    let stages = match form.recipe() {
        Ok(recipe) => recipe.stages.len(),
        Err(_) => form.ground().stages.len(),
    };
    let own = known.iter().find(|(at, _)| *at == form.stage).or(known.first());
    let Some((_, own)) = own else {
        return (Role::Text, "not known yet: no run of it here".to_owned());
    };
    let seconds = |time: &StageTime| time.seconds().unwrap_or(0.0);
    let name = own.stage.as_str();
    let run = own.run.as_deref().unwrap_or_default();
    let run = run.rsplit_once('/').map_or(run, |(_, run)| run);
    let takes = format::duration(seconds(own));
    let source = format!("as {} ({})", source(run, own), parts(own));
    let sum: f64 = known.iter().map(|(_, time)| seconds(time)).sum();
    let long = sum > LONG;
    let words = match stages - form.origin.first_stage() {
        1 => format!("about {takes} {source}"),
        all if known.len() == all => {
            format!("about {} in all; {name} {takes} {source}", format::duration(sum))
        }
        all => format!(
            "not known yet for {} of {all} stages; {name} about {takes} {source}",
            all - known.len()
        ),
    };
    let words = if long { format!("longer than a month, is that meant? {words}") } else { words };
    let careful = long || known.iter().any(|(_, time)| time.caution.is_some());
    (if careful { Role::Warn } else { Role::Text }, words)
}
