//! A line of text being typed.

use crate::tui::keys::Key;
use ratatui::crossterm::event::KeyCode;
use unicode_segmentation::UnicodeSegmentation;

/// The text and where the cursor stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// A byte offset at a grapheme's boundary.
    cursor: usize,
}

impl Input {
    /// A line that holds a text, the cursor at its end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len() }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor, the grapheme under it, and the rest.
    #[must_use]
    pub fn parts(&self) -> (&str, &str, &str) {
        let (before, after) = self.text.split_at(self.cursor);
        let under = after.graphemes(true).next().unwrap_or_default();
        (before, under, &after[under.len()..])
    }

    /// Types a text; line ends become spaces, other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        let text: String = text
            .chars()
            .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
            .filter(|c| !c.is_control())
            .collect();
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
    }

    /// Takes a key; whether the line had a use for it.
    pub fn key(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        match key.code {
            KeyCode::Backspace => self.delete(self.previous(), self.cursor),
            KeyCode::Delete => self.delete(self.cursor, self.next()),
            KeyCode::Left => self.cursor = self.previous(),
            KeyCode::Right => self.cursor = self.next(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Char('a') if key.ctrl => self.cursor = 0,
            KeyCode::Char('e') if key.ctrl => self.cursor = self.text.len(),
            KeyCode::Char('u') if key.ctrl => self.delete(0, self.cursor),
            KeyCode::Char('k') if key.ctrl => self.delete(self.cursor, self.text.len()),
            KeyCode::Char('w') if key.ctrl => {
                let before = self.text[..self.cursor].trim_end();
                let from = before.rfind(' ').map_or(0, |at| at + 1);
                self.delete(from, self.cursor);
            }
            _ => return false,
        }
        true
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn previous(&self) -> usize {
        let last = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor - last.map_or(0, str::len)
    }

    fn next(&self) -> usize {
        let first = self.text[self.cursor..].graphemes(true).next();
        self.cursor + first.map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_by_graphemes() {
        let mut input = Input::new("a얼e\u{301}");
        input.key(Key::plain(KeyCode::Backspace));
        assert_eq!(input.text(), "a얼");
        input.key(Key::plain(KeyCode::Left));
        assert_eq!(input.parts(), ("a", "얼", ""));
        input.insert("x\n\u{1b}y");
        assert_eq!(input.text(), "ax y얼");
        input.key(Key::parse("ctrl-w").unwrap());
        assert_eq!(input.text(), "ax 얼");
        input.key(Key::parse("ctrl-u").unwrap());
        assert_eq!(input.parts(), ("", "얼", ""));
        assert!(!input.key(Key::plain(KeyCode::Enter)));
    }
}
