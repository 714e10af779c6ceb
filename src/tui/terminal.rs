//! The terminal as the workbench needs it, and as it was before: entering, leaving, and the lines that
//! others print meanwhile.

use super::canvas::{Canvas, Gate, within};
use super::msg::{Msg, News};
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{Command, cursor};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Button presses and the wheel, with large coordinates; no motion, which would cost traffic.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// Ends what a frame that was cut off may have left open: a picture's bytes, which would swallow what
/// follows, and the update that is shown as one.
const CUT_OFF: &[u8] = b"\x1b\\\x1b[?2026l";

/// Where the terminal is while standard output and error lead elsewhere.
static SAVED: Mutex<Option<Saved>> = Mutex::new(None);
/// Shut once the terminal is given back: a frame after that would stand in the user's shell.
static GATE: Gate = Gate::new();
/// How long a frame that is under way is waited for, and who else puts the terminal back.
const PATIENCE: Duration = Duration::from_millis(120);
/// Whether this program stopped itself and has not heard yet that it goes on.
static STOPPED: AtomicBool = AtomicBool::new(false);
/// How long stopping takes at most: the signal may reach another thread first.
const STOPPING: Duration = Duration::from_millis(500);

struct Saved {
    out: File,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

fn ansi(out: &mut impl Write, command: impl Command) -> io::Result<()> {
    let mut text = String::new();
    command.write_ansi(&mut text).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// The terminal while it is taken over. It is given back when this goes, whatever for: who fails after
/// taking it is heard.
#[derive(Debug)]
pub struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        leave();
    }
}

/// Takes the terminal over, and what anybody prints from here on becomes messages. Returns where to paint,
/// and what to keep until the terminal is to be as it was.
pub fn enter(messages: &Sender<Msg>) -> io::Result<(Canvas<File>, Taken)> {
    let stdout = rustix::io::dup(rustix::stdio::stdout())?;
    let stderr = rustix::io::dup(rustix::stdio::stderr())?;
    let out = File::from(rustix::io::dup(&stdout)?);
    let paint = out.try_clone()?;
    let (read, write) = rustix::pipe::pipe()?;
    let taken = Taken;
    enable_raw_mode()?;
    *saved() = Some(Saved { out, stdout, stderr });
    rustix::stdio::dup2_stdout(&write)?;
    rustix::stdio::dup2_stderr(&write)?;
    drop(write);
    let messages = messages.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(File::from(read)).split(b'\n') {
            let Ok(line) = line else { break };
            let line = super::text::safe(&String::from_utf8_lossy(&line));
            if messages.send(Msg::News(News::Printed(line))).is_err() {
                break;
            }
        }
    });
    if let Some(saved) = saved().as_mut() {
        dress(&mut saved.out)?;
    }
    Ok((Canvas::new(paint, &GATE), taken))
}

/// Takes the terminal again, raw, on its other screen and with its mouse, whatever others have made of it
/// meanwhile; nothing where it was given back for good.
pub fn resume() -> io::Result<()> {
    let mut saved = saved();
    let Some(saved) = saved.as_mut() else { return Ok(()) };
    // It would be taken for raw still, where it was made so and another program has changed it.
    disable_raw_mode()?;
    enable_raw_mode()?;
    dress(&mut saved.out)
}

fn saved() -> MutexGuard<'static, Option<Saved>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The alternate screen, the mouse, no cursor.
fn dress(out: &mut File) -> io::Result<()> {
    ansi(out, EnterAlternateScreen)?;
    ansi(out, EnableBracketedPaste)?;
    ansi(out, cursor::Hide)?;
    out.write_all(MOUSE_ON)?;
    out.flush()
}

fn undress(out: &mut File) -> io::Result<()> {
    out.write_all(MOUSE_OFF)?;
    ansi(out, DisableBracketedPaste)?;
    ansi(out, LeaveAlternateScreen)?;
    ansi(out, cursor::Show)?;
    out.flush()
}

/// Puts the terminal back as it was: nothing is painted after it. Safe to call twice, and from a panic's
/// hook.
pub fn leave() {
    let whole = GATE.close(PATIENCE);
    let Some(mut saved) = within(&SAVED, PATIENCE) else {
        let _ = disable_raw_mode();
        return;
    };
    if let Some(mut saved) = saved.take() {
        if !whole {
            let _ = saved.out.write_all(CUT_OFF);
        }
        let _ = undress(&mut saved.out);
        let _ = disable_raw_mode();
        let _ = rustix::stdio::dup2_stdout(&saved.stdout);
        let _ = rustix::stdio::dup2_stderr(&saved.stderr);
    }
}

/// Leaves to the shell until it is continued; whether there is a shell to continue it.
pub fn suspend() -> io::Result<bool> {
    if !has_shell()? {
        return Ok(false);
    }
    {
        let mut saved = saved();
        let Some(saved) = saved.as_mut() else { return Ok(true) };
        undress(&mut saved.out)?;
        disable_raw_mode()?;
    }
    STOPPED.store(true, Ordering::SeqCst);
    // The whole job, as the terminal would do it: a shell that waits for this program stops too. The
    // terminal's own signal is heard by this program, and so would not stop it.
    rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
    let began = Instant::now();
    while STOPPED.load(Ordering::SeqCst) && began.elapsed() < STOPPING {
        std::thread::sleep(Duration::from_millis(1));
    }
    resume()?;
    Ok(true)
}

/// Whether a shell made this job one of several: nobody would continue what a terminal began with.
fn has_shell() -> io::Result<bool> {
    Ok(rustix::process::getpgrp() != rustix::process::getsid(None)?)
}

/// Hears that this program goes on; whether somebody else had stopped it.
pub fn goes_on() -> bool {
    !STOPPED.swap(false, Ordering::SeqCst)
}
