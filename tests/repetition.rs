//! The same recipe and seed give the same bytes, and a run that was cut anywhere goes on as if it had
//! not been.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod training;

use llm2clip::recipe::{Recipe, preset};
use llm2clip::runner::{Narrator, Resumption, Stop, Voice, Wait, resume};
use llm2clip::session::folder::Session;
use llm2clip::soak::OBJECTIVES;
use std::fs;
use std::path::Path;
use training::{run, session, small, workspace};

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
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".jsonl") && !name.ends_with(".system.jsonl")
        })
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

/// Stops after every segment's first steps, again and again, until the run is done.
fn in_pieces(place: &llm2clip::runner::Workspace, recipe: &Recipe) -> Session {
    let session = session(place);
    let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
    run(place, &session, recipe).unwrap();
    let text = fs::read_to_string(&logs(&session)[0]).unwrap();
    let records = text.lines().position(|line| line.contains("\"checkpoint_saved\"")).unwrap() + 2;
    cut(&session, &place.checkpoints, records);
    let name = format!("{}-1", recipe.name).parse().unwrap();
    resume(place, &session, &name, narrator, &Stop::new()).unwrap();
    session
}

#[test]
fn cached_features_and_recomputed_activations_repeat_and_resume_exactly() {
    for name in ["simcse", "caption-contrastive", "clip"] {
        let folder = tempfile::tempdir().unwrap();
        let place = workspace(folder.path());
        let sets = ["micro_batch=4", "activation_checkpointing=true", "checkpoint_every=1"];
        let recipe = small(name, &sets);
        let whole = session(&place);
        let expected = run(&place, &whole, &recipe).unwrap().final_digest;
        let again = run(&place, &session(&place), &recipe).unwrap().final_digest;
        assert_eq!(expected, again, "{name}");
        let pieces = in_pieces(&place, &recipe);
        let log = fs::read_to_string(&logs(&pieces)[1]).unwrap();
        let digest = expected.unwrap().to_string();
        assert!(log.lines().last().unwrap().contains(&digest), "{name}");
    }
}

#[test]
fn early_stopping_is_the_same_where_the_run_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    // At this rate the loss only rises: the first validation stays the best.
    let sets = [
        "steps=12",
        "lr=1",
        "warmup=0",
        "clip_norm=0",
        "validate_every=1",
        "checkpoint_every=1",
        "patience=3",
    ];
    let recipe = small("clip-continued", &sets);
    let whole = session(&place);
    let outcome = run(&place, &whole, &recipe).unwrap();
    let text = fs::read_to_string(&logs(&whole)[0]).unwrap();
    let ends: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| line.contains("\"stage_finished\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(ends.len(), 2, "the stage after one that ended early runs as well");
    for (end, summary) in ends.iter().zip(&outcome.stages) {
        assert!(summary.steps < 12, "{summary:?}");
        assert_eq!(end["steps"].as_u64().unwrap() as usize, summary.steps);
        assert_eq!(end["stopped_early"]["metric"], "loss");
        assert_eq!(end["stopped_early"]["validations"], 3);
        assert_eq!(end["stopped_early"]["best_step"].as_u64().unwrap() as usize + 3, summary.steps);
    }
    let pieces = in_pieces(&place, &recipe);
    let log = fs::read_to_string(&logs(&pieces)[1]).unwrap();
    let digest = outcome.final_digest.unwrap().to_string();
    assert!(log.lines().last().unwrap().contains(&digest));
}

#[test]
fn a_finished_stage_that_ended_early_is_not_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let sets = ["lr=1", "warmup=0", "clip_norm=0", "validate_every=1", "patience=1"];
    let recipe = small("clip-continued", &[&sets[..], &["steps=9"]].concat());
    let whole = session(&place);
    let expected = run(&place, &whole, &recipe).unwrap().final_digest;
    let text = fs::read_to_string(&logs(&whole)[0]).unwrap();
    let second = text.lines().position(|line| line.contains("\"stage_finished\"")).unwrap() + 2;
    cut(&whole, &place.checkpoints, second);
    let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
    resume(&place, &whole, &"clip-continued-1".parse().unwrap(), narrator, &Stop::new()).unwrap();
    let log = fs::read_to_string(&logs(&whole)[1]).unwrap();
    assert!(log.lines().last().unwrap().contains(&expected.unwrap().to_string()));
    let begun = log.lines().filter(|line| line.contains("\"stage_started\"")).count();
    assert_eq!(begun, 1, "{log}");
}

#[test]
fn every_preset_can_be_named() {
    assert!(OBJECTIVES.iter().all(|name| preset(name).is_some()));
}
