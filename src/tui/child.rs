//! Starting this program again beside the terminal, in a process group of its own.

use super::worker::Places;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Starts this program with these arguments. It has no terminal, and outlives this one.
pub fn start(places: &Places, arguments: &[String]) -> io::Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .arg("--sessions")
        .arg(&places.sessions)
        .arg("--checkpoints")
        .arg(&places.checkpoints)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    // Nobody else would take the child's end.
    std::thread::spawn(move || child.wait());
    Ok(())
}
