//! Keys as the table writes them and as a terminal sends them, and which action a key means.

mod document;
mod table;

pub use document::markdown;
pub use table::{Action, Context, Entry, TABLE};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;

/// A key with its modifiers, free of what differs between terminals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Which key; letters as typed, so `G` is not `g`.
    pub code: KeyCode,
    /// Control held.
    pub ctrl: bool,
    /// Alt held.
    pub alt: bool,
    /// Shift held; false for characters, which carry it themselves.
    pub shift: bool,
}

impl Key {
    /// A key without modifiers.
    #[must_use]
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// The character this key types into a line of text, if it does.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// Reads a key as the table writes it, such as `ctrl-p`, `shift-left`, `space` or `G`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Self::plain(KeyCode::Null);
        let mut rest = text;
        loop {
            let (part, after) = match rest.split_once('-') {
                Some((part, after)) if !part.is_empty() && !after.is_empty() => (part, after),
                _ => break,
            };
            match part {
                "ctrl" => key.ctrl = true,
                "alt" => key.alt = true,
                "shift" => key.shift = true,
                _ => return None,
            }
            rest = after;
        }
        let mut letters = rest.chars();
        key.code = match (letters.next(), letters.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => NAMES.iter().find(|(name, _)| *name == rest)?.1,
        };
        Some(key)
    }
}

/// Keys with a name.
const NAMES: [(&str, KeyCode); 17] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("f1", KeyCode::F(1)),
    ("insert", KeyCode::Insert),
];

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let has = |modifier| event.modifiers.contains(modifier);
        let mut key = Self {
            code: event.code,
            ctrl: has(KeyModifiers::CONTROL),
            alt: has(KeyModifiers::ALT),
            shift: has(KeyModifiers::SHIFT),
        };
        if matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab) {
            key.shift = false;
        }
        if key.ctrl
            && let KeyCode::Char(c) = key.code
        {
            key.code = KeyCode::Char(c.to_ascii_lowercase());
        }
        key
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// What a key means where the given contexts are in force, the nearest first.
#[must_use]
pub fn action_of(key: Key, contexts: &[Context]) -> Option<Action> {
    contexts.iter().find_map(|context| {
        let mut entries = TABLE.iter().filter(|entry| entry.context == *context);
        entries.find(|entry| entry.keys().any(|known| known == key)).map(|entry| entry.action)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::screen::ScreenId;
    use std::collections::BTreeMap;

    #[test]
    fn every_key_of_the_table_is_read_and_written_back() {
        for entry in TABLE {
            for text in entry.key_texts {
                let key = Key::parse(text).unwrap_or_else(|| panic!("{text}"));
                assert_eq!(key.to_string(), *text);
            }
        }
    }

    #[test]
    fn no_key_means_two_things_at_once() {
        let mut chains: Vec<Vec<Context>> =
            ScreenId::ALL.iter().map(|screen| screen.contexts().to_vec()).collect();
        chains.extend([vec![Context::Overlay], vec![Context::Question]]);
        for chain in chains {
            let mut seen: BTreeMap<String, &str> = BTreeMap::new();
            for entry in TABLE.iter().filter(|entry| chain.contains(&entry.context)) {
                for text in entry.key_texts {
                    if let Some(other) = seen.insert((*text).to_owned(), entry.name) {
                        panic!("{text} means {other} and {} in {chain:?}", entry.name);
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_unique_and_every_action_has_its_own_entry() {
        let mut names: Vec<_> = TABLE.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        for entry in TABLE {
            assert_eq!(entry.action.entry().name, entry.name);
            assert_eq!(Action::named(entry.name), Some(entry.action));
        }
    }

    #[test]
    fn a_terminals_key_is_the_tables_key() {
        let event = KeyEvent::new(KeyCode::Char('P'), KeyModifiers::CONTROL);
        assert_eq!(Key::from(event), Key::parse("ctrl-p").unwrap());
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Key::from(event), Key::parse("G").unwrap());
        assert_eq!(Key::parse("-"), Some(Key::plain(KeyCode::Char('-'))));
        assert_eq!(Key::parse("hyper-x"), None);
    }
}
