//! Runs that are interrupted: by signals, while they encode, and in the middle of a series.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;
mod training;
mod waiting;

use llm2clip::runner::client::{Reply, send, wait_for_reply};
use llm2clip::runner::{Ended, Narrator, Resumption, Stop, Voice, Wait, resume, start_run};
use llm2clip::session::RunStatus;
use llm2clip::session::control::Command as Order;
use llm2clip::session::follow::read_run;
use llm2clip::session::names::RunId;
use llm2clip::session::replay::{Entries, Entry, Timeline, line};
use program::{program, rows, train};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use training::{run, session, small, workspace};
use waiting::until;

fn strike(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), signal).unwrap();
}

/// Every answer in the newest log: the command's id, and what it was.
fn answers(folder: &Path) -> Vec<(String, String)> {
    let Some(row) = rows(folder).into_iter().next() else { return Vec::new() };
    let name = row.run.rsplit('/').next().unwrap().parse().unwrap();
    let run = read_run(&folder.join("sessions").join(row.session.as_str()), &name).unwrap();
    let kept = run.state().answers.kept.iter();
    kept.map(|answer| (answer.id.clone(), answer.command.clone())).collect()
}

#[test]
fn signals_save_pause_go_on_and_stop_and_each_is_answered_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sets = ["steps=300", "checkpoint_every=0", "batch=24"];
    let plain = folder.join("undisturbed");
    let mut command = program(&plain);
    train(&mut command, &sets);
    assert!(command.output().unwrap().status.success());
    let expected = rows(&plain)[0].final_digest.clone();
    let mut command = program(folder);
    train(&mut command, &sets);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let state = || rows(folder).first().map(|row| row.state);
    until("the first step", || rows(folder).first().is_some_and(|row| row.step > 0));
    strike(&child, Signal::USR2);
    until("the pause", || state() == Some(RunStatus::Paused));
    strike(&child, Signal::USR1);
    until("the checkpoint", || answers(folder).iter().any(|(id, _)| id == "SIGUSR1"));
    strike(&child, Signal::USR2);
    until("the end of the pause", || state() == Some(RunStatus::Live));
    strike(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(state(), Some(RunStatus::Stopped));
    let said: Vec<(String, String)> = answers(folder);
    let said: Vec<(&str, &str)> = said.iter().map(|(id, what)| (&**id, &**what)).collect();
    let expected_answers = [
        ("SIGUSR2", "pause"),
        ("SIGUSR1", "checkpoint"),
        ("SIGUSR2", "continue"),
        ("SIGTERM", "stop"),
    ];
    assert_eq!(said, expected_answers);
    let mut command = program(folder);
    command.args(["resume", "clip-1"]);
    assert!(command.output().unwrap().status.success());
    assert_eq!(rows(folder)[0].final_digest, expected);
}

/// Pictures with many captions, so that encoding them takes several batches.
fn captions(folder: &Path) -> String {
    fs::create_dir(folder).unwrap();
    let mut lines = String::new();
    for item in 0..40u32 {
        let picture = image::RgbImage::from_fn(32, 32, |x, y| {
            image::Rgb([(x * item) as u8, (y * 7) as u8, (item * 5) as u8])
        });
        picture.save(folder.join(format!("{item}.png"))).unwrap();
        let texts: Vec<String> =
            (0..40).map(|k| format!("picture {item} of {k} things by the river at noon")).collect();
        let line = serde_json::json!({"image": format!("{item}.png"), "captions": texts});
        lines += &format!("{line}\n");
    }
    fs::write(folder.join("set.jsonl"), lines).unwrap();
    folder.join("set.jsonl").display().to_string()
}

