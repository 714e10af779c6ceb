//! A line of pieces with the sign of something cut at its end, where they do not all fit.

use super::paint;
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Pieces of text with their roles, one after the other on one line.
pub fn pieces(
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    (x, y): (u16, u16),
    parts: &[(Role, &str)],
) {
    let room = usize::from(area.right().saturating_sub(x));
    let wanted: usize = parts.iter().map(|(_, part)| text::width(part)).sum();
    if wanted <= room {
        paint::pieces(shared, buffer, area, x, y, parts);
        return;
    }
    let cut = shared.glyphs.cut();
    let mut left = room.saturating_sub(text::width(cut));
    let mut x = x;
    for (role, part) in parts {
        let kept = text::fit(part, left, "");
        left -= text::width(&kept).min(left);
        x = paint::pieces(shared, buffer, area, x, y, &[(*role, &kept)]);
        if kept.len() < part.len() {
            paint::pieces(shared, buffer, area, x, y, &[(*role, cut)]);
            return;
        }
    }
}

/// One text of one role.
pub fn words(
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    at: (u16, u16),
    (role, words): (Role, &str),
) {
    pieces(shared, buffer, area, at, &[(role, words)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;

    fn drawn(parts: &[&str], width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buffer = Buffer::empty(area);
        let parts: Vec<(Role, &str)> = parts.iter().map(|part| (Role::Text, *part)).collect();
        pieces(&app().shared, &mut buffer, area, (1, 0), &parts);
        (0..width).map(|x| buffer[(x, 0)].symbol()).collect()
    }

    #[test]
    fn what_does_not_fit_ends_with_the_sign_of_it() {
        assert_eq!(drawn(&["one ", "two"], 8), " one two");
        assert_eq!(drawn(&["one ", "two"], 7), " one t…");
        assert_eq!(drawn(&["one ", "two"], 6), " one …");
        assert_eq!(drawn(&["one ", "two"], 3), " o…");
        assert_eq!(drawn(&["one", "two", "three"], 8), " onetwo…");
        for width in 0..4 {
            drawn(&["one"], width);
        }
    }
}
