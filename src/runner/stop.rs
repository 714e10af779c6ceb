//! What signals ask of a run. SIGINT or SIGTERM: a checkpoint and the end, twice the end at once.
//! SIGUSR1: a checkpoint. SIGUSR2: a pause, and the end of it. SIGHUP: nothing, a run outlives its
//! terminal. SIGXFSZ: nothing, so that a limit on file sizes is an error that can be told.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Shared with the signal handlers; clones see the same wishes.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    signal: Arc<AtomicUsize>,
    checkpoint: Arc<AtomicBool>,
    pause: Arc<AtomicBool>,
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
        signal_hook::flag::register(SIGUSR1, stop.checkpoint.clone())?;
        signal_hook::flag::register(SIGUSR2, stop.pause.clone())?;
        // Registering a flag that nobody reads is how a signal is ignored here.
        for signal in [SIGHUP, SIGXFSZ] {
            signal_hook::flag::register(signal, Arc::default())?;
        }
        Ok(stop)
    }

    /// Asks for the end, as a signal of that number would.
    pub fn ask(&self, signal: i32) {
        self.signal.store(signal as usize, Ordering::Relaxed);
    }

    /// The signal that asked for the end, if one did.
    pub fn asked(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal as i32),
        }
    }

    /// Whether a signal asked for a checkpoint since this was last called.
    pub(super) fn take_checkpoint(&self) -> bool {
        self.checkpoint.swap(false, Ordering::Relaxed)
    }

    /// Whether a signal asked for a pause, or for its end, since this was last called.
    pub(super) fn take_pause(&self) -> bool {
        self.pause.swap(false, Ordering::Relaxed)
    }
}

/// A signal's name, as the log says who asked.
pub(super) fn signal_name(signal: i32) -> String {
    match signal {
        SIGINT => "SIGINT".to_owned(),
        SIGTERM => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}
