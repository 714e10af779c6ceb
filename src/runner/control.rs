//! Commands: what the mailbox and signals ask of a run, heard at step boundaries, between batches of
//! an encoding, and twice a second while the run waits. Each is answered in the log by its id.
//!
//! A command is carried out when the run is, after it, as was asked: a pause of a paused run is done.

use super::stop::signal_name;
use super::{Narrator, RunError, Stop};
use crate::session::control::{Command, Letter, Mailbox};
use crate::session::event::{CommandApplied, CommandRefused, Continued, Paused};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Between two looks at the mailbox while a run waits, and at the signals.
const LOOKS: u32 = 5;
const GLANCE: Duration = Duration::from_millis(100);

/// Where wishes come from, and what became of them.
pub(super) struct Control {
    mailbox: Mailbox,
    stop: Stop,
    mode: Mode,
    /// Letters that were answered and could not be taken out.
    answered: BTreeSet<String>,
    warned: bool,
}

/// Why a run is not stepping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Working,
    Paused,
    Queued,
}

/// Who asked for something, to be answered when it is done.
pub(super) struct Asked {
    id: String,
    command: Command,
    letter: Option<Letter>,
    /// The signal, where it was one.
    pub signal: Option<i32>,
}

/// What only the one who trains can do.
pub(super) enum Wish {
    /// A checkpoint.
    Save(Asked),
    /// A checkpoint and the end.
    End(Asked),
}

impl Control {
    /// Listens to a run's mailbox and to signals.
    pub(super) fn new(mailbox: PathBuf, stop: Stop) -> Self {
        let (mode, answered) = (Mode::Working, BTreeSet::new());
        Self { mailbox: Mailbox::new(mailbox), stop, mode, answered, warned: false }
    }

    /// Letters that wait and were not answered.
    pub(super) fn waiting(&self) -> Result<Vec<Letter>, crate::session::LogError> {
        let mut letters = self.mailbox.waiting()?;
        letters.retain(|letter| !self.answered.contains(&letter.id));
        Ok(letters)
    }
}

impl Asked {
    fn by_letter(command: Command, letter: Letter) -> Self {
        Self { id: letter.id.clone(), command, letter: Some(letter), signal: None }
    }

    fn by_signal(command: Command, id: &str, signal: Option<i32>) -> Self {
        Self { id: id.to_owned(), command, letter: None, signal }
    }
}

impl Narrator {
    /// What is asked of the run right now that only its trainer can do; `None` when it may go on. A
    /// paused run stays in here until something is asked of it.
    pub(super) fn wish(&mut self) -> Result<Option<Wish>, RunError> {
        loop {
            if let Some(wish) = self.heard()? {
                return Ok(Some(wish));
            }
            if self.control.as_ref().is_none_or(|control| control.mode != Mode::Paused) {
                return Ok(None);
            }
            self.doze();
        }
    }

