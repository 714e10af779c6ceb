//! What moves the weights equals its reference: AdamW with groups, clipping, learning rates.
//! Goldens: `scripts/goldens/`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod parity;

use candle_core::{Device, Tensor, backprop::GradStore};
use llm2clip::nn::{Builder, Init, Params, Rule, backward, ops};
use llm2clip::recipe::{self, Schedule, Stage};
use llm2clip::train::{AdamW, Group, Hyper};
use parity::{Comparison, Golden};
use std::collections::BTreeMap;

/// Trainable parameters with the values of the file's inputs of these names.
fn params(golden: &Golden, names: &[&str]) -> Params {
    let tensors: BTreeMap<String, Tensor> =
        names.iter().map(|name| ((*name).to_string(), golden.input(name).clone())).collect();
    let builder = Builder::load(tensors, &Device::Cpu).trainable(Rule::All);
    for name in names {
        builder.get(name, golden.input(name).dims(), Init::Zeros).unwrap();
    }
    builder.finish().unwrap()
}

/// The gradients of a loss that has just these.
fn gradients(params: &Params, wanted: impl Fn(&str) -> Tensor) -> GradStore {
    let terms = params.trainable().map(|(name, var)| (var.as_tensor() * wanted(name)).unwrap());
    let sums = terms.map(|term| term.sum_all().unwrap()).collect::<Vec<_>>();
    backward(&Tensor::stack(&sums, 0).unwrap().sum_all().unwrap()).unwrap()
}

fn group(name: &str, _rank: usize) -> Group {
    Group { name: "all of them", decay: name != "bias", rate: 1.0 }
}

/// Runs a case's steps and holds every step's parameters and the last moments to the file's.
fn adamw(case: &str, path: &'static str) {
    let golden = Golden::read(case);
    let names = ["matrix", "bias"];
    let params = params(&golden, &names);
    let betas = golden.numbers("betas");
    let hyper = Hyper {
        beta1: betas[0],
        beta2: betas[1],
        eps: golden.number("eps"),
        weight_decay: golden.number("weight_decay"),
        clip_norm: 0.0,
    };
    let mut optimizer = AdamW::new(&params, hyper, group).unwrap();
    let mut history: BTreeMap<&str, Vec<Tensor>> = BTreeMap::new();
    for (step, lr) in golden.numbers("rates").into_iter().enumerate() {
        let of_step = |name: &str| golden.input(&format!("{name}.gradients")).get(step).unwrap();
        let grads = gradients(&params, of_step);
        let norms = optimizer.norms(&grads).unwrap();
        optimizer.update(&grads, &norms, lr).unwrap();
        for (name, var) in params.trainable() {
            let name = names.into_iter().find(|known| *known == name).unwrap();
            history.entry(name).or_default().push(var.as_tensor().copy().unwrap());
        }
    }
    let (mut comparison, state) = (Comparison::new(&golden, path), optimizer.state());
    for name in names {
        comparison.hold(&format!("out.{name}"), &Tensor::stack(&history[name], 0).unwrap());
        let (first, second) = (&state[&format!("{name}.first")], &state[&format!("{name}.second")]);
        comparison.hold(&format!("out.{name}.first_moment"), first);
        comparison.hold(&format!("out.{name}.second_moment"), second);
    }
    comparison.finish();
}

#[test]
fn twenty_steps_of_adamw_equal_the_reference() {
    for case in ["adamw", "adamw_clip_betas_warm_up"] {
        adamw(case, "fused");
        ops::with_composed(|| adamw(case, "composed"));
    }
}

#[test]
fn gradients_are_clipped_by_the_norm_over_all_of_them() {
    for case in ["gradient_clipping", "gradient_clipping_below_the_limit"] {
        let golden = Golden::read(case);
        let names = ["a", "b", "c"];
        let params = params(&golden, &names);
        // With these decays the first moment after one step is the gradient that was used, halved.
        let hyper = Hyper {
            beta1: 0.5,
            beta2: 0.5,
            eps: 1e-8,
            weight_decay: 0.0,
            clip_norm: golden.number("limit"),
        };
        let mut optimizer = AdamW::new(&params, hyper, group).unwrap();
        let grads = gradients(&params, |name| golden.input(name).clone());
        let norms = optimizer.norms(&grads).unwrap();
        optimizer.update(&grads, &norms, 0.1).unwrap();
        let mut comparison = Comparison::new(&golden, "fused");
        comparison.hold("out.norm", &Tensor::new(norms.all as f32, &Device::Cpu).unwrap());
        for name in names {
            let used = (&optimizer.state()[&format!("{name}.first")] * 2.0).unwrap();
            comparison.hold(&format!("out.{name}"), &used);
        }
        comparison.finish();
    }
}

fn stage(golden: &Golden) -> Stage {
    let mut stage = recipe::preset("clip").unwrap().stages.remove(0);
    stage.lr = 1.0;
    (stage.steps, stage.warmup) = (golden.count("steps"), golden.count("warmup"));
    stage.schedule = match golden.constant("schedule").as_str().unwrap() {
        "cosine" => Schedule::Cosine,
        "linear" => Schedule::Linear,
        _ => Schedule::Constant,
    };
    stage
}

fn hold_rates(golden: &Golden, rates: impl Iterator<Item = f64>) {
    let rates = rates.map(|rate| rate as f32).collect::<Vec<_>>();
    let mut comparison = Comparison::new(golden, "-");
    comparison.hold("out.multiplier", &Tensor::new(rates, &Device::Cpu).unwrap());
    comparison.finish();
}

#[test]
fn learning_rates_equal_open_clips() {
    for case in [
        "schedule_cosine_open_clip",
        "schedule_cosine_without_warm_up",
        "schedule_linear_open_clip",
        "schedule_constant_open_clip",
    ] {
        let golden = Golden::read(case);
        let stage = stage(&golden);
        hold_rates(&golden, (0..stage.steps).map(|step| recipe::learning_rate(&stage, step)));
    }
}

#[test]
fn learning_rates_equal_transformers_but_for_its_first_step_that_moves_nothing() {
    for case in [
        "schedule_cosine_transformers",
        "schedule_linear_transformers",
        "schedule_constant_transformers",
    ] {
        let golden = Golden::read(case);
        let stage = stage(&golden);
        let rates = (0..stage.steps).map(|step| match step {
            0 => 0.0,
            warming if warming <= stage.warmup => recipe::learning_rate(&stage, warming - 1),
            _ => recipe::learning_rate(&stage, step),
        });
        hold_rates(&golden, rates);
    }
}
