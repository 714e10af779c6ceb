//! The workbench on a real pseudo-terminal: opening, moving, leaving, hanging up, resting.

#![allow(clippy::unwrap_used, clippy::panic)]

mod program;
mod terminal;
mod waiting;

use llm2clip::session::RunStatus;
use llm2clip::session::folder::list_sessions;
use program::rows;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::time::Duration;
use terminal::Terminal;
use waiting::until;

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

/// Sends the program a signal.
fn send(terminal: &Terminal, signal: Signal) {
    let id = Pid::from_raw(terminal.child.process_id().unwrap() as i32).unwrap();
    kill_process(id, signal).unwrap();
}

/// Where a replay stands: `record 1,014 of 1,014`.
fn place(screen: &str) -> Option<(u32, u32)> {
    let line = screen.lines().rfind(|line| line.contains(" UTC "))?;
    let (at, all) = line.split_whitespace().last()?.split_once('/')?;
    let number = |text: &str| text.replace(',', "").parse().ok();
    Some((number(at)?, number(all)?))
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
    terminal.see("44x8");
    terminal.resize(120, 40);
    terminal.see("log of causal-lm-1");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

/// Asks the run to end, whatever became of the test: nobody else would.
struct Stopper<'a>(&'a Path);

impl Drop for Stopper<'_> {
    fn drop(&mut self) {
        let mut stop = std::process::Command::new(env!("CARGO_BIN_EXE_llm2clip"));
        stop.env("LLM2CLIP_CONFIG", "none").current_dir(self.0);
        let _ = stop.args(["stop", "demo-1", "--quiet"]).output();
    }
}

#[test]
fn the_demo_opens_on_its_run_and_goes_on_without_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sessions", "checkpoints"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let stopper = Stopper(folder.path());
    let modest = [("LLM2CLIP_THREADS", "1"), ("LLM2CLIP_DEVICE", "cpu")];
    let mut terminal = Terminal::start(folder.path(), &["demo"], (120, 40), &modest);
    terminal.wait("the run", |screen| {
        screen.contains("demo-1") && screen.contains("1 live") && screen.contains("progress")
    });
    terminal.keys("\x03");
    terminal.sends("demo-1 live: goes on; `llm2clip` comes back to it");
    assert_eq!(terminal.end().0, 0);
    let state = || rows(folder.path()).first().map(|row| row.state);
    assert_eq!(state(), Some(RunStatus::Live));
    drop(stopper);
    until("the run's end", || state() == Some(RunStatus::Stopped));
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
    let folder = folder();
    for (signal, code) in [(Signal::INT, 130), (Signal::QUIT, 131), (Signal::TERM, 143)] {
        let mut terminal = Terminal::start(folder.path(), &["--readonly"], (80, 24), &[]);
        terminal.see("causal-lm-1");
        send(&terminal, signal);
        let (ended, took) = terminal.end();
        assert_eq!(ended, code);
        assert!(took < Duration::from_secs(1), "{took:?}");
        terminal.sends("\x1b[?1049l");
        terminal.sends("\x1b[?25h");
    }
}

#[test]
fn a_session_that_is_not_there_is_refused_and_one_that_is_opens() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &["--session", "nosuch"], (80, 24), &[]);
    assert_eq!(terminal.end().0, 2);
    let mut terminal = Terminal::start(folder.path(), &["--session", "causal-lm"], (80, 24), &[]);
    terminal.see("causal-lm-1");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn nothing_is_painted_once_a_signal_has_given_the_terminal_back() {
    let folder = folder();
    // Whole frames are under way when it comes: each key asks for one.
    for keys in [1, 2, 3, 1, 2, 3, 1, 2] {
        let mut terminal = Terminal::start(folder.path(), &["--readonly"], (200, 60), &[]);
        terminal.see("causal-lm-1");
        terminal.keys(&"\x0c".repeat(keys));
        send(&terminal, Signal::TERM);
        assert_eq!(terminal.end().0, 143);
        let all = String::from_utf8_lossy(&terminal.all()).into_owned();
        let after = all.rsplit_once("\x1b[?1049l").unwrap().1;
        assert_eq!(after, "\x1b[?25h", "after {keys} keys");
    }
}

