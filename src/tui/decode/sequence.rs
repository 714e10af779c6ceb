//! What stands at the beginning of a terminal's bytes: a key, a click, an answer in a control sequence.

use super::{ESC, Heard, LONGEST};
use crate::tui::keys::Key;
use crate::tui::msg::Msg;
use crate::tui::picture::detect::Answer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Lines the wheel turns.
const WHEEL: i8 = 3;

/// What stands at the beginning of some bytes.
pub(super) enum Step {
    /// So many bytes are this, or nothing that anybody asked for.
    Whole(usize, Option<Heard>),
    /// After so many bytes a pasted text begins.
    Paste(usize),
    /// More must come to tell.
    Half,
}

/// `ESC [ ... letter`
pub(super) fn control(bytes: &[u8]) -> Step {
    let body = &bytes[2..];
    match body {
        // Function keys of the Linux console.
        [b'[', letter @ b'A'..=b'E', ..] => {
            let key = pressed(KeyCode::F(letter - b'A' + 1), KeyModifiers::NONE);
            return Step::Whole(4, Some(key));
        }
        // A terminal that knows no other way of telling of its mouse.
        [b'M', button, column, row, ..] => {
            let [button, column, row] =
                [button, column, row].map(|byte| u16::from(byte.saturating_sub(32)));
            return Step::Whole(6, mouse(button, column, row));
        }
        [b'['] | [b'M', ..] => return Step::Half,
        _ => {}
    }
    // Shift held with a key, as rxvt tells it: no byte follows.
    if let Some(digits) = body.iter().position(|byte| !byte.is_ascii_digit())
        && digits > 0
        && body[digits] == b'$'
    {
        return Step::Whole(digits + 3, None);
    }
    let Some(end) = body.iter().position(|byte| !(0x20..0x40).contains(byte)) else {
        return if body.len() > LONGEST { Step::Whole(bytes.len(), None) } else { Step::Half };
    };
    let (parameters, last) = (&body[..end], body[end]);
    match (parameters, last) {
        (b"200", b'~') => Step::Paste(end + 3),
        (_, 0x40..0x7f) => Step::Whole(end + 3, meaning(parameters, last)),
        // It was broken off by what is read next.
        _ => Step::Whole(end + 2, None),
    }
}

/// What a control sequence means, by its parameters and its last byte.
fn meaning(parameters: &[u8], last: u8) -> Option<Heard> {
    let text = std::str::from_utf8(parameters).ok()?;
    let numbers = |text: &str| -> Vec<u16> {
        let first = |part: &str| -> Option<u16> {
            part.split(':').next().and_then(|part| part.parse().ok())
        };
        text.split(';').map(|part| first(part).unwrap_or(0)).collect()
    };
    match (text.chars().next(), last) {
        (Some('?'), b'c') => return Some(Heard::Answer(Answer::Attributes(numbers(&text[1..])))),
        (Some('<'), b'M') => {
            let [button, column, row] = numbers(&text[1..])[..] else { return None };
            return mouse(button, column, row);
        }
        (Some('<'..='?'), _) => return None,
        _ => {}
    }
    let numbers = numbers(text);
    if last == b't' {
        let [6, height, width] = numbers[..] else { return None };
        return Some(Heard::Answer(Answer::Cell { width, height }));
    }
    // The third kind of event is a key that is let go.
    if text.split(';').nth(1).is_some_and(|part| part.ends_with(":3")) {
        return None;
    }
    let held = held(numbers.get(1).copied().unwrap_or(1));
    let code = match (numbers[0], last) {
        (_, b'Z') => KeyCode::BackTab,
        (_, b'A'..=b'H' | b'P' | b'Q' | b'S') => function(last)?,
        (1 | 7, b'~') => KeyCode::Home,
        (2, b'~') => KeyCode::Insert,
        (3, b'~') => KeyCode::Delete,
        (4 | 8, b'~') => KeyCode::End,
        (5, b'~') => KeyCode::PageUp,
        (6, b'~') => KeyCode::PageDown,
        (number @ 11..=15, b'~') => KeyCode::F(number as u8 - 10),
        (number @ 17..=21, b'~') => KeyCode::F(number as u8 - 11),
        (number @ 23..=24, b'~') => KeyCode::F(number as u8 - 12),
        (9, b'u') if held.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        (number, b'u') => match char::from_u32(u32::from(number))? {
            '\t' => KeyCode::Tab,
            '\r' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{7f}' => KeyCode::Backspace,
            letter if letter.is_control() => return None,
            letter if held.contains(KeyModifiers::SHIFT) => {
                KeyCode::Char(letter.to_uppercase().next().unwrap_or(letter))
            }
            letter => KeyCode::Char(letter),
        },
        _ => return None,
    };
    Some(pressed(code, held))
}

/// The keys that a single letter tells of.
pub(super) fn function(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

/// Modifiers, which are told as one more than their bits.
fn held(mask: u16) -> KeyModifiers {
    let bits = mask.saturating_sub(1);
    let mut held = KeyModifiers::NONE;
    for (bit, modifier) in
        [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)]
    {
        held.set(modifier, bits & bit != 0);
    }
    held
}

/// A press of the left button, or the wheel; cells are counted from 1.
fn mouse(button: u16, column: u16, row: u16) -> Option<Heard> {
    let (column, row) = (column.checked_sub(1)?, row.checked_sub(1)?);
    // Shift, alt and control held make no difference.
    match button & !0b1_1100 {
        0 => Some(Heard::Done(Msg::Click { column, row })),
        64 => Some(Heard::Done(Msg::Wheel { column, row, lines: -WHEEL })),
        65 => Some(Heard::Done(Msg::Wheel { column, row, lines: WHEEL })),
        _ => None,
    }
}

/// A key that is no sequence.
pub(super) fn plain(bytes: &[u8]) -> Step {
    let Some(first) = bytes.first().copied() else { return Step::Half };
    let control = |letter: u8| pressed(KeyCode::Char(char::from(letter)), KeyModifiers::CONTROL);
    let key = |code| pressed(code, KeyModifiers::NONE);
    let heard = match first {
        b'\r' => key(KeyCode::Enter),
        b'\t' => key(KeyCode::Tab),
        0x7f | 0x08 => key(KeyCode::Backspace),
        ESC => key(KeyCode::Esc),
        0 => control(b' '),
        1..=26 => control(first - 1 + b'a'),
        0x1c..=0x1f => control(first - 0x1c + b'4'),
        _ => return letter(first, bytes),
    };
    Step::Whole(1, Some(heard))
}

/// A letter in UTF-8.
fn letter(first: u8, bytes: &[u8]) -> Step {
    let length = match first {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Step::Whole(1, None),
    };
    match std::str::from_utf8(&bytes[..length.min(bytes.len())]) {
        Ok(text) => {
            let letter = text.chars().next();
            let key = letter.map(|letter| pressed(KeyCode::Char(letter), KeyModifiers::NONE));
            Step::Whole(length, key)
        }
        Err(error) if error.error_len().is_none() => Step::Half,
        Err(_) => Step::Whole(1, None),
    }
}

pub(super) fn pressed(code: KeyCode, held: KeyModifiers) -> Heard {
    Heard::Done(Msg::Key(Key::from(KeyEvent::new(code, held))))
}
