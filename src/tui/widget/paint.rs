//! Small strokes: a line of pieces in different styles, a rule with a title.

use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// From so many cells on, a title gives way to a note.
const NOTED: usize = 24;

/// Writes a text at a place, never beyond `area`, nor beyond the terminal where an area is taller than that;
/// returns the column after it.
pub fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buffer.area);
    if y < area.y || y >= area.bottom() || x >= area.right() || x < area.x {
        return x;
    }
    let room = usize::from(area.right() - x);
    buffer.set_stringn(x, y, text, room, style).0
}

/// Pieces of text with their roles, one after the other on one line.
pub fn pieces(
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    x: u16,
    y: u16,
    parts: &[(Role, &str)],
) -> u16 {
    let mut x = x;
    for (role, part) in parts {
        x = put(buffer, area, x, y, part, shared.theme.style(*role));
    }
    x
}

/// The sign before the chosen line of a list, in the list's first column.
pub fn pointer(shared: &Shared, buffer: &mut Buffer, list: Rect, y: u16) {
    put(buffer, list, list.x, y, shared.glyphs.pointer(), shared.theme.style(Role::Accent));
}

/// A horizontal rule over the first line of an area, with a title at its left and a note at its
/// right, each cut where both do not fit; returns what is left below it.
pub fn section(shared: &Shared, buffer: &mut Buffer, area: Rect, title: &str, note: &str) -> Rect {
    if area.height == 0 || area.width == 0 {
        return area;
    }
    let line = shared.glyphs.rule().repeat(usize::from(area.width));
    put(buffer, area, area.x, area.y, &line, shared.theme.style(Role::Faint));
    let (width, cut) = (usize::from(area.width), shared.glyphs.cut());
    if !title.is_empty() && width > 6 {
        // A long title leaves a quarter to the note, or what that needs.
        let kept = match text::width(note) {
            needed if needed > 0 && width >= NOTED => (needed + 3).min(width / 4),
            _ => 2,
        };
        let title = format!(" {} ", text::fit(title, width - 3 - kept, cut));
        let x = put(buffer, area, area.x + 1, area.y, &title, shared.theme.style(Role::Title));
        let room = usize::from(area.right().saturating_sub(x));
        let note = text::fit(note, room.saturating_sub(3), cut);
        // A sign of something cut says nothing alone.
        if !note.is_empty() && note != cut {
            let note = format!(" {note} ");
            let at = area.right() - text::width(&note) as u16 - 1;
            put(buffer, area, at, area.y, &note, shared.theme.style(Role::Dim));
        }
    }
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

/// Cuts `rows` lines off the top of an area: what was cut, and the rest.
#[must_use]
pub fn top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

/// Cuts `rows` lines off the bottom: the rest, and what was cut.
#[must_use]
pub fn bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    top(area, area.height - rows)
}

/// Cuts `columns` off the right: the rest, and what was cut.
#[must_use]
pub fn right(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    let rest = area.width - columns;
    (Rect { width: rest, ..area }, Rect { x: area.x + rest, width: columns, ..area })
}

/// Lines of plain text from the top of an area, broken at its width.
pub fn paragraph(
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    role: Role,
    words: &str,
) -> Rect {
    let mut rest = area;
    for line in words.lines().flat_map(|line| text::wrap(line, usize::from(area.width.max(1)))) {
        if rest.height == 0 {
            break;
        }
        put(buffer, rest, rest.x, rest.y, &line, shared.theme.style(role));
        rest = top(rest, 1).1;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;

    #[test]
    fn nothing_is_written_beyond_the_terminal() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        let area = Rect::new(2, 1, 9, 9);
        assert_eq!(put(&mut buffer, area, 3, 5, "below", Style::default()), 3);
        assert_eq!(put(&mut buffer, area, 3, 1, "beside", Style::default()), 6);
        assert_eq!(buffer[(5, 1)].symbol(), "s");
    }

    fn rule(title: &str, note: &str, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buffer = Buffer::empty(area);
        section(&app().shared, &mut buffer, area, title, note);
        (0..width).map(|x| buffer[(x, 0)].symbol()).collect()
    }

    #[test]
    fn a_note_is_cut_and_never_dropped() {
        assert_eq!(rule("title", "note", 24), "─ title ───────── note ─");
        let long = "sign flips over 380 units, corrected by Holm over 60 tests";
        let line = rule("differences in recall@1", long, 60);
        assert!(line.contains(" differences in recall@1 "), "{line}");
        assert!(line.contains(" sign flips over 380 units, c") && line.contains('…'), "{line}");
        for width in 36..90 {
            let line = rule(&"a title ".repeat(12), "note of some length", width);
            assert!(line.contains("note"), "{width}: {line}");
        }
        for width in 0..24 {
            rule("a long title of a section", "a note", width);
        }
    }
}
