//! Help and the palette: rows of the key table in a list, the words of the chosen one whole below it.

use super::App;
use super::frame::sheet_width;
use super::overlay::{found, help_rows};
use crate::tui::keys::{Context, Entry};
use crate::tui::screen::ScreenId;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, pieces, put, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines for the words of the chosen entry.
const WORDS: u16 = 3;

/// Where the list stands in the inside of help or the palette: below the line that is typed.
pub(super) fn list(inner: Rect) -> Rect {
    bottom(top(inner, 1).1, WORDS).0
}

/// A line of help.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Where the keys below it apply.
    Heading(Context),
    /// The row of that number.
    Row(usize),
}

/// The lines that help shows on so many: a heading stands above the rows of each context.
fn lines(rows: &[&Entry], chosen: usize, height: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, entry) in rows.iter().enumerate() {
        if at == 0 || rows[at - 1].context != entry.context {
            lines.push(Line::Heading(entry.context));
        }
        lines.push(Line::Row(at));
    }
    let place = lines.iter().position(|line| *line == Line::Row(chosen)).unwrap_or(0);
    let first = Cursor { at: place }.first(lines.len(), height);
    lines.into_iter().skip(first).take(height).collect()
}

/// The row of help on a line of its list.
pub(super) fn help_row(rows: &[&Entry], chosen: usize, list: Rect, line: u16) -> Option<usize> {
    match lines(rows, chosen, usize::from(list.height)).get(usize::from(line))? {
        Line::Row(at) => Some(*at),
        Line::Heading(_) => None,
    }
}

impl App {
    pub(super) fn help(
        &self,
        screen: ScreenId,
        input: &Input,
        cursor: Cursor,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let title = format!("Keys on {}", screen.name());
        let inner =
            self.sheet(sheet_width(area), area.height.saturating_sub(2), &title, area, buffer);
        self.find_line("find", input, inner, buffer);
        let rows = help_rows(input.text(), screen);
        let list = list(inner);
        let shown = lines(&rows, cursor.at, usize::from(list.height));
        for (y, line) in (list.y..).zip(shown) {
            match line {
                Line::Heading(context) => {
                    let style = self.shared.theme.style(Role::Title);
                    put(buffer, list, list.x, y, context.title(), style);
                }
                Line::Row(at) => self.entry(rows[at], at == cursor.at, y, list, buffer),
            }
        }
        let none = "no key does that; the palette (:) knows all screens";
        self.words(rows.get(cursor.at).copied(), none, inner, buffer);
    }

    pub(super) fn palette(
        &self,
        screen: ScreenId,
        input: &Input,
        cursor: Cursor,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let inner =
            self.sheet(sheet_width(area), area.height.saturating_sub(4), "Do", area, buffer);
        self.find_line(":", input, inner, buffer);
        let entries = found(input.text(), screen);
        let list = list(inner);
        let first = cursor.first(entries.len(), usize::from(list.height));
        let shown = entries.iter().enumerate().skip(first).take(usize::from(list.height));
        for (y, (at, entry)) in (list.y..).zip(shown) {
            self.entry(entry, at == cursor.at, y, list, buffer);
        }
        self.words(entries.get(cursor.at).copied(), "nothing is called so", inner, buffer);
    }

    fn find_line(&self, sign: &str, input: &Input, inner: Rect, buffer: &mut Buffer) {
        let line = top(inner, 1).0;
        let x = put(buffer, line, line.x, line.y, sign, self.shared.theme.style(Role::Key));
        self.typing(input, x + 1, line, buffer);
    }

    fn entry(&self, entry: &Entry, selected: bool, y: u16, area: Rect, buffer: &mut Buffer) {
        if selected {
            let line = Rect { y, height: 1, ..area };
            buffer.set_style(line, self.shared.theme.style(Role::Selected));
        }
        let cut = self.shared.glyphs.cut();
        let keys = text::left(&entry.key_texts.join(" "), 16, cut);
        let pointer = if selected { self.shared.glyphs.pointer() } else { " " };
        let name = text::left(entry.name, 17, cut);
        let room = usize::from(area.width).saturating_sub(37);
        let what = text::fit(entry.what, room, cut);
        let parts: [(Role, &str); 6] = [
            (Role::Accent, pointer),
            (Role::Key, &keys),
            (Role::Text, " "),
            (Role::Text, &name),
            (Role::Text, " "),
            (Role::Dim, &what),
        ];
        pieces(&self.shared, buffer, area, area.x, y, &parts);
    }

    /// The whole words of the chosen entry in the last lines; where there is none, why.
    fn words(&self, chosen: Option<&Entry>, none: &str, inner: Rect, buffer: &mut Buffer) {
        let (role, words) = match chosen {
            Some(entry) => (Role::Text, format!("{}: {}", entry.name, entry.what)),
            None => (Role::Dim, none.to_owned()),
        };
        let lines = text::wrap(&words, usize::from(inner.width.max(1)));
        let area = bottom(inner, lines.len().min(usize::from(WORDS)) as u16).1;
        for (y, line) in (area.y..area.bottom()).zip(&lines) {
            put(buffer, area, area.x, y, line, self.shared.theme.style(role));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{app, press, shows};
    use super::*;
    use crate::tui::keys::TABLE;
    use crate::tui::msg::Msg;

    #[test]
    fn the_words_of_every_entry_fit_below_the_list() {
        for entry in TABLE {
            let words = format!("{}: {}", entry.name, entry.what);
            assert!(text::wrap(&words, 56).len() <= usize::from(WORDS), "{words}");
        }
    }

    #[test]
    fn the_chosen_entry_is_described_whole_in_help_and_in_the_palette() {
        let whole = "of the run and its preset";
        for opens in ["?", ":"] {
            let mut app = app();
            press(&mut app, opens);
            assert!(!shows(&app, 80, 24).contains(whole));
            app.update(Msg::Paste("difference".to_owned()));
            for (width, height) in [(60, 16), (80, 24), (120, 40)] {
                app.update(Msg::Resize { width, height });
                let text = shows(&app, width, height);
                assert!(text.contains("difference: keys in which two recipes"), "{text}");
                let text = text.replace(['│', '\n', ' '], "");
                assert!(text.contains(&whole.replace(' ', "")), "{text}");
            }
        }
    }

    #[test]
    fn help_goes_through_its_rows_with_their_headings() {
        let mut app = app();
        press(&mut app, "?");
        let text = shows(&app, 80, 24);
        assert!(text.contains("filter: show only runs that match"), "{text}");
        assert!(text.contains("Commanding a run"), "{text}");
        press(&mut app, "down down");
        assert!(shows(&app, 80, 24).contains("sort-reverse: the other way round"));
        press(&mut app, "pagedown pagedown pagedown pagedown");
        let text = shows(&app, 80, 24);
        assert!(
            text.contains("quit: leave the workbench") && !text.contains("Commanding"),
            "{text}"
        );
        app.update(Msg::Paste("no such thing".to_owned()));
        assert!(shows(&app, 80, 24).contains("no key does that"));
    }
}
