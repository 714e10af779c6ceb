//! The thread that waits for keys, clicks and sizes.

use super::keys::Key;
use super::msg::Msg;
use ratatui::crossterm::event::{Event, KeyEventKind, MouseButton, MouseEventKind, read};
use std::sync::mpsc::Sender;

/// Lines the wheel turns.
const WHEEL: i8 = 3;

/// Starts the thread. It ends with the program, or when nobody listens.
pub fn start(messages: Sender<Msg>) {
    std::thread::spawn(move || {
        while let Ok(event) = read() {
            let Some(msg) = message(event) else { continue };
            if messages.send(msg).is_err() {
                break;
            }
        }
    });
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
