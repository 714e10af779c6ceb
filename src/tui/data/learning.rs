//! Whether a stage learns: a contrastive loss that stays at guessing, and a validation that rises away
//! from its best. A fold like the other alerts.

use crate::ids::StageName;
use crate::session::event::{RunStarted, StageStarted};
use crate::tui::format;
use serde_json::Value;

/// A loss within this share of guessing is guessing. A collapsed model's stays within a ten-thousandth.
const NEAR: f64 = 0.02;
/// So many such steps in a row after the warm-up, in which every model guesses, are told. Those that
/// learned, at batch 128, had one at most: early steps of a higher loss cross that of guessing quickly.
const GUESSED: u64 = 30;
/// A validation is above the best by this share of it, and by so many nats where losses are small: what
/// differs less does so by chance from one validation to the next.
const ABOVE: f64 = 0.1;
const ABOVE_NATS: f64 = 0.05;
/// So many such validations in a row are told. Two or three come and go, above all while a rate is high.
const RISEN: u64 = 4;

/// Among how many a contrastive stage tells the right answer, by its recorded recipe; nothing for other
/// objectives. The sigmoid loss asks of every pair alone.
#[must_use]
pub fn candidates(objective: &str, recipe: &Value) -> Option<u64> {
    let count = |key: &str| recipe.get(key).and_then(Value::as_u64);
    let extra = match objective {
        "clip" | "simcse" | "llm2clip" => 0,
        "caption-contrastive" => count("hard_negatives").unwrap_or(0),
        _ => return None,
    };
    Some(count("batch")?.saturating_mul(extra.saturating_add(1))).filter(|count| *count > 1)
}

/// Of a stage, what its recipe says.
#[derive(Clone, Debug, PartialEq)]
struct Plan {
    stage: String,
    candidates: Option<u64>,
    warmup: u64,
}

/// The fold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learning {
    plans: Vec<Plan>,
    /// The plan of the stage under way.
    now: Option<Plan>,
    /// Steps in a row that guess.
    guessed: u64,
    /// The validation losses that were the best at their step, the last of them still.
    bests: Vec<(u64, f64)>,
    /// Validations in a row that are above it.
    risen: u64,
}

impl Learning {
    /// A run begins, or goes on.
    pub fn started(&mut self, event: &RunStarted) {
        let stages = event.recipe.get("stages").and_then(Value::as_array);
        let plan = |recipe: &Value| {
            let text = |key: &str| recipe.get(key).and_then(Value::as_str);
            Some(Plan {
                stage: text("name")?.to_owned(),
                candidates: candidates(text("objective")?, recipe),
                warmup: recipe.get("warmup").and_then(Value::as_u64).unwrap_or(0),
            })
        };
        self.plans = stages.into_iter().flatten().filter_map(plan).collect();
    }

    /// A stage begins, or goes on.
    pub fn stage(&mut self, event: &StageStarted) {
        let plan = self.plans.iter().find(|plan| plan.stage == event.stage.as_str()).cloned();
        let same = plan.is_some() && plan == self.now;
        // What lies beyond the step it goes on from no longer counts.
        self.bests.retain(|(step, _)| same && *step <= event.from_step);
        (self.now, self.guessed, self.risen) = (plan, 0, 0);
    }

    /// A step: in words, once, that the loss has been that of guessing for long.
    pub fn step(&mut self, step: u64, loss: f64) -> Option<String> {
        let plan = self.now.as_ref()?;
        let count = plan.candidates?;
        let guessing = (count as f64).ln();
        let guesses = step > plan.warmup && (loss - guessing).abs() <= NEAR * guessing;
        self.guessed = if guesses { self.guessed + 1 } else { 0 };
        (self.guessed == GUESSED).then(|| {
            format!(
                "loss {} is that of guessing for {GUESSED} steps: ln {} = {}",
                format::number(loss),
                format::count(count),
                format::number(guessing)
            )
        })
    }