#[test]
fn every_way_of_stopping_it_leaves_to_the_shell_and_fg_comes_back() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_llm2clip");
    // A shell with jobs. Its lines are read from the terminal: an empty one lets it go on.
    let command = format!(
        "set -m; stty -a > before; sh -c 'echo $$ > id; exec \"$0\" --readonly' '{program}'; \
         stty -a > first; echo aside once; read line; fg; \
         stty -a > second; echo aside twice; read line; fg; \
         echo aside thrice; read line; fg; \
         echo \"it ended with $?\"; stty -a > after; read line"
    );
    let mut terminal =
        Terminal::start_program("/bin/sh", folder.path(), &["-c", &command], (100, 24), &[]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    // It hears single keys, and paints whole frames.
    let works = |terminal: &mut Terminal| {
        terminal.wait("the screen", |screen| {
            screen.contains("1 of 1 runs") && !screen.contains("aside")
        });
        terminal.keys("?");
        terminal.see("Keys on Runs");
        terminal.keys("?");
        terminal.wait("help to close", |screen| !screen.contains("Keys on Runs"));
    };
    works(&mut terminal);
    let id = Pid::from_raw(read("id").trim().parse().unwrap()).unwrap();

    terminal.keys("\x1a");
    terminal.see("aside once");
    assert!(!terminal.screen().contains("1 of 1 runs"));
    assert_eq!(read("before"), read("first"));
    terminal.keys("\r");
    works(&mut terminal);

    kill_process(id, Signal::TSTP).unwrap();
    terminal.see("aside twice");
    assert!(!terminal.screen().contains("1 of 1 runs"));
    assert_eq!(read("before"), read("second"));
    terminal.keys("\r");
    works(&mut terminal);

    // This one cannot be heard: the shell gets the terminal as it is.
    kill_process(id, Signal::STOP).unwrap();
    terminal.see("aside thrice");
    terminal.keys("\n");
    works(&mut terminal);

    terminal.keys("q");
    terminal.see("it ended with 0");
    terminal.keys("\r");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(read("before"), read("after"));
}

#[test]
fn where_no_shell_waits_behind_it_it_does_not_stop_and_says_so() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &["--readonly"], (100, 24), &[]);
    terminal.see("causal-lm-1");
    terminal.keys("\x1a");
    terminal.see("no shell waits behind this program");
    terminal.keys("?");
    terminal.wait("help alone", |screen| {
        screen.contains("Keys on Runs") && !screen.contains("no shell waits")
    });
    terminal.keys("?");
    terminal.wait("help to close", |screen| !screen.contains("Keys on Runs"));
    send(&terminal, Signal::TSTP);
    terminal.see("no shell waits behind this program");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn where_there_is_no_session_the_first_thing_done_opens_one_and_leaving_opens_none() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sessions", "checkpoints"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let sessions = folder.path().join("sessions");
    let days: [(&[&str], bool, usize); 3] =
        [(&[], false, 0), (&["--readonly"], true, 0), (&[], true, 1)];
    for (arguments, helped, opened) in days {
        let mut terminal = Terminal::start(folder.path(), arguments, (80, 24), &[]);
        terminal.see("No runs yet");
        if helped {
            terminal.keys("?");
            terminal.see("Keys on Runs");
            terminal.keys("?");
            terminal.wait("help to close", |screen| !screen.contains("Keys on Runs"));
        }
        terminal.keys("q");
        assert_eq!(terminal.end().0, 0);
        assert_eq!(list_sessions(&sessions).unwrap().len(), opened, "{arguments:?} {helped}");
    }
    let session = list_sessions(&sessions).unwrap().remove(0);
    assert!(session.as_str().contains("-workbench-"));
    let log = fs::read_to_string(sessions.join(session.as_str()).join("ui-1.jsonl")).unwrap();
    let place = |words: &str| log.find(words).unwrap_or_else(|| panic!("{words}: {log}"));
    // Help, its closing, the end.
    assert!(place("\"help\"") < place("\"close\"") && place("\"close\"") < place("\"left\""));
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
