//! Below the charts: alerts, what happened, and the end of what the run printed.

use super::panel::Seen;
use crate::tui::app::Shared;
use crate::tui::data::alerts::Alert;
use crate::tui::data::library::OpenRun;
use crate::tui::data::story::Level;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put, right, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// From so many columns on, panes stand beside each other.
const WIDE: u16 = 110;

/// What is chosen here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Below {
    /// Which alert was jumped to.
    pub alert: Option<usize>,
    /// Whether what the run printed stands where what happened would.
    pub console: bool,
}

/// The alert of a run that should have made a step by now.
#[must_use]
pub fn silence(run: &OpenRun, seen: Seen) -> Option<Alert> {
    if seen.frozen { None } else { run.alerts.silence(run.status, seen.now) }
}

/// Draws all of it.
pub fn draw(
    shared: &Shared,
    run: &OpenRun,
    seen: Seen,
    below: Below,
    area: Rect,
    buffer: &mut Buffer,
) {
    let silence = silence(run, seen);
    let all: Vec<&Alert> = run.alerts.kept.iter().chain(&silence).collect();
    let count = run.alerts.count + u64::from(silence.is_some());
    let main = if area.width >= WIDE {
        let (left, main) = right(area, area.width / 2);
        let left = Rect { width: left.width - 1, ..left };
        // What was printed takes what the alerts leave.
        let needed = (all.len().max(1) as u16 + 1).min((left.height / 2).max(2));
        let rest = left.height.saturating_sub(needed);
        let split = !below.console && !run.console.is_empty() && rest >= 3;
        let (upper, lower) = if split { top(left, needed) } else { (left, Rect::ZERO) };
        alerts(shared, &all, count, below.alert, upper, buffer);
        if split {
            console(shared, run, lower, buffer);
        }
        main
    } else if all.is_empty() {
        area
    } else {
        let most = if area.height < 8 { 1 } else { area.height / 2 - 1 };
        let (upper, main) = top(area, 1 + (all.len() as u16).min(most));
        alerts(shared, &all, count, below.alert, upper, buffer);
        main
    };
    if below.console {
        console(shared, run, main, buffer);
    } else {
        story(shared, run, main, buffer);
    }
}

fn alerts(
    shared: &Shared,
    alerts: &[&Alert],
    count: u64,
    chosen: Option<usize>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let note =
        if count > 0 { format!("{}; n N jump", format::count(count)) } else { String::new() };
    let inner = section(shared, buffer, area, "alerts", &note);
    if alerts.is_empty() {
        put(buffer, inner, inner.x + 1, inner.y, "none", shared.theme.style(Role::Dim));
    }
    let height = usize::from(inner.height);
    let end = chosen.map_or(alerts.len(), |at| (at + 1).max(height.min(alerts.len())));
    let end = end.min(alerts.len());
    let first = end.saturating_sub(height);
    for (line, (at, alert)) in alerts.iter().enumerate().skip(first).take(height).enumerate() {
        let role = if alert.kind.level() == Level::Error { Role::Bad } else { Role::Warn };
        let pointer = if chosen == Some(at) { shared.glyphs.pointer() } else { " " };
        let place = alert
            .place
            .as_ref()
            .map_or_else(String::new, |(stage, step)| format!("{stage} @{step} "));
        let (y, cut) = (inner.y + line as u16, shared.glyphs.cut());
        let x = pieces(
            shared,
            buffer,
            inner,
            inner.x,
            y,
            &[
                (Role::Accent, pointer),
                (Role::Dim, &format::clock_seconds(alert.time)),
                (role, &format!(" {:<6} ", alert.kind.word())),
                (Role::Dim, &place),
            ],
        );
        let room = usize::from(inner.right().saturating_sub(x));
        let words = text::fit(&text::safe(&alert.text), room, cut);
        put(buffer, inner, x, y, &words, shared.theme.style(Role::Text));
    }
}

/// The last lines a detached runner printed.
fn console(shared: &Shared, run: &OpenRun, area: Rect, buffer: &mut Buffer) {
    let inner = section(shared, buffer, area, "console", "c switches");
    if run.console.is_empty() {
        let words = "nothing: only what a detached run prints is kept";
        let words =
            text::fit(words, usize::from(inner.width).saturating_sub(1), shared.glyphs.cut());
        put(buffer, inner, inner.x + 1, inner.y, &words, shared.theme.style(Role::Dim));
    }
    let lines = &run.console[..];
    let last = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |at| at + 1);
    let first = last.saturating_sub(usize::from(inner.height));
    for (at, line) in lines[first..last].iter().enumerate() {
        let words =
            text::fit(line, usize::from(inner.width).saturating_sub(1), shared.glyphs.cut());
        let y = inner.y + at as u16;
        put(buffer, inner, inner.x + 1, y, &words, shared.theme.style(Role::Text));
    }
}

fn story(shared: &Shared, run: &OpenRun, area: Rect, buffer: &mut Buffer) {
    let note = match run.oddities.bad_lines {
        0 if run.console.is_empty() => String::new(),
        0 => "c console".to_owned(),
        count => format!("{count} lines of the log cannot be read"),
    };
    let inner = section(shared, buffer, area, "what happened", &note);
    let height = usize::from(inner.height);
    let notable: Vec<_> =
        run.story.sentences.iter().filter(|sentence| sentence.level > Level::Step).collect();
    let first = notable.len().saturating_sub(height);
    for (line, sentence) in notable[first..].iter().enumerate() {
        let role = match sentence.level {
            Level::Step | Level::Notice => Role::Text,
            Level::Warning => Role::Warn,
            Level::Error => Role::Bad,
        };
        let words = text::fit(
            &text::safe(&sentence.text),
            usize::from(inner.width).saturating_sub(10),
            shared.glyphs.cut(),
        );
        pieces(
            shared,
            buffer,
            inner,
            inner.x + 1,
            inner.y + line as u16,
            &[
                (Role::Dim, &format::clock_seconds(sentence.time)),
                (Role::Text, " "),
                (role, &words),
            ],
        );
    }
}
