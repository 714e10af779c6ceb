//! Signs: one set for terminals with Unicode, one in ASCII.

use crate::session::RunStatus;

/// The signs everything is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Whether only ASCII is used.
    pub ascii: bool,
}

/// Whether a terminal shows more than ASCII, by its environment: the locale that decides, as libc looks
/// it up, must name UTF-8, and Linux's own console has few signs.
#[must_use]
pub fn shows_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name));
    let utf8 = locale.is_some_and(|name| name.to_lowercase().replace('-', "").contains("utf8"));
    utf8 && !matches!(set("TERM").as_deref(), Some("linux" | "dumb"))
}

impl Glyphs {
    const fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { unicode }
    }

    /// A run's state.
    #[must_use]
    pub const fn status(self, status: RunStatus) -> &'static str {
        match status {
            RunStatus::Live => self.pick("●", "*"),
            RunStatus::Queued => self.pick("○", "o"),
            RunStatus::Paused => self.pick("‖", "="),
            RunStatus::Done => self.pick("■", "#"),
            RunStatus::Stopped => self.pick("□", "-"),
            RunStatus::Failed => self.pick("✕", "x"),
            RunStatus::Crashed => self.pick("✗", "X"),
            RunStatus::Unknown => "?",
        }
    }

    /// A horizontal rule.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        self.pick("─", "-")
    }

    /// A vertical rule.
    #[must_use]
    pub const fn bar(self) -> &'static str {
        self.pick("│", "|")
    }

    /// Before a selected line.
    #[must_use]
    pub const fn pointer(self) -> &'static str {
        self.pick("▌", ">")
    }

    /// A marked line.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        self.pick("◆", "+")
    }

    /// A pinned line.
    #[must_use]
    pub const fn pin(self) -> &'static str {
        self.pick("▲", "^")
    }

    /// Where a text was cut.
    #[must_use]
    pub const fn cut(self) -> &'static str {
        self.pick("…", "~")
    }

    /// A value that is not there.
    #[must_use]
    pub const fn none(self) -> &'static str {
        self.pick("–", "-")
    }

    /// From here to there.
    #[must_use]
    pub const fn arrow(self) -> &'static str {
        self.pick("→", "->")
    }

    /// A correct answer.
    #[must_use]
    pub const fn tick(self) -> &'static str {
        self.pick("✓", "*")
    }

    /// A small separator between words.
    #[must_use]
    pub const fn dot(self) -> &'static str {
        self.pick("·", ".")
    }

    /// Which way is better: down or up.
    #[must_use]
    pub const fn better(self, lower: bool) -> &'static str {
        if lower { self.pick("↓", "v") } else { self.pick("↑", "^") }
    }

    /// Plus or minus.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.pick("±", "+-")
    }

    /// A bar of `width` cells, filled by a share from 0 to 1, in eighths of a cell.
    #[must_use]
    pub fn gauge(self, share: f64, width: usize) -> String {
        const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        if self.ascii {
            let full = (share * width as f64).round() as usize;
            return format!("{}{}", "#".repeat(full), ".".repeat(width - full));
        }
        let eighths = (share * width as f64 * 8.0).round() as usize;
        let (full, part) = (eighths / 8, eighths % 8);
        let rest = width - full - usize::from(part > 0);
        format!("{}{}{}", "█".repeat(full), PARTS[part], "░".repeat(rest))
    }

    /// A row of bars, one a value, lowest to highest; nothing where a value is missing.
    #[must_use]
    pub fn spark(self, values: &[Option<f64>]) -> String {
        const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        const ASCII: [&str; 8] = ["_", "_", ".", ".", "-", "-", "'", "'"];
        let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
        let low = known().fold(f64::INFINITY, f64::min);
        let high = known().fold(f64::NEG_INFINITY, f64::max);
        let bars = if self.ascii { ASCII } else { BARS };
        let sign = |value: &Option<f64>| match value {
            Some(value) if value.is_finite() => {
                let share = if high > low { (value - low) / (high - low) } else { 0.0 };
                bars[((share * 7.0).round() as usize).min(7)]
            }
            _ => " ",
        };
        values.iter().map(sign).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_as_wide_as_asked_for_whatever_its_share() {
        for ascii in [false, true] {
            let glyphs = Glyphs { ascii };
            for share in [0.0, 0.01, 0.5, 0.999, 1.0, 7.0, f64::NAN] {
                assert_eq!(glyphs.gauge(share, 12).chars().count(), 12, "{share}");
            }
        }
        assert_eq!(Glyphs { ascii: true }.gauge(0.5, 4), "##..");
    }

    #[test]
    fn signs_follow_the_locale_that_decides_and_the_terminal() {
        let of = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> =
                set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            shows_unicode(move |name| {
                set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            })
        };
        assert!(of(&[("LANG", "en_US.UTF-8")]));
        assert!(of(&[("LANG", "C"), ("LC_CTYPE", "C.utf8"), ("TERM", "xterm-256color")]));
        assert!(of(&[("LC_ALL", ""), ("LANG", "ko_KR.UTF-8")]));
        assert!(!of(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]));
        assert!(!of(&[("LANG", "en_US.ISO-8859-1")]));
        assert!(!of(&[]));
        for term in ["linux", "dumb"] {
            assert!(!of(&[("LANG", "en_US.UTF-8"), ("TERM", term)]));
        }
    }

    #[test]
    fn a_spark_line_has_a_sign_a_value() {
        let glyphs = Glyphs { ascii: false };
        assert_eq!(glyphs.spark(&[Some(0.0), None, Some(1.0)]), "▁ █");
        assert_eq!(glyphs.spark(&[Some(2.0)]), "▁");
    }
}
