//! What forms over a screen have in common: which keys they take, and how their fields, their verdict
//! and their last line look.

use super::{App, Effect, Shared};
use crate::tui::keys::{Action, Key};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::{pieces, put};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A form.
pub(super) trait Form {
    /// The line that is typed into, where one is in front.
    fn line(&mut self) -> Option<&mut Input>;

    /// Accepts what is filled in: whether the form stays, and what it asks for.
    fn accept(&mut self, shared: &Shared) -> (bool, Vec<Effect>);

    /// Starts what is filled in, whichever line is in front: whether the form stays, and what it asks for.
    fn start(&mut self, shared: &Shared) -> (bool, Vec<Effect>) {
        self.accept(shared)
    }

    /// Takes a key where a question of the form's own is open; nothing where none is.
    fn answered(&mut self, _key: Key, _shared: &Shared) -> Option<(bool, Vec<Effect>)> {
        None
    }

    /// Takes a key of the form's own; whether it was one. Others go into the line.
    fn takes(&mut self, key: Key, action: Option<Action>, shared: &Shared) -> bool;

    /// Hears that its line has another text.
    fn changed(&mut self) {}

    /// Takes a click at a column and a row of the form's inside.
    fn clicked(&mut self, _place: (u16, u16), _inner: Rect) {}

    /// Takes lines that the wheel was turned; up is negative.
    fn wheel(&mut self, _lines: i8) {}

    /// Takes a pasted text.
    fn paste(&mut self, text: &str) {
        if let Some(line) = self.line() {
            line.insert(text);
            self.changed();
        }
    }

    /// Takes a key: whether the form stays, and what it asks for.
    fn key(&mut self, key: Key, action: Option<Action>, shared: &Shared) -> (bool, Vec<Effect>) {
        if let Some(answered) = self.answered(key, shared) {
            return answered;
        }
        match action {
            Some(Action::Close) => return (false, Vec::new()),
            Some(Action::Accept) => return self.accept(shared),
            Some(Action::StartNow) => return self.start(shared),
            _ => {}
        }
        if !self.takes(key, action, shared)
            && let Some(line) = self.line()
            && line.key(key)
        {
            self.changed();
        }
        (true, Vec::new())
    }
}

/// The place beside one of `count`, the first after the last.
pub(super) fn beside(at: usize, count: usize, back: bool) -> usize {
    let count = count.max(1);
    if back { at + count - 1 } else { at + 1 }.rem_euclid(count)
}

/// The field beside one.
pub(super) fn next_of<T: Copy + PartialEq>(all: &[T], now: T, back: bool) -> T {
    let at = all.iter().position(|one| *one == now).unwrap_or(0);
    all.get(beside(at, all.len(), back)).copied().unwrap_or(now)
}

/// Lines of a form above the first that is seen, where it takes `lines` and has fewer: the one in `front`
/// is in sight.
fn scrolled((front, lines): (u16, u16), height: u16) -> u16 {
    front.saturating_sub(height / 2).min(lines.saturating_sub(height))
}

/// A row of a form's inside, and that inside, as they are where the form has the lines that it takes at
/// least.
pub(super) fn unscrolled(row: u16, place: (u16, u16), inner: Rect) -> (u16, Rect) {
    let row = row + scrolled(place, inner.height);
    (row, Rect { height: inner.height.max(place.1), ..inner })
}

/// Draws a form into a sheet's inside. In fewer lines than it takes at least it is scrolled to its line in
/// front: `place` is that line, and how many there are.
pub(super) fn within(
    place: (u16, u16),
    inner: Rect,
    buffer: &mut Buffer,
    draw: impl FnOnce(Rect, &mut Buffer),
) {
    if place.1 <= inner.height {
        draw(inner, buffer);
        return;
    }
    let whole = Rect { x: 0, y: 0, width: inner.width, height: place.1 };
    let mut drawn = Buffer::empty(whole);
    draw(whole, &mut drawn);
    for (from, y) in (scrolled(place, inner.height)..).zip(inner.y..inner.bottom()) {
        for x in 0..inner.width {
            let cells = (drawn.cell((x, from)), buffer.cell_mut((inner.x + x, y)));
            if let (Some(drawn), Some(cell)) = cells {
                cell.clone_from(drawn);
            }
        }
    }
}