    /// Half a second's sleep that a signal ends early.
    fn doze(&self) {
        for _ in 0..LOOKS {
            let Some(control) = &self.control else { return };
            if control.stop.asked().is_some() {
                return;
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Answers what can be answered here; returns the first wish that cannot.
    fn heard(&mut self) -> Result<Option<Wish>, RunError> {
        let Some(control) = &mut self.control else { return Ok(None) };
        let (mode, stop) = (control.mode, control.stop.clone());
        if let Some(signal) = stop.asked() {
            let asked = Asked::by_signal(Command::Stop, &signal_name(signal), Some(signal));
            return Ok(Some(Wish::End(asked)));
        }
        if stop.take_checkpoint() {
            return Ok(Some(Wish::Save(Asked::by_signal(Command::Checkpoint, "SIGUSR1", None))));
        }
        if stop.take_pause() {
            let command = if mode == Mode::Working { Command::Pause } else { Command::Continue };
            let asked = Asked::by_signal(command, "SIGUSR2", None);
            self.turn(asked)?;
        }
        let letters = match self.control.as_ref().map(Control::waiting) {
            Some(Ok(letters)) => letters,
            Some(Err(error)) => {
                self.warn_once(&format!("commands cannot be heard: {error}"))?;
                return Ok(None);
            }
            None => return Ok(None),
        };
        for letter in letters {
            match letter.command.clone() {
                Err(why) => self.refuse_letter(letter, &why)?,
                Ok(Command::Checkpoint) => {
                    return Ok(Some(Wish::Save(Asked::by_letter(Command::Checkpoint, letter))));
                }
                Ok(Command::Stop) => {
                    return Ok(Some(Wish::End(Asked::by_letter(Command::Stop, letter))));
                }
                Ok(command) => self.turn(Asked::by_letter(command, letter))?,
            }
        }
        Ok(None)
    }

    /// Pauses, or goes on.
    fn turn(&mut self, asked: Asked) -> Result<(), RunError> {
        let Some(control) = &mut self.control else { return Ok(()) };
        match (asked.command, control.mode) {
            (Command::Pause, Mode::Working) => {
                control.mode = Mode::Paused;
                self.tell(Paused {})?;
                self.line("paused; `llm2clip resume` goes on");
            }
            (Command::Pause, Mode::Queued) => {
                return self.refuse(asked, "the run waits for its turn and is not stepping");
            }
            (Command::Continue, Mode::Paused) => {
                control.mode = Mode::Working;
                self.tell(Continued {})?;
                self.line("goes on");
            }
            // Jumps the queue: `wait_until` tells the log.
            (Command::Continue, Mode::Queued) => control.mode = Mode::Working,
            _ => {}
        }
        self.apply(asked)
    }

    /// Hears commands where nothing is being trained: between batches of an encoding and between
    /// evaluations. [`RunError::Stopped`] where the run is to end.
    pub(super) fn attend_between(&mut self) -> Result<(), RunError> {
        loop {
            match self.wish()? {
                None => return Ok(()),
                Some(Wish::Save(asked)) => self.refuse(
                    asked,
                    "nothing is being trained right now; every finished stage is saved",
                )?,
                Some(Wish::End(asked)) => return self.end(asked),
            }
        }
    }

    /// Waits until `done` says so, a command lets the run go on early, or it is to end.
    pub(super) fn wait_until(
        &mut self,
        mut done: impl FnMut() -> Result<bool, RunError>,
    ) -> Result<(), RunError> {
        if let Some(control) = &mut self.control {
            control.mode = Mode::Queued;
        }
        loop {
            match self.heard()? {
                Some(Wish::Save(asked)) => {
                    self.refuse(asked, "the run waits for its turn; there is nothing to save")?;
                    continue;
                }
                Some(Wish::End(asked)) => return self.end(asked),
                None => {}
            }
            let jumped = self.control.as_ref().is_some_and(|c| c.mode == Mode::Working);
            if jumped || done()? {
                break;
            }
            self.doze();
        }
        if let Some(control) = &mut self.control {
            control.mode = Mode::Working;
        }
        self.tell(Continued {})
    }

    /// Answers a wish for the end and turns it into the error that carries it out.
    pub(super) fn end<T>(&mut self, asked: Asked) -> Result<T, RunError> {
        let signal = asked.signal;
        self.apply(asked)?;
        Err(RunError::Stopped { signal })
    }

    /// Says that something was done.
    pub(super) fn apply(&mut self, asked: Asked) -> Result<(), RunError> {
        let Asked { id, command, letter, .. } = asked;
        self.tell(CommandApplied { id, command: command.to_string() })?;
        self.take_out(letter);
        Ok(())
    }

    /// Says that something was not done, and why.
    pub(super) fn refuse(&mut self, asked: Asked, why: &str) -> Result<(), RunError> {
        let Asked { id, command, letter, .. } = asked;
        let (command, why) = (command.to_string(), why.to_owned());
        self.tell(CommandRefused { id, command, why })?;
        self.take_out(letter);
        Ok(())
    }

    fn refuse_letter(&mut self, letter: Letter, why: &str) -> Result<(), RunError> {
        let command =
            letter.command.as_ref().map_or_else(|_| "unknown".to_owned(), ToString::to_string);
        self.tell(CommandRefused { id: letter.id.clone(), command, why: why.to_owned() })?;
        self.take_out(Some(letter));
        Ok(())
    }

    /// Refuses letters that the run will not carry out.
    pub(super) fn refuse_all(&mut self, letters: Vec<Letter>, why: &str) -> Result<(), RunError> {
        letters.into_iter().try_for_each(|letter| self.refuse_letter(letter, why))
    }

    /// The letters that wait now; none where the mailbox cannot be read.
    pub(super) fn letters(&self) -> Vec<Letter> {
        let letters = self.control.as_ref().and_then(|control| control.waiting().ok());
        letters.unwrap_or_default()
    }

    fn take_out(&mut self, letter: Option<Letter>) {
        if let (Some(control), Some(letter)) = (&mut self.control, letter)
            && control.mailbox.remove(&letter).is_err()
        {
            control.answered.insert(letter.id);
        }
    }

    fn warn_once(&mut self, what: &str) -> Result<(), RunError> {
        match &mut self.control {
            Some(control) if !control.warned => control.warned = true,
            _ => return Ok(()),
        }
        self.warn(what)
    }
}
