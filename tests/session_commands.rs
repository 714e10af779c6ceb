//! `session`, `replay` and `export` as processes: what they print, and that a session says the same
//! wherever it lies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;

use llm2clip::session::sitting::{SittingEvent, sittings_in};
use llm2clip::session::tail::{Budget, LogTail};
use program::{PROGRAM, train};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program on the sessions of a folder.
fn program(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env("LLM2CLIP_CONFIG", "none");
    command.arg("--sessions").arg(folder.join("sessions"));
    command.arg("--checkpoints").arg(folder.join("checkpoints"));
    command.args(["--threads", "1", "--device", "cpu"]).stdin(Stdio::null());
    command.args(args).output().unwrap()
}

fn good(folder: &Path, args: &[&str]) -> String {
    let output = program(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let mut all = vec!["--json"];
    all.extend(args);
    let text = good(folder, &all);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// A session with a run, a comparison and an inspection; its name.
fn filled(folder: &Path) -> String {
    let mut lines = String::new();
    for item in 0..30 {
        let line = serde_json::json!({"id": format!("i{item}"), "split": "test", "captions": [
            format!("thing {item} by the sea"), format!("by the sea a thing {} of {item}", item % 7)]});
        lines += &format!("{line}\n");
    }
    let data = folder.join("set.jsonl");
    fs::write(&data, lines).unwrap();
    let data = data.display().to_string();
    let mut command = program::program(folder);
    train(&mut command, &["validate_every=2"]);
    assert!(command.output().unwrap().status.success());
    let list = json(folder, &["session", "list"]);
    let session = list["sessions"][0]["session"].as_str().unwrap().to_owned();
    let common = ["--dataset", &data, "--session", &session];
    let compare = ["compare", "--task", "caption", "--encoders", "one=bm25,two=bm25"];
    good(folder, &[&compare[..], &common].concat());
    let llamas = "one=builtin:llama,two=builtin:llama[attention=bidirectional]";
    let inspect = ["inspect", "--direction", "text-to-text", "--encoders", llamas];
    good(folder, &[&inspect[..], &common].concat());
    session
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(
                files(&path)
                    .into_iter()
                    .map(|(name, bytes)| (Path::new(path.file_name().unwrap()).join(name), bytes)),
            );
        } else {
            found.insert(path.file_name().unwrap().into(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn an_export_is_the_same_bytes_from_a_moved_and_from_a_packed_session() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().join("home");
    fs::create_dir(&home).unwrap();
    let session = filled(&home);
    let out = |name: &str| root.path().join(name).display().to_string();
    let exported = json(&home, &["export", &session, "--out", &out("first")]);
    assert_eq!(exported["format"], "llm2clip.exported/1");
    let first = files(&root.path().join("first"));
    let names: Vec<String> = exported["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), first.len());
    let ends = |end: &str| names.iter().any(|name| name.ends_with(end));
    assert!(ends(".run") && ends(".qrels") && ends(".svg") && ends(".png") && ends("series.csv"));
    let some = json(&home, &["export", &session, "--out", &out("some"), "--formats", "csv,svg"]);
    let kept = |name: &&String| name.ends_with(".csv") || name.ends_with(".svg");
    assert_eq!(some["files"], serde_json::json!(names.iter().filter(kept).collect::<Vec<_>>()));
    good(&home, &["session", "pack", &session, "--out", &out("a.tgz")]);
    // Weights and data stay behind.
    let moved = root.path().join("moved");
    fs::create_dir_all(moved.join("sessions")).unwrap();
    fs::rename(home.join("sessions").join(&session), moved.join("sessions").join(&session))
        .unwrap();
    fs::remove_dir_all(&home).unwrap();
    good(&moved, &["export", &session, "--out", &out("second")]);
    assert!(files(&root.path().join("second")) == first, "moved");
    let unpacked = root.path().join("unpacked");
    good(&unpacked, &["session", "unpack", &out("a.tgz")]);
    good(&unpacked, &["export", &session, "--out", &out("third"), "--session", &session]);
    assert!(files(&root.path().join("third")) == first, "packed");
    // Exported once more, with a sitting beside the run's log: still the same.
    good(&unpacked, &["export", &session, "--out", &out("fourth")]);
    assert!(files(&root.path().join("fourth")) == first, "again");
    let sittings = sittings_in(&unpacked.join("sessions").join(&session)).unwrap();
    let mut told = Vec::new();
    let mut tail = LogTail::<SittingEvent>::open_as(&sittings[&1]).unwrap();
    tail.poll(Budget::ALL, |record| told.push(record.event)).unwrap();
    assert_eq!(told.len(), 3);
    assert!(matches!(&told[1], SittingEvent::Exported(event) if event.dir == out("third")));
    // What cannot be read is left out and said; the rest is written.
    let results = unpacked.join("sessions").join(&session).join("results");
    fs::write(results.join("caption-0.json"), "{").unwrap();
    fs::write(results.join("caption-1.neighbours.safetensors"), "x").unwrap();
    let exported = json(&unpacked, &["export", &session, "--out", &out("fifth")]);
    let skipped = exported["skipped"].as_array().unwrap();
    let what: Vec<&str> = skipped.iter().map(|part| part["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["result caption-0", "neighbours of result caption-1"]);
    assert!(skipped.iter().all(|part| !part["why"].as_str().unwrap().contains(&out(""))));
    let fifth = files(&root.path().join("fifth"));
    let table = Path::new("compare.csv");
    assert!(fifth[table] == first[table]);
    let document: Value = serde_json::from_slice(&fifth[Path::new("export.json")]).unwrap();
    assert_eq!(&document["skipped"], &exported["skipped"]);
}

#[test]
fn sessions_are_listed_shown_named_anew_packed_and_removed() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path();
    let session = filled(home);
    let list = json(home, &["session", "list"]);
    assert_eq!(list["format"], "llm2clip.sessions/1");
    let row = &list["sessions"][0];
    assert_eq!((&row["runs"], &row["live"], &row["results"]), (&1.into(), &0.into(), &2.into()));
    assert!(good(home, &["session", "list"]).contains(&session));
    // A part of the name is enough.
    let end = &session[session.len() - 6..];
    let renamed = json(home, &["session", "rename", end, "A new \u{1b}[2J title"]);
    assert_eq!(renamed["format"], "llm2clip.session-renamed/1");
    let shown = json(home, &["session", "show", end]);
    assert_eq!(shown["format"], "llm2clip.session-overview/1");
    assert_eq!(shown["runs"][0]["state"], "done");
    assert_eq!(shown["results"].as_array().unwrap().len(), 2);
    assert_eq!(shown["problems"], serde_json::json!([]));
    let text = good(home, &["session", "show", end]);
    assert!(
        text.contains("clip-1") && text.contains("A new") && !text.contains('\u{1b}'),
        "{text}"
    );
    let packed = home.join("a.tgz").display().to_string();
    let document = json(home, &["session", "pack", end, "--out", &packed]);
    assert_eq!(document["format"], "llm2clip.packed/1");
    // Not over a session that is there, and nothing under --readonly.
    assert_eq!(program(home, &["session", "unpack", &packed]).status.code(), Some(2));
    assert_eq!(program(home, &["--readonly", "session", "rm", end]).status.code(), Some(2));
    let removed = json(home, &["session", "rm", end]);
    assert_eq!(removed["format"], "llm2clip.session-removed/1");
    assert_eq!(program(home, &["session", "show", end]).status.code(), Some(2));
    assert_eq!(json(home, &["session", "unpack", &packed])["session"], session.as_str());
    let again = json(home, &["session", "show", end]);
    assert_eq!((&again["runs"], &again["results"]), (&shown["runs"], &shown["results"]));
    fs::write(&packed, "no pack").unwrap();
    assert_ne!(program(home, &["session", "unpack", &packed]).status.code(), Some(0));
}

#[test]
fn a_session_is_replayed_in_plain_text_from_anywhere_in_it() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path();
    let session = filled(home);
    let document = json(home, &["replay", &session]);
    assert_eq!(
        (&document["format"], &document["bad_lines"]),
        (&"llm2clip.replay/1".into(), &0.into())
    );
    let all = good(home, &["replay", &session, "--speed", "max"]);
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(lines.len() as u64, document["entries"].as_u64().unwrap());
    assert!(
        lines[0].contains("run_started") && lines.iter().any(|line| line.contains("clip 8  loss"))
    );
    // A thousand times as fast as it was: the same lines, at their pace.
    assert_eq!(good(home, &["replay", &session, "--speed", "1000"]), all);
    let from = good(home, &["replay", &session, "--speed", "max", "--from", "7"]);
    assert!(from.lines().next().unwrap().contains("clip 7  loss"), "{from}");
    assert!(all.ends_with(&from));
    assert_eq!(program(home, &["replay", &session, "--from", "99"]).status.code(), Some(2));
    assert_eq!(program(home, &["replay", &session, "--from", "noon"]).status.code(), Some(2));
    assert_eq!(program(home, &["replay", &session, "--speed", "0"]).status.code(), Some(2));
    // Torn and foreign lines are passed over and counted.
    let log = home.join("sessions").join(&session).join("clip-1.1.jsonl");
    let mut text = fs::read_to_string(&log).unwrap();
    text += "not a record\n{\"seq\":";
    fs::write(&log, text).unwrap();
    assert_eq!(json(home, &["replay", &session])["bad_lines"], 1);
    assert_eq!(good(home, &["replay", &session, "--speed", "max"]), all);
    // Whoever reads may leave early.
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" --sessions \"$1\" replay \"$2\" --speed max | head -n 1", PROGRAM]);
    command.arg(home.join("sessions")).arg(&session);
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), lines[0]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panic"));
}

#[test]
fn a_session_that_is_not_there_is_refused_before_anything_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["compare", "--task", "caption", "--encoders", "bm25,builtin:llama"];
    let output = program(folder.path(), &[&args[..], &["--session", "nowhere"]].concat());
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no session \"nowhere\""), "{said}");
    assert!(!said.contains("encoding"), "{said}");
}

