//! What befalls the workbench itself, on a real pseudo-terminal: it fails, and others print into it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod terminal;

use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use terminal::Terminal;

/// A folder without any session.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sessions", "checkpoints"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    folder
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Bytes of a stack, and KiB that the program may map: room for its first threads, and for no more.
const STACK: u64 = 1 << 30;
const ROOM: u64 = 2_900_000;

#[test]
fn a_panic_puts_the_terminal_back_and_tells_where_the_report_is() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_llm2clip");
    // The system refuses a thread once the screen is taken over, and the standard library panics.
    let command = format!(
        "stty -a > before; (ulimit -v {ROOM}; export RUST_MIN_STACK={STACK}; exec '{program}'); \
         echo \"it ended with $?\"; stty -a > after; read wait"
    );
    let mut terminal =
        Terminal::start_program("/bin/sh", folder.path(), &["-c", &command], (200, 24), &[]);
    terminal.see("it ended with 101");
    let screen = terminal.screen();
    assert!(screen.contains("failed to spawn thread"), "{screen}");
    let path = screen.split_once("runs go on. The report is ").unwrap().1;
    let path = path.lines().next().unwrap().trim();
    let report = read(folder.path(), path);
    assert!(Path::new(path).starts_with(folder.path().join("sessions/.reports")), "{path}");
    assert!(report.contains("failed to spawn thread"), "{report}");
    // What was taken over is given back: the other screen, the mouse, the cursor, and the line's ways.
    for (taken, given) in
        [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?1000h", "\x1b[?1000l"), ("\x1b[?25l", "\x1b[?25h")]
    {
        assert!(terminal.has_sent(taken) && terminal.has_sent(given), "{taken:?}");
    }
    terminal.keys("\r");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(read(folder.path(), "before"), read(folder.path(), "after"));
}

#[test]
fn what_fails_once_the_terminal_is_taken_gives_it_back_and_is_heard() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_llm2clip");
    let mut taken = 0;
    // Open files it may have: with the fewest it never takes the terminal, then it does and cannot go on.
    for files in 6..=11 {
        let command = format!(
            "stty -a > before; (ulimit -n {files}; exec '{program}' --readonly); \
             echo \"it ended with $?\"; stty -a > after; read wait"
        );
        let mut terminal =
            Terminal::start_program("/bin/sh", folder.path(), &["-c", &command], (100, 24), &[]);
        terminal.see("it ended with 1");
        terminal.see("error: the terminal failed");
        let took = terminal.has_sent("\x1b[?1049h");
        assert_eq!(took, terminal.has_sent("\x1b[?1049l"), "{files} files");
        taken += usize::from(took);
        terminal.keys("\r");
        assert_eq!(terminal.end().0, 0);
        assert_eq!(read(folder.path(), "before"), read(folder.path(), "after"), "{files} files");
    }
    assert!(taken > 0, "no limit let it take the terminal");
}

/// Bytes that the program has written to anything.
fn written(terminal: &Terminal) -> u64 {
    let id = terminal.child.process_id().unwrap();
    let text = fs::read_to_string(format!("/proc/{id}/io")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.unwrap().parse().unwrap()
}

/// The workbench before a terminal that takes nothing more: it is asked to repaint until it cannot.
fn blocked(folder: &Path) -> Terminal {
    let mut terminal = Terminal::start(folder, &["--readonly"], (200, 60), &[]);
    terminal.see("No run");
    terminal.takes(false);
    for _ in 0..200 {
        let before = written(&terminal);
        for _ in 0..5 {
            terminal.keys("\x0c");
            std::thread::sleep(Duration::from_millis(60));
        }
        if written(&terminal) == before {
            return terminal;
        }
    }
    panic!("it could always write");
}

#[test]
fn a_hang_up_ends_it_also_where_the_terminal_takes_nothing() {
    let folder = folder();
    let mut terminal = blocked(folder.path());
    terminal.hang_up();
    let (_, took) = terminal.end();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_signal_ends_it_also_where_the_terminal_takes_nothing() {
    let folder = folder();
    let mut terminal = blocked(folder.path());
    let id = Pid::from_raw(terminal.child.process_id().unwrap() as i32).unwrap();
    kill_process(id, Signal::TERM).unwrap();
    let (code, took) = terminal.end();
    assert_eq!(code, 143);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_terminal_that_takes_again_shows_what_is_there_now() {
    let folder = folder();
    let mut terminal = blocked(folder.path());
    terminal.keys("?");
    terminal.takes(true);
    terminal.see("Keys on Runs");
    terminal.keys("?");
    terminal.wait("help to close", |screen| !screen.contains("Keys on Runs"));
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn stray_prints_never_reach_the_screen_and_stand_in_the_log() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &["--readonly"], (100, 30), &[]);
    terminal.see("No run");
    let id = terminal.child.process_id().unwrap();
    for (number, name) in [(1, "output"), (2, "error")] {
        let place = format!("/proc/{id}/fd/{number}");
        // A library that prints into the program prints here.
        let to = fs::read_link(&place).unwrap();
        assert!(to.to_string_lossy().starts_with("pipe:"), "{name} leads to {to:?}");
        let mut stray = OpenOptions::new().write(true).open(&place).unwrap();
        writeln!(stray, "stray \x1b[2J words on {name}").unwrap();
    }
    terminal.keys("7");
    terminal.see("log of this program");
    terminal.see("words on output");
    terminal.see("words on error");
    // Escape codes of theirs are shown, and never sent.
    assert!(!terminal.has_sent("stray \x1b[2J"));
    terminal.see("stray \\u{1b}[2J words");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}
