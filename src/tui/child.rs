//! Starting this program again beside the terminal: a command that detaches its runner and ends, one
//! that is watched until it has done its work, or one whose document is read.

use super::data::jobs::came_to;
use super::msg::{Msg, News};
use super::text;
use super::worker::Places;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

/// Runs this program with these arguments and tells how it ended. The command itself detaches the
/// runner, so what is started outlives this terminal.
pub fn start(places: &Places, arguments: Vec<String>, what: String, messages: Sender<Msg>) {
    // Here and now: who leaves at once has started it all the same, or is told that it could not be.
    let child = spawn(places, &arguments, Stdio::null());
    let tell = move |ended: Result<(), String>| {
        let news = match ended {
            Ok(()) => News::Said(what),
            Err(why) => News::Failed(format!("{}: {why}", arguments.join(" "))),
        };
        let _ = messages.send(Msg::News(news));
    };
    match child {
        Ok(child) => {
            std::thread::spawn(move || tell(attend(child, |_| {}).map(|_| ())));
        }
        Err(why) => tell(Err(why)),
    }
}

/// Runs this program with these arguments, tells every line it says on the way, and how it ended. It has
/// a process group of its own: what ends this terminal does not end it.
pub fn watch(places: &Places, id: u64, arguments: &[String], messages: Sender<Msg>) {
    let child = match spawn(places, arguments, Stdio::piped()) {
        Ok(child) => child,
        Err(why) => {
            let _ = messages.send(Msg::News(News::JobEnded(id, Err(why))));
            return;
        }
    };
    std::thread::spawn(move || {
        let said = messages.clone();
        let heard = |line: &str| {
            let _ = said.send(Msg::News(News::JobSaid(id, line.to_owned())));
        };
        let ended = attend(child, heard);
        let came_to = ended.map(|printed| came_to(&serde_json::from_slice(&printed).ok()?));
        let _ = messages.send(Msg::News(News::JobEnded(id, came_to)));
    });
}

/// Runs this program with these arguments and reads the one document it prints, whatever its exit code:
/// a test that failed is an answer too. Nobody waits for it once this terminal is gone.
pub fn document(places: &Places, arguments: &[String]) -> Result<Value, String> {
    let output = command(places, arguments)?
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if let Ok(document) = serde_json::from_slice(&output.stdout) {
        return Ok(document);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines().rfind(|line| line.starts_with("error")).or_else(|| lines().next_back());
    Err(text::safe(last.unwrap_or("it said nothing")))
}

fn command(places: &Places, arguments: &[String]) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(arguments).arg("--sessions").arg(&places.sessions);
    command.arg("--checkpoints").arg(&places.checkpoints);
    command.envs(places.environment.iter().cloned());
    Ok(command)
}

/// Starts it, in a process group of its own.
fn spawn(places: &Places, arguments: &[String], stdout: Stdio) -> Result<Child, String> {
    command(places, arguments)?
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())
}

/// Waits for its end; what it printed, where that is asked for.
fn attend(mut child: Child, mut heard: impl FnMut(&str)) -> Result<Vec<u8>, String> {
    // Beside what it says: either pipe may fill up.
    let printed = child.stdout.take().map(|mut stdout| {
        std::thread::spawn(move || {
            let mut printed = Vec::new();
            stdout.read_to_end(&mut printed).map(|_| printed)
        })
    });
    let mut last = "it said nothing".to_owned();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line);
            // A line that was written over itself shows what stood there last.
            let line = line.trim_end().rsplit('\r').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let line = text::safe(line);
            heard(&line);
            // Hints may follow what went wrong.
            if !last.starts_with("error") || line.starts_with("error") {
                last = line;
            }
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(last);
    }
    Ok(printed.and_then(|printed| printed.join().ok()?.ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::sync::mpsc::channel;

    #[test]
    fn what_could_not_be_started_is_told_at_once() {
        let places = Places {
            sessions: PathBuf::from("sessions"),
            checkpoints: PathBuf::from("checkpoints"),
            environment: Vec::new(),
        };
        let (sender, messages) = channel();
        // No program takes such an argument.
        let arguments = vec!["train".to_owned(), "a\0b".to_owned()];
        start(&places, arguments.clone(), "it starts".to_owned(), sender.clone());
        let told = messages.try_recv();
        assert!(
            matches!(&told, Ok(Msg::News(News::Failed(why))) if why.starts_with("train a")),
            "{told:?}"
        );
        watch(&places, 7, &arguments, sender);
        let told = messages.try_recv();
        assert!(matches!(told, Ok(Msg::News(News::JobEnded(7, Err(_))))), "{told:?}");
    }
}
