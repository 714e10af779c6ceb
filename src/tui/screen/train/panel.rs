//! The panel beside the charts: progress, time, values now, the machine.

use super::device;
use crate::session::best::BestRow;
use crate::session::event::Ending;
use crate::session::fold::RunState;
use crate::session::names::RunId;
use crate::session::{RunStatus, Time};
use crate::tui::app::Shared;
use crate::tui::data::best;
use crate::tui::data::library::OpenRun;
use crate::tui::format;
use crate::tui::screen::runs::role;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A line of the panel.
pub type Line = Vec<(Role, String)>;

/// At which moment a run is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// How late it is, or was.
    pub now: Time,
    /// Whether that is the past: a replay.
    pub past: bool,
    /// Whether everything is held still.
    pub frozen: bool,
}

/// Draws the panel.
pub fn progress(
    shared: &Shared,
    id: &RunId,
    run: &OpenRun,
    seen: Seen,
    area: Rect,
    buffer: &mut Buffer,
) {
    let title = if seen.frozen { "held still" } else { "progress" };
    let inner = section(shared, buffer, area, title, "");
    let width = usize::from(inner.width);
    let mut lines: Vec<Line> = Vec::new();
    head(shared, id, run, width, &mut lines);
    time(shared, run, seen.now, width, &mut lines);
    values(shared, &run.state, width, &mut lines);
    device::lines(shared, run, seen, width, &mut lines);
    for (at, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
        let parts: Vec<(Role, &str)> =
            line.iter().map(|(role, words)| (*role, words.as_str())).collect();
        pieces(shared, buffer, inner, inner.x, inner.y + at as u16, &parts);
    }
}

pub(super) fn label(word: &str) -> (Role, String) {
    (Role::Dim, format!("{word:<7}"))
}

fn head(shared: &Shared, id: &RunId, run: &OpenRun, width: usize, lines: &mut Vec<Line>) {
    let status = run.status;
    let cut = shared.glyphs.cut();
    let state = format!("{} {status} ", shared.glyphs.status(status));
    let room = width.saturating_sub(text::width(&state));
    lines.push(vec![
        (role(status), state),
        (Role::Title, text::fit(&shared.library.name(id), room, cut)),
    ]);
    for command in shared.requested(&id.clone()) {
        lines.push(vec![(Role::Warn, format!("{command} requested, not yet done"))]);
    }
    let finished = run.state.finished.as_ref();
    if let Some((ending, reason)) = finished.and_then(|end| Some((end.state, end.reason.as_ref()?)))
    {
        // Of a run that was asked to end it is the command or the signal.
        let asked = if ending == Ending::Stopped { "ended on request: " } else { "" };
        let words = format!("{asked}{}", text::safe(reason));
        lines.push(vec![(Role::Dim, text::fit(&words, width, cut))]);
    }
    let Some(stage) = run.state.stage_now() else {
        lines.push(vec![(Role::Dim, "no stage has begun".to_owned())]);
        return;
    };
    let at = run.state.current.map_or(0, |at| at + 1);
    lines.push(vec![
        label("stage"),
        (
            Role::Text,
            text::fit(
                &format!("{} ({} of {})", stage.stage, at, run.state.stages.len()),
                width.saturating_sub(7),
                cut,
            ),
        ),
    ]);
    let share = |made: u64, all: u64| if all > 0 { made as f64 / all as f64 } else { 0.0 };
    let steps = format!("{}/{}", format::count(stage.step), format::count(stage.steps));
    let of_stage = format!(" {:.0} %", share(stage.step.min(stage.steps), stage.steps) * 100.0);
    lines.push(vec![label("step"), (Role::Text, steps), (Role::Dim, of_stage)]);
    let all: u64 = run.state.stages.iter().map(|stage| stage.steps).sum();
    let made: u64 = run.state.stages.iter().map(|stage| stage.step.min(stage.steps)).sum();
    let share = share(made, all);
    // Of all stages, as the line above is of one.
    lines.push(vec![
        label("run"),
        (Role::Good, shared.glyphs.gauge(share, width.saturating_sub(13))),
        (Role::Text, format!(" {:>3.0} %", share * 100.0)),
    ]);
    if let Some(progress) = &run.state.progressed {
        let words = format!(
            "{}: {} of {}",
            progress.what,
            format::count(progress.done),
            format::count(progress.total)
        );
        lines.push(vec![(Role::Accent, text::fit(&text::safe(&words), width, cut))]);
    }
}

