//! [`Narrator`]: says what happens, to the log first and to whoever watches second; and hears, where
//! it was told whom to listen to (see `control.rs`).
//!
//! A log that cannot be written ends the run. A progress line that cannot be written does not: the
//! terminal may be gone, and the run outlives it. A thread beside it writes `heartbeat` while there
//! is nothing else to say, so that a run is seen to live where the file system has no locks.

use super::control::Control;
use super::lines::Pace;
use super::speak::{Speaker, Voice};
use super::{RunError, lines};
use crate::encode::EncodeError;
use crate::session::event::{Event, Heartbeat, Progressed, StepFinished, StillToStart, Warned};
use crate::session::state::HEARTBEAT_SECONDS;
use crate::session::writer::LogWriter;
use crate::session::{LogError, Record, RunState, Time};
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The log, shared with the thread that keeps it from falling silent.
struct Log {
    writer: LogWriter,
    /// The same fold as any reader's: the time that is left comes from here.
    state: RunState,
    last: Instant,
}

impl Log {
    fn append(&mut self, event: Event) -> Result<(), LogError> {
        let now = Time::now();
        let seq = self.writer.append_at(now, event.clone())?;
        self.state.apply(Record::new(seq, now, event));
        self.last = Instant::now();
        Ok(())
    }
}

/// Writes `heartbeat` as long as it lives.
struct Heart {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    fn beat(log: &Arc<Mutex<Log>>) -> Self {
        let (stop, stopped) = channel();
        let log = Arc::clone(log);
        let every = Duration::from_secs_f64(HEARTBEAT_SECONDS);
        let thread = std::thread::spawn(move || {
            let mut wait = every;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let mut log = locked(&log);
                let silent = log.last.elapsed();
                wait = every.saturating_sub(silent);
                // A log has no record before its first, and none after its last.
                let speaks = log.state.started.is_some() && log.state.finished.is_none();
                if wait.is_zero() {
                    wait = every;
                    if speaks {
                        // The next record that matters will say what is wrong.
                        let _ = log.append(Heartbeat {}.into());
                    }
                }
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn locked(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The log's writer, the progress lines beside it, and the ear for commands.
pub struct Narrator {
    // Dropped first: the thread holds the log as well, and with it the run's lock.
    _heart: Option<Heart>,
    log: Option<Arc<Mutex<Log>>>,
    speaker: Speaker,
    pace: Pace,
    pub(super) control: Option<Control>,
    pub(super) series: Vec<StillToStart>,
}

impl Narrator {
    /// Writes to `log`, where there is one.
    pub fn new(log: Option<LogWriter>, voice: Voice) -> Self {
        let log = log.map(|writer| {
            let (state, last) = (RunState::default(), Instant::now());
            Arc::new(Mutex::new(Log { writer, state, last }))
        });
        let heart = log.as_ref().map(Heart::beat);
        let (speaker, pace) = (Speaker::new(voice), Pace::default());
        Self { _heart: heart, log, speaker, pace, control: None, series: Vec::new() }
    }

    /// Tells the log what this process is to start after the run.
    #[must_use]
    pub fn with_series(mut self, series: Vec<StillToStart>) -> Self {
        self.series = series;
        self
    }

    /// Whether the log has a lock that others see, or there is no log.
    pub(super) fn is_locked(&self) -> bool {
        self.log.as_ref().is_none_or(|log| locked(log).writer.is_locked())
    }

    /// Appends an event to the log.
    pub fn tell(&mut self, event: impl Into<Event>) -> Result<(), RunError> {
        if let Some(log) = &self.log {
            locked(log).append(event.into())?;
        }
        Ok(())
    }

    /// Forces the log to the disk.
    pub fn sync(&self) -> Result<(), RunError> {
        if let Some(log) = &self.log {
            locked(log).writer.sync()?;
        }
        Ok(())
    }

    /// A warning, in the log and on the terminal.
    pub fn warn(&mut self, what: &str) -> Result<(), RunError> {
        self.tell(Warned { what: what.to_owned() })?;
        self.line(&format!("warning: {what}"));
        Ok(())
    }

    /// A whole line on the terminal.
    pub fn line(&mut self, text: &str) {
        self.speaker.line(text);
    }

    /// One update: the record, and a line with the time that is left.
    pub fn step(&mut self, step: StepFinished, steps: usize) -> Result<(), RunError> {
        let last = step.step as usize == steps;
        self.tell(step.clone())?;
        let log = self.log.as_ref();
        let eta = || log.and_then(|log| locked(log).state.eta()).map(|eta| eta.seconds);
        self.speaker.passing(|| lines::step(&step, steps, eta()), last);
        Ok(())
    }

    /// Something long that is not training. Commands are heard here as well: between two batches of
    /// an encoding a run can be paused and stopped.
    pub fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<(), RunError> {
        let (done, total) = (done as u64, total as u64);
        self.tell(Progressed { what: what.to_owned(), done, total })?;
        let eta = self.pace.left(what, done, total, Instant::now());
        self.speaker.passing(|| lines::progress(what, done, total, eta), done == total);
        self.attend_between()
    }

    /// What is done now that cannot say how far it is: on the terminal alone.
    pub fn doing(&mut self, what: &str) {
        self.speaker.now(what);
    }

    /// Runs an encoder and says how far it is; ends it between two batches where the run is to end.
    pub fn encoding<T>(
        &mut self,
        what: &str,
        encode: impl FnOnce(&mut dyn FnMut(usize, usize) -> ControlFlow<()>) -> Result<T, EncodeError>,
    ) -> Result<T, RunError> {
        let mut told = Ok(());
        let encoded = encode(&mut |done, total| {
            told = self.progress(what, done, total);
            if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        told?;
        Ok(encoded?)
    }
}
