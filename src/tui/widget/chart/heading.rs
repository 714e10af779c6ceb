//! A chart's heading: what it shows, and all that changes how its curves are to be read.

use super::{Chart, Look};
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{put, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What could not be shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hidden {
    pub(super) not_positive: u64,
    pub(super) above: u64,
    pub(super) below: u64,
    /// Before a logarithmic axis begins.
    pub(super) before: u64,
}

/// A chart of no more lines than these has none to spare for its facts.
const LINES: u16 = 4;

/// What is not as it seems: never left out.
fn facts(look: &Look, hidden: Hidden) -> Vec<String> {
    let mut facts = Vec::new();
    if look.log_y {
        facts.push("log".to_owned());
    }
    let cut = [(hidden.above, "above"), (hidden.below, "below")];
    let cut = cut.iter().filter(|(count, _)| *count > 0);
    let cut: Vec<String> = cut.map(|(count, word)| format!("{count} {word}")).collect();
    if !cut.is_empty() {
        facts.push(format!("cut off: {}", cut.join(" ")));
    }
    if hidden.not_positive > 0 {
        facts.push(format!("{} not above 0 hidden", hidden.not_positive));
    }
    if hidden.before > 0 {
        facts.push(format!("{} left of the axis hidden", hidden.before));
    }
    facts
}

/// Draws it; what is left below. The facts stand before the names of the curves, which may be cut; where
/// that is too much for a line, on lines of their own, or first of all where there is no room for these.
pub(super) fn draw(
    shared: &Shared,
    chart: &Chart,
    look: &Look,
    hidden: Hidden,
    area: Rect,
    buffer: &mut Buffer,
) -> Rect {
    let between = format!(" {} ", shared.glyphs.dot());
    let facts = facts(look, hidden);
    let words = facts.join(&between);
    let smoothed = chart.curves.iter().any(|curve| curve.is_smoothed(look));
    let smoothed =
        if smoothed { format!("{between}ema {}", look.smoothing) } else { String::new() };
    let (rest, width) = (format!("{smoothed}{}", chart.legend), usize::from(area.width));
    if words.is_empty() {
        return section(shared, buffer, area, &format!("{}{rest}", chart.title), "");
    }
    let title = format!("{}{between}{words}", chart.title);
    if text::width(&title) + 5 <= width {
        return section(shared, buffer, area, &format!("{title}{rest}"), "");
    }
    if area.height <= LINES {
        let title = format!("{words}{between}{}{rest}", chart.title);
        return section(shared, buffer, area, &title, "");
    }
    let inner = section(shared, buffer, area, &format!("{}{rest}", chart.title), "");
    let lines = packed(&facts, &between, width.saturating_sub(1));
    let (place, below) = top(inner, lines.len() as u16);
    for (line, y) in lines.iter().zip(place.y..place.bottom()) {
        put(buffer, place, place.x + 1, y, line, shared.theme.style(Role::Warn));
    }
    below
}

/// Facts in as few lines as hold them whole.
fn packed(facts: &[String], between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if text::width(line) + text::width(between) + text::width(fact) <= width => {
                line.push_str(between);
                line.push_str(fact);
            }
            _ => lines.push(fact.clone()),
        }
    }
    lines
}
