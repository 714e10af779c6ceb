//! The program on a pseudo-terminal with a screen model: type keys, wait for what is expected to be
//! seen, never for time.

#![allow(dead_code)]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long anything may take to be seen on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

struct Seen {
    screen: vt100::Parser,
    bytes: usize,
    sent: Vec<u8>,
    ended: bool,
    /// The reader shall let go of the terminal.
    leaving: bool,
    /// The reader takes nothing for now.
    blocked: bool,
}

/// A running program and its screen.
pub struct Terminal {
    pub child: Box<dyn Child + Send + Sync>,
    pub master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts the program in a folder, on a terminal of that size, with a clean environment.
    pub fn start(
        folder: &Path,
        args: &[&str],
        size: (u16, u16),
        environment: &[(&str, &str)],
    ) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_llm2clip"), folder, args, size, environment)
    }

    pub fn start_program(
        program: &str,
        folder: &Path,
        args: &[&str],
        (cols, rows): (u16, u16),
        environment: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.cwd(folder);
        command.env_clear();
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("PATH", "/usr/bin:/bin"),
            ("HOME", "/nonexistent"),
            ("LANG", "C.UTF-8"),
        ] {
            command.env(name, value);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(rows, cols, 0);
        let (sent, ended, leaving, blocked) = (Vec::new(), false, false, false);
        let seen = Seen { screen, bytes: 0, sent, ended, leaving, blocked };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let shared = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let got = reader.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                if got == 0 {
                    seen.ended = true;
                } else {
                    seen.screen.process(&buffer[..got]);
                    seen.bytes += got;
                    seen.sent.extend_from_slice(&buffer[..got]);
                }
                shared.1.notify_all();
                while seen.blocked && !seen.leaving {
                    seen = shared.1.wait(seen).unwrap();
                }
                if got == 0 || seen.leaving {
                    break;
                }
            }
        });
        Self { child, master: Some(pair.master), keys: Some(keys), seen, reader: Some(reader) }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        self.seen.0.lock().unwrap().screen.screen().contents()
    }

    /// Bytes the program has written so far.
    pub fn bytes(&self) -> usize {
        self.seen.0.lock().unwrap().bytes
    }

    /// Clock ticks that the program has computed, in all its threads.
    pub fn ticks(&self) -> u64 {
        let id = self.child.process_id().unwrap();
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let (_, fields) = text.rsplit_once(") ").unwrap();
        let number = |at: usize| fields.split(' ').nth(at).unwrap().parse::<u64>().unwrap();
        number(11) + number(12)
    }

    /// Waits until the program has sent these bytes, whatever they look like.
    pub fn sends(&self, wanted: &str) {
        self.sends_again(wanted, 0);
    }

    /// Waits until the program has sent these bytes more often than that.
    pub fn sends_again(&self, wanted: &str, times: usize) {
        let began = Instant::now();
        let mut seen = self.seen.0.lock().unwrap();
        while count(&seen.sent, wanted) <= times {
            assert!(!seen.ended && began.elapsed() < PATIENCE, "{wanted:?} was not sent");
            seen = self.seen.1.wait_timeout(seen, Duration::from_millis(500)).unwrap().0;
        }
    }

    /// How often the program has sent these bytes so far.
    pub fn times_sent(&self, wanted: &str) -> usize {
        count(&self.seen.0.lock().unwrap().sent, wanted)
    }

    /// Whether the program has sent these bytes so far.
    pub fn has_sent(&self, wanted: &str) -> bool {
        self.times_sent(wanted) > 0
    }

    /// All that the program has sent so far.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.seen.0.lock().unwrap().sent).into_owned()
    }

    /// All that the program has sent, once it has let go of the terminal.
    pub fn all(&self) -> Vec<u8> {
        let began = Instant::now();
        let mut seen = self.seen.0.lock().unwrap();
        while !seen.ended {
            assert!(began.elapsed() < PATIENCE, "the program's output does not end");
            seen = self.seen.1.wait_timeout(seen, Duration::from_millis(500)).unwrap().0;
        }
        seen.sent.clone()
    }

    /// Waits until the screen is as wanted.
    pub fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let began = Instant::now();
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            let text = seen.screen.screen().contents();
            if wanted(&text) {
                return;
            }
            assert!(!seen.ended, "the program ended before {what}; the screen:\n{text}");
            assert!(began.elapsed() < PATIENCE, "waited too long for {what}; the screen:\n{text}");
            seen = self.seen.1.wait_timeout(seen, Duration::from_millis(500)).unwrap().0;
        }
    }

    /// Waits until a text is on the screen.
    pub fn see(&self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    /// The lines of the screen, from the top.
    pub fn rows(&self) -> Vec<String> {
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.screen.screen();
        screen.rows(0, screen.size().1).collect()
    }

    /// Another size, as a window that is dragged.
    pub fn resize(&self, cols: u16, rows: u16) {
        self.seen.0.lock().unwrap().screen.screen_mut().set_size(rows, cols);
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// The terminal takes what the program writes, or nothing more: what was on its way is taken first.
    pub fn takes(&self, takes: bool) {
        self.seen.0.lock().unwrap().blocked = !takes;
        self.seen.1.notify_all();
    }

    /// The terminal hangs up: the last hold on its far side goes. The reader waits in a read, so a
    /// repaint is asked for, after which it lets go.
    pub fn hang_up(&mut self) {
        self.seen.0.lock().unwrap().leaving = true;
        self.seen.1.notify_all();
        self.keys("\x0c");
        self.reader.take().unwrap().join().unwrap();
        self.keys = None;
        self.master = None;
    }

    /// Waits for the program's end; its exit code, and how long that took.
    pub fn end(&mut self) -> (u32, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.exit_code(), began.elapsed());
            }
            if began.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("the program did not end; the screen:\n{}", self.screen());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How often these bytes stand in those that were sent.
fn count(sent: &[u8], wanted: &str) -> usize {
    sent.windows(wanted.len()).filter(|part| *part == wanted.as_bytes()).count()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
