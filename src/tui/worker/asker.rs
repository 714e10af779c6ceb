//! The child that serves a session's encoders for typed queries: a line of JSON for a line of JSON. It
//! ends when its input closes, and is ended at once where another is started: it would go on encoding.

use crate::tui::msg::{Msg, News};
use crate::tui::text;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes kept of what the child says when it fails.
const LAST_WORDS: usize = 4096;

/// How often a child that says nothing more is looked at until it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A running child. It is ended with this.
#[derive(Debug)]
pub struct Asker {
    arguments: Vec<String>,
    stdin: ChildStdin,
    common: Arc<Common>,
}

/// What the thread that listens shares with the one that asks.
#[derive(Debug)]
struct Common {
    child: Mutex<Child>,
    open: Mutex<Open>,
}

/// What is not over yet.
#[derive(Debug, Default)]
struct Open {
    /// Ids of questions that were asked and not answered.
    waiting: Vec<String>,
    /// Why the child was ended, where it was.
    ended: Option<&'static str>,
}

/// A lock that holds whatever a thread that failed left in it.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let common =
            Arc::new(Common { child: Mutex::new(child), open: Mutex::new(Open::default()) });
        let shared = common.clone();
        std::thread::spawn(move || listen(&shared, stdout, stderr, &messages));
        Ok(Self { arguments, stdin, common })
    }

    /// Whether it serves what these arguments ask for.
    pub fn serves(&self, arguments: &[String]) -> bool {
        self.arguments == arguments
    }

    /// Asks; the answer comes as a message.
    pub fn ask(&mut self, question: &Value) -> Result<(), String> {
        let id = question["id"].as_str().unwrap_or_default().to_owned();
        held(&self.common.open).waiting.push(id.clone());
        let sent = writeln!(self.stdin, "{question}").and_then(|()| self.stdin.flush());
        sent.map_err(|error| {
            held(&self.common.open).waiting.retain(|waits| *waits != id);
            format!("the encoders are gone: {error}")
        })
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let mut child = held(&self.common.child);
        if !matches!(child.try_wait(), Ok(None)) {
            // It ended by itself, and says why.
            return;
        }
        held(&self.common.open).ended = Some(
            "given up: the child that was to answer was ended, for another question needed one on \
             other data or with other encoders",
        );
        let _ = child.kill();
    }
}

/// Turns the child's lines into messages until it ends, and says why where it failed. Only questions
/// that this child was asked fail with it.
fn listen(
    common: &Common,
    stdout: Option<impl Read>,
    stderr: Option<impl Read + Send + 'static>,
    messages: &Sender<Msg>,
) {
    let said = stderr.map(|stderr| {
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
    if let Some(stdout) = stdout {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        while stdout.read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Ok(answer) = serde_json::from_str::<Value>(&line) {
                let id = answer["id"].as_str().unwrap_or_default();
                held(&common.open).waiting.retain(|waits| waits != id);
                if messages.send(Msg::News(News::Answered(answer))).is_err() {
                    break;
                }
            }
            line.clear();
        }
    }
    let failed = wait(&common.child).is_none_or(|status| !status.success());
    let last = said.and_then(|said| said.join().ok()).unwrap_or_default();
    let Open { waiting, ended } = std::mem::take(&mut *held(&common.open));
    let why = match ended {
        Some(why) => why.to_owned(),
        None if failed => {
            let last = String::from_utf8_lossy(&last);
            format!("the encoders cannot be asked: {}", text::safe(last.trim()))
        }
        None => "the encoders ended without an answer; ask again".to_owned(),
    };
    if !waiting.is_empty() {
        let _ = messages.send(Msg::News(News::Unanswered(waiting, why)));
    }
}

/// Waits for the end of a child, which may be ended meanwhile.
fn wait(child: &Mutex<Child>) -> Option<ExitStatus> {
    loop {
        match held(child).try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => {}
            Err(_) => return None,
        }
        std::thread::sleep(LOOK);
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
        let arguments =
            ["-c", "read -r line; echo 'error: no encoder is called x\n\nsee --help' >&2; exit 2"];
        let arguments = arguments.map(str::to_owned).to_vec();
        let mut asker = Asker::start(OsStr::new("/bin/sh"), arguments, &[], &[], sender).unwrap();
        asker.ask(&json!({"id": "typed-1"})).unwrap();
        let Ok(Msg::News(News::Unanswered(ids, why))) =
            messages.recv_timeout(Duration::from_secs(20))
        else {
            panic!("nothing was said");
        };
        assert!(why.ends_with("error: no encoder is called x"), "{why}");
        assert_eq!(ids, ["typed-1"]);
    }

    #[test]
    fn a_child_that_is_let_go_of_is_ended_at_its_work_and_fails_only_its_own_questions() {
        let (sender, messages) = channel();
        // It answers nothing for a minute, whatever becomes of its input.
        let arguments = ["-c", "exec sleep 60"].map(str::to_owned).to_vec();
        let began = std::time::Instant::now();
        let mut asker =
            Asker::start(OsStr::new("/bin/sh"), arguments, &[], &[], sender.clone()).unwrap();
        asker.ask(&json!({"id": "typed-1"})).unwrap();
        let arguments = vec!["-c".to_owned(), FAKE.to_owned()];
        let mut next = Asker::start(OsStr::new("/bin/sh"), arguments, &[], &[], sender).unwrap();
        drop(asker);
        let wait = Duration::from_secs(20);
        let Ok(Msg::News(News::Unanswered(ids, why))) = messages.recv_timeout(wait) else {
            panic!("nothing was said of the first");
        };
        assert_eq!(ids, ["typed-1"]);
        assert!(why.contains("given up") && began.elapsed() < wait, "{why}");
        next.ask(&json!({"id": "typed-2"})).unwrap();
        let answer = messages.recv_timeout(wait);
        assert!(matches!(answer, Ok(Msg::News(News::Answered(_)))), "{answer:?}");
    }
}
