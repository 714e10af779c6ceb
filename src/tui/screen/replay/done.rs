//! What was done at the terminal around the moment that is looked at.

use crate::tui::app::Shared;
use crate::tui::data::reel::Reel;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the newest that has happened, and below it what comes next.
pub fn draw(shared: &Shared, reel: &Reel, area: Rect, buffer: &mut Buffer) {
    let inner = section(shared, buffer, area, "done at the terminal", ") ( next, before; a hides");
    let height = usize::from(inner.height);
    let past = reel.done.iter().filter(|done| done.past).count();
    let coming = (reel.done.len() - past).min(height / 3);
    let first = past.saturating_sub(height.saturating_sub(coming));
    for (line, (at, done)) in reel.done.iter().enumerate().skip(first).take(height).enumerate() {
        let y = inner.y + line as u16;
        let newest = at + 1 == past;
        let sign = if newest { shared.glyphs.pointer() } else { " " };
        let time = format!("{sign} {}  ", reel.clock(done.time));
        let room = usize::from(inner.width).saturating_sub(text::width(&time));
        let words = text::fit(&text::safe(&done.words), room, shared.glyphs.cut());
        let role = match (newest, done.past) {
            (true, _) => Role::Title,
            (false, true) => Role::Text,
            (false, false) => Role::Dim,
        };
        pieces(shared, buffer, inner, inner.x, y, &[(Role::Dim, &time), (role, &words)]);
    }
}
