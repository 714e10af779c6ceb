//! A day at the workbench on a real pseudo-terminal: a run is started from its form, watched, left, the
//! viewer is killed, the run held and let go on, saved, stopped, compared, inspected, exported and
//! replayed: sought, played, scrubbed, marked, and written as a film. Nothing waits for time, everything
//! for what it expects to see; and what was done stands in the record.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod terminal;

use llm2clip::recipe::names;
use llm2clip::session::folder::list_sessions;
use llm2clip::session::sitting::{read_sittings, sittings_in};
use llm2clip::soak::SHAPES;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use terminal::Terminal;

const SIZE: (u16, u16) = (120, 40);

/// A run that would go on for long, of steps that take no time.
const PLAN: [&str; 6] = [
    "steps=30000",
    "warmup=1",
    "batch=6",
    "max_tokens=24",
    "checkpoint_every=29000",
    "validate_every=0",
];

fn open(folder: &Path) -> Terminal {
    Terminal::start(folder, &[], SIZE, &[("LLM2CLIP_THREADS", "1"), ("LLM2CLIP_DEVICE", "cpu")])
}

/// Asks the run to end, whatever became of the test: nobody else would.
struct Stopper<'a>(&'a Path);

impl Drop for Stopper<'_> {
    fn drop(&mut self) {
        let mut stop = Command::new(env!("CARGO_BIN_EXE_llm2clip"));
        stop.env("LLM2CLIP_CONFIG", "none");
        let _ = stop.current_dir(self.0).args(["stop", "clip-1", "--quiet"]).output();
    }
}

/// The step of `step   1,234/30,000`.
fn step(screen: &str) -> Option<u32> {
    let mut after = screen.split("step ").skip(1);
    after.find_map(|rest| rest.trim_start().split_once("/30,000")?.0.replace(',', "").parse().ok())
}

/// Where a replay stands: the 1234 of `record 1,234 of 2,000`.
fn record(screen: &str) -> Option<u32> {
    let (before, _) = screen.rsplit_once("record ")?.1.split_once(" of ")?;
    before.replace(',', "").parse().ok()
}

