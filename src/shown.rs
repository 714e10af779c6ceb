//! Text from files as it may be shown: what would steer a terminal is spelled out.

/// Whether a terminal might obey this character instead of showing it: control characters (escape
/// codes, NUL), marks that turn the direction of writing, separators of lines and paragraphs, the
/// byte order mark and annotation marks. Joiners stay: emoji and several scripts need them.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// The text with every character that [`steers`] spelled out, `\u{1b}` or `\n`.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if !steers(c) => shown.push(c),
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            _ => shown.extend(c.escape_unicode()),
        }
    }
    shown
}

/// The beginning of a text for a message: escaped, and cut to `most` characters.
pub fn excerpt(text: &str, most: usize) -> String {
    let mut cut: String = text.chars().take(most).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    escaped(&cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_spelled_out_and_everything_else_stays() {
        assert_eq!(
            escaped("a\u{1b}[2Jb\0\u{202e}c\u{200f}\n얼굴 👩‍🚀"),
            "a\\u{1b}[2Jb\\u{0}\\u{202e}c\\u{200f}\\n얼굴 👩‍🚀"
        );
        assert_eq!(excerpt("ab\rcd", 3), "ab\\r…");
        assert_eq!(excerpt("ab", 3), "ab");
    }
}
