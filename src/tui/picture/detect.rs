//! Which way pictures take to this terminal, and whether its ground is light: from its environment, and
//! from its answers to one question, asked once and waited for at most [`PATIENCE`], while keys are heard
//! as ever.
//!
//! Inside tmux nothing is asked and nothing is changed: its own settings say whether pictures may pass.

use super::{CELL, Choice, Graphics};
use crate::tui::theme::Depth;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long an answer is waited for.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// Kitty's protocol, the terminal's name and version, a cell's size in pixels.
const PICTURES: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>0q\x1b[16t";

/// The ground's colour.
const GROUND: &[u8] = b"\x1b]11;?\x1b\\";

/// What every terminal answers, so that an answer to it means there are no more.
const LAST: &[u8] = b"\x1b[c";

/// Kitty's first version that shows pictures where their placeholders stand.
const PLACEHOLDERS: (u32, u32) = (0, 28);

/// One thing that a terminal said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Whether it takes a picture by Kitty's protocol.
    Kitty(bool),
    /// Its name and version.
    Version(String),
    /// Whether its ground is light, where it says a colour.
    Ground(Option<bool>),
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
    /// Whether its ground is light.
    pub light: Option<bool>,
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
            Answer::Ground(light) => self.light = light,
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
    /// Whether the ground is light, as `COLORFGBG` has it.
    pub light: Option<bool>,
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
        let ground = value("COLORFGBG").rsplit(';').next().and_then(|part| part.parse::<u8>().ok());
        let light = ground.map(|colour| matches!(colour, 7 | 9..=15));
        Self { term, program, multiplexed, tmux, light }
    }

    /// What stands in between, in words, and what it does with a text for the clipboard: tmux takes it from
    /// programs, and passes it on, only where it is told to.
    #[must_use]
    pub fn between(&self) -> Option<&'static str> {
        match (self.tmux || self.term.starts_with("tmux"), self.multiplexed) {
            (true, _) => Some("tmux, which needs set-clipboard on"),
            (false, true) => Some("the multiplexer, which may keep it"),
            (false, false) => None,
        }
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

