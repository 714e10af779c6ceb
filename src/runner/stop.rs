//! What signals ask of a run: SIGINT or SIGTERM once for a checkpoint and an end, twice for an end at
//! once. SIGHUP is ignored: a run outlives its terminal.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Shared with the signal handlers; clones see the same wish.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// A wish nobody has yet, listening to no signal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens to the signals of this process.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // First registered, first run: the second signal finds the flag that the first one set.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, asked.clone())?;
            signal_hook::flag::register(signal, asked.clone())?;
            signal_hook::flag::register_usize(signal, stop.signal.clone(), signal as usize)?;
        }
        // Registering a flag that nobody reads is how a signal is ignored here.
        signal_hook::flag::register(SIGHUP, Arc::default())?;
        Ok(stop)
    }

    /// Asks for the end, as a signal of that number would.
    pub fn ask(&self, signal: i32) {
        self.signal.store(signal as usize, Ordering::Relaxed);
    }

    /// The signal that asked, if one did.
    pub fn asked(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal as i32),
        }
    }
}
