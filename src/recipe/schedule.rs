//! The learning rate as a pure function of the step.

use super::Stage;
use serde::{Deserialize, Serialize};

/// How the rate goes on after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Half a cosine to zero (`open_clip`).
    Cosine,
    /// A straight line to zero.
    Linear,
    /// No change.
    Constant,
}

/// The rate of update `step` (counted from 0): `lr * (step + 1) / warmup` while warming up, then the
/// schedule over the remaining steps, as in `open_clip`'s `scheduler.py`.
pub fn learning_rate(stage: &Stage, step: usize) -> f64 {
    if step < stage.warmup {
        return stage.lr * (step + 1) as f64 / stage.warmup as f64;
    }
    let span = stage.steps.saturating_sub(stage.warmup).max(1) as f64;
    let done = ((step - stage.warmup) as f64 / span).min(1.0);
    match stage.schedule {
        Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()) * stage.lr,
        Schedule::Linear => (1.0 - done) * stage.lr,
        Schedule::Constant => stage.lr,
    }
}

#[cfg(test)]
mod tests {
    use super::super::preset;
    use super::*;

    #[test]
    fn the_rate_warms_up_peaks_and_falls_to_zero() {
        let mut stage = preset("clip").unwrap().stages.remove(0);
        (stage.steps, stage.warmup, stage.lr, stage.schedule) = (100, 10, 1.0, Schedule::Cosine);
        assert!((learning_rate(&stage, 0) - 0.1).abs() < 1e-12);
        assert!((learning_rate(&stage, 9) - 1.0).abs() < 1e-12);
        assert!((learning_rate(&stage, 10) - 1.0).abs() < 1e-12);
        assert!((learning_rate(&stage, 55) - 0.5).abs() < 1e-12);
        assert!(learning_rate(&stage, 99) < 1e-3);
        stage.schedule = Schedule::Linear;
        assert!((learning_rate(&stage, 55) - 0.5).abs() < 1e-12);
        stage.schedule = Schedule::Constant;
        assert!((learning_rate(&stage, 99) - 1.0).abs() < 1e-12);
    }
}
