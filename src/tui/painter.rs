//! From a buffer to the terminal: only cells that changed, as one synchronized update, and not a
//! byte where nothing changed.

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Counts what goes through it.
#[derive(Debug)]
pub struct Counted<W> {
    inner: W,
    bytes: Rc<Cell<u64>>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes.set(self.bytes.get() + written as u64);
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Paints frames.
#[derive(Debug)]
pub struct Painter<W: Write> {
    backend: CrosstermBackend<Counted<W>>,
    bytes: Rc<Cell<u64>>,
    shown: Buffer,
}

impl<W: Write> Painter<W> {
    /// A painter on an empty screen of no size.
    pub fn new(out: W) -> Self {
        // Without colours the theme sends none; the library's own way of leaving them out would
        // undo reverse video (crossterm 0.29).
        ratatui::crossterm::style::force_color_output(true);
        let bytes = Rc::new(Cell::new(0));
        let backend = CrosstermBackend::new(Counted { inner: out, bytes: Rc::clone(&bytes) });
        Self { backend, bytes, shown: Buffer::empty(Rect::ZERO) }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Forgets what is on the screen: the next frame is painted whole.
    pub fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
    }

    /// Paints a frame; how long the terminal took to take it.
    pub fn paint(&mut self, frame: Buffer) -> io::Result<Duration> {
        let began = Instant::now();
        let whole = frame.area != self.shown.area;
        if whole {
            self.shown = Buffer::empty(frame.area);
        }
        let changes = self.shown.diff(&frame);
        if changes.is_empty() && !whole {
            return Ok(Duration::ZERO);
        }
        self.raw(BEGIN)?;
        if whole {
            self.backend.clear()?;
        }
        self.backend.draw(changes.into_iter())?;
        self.raw(END)?;
        Write::flush(&mut self.backend)?;
        self.shown = frame;
        Ok(began.elapsed())
    }

    /// Sends bytes that are no cells, such as a text for the clipboard.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(&mut self.backend, bytes)
    }

    /// Sends what waits.
    pub fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.backend)
    }
}

/// A text for the terminal's clipboard, by OSC 52.
#[must_use]
pub fn clipboard(text: &str) -> Vec<u8> {
    format!("\x1b]52;c;{}\x07", base64(text.as_bytes())).into_bytes()
}

/// The bell, and a message by OSC 9.
#[must_use]
pub fn tell(text: &str) -> Vec<u8> {
    format!("\x07\x1b]9;{}\x07", super::text::safe(text)).into_bytes()
}

fn base64(bytes: &[u8]) -> String {
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
    use ratatui::style::{Modifier, Style};

    /// Keeps what was sent.
    #[derive(Clone, Default)]
    struct Sent(Rc<std::cell::RefCell<Vec<u8>>>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn frame(text: &str, style: Style) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, text, style);
        buffer
    }

    #[test]
    fn a_frame_that_changes_nothing_writes_nothing() {
        let mut painter = Painter::new(Vec::new());
        painter.paint(frame("a line", Style::default())).unwrap();
        let before = painter.bytes();
        painter.paint(frame("a line", Style::default())).unwrap();
        assert_eq!(painter.bytes(), before);
        painter.paint(frame("a lint", Style::default())).unwrap();
        let more = painter.bytes() - before;
        assert!(more > 0 && more < 80, "{more}");
    }

    #[test]
    fn synchronized_updates_are_paired_and_reverse_video_survives() {
        let sent = Sent::default();
        let mut painter = Painter::new(sent.clone());
        let style = Style::default().add_modifier(Modifier::REVERSED);
        painter.paint(frame("x", style)).unwrap();
        painter.paint(frame("y", style)).unwrap();
        let bytes = sent.0.borrow().clone();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(text.matches("\x1b[?2026h").count(), text.matches("\x1b[?2026l").count());
        let mut screen = vt100::Parser::new(2, 20, 0);
        screen.process(&bytes);
        let cell = screen.screen().cell(0, 0).unwrap();
        assert!(cell.inverse() && cell.contents() == "y");
    }

    #[test]
    fn the_clipboard_gets_base64() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
