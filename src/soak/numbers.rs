//! What a run's logs say in numbers: every loss, bit for bit, and every digest.

use crate::session::tail::{Budget, LogTail};
use crate::session::{Event, LogError};
use std::collections::BTreeMap;
use std::path::Path;

/// A place in a run: stage and step.
type At = (String, u64);

/// The numbers of a run.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// Bits of the loss of every step.
    pub losses: BTreeMap<At, u64>,
    /// Bits of the loss of every validation.
    validations: BTreeMap<At, Option<u64>>,
    /// Digest of every checkpoint that was saved.
    checkpoints: BTreeMap<At, String>,
    /// Digest of every stage's last parameters.
    pub digests: BTreeMap<String, String>,
    /// Digest of the whole run's last parameters.
    pub final_digest: Option<String>,
    /// Steps that were made, those made again included.
    pub steps: usize,
    /// Steps that came out otherwise when they were made again.
    unlike: Vec<String>,
}

impl Numbers {
    /// Reads one more log.
    pub fn read(&mut self, log: &Path) -> Result<(), LogError> {
        LogTail::open(log)?.poll(Budget::ALL, |record| self.take(record.event)).map(drop)
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::StepFinished(step) => {
                self.steps += 1;
                let at = (step.stage.to_string(), step.step);
                let loss = step.loss.get().to_bits();
                if self.losses.insert(at, loss).is_some_and(|before| before != loss) {
                    self.unlike.push(format!("step {} of {}", step.step, step.stage));
                }
            }
            Event::Validated(found) => {
                let loss = found.loss.map(|loss| loss.get().to_bits());
                self.validations.insert((found.stage.to_string(), found.step), loss);
            }
            Event::CheckpointSaved(saved) => {
                let at = (saved.stage.to_string(), saved.step);
                self.checkpoints.insert(at, saved.digest.to_string());
            }
            Event::StageFinished(end) => {
                self.digests.insert(end.stage.to_string(), end.digest.to_string());
            }
            Event::RunFinished(end) => {
                self.final_digest = end.final_digest.map(|digest| digest.to_string());
            }
            _ => {}
        }
    }

    /// How a disturbed run differs from this one, in words; nothing where it does not. `failed` is what
    /// a run that could not be brought to its end said last.
    pub fn differences(&self, other: &Self, failed: Option<String>) -> Vec<String> {
        let mut found: Vec<String> =
            failed.into_iter().map(|said| format!("did not end: {said}")).collect();
        found.extend(other.unlike.iter().map(|step| format!("{step} came out otherwise again")));
        for ((stage, step), loss) in &self.losses {
            match other.losses.get(&(stage.clone(), *step)) {
                Some(same) if same == loss => {}
                Some(_) => found.push(format!("loss of step {step} of {stage} differs")),
                None => found.push(format!("loss of step {step} of {stage} is missing")),
            }
        }
        for ((stage, step), loss) in &other.validations {
            if self.validations.get(&(stage.clone(), *step)).is_some_and(|same| same != loss) {
                found.push(format!("validation at step {step} of {stage} differs"));
            }
        }
        for ((stage, step), digest) in &other.checkpoints {
            if self.checkpoints.get(&(stage.clone(), *step)).is_some_and(|same| same != digest) {
                found.push(format!("checkpoint at step {step} of {stage} differs"));
            }
        }
        for (stage, digest) in &self.digests {
            if other.digests.get(stage).is_some_and(|same| same != digest) {
                found.push(format!("parameters of {stage} differ"));
            }
        }
        if self.final_digest != other.final_digest {
            found.push("the last parameters differ".to_owned());
        }
        found
    }
}
