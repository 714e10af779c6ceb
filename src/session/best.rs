//! A stage's best validation, by what its recipe watches, and which checkpoint is kept.

use super::fold::{Best, StageState};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Which of two values is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
}

/// The best validation of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestRow {
    /// What the recipe's `keep_best` watches, such as `recall@1`; `loss` where it names nothing.
    pub what: String,
    /// How good it was.
    pub value: f64,
    /// Which values are better.
    pub better: Better,
    /// Updates made before it.
    pub step: u64,
    /// The step of the checkpoint to go by: that very one where it is on disk, else the newest; null where
    /// none is.
    pub kept: Option<u64>,
}

impl BestRow {
    /// A stage's; nothing where what is watched was not measured yet.
    #[must_use]
    pub fn of(stage: &StageState) -> Option<Self> {
        let watched = stage.watched;
        let measured = |best: &&Best| best.value(watched).is_some();
        let best = stage.bests.iter().rev().find(measured)?;
        let kept: Vec<u64> = stage
            .checkpoints
            .iter()
            .filter(|checkpoint| !checkpoint.superseded)
            .map(|checkpoint| checkpoint.step)
            .collect();
        let newest = kept.iter().max().copied();
        Some(Self {
            what: watched.name().to_owned(),
            value: best.value(watched)?,
            better: if watched.better(0.0, 1.0) { Better::Lower } else { Better::Higher },
            step: best.step,
            kept: kept.into_iter().find(|step| *step == best.step).or(newest),
        })
    }

    /// The better one first; of different measures by name.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let by_value = self.value.total_cmp(&other.value);
        self.what.cmp(&other.what).then(match self.better {
            Better::Lower => by_value,
            Better::Higher => by_value.reverse(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::super::fold::RunState;
    use super::super::{Record, Time};
    use super::*;
    use serde_json::{Value, json};

    /// The state of a run whose stage keeps its best by that, after these records.
    fn state(keep_best: &str, records: &[(&str, Value)]) -> RunState {
        let mut state = RunState::default();
        let started = json!({
            "run": "clip-1", "segment": 1, "program_version": "0", "host": "here", "pid": 1,
            "recipe": {"name": "clip", "stages": [{"name": "clip", "keep_best": keep_best}]},
            "stages": [{"stage": "clip", "objective": "clip", "steps": 50}],
            "device": "cpu", "threads": 1, "seed": 0,
        });
        apply(&mut state, "run_started", started);
        for (kind, event) in records {
            apply(&mut state, kind, event.clone());
        }
        state
    }

    fn apply(state: &mut RunState, kind: &str, mut event: Value) {
        event["stage"] = "clip".into();
        let seq = state.last_seq + 1;
        let time = Time::from_millis(0).unwrap();
        let event = match kind {
            "run_started" => Event::RunStarted(serde_json::from_value(event).unwrap()),
            "validated" => Event::Validated(serde_json::from_value(event).unwrap()),
            "checkpoint_saved" => Event::CheckpointSaved(serde_json::from_value(event).unwrap()),
            other => panic!("{other}"),
        };
        state.apply(Record::new(seq, time, event));
    }

    fn validated(
        step: u64,
        loss: f64,
        recall: Option<f64>,
        best: Option<bool>,
    ) -> (&'static str, Value) {
        let mut event = json!({"step": step, "loss": loss, "metrics": {}, "seconds": 1.0});
        if let Some(recall) = recall {
            event["metrics"]["recall@1"] = recall.into();
        }
        if let Some(best) = best {
            event["best"] = best.into();
        }
        ("validated", event)
    }

    fn saved(step: u64) -> (&'static str, Value) {
        let digest = "0".repeat(64);
        let event = json!({"step": step, "path": format!("clip/{step}"), "digest": digest, "bytes": 1,
            "seconds": 1.0});
        ("checkpoint_saved", event)
    }

    fn best(keep_best: &str, records: &[(&str, Value)]) -> Option<BestRow> {
        BestRow::of(&state(keep_best, records).stages[0])
    }

    #[test]
    fn the_best_is_that_of_what_is_watched_and_says_which_checkpoint_is_kept() {
        // The recall was better at step 10, the loss at step 20.
        let (first, second) = (Some(0.5), Some(0.4));
        let by_recall = [
            validated(10, 2.0, first, Some(true)),
            saved(10),
            validated(20, 1.0, second, Some(false)),
            saved(20),
        ];
        let row = best("recall@1", &by_recall).unwrap();
        assert_eq!((row.what.as_str(), row.value, row.better), ("recall@1", 0.5, Better::Higher));
        assert_eq!((row.step, row.kept), (10, Some(10)));
        let by_loss = [
            validated(10, 2.0, first, Some(true)),
            validated(20, 1.0, second, Some(true)),
            validated(50, 1.5, first, Some(false)),
            saved(50),
        ];
        let row = best("none", &by_loss).unwrap();
        assert_eq!((row.what.as_str(), row.value, row.better), ("loss", 1.0, Better::Lower));
        assert_eq!((row.step, row.kept), (20, Some(50)));
        assert_eq!(best("loss", &by_loss[..1]).unwrap().kept, None);
    }

    #[test]
    fn a_validation_that_did_not_measure_what_is_watched_is_never_the_best() {
        let records = [validated(10, 2.0, Some(0.5), Some(true)), validated(20, 1.0, None, None)];
        assert_eq!(best("recall@1", &records).unwrap().step, 10);
        assert_eq!(best("recall@1", &records[1..]), None);
        // A fork's best so far was its parent's: of its own the best is told.
        let fork = [
            validated(30, 2.0, Some(0.2), Some(false)),
            validated(40, 2.0, Some(0.3), Some(false)),
            validated(50, 2.0, Some(0.1), Some(false)),
        ];
        assert_eq!(best("recall@1", &fork).unwrap().step, 40);
    }

    #[test]
    fn the_better_one_comes_first() {
        let row = |what: &str, value: f64, better: Better| BestRow {
            what: what.to_owned(),
            value,
            better,
            step: 1,
            kept: None,
        };
        let (low, high) = (row("loss", 1.0, Better::Lower), row("loss", 2.0, Better::Lower));
        assert_eq!(low.order(&high), Ordering::Less);
        let few = row("recall@1", 0.1, Better::Higher);
        assert_eq!(few.order(&row("recall@1", 0.9, Better::Higher)), Ordering::Greater);
        assert_eq!(few.order(&low), Ordering::Greater);
        let document = serde_json::to_value(&low).unwrap();
        assert_eq!((&document["better"], &document["kept"]), (&json!("lower"), &Value::Null));
    }
}
