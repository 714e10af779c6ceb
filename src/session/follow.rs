//! Following a run through all its segments, live or finished: the same code for both.

use super::error::{LogError, io_error};
use super::fold::RunState;
use super::names::parse_log_name;
use super::record::Record;
use super::state::{LogLock, RunStatus, lock_of, status_of};
use super::tail::{Budget, LogTail, Oddities, Reached};
use super::time::Time;
use crate::ids::RunName;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The logs of one run by segment.
pub type Segments = BTreeMap<u32, PathBuf>;

/// The logs of all runs in a session's folder.
pub fn logs_in(folder: &Path) -> Result<BTreeMap<RunName, Segments>, LogError> {
    let mut runs: BTreeMap<RunName, Segments> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(io_error("list the session's files", folder))? {
        let entry = entry.map_err(io_error("list the session's files", folder))?;
        if let Some((run, segment)) = entry.file_name().to_str().and_then(parse_log_name) {
            runs.entry(run).or_default().insert(segment, entry.path());
        }
    }
    Ok(runs)
}

/// Reads a run's logs, oldest segment first, and folds them.
#[derive(Debug)]
pub struct RunFollower {
    folder: PathBuf,
    run: RunName,
    tails: Vec<(u32, LogTail)>,
    state: RunState,
}

impl RunFollower {
    /// Follows a run of a session's folder. Its log may not be there yet.
    #[must_use]
    pub fn new(folder: &Path, run: RunName) -> Self {
        let (folder, state) = (folder.to_owned(), RunState::default());
        Self { folder, run, tails: Vec::new(), state }
    }

    /// Reads on within the budget and folds. `seen` gets every record before it is folded.
    pub fn poll_with(
        &mut self,
        budget: Budget,
        mut seen: impl FnMut(&Record),
    ) -> Result<Reached, LogError> {
        let began = Instant::now();
        let mut left = budget;
        let mut next: Option<(u32, PathBuf)> = None;
        loop {
            if let Some((_, tail)) = self.tails.last_mut() {
                let mut lines = 0;
                let state = &mut self.state;
                let reached = tail.poll(left, |record| {
                    lines += 1;
                    seen(&record);
                    state.apply(record);
                })?;
                left.records = left.records.saturating_sub(lines);
                left.time = budget.time.saturating_sub(began.elapsed());
                if reached == Reached::Budget || left.records == 0 || left.time.is_zero() {
                    return Ok(Reached::Budget);
                }
            }
            // A later segment begins only after the last record of the one before: its runner
            // held the lock on the run. So the older log is read once more after the newer one
            // was seen, and only then left behind.
            if let Some((segment, path)) = next.take() {
                self.tails.push((segment, LogTail::open(&path)?));
                continue;
            }
            next = self.next_segment()?;
            if next.is_none() {
                return Ok(Reached::End);
            }
        }
    }

    /// Reads on within the budget and folds.
    pub fn poll(&mut self, budget: Budget) -> Result<Reached, LogError> {
        self.poll_with(budget, |_| {})
    }

    fn next_segment(&self) -> Result<Option<(u32, PathBuf)>, LogError> {
        let known = self.tails.last().map_or(0, |(segment, _)| *segment);
        let segments = logs_in(&self.folder)?.remove(&self.run).unwrap_or_default();
        Ok(segments.into_iter().find(|(segment, _)| *segment > known))
    }

    /// The run's name within its session.
    #[must_use]
    pub fn run(&self) -> &RunName {
        &self.run
    }

    /// What is known so far.
    #[must_use]
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// What is known so far, without a copy.
    #[must_use]
    pub fn into_state(self) -> RunState {
        self.state
    }

    /// Whether the run's first record was read: without one there is no run.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.state.started.is_some()
    }

    /// The newest segment's log, as far as it was opened.
    #[must_use]
    pub fn newest_log(&self) -> Option<&Path> {
        self.tails.last().map(|(_, tail)| tail.path())
    }

    /// What the run is doing at `now`, its lock asked for just now.
    #[must_use]
    pub fn status(&self, now: Time) -> RunStatus {
        let lock = self.newest_log().map_or(LogLock::Free, lock_of);
        status_of(&self.state, lock, now)
    }

    /// Skipped lines and unknown things in all segments.
    #[must_use]
    pub fn oddities(&self) -> Oddities {
        let mut all = Oddities::default();
        self.tails.iter().for_each(|(_, tail)| all.add(tail.oddities()));
        all
    }
}

/// Reads all there is of a run and folds it.
pub fn read_run(folder: &Path, run: &RunName) -> Result<RunFollower, LogError> {
    let mut follower = RunFollower::new(folder, run.clone());
    follower.poll(Budget::ALL)?;
    if follower.is_run() {
        return Ok(follower);
    }
    Err(LogError::NotARun { run: run.to_string(), path: folder.to_owned() })
}