#[test]
fn an_estimate_says_how_long_by_a_run_that_did_the_same_work_or_how_to_know_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut command = program::program(folder);
    train(&mut command, &[]);
    assert!(command.output().unwrap().status.success());
    let asked = json(folder, &["recipes", "clip-1", "--estimate", "--set", "steps=1000"]);
    let time = &asked["times"][0];
    assert!(time["run"].as_str().unwrap().ends_with("/clip-1"), "{time}");
    assert!(time["step_seconds"].as_f64().unwrap() > 0.0, "{time}");
    assert_eq!((&time["steps"], &time["run_host"]), (&1000.into(), &Value::Null));
    // Both parts are told apart, and from which run, device and threads they are.
    let seconds = |key: &str| time[key].as_f64().unwrap();
    let beside = seconds("validation_seconds") + seconds("checkpoint_seconds");
    let apart = 1000.0 * seconds("training_step_seconds") + beside;
    assert!((1000.0 * seconds("step_seconds") - apart).abs() < 1e-6 * apart, "{time}");
    assert_eq!(time["run_device"], "cpu");
    assert_eq!((&time["run_threads"], &time["caution"]), (&asked["threads"], &Value::Null));
    let said = good(folder, &["recipes", "clip-1", "--estimate"]);
    assert!(said.contains("8 steps, ") && said.contains("/clip-1 on cpu, "), "{said}");
    let said = good(folder, &["recipes", "clip", "--estimate"]);
    assert!(said.contains("time not known: no earlier run"), "{said}");
    assert!(said.contains("a short run tells the time"), "{said}");
}
