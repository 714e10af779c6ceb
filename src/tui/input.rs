//! The thread that waits for keys, clicks and sizes.

use super::keys::Key;
use super::msg::Msg;
use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, MouseButton, MouseEventKind, read};
use std::sync::mpsc::Sender;

/// Lines the wheel turns.
const WHEEL: i8 = 3;

/// The thread's name: without it the workbench hears nobody, so its panic ends the program.
pub const THREAD: &str = "keys";

/// Starts the thread. It ends with the program, or when nobody listens. `first` has the keyboard to
/// itself before any key is read.
pub fn start(messages: Sender<Msg>, first: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name(THREAD.to_owned());
    thread.spawn(move || {
        first();
        let mut late = Late::default();
        while let Ok(event) = read() {
            let Some(msg) = message(event) else { continue };
            if let Msg::Key(key) = msg
                && late.takes(key)
            {
                continue;
            }
            if messages.send(msg).is_err() {
                break;
            }
        }
    })?;
    Ok(())
}

/// Parts of an answer to a question about pictures that came too late to be waited for look like keys:
/// `ESC _ ... ESC \` and `ESC P ... ESC \`.
#[derive(Debug, Default)]
struct Late {
    /// Keys taken of one.
    inside: usize,
    /// What must follow its beginning.
    next: Option<char>,
}

/// Keys that such an answer is taken for, at most.
const LONGEST: usize = 64;

impl Late {
    /// Whether a key is part of one.
    fn takes(&mut self, key: Key) -> bool {
        let alt = |c: char| key.alt && key.code == KeyCode::Char(c);
        if self.inside > 0 {
            let goes_on =
                self.next.take().is_none_or(|next| key == Key::plain(KeyCode::Char(next)));
            self.inside = match () {
                () if alt('\\') || self.inside == LONGEST || !goes_on => 0,
                () => self.inside + 1,
            };
            return goes_on;
        }
        self.next = match () {
            () if alt('_') => Some('G'),
            () if alt('P') => Some('>'),
            () => None,
        };
        self.inside = usize::from(self.next.is_some());
        self.inside > 0
    }
}

fn message(event: Event) -> Option<Msg> {
    Some(match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Msg::Key(Key::from(key)),
        Event::Paste(text) => Msg::Paste(text),
        Event::Resize(width, height) => Msg::Resize { width, height },
        Event::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Msg::Click { column, row },
                MouseEventKind::ScrollUp => Msg::Wheel { column, row, lines: -WHEEL },
                MouseEventKind::ScrollDown => Msg::Wheel { column, row, lines: WHEEL },
                _ => return None,
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_comes_late_is_no_key() {
        let mut late = Late::default();
        let alt = |c| Key { alt: true, ..Key::plain(KeyCode::Char(c)) };
        let plain = |c| Key::plain(KeyCode::Char(c));
        assert!(!late.takes(plain('G')));
        for key in [alt('_'), plain('G'), plain('q'), plain('3'), alt('\\')] {
            assert!(late.takes(key), "{key}");
        }
        assert!(!late.takes(plain('q')));
        // A key that only begins like one holds nobody up for long.
        assert!(late.takes(alt('P')));
        assert!(!late.takes(plain('j')));
        assert!(late.takes(alt('P')) && late.takes(plain('>')));
        let held = (0..200).filter(|_| late.takes(plain('j'))).count();
        assert!(held < LONGEST);
    }
}