/// How much step times differ lately: half the distance of the middle half of means of eight steps,
/// as a share of their middle.
fn spread(state: &RunState) -> Option<f64> {
    let tail: Vec<f64> =
        state.stage_now()?.tracks("elapsed").last()?.series.tail().map(|point| point.1).collect();
    let times: Vec<f64> = tail.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let recent = &times[times.len().saturating_sub(128)..];
    let mut means: Vec<f64> =
        recent.chunks_exact(8).map(|part| part.iter().sum::<f64>() / 8.0).collect();
    if means.len() < 4 {
        return None;
    }
    means.sort_by(f64::total_cmp);
    let (low, middle, high) =
        (means[means.len() / 4], means[means.len() / 2], means[means.len() * 3 / 4]);
    (middle > 0.0).then(|| (high - low) / 2.0 / middle)
}

fn time(shared: &Shared, run: &OpenRun, clock: Time, width: usize, lines: &mut Vec<Line>) {
    let state = &run.state;
    if state.stage_now().is_none() {
        return;
    }
    if run.status.has_runner()
        && let (Some(eta), Some(last)) = (state.eta(), state.last_time)
    {
        // A run that waits gets no nearer to its end, and nobody knows when that is.
        if run.status != RunStatus::Live {
            let work = format!("{} of work", format::duration(eta.seconds));
            lines.push(vec![label("left"), (Role::Text, work)]);
            lines.push(vec![label("ends"), (Role::Warn, format!("not while {}", run.status))]);
            return speed(shared, state, width, lines);
        }
        let left = (eta.seconds - clock.seconds_since(last).max(0.0)).max(0.0);
        let mut words = format::duration(left);
        if let Some(spread) = spread(state).filter(|spread| *spread * left >= 1.0) {
            words.push_str(&format!(
                " {}{}",
                shared.glyphs.about(),
                format::short_duration(spread * left)
            ));
        } else if eta.guessed {
            words.push_str(" (guess)");
        }
        lines.push(vec![label("left"), (Role::Title, words)]);
        let end = Time::from_millis(clock.millis() + (left * 1000.0) as i64);
        if let Some(end) = end {
            lines.push(vec![
                label("ends"),
                (Role::Text, format!("{} UTC", format::moment(end, clock))),
            ]);
        }
    } else if !run.status.has_runner()
        && let (Some(first), Some(last)) = (state.segments.first(), state.last_time)
    {
        lines.push(vec![
            label("took"),
            (Role::Text, format::duration(last.seconds_since(first.time))),
        ]);
        lines.push(vec![
            label("ended"),
            (Role::Text, format!("{} UTC", format::moment(last, clock))),
        ]);
    }
    speed(shared, state, width, lines);
}

