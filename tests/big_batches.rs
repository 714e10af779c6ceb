//! Batches larger than memory: cached features give the whole batch's gradients, and recomputed
//! activations the very same bits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod training;

use candle_core::{Device, Tensor};
use llm2clip::nn::ops::with_composed;
use llm2clip::recipe::{Stage, apply_set};
use llm2clip::runner::bench_trainer;
use llm2clip::train::{StepOutcome, Trainer};
use std::collections::BTreeMap;
use training::small;

type Gradients = BTreeMap<String, Vec<f32>>;

/// Every contrastive objective, with dropout wherever it has any.
const CONTRASTIVE: [(&str, &str); 8] = [
    ("simcse", "lora_dropout=0.3"),
    ("caption-contrastive", "lora_dropout=0.3"),
    ("caption-contrastive", "hard_negatives=1"),
    ("caption-contrastive", "symmetric=true"),
    ("clip", "lr=1e-3"),
    ("clip-sigmoid", "lr=1e-3"),
    ("llm2clip", "llm2clip.trainable=lora"),
    ("clip-continued", "clip-continued.trainable=lora"),
];

fn stage(name: &str, sets: &[&str]) -> Stage {
    let recipe = small(name, &["batch=12", "steps=9", "lora_dropout=0.3"]);
    let set = |recipe, set: &&str| apply_set(&recipe, set).unwrap();
    sets.iter().fold(recipe, set).stages.pop().unwrap()
}

/// Two steps: a LoRA's B is zero before, and A's gradient with it.
fn moved(stage: &Stage) -> Trainer {
    let mut trainer = bench_trainer(stage, &Device::Cpu).unwrap();
    for _ in 0..2 {
        assert!(matches!(trainer.step(false).unwrap(), StepOutcome::Finished(_)));
    }
    trainer
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The gradients of the step after those of `from`, made as `stage` says.
fn gradients(from: &Trainer, stage: &Stage) -> Gradients {
    let mut trainer = bench_trainer(stage, &Device::Cpu).unwrap();
    trainer.restore(from.checkpoint(serde_json::Value::Null)).unwrap();
    let found = trainer.peek().unwrap().unwrap();
    assert_eq!(found.len(), trainer.params().trainable().count());
    found.iter().map(|(name, tensor)| (name.clone(), numbers(tensor))).collect()
}

fn hold(name: &str, whole: &Gradients, parts: &Gradients) {
    let mut worst = 0.0f32;
    for (tensor, expected) in whole {
        let largest = expected.iter().fold(0.0f32, |top, x| top.max(x.abs()));
        // A key's bias shifts all of a query's scores alike: its gradient is rounding alone.
        let floor = if tensor.ends_with("k_proj.bias") { 1e-6 } else { 0.0 };
        assert!(largest > 0.0 || floor > 0.0, "{name}: {tensor} has no gradient");
        for (a, b) in expected.iter().zip(&parts[tensor]) {
            let far = (a - b).abs();
            if floor == 0.0 {
                worst = worst.max(far / largest);
            }
            assert!(far <= 1e-5 * largest + floor, "{name}: {tensor} {a} {b} of {largest}");
        }
    }
    println!("{name}: {worst:.1e} of the largest");
}

/// A stage's gradients in parts are those of its whole batch.
fn hold_in_parts(name: &str, sets: &[&str]) {
    let whole = stage(name, sets);
    let from = moved(&whole);
    let expected = gradients(&from, &whole);
    for micro in ["micro_batch=5", "micro_batch=1"] {
        let sets = [sets, &[micro]].concat();
        let parts = gradients(&from, &stage(name, &sets));
        hold(&format!("{name} {}", sets.join(" ")), &expected, &parts);
    }
}

#[test]
fn cached_features_give_the_gradients_of_the_whole_batch() {
    for (name, set) in CONTRASTIVE {
        hold_in_parts(name, &[set]);
    }
}

#[test]
fn cached_features_give_the_same_gradients_on_the_composed_path() {
    for (name, set) in [("caption-contrastive", "hard_negatives=1"), ("clip", "lr=1e-3")] {
        with_composed(|| hold_in_parts(name, &[set]));
    }
}

#[test]
fn accumulated_gradients_are_those_of_the_whole_batch() {
    for name in ["causal-lm", "mntp"] {
        hold_in_parts(name, &[]);
    }
}

#[test]
fn recomputed_activations_give_the_same_bits() {
    let bits = |found: Gradients| -> Vec<(String, Vec<u32>)> {
        found.into_iter().map(|(n, x)| (n, x.into_iter().map(f32::to_bits).collect())).collect()
    };
    let recomputing = "activation_checkpointing=true";
    for (name, set) in
        CONTRASTIVE.into_iter().chain([("causal-lm", "lr=1e-3"), ("mntp", "lr=1e-3")])
    {
        let deep = |sets: &[&str]| {
            let mut stage = stage(name, sets);
            // One block would leave nothing to recompute.
            if let llm2clip::recipe::Objective::CausalLm { llama, .. } = &mut stage.objective {
                llama.layers = 3;
            }
            if let llm2clip::recipe::Objective::Clip { text, .. }
            | llm2clip::recipe::Objective::ClipSigmoid { text, .. } = &mut stage.objective
            {
                text.layers = 3;
            }
            stage
        };
        for micro in ["micro_batch=0", "micro_batch=5"] {
            let plain = deep(&[set, micro]);
            let from = moved(&plain);
            let expected = bits(gradients(&from, &plain));
            let found = bits(gradients(&from, &deep(&[set, micro, recomputing])));
            assert!(expected == found, "{name} {set} {micro}");
        }
    }
}

#[test]
fn recomputed_activations_give_the_same_bits_on_the_composed_path() {
    for (name, set) in [("simcse", "lora_dropout=0.3"), ("clip", "lr=1e-3")] {
        with_composed(|| {
            let plain = stage(name, &[set]);
            let from = moved(&plain);
            let expected = gradients(&from, &plain);
            let recomputing = stage(name, &[set, "activation_checkpointing=true"]);
            assert!(expected == gradients(&from, &recomputing), "{name}");
        });
    }
}
