//! What asks to be seen: spikes, numbers that are none, silence, warnings. A fold of the same
//! records as everything else.

use super::story::Level;
use crate::ids::StageName;
use crate::session::Time;
use crate::session::event::{Ending, Event};
use crate::session::record::Record;
use crate::tui::format;
use std::collections::VecDeque;

/// Alerts kept; all are counted.
const KEPT: usize = 200;
/// Values a spike is held against.
const WINDOW: usize = 64;
/// How many typical deviations above the middle make a spike.
const FAR: f64 = 8.0;
/// A loss, and a gradient norm, below so many times the largest before is no spike.
const LOSS_TIMES: f64 = 1.2;
const GRADIENT_TIMES: f64 = 2.0;
/// Steps after a spike in which no other one is told.
const QUIET: u64 = 10;

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// A value far above those before it.
    Spike,
    /// A loss or gradient that is not finite.
    NotFinite,
    /// Much longer between two records than a step takes.
    Stall,
    /// The run warns of something.
    Warning,
    /// The run failed.
    Failure,
}

impl AlertKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spike => "SPIKE",
            Self::NotFinite => "NaN",
            Self::Stall => "STALL",
            Self::Warning => "WARN",
            Self::Failure => "FAILED",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Spike | Self::Stall | Self::Warning => Level::Warning,
            Self::NotFinite | Self::Failure => Level::Error,
        }
    }
}

/// Something that asks to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// When.
    pub time: Time,
    /// What kind.
    pub kind: AlertKind,
    /// The stage and step it belongs to; a warning before any step has none.
    pub place: Option<(StageName, u64)>,
    /// In words.
    pub text: String,
}

/// Recent values of one measure.
#[derive(Clone, Debug, Default, PartialEq)]
struct Recent {
    values: VecDeque<f64>,
    quiet_until: u64,
}

impl Recent {
    /// How many times the middle a value is, where it is far above what came before, and at least
    /// `least` times the largest of it: a loss that jumps all the time tells nothing by jumping.
    fn spike(&mut self, step: u64, value: f64, least: f64) -> Option<f64> {
        let mut found = None;
        if self.values.len() >= WINDOW / 2 {
            let mut sorted: Vec<f64> = self.values.iter().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let middle = sorted[sorted.len() / 2];
            let mut away: Vec<f64> = sorted.iter().map(|value| (value - middle).abs()).collect();
            away.sort_by(f64::total_cmp);
            let typical = away[away.len() / 2].max(middle.abs() * 0.02);
            let largest = sorted[sorted.len() - 1];
            let far = (middle + FAR * typical).max(least * largest);
            if value > far && step >= self.quiet_until {
                self.quiet_until = step + QUIET;
                found = Some(value / middle);
            }
        }
        if self.values.len() == WINDOW {
            self.values.pop_front();
        }
        self.values.push_back(value);
        found
    }
}

/// The fold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    /// The newest, oldest first.
    pub kept: VecDeque<Alert>,
    /// How many there were.
    pub count: u64,
    /// Steps that were not applied, by stage: where curves have a gap.
    pub gaps: Vec<(StageName, u64)>,
    place: Option<(StageName, u64)>,
    loss: Recent,
    gradient: Recent,
    last_step: Option<Time>,
    usual: VecDeque<f64>,
}

impl Alerts {
    /// Takes one more record in.
    pub fn apply(&mut self, record: &Record) {
        let time = record.time;
        match &record.event {
            Event::StageStarted(event) => {
                self.place = Some((event.stage.clone(), event.from_step));
                (self.loss, self.gradient) = (Recent::default(), Recent::default());
                self.usual.clear();
                self.last_step = None;
            }
            Event::StepFinished(event) => {
                self.place = Some((event.stage.clone(), event.step));
                self.stalled(time);
                if let Some(times) = self.loss.spike(event.step, event.loss.get(), LOSS_TIMES) {
                    let value = format::number(event.loss.get());
                    self.add(
                        time,
                        AlertKind::Spike,
                        format!("loss {value}, {times:.1} times the middle of {WINDOW} steps"),
                    );
                }
                if let Some(norm) = event.gradient_norm.get("all").map(|norm| norm.get())
                    && let Some(times) = self.gradient.spike(event.step, norm, GRADIENT_TIMES)
                {
                    let value = format::number(norm);
                    self.add(
                        time,
                        AlertKind::Spike,
                        format!(
                            "gradient norm {value}, {times:.1} times the middle of {WINDOW} steps"
                        ),
                    );
                }
            }
            Event::StepSkipped(event) => {
                self.place = Some((event.stage.clone(), event.step));
                self.gaps.push((event.stage.clone(), event.step));
                self.add(
                    time,
                    AlertKind::NotFinite,
                    format!("{} is not finite; step skipped", event.what),
                );
                self.last_step = None;
            }
            Event::Diverged(event) => {
                self.place = Some((event.stage.clone(), event.step));
                self.gaps.push((event.stage.clone(), event.step));
                self.add(time, AlertKind::NotFinite, format!("{} is not finite", event.what));
            }
            Event::Warned(event) => self.add(time, AlertKind::Warning, event.what.clone()),
            Event::RunFinished(event) => {
                if event.state == Ending::Failed {
                    let why = event.reason.clone().unwrap_or_else(|| "the run failed".to_owned());
                    self.add(time, AlertKind::Failure, why);
                }
            }
            Event::Heartbeat(_) => {}
            _ => self.last_step = None,
        }
    }

    fn stalled(&mut self, time: Time) {
        if let Some(last) = self.last_step {
            let took = time.seconds_since(last);
            let mut sorted: Vec<f64> = self.usual.iter().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let usual = sorted.get(sorted.len() / 2).copied();
            if let Some(usual) = usual.filter(|_| sorted.len() >= 8)
                && took > 5.0
                && took > 10.0 * usual
            {
                let (took, usual) = (format::duration(took), format::duration(usual));
                self.add(time, AlertKind::Stall, format!("{took} for a step that takes {usual}"));
            }
            if self.usual.len() == WINDOW {
                self.usual.pop_front();
            }
            self.usual.push_back(took);
        }
        self.last_step = Some(time);
    }

    fn add(&mut self, time: Time, kind: AlertKind, text: String) {
        self.count += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Alert { time, kind, place: self.place.clone(), text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_is_told_once_and_a_slow_fall_never() {
        let mut recent = Recent::default();
        let mut spikes = Vec::new();
        for step in 1..=400_u64 {
            let noise = ((step * 7919) % 100) as f64 / 500.0;
            let value =
                if (300..303).contains(&step) { 9.0 } else { 4.0 - step as f64 / 200.0 + noise };
            if recent.spike(step, value, LOSS_TIMES).is_some() {
                spikes.push(step);
            }
        }
        assert_eq!(spikes, [300]);
    }
}
