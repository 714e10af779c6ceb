//! Half surrogate pairs in JSON: files written by other programs hold them, no Rust string can.

use std::borrow::Cow;

/// JSON with every `\u` escape of half a surrogate pair replaced by `\ufffd`.
pub fn mend(json: &str) -> Cow<'_, str> {
    let unit = |at: usize| -> Option<u16> {
        let escape = json.as_bytes().get(at..at + 6)?;
        let digits = escape.strip_prefix(b"\\u")?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut halves = Vec::new();
    let mut at = 0;
    while let Some(step) = json[at..].find('\\') {
        at += step;
        match (unit(at), unit(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 12,
            (Some(0xD800..=0xDFFF), _) => {
                halves.push(at);
                at += 6;
            }
            (Some(_), _) => at += 6,
            // Past the backslash and the character it escapes, which may be a backslash.
            (None, _) => at += 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if halves.is_empty() {
        return json.into();
    }
    let mut mended = String::with_capacity(json.len());
    let mut from = 0;
    for half in halves {
        mended.push_str(&json[from..half]);
        mended.push_str("\\ufffd");
        from = half + 6;
    }
    mended.push_str(&json[from..]);
    mended.into()
}
