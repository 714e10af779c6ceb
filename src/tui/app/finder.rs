//! Help and the palette: rows of the key table in a list, the words of the chosen one whole below it.

use super::App;
use super::frame::sheet_width;
use crate::tui::keys::{Context, Entry, TABLE};
use crate::tui::screen::ScreenId;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, pieces, put, top};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Most lines for the words of the chosen entry.
const WORDS: u16 = 3;

/// Lines for them in the inside of help or the palette: in little room the list has more.
fn words_lines(inner: Rect) -> u16 {
    WORDS.min(inner.height.saturating_sub(1) / 3)
}

/// Where the list stands in that inside: below the line that is typed.
pub(super) fn list(inner: Rect) -> Rect {
    bottom(top(inner, 1).1, words_lines(inner)).0
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    /// Keys of a screen, below the names of their contexts.
    Help,
    /// All actions, those that fit best first.
    Palette,
}

/// A line of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Where the keys below it apply.
    Heading(Context),
    /// The row of that number.
    Row(usize),
}

impl Finder {
    /// Width and height on a terminal of that size.
    pub(super) fn size(self, terminal: Rect) -> (u16, u16) {
        match self {
            Self::Help => (sheet_width(terminal), terminal.height.saturating_sub(2)),
            Self::Palette => (sheet_width(terminal), terminal.height.saturating_sub(4).max(7)),
        }
    }

    /// The rows for a text that is typed.
    pub(super) fn rows(self, text: &str, screen: ScreenId) -> Vec<&'static Entry> {
        match self {
            Self::Help => help_rows(text, screen),
            Self::Palette => found(text, screen),
        }
    }

    /// The lines shown on so many: in help a heading stands above the rows of each context.
    fn lines(self, rows: &[&Entry], chosen: usize, height: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        for (at, entry) in rows.iter().enumerate() {
            if self == Self::Help && (at == 0 || rows[at - 1].context != entry.context) {
                lines.push(Line::Heading(entry.context));
            }
            lines.push(Line::Row(at));
        }
        let place = lines.iter().position(|line| *line == Line::Row(chosen)).unwrap_or(0);
        let first = Cursor { at: place }.first(lines.len(), height);
        lines.into_iter().skip(first).take(height).collect()
    }

    /// The row on a line of the list.
    pub(super) fn row_at(
        self,
        rows: &[&Entry],
        chosen: usize,
        list: Rect,
        line: u16,
    ) -> Option<usize> {
        match self.lines(rows, chosen, usize::from(list.height)).get(usize::from(line))? {
            Line::Row(at) => Some(*at),
            Line::Heading(_) => None,
        }
    }
}

/// Entries of the table as the palette ranks them for a text; those of the screen first where the text
/// is empty.
#[must_use]
pub(super) fn found(text: &str, screen: ScreenId) -> Vec<&'static Entry> {
    let offered = |entry: &&Entry| !matches!(entry.context, Context::Overlay | Context::Question);
    let here =
        |entry: &Entry| screen.contexts().iter().position(|c| *c == entry.context).unwrap_or(99);
    let mut entries: Vec<&'static Entry> = TABLE.iter().filter(offered).collect();
    entries.sort_by_key(|entry| here(entry));
    if text.is_empty() {
        return entries;
    }
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut scored: Vec<(u32, &'static Entry)> = entries
        .into_iter()
        .filter_map(|entry| {
            let (mut name, mut what) = (Vec::new(), Vec::new());
            let in_name = pattern.score(Utf32Str::new(entry.name, &mut name), &mut matcher);
            let in_words = pattern.score(Utf32Str::new(entry.what, &mut what), &mut matcher);
            // A name counts more than a description.
            let score = in_name.map(|score| 2 * score).into_iter().chain(in_words).max()?;
            Some((score, entry))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, entry)| entry).collect()
}

/// The rows help shows: entries of the screen's contexts that hold the text.
#[must_use]
fn help_rows(text: &str, screen: ScreenId) -> Vec<&'static Entry> {
    let wanted = text.to_lowercase();
    let holds = |entry: &&Entry| {
        screen.contexts().contains(&entry.context)
            && (entry.name.contains(&wanted)
                || entry.what.to_lowercase().contains(&wanted)
                || entry.key_texts.contains(&text))
    };
    let mut rows: Vec<&Entry> = TABLE.iter().filter(holds).collect();
    rows.sort_by_key(|entry| screen.contexts().iter().position(|c| *c == entry.context));
    rows
}

impl App {
    pub(super) fn finder(
        &self,
        finder: Finder,
        screen: ScreenId,
        input: &Input,
        cursor: Cursor,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let (title, sign, none) = match finder {
            Finder::Help => (
                format!("Keys on {}", screen.name()),
                "find",
                "no key does that; the palette (:) knows all screens",
            ),
            Finder::Palette => ("Do".to_owned(), ":", "nothing is called so"),
        };
        let (width, height) = finder.size(area);
        let inner = self.sheet(width, height, &title, area, buffer);
        self.find_line(sign, input, inner, buffer);
        let rows = finder.rows(input.text(), screen);
        let list = list(inner);
        let shown = finder.lines(&rows, cursor.at, usize::from(list.height));
        for (y, line) in (list.y..).zip(shown) {
            match line {
                Line::Heading(context) => {
                    let style = self.shared.theme.style(Role::Title);
                    put(buffer, list, list.x, y, context.title(), style);
                }
                Line::Row(at) => self.entry(rows[at], at == cursor.at, y, list, buffer),
            }
        }
        self.words(rows.get(cursor.at).copied(), none, inner, buffer);
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
        let (width, most) = (usize::from(inner.width.max(1)), usize::from(words_lines(inner)));
        let lines = text::wrap_in(&words, width, most, self.shared.glyphs.cut());
        let area = bottom(inner, lines.len() as u16).1;
        for (y, line) in (area.y..area.bottom()).zip(&lines) {
            put(buffer, area, area.x, y, line, self.shared.theme.style(role));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{app, press, shows};
    use super::*;
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
    fn what_is_typed_and_the_chosen_entry_are_seen_on_the_least_terminals_too() {
        for (opens, sign) in [("?", "find difference"), (":", ": difference")] {
            let mut app = app();
            press(&mut app, opens);
            app.update(Msg::Paste("difference".to_owned()));
            for (width, height) in [(44, 8), (60, 10), (80, 12)] {
                app.update(Msg::Resize { width, height });
                let text = shows(&app, width, height);
                assert!(text.contains(sign), "{text}");
                assert!(text.contains('▌'), "{text}");
                assert!(text.contains("difference: keys in"), "{text}");
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