impl App {
    /// A field's name, bright where it is in front; returns where its value stands.
    pub(super) fn field(
        &self,
        (name, columns): (&str, u16),
        front: bool,
        line: Rect,
        buffer: &mut Buffer,
    ) -> Rect {
        let role = if front { Role::Key } else { Role::Dim };
        put(buffer, line, line.x, line.y, name, self.shared.theme.style(role));
        Rect { x: line.x + columns, width: line.width.saturating_sub(columns), ..line }
    }

    /// A line's text, with its cursor where it is in front.
    pub(super) fn value(&self, input: &Input, front: bool, area: Rect, buffer: &mut Buffer) {
        if front {
            self.typing(input, area.x, area, buffer);
            return;
        }
        let words = text::safe(input.text());
        let words = text::fit_end(&words, usize::from(area.width), self.shared.glyphs.cut());
        put(buffer, area, area.x, area.y, &words, self.shared.theme.style(Role::Text));
    }

    /// What became of what is filled in, in as many lines as there is room for.
    pub(super) fn verdict(&self, role: Role, words: &str, area: Rect, buffer: &mut Buffer) {
        let (width, most) = (usize::from(area.width.max(1)), usize::from(area.height));
        let lines = text::wrap_in(&text::safe(words), width, most, self.shared.glyphs.cut());
        for (line, y) in lines.iter().zip(area.y..area.bottom()) {
            put(buffer, area, area.x, y, line, self.shared.theme.style(role));
        }
    }

    /// The last line of a sheet: keys, and what they do here, as many as fit.
    pub(super) fn last_line(&self, keys: &[(&str, &str)], line: Rect, buffer: &mut Buffer) {
        let mut x = line.x;
        for (key, what) in keys {
            let wanted = text::width(key) + 1 + text::width(what);
            if usize::from(x) + wanted > usize::from(line.right()) {
                break;
            }
            let parts = [(Role::Key, *key), (Role::Dim, " "), (Role::Dim, what)];
            x = pieces(&self.shared, buffer, line, x, line.y, &parts) + 3;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::inspect_tests::pets;
    use super::super::tests::{press, shows};
    use super::*;
    use crate::tui::msg::Msg;

    #[test]
    fn the_line_in_front_is_seen_on_the_least_terminals_too() {
        let forms: [(&str, &[(&str, &str)]); 4] = [
            (
                "3 n",
                &[
                    ("", "data set"),
                    ("tab", "task"),
                    ("tab", "queries"),
                    ("tab", "gallery"),
                    ("tab", "more"),
                    ("tab", "encoders"),
                    ("tab", "  llama"),
                    ("down", "  bm25"),
                ],
            ),
            (
                "1 n",
                &[
                    ("", "recipe"),
                    ("down", "set"),
                    ("down", "when"),
                    ("down", "stage"),
                    ("down", "steps"),
                ],
            ),
            ("1 n", &[("up", "start")]),
            ("E", &[("", "folder"), ("tab", "✓ ")]),
        ];
        for (width, height) in [(44, 8), (60, 10), (80, 12)] {
            for (opens, steps) in forms {
                let mut app = pets();
                app.update(Msg::Resize { width, height });
                press(&mut app, opens);
                for (key, line) in steps {
                    if !key.is_empty() {
                        press(&mut app, key);
                    }
                    let text = shows(&app, width, height);
                    assert!(text.contains(&format!("│ {line}")), "{opens} {line}: {text}");
                    assert!(text.lines().last().unwrap().contains("esc close"), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_click_meets_the_line_that_is_seen() {
        let inner = Rect::new(2, 1, 40, 4);
        assert_eq!(unscrolled(1, (0, 12), inner), (1, Rect { height: 12, ..inner }));
        assert_eq!(unscrolled(1, (7, 12), inner), (6, Rect { height: 12, ..inner }));
        assert_eq!(unscrolled(3, (11, 12), inner), (11, Rect { height: 12, ..inner }));
        assert_eq!(unscrolled(3, (2, 4), inner), (3, inner));
    }

    #[test]
    fn after_the_last_field_comes_the_first() {
        assert_eq!((beside(2, 3, false), beside(0, 3, true), beside(0, 0, true)), (0, 2, 0));
        assert_eq!((next_of(&['a', 'b'], 'b', false), next_of(&['a', 'b'], 'b', true)), ('a', 'a'));
        assert_eq!(next_of(&[], 'x', false), 'x');
    }
}