/// What the terminal is asked, if at all: about pictures where the way is to be chosen, about its ground
/// where that is to be `found`.
#[must_use]
pub fn question(
    choice: Choice,
    found: bool,
    around: &Surroundings,
    depth: Depth,
    ascii: bool,
) -> Option<Vec<u8>> {
    let pictures = choice == Choice::Auto && !ascii;
    let knows_none = matches!(around.term.as_str(), "" | "dumb" | "linux" | "vt100" | "vt220");
    if around.multiplexed || depth == Depth::None || knows_none || !(pictures || found) {
        return None;
    }
    let parts = [(pictures, PICTURES), (found, GROUND), (true, LAST)];
    Some(parts.into_iter().filter(|part| part.0).flat_map(|part| part.1).copied().collect())
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
    match choice {
        Choice::Only(Graphics::Kitty) if around.tmux => Graphics::KittyInTmux,
        Choice::Only(graphics) => graphics,
        Choice::Auto if plain == Graphics::Off => Graphics::Off,
        Choice::Auto if around.multiplexed => match passed {
            Some(outside) if has_placeholders(outside) => Graphics::KittyInTmux,
            _ => plain,
        },
        Choice::Auto => {
            let files = |name: &str| name.contains("iTerm") || name.contains("WezTerm");
            if answers.kitty && has_placeholders(&answers.version) {
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

/// Whether a terminal of that name and version shows pictures where their placeholders stand. A Kitty that
/// does not say its version is taken for a newer one.
fn has_placeholders(name: &str) -> bool {
    let name = name.to_lowercase();
    let Some((_, version)) = name.split_once("kitty(") else {
        return name.contains("kitty") || name.contains("ghostty");
    };
    let mut numbers = version.split(|sign: char| !sign.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= PLACEHOLDERS,
        _ => true,
    }
}

/// Whether a colour as terminals write it, such as `rgb:ffff/ffff/ffff`, is light; nothing for what is none.
#[must_use]
pub fn is_light(colour: &str) -> Option<bool> {
    let (_, parts) = colour.split_once(':')?;
    let share = |part: &str| {
        let most = 16u32.checked_pow(part.len() as u32)?.checked_sub(1).filter(|most| *most > 0)?;
        Some(f64::from(u32::from_str_radix(part, 16).ok()?) / f64::from(most))
    };
    let mut shares = parts.split('/').map(share);
    let (red, green, blue) = (shares.next()??, shares.next()??, shares.next()??);
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)
}

/// The terminal outside this tmux, where it lets pictures pass. Reads tmux's settings, changes none.
#[must_use]
pub fn outside_tmux() -> Option<String> {
    let format = "#{allow-passthrough} #{client_termname} #{client_termtype}";
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
        let old = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.26.5)\x1b\\\x1b[?62c";
        assert_eq!(auto(&xterm, old, None), Graphics::Halfblocks);
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
        assert_eq!(question(Choice::Auto, true, &around(&tmux), Depth::True, false), None);
        assert_eq!(auto(&tmux, b"", None), Graphics::Halfblocks);
        assert_eq!(auto(&tmux, b"", Some("xterm-256color")), Graphics::Halfblocks);
        assert_eq!(auto(&tmux, b"", Some("xterm-kitty")), Graphics::KittyInTmux);
        assert_eq!(auto(&tmux, b"", Some("xterm-kitty kitty(0.41.1)")), Graphics::KittyInTmux);
        assert_eq!(auto(&tmux, b"", Some("xterm-kitty kitty(0.26.5)")), Graphics::Halfblocks);
        assert_eq!(auto(&[("TERM", "screen-256color")], b"", None), Graphics::Halfblocks);
        let kitty = Choice::Only(Graphics::Kitty);
        let forced = decide(kitty, &around(&tmux), &Answers::default(), None, Graphics::Off);
        assert_eq!(forced, Graphics::KittyInTmux);
    }

    #[test]
    fn who_stands_between_is_named_where_it_may_keep_a_copied_text() {
        let between = |name, value| around(&[(name, value)]).between().unwrap_or_default();
        assert!(between("TMUX", "/tmp/tmux-0/default,1,0").starts_with("tmux"));
        assert!(between("TERM", "tmux-256color").contains("set-clipboard"));
        for (name, value) in [("STY", "1.pts"), ("ZELLIJ", "0"), ("TERM", "screen")] {
            assert!(between(name, value).contains("may keep it"), "{name}");
        }
        assert_eq!(between("TERM", "xterm-kitty"), "");
    }

    #[test]
    fn what_was_chosen_is_not_asked_for() {
        let xterm = around(&[("TERM", "xterm")]);
        let asks = |choice, found, depth, ascii| {
            let question = question(choice, found, &xterm, depth, ascii)?;
            String::from_utf8(question).ok()
        };
        let (auto, off) = (Choice::Auto, Choice::Only(Graphics::Off));
        let whole = asks(auto, true, Depth::Basic, false).unwrap();
        assert!(
            whole.starts_with("\x1b_G") && whole.contains("]11;?") && whole.ends_with("\x1b[c")
        );
        assert!(asks(auto, false, Depth::True, false).is_some_and(|text| !text.contains("]11;")));
        assert_eq!(asks(off, false, Depth::True, false), None);
        assert_eq!(asks(auto, true, Depth::None, false), None);
        assert_eq!(asks(auto, false, Depth::True, true), None);
        // The ground is asked for whatever becomes of pictures.
        assert_eq!(asks(off, true, Depth::True, true).as_deref(), Some("\x1b]11;?\x1b\\\x1b[c"));
        for (name, value) in [("TERM", "linux"), ("TERM", "tmux-256color")] {
            let around = around(&[(name, value)]);
            assert_eq!(question(auto, true, &around, Depth::Basic, false), None);
        }
        assert_eq!(plain(Depth::Basic, false), Graphics::Off);
        assert_eq!(plain(Depth::Indexed, true), Graphics::Off);
    }

    #[test]
    fn the_ground_is_known_by_its_colour() {
        assert_eq!(understand(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\").light, Some(true));
        assert_eq!(understand(b"\x1b]11;rgb:1e/1e/2e\x07").light, Some(false));
        for none in ["", "rgb:", "rgb:f/f", "rgb:/f/f", "rgb:x/y/z", "rgb:123456789/f/f"] {
            assert_eq!(is_light(none), None, "{none}");
        }
        let light = |value| around(&[("COLORFGBG", value)]).light;
        assert_eq!(
            [light("0;15"), light("15;default;0"), light("x")],
            [Some(true), Some(false), None]
        );
    }
}
