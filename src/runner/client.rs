//! The other side of a run: sending it commands and waiting for the answer, and starting a runner as
//! a process of its own. Reads logs and writes letters; computes nothing.

use crate::ids::{RunName, SessionId};
use crate::session::control::{self, Command};
use crate::session::follow::{RunFollower, logs_in, status_at_end};
use crate::session::names::RunId;
use crate::session::tail::Budget;
use crate::session::{LogError, RunStatus, Session, Time};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at a log.
const GLANCE: Duration = Duration::from_millis(50);

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was carried out.
    Applied,
    /// It was not, for this reason.
    Refused(String),
    /// The runner ended, or is gone, without an answer.
    Unanswered(RunStatus),
}

/// What a command prints: `llm2clip.answer/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerDocument {
    /// `llm2clip.answer/1`.
    pub format: String,
    /// The run, by its full name.
    pub run: String,
    /// What was asked.
    pub command: Command,
    /// The letter's id, by which the log answers.
    pub id: String,
    /// `sent`, `applied`, `refused` or `unanswered`.
    pub answer: String,
    /// Why it was not carried out; null where it was, or nobody waited.
    pub why: Option<String>,
}

/// A runner could not be asked, or could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody is there to take a command.
    #[error(
        "{run} is {status}: expected a runner that takes commands, found none; `llm2clip resume {run}` starts one where there is something left to do"
    )]
    NoRunner {
        /// The run.
        run: RunId,
        /// What it is doing.
        status: RunStatus,
    },
    /// A log or mailbox could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The process could not be started.
    #[error("could not start a runner of its own ({})", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ended before its log had a first record.
    #[error("the runner ended before its run began ({status}): {said}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// What it printed last.
        said: String,
    },
}

/// Sends a command to a run that has a runner; returns the letter's id.
pub fn send(sessions: &Path, run: &RunId, command: Command) -> Result<String, ClientError> {
    let session = Session::open(sessions, &run.session)?;
    let status = status_at_end(session.folder(), &run.run, Time::now())?;
    if !status.has_runner() {
        return Err(ClientError::NoRunner { run: run.clone(), status });
    }
    Ok(control::send(&session.control_folder(&run.run), command)?)
}

/// Waits until the run's log answers a letter, or nobody is left who could. `waiting` is called after
/// every look without an answer, with the time since the first.
pub fn wait_for_reply(
    sessions: &Path,
    run: &RunId,
    letter: &str,
    mut waiting: impl FnMut(Duration),
) -> Result<Reply, ClientError> {
    let session = Session::open(sessions, &run.session)?;
    let mut follower = RunFollower::open(session.folder(), run.run.clone());
    let began = Instant::now();
    loop {
        // Before the log is read: what a runner wrote before it ended is read after it was found gone.
        let status = follower.status(Time::now());
        follower.poll(Budget::ALL)?;
        if let Some(answer) = follower.state().answer(letter) {
            return Ok(answer.refused.clone().map_or(Reply::Applied, Reply::Refused));
        }
        if follower.is_run() && follower.newest_log().is_some() && began.elapsed() > GLANCE {
            let now = follower.status(Time::now());
            if !now.has_runner() && !status.has_runner() {
                control::take_back(&session.control_folder(&run.run), letter);
                return Ok(Reply::Unanswered(now));
            }
        }
        waiting(began.elapsed());
        std::thread::sleep(GLANCE);
    }
}

/// A runner that was started as a process of its own.
#[derive(Debug)]
pub struct Detached {
    /// Its run.
    pub run: RunId,
    /// The segment it writes.
    pub segment: u32,
    /// Its process.
    pub pid: u32,
    /// What it prints goes here.
    pub console: PathBuf,
}

/// The flag that tells a process to leave its parent's session and where its output goes.
pub const DETACHED_FLAG: &str = "--detached-console";

