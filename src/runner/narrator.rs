//! [`Narrator`]: says what happens, to the log first and to whoever watches second.
//!
//! A log that cannot be written ends the run. A progress line that cannot be written does not: the
//! terminal may be gone, and the run outlives it.

use super::RunError;
use crate::session::event::{Event, Progressed, StepFinished, Warned};
use crate::session::writer::LogWriter;
use crate::session::{Record, RunState, Time};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Nothing but errors.
    Quiet,
    /// Lines of progress.
    Lines,
}

/// How often progress lines come on a terminal, and in a file or pipe.
const ON_TERMINAL: Duration = Duration::from_millis(250);
const IN_A_FILE: Duration = Duration::from_secs(10);

/// The log's writer, and the progress lines beside it.
pub struct Narrator {
    log: Option<LogWriter>,
    /// The same fold as any reader's: the time that is left comes from here.
    state: RunState,
    voice: Voice,
    terminal: bool,
    last_line: Option<Instant>,
    open_line: bool,
}

impl Narrator {
    /// Writes to `log`, where there is one.
    pub fn new(log: Option<LogWriter>, voice: Voice) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { log, state: RunState::default(), voice, terminal, last_line: None, open_line: false }
    }

    /// Appends an event to the log.
    pub fn tell(&mut self, event: impl Into<Event>) -> Result<(), RunError> {
        let (event, now) = (event.into(), Time::now());
        if let Some(log) = &mut self.log {
            let seq = log.append_at(now, event.clone())?;
            self.state.apply(Record::new(seq, now, event));
        }
        Ok(())
    }

    /// Forces the log to the disk.
    pub fn sync(&self) -> Result<(), RunError> {
        if let Some(log) = &self.log {
            log.sync()?;
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
        if self.voice == Voice::Quiet {
            return;
        }
        let mut out = std::io::stderr().lock();
        // A lost terminal must not end a run.
        let _ =
            if self.open_line { writeln!(out, "\r\x1b[K{text}") } else { writeln!(out, "{text}") };
        self.open_line = false;
    }

    /// A line that the next one replaces on a terminal; in a file it comes every ten seconds.
    fn passing(&mut self, text: impl FnOnce() -> String, last: bool) {
        let pause = if self.terminal { ON_TERMINAL } else { IN_A_FILE };
        let due = self.last_line.is_none_or(|at| at.elapsed() >= pause);
        if self.voice == Voice::Quiet || !(due || last) {
            return;
        }
        self.last_line = Some(Instant::now());
        let mut out = std::io::stderr().lock();
        let _ = if self.terminal && !last {
            self.open_line = true;
            write!(out, "\r\x1b[K{}", text()).and_then(|()| out.flush())
        } else {
            let start = if self.open_line { "\r\x1b[K" } else { "" };
            self.open_line = false;
            writeln!(out, "{start}{}", text())
        };
    }

    /// One update: the record, and a line with the time that is left.
    pub fn step(&mut self, step: StepFinished, steps: usize) -> Result<(), RunError> {
        let last = step.step as usize == steps;
        self.tell(step.clone())?;
        let eta = self.state.eta().map(|eta| eta.seconds);
        let text = || {
            let rate =
                step.examples_per_second.map_or(0.0, super::super::session::finite::Finite::get);
            let scale = step
                .logit_scale
                .map_or_else(String::new, |scale| format!("  scale {:.1}", scale.get()));
            format!(
                "{:>20}  {:>5}/{steps}  loss {:.4}  lr {:.2e}{scale}  {rate:.0}/s  eta {}",
                step.stage.as_str(),
                step.step,
                step.loss.get(),
                step.learning_rate.get(),
                eta.map_or_else(|| "-".to_owned(), duration),
            )
        };
        self.passing(text, last);
        Ok(())
    }

    /// Something long that is not training.
    pub fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<(), RunError> {
        self.tell(Progressed { what: what.to_owned(), done: done as u64, total: total as u64 })?;
        self.passing(|| format!("{what}  {done}/{total}"), done == total);
        Ok(())
    }
}

/// Seconds as people read them: `42 s`, `3 m 05 s`, `2 h 07 m`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let written: Vec<_> = [4.2, 65.0, 7620.0].into_iter().map(duration).collect();
        assert_eq!(written, ["4 s", "1 m 05 s", "2 h 07 m"]);
    }
}
