//! What filters of lists have in common: a minus that turns a word round, and a number against another.

use std::cmp::Reverse;

/// How a number is held against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    More,
    /// `>=`
    MoreOrEqual,
    /// `=`
    Equal,
}

const SIGNS: [(&str, Order); 5] = [
    ("<=", Order::LessOrEqual),
    (">=", Order::MoreOrEqual),
    ("<", Order::Less),
    (">", Order::More),
    ("=", Order::Equal),
];

impl Order {
    /// Whether a value stands so to what is wanted.
    #[must_use]
    pub fn holds(self, value: f64, wanted: f64) -> bool {
        match self {
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::More => value > wanted,
            Self::MoreOrEqual => value >= wanted,
            Self::Equal => value == wanted,
        }
    }
}

/// Whether a minus stands before a word, and the word without it; a minus alone is a word.
#[must_use]
pub fn turned(word: &str) -> (bool, &str) {
    match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, word),
    }
}

/// What stands before the first sign of a word, the sign, and what stands behind it.
#[must_use]
pub fn comparison(word: &str) -> Option<(&str, Order, &str)> {
    let (at, sign, order) = SIGNS
        .iter()
        .filter_map(|(sign, order)| Some((word.find(sign)?, sign, order)))
        .min_by_key(|found| (found.0, Reverse(found.1.len())))?;
    Some((&word[..at], *order, &word[at + sign.len()..]))
}
