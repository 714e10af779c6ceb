//! Where frames go: whole ones while the terminal is this program's, none once it was given back.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// Between the thread that paints and whoever gives the terminal back.
#[derive(Debug)]
pub struct Gate {
    painting: Mutex<()>,
    closed: AtomicBool,
}

impl Gate {
    /// An open one.
    #[must_use]
    pub const fn new() -> Self {
        Self { painting: Mutex::new(()), closed: AtomicBool::new(false) }
    }

    /// Waits until the frame that is under way is whole, so long at most. From here on nothing is painted,
    /// not even the rest of a frame that was not. Whether it was whole.
    pub fn close(&self, patience: Duration) -> bool {
        let painting = within(&self.painting, patience);
        self.closed.store(true, Ordering::SeqCst);
        painting.is_some()
    }
}

/// A lock, where it is had in time: it may be held by the very thread that asks, in a panic's hook.
pub fn within<T>(lock: &Mutex<T>, patience: Duration) -> Option<MutexGuard<'_, T>> {
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(held) => return Some(held),
            Err(TryLockError::Poisoned(held)) => return Some(held.into_inner()),
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Takes frames: one goes from its first byte to the next flush.
pub struct Canvas<W> {
    out: W,
    gate: &'static Gate,
    /// While a frame is under way.
    held: Option<MutexGuard<'static, ()>>,
}

impl<W> Canvas<W> {
    /// What is painted goes to `out` while the gate is open.
    pub fn new(out: W, gate: &'static Gate) -> Self {
        Self { out, gate, held: None }
    }
}

impl<W: Write> Write for Canvas<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.held.is_none() {
            self.held = Some(self.gate.painting.lock().unwrap_or_else(PoisonError::into_inner));
        }
        if self.gate.closed.load(Ordering::SeqCst) {
            return Ok(bytes.len());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.held = None;
        flushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::painter::Sent;

    #[test]
    fn a_frame_is_whole_before_the_gate_closes_and_none_follows() {
        static GATE: Gate = Gate::new();
        let sent = Sent::default();
        let mut canvas = Canvas::new(sent.clone(), &GATE);
        canvas.write_all(b"a ").unwrap();
        let closing = std::thread::spawn(|| GATE.close(Duration::from_mins(10)));
        canvas.write_all(b"frame").unwrap();
        canvas.flush().unwrap();
        assert!(closing.join().unwrap());
        canvas.write_all(b"another").unwrap();
        canvas.flush().unwrap();
        assert_eq!(sent.take(), b"a frame");
    }

    #[test]
    fn a_frame_that_takes_too_long_is_cut_off() {
        static GATE: Gate = Gate::new();
        let sent = Sent::default();
        let mut canvas = Canvas::new(sent.clone(), &GATE);
        canvas.write_all(b"a ").unwrap();
        assert!(!GATE.close(Duration::from_millis(1)));
        canvas.write_all(b"frame").unwrap();
        canvas.flush().unwrap();
        assert_eq!(sent.take(), b"a ");
    }
}
