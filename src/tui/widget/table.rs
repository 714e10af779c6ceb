//! Columns: as many as fit, the most important first, each cut to its width.

use super::paint::put;
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Cells it takes; 0 takes what is left, at least twelve.
    pub width: u16,
    /// Whether its values stand at its right.
    pub right: bool,
    /// The least width of the table at which it is shown.
    pub from: u16,
}

/// A cell: what it says and what that means.
pub type Cell = (Role, String);

/// The columns that fit, with their places: (index, x, width). A number is seen whole or not at all; words
/// have what is left.
#[must_use]
pub fn fit(columns: &[Column], width: u16) -> Vec<(usize, u16, u16)> {
    let shown: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].from <= width).collect();
    let fixed: u16 = shown.iter().map(|at| columns[*at].width + 1).sum();
    let open = width.saturating_sub(fixed).max(12);
    let mut x = 0;
    shown
        .into_iter()
        .filter_map(|at| {
            let column = columns[at];
            let wanted = if column.width == 0 { open } else { column.width };
            let (from, left) = (x, width.saturating_sub(x));
            x += wanted + 1;
            let seen = if column.right && wanted > left { 0 } else { wanted.min(left) };
            (seen > 0).then_some((at, from, seen))
        })
        .collect()
}

/// The direction of an order.
#[must_use]
pub fn arrow(shared: &Shared, down: bool) -> &'static str {
    match (shared.glyphs.ascii, down) {
        (true, true) => "v",
        (true, false) => "^",
        (false, true) => "↓",
        (false, false) => "↑",
    }
}

/// The line of headings; `sorted` is marked with the direction of its order.
pub fn header(
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    columns: &[Column],
    sorted: Option<(usize, bool)>,
) {
    for (at, x, width) in fit(columns, area.width) {
        let column = columns[at];
        let (role, title) = match sorted {
            Some((by, down)) if by == at => {
                (Role::Accent, format!("{}{}", column.title, arrow(shared, down)))
            }
            _ => (Role::Dim, column.title.to_owned()),
        };
        line(shared, buffer, area, area.y, (x, width, column.right), (role, &title), false);
    }
}

/// A line of cells, one a column.
pub fn row(
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    y: u16,
    columns: &[Column],
    cells: &[Cell],
    selected: bool,
) {
    if y >= area.bottom() {
        return;
    }
    if selected {
        buffer.set_style(
            Rect { y, height: 1, ..area }.intersection(*buffer.area()),
            shared.theme.style(Role::Selected),
        );
    }
    for (at, x, width) in fit(columns, area.width) {
        if let Some((role, value)) = cells.get(at) {
            line(shared, buffer, area, y, (x, width, columns[at].right), (*role, value), selected);
        }
    }
}

fn line(
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    y: u16,
    (x, width, right): (u16, u16, bool),
    (role, value): (Role, &str),
    selected: bool,
) {
    let cut = shared.glyphs.cut();
    let value = if right {
        text::right(value, usize::from(width), cut)
    } else {
        text::left(value, usize::from(width), cut)
    };
    let mut style = shared.theme.style(role);
    if selected {
        style = shared.theme.style(Role::Selected).patch(style);
    }
    put(buffer, area, area.x + x, y, &value, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_fit_whole_is_left_out_and_words_are_cut_to_what_is_left() {
        let column = |title, width, right| Column { title, width, right, from: 0 };
        let columns = [column("name", 0, false), column("n", 5, true), column("words", 8, false)];
        let fits = |width: u16| fit(&columns, width);
        assert_eq!(fits(40), [(0, 0, 24), (1, 25, 5), (2, 31, 8)]);
        assert_eq!(fits(24), [(0, 0, 12), (1, 13, 5), (2, 19, 5)]);
        assert_eq!(fits(18), [(0, 0, 12), (1, 13, 5)]);
        assert_eq!(fits(17), [(0, 0, 12)]);
        assert_eq!(fits(7), [(0, 0, 7)]);
        assert!(fits(0).is_empty());
    }
}
