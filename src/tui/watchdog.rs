//! Signals, and the end of the terminal: when it hangs up, the workbench is gone within a second, whatever
//! the other threads do. crossterm 0.29 would read its dead terminal for ever.

use super::msg::Msg;
use super::terminal;
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Exit code after a hang-up: 128 and the signal's number.
const HUNG_UP: i32 = 129;
/// How long putting the terminal back may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// Starts both threads.
pub fn start(messages: Sender<Msg>) -> io::Result<()> {
    // A terminal in raw mode sends none of these; somebody else may.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // Where nobody listens any more, the terminal is given back already.
            let _ = match signal {
                SIGTSTP => messages.send(Msg::Suspend),
                SIGCONT if terminal::goes_on() => messages.send(Msg::Resumed),
                SIGCONT => Ok(()),
                _ => end(signal),
            };
        }
    });
    std::thread::spawn(|| {
        loop {
            let stdin = rustix::stdio::stdin();
            let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
            // With no events asked for, only an end wakes it: no time-out, no cost.
            match poll(&mut watched, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
                Ok(_) => {
                    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
                    if watched[0].revents().intersects(gone) {
                        std::process::exit(HUNG_UP);
                    }
                }
            }
        }
    });
    Ok(())
}

/// Puts the terminal back and ends the program, as a signal wants it.
fn end(signal: i32) -> ! {
    // Writing to a terminal that takes nothing any more may block.
    let restoring = std::thread::spawn(terminal::leave);
    let began = Instant::now();
    while !restoring.is_finished() && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::process::exit(128 + signal);
}