/// How long a step takes, and of what that is made up.
fn speed(shared: &Shared, state: &RunState, width: usize, lines: &mut Vec<Line>) {
    let Some(stage) = state.stage_now() else { return };
    let now = |name: &str| stage.value_at(name, u64::MAX);
    let mut speed: Vec<String> = Vec::new();
    // A step by itself: a validation early on would move what it takes of every step for long.
    if let Some(milliseconds) = stage.clock.training() {
        speed.push(format!("{}/step", format::duration(milliseconds / 1000.0)));
    }
    speed.extend(now("examples_per_second").map(|rate| format!("{} ex/s", format::number(rate))));
    if !speed.is_empty() {
        lines.push(vec![
            label("speed"),
            (Role::Text, text::fit(&speed.join(" "), width.saturating_sub(7), shared.glyphs.cut())),
        ]);
    }
    let parts: Vec<(char, f64)> = [
        ('d', "milliseconds/data"),
        ('f', "milliseconds/forward"),
        ('b', "milliseconds/backward"),
        ('o', "milliseconds/optimizer"),
    ]
    .into_iter()
    .filter_map(|(letter, name)| Some((letter, recent(state, name)?)))
    .collect();
    let total: f64 = parts.iter().map(|part| part.1).sum();
    if parts.len() == 4 && total > 0.0 {
        let cells = width.saturating_sub(7);
        let mut line = vec![label("time")];
        let mut used = 0;
        let mut sum = 0.0;
        for (at, (letter, value)) in parts.iter().enumerate() {
            sum += value / total;
            let end = (sum * cells as f64).round() as usize;
            let sign = if shared.glyphs.ascii { letter.to_string() } else { "█".to_owned() };
            line.push((Role::Curve(at), sign.repeat(end.saturating_sub(used))));
            used = end;
        }
        lines.push(line);
        let names = ["data", "fwd", "bwd", "opt"];
        let words = names.iter().zip(&parts).enumerate().map(|(at, (name, (_, value)))| {
            (Role::Curve(at), format!("{name} {:.0} ", value / total * 100.0))
        });
        let words: Vec<(Role, String)> = words.collect();
        let needed: usize = words.iter().map(|(_, word)| text::width(word)).sum();
        // Below the bar where there is room, else from the first column on.
        let below = if needed <= cells + 1 { vec![label("")] } else { Vec::new() };
        lines.push(below.into_iter().chain(words).collect());
    }
}

/// Mean of the last values of a measure.
fn recent(state: &RunState, name: &str) -> Option<f64> {
    let series = &state.stage_now()?.tracks(name).last()?.series;
    let values: Vec<f64> = series.tail().map(|point| point.1).collect();
    let last = &values[values.len().saturating_sub(32)..];
    (!last.is_empty()).then(|| last.iter().sum::<f64>() / last.len() as f64)
}

fn values(shared: &Shared, state: &RunState, width: usize, lines: &mut Vec<Line>) {
    let Some(stage) = state.stage_now() else { return };
    let now = |name: &str| stage.value_at(name, u64::MAX);
    if let Some(loss) = stage.loss {
        lines.push(vec![label("loss"), (Role::Title, format::number(loss))]);
    }
    if let Some(row) = BestRow::of(stage) {
        let of = best::at(&row, shared.glyphs);
        let room = width.saturating_sub(7 + text::width(&of));
        let mut line = vec![label("best"), (Role::Text, of)];
        // Beside it where there is room, else below.
        let below = match best::kept(&row) {
            Some(words) if words.len() + 2 <= room => {
                line.push((Role::Dim, format!(", {words}")));
                None
            }
            words => words,
        };
        lines.push(line);
        lines.extend(below.map(|words| vec![label(""), (Role::Dim, words)]));
    }
    for (word, name) in [("lr", "learning_rate"), ("|grad|", "gradient_norm/all")] {
        if let Some(value) = now(name) {
            lines.push(vec![label(word), (Role::Text, format::number(value))]);
        }
    }
    if let Some(scale) = now("logit_scale") {
        let role = if scale > 99.0 { Role::Warn } else { Role::Text };
        lines.push(vec![label("scale"), (role, format!("{} of 100", format::number(scale)))]);
    }
    if let (Some(positive), Some(negative)) =
        (now("contrast/positive"), now("contrast/hardest_negative"))
    {
        let other = if width >= 32 { "hardest" } else { "vs" };
        let words = format!("pair {positive:+.2} {other} {negative:+.2}");
        lines.push(vec![label("cosine"), (Role::Text, words)]);
    }
    if let Some(bytes) = now("memory_bytes") {
        lines.push(vec![label("memory"), (Role::Text, format::bytes(bytes as u64))]);
    }
    if let Some(last) = stage.checkpoints.last() {
        lines.push(vec![
            label("saved"),
            (
                Role::Text,
                format!(
                    "step {} {} {}",
                    format::count(last.step),
                    shared.glyphs.dot(),
                    format::bytes(last.bytes)
                ),
            ),
        ]);
    }
    if stage.skipped > 0 {
        lines.push(vec![label("skipped"), (Role::Bad, format!("{} steps", stage.skipped))]);
    }
}
