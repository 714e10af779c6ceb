//! Starting this program again beside the terminal: a command that detaches its runner and ends.

use super::msg::{Msg, News};
use super::text;
use super::worker::Places;
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;

/// Runs this program with these arguments and tells how it ended. The command itself detaches the
/// runner, so what is started outlives this terminal.
pub fn start(places: &Places, arguments: Vec<String>, what: String, messages: Sender<Msg>) {
    let places = places.clone();
    std::thread::spawn(move || {
        let news = match run(&places, &arguments) {
            Ok(()) => News::Said(what),
            Err(why) => News::Failed(format!("{}: {why}", arguments.join(" "))),
        };
        let _ = messages.send(Msg::News(news));
    });
}

fn run(places: &Places, arguments: &[String]) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(arguments)
        .arg("--sessions")
        .arg(&places.sessions)
        .arg("--checkpoints")
        .arg(&places.checkpoints)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(text::safe(last))
}
