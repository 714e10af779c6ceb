//! Below the list of runs: what is known of the selected one, and what to press where there is room
//! to say it.

use super::columns::{halved, role};
use crate::session::RunStatus;
use crate::tui::app::Shared;
use crate::tui::data::best::{at, kept};
use crate::tui::data::library::RunEntry;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws what is known of a run; of the past there is nothing to press.
pub fn detail(shared: &Shared, run: &RunEntry, past: bool, area: Rect, buffer: &mut Buffer) {
    let title = text::safe(&shared.library.title(&run.id.session));
    let inner = section(
        shared,
        buffer,
        area,
        &format!("{} {} {title}", shared.library.name(&run.id), shared.glyphs.dot()),
        "",
    );
    let mut lines: Vec<Vec<(Role, String)>> = Vec::new();
    let label = |word: &str| (Role::Dim, format!("{word:<9}"));
    let status = run.row.state;
    let mut state =
        vec![label("state"), (role(status), format!("{} {status}", shared.glyphs.status(status)))];
    let why = run.reason.as_deref().map(|reason| ended(status, reason));
    let resumes = status.can_resume() && !shared.readonly && !past;
    let resumes = resumes.then(|| "R resumes from its newest checkpoint".to_owned());
    let words: Vec<String> = why.into_iter().chain(resumes).collect();
    let room = usize::from(inner.width).saturating_sub(state.iter().map(cells).sum::<usize>() + 3);
    let words = text::fit(&words.join("; "), room, shared.glyphs.cut());
    state.push((Role::Dim, format!("  {words}")));
    lines.push(state);
    let stage =
        run.row.stage.as_ref().map_or_else(|| shared.glyphs.none().to_owned(), ToString::to_string);
    let width = usize::from(inner.width);
    let stage = format!("{stage} ({} of {})", run.stage.0, run.stage.1);
    // What stands around them, with the share of 100 %.
    let room = width.saturating_sub(27 + text::width(&stage));
    let recipe = text::fit(&text::safe(&run.row.recipe), room.max(8), shared.glyphs.cut());
    let left = room.saturating_sub(text::width(&recipe));
    let gauge = if left < 6 { String::new() } else { shared.glyphs.gauge(run.share, left.min(24)) };
    lines.push(vec![
        label("stage"),
        (Role::Text, stage),
        (Role::Dim, ", recipe ".to_owned()),
        (Role::Text, format!("{recipe}  ")),
        (Role::Good, gauge),
        (Role::Text, format!(" {:.0} %", run.share * 100.0)),
    ]);
    let loss = run.row.loss.map_or_else(String::new, |loss| format!(" {}", format::number(loss)));
    let best = run.row.best.as_ref();
    let of = best.map_or_else(|| shared.glyphs.none().to_owned(), |best| at(best, shared.glyphs));
    let kept = best.and_then(kept).map_or_else(String::new, |words| format!(", {words}"));
    // The numbers count for more than the line.
    let numbers = text::width(&loss) + text::width("  best ") + text::width(&of) + kept.len();
    lines.push(vec![
        label("loss"),
        (
            Role::Curve(0),
            shared.glyphs.spark(&within(&run.spark, width.saturating_sub(numbers + 10))),
        ),
        (Role::Text, loss),
        (Role::Dim, "  best ".to_owned()),
        (Role::Text, of),
        (Role::Dim, kept),
    ]);
    let mut about = format!("{} {} {}", run.host, shared.glyphs.dot(), run.device);
    about.push_str(&format!(" {} seed {}", shared.glyphs.dot(), run.seed));
    if let Some(began) = run.began {
        let began = format::moment(began, shared.now);
        about.push_str(&format!(" {} began {began}", shared.glyphs.dot()));
    }
    if run.segments > 1 {
        about.push_str(&format!(" {} {} segments", shared.glyphs.dot(), run.segments));
    }
    if run.warnings > 0 {
        about.push_str(&format!(" {} {} warnings", shared.glyphs.dot(), run.warnings));
    }
    lines.push(vec![label("on"), (Role::Text, text::safe(&about))]);
    let mut session = vec![label("session"), (Role::Text, run.id.session.to_string())];
    let tags = shared.library.tags(&run.id).join(" ");
    if !tags.is_empty() {
        let tags = text::safe(&tags);
        session.extend([(Role::Dim, "  tags ".to_owned()), (Role::Accent, tags)]);
    }
    lines.push(session);
    if let Some(digest) = &run.row.final_digest {
        lines.push(vec![label("digest"), (Role::Text, digest.to_string())]);
    }
    for (at, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
        let parts: Vec<(Role, &str)> =
            line.iter().map(|(role, words)| (*role, words.as_str())).collect();
        pieces(shared, buffer, inner, inner.x + 1, inner.y + at as u16, &parts);
    }
}

/// Why a run has ended, as its log says it: of one that was asked to end the command or the signal.
fn ended(status: RunStatus, reason: &str) -> String {
    let asked = if status == RunStatus::Stopped { "on request: " } else { "" };
    format!("{asked}{}", text::safe(reason))
}

fn cells((_, words): &(Role, String)) -> usize {
    text::width(words)
}

/// Values in at most so many cells: fewer, each the mean of several; none where there is no room for five.
fn within(values: &[Option<f64>], cells: usize) -> Vec<Option<f64>> {
    let mut fewer = values.to_vec();
    while fewer.len() > cells && fewer.len() > 1 {
        fewer = halved(&fewer);
    }
    if cells < 5 { Vec::new() } else { fewer }
}

/// The key that starts a run.
const STARTS: &str = "n";

/// What to press next, as much of it as there is room for.
pub fn welcome(shared: &Shared, area: Rect, buffer: &mut Buffer) {
    let lines: Vec<(&str, &str)> = [
        ("enter", "opens the chosen run: its curves, and what happened"),
        ("?", "every key of a screen, : any action by name"),
        ("3 4", "compare its encoders, and inspect single queries, where it has results"),
        (STARTS, "starts a run of your own; it goes on when you leave"),
        ("5", "plays its session again; space plays and holds"),
    ]
    .into_iter()
    .filter(|(key, _)| *key != STARTS || !shared.readonly)
    .collect();
    if area.height == 0 {
        return;
    }
    if area.height < 3 {
        // In little room all in a line.
        let short = [("enter", "opens a run"), ("3 4", "what it found"), (STARTS, "starts one")];
        let short = short.into_iter().filter(|(key, _)| *key != STARTS || !shared.readonly);
        let mut parts = vec![(Role::Dim, " ".to_owned())];
        for (key, what) in short.chain([("?", "every key; llm2clip demo shows all of it")]) {
            parts.push((Role::Key, key.to_owned()));
            parts.push((Role::Dim, format!(" {what}  ")));
        }
        let parts: Vec<(Role, &str)> = parts.iter().map(|(role, text)| (*role, &**text)).collect();
        pieces(shared, buffer, area, area.x, area.y, &parts);
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
