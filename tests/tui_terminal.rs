//! The workbench on a real pseudo-terminal: opening, moving, leaving, hanging up, resting.

#![allow(clippy::unwrap_used, clippy::panic)]

mod terminal;

use std::fs;
use std::path::Path;
use std::time::Duration;
use terminal::Terminal;

/// The log of the built-in Llama's training, which is committed.
const COMMITTED: &str = "20261124-054028-causal-lm-62f551";

/// A folder with the committed session alone: a user's own stand beside it in the repository.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("checkpoints")).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions").join(COMMITTED);
    let to = folder.path().join("sessions").join(COMMITTED);
    fs::create_dir_all(&to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Where a replay stands: `record 1,014 of 1,014`.
fn place(screen: &str) -> Option<(u32, u32)> {
    let mut words = screen.split_once("record ")?.1.split_whitespace();
    let mut number = || words.next()?.replace(',', "").parse().ok();
    let at = number()?;
    words.next();
    let mut number = || words.next()?.replace(',', "").parse().ok();
    Some((at, number()?))
}

#[test]
fn a_clone_shows_its_committed_session_and_q_leaves_with_code_0() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &[], (80, 24), &[]);
    terminal.see("causal-lm-1");
    terminal.see("done");
    terminal.keys("\r");
    terminal.see("progress");
    terminal.see("took");
    terminal.keys("?");
    terminal.see("Keys on Train");
    terminal.keys("\x1b");
    terminal.wait("help to close", |screen| !screen.contains("Keys on Train"));
    terminal.keys("5");
    // The run's 1,014 records; behind them stands what this sitting has recorded of itself.
    terminal.wait("the run's last record", |screen| {
        place(screen).is_some_and(|(at, all)| at == 1014 && all >= at)
    });
    terminal.keys("[");
    terminal.wait("the mark before", |screen| {
        place(screen).is_some_and(|(at, all)| at < 1014 && all >= 1014)
    });
    terminal.keys("7");
    terminal.see("log of causal-lm-1");
    terminal.resize(40, 10);
    terminal.see("60x16");
    terminal.resize(120, 40);
    terminal.see("log of causal-lm-1");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_pasted_text_is_typed_whole_and_none_of_its_letters_is_a_key() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &[], (80, 24), &[]);
    terminal.see("causal-lm-1");
    terminal.keys("\x1b[200~q\r5\x03\x1b[201~");
    terminal.keys("/");
    terminal.keys("\x1b[200~recipe:none\rq");
    terminal.keys("\x1b[31m\x1b[201~");
    terminal.see("recipe:none q[31m");
    terminal.keys("\x1b");
    terminal.wait("the line to close", |screen| !screen.contains("recipe:none"));
    terminal.see("1 of 1 runs");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_screen_at_rest_writes_no_bytes() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &["--readonly"], (100, 30), &[]);
    terminal.see("1 of 1 runs");
    terminal.see("digest");
    // A frame may still be under way: rest begins with two equal looks, half a second apart.
    let mut before = 0;
    while before != terminal.bytes() {
        before = terminal.bytes();
        std::thread::sleep(Duration::from_millis(500));
    }
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(terminal.bytes(), before);
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_hang_up_ends_the_workbench_within_a_second() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &[], (80, 24), &[]);
    terminal.see("causal-lm-1");
    terminal.hang_up();
    let (_, took) = terminal.end();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_hang_up_ends_it_also_where_sighup_is_ignored() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_llm2clip");
    let command = format!("trap '' HUP; exec {program}");
    let mut terminal =
        Terminal::start_program("/bin/sh", folder.path(), &["-c", &command], (80, 24), &[]);
    terminal.see("causal-lm-1");
    terminal.hang_up();
    let (_, took) = terminal.end();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = folder();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut terminal = Terminal::start(folder.path(), &["--readonly"], (80, 24), &[]);
        terminal.see("causal-lm-1");
        let id = terminal.child.process_id().unwrap();
        kill_process(Pid::from_raw(id as i32).unwrap(), signal).unwrap();
        let (ended, took) = terminal.end();
        assert_eq!(ended, code);
        assert!(took < Duration::from_secs(1), "{took:?}");
        terminal.sends("\x1b[?1049l");
        terminal.sends("\x1b[?25h");
    }
}

#[test]
fn without_a_terminal_it_says_so_and_the_request_was_wrong() {
    let folder = folder();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_llm2clip"))
        .env("LLM2CLIP_CONFIG", "none")
        .current_dir(folder.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a terminal"));
}
