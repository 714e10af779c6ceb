//! A log in sentences: what the console and the Log screen show of its records.

use crate::session::Time;
use crate::session::event::{Ending, Event};
use crate::session::record::Record;
use crate::tui::format;
use std::collections::VecDeque;

/// Sentences kept of one run.
const KEPT: usize = 2000;

/// How much a sentence matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Step,
    /// What happens now and then.
    Notice,
    /// What the user should know.
    Warning,
    /// What ended something.
    Error,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::Step, Self::Notice, Self::Warning, Self::Error];
        all.into_iter().find(|level| level.word() == word)
    }
}

/// A record in a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// When.
    pub time: Time,
    /// The record's number.
    pub seq: u64,
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub text: String,
}

/// The newest sentences of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// Steps and all else, oldest first.
    pub sentences: VecDeque<Sentence>,
}

impl Story {
    /// Takes one more record in. Steps make room for everything else first.
    pub fn apply(&mut self, record: &Record) {
        let Some((level, text)) = sentence(&record.event) else { return };
        if self.sentences.len() >= KEPT {
            let step = self.sentences.iter().position(|old| old.level == Level::Step);
            self.sentences.remove(step.unwrap_or(0));
        }
        self.sentences.push_back(Sentence { time: record.time, seq: record.seq, level, text });
    }
}

/// A record in words; nothing for those that say nothing new.
#[must_use]
pub fn sentence(event: &Event) -> Option<(Level, String)> {
    use Level::{Error, Notice, Step, Warning};
    Some(match event {
        Event::RunStarted(e) => {
            let stages: Vec<&str> = e.stages.iter().map(|stage| stage.stage.as_str()).collect();
            let from = e.resumed_from.as_ref().map_or_else(String::new, |from| {
                format!(" from step {} of {}", format::count(from.step), from.stage)
            });
            let verb = if e.segment == 1 { "began" } else { "went on" };
            (
                Notice,
                format!(
                    "{} {verb}{from} on {} ({} threads): {}",
                    e.run,
                    e.device,
                    e.threads,
                    stages.join(", ")
                ),
            )
        }
        Event::Queued(e) => match &e.after {
            Some(after) => (Notice, format!("waits for {after}")),
            None => (Notice, "waits for the machine".to_owned()),
        },
        Event::StageStarted(e) => (
            Notice,
            format!(
                "stage {} ({} of {}) began: {} steps, {} trainable, {} frozen",
                e.stage,
                e.index + 1,
                e.stages,
                format::count(e.steps),
                format::count(e.trainable_parameters),
                format::count(e.frozen_parameters)
            ),
        ),
        Event::StepFinished(e) => (
            Step,
            format!(
                "{} step {} loss {} lr {} {}",
                e.stage,
                format::count(e.step),
                format::number(e.loss.get()),
                format::number(e.learning_rate.get()),
                format::duration(e.milliseconds.total() / 1000.0)
            ),
        ),
        Event::StepSkipped(e) => (
            Warning,
            format!(
                "{} step {} skipped: {} is not finite; learning rate times {}",
                e.stage,
                format::count(e.step),
                e.what,
                e.learning_rate_factor
            ),
        ),
        Event::Validated(e) => {
            let mut parts: Vec<String> = Vec::new();
            parts.extend(e.loss.map(|loss| format!("loss {}", format::number(loss.get()))));
            parts.extend(
                e.metrics
                    .iter()
                    .map(|(name, value)| format!("{name} {}", format::number(value.get()))),
            );
            let best = if e.best == Some(true) { ", the best so far" } else { "" };
            (
                Notice,
                format!(
                    "{} validated at step {}: {}{best}",
                    e.stage,
                    format::count(e.step),
                    parts.join(", ")
                ),
            )
        }
        Event::CheckpointSaved(e) => (
            Notice,
            format!(
                "{} checkpoint at step {} saved, {}",
                e.stage,
                format::count(e.step),
                format::bytes(e.bytes)
            ),
        ),
        Event::CheckpointRemoved(e) => {
            (Notice, format!("{} checkpoint at step {} removed", e.stage, format::count(e.step)))
        }
        Event::Diverged(e) => (
            Error,
            format!(
                "{} diverged at step {}: {} is not finite",
                e.stage,
                format::count(e.step),
                e.what
            ),
        ),
        Event::StageFinished(e) => {
            let loss = e
                .loss
                .map_or_else(String::new, |loss| format!(", loss {}", format::number(loss.get())));
            (
                Notice,
                format!(
                    "stage {} finished in {}{loss}",
                    e.stage,
                    format::duration(e.seconds.get())
                ),
            )
        }
        Event::Progressed(e) => {
            (Step, format!("{}: {} of {}", e.what, format::count(e.done), format::count(e.total)))
        }
        Event::TableMade(e) => {
            let verb = if e.reused { "found" } else { "made" };
            (
                Notice,
                format!(
                    "embedding table {} {verb}: {} rows of {}",
                    e.digest.short(),
                    format::count(e.rows),
                    e.dim
                ),
            )
        }
        Event::Compared(e) => {
            (Notice, format!("compared encoders on {} retrieval: {}", e.task, e.id))
        }
        Event::Inspected(e) => (Notice, format!("inspected: {}", e.id)),
        Event::Exported(e) => (Notice, format!("exported to {}", e.dir)),
        Event::Paused(_) => (Notice, "paused".to_owned()),
        Event::Continued(_) => (Notice, "continued".to_owned()),
        Event::CommandApplied(e) => (Notice, format!("{} done as asked", e.command)),
        Event::CommandRefused(e) => (Warning, format!("{} refused: {}", e.command, e.why)),
        Event::Warned(e) => (Warning, e.what.clone()),
        Event::Heartbeat(_) => return None,
        Event::RunFinished(e) => {
            let word = match e.state {
                Ending::Done => "done",
                Ending::Stopped => "stopped",
                Ending::Failed => "failed",
            };
            let why = e.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            let level = if e.state == Ending::Failed { Error } else { Notice };
            (level, format!("{word} after {}{why}", format::duration(e.seconds.get())))
        }
        Event::Unknown(e) => (Notice, format!("{} (not known to this version)", e.kind)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::{Heartbeat, Warned};

    #[test]
    fn a_long_story_forgets_steps_before_it_forgets_warnings() {
        let time = Time::from_millis(0).unwrap();
        let mut story = Story::default();
        story.apply(&Record::new(1, time, Warned { what: "first".into() }));
        for seq in 2..5000 {
            let event = crate::session::event::Progressed { what: "x".into(), done: seq, total: 9 };
            story.apply(&Record::new(seq, time, event));
        }
        story.apply(&Record::new(5000, time, Heartbeat {}));
        assert_eq!(story.sentences.len(), KEPT);
        assert_eq!(story.sentences[0].text, "first");
    }
}