#[test]
fn a_run_that_is_stopped_while_it_encodes_ends_at_once_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let data = format!("llm2clip.data={}", captions(&folder.path().join("data")));
    let sets = ["validate_every=0", "llm2clip.captions=all", &data];
    let recipe = small("llm2clip", &sets);
    let plain = workspace(&folder.path().join("undisturbed"));
    let expected = run(&plain, &session(&plain), &recipe).unwrap().final_digest;
    let place = workspace(folder.path());
    let disturbed = session(&place);
    let id = RunId { session: disturbed.id().clone(), run: "llm2clip-1".parse().unwrap() };
    let quiet = |log| Narrator::new(Some(log), Voice::Quiet);
    let is_encoding = || {
        read_run(disturbed.folder(), &id.run).is_ok_and(|run| {
            run.state().progressed.as_ref().is_some_and(|now| now.done < now.total)
        })
    };
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| {
            start_run(&place, &disturbed, &recipe, quiet, &Stop::new(), Wait::No).unwrap()
        });
        until("the encoding", is_encoding);
        let began = Instant::now();
        let letter = send(&place.sessions, &id, Order::Stop).unwrap();
        assert_eq!(wait_for_reply(&place.sessions, &id, &letter, |_| {}).unwrap(), Reply::Applied);
        assert_eq!(runner.join().unwrap().ended, Ended::Stopped { signal: None });
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    });
    let state = read_run(disturbed.folder(), &id.run).unwrap().into_state();
    assert!(state.progressed.is_none() && state.finished.is_some());
    assert!(state.produced.kept.iter().all(|made| made.kind != "table_made"));
    // What was encoded is not encoded again.
    let kept = || {
        let tables = fs::read_dir(place.checkpoints.join("tables")).unwrap();
        let names = tables.map(|entry| entry.unwrap().path());
        let partial = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "partial");
        names.filter(partial).map(|path| fs::metadata(path).unwrap().len()).sum::<u64>()
    };
    let before = kept();
    assert!(before > 0);
    // By a signal as well.
    let stop = Stop::new();
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| resume(&place, &disturbed, &id.run, quiet, &stop).unwrap());
        until("the encoding", is_encoding);
        stop.ask(15);
        let Resumption::Went(outcome) = runner.join().unwrap() else { panic!("it was not done") };
        assert_eq!(outcome.ended, Ended::Stopped { signal: Some(15) });
    });
    let went = resume(&place, &disturbed, &id.run, quiet, &Stop::new()).unwrap();
    let Resumption::Went(outcome) = went else { panic!("it was not done") };
    assert_eq!(outcome.final_digest, expected);
    assert_eq!(kept(), 0);
}

#[test]
fn after_a_series_was_killed_the_runs_that_are_left_are_named_with_their_commands() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut command = program(folder);
    train(&mut command, &["steps=40"]);
    command.args(["--seeds", "1,2,3"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the first step", || rows(folder).first().is_some_and(|row| row.step > 0));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(rows(folder).len(), 1);
    let resumed = |folder: &Path| {
        let mut command = program(folder);
        let output = command.args(["resume", "clip-1"]).output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.lines()
            .filter_map(|line| line.strip_prefix("  llm2clip "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let left = resumed(folder);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].contains("--set seed=2") && left[1].contains("--set seed=3"), "{left:?}");
    // One of them, as it stands there: then only the other is left.
    let mut command = std::process::Command::new(program::PROGRAM);
    command.env("LLM2CLIP_CONFIG", "none");
    command.arg("--sessions").arg(folder.join("sessions"));
    command.arg("--checkpoints").arg(folder.join("checkpoints"));
    command.args(left[0].split(' ')).stdin(Stdio::null());
    assert!(command.output().unwrap().status.success());
    let rows = rows(folder);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.state == RunStatus::Done && row.session == rows[0].session));
    assert_ne!(rows[0].final_digest, rows[1].final_digest);
    assert_eq!(resumed(folder), left[1..]);
}

#[test]
fn a_run_of_some_seconds_has_samples_of_the_machine_beside_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut command = program(folder);
    train(&mut command, &["steps=100000", "checkpoint_every=0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = || {
        let row = rows(folder).into_iter().next()?;
        let log = folder.join("sessions").join(row.session.as_str());
        Some(log.join("clip-1.1.system.jsonl")).filter(|path| path.exists())
    };
    until("a sample", || {
        log().is_some_and(|log| fs::read_to_string(log).unwrap().lines().count() > 1)
    });
    strike(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let text = fs::read_to_string(log().unwrap()).unwrap();
    assert!(text.lines().nth(1).unwrap().contains("\"event\":\"sampled\",\"cores_used\":"));
    let session = log().unwrap().parent().unwrap().to_owned();
    let timeline = Timeline::open(&session).unwrap();
    let samples: Vec<Entry> = (0..timeline.len())
        .filter_map(|at| timeline.entry(at))
        .filter(|entry| matches!(entry, Entry::System(..)))
        .collect();
    assert!(!samples.is_empty() && line(&samples[0]).contains("clip-1 system"));
}