/// Starts `program args` as a runner in a session of its own, without input and with its output in a
/// file of `session`'s folder, and returns when its log has its first record. The child renames that
/// file when its run has a name.
pub fn start(
    program: &Path,
    args: &[OsString],
    sessions: &Path,
    session: &SessionId,
) -> Result<Detached, ClientError> {
    let failed = |source| ClientError::Start { program: program.to_owned(), source };
    let folder = sessions.join(session.as_str());
    let console = folder.join(format!(".console.{}.{}", std::process::id(), unique()));
    let output = File::create(&console).map_err(failed)?;
    let errors = output.try_clone().map_err(failed)?;
    let mut child = std::process::Command::new(program)
        .arg(DETACHED_FLAG)
        .arg(&console)
        .args(args)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(failed)?;
    match first_record(&mut child, &folder)? {
        Ok((run, segment)) => {
            let id = RunId { session: session.clone(), run };
            let console = folder.join(crate::session::names::console_name(&id.run, segment));
            Ok(Detached { run: id, segment, pid: child.id(), console })
        }
        Err(status) => {
            let said = fs::read(&console).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let said = said.lines().last().unwrap_or("it said nothing");
            let said = said.strip_prefix("error: ").unwrap_or(said).to_owned();
            let _ = fs::remove_file(&console);
            Err(ClientError::Ended { status, said })
        }
    }
}

fn unique() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static STARTED: AtomicU32 = AtomicU32::new(0);
    STARTED.fetch_add(1, Ordering::Relaxed)
}

/// Waits for the log that the child writes: its first record names the process.
fn first_record(
    child: &mut Child,
    folder: &Path,
) -> Result<Result<(RunName, u32), ExitStatus>, ClientError> {
    loop {
        let ended = child.try_wait().ok().flatten();
        for (run, segments) in logs_in(folder)? {
            let Some((&segment, path)) = segments.last_key_value() else { continue };
            if pid_of(path) == Some(child.id()) {
                return Ok(Ok((run, segment)));
            }
        }
        if let Some(status) = ended {
            return Ok(Err(status));
        }
        std::thread::sleep(GLANCE);
    }
}

/// The process in a log's first record.
fn pid_of(log: &Path) -> Option<u32> {
    let mut tail = crate::session::tail::LogTail::open(log).ok()?;
    let mut pid = None;
    let budget = Budget { records: 2, time: Duration::MAX };
    let found = tail.poll(budget, |record| {
        if let crate::session::Event::RunStarted(start) = record.event {
            pid = Some(start.pid);
        }
    });
    found.ok().and(pid)
}

/// Takes the process out of its parent's session, so that it outlives its terminal. Nothing where it
/// leads one already.
pub fn leave_session() {
    let _ = rustix::process::setsid();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::{Ending, Heartbeat, Paused, RunFinished, RunStarted};
    use crate::session::finite::Finite;
    use crate::session::header::Header;
    use crate::session::names::log_name;
    use crate::session::{LogWriter, SessionCard};
    use serde_json::json;

    #[test]
    fn of_a_long_log_the_end_says_whether_a_runner_takes_commands() {
        let sessions = tempfile::tempdir().unwrap();
        let card = SessionCard::new("Long", None, "machine".into(), "cpu".into(), 2);
        let session = Session::create(sessions.path(), card).unwrap();
        let run = RunId { session: session.id().clone(), run: "clip-1".parse().unwrap() };
        assert!(send(sessions.path(), &run, Command::Stop).is_err());
        let path = session.folder().join(log_name(&run.run, 1));
        let header = Header::of_run(run.session.clone(), run.run.clone(), 1);
        let mut log = LogWriter::create(&path, &header, 1).unwrap();
        let started: RunStarted = serde_json::from_value(json!({
            "run": "clip-1", "segment": 1, "recipe": {}, "stages": [], "program_version": "0",
            "host": "here", "pid": 1, "device": "cpu", "threads": 1, "seed": 0,
        }))
        .unwrap();
        log.append(started).unwrap();
        // More than is read from the end.
        while fs::metadata(&path).unwrap().len() < 3 << 20 {
            for _ in 0..1000 {
                log.append(Heartbeat {}).unwrap();
            }
        }
        log.append(Paused {}).unwrap();
        let status = || status_at_end(session.folder(), &run.run, Time::now()).unwrap();
        assert_eq!(status(), RunStatus::Paused);
        let id = send(sessions.path(), &run, Command::Stop).unwrap();
        assert!(session.control_folder(&run.run).join(format!("{id}.json")).exists());
        let state = Ending::Stopped;
        let end = RunFinished { state, reason: None, seconds: Finite::ZERO, final_digest: None };
        log.append(end).unwrap();
        drop(log);
        let refused = send(sessions.path(), &run, Command::Stop);
        assert!(
            matches!(refused, Err(ClientError::NoRunner { status: RunStatus::Stopped, .. })),
            "{refused:?}"
        );
    }
}
