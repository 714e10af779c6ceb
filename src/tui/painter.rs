//! From a buffer to the terminal: only cells that changed, as one synchronized update, and not a
//! byte where nothing changed. Pictures that are no cells are sent beside them, within a budget.

use super::picture::{Drawn, Graphics, Key};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// Has a terminal that speaks Kitty's protocol forget every picture; others pass over it.
const DROP: &[u8] = b"\x1b_Ga=d,d=A,q=2\x1b\\";

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
    /// Pictures that the terminal keeps, by number.
    kept: BTreeMap<u8, Key>,
    /// The way by which it was sent any: what must be dropped when they go another one.
    holds: Option<Graphics>,
    /// Pictures that lie over cells.
    laid: Vec<(Rect, Key)>,
    /// Whether the terminal itself hears it: tmux would take Kitty's word for a pane's title.
    direct: bool,
}

/// The pictures of a frame.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    /// Which way they go.
    pub graphics: Graphics,
    /// Where they stand.
    pub placed: Vec<(Rect, Arc<Drawn>)>,
    /// Bytes they may take now; one picture always may.
    pub budget: usize,
}

/// What painting came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Painted {
    /// How long the terminal took to take it.
    pub took: Duration,
    /// Bytes that pictures took.
    pub pictures: usize,
    /// Whether pictures wait for more budget.
    pub waiting: bool,
}

impl<W: Write> Painter<W> {
    /// A painter on an empty screen of no size.
    pub fn new(out: W) -> Self {
        // Without colours the theme sends none; the library's own way of leaving them out would
        // undo reverse video (crossterm 0.29).
        ratatui::crossterm::style::force_color_output(true);
        let bytes = Rc::new(Cell::new(0));
        let backend = CrosstermBackend::new(Counted { inner: out, bytes: Rc::clone(&bytes) });
        Self {
            backend,
            bytes,
            shown: Buffer::empty(Rect::ZERO),
            kept: BTreeMap::new(),
            holds: None,
            laid: Vec::new(),
            direct: true,
        }
    }

    /// A multiplexer stands between this and the terminal.
    pub fn through_a_multiplexer(&mut self) {
        self.direct = false;
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Forgets what is on the screen: the next frame is painted whole.
    pub fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
        self.kept.clear();
    }

    /// Paints a frame without pictures; how long the terminal took to take it.
    pub fn paint(&mut self, frame: Buffer) -> io::Result<Duration> {
        Ok(self.paint_with(frame, &Pictures::default())?.took)
    }

    /// Paints a frame and its pictures.
    pub fn paint_with(&mut self, frame: Buffer, pictures: &Pictures) -> io::Result<Painted> {
        let began = Instant::now();
        if self.holds.is_some_and(|way| way != pictures.graphics) {
            self.drop_pictures()?;
        }
        let whole = frame.area != self.shown.area;
        if whole {
            self.shown = Buffer::empty(frame.area);
            self.laid.clear();
        }
        let lying = self.laid.len();
        self.lift(pictures);
        // Where sending fails nothing is known of the screen, and the next frame is painted whole.
        let before = std::mem::replace(&mut self.shown, Buffer::empty(Rect::ZERO));
        let changes = before.diff(&frame);
        // Where a cell under a picture is drawn again, the picture is too.
        let hit = |area: &Rect| changes.iter().any(|(x, y, _)| area.contains((*x, *y).into()));
        self.laid.retain(|(area, _)| !hit(area));
        // Konsole keeps a Sixel picture under whatever is written over it, and drops it only with all
        // others, by Kitty's word: where one goes, those that stay are sent again.
        let gone = self.laid.len() < lying && !whole && self.direct;
        if gone {
            self.laid.clear();
        }
        let (sending, waiting) = self.choose(pictures);
        if changes.is_empty() && sending.is_empty() && !whole {
            self.shown = before;
            return Ok(Painted { waiting, ..Painted::default() });
        }
        self.raw(BEGIN)?;
        if whole {
            self.backend.clear()?;
        }
        if gone {
            self.raw(DROP)?;
        }
        let over = pictures.graphics.is_laid_over();
        if !over {
            for (_, drawn) in &sending {
                self.raw(&drawn.sent)?;
                self.kept.insert(drawn.number, drawn.key.clone());
                self.holds = Some(pictures.graphics);
            }
        }
        self.backend.draw(changes.into_iter())?;
        if over {
            for (area, drawn) in &sending {
                let (x, y) = (area.x + drawn.offset.0, area.y + drawn.offset.1);
                self.raw(format!("\x1b[{};{}H", y + 1, x + 1).as_bytes())?;
                self.raw(&drawn.sent)?;
                self.laid.push((*area, drawn.key.clone()));
            }
        }
        self.raw(END)?;
        Write::flush(&mut self.backend)?;
        self.shown = frame;
        let bytes = sending.iter().map(|(_, drawn)| drawn.sent.len()).sum();
        Ok(Painted { took: began.elapsed(), pictures: bytes, waiting })
    }

