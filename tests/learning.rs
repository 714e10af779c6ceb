//! Every objective learns with every parameter it should, and a number that is not finite never
//! reaches the weights.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod training;

use candle_core::{Device, Tensor};
use llm2clip::files::manifest;
use llm2clip::recipe::apply_set;
use llm2clip::runner::{Fork, Narrator, RunError, Stop, Voice, Wait, resume};
use llm2clip::session::names::RunId;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use training::{run, session, small, workspace};

fn tensors(folder: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = fs::read(folder.join("params.safetensors")).unwrap();
    let found = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    found.into_iter().map(|(name, tensor)| (name, values(tensor))).collect()
}

/// The stage's folder of the session's one run.
fn stage(checkpoints: &Path, session: &str, run: &str, stage: &str) -> std::path::PathBuf {
    checkpoints.join(session).join(run).join(stage)
}

#[test]
fn every_trainable_parameter_moves_in_every_objective() {
    for (name, set) in [
        ("causal-lm", "trainable=all"),
        ("mntp", "trainable=lora"),
        ("simcse", "trainable=lora"),
        ("caption-contrastive", "trainable=lora"),
        ("caption-contrastive", "hard_negatives=1"),
        ("caption-contrastive", "symmetric=true"),
        ("clip", "trainable=all"),
        ("clip-sigmoid", "trainable=all"),
        ("llm2clip", "llm2clip.trainable=all"),
        ("llm2clip", "llm2clip.trainable=lora"),
        ("llm2clip", "llm2clip.trainable=adapter"),
        ("clip-continued", "clip-continued.trainable=lora"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let place = workspace(folder.path());
        let opened = session(&place);
        let recipe = small(name, &[set, "checkpoint_every=1", "weight_decay=0"]);
        run(&place, &opened, &recipe).unwrap_or_else(|error| panic!("{name} {set}: {error}"));
        let last = recipe.stages.last().unwrap();
        let folder = stage(
            &place.checkpoints,
            opened.id().as_str(),
            &format!("{name}-1"),
            last.name.as_str(),
        );
        let before = tensors(&manifest::step_folder(&folder, 1));
        let after = tensors(&manifest::step_folder(&folder, last.steps));
        assert!(!before.is_empty());
        for (tensor, values) in &after {
            assert!(values.iter().all(|x| x.is_finite()), "{name} {set}: {tensor}");
            // A key's bias shifts all of a query's scores alike, and softmax does not see it; the
            // sigmoid's scale and bias move at the learning rate like the rest.
            let unseen = tensor.ends_with("k_proj.bias");
            assert!(unseen || *values != before[tensor], "{name} {set}: {tensor} did not move");
        }
    }
}

#[test]
fn frozen_towers_are_not_in_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let opened = session(&place);
    run(&place, &opened, &small("llm2clip", &["llm2clip.trainable=adapter"])).unwrap();
    let folder = stage(&place.checkpoints, opened.id().as_str(), "llm2clip-1", "llm2clip");
    let names: Vec<String> =
        tensors(&manifest::newest_valid(&folder).unwrap().1).into_keys().collect();
    assert!(names.iter().all(|name| !name.starts_with("vision_model.")), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("text_adapter.")));
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_at_its_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let opened = session(&place);
    let sets = ["lr=1e30", "warmup=0", "clip_norm=0", "checkpoint_every=1"];
    let recipe = small("causal-lm", &sets);
    let Err(RunError::Diverged { step, what, items, .. }) = run(&place, &opened, &recipe) else {
        panic!("a rate of 1e30 has to diverge");
    };
    assert!(step > 1 && !what.is_empty() && !items.is_empty());
    let log = fs::read_to_string(opened.folder().join("causal-lm-1.1.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["state"]), (&"run_finished".into(), &"failed".into()));
    assert!(log.contains("\"diverged\"") && !log.contains("NaN"));
    let folder = stage(&place.checkpoints, opened.id().as_str(), "causal-lm-1", "causal-lm");
    let (kept, checkpoint) = manifest::newest_valid(&folder).unwrap();
    assert_eq!(kept + 1, step);
    assert!(tensors(&checkpoint).values().flatten().all(|x| x.is_finite()));
}

#[test]
fn a_recipe_can_skip_bad_steps_and_back_off() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let opened = session(&place);
    let sets = ["lr=1e30", "warmup=0", "clip_norm=0", "on_bad_step=skip"];
    run(&place, &opened, &small("causal-lm", &sets)).unwrap();
    let log = fs::read_to_string(opened.folder().join("causal-lm-1.1.jsonl")).unwrap();
    assert!(log.contains("\"step_skipped\""));
    assert!(log.lines().last().unwrap().contains("\"done\""));
}

#[test]
fn losses_fall_on_a_few_repeated_examples() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let opened = session(&place);
    let recipe = small("clip", &["steps=30", "lr=3e-3", "batch=16", "checkpoint_every=0"]);
    let outcome = run(&place, &opened, &recipe).unwrap();
    let log = fs::read_to_string(opened.folder().join("clip-1.1.jsonl")).unwrap();
    let first: serde_json::Value =
        serde_json::from_str(log.lines().find(|line| line.contains("step_finished")).unwrap())
            .unwrap();
    let (first, last) = (first["loss"].as_f64().unwrap(), outcome.stages[0].loss.unwrap());
    assert!(f64::from(last) < first - 0.05, "{first} to {last}");
}

