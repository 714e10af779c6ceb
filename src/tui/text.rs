//! Text in cells: shown safely, cut and filled to a width.

use crate::shown::escaped;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Text from anywhere, as it may be shown in cells: [`escaped`], a tab as one cell.
#[must_use]
pub fn safe(text: &str) -> String {
    escaped(&text.replace('\t', " "))
}

/// Cells a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// As much of a text as `width` cells hold, with `cut` at its end where it was longer.
#[must_use]
pub fn fit(text: &str, width: usize, cut: &str) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(self::width(cut));
    let mut kept = String::new();
    let mut used = 0;
    for part in text.graphemes(true) {
        let more = self::width(part);
        if used + more > room {
            break;
        }
        used += more;
        kept.push_str(part);
    }
    if used + self::width(cut) <= width {
        kept.push_str(cut);
    }
    kept
}

/// The end of a text rather than its beginning, where it is too long.
#[must_use]
pub fn fit_end(text: &str, width: usize, cut: &str) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(self::width(cut));
    let mut kept: Vec<&str> = Vec::new();
    let mut used = 0;
    for part in text.graphemes(true).rev() {
        let more = self::width(part);
        if used + more > room {
            break;
        }
        used += more;
        kept.push(part);
    }
    kept.reverse();
    format!("{cut}{}", kept.concat())
}

/// Cut or filled to exactly `width` cells, at the left.
#[must_use]
pub fn left(text: &str, width: usize, cut: &str) -> String {
    let text = fit(text, width, cut);
    let fill = width.saturating_sub(self::width(&text));
    format!("{text}{}", " ".repeat(fill))
}

/// Cut or filled to exactly `width` cells, at the right.
#[must_use]
pub fn right(text: &str, width: usize, cut: &str) -> String {
    let text = fit(text, width, cut);
    let fill = width.saturating_sub(self::width(&text));
    format!("{}{text}", " ".repeat(fill))
}

/// A text in lines of at most `width` cells, broken at spaces where there are any.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let needed = self::width(&line) + usize::from(!line.is_empty()) + self::width(word);
        if needed <= width {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for part in word.graphemes(true) {
            if self::width(&line) + self::width(part) > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(part);
        }
    }
    lines.push(line);
    lines
}

/// The same in at most `most` lines, with `cut` at the end of the last where that was not enough.
#[must_use]
pub fn wrap_in(text: &str, width: usize, most: usize, cut: &str) -> Vec<String> {
    let mut lines = wrap(text, width);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        if most > 0 {
            lines.push(fit(&rest, width, cut));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_wrapped_in_few_lines_says_where_it_was_cut() {
        assert_eq!(wrap_in("one two three", 7, 3, "…"), ["one two", "three"]);
        assert_eq!(wrap_in("one two three four", 7, 2, "…"), ["one two", "three …"]);
        assert_eq!(wrap_in("one two three", 7, 1, "…"), ["one tw…"]);
        assert!(wrap_in("one two three", 7, 0, "…").is_empty());
    }

    #[test]
    fn escape_codes_in_a_caption_are_shown_and_not_sent() {
        assert_eq!(safe("a\u{1b}[2Jb\u{9b}31m\u{7}"), "a\\u{1b}[2Jb\\u{9b}31m\\u{7}");
        assert_eq!(safe("a\u{202e}b\tc"), "a\\u{202e}b c");
        assert_eq!(safe("얼굴 é"), "얼굴 é");
    }

    #[test]
    fn wide_characters_are_never_cut_in_two() {
        assert_eq!(fit("얼굴표정", 5, "…"), "얼굴…");
        assert_eq!(fit("얼굴표정", 4, "…"), "얼…");
        assert_eq!(left("얼굴", 5, "…"), "얼굴 ");
        assert_eq!(fit_end("20261124-demo", 6, "…"), "…-demo");
    }

    proptest! {
        #[test]
        fn a_fitted_text_is_exactly_as_wide_as_asked_for(text in "\\PC{0,40}", width in 0usize..30) {
            let text = safe(&text);
            prop_assert!(self::width(&fit(&text, width, "…")) <= width);
            prop_assert_eq!(self::width(&left(&text, width, "…")), width);
            for line in wrap(&text, width.max(4)) {
                prop_assert!(self::width(&line) <= width.max(4) || line.graphemes(true).count() == 1);
            }
        }
    }
}
