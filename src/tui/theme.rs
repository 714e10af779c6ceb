//! Colours: what a thing means decides its style, the terminal's depth decides its colour.
//!
//! Curves take Okabe and Ito's palette, which people with any colour vision can tell apart.
//! Nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// 256.
    Indexed,
    /// 16.
    Basic,
    /// None: bold, dim, underlined and reversed only.
    None,
}

impl Depth {
    /// What the environment says of the terminal. `NO_COLOR` set to anything wins.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is = |name: &str, wanted: &[&str]| {
            let value = variable(name).unwrap_or_default();
            wanted.iter().any(|part| value.contains(part))
        };
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) || is("TERM", &["dumb"]) {
            Self::None
        } else if is("COLORTERM", &["truecolor", "24bit"]) || is("TERM", &["direct"]) {
            Self::True
        } else if is("TERM", &["256color", "kitty", "alacritty", "ghostty", "wezterm", "foot"]) {
            Self::Indexed
        } else {
            Self::Basic
        }
    }
}

/// The background the colours are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Less important text.
    Dim,
    /// Rules and axes.
    Faint,
    /// A heading.
    Title,
    /// What is active or asks to be seen.
    Accent,
    /// All is well.
    Good,
    /// Look here.
    Warn,
    /// Something is wrong.
    Bad,
    /// The selected line.
    Selected,
    /// A key's name.
    Key,
    /// Curve number n, bright.
    Curve(usize),
    /// Curve number n as it came, unsmoothed.
    Raw(usize),
}

/// A set of styles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Colours there are.
    pub depth: Depth,
    /// The background they are for.
    pub ground: Ground,
}

/// Okabe and Ito 2008, ordered for a dark ground: sky blue, orange, bluish green, reddish purple,
/// yellow, vermilion, blue (lightened).
const ON_DARK: [u32; 7] =
    [0x0056_b4e9, 0x00e6_9f00, 0x0000_c08b, 0x00cc_79a7, 0x00f0_e442, 0x00e8_7230, 0x006f_9bd8];
/// The same for a light ground: blue, vermilion, bluish green, reddish purple, orange (darkened),
/// sky blue (darkened), black.
const ON_LIGHT: [u32; 7] =
    [0x0000_72b2, 0x00d5_5e00, 0x0000_8060, 0x00a8_5a86, 0x00a8_7400, 0x0028_80b8, 0x0030_3030];
const BASIC: [Color; 6] =
    [Color::Cyan, Color::Yellow, Color::Green, Color::Magenta, Color::Blue, Color::Red];

