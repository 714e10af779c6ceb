//! Logs of a million records and more: bounded memory, an index that can be thrown away, the newest
//! records first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "session_log/examples.rs"]
#[allow(dead_code, unused_imports)]
mod examples;

use examples::{at, checkpoint, run_started, stage, stage_started, step, validated};
use llm2clip::ids::{Digest, RunName};
use llm2clip::session::event::{Event, Heartbeat, ResumePoint, Warned};
use llm2clip::session::fold::{BESTS_KEPT, BUCKETS, NEWEST_KEPT, RunState, TAIL};
use llm2clip::session::follow::read_run;
use llm2clip::session::header::Header;
use llm2clip::session::index::{FOLD, index_path};
use llm2clip::session::tail::Budget;
use llm2clip::session::{Record, RunFollower, Session, SessionCard};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Steps whose log is long enough to be worth an index.
const LONG: u64 = 12_000;

fn run() -> RunName {
    "tiny-1".parse().unwrap()
}

/// The events of so many steps, with what comes in between.
fn events(steps: u64) -> impl Iterator<Item = Event> {
    let begin: [Event; 2] = [run_started(1, None).into(), stage_started("clip", 0, 0).into()];
    begin.into_iter().chain((1..=steps).flat_map(|at| {
        let loss = 1.0 / (1.0 + at as f64 / 1e4) + ((at * 7919) % 1000) as f64 / 9770.0;
        let mut made = step("clip", at, loss);
        // As a runner writes it.
        made.contrast = made.contrast.filter(|_| at.is_multiple_of(10));
        let mut some: Vec<Event> = vec![made.into()];
        if at.is_multiple_of(100) {
            some.push(validated("clip", at, loss).into());
        }
        if at.is_multiple_of(1000) {
            some.push(checkpoint("clip", at).into());
            some.push(Warned { what: format!("step {at}") }.into());
        }
        some
    }))
}

/// Writes a log of so many steps as a runner would, only faster. Returns its length in records.
fn write_log(path: &Path, session: &Session, steps: u64) -> u64 {
    let header = Header::of_run(session.id().clone(), run(), 1);
    let mut out = BufWriter::new(File::create(path).unwrap());
    serde_json::to_writer(&mut out, &header).unwrap();
    out.write_all(b"\n").unwrap();
    let mut seq = 0;
    for event in events(steps) {
        seq += 1;
        let record = Record::new(seq, at(seq as f64 / 100.0), event);
        out.write_all(&record.encode().unwrap()).unwrap();
    }
    out.flush().unwrap();
    seq
}

fn long_session(root: &Path, steps: u64) -> (Session, PathBuf, u64) {
    let card = SessionCard::new("Long", None, "machine".into(), "cpu".into(), 2);
    let session = Session::create(root, card).unwrap();
    let log = session.folder().join("tiny-1.1.jsonl");
    let records = write_log(&log, &session, steps);
    (session, log, records)
}

/// The run read without any index.
fn plainly(folder: &Path) -> RunFollower {
    let mut follower = RunFollower::new(folder, run());
    follower.poll(Budget::ALL).unwrap();
    follower
}

fn assert_same(folder: &Path, what: &str) {
    let (plain, found) = (plainly(folder), read_run(folder, &run()).unwrap());
    assert!(plain.state() == found.state(), "{what}");
    assert_eq!(plain.oddities(), found.oddities(), "{what}");
}

#[test]
fn a_log_opened_by_its_index_tells_what_it_tells_without() {
    let root = tempfile::tempdir().unwrap();
    let (session, log, records) = long_session(root.path(), LONG);
    let folder = session.folder();
    OpenOptions::new().append(true).open(&log).unwrap().write_all(b"torn\n{\"seq\"").unwrap();
    let index = index_path(folder, &run());
    assert_same(folder, "first");
    assert!(index.exists());
    // By the index alone nothing is left to read.
    let mut opened = RunFollower::open(folder, run());
    assert_eq!(opened.state().last_seq, records);
    let mut seen = 0;
    opened.poll_with(Budget::ALL, |_| seen += 1).unwrap();
    assert_eq!(seen, 0);
    assert_same(folder, "by the index");
    // The runner was killed within a line; another segment goes on, and makes steps again.
    let (mut next, _) = session.continue_run(&run()).unwrap();
    let from =
        ResumePoint { stage: stage("clip"), index: 0, step: 11_000, path: None, digest: None };
    next.log.append(run_started(2, Some(from))).unwrap();
    for at in 11_001..11_400 {
        next.log.append(step("clip", at, 0.5)).unwrap();
    }
    assert_same(folder, "with another segment");
    drop(next);
    fs::remove_dir_all(index.parent().unwrap()).unwrap();
    assert_same(folder, "without an index");
    assert!(index.exists());
    assert_same(folder, "by the index of both segments");
}

