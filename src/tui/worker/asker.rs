//! The child that serves two encoders for typed queries: a line of JSON for a line of JSON. It ends when
//! its input closes, and is started again for other encoders.

use crate::tui::msg::{Msg, News};
use crate::tui::text;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;

/// Bytes kept of what the child says when it fails.
const LAST_WORDS: usize = 4096;

/// A running child.
#[derive(Debug)]
pub struct Asker {
    arguments: Vec<String>,
    stdin: ChildStdin,
}

impl Asker {
    /// Starts a program that serves. `more` are arguments behind those that tell one child from
    /// another.
    pub fn start(
        program: &OsStr,
        arguments: Vec<String>,
        more: &[&OsStr],
        environment: &[(String, OsString)],
        messages: Sender<Msg>,
    ) -> Result<Self, String> {
        let mut child = Command::new(program)
            .args(&arguments)
            .args(more)
            .envs(environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the encoders could not be started: {error}"))?;
        let stdin = child.stdin.take().ok_or("the child has no input")?;
        std::thread::spawn(move || listen(child, &messages));
        Ok(Self { arguments, stdin })
    }

    /// Whether it serves what these arguments ask for.
    pub fn serves(&self, arguments: &[String]) -> bool {
        self.arguments == arguments
    }

    /// Asks; the answer comes as a message.
    pub fn ask(&mut self, question: &Value) -> Result<(), String> {
        let sent = writeln!(self.stdin, "{question}").and_then(|()| self.stdin.flush());
        sent.map_err(|error| format!("the encoders are gone: {error}"))
    }
}

/// Turns the child's lines into messages until it ends, and says why where it failed.
fn listen(mut child: Child, messages: &Sender<Msg>) {
    let said = child.stderr.take().map(|stderr| {
        std::thread::spawn(move || {
            let mut last = Vec::new();
            let mut stderr = BufReader::new(stderr);
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                // Hints may follow what went wrong.
                let said = line.iter().any(|byte| !byte.is_ascii_whitespace());
                if said && (line.starts_with(b"error") || !last.starts_with(b"error")) {
                    last = line.iter().copied().take(LAST_WORDS).collect();
                }
                line.clear();
            }
            last
        })
    });
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        while stdout.read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Ok(answer) = serde_json::from_str(&line)
                && messages.send(Msg::News(News::Answered(answer))).is_err()
            {
                break;
            }
            line.clear();
        }
    }
    let failed = child.wait().map_or(true, |status| !status.success());
    let last = said.and_then(|said| said.join().ok()).unwrap_or_default();
    if failed {
        let last = String::from_utf8_lossy(&last);
        let why = format!("the encoders cannot be asked: {}", text::safe(last.trim()));
        let _ = messages.send(Msg::News(News::Unanswered(why)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    /// A child that answers every line with its own id and an error.
    const FAKE: &str = r#"while read -r line; do
        id=${line#*\"id\":\"}; id=${id%%\"*}
        printf '{"id":"%s","error":"no such thing"}\n' "$id"
    done"#;

    #[test]
    fn a_line_is_answered_by_a_line_and_the_child_ends_with_its_input() {
        let (sender, messages) = channel();
        let arguments = vec!["-c".to_owned(), FAKE.to_owned()];
        let mut asker =
            Asker::start(OsStr::new("/bin/sh"), arguments.clone(), &[], &[], sender).unwrap();
        assert!(asker.serves(&arguments) && !asker.serves(&[]));
        for id in ["typed-1", "typed-2"] {
            asker.ask(&json!({"id": id, "text": "a cat"})).unwrap();
            let Ok(Msg::News(News::Answered(answer))) =
                messages.recv_timeout(Duration::from_secs(20))
            else {
                panic!("no answer to {id}");
            };
            assert_eq!(answer, json!({"id": id, "error": "no such thing"}));
        }
        drop(asker);
        // It ended well: nothing more is said.
        assert!(messages.recv_timeout(Duration::from_secs(20)).is_err());
    }

    #[test]
    fn a_child_that_fails_says_why() {
        let (sender, messages) = channel();
        let arguments = ["-c", "echo 'error: no encoder is called x\n\nsee --help' >&2; exit 2"];
        let arguments = arguments.map(str::to_owned).to_vec();
        let _asker = Asker::start(OsStr::new("/bin/sh"), arguments, &[], &[], sender).unwrap();
        let Ok(Msg::News(News::Unanswered(why))) = messages.recv_timeout(Duration::from_secs(20))
        else {
            panic!("nothing was said");
        };
        assert!(why.ends_with("error: no encoder is called x"), "{why}");
    }
}
