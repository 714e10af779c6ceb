//! [`Speaker`]: progress lines on stderr, and the sign at the end. What cannot be written is lost
//! without a word: the terminal may be gone, and the work outlives it.

use crate::shown::escaped;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Nothing but errors.
    Quiet,
    /// Lines of progress.
    Lines,
}

/// How often progress lines come on a terminal, and in a file or pipe.
const ON_TERMINAL: Duration = Duration::from_millis(250);
const IN_A_FILE: Duration = Duration::from_secs(10);

/// Says lines on stderr; passing ones replace each other on a terminal.
#[derive(Debug)]
pub struct Speaker {
    voice: Voice,
    terminal: bool,
    last_line: Option<Instant>,
    open_line: bool,
}

impl Speaker {
    /// A speaker that has said nothing yet.
    pub fn new(voice: Voice) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { voice, terminal, last_line: None, open_line: false }
    }

    /// A whole line.
    pub fn line(&mut self, text: &str) {
        if self.voice == Voice::Quiet {
            return;
        }
        let mut out = std::io::stderr().lock();
        let text = escaped(text);
        let _ =
            if self.open_line { writeln!(out, "\r\x1b[K{text}") } else { writeln!(out, "{text}") };
        self.open_line = false;
    }

    /// A line that the next one replaces on a terminal; in a file it comes every ten seconds. The
    /// `last` one of its kind always comes, and stays.
    pub fn passing(&mut self, text: impl FnOnce() -> String, last: bool) {
        let pause = if self.terminal { ON_TERMINAL } else { IN_A_FILE };
        let due = self.last_line.is_none_or(|at| at.elapsed() >= pause);
        if self.voice == Voice::Quiet || !(due || last) {
            return;
        }
        self.last_line = Some(Instant::now());
        let mut out = std::io::stderr().lock();
        let text = escaped(&text());
        let _ = if self.terminal && !last {
            self.open_line = true;
            write!(out, "\r\x1b[K{text}").and_then(|()| out.flush())
        } else {
            let start = if self.open_line { "\r\x1b[K" } else { "" };
            self.open_line = false;
            writeln!(out, "{start}{text}")
        };
    }

    /// A line that the next one replaces on a terminal, and that comes at once everywhere, as the next one
    /// does.
    pub fn now(&mut self, text: &str) {
        self.last_line = None;
        let last = !self.terminal;
        self.passing(|| text.to_owned(), last);
        self.last_line = None;
    }

    /// Rings the bell of a terminal and sends it a notification (OSC 9) with `text`; nothing where
    /// stderr is none.
    pub fn ring(&mut self, text: &str) {
        if !self.terminal || self.voice == Voice::Quiet {
            return;
        }
        let in_tmux = std::env::var_os("TMUX").is_some();
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "{}", notification(text, in_tmux)).and_then(|()| out.flush());
    }
}

/// A bell and OSC 9. tmux hands a sequence on only in an envelope of its own.
fn notification(text: &str, in_tmux: bool) -> String {
    let osc = format!("\x1b]9;{}\x07", escaped(text));
    let osc =
        if in_tmux { format!("\x1bPtmux;{}\x1b\\", osc.replace('\x1b', "\x1b\x1b")) } else { osc };
    format!("\x07{osc}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_carries_no_control_character_of_its_text() {
        assert_eq!(notification("a\x07b", false), "\x07\x1b]9;a\\u{7}b\x07");
        assert_eq!(notification("a", true), "\x07\x1bPtmux;\x1b\x1b]9;a\x07\x1b\\");
    }
}
