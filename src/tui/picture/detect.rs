//! Which way pictures take to this terminal: from its environment, and from its answers to one question,
//! asked once and waited for at most [`PATIENCE`], while keys are heard as ever.
//!
//! Inside tmux nothing is asked and nothing is changed: its own settings say whether pictures may pass.

use super::{CELL, Choice, Graphics};
use crate::tui::theme::Depth;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long an answer is waited for.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// Kitty's protocol, the terminal's name and version, a cell's size in pixels; last what every terminal
/// answers, so that an answer to it means there are no more.
pub const QUESTION: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>0q\x1b[16t\x1b[c";

/// One thing that a terminal said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Whether it takes a picture by Kitty's protocol.
    Kitty(bool),
    /// Its name and version.
    Version(String),
    /// A cell in pixels.
    Cell {
        /// Its width.
        width: u16,
        /// Its height.
        height: u16,
    },
    /// Its device attributes, the model's number first: what it says last.
    Attributes(Vec<u16>),
}

/// What a terminal said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether it speaks Kitty's protocol.
    pub kitty: bool,
    /// Its name and version.
    pub version: String,
    /// Whether it takes Sixel.
    pub sixel: bool,
    /// A cell in pixels.
    pub cell: Option<(u16, u16)>,
    /// Whether it has said all.
    pub complete: bool,
}

impl Answers {
    /// Takes one more in.
    pub fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Kitty(takes) => self.kitty |= takes,
            Answer::Version(version) => self.version = version,
            Answer::Cell { width, height } => {
                if width > 0 && height > 0 {
                    self.cell = Some((width.min(100), height.min(200)));
                }
            }
            Answer::Attributes(numbers) => {
                self.sixel = numbers.iter().skip(1).any(|number| *number == 4);
                self.complete = true;
            }
        }
    }
}

/// What the environment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `TERM`
    pub term: String,
    /// `TERM_PROGRAM` and `LC_TERMINAL`, which SSH may pass on.
    pub program: String,
    /// Whether a multiplexer stands in between.
    pub multiplexed: bool,
    /// Whether that is a tmux one can ask.
    pub tmux: bool,
}

impl Surroundings {
    /// Reads the environment.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| variable(name).unwrap_or_default();
        let term = value("TERM");
        let tmux = !value("TMUX").is_empty();
        let multiplexed = tmux
            || term.starts_with("screen")
            || term.starts_with("tmux")
            || !value("STY").is_empty()
            || !value("ZELLIJ").is_empty();
        let program = format!("{} {}", value("TERM_PROGRAM"), value("LC_TERMINAL"));
        Self { term, program, multiplexed, tmux }
    }
}

/// The way that needs no question: what everything falls back to.
#[must_use]
pub fn plain(depth: Depth, ascii: bool) -> Graphics {
    match depth {
        Depth::True | Depth::Indexed if !ascii => Graphics::Halfblocks,
        _ => Graphics::Off,
    }
}

/// Whether the terminal is asked at all.
#[must_use]
pub fn asks(choice: Choice, around: &Surroundings, depth: Depth, ascii: bool) -> bool {
    choice == Choice::Auto
        && !around.multiplexed
        && !ascii
        && depth != Depth::None
        && !matches!(around.term.as_str(), "" | "dumb" | "linux" | "vt100" | "vt220")
}

/// The way to take, from what was asked for and what is known. `passed` is the terminal outside a tmux
/// that lets pictures pass.
#[must_use]
pub fn decide(
    choice: Choice,
    around: &Surroundings,
    answers: &Answers,
    passed: Option<&str>,
    plain: Graphics,
) -> Graphics {
    let has_placeholders = |name: &str| name.contains("kitty") || name.contains("ghostty");
    match choice {
        Choice::Only(Graphics::Kitty) if around.tmux => Graphics::KittyInTmux,
        Choice::Only(graphics) => graphics,
        Choice::Auto if plain == Graphics::Off => Graphics::Off,
        Choice::Auto if around.multiplexed => match passed {
            Some(outside) if has_placeholders(outside) => Graphics::KittyInTmux,
            _ => plain,
        },
        Choice::Auto => {
            let version = answers.version.to_lowercase();
            let files = |name: &str| name.contains("iTerm") || name.contains("WezTerm");
            if has_placeholders(&version) && answers.kitty {
                Graphics::Kitty
            } else if files(&answers.version) || files(&around.program) {
                Graphics::Iterm2
            } else if answers.sixel {
                Graphics::Sixel
            } else {
                plain
            }
        }
    }
}