#[test]
fn an_index_that_is_damaged_or_of_another_log_is_passed_over() {
    let root = tempfile::tempdir().unwrap();
    let (session, log, _) = long_session(root.path(), LONG);
    let folder = session.folder();
    read_run(folder, &run()).unwrap();
    let index = index_path(folder, &run());
    let whole = fs::read(&index).unwrap();
    for cut in [0, 1, 60, whole.len() / 2, whole.len() - 1] {
        fs::write(&index, &whole[..cut]).unwrap();
        assert_same(folder, "cut");
    }
    for place in [3, 70, whole.len() / 3, whole.len() - 2] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&index, &bytes).unwrap();
        assert_same(folder, "a bit turned over");
    }
    // A log of the same length that says something else, and one that is shorter.
    fs::write(&index, &whole).unwrap();
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replace("\"memory_bytes\":123456789", "\"memory_bytes\":987654321"))
        .unwrap();
    assert_same(folder, "another log");
    fs::write(&index, &whole).unwrap();
    fs::write(&log, &text[..=text[..text.len() / 2].rfind('\n').unwrap()]).unwrap();
    assert_same(folder, "a shorter log");
    // Where no folder can be made there is no index, and nothing is lost.
    fs::remove_dir_all(index.parent().unwrap()).unwrap();
    fs::write(index.parent().unwrap(), "").unwrap();
    assert_same(folder, "no place");
}

#[test]
fn the_newest_records_of_a_long_log_come_first() {
    let root = tempfile::tempdir().unwrap();
    let (session, log, records) = long_session(root.path(), LONG);
    let folder = session.folder();
    let newest = |seen: &mut Vec<u64>| {
        RunFollower::ahead(folder, &run(), |record| seen.push(record.seq)).unwrap()
    };
    let whole = plainly(folder);
    let (whole, mut seen) = (whole.state(), Vec::new());
    let mut glimpsed = newest(&mut seen);
    let state = glimpsed.state();
    assert_eq!((state.stages[0].step, state.stages[0].loss), (LONG, whole.stages[0].loss));
    assert_eq!((state.last_seq, state.last_time, state.gaps), (records, whole.last_time, 0));
    assert_eq!(state.started, whole.started);
    // Whole lines, in order, to the end, and not all of them.
    let expected: Vec<u64> = (seen[0]..=records).collect();
    assert!(seen == expected && seen.len() > 1000 && seen[0] > 1000, "{}", seen[0]);
    // What is written meanwhile is followed.
    let more = Record::new(records + 1, at(1.0), Heartbeat {}).encode().unwrap();
    OpenOptions::new().append(true).open(&log).unwrap().write_all(&more).unwrap();
    glimpsed.poll_with(Budget::LIVE, |record| seen.push(record.seq)).unwrap();
    assert_eq!(seen.last(), Some(&(records + 1)));
    // Half a state is never kept.
    glimpsed.keep_index();
    assert!(!index_path(folder, &run()).exists());
    let mut known = read_run(folder, &run()).unwrap();
    OpenOptions::new().append(true).open(&log).unwrap().write_all(&more).unwrap();
    known.poll(Budget::ALL).unwrap();
    seen.clear();
    let mut indexed = newest(&mut seen);
    assert_eq!(seen.last(), Some(&(records + 1)));
    indexed.poll_with(Budget::ALL, |record| seen.push(record.seq)).unwrap();
    assert!(indexed.state() == known.state());
    assert_eq!(seen[seen.len() - 3..], [records, records + 1, records + 1]);
    // A short log is read whole as fast.
    let (short, ..) = long_session(&root.path().join("short"), 100);
    assert!(RunFollower::ahead(short.folder(), &run(), |_| {}).is_none());
}

#[test]
fn a_short_log_has_no_index() {
    let root = tempfile::tempdir().unwrap();
    let (session, ..) = long_session(root.path(), 500);
    assert_same(session.folder(), "short");
    assert!(!session.folder().join(".index").exists());
}

