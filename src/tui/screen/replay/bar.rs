//! The bar to seek in: as long as there is to watch, with marks, and with signs where nothing was
//! recorded for long and it is cut.

use crate::tui::app::Shared;
use crate::tui::data::reel::Reel;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws it.
pub fn draw(shared: &Shared, reel: &Reel, area: Rect, buffer: &mut Buffer) {
    let glyphs = shared.glyphs;
    let title = text::safe(&shared.library.title(&reel.session));
    let speed = if reel.speed == 1.0 {
        "as it happened".to_owned()
    } else {
        format!("{} times as fast", format::number(reel.speed))
    };
    let state = match (reel.playing, glyphs.ascii) {
        (true, false) => "▶ playing",
        (true, true) => "> playing",
        (false, false) => "‖ held",
        (false, true) => "= held",
    };
    let again = if reel.looping { ", over and over" } else { "" };
    let note = format!("{state}, {speed}{again}");
    let inner = section(shared, buffer, area, &format!("replay of {title}"), &note);
    let (watched, length) = reel.watched;
    let share = (watched / length.max(1e-9)).clamp(0.0, 1.0);
    let width = usize::from(inner.width.saturating_sub(2));
    let at = |share: f64| ((share.clamp(0.0, 1.0)) * width.saturating_sub(1) as f64).round() as u16;
    let mut sign = |x: u16, sign: &str, role: Role| {
        put(buffer, inner, inner.x + 1 + x, inner.y, sign, shared.theme.style(role));
    };
    sign(0, &glyphs.rule().repeat(width), Role::Faint);
    sign(0, &glyphs.rule().repeat(usize::from(at(share))), Role::Accent);
    for mark in &reel.marks {
        sign(at(*mark), if glyphs.ascii { "'" } else { "┴" }, Role::Dim);
    }
    for gap in &reel.gaps {
        sign(at(*gap), if glyphs.ascii { ":" } else { "┊" }, Role::Warn);
    }
    for marked in &reel.marked {
        sign(at(marked.share), glyphs.mark(), Role::Warn);
    }
    sign(at(share), if glyphs.ascii { "#" } else { "█" }, Role::Accent);
    let words = format!(
        "{} UTC   {} of {}   record {} of {}",
        format::clock_seconds(reel.time),
        format::duration(watched),
        format::duration(length),
        format::count(reel.position as u64),
        format::count(reel.count as u64)
    );
    let here = reel.marked.iter().filter(|marked| marked.time <= reel.time);
    let here = here.filter(|marked| at(marked.share) == at(share) && !marked.label.is_empty());
    let labels: Vec<String> = here.map(|marked| text::safe(&marked.label)).collect();
    let room = usize::from(inner.width).saturating_sub(text::width(&words) + 6);
    let label = if labels.is_empty() {
        String::new()
    } else {
        format!("   {} {}", glyphs.mark(), text::fit(&labels.join(", "), room, glyphs.cut()))
    };
    let parts = [(Role::Text, words.as_str()), (Role::Warn, label.as_str())];
    pieces(shared, buffer, inner, inner.x + 1, inner.y + 1, &parts);
}
