//! What stands where there is no result, and the comparisons that are under way.

use super::session;
use crate::tui::app::Shared;
use crate::tui::data::jobs::Job;
use crate::tui::screen::gone;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{paragraph, pieces, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Comparisons that were started here and are under way, a line each; what is left below them.
pub fn jobs(shared: &Shared, area: Rect, buffer: &mut Buffer) -> Rect {
    let mut rest = area;
    let here = |job: &&Job| job.is_under_way() && Some(&job.session) == session(shared);
    for job in shared.jobs.iter().filter(here).take(3) {
        let (line, below) = top(rest, 1);
        rest = below;
        let words = format!("{} {}", shared.glyphs.pointer(), job.words());
        let words = text::fit(&words, usize::from(line.width), shared.glyphs.cut());
        pieces(shared, buffer, line, line.x, line.y, &[(Role::Warn, &words)]);
    }
    rest
}

/// What stands where no table is in front: that the one that was looked at is gone, or that there is none.
pub fn view(shared: &Shared, result: Option<&str>, area: Rect, buffer: &mut Buffer) {
    if let Some(words) = result.and_then(|id| gone::why(shared, id)) {
        gone::view(shared, &words, area, buffer);
        return;
    }
    let command = "llm2clip compare --task caption --encoders A,B --session S";
    nothing(shared, area, buffer, "comparison", command);
}

/// What stands where there is no result.
pub fn nothing(shared: &Shared, area: Rect, buffer: &mut Buffer, what: &str, command: &str) {
    let inner = Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(1),
    };
    let words = match session(shared) {
        Some(id) if !shared.library.results.contains_key(id) => {
            format!("Reading the results of {id}...")
        }
        Some(id) => format!(
            "{} has no {what} yet.\n\n3 n start a comparison here\n}} {{ other sessions, with runs or without\n\nFrom a shell: {command}",
            text::safe(&shared.library.title(id))
        ),
        None => crate::tui::screen::no_session(shared),
    };
    let rest = paragraph(shared, buffer, inner, Role::Text, &words);
    let broken = session(shared).and_then(|id| shared.library.results.get(id));
    let broken = broken
        .into_iter()
        .flatten()
        .filter_map(|result| Some(format!("{}: {}", result.id, result.content.as_ref().err()?)));
    let broken: Vec<String> = broken.collect();
    paragraph(shared, buffer, top(rest, 1).1, Role::Bad, &text::safe(&broken.join(" ")));
}