    /// Cells under pictures that are gone must be drawn again, whatever stands in them.
    fn lift(&mut self, pictures: &Pictures) {
        let stays = |area: &Rect, key: &Key| {
            pictures.graphics.is_laid_over()
                && pictures.placed.iter().any(|(place, drawn)| place == area && drawn.key == *key)
        };
        let shown = &mut self.shown;
        self.laid.retain(|(area, key)| {
            let stays = stays(area, key);
            if !stays {
                for position in area.intersection(shown.area).positions() {
                    shown[position].set_symbol("\u{fffd}");
                }
            }
            stays
        });
    }

    /// The pictures to send now, and whether others must wait.
    fn choose(&self, pictures: &Pictures) -> (Vec<(Rect, Arc<Drawn>)>, bool) {
        let has = |area: &Rect, drawn: &Drawn| match pictures.graphics {
            Graphics::Kitty | Graphics::KittyInTmux => {
                self.kept.get(&drawn.number) == Some(&drawn.key)
            }
            graphics if graphics.is_laid_over() => {
                self.laid.iter().any(|(place, key)| place == area && *key == drawn.key)
            }
            _ => true,
        };
        let mut chosen: Vec<(Rect, Arc<Drawn>)> = Vec::new();
        let mut left = pictures.budget;
        for (area, drawn) in &pictures.placed {
            let twice = chosen.iter().any(|(_, other)| other.number == drawn.number);
            if has(area, drawn) || (twice && !pictures.graphics.is_laid_over()) {
                continue;
            }
            if left == 0 {
                return (chosen, true);
            }
            left = left.saturating_sub(drawn.sent.len());
            chosen.push((*area, Arc::clone(drawn)));
        }
        (chosen, false)
    }

