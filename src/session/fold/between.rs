//! What a stage does between its steps: how often it was measured and saved, and how long that took.

use crate::session::event::Validated;
use serde::{Deserialize, Serialize};

/// A measure that every retrieval gives, and nothing else does.
const RETRIEVED: &str = "mrr";

/// How often something was done, and the seconds of all times together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Times.
    pub times: u64,
    /// Seconds.
    pub seconds: f64,
}

impl Spent {
    pub(super) fn add(&mut self, seconds: f64) {
        self.times += 1;
        self.seconds += seconds;
    }

    /// Seconds a time; nothing where it was never done.
    #[must_use]
    pub fn mean(self) -> Option<f64> {
        (self.times > 0).then(|| self.seconds / self.times as f64)
    }
}

/// What came between the steps of a stage, in all segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// Validations of the loss alone.
    pub loss: Spent,
    /// Validations of what is retrieved alone.
    pub retrieval: Spent,
    /// Validations of both.
    pub both: Spent,
    /// Checkpoints.
    pub saved: Spent,
    /// Validations that measured what the recipe watches.
    pub watched: u64,
    /// Those of them that were the best when they were made.
    pub better: u64,
}

impl Between {
    pub(super) fn validated(&mut self, event: &Validated) {
        let kind = match (event.loss.is_some(), event.metrics.contains_key(RETRIEVED)) {
            (true, true) => &mut self.both,
            (false, true) => &mut self.retrieval,
            (_, false) => &mut self.loss,
        };
        kind.add(event.seconds.get());
        self.watched += u64::from(event.best.is_some());
        self.better += u64::from(event.best == Some(true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn validations_are_kept_apart_by_what_they_measured() {
        let mut between = Between::default();
        for event in [
            json!({"stage": "clip", "step": 5, "loss": 1.0, "metrics": {}, "seconds": 2.0}),
            json!({"stage": "clip", "step": 9, "loss": 1.0, "metrics": {}, "seconds": 4.0, "best": true}),
            json!({"stage": "clip", "step": 9, "metrics": {"mrr": 0.5}, "seconds": 1.0, "best": false}),
            json!({"stage": "clip", "step": 9, "loss": 1.0, "metrics": {"mrr": 0.5}, "seconds": 6.0}),
        ] {
            between.validated(&serde_json::from_value(event).unwrap());
        }
        assert_eq!((between.loss.mean(), between.retrieval.mean()), (Some(3.0), Some(1.0)));
        assert_eq!((between.both.mean(), between.saved.mean()), (Some(6.0), None));
        assert_eq!((between.watched, between.better), (2, 1));
    }
}
