//! How long a step takes, and how long the rest will: robust against the odd slow step.

use crate::session::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Step times remembered.
const WINDOW: usize = 63;

/// Recent step times of a stage in one segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepClock {
    /// Milliseconds a step, the last [`WINDOW`] of them.
    recent: VecDeque<f64>,
    /// The last step with its moment; forgotten when something else took time after it.
    last: Option<(u64, Time)>,
    /// Seconds spent on validation and checkpoints.
    beside: f64,
    /// Steps seen.
    steps: u64,
}

impl StepClock {
    /// A step ended. `computed` is the time it says it took, in milliseconds: used where no other
    /// step came directly before it.
    pub fn step(&mut self, step: u64, time: Time, computed: f64) {
        let between = self.last.and_then(|(before, then)| {
            let steps = step.checked_sub(before).filter(|steps| *steps > 0)?;
            let millis = time.seconds_since(then) * 1000.0;
            (millis >= 0.0).then_some(millis / steps as f64)
        });
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(between.unwrap_or(computed));
        self.last = Some((step, time));
        self.steps += 1;
    }

    /// Of how many steps it is known how long they took.
    #[must_use]
    pub fn measured(&self) -> usize {
        self.recent.len()
    }

    /// Something that is no step took place; `seconds` of it come again as the stage goes on.
    pub fn interrupted(&mut self, seconds: f64) {
        self.last = None;
        self.beside += seconds;
    }

    /// Milliseconds a step to expect, and its share of what came between steps. Nothing before the
    /// first step.
    #[must_use]
    pub fn milliseconds(&self) -> Option<f64> {
        Some(self.training()? + self.beside * 1000.0 / self.steps as f64)
    }

    /// Milliseconds a step by itself: the mean of the middle half of the recent steps (finer than a
    /// median where clocks tick in whole milliseconds). Nothing before the first step.
    #[must_use]
    pub fn training(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.recent.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let cut = sorted.len() / 4;
        let middle = &sorted[cut..sorted.len() - cut];
        if middle.is_empty() {
            return None;
        }
        Some(middle.iter().sum::<f64>() / middle.len() as f64)
    }
}

/// When the run will end, if it goes on like this.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eta {
    /// Seconds from the last record on.
    pub seconds: f64,
    /// Whether a stage not yet measured took its step time from another one.
    pub guessed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_step_does_not_move_the_expectation() {
        let mut clock = StepClock::default();
        assert_eq!(clock.milliseconds(), None);
        let mut now = 0;
        for step in 1..=40 {
            now += if step == 30 { 60_000 } else { 10 };
            clock.step(step, Time::from_millis(now).unwrap(), 9.0);
        }
        assert_eq!(clock.milliseconds(), Some(10.0));
        clock.interrupted(0.4);
        assert_eq!((clock.milliseconds(), clock.training()), (Some(20.0), Some(10.0)));
        clock.step(41, Time::from_millis(now + 5_000_000).unwrap(), 10.0);
        assert!(clock.milliseconds().unwrap() < 20.0);
    }
}
