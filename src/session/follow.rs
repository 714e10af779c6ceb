//! Following a run through all its segments, live or finished: the same code for both.

use super::error::{LogError, io_error};
use super::fold::RunState;
use super::index::{self, Index, ReadSegment, WORTH};
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

/// Bytes at the end of a long log that are read first.
const NEWEST: u64 = 1 << 20;

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
    /// Bytes that the index on disk stands for.
    indexed: u64,
}

impl RunFollower {
    /// Follows a run of a session's folder from its beginning. Its log may not be there yet.
    #[must_use]
    pub fn new(folder: &Path, run: RunName) -> Self {
        let (folder, state) = (folder.to_owned(), RunState::default());
        Self { folder, run, tails: Vec::new(), state, indexed: 0 }
    }

    /// As [`RunFollower::new`], but begins where the run's index ends, where there is one that fits
    /// its logs: what is known is the same.
    #[must_use]
    pub fn open(folder: &Path, run: RunName) -> Self {
        Self::indexed(folder, &run).unwrap_or_else(|| Self::new(folder, run))
    }

    fn indexed(folder: &Path, run: &RunName) -> Option<Self> {
        let logs = logs_in(folder).ok()?.remove(run)?;
        let Index { segments, state } = index::load(folder, run, &logs)?;
        let indexed = segments.iter().map(|read| read.bytes).sum();
        let mut tails = Vec::new();
        for ReadSegment { segment, bytes, lines, oddities, .. } in segments {
            let tail = LogTail::open_at(logs.get(&segment)?, bytes, lines, oddities).ok()?;
            tails.push((segment, tail));
        }
        Some(Self { folder: folder.to_owned(), run: run.clone(), tails, state, indexed })
    }

    /// A follower that is at the end of long logs at once, for looking at while another one reads
    /// them from their beginning; nothing where they are short. `seen` gets the newest records.
    ///
    /// With an index all is known; without one, what the newest segment's first record and its
    /// newest ones tell: where the run is, and not how it got there.
    #[must_use]
    pub fn ahead(folder: &Path, run: &RunName, mut seen: impl FnMut(&Record)) -> Option<Self> {
        let logs = logs_in(folder).ok()?.remove(run)?;
        let bytes = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        if logs.values().map(bytes).sum::<u64>() < WORTH {
            return None;
        }
        let (segment, path) = logs.last_key_value()?;
        let newest = |known: &Self| known.tails.last().is_some_and(|(newest, _)| newest == segment);
        let known = Self::indexed(folder, run).filter(newest);
        let end = known.as_ref().and_then(|known| known.tails.last());
        let end = end.map(|(_, tail)| tail.offset());
        let mut state = RunState::default();
        let mut first = LogTail::open(path).ok()?;
        first.poll(Budget { records: 2, ..Budget::ALL }, |record| state.apply(record)).ok()?;
        // A fork's and a later segment's first record say where they begin.
        state.started.as_ref()?;
        let from = end.unwrap_or_else(|| bytes(path)).saturating_sub(NEWEST).max(first.offset());
        let mut newest = LogTail::open_within(path, from, end).ok()?;
        newest
            .poll(Budget::ALL, |record| {
                seen(&record);
                state.apply(record);
            })
            .ok()?;
        if known.is_some() {
            return known;
        }
        state.only_glimpsed();
        let (folder, run, tails) = (folder.to_owned(), run.clone(), vec![(*segment, newest)]);
        // Half a state is nothing to keep an index of.
        Some(Self { folder, run, tails, state, indexed: u64::MAX })
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

    /// Keeps an index of what was read, where that was much since the last one: several megabytes,
    /// and a quarter of it all.
    pub fn keep_index(&mut self) {
        let read: u64 = self.tails.iter().map(|(_, tail)| tail.offset()).sum();
        if read.saturating_sub(self.indexed) < WORTH.max(read / 4)
            || !self.is_run()
            || self.tails.iter().any(|(_, tail)| tail.is_skipping())
        {
            return;
        }
        self.indexed = read;
        let mut segments = Vec::new();
        for (segment, tail) in &self.tails {
            let Ok(marks) = index::marks_of(tail.path(), tail.offset()) else { return };
            segments.push(ReadSegment {
                segment: *segment,
                bytes: tail.offset(),
                lines: tail.lines(),
                oddities: tail.oddities().clone(),
                marks,
            });
        }
        let index = Index { segments, state: std::mem::take(&mut self.state) };
        index::keep(&self.folder, &self.run, &index);
        self.state = index.state;
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

    /// Bytes of all segments' logs that were read, and that there are.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let read = self.tails.iter().map(|(_, tail)| tail.offset()).sum();
        let logs = logs_in(&self.folder).ok().and_then(|mut logs| logs.remove(&self.run));
        let bytes = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        (read, logs.iter().flat_map(|logs| logs.values()).map(bytes).sum())
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

/// What a run is doing, from the first record and the newest ones of its newest log alone: nothing of
/// a long log between them is read.
pub fn status_at_end(folder: &Path, run: &RunName, now: Time) -> Result<RunStatus, LogError> {
    let mut state = RunState::default();
    let logs = logs_in(folder)?.remove(run).unwrap_or_default();
    let Some(path) = logs.into_values().next_back() else {
        return Ok(status_of(&state, LogLock::Free, now));
    };
    // Asked before the end is read: what a runner wrote before it was found gone is then read too.
    let lock = lock_of(&path);
    let mut first = LogTail::open(&path)?;
    first.poll(Budget { records: 2, ..Budget::ALL }, |record| state.apply(record))?;
    if state.started.is_some() {
        let bytes = fs::metadata(&path).map_err(io_error("look at the log", &path))?.len();
        let from = bytes.saturating_sub(NEWEST).max(first.offset());
        let mut newest = LogTail::open_within(&path, from, None)?;
        newest.poll(Budget::ALL, |record| state.apply(record))?;
    }
    Ok(status_of(&state, lock, now))
}

/// Reads all there is of a run and folds it. A long log is indexed: the next time only what came
/// since is read.
pub fn read_run(folder: &Path, run: &RunName) -> Result<RunFollower, LogError> {
    let mut follower = RunFollower::open(folder, run.clone());
    follower.poll(Budget::ALL)?;
    follower.keep_index();
    if follower.is_run() {
        return Ok(follower);
    }
    Err(LogError::NotARun { run: run.to_string(), path: folder.to_owned() })
}
