//! A session's replay as an asciicast: valid, deterministic, and what the Replay screen shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod committed;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const SESSION: &str = "20261124-054028-causal-lm-62f551";

/// The session's replay, from a folder that holds it alone.
fn cast(folder: &Path, name: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_llm2clip"))
        .env("LLM2CLIP_CONFIG", "none")
        .current_dir(folder)
        .args(["--sessions", "sessions", "--checkpoints", "checkpoints"])
        .args(["replay", SESSION, "--speed", "600", "--size", "90x24", "--asciicast"])
        .arg(name)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_replay_is_an_asciicast_of_the_same_bytes_twice_and_ends_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    committed::session(SESSION, &folder.path().join("sessions"));
    let text = cast(folder.path(), "one.cast");
    assert_eq!(text, cast(folder.path(), "two.cast"));
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    assert_eq!(header["version"], 2);
    assert_eq!((header["width"].as_u64(), header["height"].as_u64()), (Some(90), Some(24)));
    let mut screen = vt100::Parser::new(24, 90, 0);
    let (mut last, mut events, mut balance) = (0.0, 0, 0_i64);
    for event in lines {
        let time = event[0].as_f64().unwrap();
        assert!(time >= last && event[1] == "o");
        let data = event[2].as_str().unwrap();
        balance += data.matches("\x1b[?2026h").count() as i64;
        balance -= data.matches("\x1b[?2026l").count() as i64;
        screen.process(data.as_bytes());
        (last, events) = (time, events + 1);
    }
    assert_eq!(balance, 0);
    assert!(events > 10, "{events} frames");
    let shown = screen.screen().contents();
    assert!(shown.contains("replay of") && shown.contains("record 1,014 of 1,014"), "{shown}");
}
