//! One CLIP step with a big batch: whole, with cached features, with recomputed activations. A case's
//! `peak_bytes` is its process's, so run one alone to learn what it takes.

use super::objectives::step_of;
use super::{BenchError, Prepared};
use crate::recipe::{Stage, apply_set, preset};
use candle_core::Device;

type CaseOf = (&'static str, fn(&Device) -> Result<Prepared, BenchError>);

pub(super) const CASES: &[CaseOf] = &[
    ("clip-b512-step", |device| step(&["batch=512"], device)),
    ("clip-b512-recomputed-step", |device| {
        step(&["batch=512", "activation_checkpointing=true"], device)
    }),
    ("clip-b512-micro64-step", |device| step(&["batch=512", "micro_batch=64"], device)),
    // The built-in set has fewer pictures to train on than that: it stands in the data twice.
    ("clip-b4096-micro128-step", |device| {
        step(&["batch=4096", "micro_batch=128", "data=emoji+emoji"], device)
    }),
];

fn step(sets: &[&str], device: &Device) -> Result<Prepared, BenchError> {
    let other = |error: &dyn std::fmt::Display| std::io::Error::other(error.to_string());
    let mut recipe = preset("clip").ok_or_else(|| other(&"no clip preset"))?;
    for set in sets {
        recipe = apply_set(&recipe, set).map_err(|error| other(&error))?;
    }
    let stage: Stage = recipe.stages.remove(0);
    step_of(&stage, device)
}