/// Points, list entries and texts that a state holds.
fn held(state: &RunState) -> usize {
    let series = state.stages.iter().flat_map(|stage| stage.tracks.values().flatten());
    let points = series.map(|track| track.series.buckets().len() + track.series.tail().len());
    let lists = state.warnings.kept.len() + state.answers.kept.len() + state.produced.kept.len();
    let stages = state.stages.iter().map(|stage| stage.bests.len() + stage.checkpoints.len());
    points.sum::<usize>() + lists + stages.sum::<usize>() + state.segments.len()
}

#[test]
fn a_million_records_fold_while_a_bounded_state_is_held() {
    let (mut state, mut most, mut seq) = (RunState::default(), 0, 0);
    let mut at_a_tenth = 0;
    let mut events = events(u64::MAX).filter(|event| !matches!(event, Event::CheckpointSaved(_)));
    while seq < 1_000_000 {
        seq += 1;
        state.apply(Record::new(seq, at(seq as f64 / 100.0), events.next().unwrap()));
        if seq.is_multiple_of(10_000) {
            most = most.max(held(&state));
        }
        if seq == 100_000 {
            at_a_tenth = held(&state);
        }
    }
    let series = state.stages[0].tracks.len();
    assert_eq!(state.records, 1_000_000);
    assert!(most <= series * (BUCKETS + TAIL) + 3 * NEWEST_KEPT + BESTS_KEPT + 1, "{most}");
    // Ten times the records, and no more than the slack of thinning on top.
    assert!(most <= at_a_tenth * 2, "{most} of {at_a_tenth}");
    assert!(state.warnings.count > 900 && state.stages[0].bests.len() <= BESTS_KEPT);
}

/// Whoever changes the fold makes `v1.fold.json` again (`write_the_golden_files`): then an index of
/// the fold before must not be taken for one of this.
#[test]
fn another_fold_has_another_number() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs/v1.fold.json");
    let digest = Digest::of(&fs::read(golden).unwrap());
    assert_eq!((FOLD, digest.short()), (2, "a651b96561e8"), "raise FOLD in session/index.rs");
}

/// What the program itself holds at most while it does something, and how long it takes.
fn measured(root: &Path, args: &[&str]) -> (f64, u64) {
    let began = Instant::now();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_llm2clip"))
        .env("LLM2CLIP_CONFIG", "none")
        .arg("--sessions")
        .arg(root)
        .arg("--checkpoints")
        .arg(root)
        .args(args)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        let text = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert!(status.success());
    (began.elapsed().as_secs_f64(), peak / 1000)
}

/// `LONG_LOG=1000000 cargo test --release --test long_log -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn opening_a_long_log() {
    let wanted = std::env::var("LONG_LOG").ok().and_then(|text| text.parse().ok());
    let root = tempfile::tempdir().unwrap();
    let (session, log, records) = long_session(root.path(), wanted.unwrap_or(1_000_000));
    let bytes = fs::metadata(&log).unwrap().len();
    println!("{records} records, {:.1} MB", bytes as f64 / 1e6);
    let began = Instant::now();
    let glimpse = RunFollower::ahead(session.folder(), &run(), |_| {}).unwrap();
    println!("tail first: {:.3} s", began.elapsed().as_secs_f64());
    assert_eq!(glimpse.state().last_seq, records);
    let name = session.id().as_str();
    for what in ["session show, first", "session show, again"] {
        let (seconds, megabytes) = measured(root.path(), &["session", "show", name]);
        println!("{what}: {seconds:.2} s, {megabytes} MB");
    }
    let index = fs::metadata(index_path(session.folder(), &run())).unwrap().len();
    println!("index: {:.1} MB", index as f64 / 1e6);
    for (what, more) in [("replay --json", "--json"), ("replay --speed max", "--speed=max")] {
        let (seconds, megabytes) = measured(root.path(), &["replay", name, more]);
        println!("{what}: {seconds:.2} s, {megabytes} MB");
    }
}

#[test]
fn a_process_that_writes_nothing_writes_no_index() {
    let root = tempfile::tempdir().unwrap();
    let (session, ..) = long_session(root.path(), LONG);
    let show = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_llm2clip"));
        command.env("LLM2CLIP_CONFIG", "none");
        command.arg("--sessions").arg(root.path()).args(more);
        let output = command.args(["session", "show", session.id().as_str()]).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let before = show(&["--readonly"]);
    assert!(!session.folder().join(".index").exists());
    let first = show(&[]);
    assert!(session.folder().join(".index").exists());
    let again = show(&[]);
    let plain = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().filter(|line| !line.starts_with("files")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(plain(&before), plain(&first));
    assert_eq!(plain(&first), plain(&again));
}
