//! The same recipe and seed give the same bytes, and a run that was cut anywhere goes on as if it had
//! not been.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod training;

use llm2clip::recipe::preset;
use llm2clip::runner::{Narrator, Resumption, Stop, Voice, Wait, resume};
use llm2clip::session::folder::Session;
use std::fs;
use std::path::Path;
use training::{run, session, small, workspace};

const OBJECTIVES: [&str; 8] = [
    "causal-lm",
    "mntp",
    "simcse",
    "caption-contrastive",
    "clip",
    "clip-sigmoid",
    "llm2clip",
    "clip-continued",
];

/// Losses of a log, as they are written.
fn losses(log: &str) -> Vec<String> {
    let steps = log.lines().filter(|line| line.contains("\"step_finished\""));
    steps
        .map(|line| {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{} {} {}", json["stage"], json["step"], json["loss"])
        })
        .collect()
}

fn logs(session: &Session) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = fs::read_dir(session.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    found.sort();
    found
}

#[test]
fn the_same_recipe_and_seed_give_the_same_bytes_in_every_objective() {
    for name in OBJECTIVES {
        let folder = tempfile::tempdir().unwrap();
        let place = workspace(folder.path());
        let recipe = small(name, &[]);
        let (one, two) = (session(&place), session(&place));
        let first = run(&place, &one, &recipe).unwrap();
        let second = run(&place, &two, &recipe).unwrap();
        assert!(first.final_digest.is_some(), "{name}");
        assert_eq!(first.final_digest, second.final_digest, "{name}");
        let text = |session| fs::read_to_string(&logs(session)[0]).unwrap();
        assert_eq!(losses(&text(&one)), losses(&text(&two)), "{name}");
    }
}

#[test]
fn the_fair_baseline_sees_the_pictures_and_captions_of_llm2clip() {
    let stage =
        |name: &str| preset("demo").unwrap().stages.into_iter().find(|s| s.name.as_str() == name);
    let (ours, baseline) = (stage("llm2clip").unwrap(), stage("clip-continued").unwrap());
    assert_eq!(ours.draws, baseline.draws);
    let same = |stage: &llm2clip::recipe::Stage| {
        (stage.data.clone(), stage.captions.clone(), stage.batch, stage.steps, stage.lr.to_bits())
    };
    assert_eq!(same(&ours), same(&baseline));
    assert_eq!(
        (ours.warmup, ours.schedule, ours.init),
        (baseline.warmup, baseline.schedule, baseline.init)
    );
}

#[test]
fn another_seed_gives_other_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let digest =
        |seed: &str| run(&place, &session(&place), &small("clip", &[seed])).unwrap().final_digest;
    assert_ne!(digest("seed=1"), digest("seed=2"));
}

/// Leaves a session as a killed process would: the log ends within a line after `records` records, and
/// checkpoints made later are not there.
fn cut(session: &Session, checkpoints: &Path, records: usize) {
    let path = logs(session).remove(0);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let torn = &lines[records][..lines[records].len() / 2];
    fs::write(&path, format!("{}\n{torn}", lines[..records].join("\n"))).unwrap();
    for line in &lines[records..] {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        if json["event"] == "checkpoint_saved" {
            fs::remove_dir_all(checkpoints.join(json["path"].as_str().unwrap())).unwrap();
        }
    }
}

#[test]
fn a_run_cut_anywhere_goes_on_to_the_same_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let recipe = small("llm2clip", &[]);
    let whole = session(&place);
    let expected = run(&place, &whole, &recipe).unwrap().final_digest;
    let text = fs::read_to_string(&logs(&whole)[0]).unwrap();
    let count = text.lines().count();
    let undisturbed = losses(&text);
    for records in [3, count / 4, count / 2, count - 3] {
        let broken = session(&place);
        run(&place, &broken, &recipe).unwrap();
        cut(&broken, &place.checkpoints, records);
        let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
        let name = "llm2clip-1".parse().unwrap();
        let Resumption::Went(outcome) =
            resume(&place, &broken, &name, narrator, &Stop::new()).unwrap()
        else {
            panic!("the run was not done");
        };
        assert_eq!(outcome.final_digest, expected, "cut after {records} of {count}");
        let later = losses(&fs::read_to_string(&logs(&broken)[1]).unwrap());
        assert!(later.iter().all(|step| undisturbed.contains(step)), "cut after {records}");
    }
}

#[test]
fn a_signal_stops_after_a_checkpoint_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let recipe = small("clip", &["checkpoint_every=0"]);
    let expected = run(&place, &session(&place), &recipe).unwrap().final_digest;
    let stopped = session(&place);
    let stop = Stop::new();
    stop.ask(2);
    let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
    let outcome =
        llm2clip::runner::start_run(&place, &stopped, &recipe, narrator, &stop, Wait::No).unwrap();
    assert_eq!(outcome.ended, llm2clip::runner::Ended::Stopped { signal: Some(2) });
    let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
    let name = "clip-1".parse().unwrap();
    let Resumption::Went(outcome) =
        resume(&place, &stopped, &name, narrator, &Stop::new()).unwrap()
    else {
        panic!("the run was not done");
    };
    assert_eq!(outcome.final_digest, expected);
    let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
    let again = resume(&place, &stopped, &name, narrator, &Stop::new()).unwrap();
    assert!(matches!(again, Resumption::AlreadyDone));
}

#[test]
fn gradient_accumulation_changes_the_loss_by_rounding_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let first_loss = |set: &str| {
        let outcome =
            run(&place, &session(&place), &small("causal-lm", &["steps=2", set])).unwrap();
        outcome.stages[0].loss.unwrap()
    };
    let (whole, parts) = (first_loss("micro_batch=0"), first_loss("micro_batch=2"));
    assert!((whole - parts).abs() < 1e-4, "{whole} {parts}");
}

#[test]
fn every_preset_can_be_named() {
    assert!(OBJECTIVES.iter().all(|name| preset(name).is_some()));
}
