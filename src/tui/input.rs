//! The threads that wait for keys and clicks, for the terminal's answers about pictures, and for its size.

use super::decode::{Decoder, Heard};
use super::msg::Msg;
use super::picture::detect::{Answers, PATIENCE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::SIGWINCH;
use signal_hook::iterator::Signals;
use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// The thread's name: without it the workbench hears nobody, so its panic ends the program.
pub const THREAD: &str = "keys";

/// Starts the threads. They end with the program, or when nobody listens. `size` is the one that is
/// known; `tell` takes the answers about pictures, at once where the terminal was not asked.
pub fn start(
    messages: Sender<Msg>,
    size: (u16, u16),
    asked: bool,
    tell: impl FnOnce(Answers) + Send + 'static,
) -> io::Result<()> {
    watch_size(messages.clone(), size)?;
    let thread = std::thread::Builder::new().name(THREAD.to_owned());
    let mut tell = Some(tell);
    if !asked && let Some(tell) = tell.take() {
        // Looking round may take a while also without a question.
        std::thread::spawn(move || tell(Answers::default()));
    }
    thread.spawn(move || {
        let ears = Ears { messages, answers: Answers::default(), tell };
        ears.hear(&rustix::stdio::stdin(), PATIENCE);
    })?;
    Ok(())
}

/// Tells of every change of the terminal's size.
fn watch_size(messages: Sender<Msg>, known: (u16, u16)) -> io::Result<()> {
    let mut signals = Signals::new([SIGWINCH])?;
    std::thread::spawn(move || {
        let now = || ratatui::crossterm::terminal::size().ok();
        // It may have changed between the first look and this one.
        let early = now().filter(|size| *size != known);
        let later = signals.forever().filter_map(|_| now());
        for (width, height) in early.into_iter().chain(later) {
            if messages.send(Msg::Resize { width, height }).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// What hears a terminal.
struct Ears<Tell> {
    messages: Sender<Msg>,
    /// What it has said of itself so far.
    answers: Answers,
    /// Who waits for that.
    tell: Option<Tell>,
}

impl<Tell: FnOnce(Answers)> Ears<Tell> {
    /// Hears a terminal until it ends or nobody listens. Keys are passed on as they come; answers are
    /// waited for beside them.
    fn hear(mut self, terminal: &impl AsFd, patience: Duration) {
        let mut decoder = Decoder::default();
        let asked = Instant::now();
        let mut read = asked;
        loop {
            if self.answers.complete || asked.elapsed() >= patience {
                self.answered();
            }
            let stale = decoder.patience().map(|patience| patience.saturating_sub(read.elapsed()));
            if stale.is_some_and(|left| left.is_zero()) {
                if !self.pass(decoder.give_up()) {
                    return;
                }
                continue;
            }
            let owed = self.tell.as_ref().map(|_| patience.saturating_sub(asked.elapsed()));
            let wait = [stale, owed].into_iter().flatten().min();
            let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
            let mut watched = [PollFd::new(terminal, PollFlags::IN)];
            match poll(&mut watched, wait.as_ref()) {
                Err(Errno::INTR) | Ok(0) => continue,
                Ok(_) if watched[0].revents().contains(PollFlags::IN) => {}
                _ => break,
            }
            let mut part = [0u8; 4096];
            let count = match rustix::io::read(terminal, &mut part) {
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(_) | Ok(0) => break,
                Ok(count) => count,
            };
            read = Instant::now();
            if !self.pass(decoder.feed(&part[..count])) {
                return;
            }
        }
        self.answered();
    }

    /// No more answers are waited for: one that comes later is heard, and changes nothing.
    fn answered(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(std::mem::take(&mut self.answers));
        }
    }

    /// Passes on what was heard; whether anybody listens.
    fn pass(&mut self, heard: impl IntoIterator<Item = Heard>) -> bool {
        for heard in heard {
            match heard {
                Heard::Answer(answer) => self.answers.take(answer),
                Heard::Done(msg) => {
                    if self.messages.send(msg).is_err() {
                        return false;
                    }
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;
    use std::sync::mpsc::{Receiver, channel};

    /// Longer than any test: what waits for it waits too long.
    const LONG: Duration = Duration::from_mins(10);

    struct Line {
        /// The terminal's end: what is written here is typed; dropping it hangs up.
        terminal: OwnedFd,
        messages: Receiver<Msg>,
        answers: Receiver<Answers>,
    }

    fn line(patience: Duration) -> Line {
        let (read, terminal) = rustix::pipe::pipe().unwrap();
        let (sender, messages) = channel();
        let (told, answers) = channel();
        std::thread::spawn(move || {
            let tell = move |answers: Answers| told.send(answers).unwrap();
            let ears = Ears { messages: sender, answers: Answers::default(), tell: Some(tell) };
            ears.hear(&read, patience);
        });
        Line { terminal, messages, answers }
    }

    impl Line {
        fn types(&self, bytes: &str) {
            assert_eq!(rustix::io::write(&self.terminal, bytes.as_bytes()), Ok(bytes.len()));
        }

        /// The next key, as the table writes it.
        fn key(&self) -> String {
            match self.messages.recv().unwrap() {
                Msg::Key(key) => key.to_string(),
                other => format!("{other:?}"),
            }
        }
    }

    #[test]
    fn no_key_waits_for_the_answer_about_pictures() {
        let line = line(LONG);
        line.types("j");
        assert_eq!(line.key(), "j");
        assert!(line.answers.try_recv().is_err());
        // An answer that comes in two pieces, and keys between its parts.
        line.types("k\x1bP>|foot(1.1");
        assert_eq!(line.key(), "k");
        line.types("6)\x1b\\\x1b[B\x1b[?62;4cl");
        assert_eq!([line.key(), line.key()], ["down", "l"]);
        let answers = line.answers.recv().unwrap();
        assert!(answers.complete && answers.sixel);
        assert_eq!(answers.version, "foot(1.16)");
        // Once more, which nobody asked for.
        line.types("\x1b[?62;4cm");
        assert_eq!(line.key(), "m");
    }

    #[test]
    fn a_terminal_that_never_answers_is_waited_for_so_long_and_a_late_answer_types_nothing() {
        let line = line(Duration::from_millis(1));
        assert_eq!(line.answers.recv().unwrap(), Answers::default());
        line.types("\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b[?62;4cj");
        assert_eq!(line.key(), "j");
    }

    #[test]
    fn an_escape_alone_is_a_key_and_a_hang_up_is_an_end() {
        let line = line(LONG);
        line.types("\x1b");
        assert_eq!(line.key(), "esc");
        drop(line.terminal);
        assert_eq!(line.answers.recv().unwrap(), Answers::default());
        assert!(line.messages.recv().is_err());
    }
}