    /// Has the terminal forget the pictures it keeps, by the way they were sent.
    pub fn drop_pictures(&mut self) -> io::Result<()> {
        let Some(graphics) = self.holds.take() else { return Ok(()) };
        self.kept.clear();
        if graphics == Graphics::KittyInTmux {
            self.raw(&super::picture::through_tmux(DROP))?;
        } else {
            self.raw(DROP)?;
        }
        self.flush()
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

/// A terminal that is none: it keeps what is sent.
#[derive(Clone, Debug, Default)]
pub struct Sent(Rc<RefCell<Vec<u8>>>);

impl Sent {
    /// What was sent since this was asked last.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::{Modifier, Style};

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

    fn drawn(number: u8, bytes: &[u8]) -> Arc<Drawn> {
        let picture = crate::ids::Digest::of(&[number]);
        let key = Key { picture, columns: 4, rows: 2 };
        Arc::new(Drawn { key, number, halves: Vec::new(), offset: (0, 0), sent: bytes.to_vec() })
    }

    fn pictures(graphics: Graphics, placed: Vec<(Rect, Arc<Drawn>)>, budget: usize) -> Pictures {
        Pictures { graphics, placed, budget }
    }

    #[test]
    fn a_kept_picture_is_sent_once_and_within_the_budget() {
        let sent = Sent::default();
        let mut painter = Painter::new(sent.clone());
        let at = |x| Rect::new(x, 0, 4, 2);
        let placed = vec![(at(0), drawn(1, b"<one>")), (at(5), drawn(2, b"<two>"))];
        let shown = pictures(Graphics::Kitty, placed, 3);
        let blank = || frame("", Style::default());
        let first = painter.paint_with(blank(), &shown).unwrap();
        assert!(first.waiting && first.pictures == 5);
        let second = painter.paint_with(blank(), &shown).unwrap();
        assert!(!second.waiting && second.pictures == 5);
        let before = painter.bytes();
        painter.paint_with(blank(), &shown).unwrap();
        assert_eq!(painter.bytes(), before);
        let text = String::from_utf8(sent.0.borrow().clone()).unwrap();
        assert_eq!((text.matches("<one>").count(), text.matches("<two>").count()), (1, 1));
    }

    #[test]
    fn pictures_are_dropped_when_they_go_another_way_and_when_the_screen_was_forgotten() {
        let sent = Sent::default();
        let mut painter = Painter::new(sent.clone());
        let blank = || frame("", Style::default());
        let place = || vec![(Rect::new(0, 0, 4, 2), drawn(1, b"<one>"))];
        painter.paint_with(blank(), &pictures(Graphics::Kitty, place(), 1000)).unwrap();
        // Another way, after a repaint: the terminal is told before anything is drawn.
        painter.forget();
        drop(sent.take());
        painter.paint_with(blank(), &pictures(Graphics::Off, Vec::new(), 1000)).unwrap();
        assert!(sent.take().starts_with(DROP));
        painter.drop_pictures().unwrap();
        assert!(sent.take().is_empty());
        // Leaving after a repaint of a screen without pictures.
        painter.paint_with(blank(), &pictures(Graphics::Kitty, place(), 1000)).unwrap();
        painter.forget();
        painter.paint_with(blank(), &pictures(Graphics::Kitty, Vec::new(), 1000)).unwrap();
        drop(sent.take());
        painter.drop_pictures().unwrap();
        assert_eq!(sent.take(), DROP);
    }

    #[test]
    fn a_picture_over_cells_goes_when_they_are_drawn_again() {
        let sent = Sent::default();
        let mut painter = Painter::new(sent.clone());
        let place = (Rect::new(2, 0, 4, 2), drawn(1, b"<one>"));
        let shown = pictures(Graphics::Sixel, vec![place], 1000);
        let blank = || frame("", Style::default());
        painter.paint_with(blank(), &shown).unwrap();
        assert!(String::from_utf8_lossy(&sent.0.borrow()).contains("\x1b[1;3H<one>"));
        let before = painter.bytes();
        painter.paint_with(blank(), &shown).unwrap();
        assert_eq!(painter.bytes(), before);
        sent.0.borrow_mut().clear();
        // Its eight cells are wiped, though they are as blank as before.
        painter.paint_with(blank(), &pictures(Graphics::Sixel, Vec::new(), 1000)).unwrap();
        let text = String::from_utf8(sent.0.borrow().clone()).unwrap();
        assert!(text.matches(' ').count() >= 8 && !text.contains("<one>"), "{text:?}");
        // Text that comes up over it takes its place, and it comes back after.
        painter.paint_with(blank(), &shown).unwrap();
        painter.paint(frame("covered", Style::default())).unwrap();
        sent.0.borrow_mut().clear();
        painter.paint_with(blank(), &shown).unwrap();
        assert!(String::from_utf8_lossy(&sent.0.borrow()).contains("<one>"));
    }

    #[test]
    fn where_one_picture_over_cells_goes_all_are_dropped_and_the_others_sent_again() {
        let sent = Sent::default();
        let mut painter = Painter::new(sent.clone());
        let one = || (Rect::new(0, 0, 4, 2), drawn(1, b"<one>"));
        let two = || (Rect::new(6, 0, 4, 2), drawn(2, b"<two>"));
        let blank = || frame("", Style::default());
        let both = pictures(Graphics::Sixel, vec![one(), two()], 1000);
        painter.paint_with(blank(), &both).unwrap();
        drop(sent.take());
        painter.paint_with(blank(), &pictures(Graphics::Sixel, vec![two()], 1000)).unwrap();
        let text = String::from_utf8(sent.take()).unwrap();
        let dropped = text.find("\x1b_Ga=d").unwrap();
        assert!(text.find("<two>").is_some_and(|at| at > dropped) && !text.contains("<one>"));
        // tmux would take that for a pane's title.
        painter.through_a_multiplexer();
        painter.paint_with(blank(), &both).unwrap();
        drop(sent.take());
        painter.paint_with(blank(), &pictures(Graphics::Sixel, vec![two()], 1000)).unwrap();
        let text = String::from_utf8(sent.take()).unwrap();
        assert!(!text.contains("\x1b_G") && !text.contains("<two>"), "{text:?}");
    }
}
