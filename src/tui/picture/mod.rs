//! Pictures in the terminal: which way they go, and the small pictures that are ready to be shown.
//!
//! | file | holds |
//! |---|---|
//! | `detect.rs` | which way this terminal takes, from its environment and its answers |
//! | `own.rs` | an own picture's file to a small one |
//! | `draw.rs` | a picture's file to what is shown of it in so many cells |
//! | `sixel.rs` | pixels to Sixel |
//!
//! Frames hold cells and references only: half-blocks are cells; for the other ways the painter sends
//! what a reference stands for.

pub mod detect;
mod draw;
mod own;
mod sixel;

pub use draw::{LARGEST, draw, placeholder, through_tmux};
pub use own::small;

use crate::ids::Digest;
use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;
use std::sync::Arc;

/// What `--graphics` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best this terminal is known to take.
    #[default]
    Auto,
    /// This way, whatever is known.
    Only(Graphics),
}

/// How pictures reach the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Graphics {
    /// Kitty's protocol, with placeholders in the cells: what overwrites a cell overwrites its part of
    /// the picture.
    Kitty,
    /// The same through tmux, which passes it on where its user has allowed that.
    KittyInTmux,
    /// iTerm2's inline files.
    Iterm2,
    /// Sixel.
    Sixel,
    /// Two pixels a cell.
    Halfblocks,
    /// Names only.
    #[default]
    Off,
}

impl Graphics {
    /// The names `--graphics` takes beside `auto`.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("kitty", Self::Kitty),
        ("iterm2", Self::Iterm2),
        ("sixel", Self::Sixel),
        ("halfblocks", Self::Halfblocks),
        ("off", Self::Off),
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kitty => "kitty",
            Self::KittyInTmux => "kitty through tmux",
            Self::Iterm2 => "iterm2",
            Self::Sixel => "sixel",
            Self::Halfblocks => "halfblocks",
            Self::Off => "off",
        }
    }

    /// Whether the painter lays the picture over blank cells.
    #[must_use]
    pub const fn is_laid_over(self) -> bool {
        matches!(self, Self::Iterm2 | Self::Sixel)
    }

    /// Whether the painter sends anything beside cells.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        !matches!(self, Self::Halfblocks | Self::Off)
    }
}

impl FromStr for Choice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let known = Graphics::NAMES.iter().find(|(name, _)| *name == text);
        known.map(|(_, graphics)| Self::Only(*graphics)).ok_or_else(|| {
            format!("expected auto, kitty, iterm2, sixel, halfblocks or off, found {text:?}")
        })
    }
}

/// Pixels of a cell, where the terminal does not say.
pub const CELL: (u16, u16) = (8, 16);

/// A picture in so many cells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The picture's name.
    pub picture: Digest,
    /// Columns at most.
    pub columns: u16,
    /// Rows at most.
    pub rows: u16,
}

/// Red, green and blue.
pub type Rgb = [u8; 3];

/// What is shown of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Of which, and in how many cells.
    pub key: Key,
    /// Its number in the terminal, from 1; unique among those that are ready.
    pub number: u8,
    /// `[rows, columns]`, the upper and the lower pixel of a cell; nothing beside the picture.
    pub halves: Vec<[Option<Rgb>; 2]>,
    /// The first of the columns and rows that the picture takes of its cells.
    pub offset: (u16, u16),
    /// What is sent to the terminal; empty for half-blocks.
    pub sent: Vec<u8>,
}

/// Pictures that are ready, the newest few; and those that are not to be had.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    ready: BTreeMap<Key, Option<Arc<Drawn>>>,
    order: VecDeque<Key>,
}

/// Pictures kept ready: as many as have numbers.
const KEPT: usize = 250;

impl Shelf {
    /// A picture, if it is ready.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Arc<Drawn>> {
        self.ready.get(key)?.as_ref()
    }

    /// Whether it is known not to be there.
    #[must_use]
    pub fn is_missing(&self, key: &Key) -> bool {
        self.ready.get(key).is_some_and(Option::is_none)
    }

    /// Whether nothing is known of it yet.
    #[must_use]
    pub fn lacks(&self, key: &Key) -> bool {
        !self.ready.contains_key(key)
    }

    /// Takes a picture, or that it is not there. Whoever has waited longest goes.
    pub fn put(&mut self, key: Key, drawn: Option<Arc<Drawn>>) {
        if self.ready.insert(key.clone(), drawn).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.ready.remove(&oldest);
            }
        }
    }

    /// Forgets all: another way to show them was chosen.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shelf_keeps_the_newest_and_remembers_what_is_not_there() {
        let mut shelf = Shelf::default();
        let key = |n: u16| Key { picture: Digest::of(b"x"), columns: n, rows: 1 };
        for n in 0..300 {
            shelf.put(key(n), None);
        }
        assert!(shelf.lacks(&key(0)) && shelf.is_missing(&key(299)));
        assert_eq!(shelf.order.len(), KEPT);
        assert_eq!("auto".parse(), Ok(Choice::Auto));
        assert_eq!("sixel".parse(), Ok(Choice::Only(Graphics::Sixel)));
        assert!("chafa".parse::<Choice>().is_err());
    }
}
