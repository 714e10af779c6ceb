//! System: the machine, its disks, and the runners at work on it.

use super::Screen;
use super::runs::role;
use crate::tui::app::{Effect, Shared};
use crate::tui::data::history::Unit;
use crate::tui::format;
use crate::tui::keys::Action;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{pieces, put, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The screen.
#[derive(Debug, Default)]
pub struct SystemScreen {
    cursor: Cursor,
}

impl Screen for SystemScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let live: Vec<_> = shared.library.live().map(|run| run.id.clone()).collect();
        if self.cursor.act(action, live.len()) {
            return Vec::new();
        }
        let selected = live.get(self.cursor.at).cloned();
        match action {
            Action::Checkpoint | Action::Pause | Action::Stop | Action::Resume => {
                selected.map(|run| Effect::Command(run, action)).into_iter().collect()
            }
            Action::Open => selected.map_or_else(Vec::new, |run| {
                vec![Effect::Focus(run), Effect::Go(super::ScreenId::Train)]
            }),
            _ => Vec::new(),
        }
    }

    fn refresh(&mut self, shared: &Shared) {
        self.cursor.at = self.cursor.at.min(shared.library.live().count().saturating_sub(1));
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let Some(sample) = shared.library.machine.back() else {
            put(
                buffer,
                area,
                area.x + 2,
                area.y + 1,
                "Looking at the machine...",
                shared.theme.style(Role::Dim),
            );
            return;
        };
        let cores = sample.cores.len().div_ceil(2).clamp(1, 8) as u16;
        let (machine, rest) = top(area, cores + 3 + 2 * sample.gpus.len().min(4) as u16);
        let title = format!(
            "{} {} {}",
            text::safe(&sample.host),
            shared.glyphs.dot(),
            text::safe(&sample.processor)
        );
        let inner = section(
            shared,
            buffer,
            machine,
            &title,
            &sample
                .time
                .map_or_else(String::new, |time| format!("{} UTC", format::clock_seconds(time))),
        );
        let half = inner.width / 2;
        for (at, share) in sample.cores.iter().enumerate().take(usize::from(cores) * 2) {
            let place = Rect {
                x: inner.x + (at as u16 % 2) * half,
                y: inner.y + at as u16 / 2,
                width: half,
                height: 1,
            };
            let bar = shared.glyphs.gauge(*share, usize::from(half.saturating_sub(18)));
            pieces(
                shared,
                buffer,
                place,
                place.x + 1,
                place.y,
                &[
                    (Role::Dim, &format!("core {at:<3} ")),
                    (Role::Curve(0), &bar),
                    (Role::Text, &format!(" {:>3.0} %", share * 100.0)),
                ],
            );
        }
        let mut y = inner.y + cores;
        let (used, total) = sample.memory;
        if total > 0 {
            let bar = shared
                .glyphs
                .gauge(used as f64 / total as f64, usize::from(half.saturating_sub(18)));
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                y,
                &[
                    (Role::Dim, "memory   "),
                    (Role::Curve(1), &bar),
                    (Role::Text, &format!(" {} of {}", format::bytes(used), format::bytes(total))),
                ],
            );
        }
        y += 1;
        for (at, gpu) in sample.gpus.iter().enumerate().take(4) {
            let bar = shared
                .glyphs
                .gauge(gpu.utilisation.unwrap_or(0.0), usize::from(half.saturating_sub(18)));
            let percent = gpu
                .utilisation
                .map_or_else(String::new, |share| format!(" {:>3.0} %", share * 100.0));
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                y,
                &[
                    (Role::Dim, &format!("gpu {at:<4} ")),
                    (Role::Curve(2), &bar),
                    (Role::Text, &percent),
                ],
            );
            let mut about = vec![text::safe(&gpu.name)];
            about.extend(gpu.memory.map(|(used, total)| {
                format!("{} of {}", format::bytes(used), format::bytes(total))
            }));
            about.extend(gpu.watts.map(|watts| format!("{watts:.0} W")));
            about.extend(gpu.celsius.map(|degrees| format!("{degrees:.0} C")));
            pieces(shared, buffer, inner, inner.x + 10, y + 1, &[(Role::Dim, &about.join("  "))]);
            y += 2;
        }
        let (disks, rest) = top(rest, sample.disks.len() as u16 + 2);
        let inner = section(shared, buffer, disks, "disk", "");
        let need = next_checkpoint(shared);
        for (at, (name, free, all)) in sample.disks.iter().enumerate() {
            let used = if *all > 0 { 1.0 - *free as f64 / *all as f64 } else { 0.0 };
            let bar = shared.glyphs.gauge(used, usize::from(half.saturating_sub(22)));
            let mut words = format!(" {} free of {}", format::bytes(*free), format::bytes(*all));
            let mut role = Role::Text;
            if name == "checkpoints" && need > 0 {
                words.push_str(&format!("; the next checkpoint takes {}", format::bytes(need)));
                if *free < 2 * need {
                    role = Role::Bad;
                    words.push_str(": no room for two");
                }
            }
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                inner.y + at as u16,
                &[(Role::Dim, &format!("{name:<12} ")), (Role::Curve(3), &bar), (role, &words)],
            );
        }
        let rest = history(shared, rest, buffer);
        let sent = format!("{} sent to this terminal", format::bytes(shared.sent));
        let inner = section(shared, buffer, rest, "runners", &sent);
        let live: Vec<_> = shared.library.live().collect();
        if live.is_empty() {
            put(buffer, inner, inner.x + 1, inner.y, "none at work", shared.theme.style(Role::Dim));
        }
        let height = usize::from(inner.height);
        let first = self.cursor.first(live.len(), height);
        for (at, run) in live.iter().enumerate().skip(first).take(height) {
            let pointer = if at == self.cursor.at { shared.glyphs.pointer() } else { " " };
            let status = run.row.state;
            let silent = run.last.map_or_else(String::new, |last| {
                format!(
                    "last record {} ago",
                    format::short_duration(shared.now.seconds_since(last).max(0.0))
                )
            });
            let left = run
                .row
                .eta_s
                .map_or_else(String::new, |eta| format!("{} left, ", format::short_duration(eta)));
            let y = inner.y + (at - first) as u16;
            pieces(
                shared,
                buffer,
                inner,
                inner.x,
                y,
                &[
                    (Role::Accent, pointer),
                    (role(status), &format!("{} {status:<7}", shared.glyphs.status(status))),
                    (Role::Text, &text::left(&run.id.to_string(), 44, shared.glyphs.cut())),
                    (Role::Dim, &format!(" {} {left}{silent}", run.device)),
                ],
            );
        }
    }

    fn hints(&self, shared: &Shared) -> Vec<Action> {
        if shared.library.live().next().is_some() {
            vec![Action::Open, Action::Checkpoint, Action::Pause, Action::Stop]
        } else {
            Vec::new()
        }
    }
}

