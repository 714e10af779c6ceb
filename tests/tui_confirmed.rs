//! What was confirmed at a real pseudo-terminal is done, although it is left at once and a long session
//! is still being opened.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "session_log/examples.rs"]
#[allow(dead_code, unused_imports)]
mod examples;
mod terminal;

use examples::{at, run_started, stage_started, step};
use llm2clip::ids::RunName;
use llm2clip::session::event::Event;
use llm2clip::session::header::Header;
use llm2clip::session::{Record, Session, SessionCard};
use std::fs::{self, File};
use std::io::Write;
use terminal::Terminal;

/// Records of the log: more than is read and opened in half a second.
const RECORDS: u64 = 60_000;

fn event(seq: u64) -> Event {
    match seq {
        1 => run_started(1, None).into(),
        2 => stage_started("clip", 0, 0).into(),
        seq => step("clip", seq, 1.0).into(),
    }
}

#[test]
fn a_stop_that_was_confirmed_lies_in_the_mailbox_although_q_follows_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("sessions")).unwrap();
    fs::create_dir_all(folder.path().join("checkpoints")).unwrap();
    let card = SessionCard::new("Long", None, "machine".into(), "cpu".into(), 2);
    let session = Session::create(&folder.path().join("sessions"), card).unwrap();
    let run: RunName = "tiny-1".parse().unwrap();
    let path = session.folder().join("tiny-1.1.jsonl");
    let mut lines = Vec::new();
    serde_json::to_writer(&mut lines, &Header::of_run(session.id().clone(), run.clone(), 1))
        .unwrap();
    lines.push(b'\n');
    for seq in 1..=RECORDS {
        let record = Record::new(seq, at(seq as f64 / 100.0), event(seq));
        lines.extend(record.encode().unwrap());
    }
    let mut log = File::create(&path).unwrap();
    log.write_all(&lines).unwrap();
    // As its runner would hold it.
    log.try_lock().unwrap();

    let mut terminal = Terminal::start(folder.path(), &[], (120, 40), &[]);
    terminal.see("tiny-1");
    terminal.see("live");
    terminal.keys("5");
    terminal.see("Opening the session");
    terminal.keys("1");
    terminal.wait("the list of runs", |screen| !screen.contains("Opening the session"));
    terminal.keys("K");
    terminal.see("save a checkpoint and end");
    terminal.keys("yq");
    assert_eq!(terminal.end().0, 0);
    assert!(!terminal.has_sent("not done:"));
    let letters = fs::read_dir(session.control_folder(&run)).unwrap().count();
    assert_eq!(letters, 1);
    let sittings = fs::read_to_string(session.folder().join("ui-1.jsonl")).unwrap();
    assert!(sittings.contains("\"command\":\"stop\""), "{sittings}");
    assert!(sittings.trim_end().lines().next_back().unwrap().contains("\"left\""), "{sittings}");
}
