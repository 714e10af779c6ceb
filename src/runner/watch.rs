//! Watching a run from another process: its records as lines, until nobody writes them any more.

use super::lines::{self, Line};
use super::speak::Speaker;
use crate::ids::RunName;
use crate::session::follow::RunFollower;
use crate::session::tail::{Budget, Reached};
use crate::session::{LogError, RunStatus, Time};
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks at a log, and at its lock.
const GLANCE: Duration = Duration::from_millis(200);
const LOCK_LOOK: Duration = Duration::from_secs(1);

/// Follows a run of a session's folder to its end and returns it with what it was found to be:
/// `done`, `stopped`, `failed`, `crashed` or `unknown`. Says the newest step first, not the whole
/// past.
pub fn watch(
    folder: &Path,
    run: &RunName,
    speaker: &mut Speaker,
) -> Result<(RunFollower, RunStatus), LogError> {
    let mut follower = RunFollower::open(folder, run.clone());
    let mut last_step = None;
    follower.poll_with(Budget::ALL, |record| {
        if matches!(record.event, crate::session::Event::StepFinished(_)) {
            last_step = Some(record.clone());
        }
    })?;
    follower.keep_index();
    if !follower.is_run() {
        return Err(LogError::NotARun { run: run.to_string(), path: folder.to_owned() });
    }
    if let Some(line) = last_step.and_then(|record| lines::of_record(&record, follower.state())) {
        speaker.passing(|| line.text, false);
    }
    let mut looked: Option<Instant> = None;
    loop {
        let due = looked.is_none_or(|at| at.elapsed() >= LOCK_LOOK);
        let status = due.then(|| follower.status(Time::now()));
        if due {
            looked = Some(Instant::now());
        }
        // The lock was looked at before the log is read to its end: nothing is missed.
        let mut records = Vec::new();
        let reached = follower.poll_with(Budget::LIVE, |record| records.push(record.clone()))?;
        for record in &records {
            match lines::of_record(record, follower.state()) {
                Some(Line { text, passing: None }) => speaker.line(&text),
                Some(Line { text, passing: Some(last) }) => speaker.passing(|| text, last),
                None => {}
            }
        }
        if reached == Reached::Budget {
            continue;
        }
        let ended = follower.state().finished.is_some()
            || status.is_some_and(|status| !status.has_runner());
        if ended {
            let status = follower.status(Time::now());
            if !status.has_runner() {
                return Ok((follower, status));
            }
        }
        std::thread::sleep(GLANCE);
    }
}