/// The terminal outside this tmux, where it lets pictures pass. Reads tmux's settings, changes none.
#[must_use]
pub fn outside_tmux() -> Option<String> {
    let format = "#{allow-passthrough} #{client_termname}";
    let output = Command::new("tmux")
        .args(["display-message", "-p", format])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let (passes, outside) = said.trim().split_once(' ')?;
    matches!(passes, "on" | "all" | "1" | "2").then(|| outside.to_owned())
}

/// A cell's size in pixels, as the system knows it or the terminal said.
#[must_use]
pub fn cell(answers: &Answers) -> (u16, u16) {
    let known = ratatui::crossterm::terminal::window_size().ok().and_then(|size| {
        let cell = (size.width.checked_div(size.columns)?, size.height.checked_div(size.rows)?);
        (cell.0 > 1 && cell.1 > 2).then_some(cell)
    });
    answers.cell.or(known).unwrap_or(CELL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::decode::{Decoder, Heard};

    fn understand(said: &[u8]) -> Answers {
        let mut answers = Answers::default();
        for heard in Decoder::default().feed(said) {
            if let Heard::Answer(answer) = heard {
                answers.take(answer);
            }
        }
        answers
    }

    fn around(pairs: &[(&str, &str)]) -> Surroundings {
        Surroundings::of_environment(|name| {
            pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned())
        })
    }

    fn auto(pairs: &[(&str, &str)], said: &[u8], passed: Option<&str>) -> Graphics {
        let (around, answers) = (around(pairs), understand(said));
        decide(Choice::Auto, &around, &answers, passed, Graphics::Halfblocks)
    }

    #[test]
    fn a_terminal_is_known_by_its_answers() {
        let xterm = [("TERM", "xterm-256color")];
        let kitty = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b[?62c";
        assert_eq!(auto(&xterm, kitty, None), Graphics::Kitty);
        assert_eq!(understand(kitty).cell, Some((10, 20)));
        let konsole = b"\x1b_Gi=31;OK\x1b\\\x1bP>|Konsole 22.12.3\x1b\\\x1b[?62;1;4c";
        assert_eq!(auto(&xterm, konsole, None), Graphics::Sixel);
        let wezterm = b"\x1bP>|WezTerm 20240203\x1b\\\x1b[?65;4;6;18;22c";
        assert_eq!(auto(&xterm, wezterm, None), Graphics::Iterm2);
        let over_ssh = [("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")];
        assert_eq!(auto(&over_ssh, b"\x1b[?1;2c", None), Graphics::Iterm2);
        assert_eq!(auto(&xterm, b"\x1b[?64;1;9;15c", None), Graphics::Halfblocks);
        // 4 in the first place is a model's number.
        assert_eq!(auto(&xterm, b"\x1b[?4;6c", None), Graphics::Halfblocks);
        assert_eq!(auto(&xterm, b"", None), Graphics::Halfblocks);
    }

    #[test]
    fn inside_tmux_nothing_is_asked_and_pictures_pass_only_where_its_user_lets_them() {
        let tmux = [("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")];
        assert!(!asks(Choice::Auto, &around(&tmux), Depth::True, false));
        assert_eq!(auto(&tmux, b"", None), Graphics::Halfblocks);
        assert_eq!(auto(&tmux, b"", Some("xterm-256color")), Graphics::Halfblocks);
        assert_eq!(auto(&tmux, b"", Some("xterm-kitty")), Graphics::KittyInTmux);
        assert_eq!(auto(&[("TERM", "screen-256color")], b"", None), Graphics::Halfblocks);
        let kitty = Choice::Only(Graphics::Kitty);
        let forced = decide(kitty, &around(&tmux), &Answers::default(), None, Graphics::Off);
        assert_eq!(forced, Graphics::KittyInTmux);
    }

    #[test]
    fn what_was_chosen_is_not_asked_for() {
        let xterm = around(&[("TERM", "xterm")]);
        assert!(asks(Choice::Auto, &xterm, Depth::Basic, false));
        assert!(!asks(Choice::Only(Graphics::Halfblocks), &xterm, Depth::True, false));
        assert!(!asks(Choice::Auto, &xterm, Depth::None, false));
        assert!(!asks(Choice::Auto, &xterm, Depth::True, true));
        assert!(!asks(Choice::Auto, &around(&[("TERM", "linux")]), Depth::Basic, false));
        assert_eq!(plain(Depth::Basic, false), Graphics::Off);
        assert_eq!(plain(Depth::Indexed, true), Graphics::Off);
    }
}
