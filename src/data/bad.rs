//! Rows of a file that are not what they should be: counted, listed, skipped up to a share.

use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Bad rows that are kept with their place; all are counted.
pub const LISTED: usize = 1000;

/// Bad rows that an error shows; `data check` shows more.
const SHOWN: usize = 5;

/// Where in a file a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, counted from 1.
    Line(usize),
    /// An element of one of a document's lists, counted from 0.
    Entry(&'static str, usize),
    /// A member of an archive.
    Member(String),
    /// The file as a whole.
    Whole,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Entry(list, at) => write!(f, "{list}[{at}]"),
            Self::Member(name) => write!(f, "member {}", crate::shown::escaped(name)),
            Self::Whole => f.write_str("the file"),
        }
    }
}

/// One row that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, where the file has lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The element or member, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// What was expected and what was found.
    pub what: String,
}

impl BadRow {
    /// A row of `file` that is wrong.
    pub fn new(file: &Path, place: &Place, what: impl Into<String>) -> Self {
        let (line, entry) = match place {
            Place::Line(line) => (Some(*line), None),
            Place::Whole => (None, None),
            other => (None, Some(other.to_string())),
        };
        Self { file: file.to_owned(), line, entry, what: what.into() }
    }
}

impl fmt::Display for BadRow {
    /// `file:line: what`, or `file: entry: what`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::shown::escaped(&self.file.to_string_lossy()))?;
        match (&self.line, &self.entry) {
            (Some(line), _) => write!(f, ":{line}: {}", self.what),
            (None, Some(entry)) => write!(f, ": {entry}: {}", self.what),
            (None, None) => write!(f, ": {}", self.what),
        }
    }
}

/// The bad rows of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadRows {
    /// Rows that were looked at, good and bad.
    pub rows: usize,
    /// Rows that were skipped.
    pub count: usize,
    /// The first [`LISTED`] of them.
    pub listed: Vec<BadRow>,
}

impl BadRows {
    /// Counts a good row.
    pub fn good(&mut self) {
        self.rows += 1;
    }

    /// Counts and lists a bad one.
    pub fn bad(&mut self, row: BadRow) {
        self.rows += 1;
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(row);
        }
    }

    /// Adds those of another part of the set.
    pub fn join(&mut self, other: Self) {
        self.rows += other.rows;
        self.count += other.count;
        let room = LISTED - self.listed.len().min(LISTED);
        self.listed.extend(other.listed.into_iter().take(room));
    }

    /// The share of rows that are bad, from 0 to 1.
    pub fn share(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.count as f64 / self.rows as f64 }
    }

    /// A sentence that says how many were skipped and shows the first; none where none were.
    pub fn warning(&self, name: &str) -> Option<String> {
        let first = self.listed.first()?;
        Some(format!(
            "data {}: {} of {} rows are bad and were skipped ({:.2} %), the first {first}; \
             `llm2clip data check` lists them",
            crate::shown::escaped(name),
            self.count,
            self.rows,
            self.share() * 100.0
        ))
    }
}

impl fmt::Display for BadRows {
    /// The first few, one a line, and how many more there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self.listed.iter().take(SHOWN) {
            write!(f, "\n  {row}")?;
        }
        match self.count.saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// How many bad rows are skipped before a set is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// The largest share of rows, from 0 to 1, that may be bad.
    pub max_bad: f64,
}

impl Policy {
    /// Nothing is refused: for looking at what is wrong.
    pub const LENIENT: Self = Self { max_bad: 1.0 };

    /// Whether so many may be skipped.
    pub fn allows(&self, bad: &BadRows) -> bool {
        bad.count as f64 <= self.max_bad * bad.rows as f64
    }
}

impl Default for Policy {
    /// One row in a hundred.
    fn default() -> Self {
        Self { max_bad: 0.01 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_in_a_hundred_may_be_bad_and_no_more() {
        let mut bad = BadRows::default();
        for _ in 0..99 {
            bad.good();
        }
        bad.bad(BadRow::new(Path::new("a.csv"), &Place::Line(7), "expected x, found y"));
        assert!(Policy::default().allows(&bad) && !Policy { max_bad: 0.0 }.allows(&bad));
        assert!(bad.warning("a").unwrap().contains("a.csv:7: expected x"));
        bad.bad(BadRow::new(Path::new("a.tar"), &Place::Member("b\u{1b}".into()), "lost"));
        assert!(!Policy::default().allows(&bad) && Policy::LENIENT.allows(&bad));
        assert_eq!(bad.listed[1].to_string(), "a.tar: member b\\u{1b}: lost");
    }

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let mut bad = BadRows::default();
        for line in 0..LISTED + 10 {
            bad.bad(BadRow::new(Path::new("a"), &Place::Line(line), "no"));
        }
        assert_eq!((bad.count, bad.listed.len()), (LISTED + 10, LISTED));
        assert!(bad.to_string().ends_with(&format!("and {} more", LISTED + 5)));
    }
}
