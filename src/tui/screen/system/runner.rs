//! A run with its process and its lock, on one line.

use crate::session::RunStatus;
use crate::session::state::LogLock;
use crate::tui::app::Shared;
use crate::tui::data::library::RunEntry;
use crate::tui::format;
use crate::tui::screen::runs::role;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Less than so many columns hold no columns of processes and locks.
const NARROW: u16 = 72;

/// A run with its process, its lock, and what it waits for or how long it has been silent.
pub fn draw(
    shared: &Shared,
    run: &RunEntry,
    chosen: bool,
    area: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    let status = run.row.state;
    let mut more: Vec<String> = Vec::new();
    let mut target = None;
    match &run.runner.after {
        Some(after) if status == RunStatus::Queued => {
            let session = format!("{}/", run.id.session);
            target = Some(text::safe(after.strip_prefix(&session).unwrap_or(after)));
        }
        _ if status.has_runner() => {
            let left = run.row.eta_s.filter(|_| status == RunStatus::Live);
            more.extend(left.map(|left| format!("{} left", format::short_duration(left))));
            let silent = run.last.map(|last| shared.now.seconds_since(last).max(0.0));
            more.extend(silent.map(|silent| format!("silent {}", format::short_duration(silent))));
        }
        _ => {}
    }
    // A process that is over is not told as one that could be looked for.
    let id = if status.has_runner() { "pid" } else { "was" };
    let process = run.runner.process.map_or_else(String::new, |process| format!("{id} {process}"));
    let lock = match run.runner.lock {
        Some(LogLock::Held) => "lock held",
        Some(LogLock::Free) => "lock free",
        Some(LogLock::Unsupported) => "no lock",
        None => "",
    };
    let narrow = area.width < NARROW;
    let columns = if narrow {
        more.extend(
            [&*process, lock]
                .iter()
                .filter(|words| !words.is_empty())
                .map(|words| (*words).to_owned()),
        );
        " ".to_owned()
    } else {
        format!(" {process:<11} {lock:<9} ")
    };
    more.push(format!("{} on {}", text::safe(&run.device), text::safe(&run.host)));
    // The end of a name tells runs apart.
    let cut = shared.glyphs.cut();
    let room = usize::from(area.width).saturating_sub(58).clamp(16, 44);
    let name = text::left(&text::fit_end(&run.id.to_string(), room, cut), room, cut);
    let pointer = if chosen { shared.glyphs.pointer() } else { " " };
    let parts: [(Role, &str); 4] = [
        (Role::Accent, pointer),
        (role(status), &format!("{} {status:<7} ", shared.glyphs.status(status))),
        (Role::Text, &name),
        (Role::Text, &columns),
    ];
    let x = pieces(shared, buffer, area, area.x, y, &parts);
    let rest = usize::from(area.right().saturating_sub(x));
    if let Some(target) = target {
        // What it waits for tells more than where it will run, and its end more than its beginning.
        // The sign that more is left out has its own room.
        let target = text::fit_end(&target, rest.saturating_sub(9), cut);
        more.insert(0, format!("after {target}"));
    }
    let words = text::fit(&more.join(", "), rest, cut);
    put(buffer, area, x, y, &words, shared.theme.style(Role::Dim));
}
