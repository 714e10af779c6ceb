//! What is sent to the terminal besides cells: a text for its clipboard, and words for its desktop.

use super::text::safe;

/// A text for the terminal's clipboard, by OSC 52.
#[must_use]
pub fn clipboard(text: &str) -> Vec<u8> {
    format!("\x1b]52;c;{}\x07", base64(text.as_bytes())).into_bytes()
}

/// The bell, and a message by OSC 9.
#[must_use]
pub fn tell(text: &str) -> Vec<u8> {
    format!("\x07\x1b]9;{}\x07", safe(text)).into_bytes()
}

/// Base64, as terminals take it.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let word = (0..3)
            .fold(0u32, |word, at| (word << 8) | u32::from(part.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let sign = SIGNS[(word >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= part.len() { char::from(sign) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipboard_gets_base64() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