impl Theme {
    /// The names `--theme` takes; `auto` is dark until the terminal's ground is known to be light.
    pub const NAMES: [&'static str; 4] = ["auto", "dark", "light", "mono"];

    /// A theme by name on a terminal of that depth; nothing for a name that is none.
    #[must_use]
    pub fn named(name: &str, depth: Depth) -> Option<Self> {
        match name {
            "auto" | "dark" => Some(Self { depth, ground: Ground::Dark }),
            "light" => Some(Self { depth, ground: Ground::Light }),
            "mono" => Some(Self { depth: Depth::None, ground: Ground::Dark }),
            _ => None,
        }
    }

    /// Its name, as `--theme` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.depth, self.ground) {
            (Depth::None, _) => "mono",
            (_, Ground::Dark) => "dark",
            (_, Ground::Light) => "light",
        }
    }

    /// The next theme in turn, on a terminal of that depth.
    #[must_use]
    pub fn next(self, depth: Depth) -> Self {
        match (self.depth, self.ground) {
            (Depth::None, _) => Self { depth, ground: Ground::Dark },
            (_, Ground::Dark) => Self { depth, ground: Ground::Light },
            (_, Ground::Light) => Self { depth: Depth::None, ground: Ground::Dark },
        }
    }

    /// The style of a role.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        let plain = Style::default();
        if self.depth == Depth::None {
            return match role {
                Role::Text | Role::Curve(_) | Role::Good => plain,
                Role::Dim | Role::Faint | Role::Raw(_) => plain.add_modifier(Modifier::DIM),
                Role::Title | Role::Accent | Role::Key | Role::Warn => {
                    plain.add_modifier(Modifier::BOLD)
                }
                Role::Bad => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                Role::Selected => plain.add_modifier(Modifier::REVERSED),
            };
        }
        let dark = self.ground == Ground::Dark;
        let pick = |on_dark: u32, on_light: u32, basic: Color| {
            self.colour(if dark { on_dark } else { on_light }, basic)
        };
        match role {
            Role::Text => plain,
            Role::Dim => match self.depth {
                Depth::Basic => plain.add_modifier(Modifier::DIM),
                _ => plain.fg(pick(0x0093_98a1, 0x0060_666f, Color::Reset)),
            },
            Role::Faint => match self.depth {
                Depth::Basic => plain.add_modifier(Modifier::DIM),
                _ => plain.fg(pick(0x0050_5560, 0x00b4_b8c0, Color::Reset)),
            },
            // A heading stands on a rule, whose colour it must not take.
            Role::Title => plain.fg(Color::Reset).add_modifier(Modifier::BOLD),
            Role::Accent => {
                plain.fg(pick(ON_DARK[0], ON_LIGHT[0], Color::Cyan)).add_modifier(Modifier::BOLD)
            }
            Role::Key => plain.fg(pick(ON_DARK[0], ON_LIGHT[0], Color::Cyan)),
            Role::Good => plain.fg(pick(ON_DARK[2], ON_LIGHT[2], Color::Green)),
            Role::Warn => plain.fg(pick(ON_DARK[1], ON_LIGHT[4], Color::Yellow)),
            Role::Bad => {
                plain.fg(pick(ON_DARK[5], ON_LIGHT[1], Color::Red)).add_modifier(Modifier::BOLD)
            }
            Role::Selected => match self.depth {
                Depth::Basic => plain.add_modifier(Modifier::REVERSED),
                _ => plain
                    .bg(pick(0x002b_303b, 0x00dd_e6f2, Color::Reset))
                    .add_modifier(Modifier::BOLD),
            },
            Role::Curve(n) => plain.fg(pick(ON_DARK[n % 7], ON_LIGHT[n % 7], BASIC[n % 6])),
            Role::Raw(n) => {
                let (curve, ground) = if dark {
                    (ON_DARK[n % 7], 0x0018_1b20)
                } else {
                    (ON_LIGHT[n % 7], 0x00ff_ffff)
                };
                let style = plain.fg(self.colour(mix(curve, ground), BASIC[n % 6]));
                if self.depth == Depth::Basic { style.add_modifier(Modifier::DIM) } else { style }
            }
        }
    }

    /// The ground these colours are for, and plain letters on it: where no terminal has its own.
    #[must_use]
    pub const fn ground_colours(self) -> ([u8; 3], [u8; 3]) {
        match self.ground {
            Ground::Dark => ([0x16, 0x19, 0x1e], [0xd8, 0xdc, 0xe2]),
            Ground::Light => ([0xff, 0xff, 0xff], [0x20, 0x24, 0x2a]),
        }
    }

    fn colour(self, rgb: u32, basic: Color) -> Color {
        let [_, r, g, b] = rgb.to_be_bytes();
        match self.depth {
            Depth::True => Color::Rgb(r, g, b),
            Depth::Indexed => Color::Indexed(nearest_indexed(r, g, b)),
            Depth::Basic | Depth::None => basic,
        }
    }
}

/// Four tenths of the one and six of the other.
fn mix(a: u32, b: u32) -> u32 {
    let (a, b) = (a.to_be_bytes(), b.to_be_bytes());
    let part = |at: usize| ((u32::from(a[at]) * 4 + u32::from(b[at]) * 6) / 10) as u8;
    u32::from_be_bytes([0, part(1), part(2), part(3)])
}

/// The nearest colour of the 6x6x6 cube or the grey ramp.
#[must_use]
pub fn nearest_indexed(r: u8, g: u8, b: u8) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let level = |value: u8| {
        (0..6).min_by_key(|at| i32::from(LEVELS[*at]).abs_diff(i32::from(value))).unwrap_or(0)
    };
    let distance = |colour: [u8; 3]| -> u32 {
        [r, g, b].iter().zip(colour).map(|(x, y)| u32::from(x.abs_diff(y)).pow(2)).sum()
    };
    let (cr, cg, cb) = (level(r), level(g), level(b));
    let cube = [LEVELS[cr], LEVELS[cg], LEVELS[cb]];
    let mean = (u32::from(r) + u32::from(g) + u32::from(b)) / 3;
    let step = (mean.saturating_sub(8) / 10).min(23) as u8;
    let grey = [8 + 10 * step; 3];
    if distance(grey) < distance(cube) { 232 + step } else { (16 + 36 * cr + 6 * cg + cb) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pairs: &[(&str, &str)]) -> Depth {
        Depth::of_environment(|name| {
            pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned())
        })
    }

    #[test]
    fn the_environment_tells_how_many_colours_there_are() {
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Basic);
        assert_eq!(depth(&[("TERM", "dumb")]), Depth::None);
    }

    #[test]
    fn without_colours_no_style_has_one() {
        let theme = Theme::named("mono", Depth::True).unwrap();
        for role in [Role::Bad, Role::Selected, Role::Curve(3), Role::Raw(1), Role::Accent] {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }

    #[test]
    fn the_nearest_of_256_colours_is_near() {
        assert_eq!(nearest_indexed(255, 255, 255), 231);
        assert_eq!(nearest_indexed(0, 0, 0), 16);
        assert_eq!(nearest_indexed(0x80, 0x80, 0x80), 244);
    }
}
