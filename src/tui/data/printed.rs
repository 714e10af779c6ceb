//! Lines that a program printed: how much one matters, and when it was, as far as the line says so.

use super::story::Level;
use crate::session::Time;
use crate::tui::text;

/// Words that begin a line of something that ended the work.
const ERRORS: [&str; 6] = ["error", "fatal", "panic", "panicked", "failed", "traceback"];
/// Words that begin a line of something to look at.
const WARNINGS: [&str; 3] = ["warning", "warn", "caution"];

/// A line of the log: of a run's records, or printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The record's number, of a line that is one.
    pub record: Option<u64>,
    /// When, where that is known.
    pub time: Option<Time>,
    /// `log`, `console` or `program`.
    pub source: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub text: String,
}

impl Line {
    /// A line that a run printed.
    #[must_use]
    pub fn console(line: &str) -> Self {
        let (time, level) = read(line);
        Self { record: None, time, source: "console", level, text: line.to_owned() }
    }
}

/// What a runner printed, line by line.
#[must_use]
pub fn console(bytes: &[u8]) -> Vec<String> {
    let lines = String::from_utf8_lossy(bytes);
    // A line that was written over itself shows what stood there last.
    let last = |line: &str| {
        text::safe(line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default())
    };
    lines.lines().map(last).collect()
}

/// A printed line: when, where it begins with that; and how much it matters.
#[must_use]
pub fn read(line: &str) -> (Option<Time>, Level) {
    let line = line.trim_start();
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let first = first.trim_matches(['[', ']']);
    let time =
        first.starts_with(|c: char| c.is_ascii_digit()).then(|| first.parse().ok()).flatten();
    (time, level(if time.is_some() { rest } else { line }))
}

fn level(line: &str) -> Level {
    let begins = |words: &[&str]| {
        let first = line.split_whitespace().next().unwrap_or_default().to_lowercase();
        let first = first.trim_matches(|c: char| !c.is_alphanumeric());
        // As compilers print it: error[E0382].
        let first = first.split('[').next().unwrap_or_default();
        words.contains(&first)
    };
    if begins(&ERRORS) || (line.starts_with("thread ") && line.contains(" panicked at")) {
        Level::Error
    } else if begins(&WARNINGS) {
        Level::Warning
    } else if is_progress(line) {
        Level::Step
    } else {
        Level::Notice
    }
}

/// Whether a line tells how far something is, as every step does: `clip  12/100  loss 3.1`.
fn is_progress(line: &str) -> bool {
    let is_share = |word: &str| {
        let number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        word.split_once('/').is_some_and(|(done, all)| number(done) && number(all))
    };
    let mut words = line.split_whitespace();
    words.any(is_share) && words.next().is_none_or(|next| next == "loss")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_by_its_beginning_how_much_it_matters() {
        for (line, level) in [
            ("error: no checkpoint is there", Level::Error),
            ("  Error: 3 of 4", Level::Error),
            ("thread 'main' panicked at src/main.rs:3:5:", Level::Error),
            ("failed after 3 s: the disk is full", Level::Error),
            ("warning: 2 rows were left out", Level::Warning),
            ("[WARN] slow", Level::Warning),
            ("                clip     12/100  loss 3.1000  lr 1.00e-3  9/s  eta 3 s", Level::Step),
            ("embedding texts  512/2048", Level::Step),
            ("run 20261124-100000-night-bbbbbb/clip-1  (threads 2)", Level::Notice),
            ("errors are counted below", Level::Notice),
            ("", Level::Notice),
        ] {
            assert_eq!(read(line), (None, level), "{line}");
        }
    }

    #[test]
    fn a_line_that_was_written_over_itself_is_what_stood_there_last() {
        let found = console(b"run clip-1\r\n  1/9\r  2/9\r\n\nerror: \x1b[31mno\n");
        assert_eq!(found, ["run clip-1", "  2/9", "", "error: \\u{1b}[31mno"]);
    }

    #[test]
    fn a_line_that_begins_with_its_time_has_it() {
        let time: Time = "2026-11-25T08:00:00Z".parse().unwrap();
        assert_eq!(read("2026-11-25T08:00:00Z warning: hot"), (Some(time), Level::Warning));
        assert_eq!(read("[2026-11-25T08:00:00Z] began"), (Some(time), Level::Notice));
    }
}
