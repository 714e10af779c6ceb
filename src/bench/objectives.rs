//! One training step of every objective, on the built-in data, through the same code as a run.

use super::{BenchError, Prepared};
use crate::recipe::{Stage, preset};
use crate::runner::bench_trainer;
use crate::train::{StepOutcome, TrainError};
use candle_core::Device;

type CaseOf = (&'static str, fn(&Device) -> Result<Prepared, BenchError>);

pub(super) const CASES: &[CaseOf] = &[
    ("causal-lm-step", |device| step("causal-lm", "causal-lm", device)),
    ("mntp-step", |device| step("mntp", "mntp", device)),
    ("simcse-step", |device| step("simcse", "simcse", device)),
    ("caption-contrastive-step", |device| {
        step("caption-contrastive", "caption-contrastive", device)
    }),
    ("clip-step", |device| step("clip", "clip", device)),
    ("clip-sigmoid-step", |device| step("clip-sigmoid", "clip-sigmoid", device)),
    ("llm2clip-step", |device| step("llm2clip", "llm2clip", device)),
    ("clip-continued-step", |device| step("clip-continued", "clip-continued", device)),
];

fn step(recipe: &str, stage: &str, device: &Device) -> Result<Prepared, BenchError> {
    let found = preset(recipe)
        .and_then(|recipe| recipe.stages.into_iter().find(|known| known.name.as_str() == stage));
    let stage: Stage = found.ok_or_else(|| {
        std::io::Error::other(format!("the preset {recipe} has no stage {stage}"))
    })?;
    step_of(&stage, device)
}

/// A step of this stage.
pub(super) fn step_of(stage: &Stage, device: &Device) -> Result<Prepared, BenchError> {
    let mut trainer = bench_trainer(stage, device)?;
    let work = move || match trainer.step(false)? {
        StepOutcome::Finished(_) => Ok(()),
        StepOutcome::Bad(bad) => Err(BenchError::Train(TrainError::Unfit {
            stage: "bench".to_owned(),
            what: format!("{} was not finite", bad.what),
        })),
    };
    Ok(Prepared { work: Box::new(work), flops: None })
}
