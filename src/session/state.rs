//! Whether a run lives: from its last record and the lock on its log, never from a process id.

use super::event::Ending;
use super::fold::{RunState, Waiting};
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::Path;

/// How often a runner writes `heartbeat` when it has nothing else to say. Seconds.
pub const HEARTBEAT_SECONDS: f64 = 10.0;

/// Without locks, a run that wrote nothing for this long may be gone. Seconds; generous, since
/// clocks of two computers differ and a step may be long.
pub const SILENCE_SECONDS: f64 = 120.0;

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Its runner waits for its turn.
    Queued,
    /// Its runner is at work.
    Live,
    /// Its runner keeps its place.
    Paused,
    /// Every stage was finished.
    Done,
    /// It was asked to end.
    Stopped,
    /// An error ended it.
    Failed,
    /// Its runner is gone without a word.
    Crashed,
    /// The file system has no locks, and the log has been silent for long.
    Unknown,
}

impl RunStatus {
    /// Whether a runner is there to take commands.
    #[must_use]
    pub fn has_runner(self) -> bool {
        matches!(self, Self::Queued | Self::Live | Self::Paused)
    }

    /// Whether `resume` may begin a new segment.
    #[must_use]
    pub fn can_resume(self) -> bool {
        matches!(self, Self::Stopped | Self::Failed | Self::Crashed)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Padded where a column asks for it.
        f.pad(match self {
            Self::Queued => "queued",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
            Self::Unknown => "unknown",
        })
    }
}

/// The lock on a log, as another process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLock {
    /// A runner holds it.
    Held,
    /// Nobody does.
    Free,
    /// The file system has no locks, or the file cannot be opened.
    Unsupported,
}

/// Asks whether a runner holds a log. Takes the lock for an instant where nobody does.
#[must_use]
pub fn lock_of(log: &Path) -> LogLock {
    let Ok(file) = File::open(log) else { return LogLock::Unsupported };
    match file.try_lock_shared() {
        Ok(()) => LogLock::Free,
        Err(TryLockError::WouldBlock) => LogLock::Held,
        Err(TryLockError::Error(_)) => LogLock::Unsupported,
    }
}

/// What a run is doing. `lock` is that of its newest segment's log.
#[must_use]
pub fn status_of(run: &RunState, lock: LogLock, now: Time) -> RunStatus {
    if let Some(finished) = &run.finished {
        return match finished.state {
            Ending::Done => RunStatus::Done,
            Ending::Stopped => RunStatus::Stopped,
            Ending::Failed => RunStatus::Failed,
        };
    }
    let lives = match run.waiting {
        Waiting::No => RunStatus::Live,
        Waiting::Queued => RunStatus::Queued,
        Waiting::Paused => RunStatus::Paused,
    };
    match lock {
        LogLock::Held => lives,
        LogLock::Free => RunStatus::Crashed,
        LogLock::Unsupported => match run.last_time {
            Some(last) if now.seconds_since(last) <= SILENCE_SECONDS => lives,
            _ => RunStatus::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Paused, RunFinished};
    use super::super::finite::Finite;
    use super::super::record::Record;
    use super::*;

    #[test]
    fn the_end_of_a_run_counts_more_than_its_lock_and_its_lock_more_than_its_age() {
        let at = |seconds: i64| Time::from_millis(seconds * 1000).unwrap();
        let mut run = RunState::default();
        run.apply(Record::new(1, at(0), Paused {}));
        assert_eq!(status_of(&run, LogLock::Held, at(9999)), RunStatus::Paused);
        assert_eq!(status_of(&run, LogLock::Free, at(0)), RunStatus::Crashed);
        assert_eq!(status_of(&run, LogLock::Unsupported, at(60)), RunStatus::Paused);
        assert_eq!(status_of(&run, LogLock::Unsupported, at(9999)), RunStatus::Unknown);
        let state = Ending::Stopped;
        let end = RunFinished { state, reason: None, seconds: Finite::ZERO, final_digest: None };
        run.apply(Record::new(2, at(1), end));
        assert_eq!(status_of(&run, LogLock::Held, at(1)), RunStatus::Stopped);
    }
}
