//! Places where a test can have this process killed: in the middle of a line of a log, of a file of a
//! checkpoint, before and after its rename. Nothing happens unless the environment names one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Names the place and on which arrival there the process is killed: `PLACE:N`, N from 1.
pub const VARIABLE: &str = "LLM2CLIP_FAULT";

/// Half a record of a log is written.
pub const LOG_LINE: &str = "log-line";
/// A record of a log is written, and nothing after it has happened.
pub const LOG_WRITTEN: &str = "log-written";
/// Half of a file of a checkpoint or table is written.
pub const FILE: &str = "file";
/// All files of a checkpoint are written, and its manifest is not.
pub const BEFORE_MANIFEST: &str = "before-manifest";
/// A checkpoint is whole under its temporary name.
pub const BEFORE_RENAME: &str = "before-rename";
/// A checkpoint has its name, and the log does not speak of it.
pub const AFTER_RENAME: &str = "after-rename";

struct Armed {
    place: String,
    arrival: u32,
    arrivals: AtomicU32,
}

fn armed() -> Option<&'static Armed> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let read = || {
        let text = std::env::var(VARIABLE).ok()?;
        let (place, arrival) = text.split_once(':')?;
        let arrival = arrival.parse().ok()?;
        Some(Armed { place: place.to_owned(), arrival, arrivals: AtomicU32::new(0) })
    };
    ARMED.get_or_init(read).as_ref()
}

/// Whether this arrival at a place is the one the process is to die at.
pub fn is_due(place: &str) -> bool {
    armed().is_some_and(|armed| {
        armed.place == place && armed.arrivals.fetch_add(1, Ordering::Relaxed) + 1 == armed.arrival
    })
}

/// Ends this process as SIGKILL does.
pub fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // Not reached where signals work.
    std::process::abort()
}

/// Dies here where that is due.
pub fn here(place: &str) {
    if is_due(place) {
        die();
    }
}