    /// A validation: in words, once, that several are clearly above the best.
    pub fn validated(&mut self, stage: &StageName, step: u64, loss: f64) -> Option<String> {
        if self.now.as_ref().is_some_and(|plan| plan.stage != stage.as_str()) {
            return None;
        }
        let Some((at, best)) = self.bests.last().copied().filter(|(_, best)| loss > *best) else {
            self.bests.push((step, loss));
            self.risen = 0;
            return None;
        };
        let above = loss > best + (ABOVE * best).max(ABOVE_NATS);
        self.risen = if above { self.risen + 1 } else { 0 };
        (self.risen == RISEN).then(|| {
            format!(
                "validation {}, {RISEN} in a row clearly above its best: {} @{}",
                format::number(loss),
                format::number(best),
                format::count(at)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stage(learning: &mut Learning, name: &str, from: u64) {
        let begun = json!({
            "stage": name, "index": 0, "stages": 1, "objective": "clip", "steps": 300,
            "from_step": from, "trainable_parameters": 1, "frozen_parameters": 0,
        });
        learning.stage(&serde_json::from_value(begun).unwrap());
    }

    /// A run of a contrastive stage of batch 128 and one of tokens.
    fn begun() -> Learning {
        let mut learning = Learning::default();
        let started = json!({
            "run": "clip-1", "segment": 1, "program_version": "0", "host": "here", "pid": 1,
            "recipe": {"stages": [
                {"name": "clip", "objective": "clip", "batch": 128, "warmup": 20},
                {"name": "mntp", "objective": "mntp", "batch": 128, "warmup": 0},
            ]},
            "stages": [], "device": "cpu", "threads": 1, "seed": 0,
        });
        learning.started(&serde_json::from_value(started).unwrap());
        stage(&mut learning, "clip", 0);
        learning
    }

    fn told(learning: &mut Learning, losses: impl Iterator<Item = (u64, f64)>) -> Vec<u64> {
        losses.filter_map(|(step, loss)| learning.step(step, loss).map(|_| step)).collect()
    }

    #[test]
    fn a_loss_that_stays_at_guessing_after_the_warm_up_is_told_once() {
        let dead = |from: u64, to: u64| (from..=to).map(|step| (step, 4.851_f64));
        let mut learning = begun();
        assert_eq!(told(&mut learning, dead(1, 300)), [50]);
        let mut again = begun();
        told(&mut again, dead(1, 49));
        let words = again.step(50, 4.8514).unwrap();
        assert_eq!(words, "loss 4.851 is that of guessing for 30 steps: ln 128 = 4.852");
        // One that gets away and comes back is told again.
        assert_eq!(told(&mut learning, [(301, 4.2)].into_iter().chain(dead(302, 400))), [331]);
        stage(&mut learning, "mntp", 0);
        assert_eq!(told(&mut learning, dead(1, 300)), [] as [u64; 0]);
    }

    #[test]
    fn a_loss_that_falls_through_that_of_guessing_is_not_told() {
        let mut learning = begun();
        let falls = (1..=300_u64).map(|step| (step, 5.0 - (step as f64 / 60.0)));
        assert_eq!(told(&mut learning, falls), [] as [u64; 0]);
    }

    #[test]
    fn hard_negatives_are_guessed_among_too() {
        let recipe = json!({"batch": 64, "hard_negatives": 1});
        assert_eq!(candidates("caption-contrastive", &recipe), Some(128));
        assert_eq!(candidates("simcse", &recipe), Some(64));
        assert_eq!(candidates("clip-sigmoid", &recipe), None);
        assert_eq!(candidates("clip", &json!({})), None);
    }

    #[test]
    fn a_validation_that_rises_away_from_its_best_is_told_once() {
        let clip: StageName = "clip".parse().unwrap();
        let of = |learning: &mut Learning, losses: &[f64]| -> Vec<Option<String>> {
            let all = losses.iter().enumerate();
            all.map(|(at, loss)| learning.validated(&clip, 50 * (at as u64 + 1), *loss)).collect()
        };
        let losses = [4.642, 5.207, 5.548, 5.966, 5.892, 6.2];
        let said = of(&mut begun(), &losses);
        assert_eq!(said.iter().flatten().count(), 1);
        let words = "validation 5.892, 4 in a row clearly above its best: 4.642 @50";
        assert_eq!(said[4].as_deref(), Some(words));
        for healthy in [
            &[5.276, 5.712, 5.761, 5.77, 5.78, 5.79][..],
            &[4.4, 5.2, 5.3, 5.4, 4.6, 5.4, 5.3],
            &[0.030, 0.040, 0.045, 0.050, 0.060, 0.070],
            &[4.6, 4.5, 4.4, 4.3, 4.2, 4.1],
        ] {
            assert!(of(&mut begun(), healthy).iter().all(Option::is_none), "{healthy:?}");
        }
    }

    #[test]
    fn a_resumed_stage_keeps_the_best_that_still_counts() {
        let clip: StageName = "clip".parse().unwrap();
        let mut learning = begun();
        learning.validated(&clip, 50, 4.6);
        learning.validated(&clip, 100, 4.0);
        stage(&mut learning, "clip", 60);
        assert_eq!(learning.bests, [(50, 4.6)]);
        stage(&mut learning, "mntp", 0);
        assert_eq!(learning.bests, []);
    }
}