/// What the machine of the run in focus did while it was at work: a measure a line. Returns what is left
/// below.
fn history(shared: &Shared, area: Rect, buffer: &mut Buffer) -> Rect {
    let open = shared.focus.as_ref().and_then(|run| Some((run, shared.library.open.get(run)?)));
    let Some((run, open)) = open.filter(|(_, open)| !open.device.measures.is_empty()) else {
        return area;
    };
    let history = &open.device;
    // The runners keep a title and three lines.
    let room = area.height.saturating_sub(4);
    let lines = (history.measures.len() as u16).min(room.saturating_sub(1));
    if lines == 0 {
        return area;
    }
    let (place, rest) = top(area, lines + 1);
    let span = history.span.map_or(0.0, |(first, last)| last.seconds_since(first));
    let title = format!("the machine during {}", text::safe(run.run.as_str()));
    let note =
        format!("{} samples over {}", format::count(history.samples), format::duration(span));
    let inner = section(shared, buffer, place, &title, &note);
    let cells = usize::from(inner.width).saturating_sub(54).clamp(8, 60);
    for (at, measure) in history.measures.iter().take(usize::from(lines)).enumerate() {
        let value = |value: f64| match measure.unit {
            Unit::Share => format!("{:.0} %", value * 100.0),
            Unit::Bytes => format::bytes(value.max(0.0) as u64),
            Unit::Watts => format!("{value:.0} W"),
            Unit::Celsius => format!("{value:.0} C"),
        };
        // The scale begins at nothing and ends at all there is, or at the greatest.
        let mut scaled = vec![Some(0.0), Some(measure.all.unwrap_or(measure.most).max(1e-9))];
        scaled.extend(measure.columns(cells));
        let bars: String = shared.glyphs.spark(&scaled).chars().skip(2).collect();
        let numbers = format!(
            " {:>9} now {:>9} mean {:>9} most",
            value(measure.last),
            value(measure.mean()),
            value(measure.most)
        );
        pieces(
            shared,
            buffer,
            inner,
            inner.x + 1,
            inner.y + at as u16,
            &[
                (Role::Dim, &format!("{:<13} ", measure.name)),
                (Role::Curve(at % 4), &text::left(&bars, cells, "")),
                (Role::Text, &numbers),
            ],
        );
    }
    rest
}

/// The size of the newest checkpoint of the runs looked at: what the next one will take.
fn next_checkpoint(shared: &Shared) -> u64 {
    let newest = |run: &crate::tui::data::library::OpenRun| {
        run.state
            .stages
            .iter()
            .rev()
            .find_map(|stage| stage.checkpoints.last())
            .map(|saved| saved.bytes)
    };
    shared.library.open.values().filter_map(newest).max().unwrap_or(0)
}