/// Presses the mouse on the bar of a replay, in its middle: it lies over the line of the records.
fn press_bar(terminal: &mut Terminal) {
    let below = |line: &String| line.contains("record ") && line.contains(" UTC ");
    let row = terminal.rows().iter().rposition(below).unwrap();
    let column = SIZE.0 / 2;
    terminal.keys(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
}

/// The records of all sittings of a session.
fn recorded(session: &Path) -> Vec<Value> {
    let logs = sittings_in(session).unwrap().into_values();
    let lines = logs.flat_map(|log| {
        let text = std::fs::read_to_string(log).unwrap();
        // A viewer that was killed may have left half a line.
        let read = |line: &str| serde_json::from_str::<Value>(line).ok();
        text.lines().skip(1).filter_map(read).collect::<Vec<Value>>()
    });
    lines.collect()
}

#[test]
fn a_run_is_started_watched_left_held_saved_stopped_compared_inspected_exported_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("sessions")).unwrap();
    std::fs::create_dir(root.join("checkpoints")).unwrap();

    // Started from the form.
    let _stopper = Stopper(root);
    let mut terminal = open(root);
    terminal.see("No runs yet");
    terminal.keys("n");
    terminal.see("A new run");
    let place = names().iter().position(|name| *name == "clip").unwrap();
    terminal.keys(&"\x1b[C".repeat(place));
    terminal.see("[clip]");
    // On to the line that sets several keys at once.
    terminal.keys("\x1b[B");
    let towers = SHAPES.iter().take_while(|set| !set.starts_with("llama"));
    let sets: Vec<&str> = PLAN.iter().chain(towers).copied().collect();
    terminal.keys(&sets.join(" "));
    terminal.see("batch: 128 becomes 6");
    // Enter goes on to the next line; the start is an act of its own, and asks first.
    terminal.keys("\r");
    terminal.see("now, or after a run that is at work");
    terminal.keys("\x13");
    terminal.see("Start clip? 30,000 steps");
    terminal.keys("y");
    terminal.wait("the run", |screen| screen.contains("clip-1") && screen.contains("live"));
    terminal.see("clip-1 has started: enter opens it");

    // Watched.
    terminal.keys("\r");
    terminal.see("progress");
    terminal.wait("some steps", |screen| step(screen) > Some(3));

    // Left: it goes on, and the shell is told.
    terminal.keys("q");
    terminal.sends("goes on; `llm2clip` comes back to it");
    assert_eq!(terminal.end().0, 0);

    // Come back to; then the viewer is killed, and the run goes on all the same.
    let mut terminal = open(root);
    terminal.wait("the run", |screen| screen.contains("clip-1") && screen.contains("live"));
    terminal.keys("\r");
    terminal.wait("more steps", |screen| step(screen) > Some(5));
    let before = step(&terminal.screen()).unwrap();
    let process = rustix::process::Pid::from_raw(terminal.child.process_id().unwrap() as i32);
    rustix::process::kill_process(process.unwrap(), rustix::process::Signal::KILL).unwrap();
    terminal.end();
    let mut terminal = open(root);
    terminal.see("clip-1");
    terminal.keys("\r");
    terminal.wait("steps after the viewer's death", |screen| step(screen) > Some(before));

    // Held at a step, and let go on from there.
    terminal.keys("P");
    terminal.see("to pause at its next step?");
    terminal.keys("y");
    terminal.see("paused clip-1");
    terminal.see("pause done");
    let held = step(&terminal.screen()).unwrap();
    terminal.keys("R");
    terminal.see("Let clip-1 continue?");
    assert_eq!(step(&terminal.screen()), Some(held), "a paused run made a step");
    terminal.keys("y");
    terminal.see("continue done");
    terminal.wait("steps after the pause", |screen| {
        screen.contains("live clip-1") && step(screen) > Some(held)
    });

    // Saved and stopped, each asked for and then done.
    terminal.keys("C");
    terminal.see("checkpoint at its next step?");
    terminal.keys("y");
    terminal.see("checkpoint done");
    terminal.keys("K");
    terminal.see("save a checkpoint and end?");
    terminal.keys("y");
    terminal.see("stopped clip-1");

    // Compared: its tower whole, and cut short.
    terminal.keys("3");
    terminal.keys("n");
    terminal.see("A new comparison");
    terminal.keys("\t \t \t\t--pool 12\t");
    terminal.see("caption [image]");
    terminal.keys("whole=clip-1/clip,short=clip-1/clip[max_tokens=3]");
    terminal.see("compares 2");
    terminal.keys("\r");
    terminal.see("image comparison of 2 on emoji: done");
    terminal.wait("both rows", |screen| screen.contains("whole") && screen.contains("short"));

    // Inspected: a note on a query, a typed text, and a choice among typed texts.
    terminal.keys("4");
    terminal.see("both-right");
    terminal.keys("whm\r");
    terminal.see("note: hm");
    terminal.keys("Aa cat");
    terminal.see(" ask a cat");
    terminal.keys("\r");
    terminal.wait("the answer", |screen| {
        screen.contains("typed, text-to-") && screen.matches(" ms ").count() == 2
    });
    terminal.keys("g");
    terminal.keys("j");
    terminal.keys("c");
    terminal.see("choose among");
    terminal.keys("a cat, a red heart, a flag\r");
    terminal.wait("the choice", |screen| screen.contains("zero-shot: ") && screen.contains(" % "));

    // Looked into: its tests hold.
    terminal.keys("e");
    terminal.see("An encoder looked into");
    terminal.keys("\r");
    terminal.see("its tests hold");
    terminal.see("tokens, pooled by");
    terminal.keys("\x1b");
    terminal.wait("the sheet to close", |screen| !screen.contains("An encoder looked into"));

    // Exported.
    terminal.keys("E");
    terminal.see("writes to");
    terminal.keys("\x15out");
    terminal.see(&format!("{}/out", root.file_name().unwrap().to_string_lossy()));
    terminal.keys("\r");
    terminal.wait("the export's end", |screen| screen.contains(" files in out"));
    for file in ["export.json", "compare.csv", "series.csv"] {
        assert!(root.join("out").join(file).exists(), "{file}");
    }

    terminal.keys("\x1b");
    terminal.wait("the form to close", |screen| !screen.contains("space takes or leaves one"));

    // Replayed: from mark to mark.
    terminal.keys("5");
    terminal.see("replay of");
    terminal.keys("g");
    terminal.wait("the beginning", |screen| record(screen).is_some_and(|at| at < 2));
    terminal.keys("]");
    terminal.wait("the first mark", |screen| record(screen) > Some(1));
    // Sought: the run alone, at a step of its own.
    terminal.keys("as");
    terminal.see("step, time or share");
    terminal.keys("5\r");
    terminal.wait("the fifth step", |screen| step(screen) == Some(5));
    terminal.keys("mthe fifth\r");
    terminal.see("is marked");
    // Played and held, scrubbed by keys and by the mouse.
    let before = record(&terminal.screen());
    terminal.keys(" ");
    terminal.see("▶ playing");
    terminal.wait("records to pass", |screen| record(screen) > before);
    terminal.keys(" ");
    terminal.wait("the replay to be held", |screen| {
        screen.contains("‖ held") && !screen.contains("▶ playing")
    });
    let held = record(&terminal.screen());
    terminal.keys("l");
    terminal.wait("five seconds on", |screen| record(screen) > held);
    terminal.keys("h");
    terminal.wait("five seconds back", |screen| record(screen) <= held);
    press_bar(&mut terminal);
    terminal.wait("the middle", |screen| record(screen) > held);

    // Written as a film, sixteen times as fast, and as a picture of this moment.
    terminal.keys(">>>>");
    terminal.see("16 times as fast");
    for file in ["day.cast", "now.svg"] {
        terminal.keys("w");
        terminal.see("write to .cast, .svg or .txt");
        terminal.keys(&format!("\x15{file}\r"));
        terminal.see(&format!("it lies at {file}"));
    }
    let film = std::fs::read_to_string(root.join("day.cast")).unwrap();
    assert!(film.starts_with("{\"") && film.lines().count() > 3);
    assert!(std::fs::read_to_string(root.join("now.svg")).unwrap().starts_with("<svg "));

    // Back to the run.
    terminal.keys("GT");
    terminal.see("stopped clip-1");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);

    // What was done stands in the record.
    let session = list_sessions(&root.join("sessions")).unwrap().pop().unwrap();
    let place = root.join("sessions").join(session.as_str());
    let records = recorded(&place);
    let holds = |key: &str, value: &str| {
        let is = |with: &Value| with[key] == value || with[key][0] == value;
        records.iter().any(|one| one["event"] == "acted" && is(&one["with"]))
    };
    for command in ["pause", "continue", "checkpoint", "stop"] {
        assert!(holds("command", command), "{command} in {records:?}");
    }
    for started in ["train", "compare", "export", "replay"] {
        assert!(holds("started", started), "{started} in {records:?}");
    }
    assert!(holds("text", "5") && holds("by", "mouse"), "{records:?}");
    let state = read_sittings(&place).unwrap();
    assert_eq!(state.answers.kept.len(), 2);
    assert!(state.notes.values().any(|note| note.text == "hm"));
    assert!(state.marks.values().any(|mark| mark.label == "the fifth" && mark.at.step == Some(5)));
    assert!(state.sittings >= 3);
}