/// Steps that have a checkpoint.
fn kept(place: &llm2clip::runner::Workspace, session: &str, run: &str, name: &str) -> Vec<usize> {
    manifest::steps(&stage(&place.checkpoints, session, run, name))
}

fn records(session: &llm2clip::session::folder::Session, log: &str, kind: &str) -> Vec<Value> {
    let text = fs::read_to_string(session.folder().join(log)).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["event"] == kind).collect()
}

#[test]
fn retrieval_is_measured_on_its_own_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    for (name, direction) in [("clip", true), ("caption-contrastive", false), ("simcse", false)] {
        let opened = session(&place);
        let sets = ["steps=6", "validate_every=0", "retrieval_every=2", "keep_best=recall@1"];
        run(&place, &opened, &small(name, &sets)).unwrap();
        let found = records(&opened, &format!("{name}-1.1.jsonl"), "validated");
        let steps: Vec<_> = found.iter().map(|record| record["step"].as_u64().unwrap()).collect();
        assert_eq!(steps, [2, 4, 6], "{name}");
        for record in &found {
            let metrics = &record["metrics"];
            for metric in ["recall@1", "recall@5", "recall@10", "mrr", "median_rank"] {
                assert!(metrics[metric].is_number(), "{name}: {record}");
            }
            assert_eq!(metrics["image-to-text/recall@1"].is_number(), direction, "{name}");
            assert!(metrics["recall@1"].as_f64() <= metrics["recall@10"].as_f64());
            assert!(record["best"].is_boolean());
            assert_eq!(record["loss"].is_number(), record["step"] == 6, "{name}: {record}");
        }
    }
}

#[test]
fn the_best_checkpoint_is_kept_beside_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let opened = session(&place);
    // At this rate the loss does not go on falling: patience ends the stage after its best step.
    let sets = [
        "steps=12",
        "warmup=0",
        "lr=1",
        "clip_norm=0",
        "validate_every=1",
        "checkpoint_every=0",
        "keep=0",
        "keep_best=loss",
        "patience=2",
    ];
    let outcome = run(&place, &opened, &small("clip", &sets)).unwrap();
    let bests: Vec<u64> = records(&opened, "clip-1.1.jsonl", "validated")
        .iter()
        .filter(|record| record["best"] == true)
        .map(|record| record["step"].as_u64().unwrap())
        .collect();
    let (best, last) = (*bests.last().unwrap() as usize, outcome.stages[0].steps);
    assert_eq!(best + 2, last, "{bests:?}");
    assert_eq!(kept(&place, opened.id().as_str(), "clip-1", "clip"), [best, last]);
}

#[test]
fn checkpoints_stay_by_number_by_multiple_and_where_something_stands_on_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let opened = session(&place);
    let sets = ["steps=9", "checkpoint_every=1", "keep=2", "keep_every=4"];
    run(&place, &opened, &small("clip", &sets)).unwrap();
    let id = opened.id().as_str();
    assert_eq!(kept(&place, id, "clip-1", "clip"), [4, 6, 7, 8, 9]);

    // A fork that stops where it begins, LoRA on its checkpoint, and then the fork goes on.
    let recorded = small("clip", &sets);
    let fork = Fork {
        run: RunId { session: opened.id().clone(), run: "clip-1".parse().unwrap() },
        stage: None,
        step: Some(4),
        sets: ["keep=0", "keep_every=0", "steps=7"].map(str::to_owned).to_vec(),
        seed: None,
    };
    let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
    let stop = Stop::new();
    stop.ask(2);
    llm2clip::runner::fork(&place, &opened, &recorded, &fork, narrator, &stop, Wait::No).unwrap();
    assert_eq!(kept(&place, id, "clip-2", "clip"), [4]);
    let mut lora = small("clip-continued", &["clip-continued.trainable=lora", "steps=2"]);
    lora.stages.remove(0);
    let lora = apply_set(&lora, &format!("init={id}/clip-2/clip/step-000004")).unwrap();
    let other = session(&place);
    run(&place, &other, &lora).unwrap();
    resume(&place, &opened, &"clip-2".parse().unwrap(), narrator, &Stop::new()).unwrap();
    assert_eq!(kept(&place, id, "clip-2", "clip"), [4, 7]);
    let encoder = format!("{}/clip-continued-1/clip-continued", other.id());
    assert!(place.sources().load(&encoder).is_ok());
}

#[test]
fn a_stage_that_cannot_fit_is_refused_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut place = workspace(folder.path());
    place.memory_limit = Some(1 << 20);
    let opened = session(&place);
    let Err(error) = run(&place, &opened, &small("clip", &["batch=512"])) else {
        panic!("a megabyte is not enough");
    };
    let text = error.to_string();
    assert!(matches!(error, RunError::Memory(_)), "{text}");
    assert!(text.contains("--memory-limit") && text.contains("smaller model"), "{text}");
    assert!(records(&opened, "clip-1.1.jsonl", "step_finished").is_empty());
}
