//! One process of a soak: started with a fault, struck, waited for.

use super::numbers::Numbers;
use super::{Fault, SoakError, SoakRequest, io_error};
use crate::session::folder::list_sessions;
use crate::session::follow::{logs_in, read_run};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(5);
const GLANCE: Duration = Duration::from_millis(2);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// By SIGKILL.
    Killed,
    /// By itself with that code; none by another signal.
    Ended(Option<i32>),
}

/// The folders of one run, with nothing else in them.
pub struct Place {
    program: PathBuf,
    threads: usize,
    recipe: PathBuf,
    folder: PathBuf,
}

impl Place {
    pub fn new(
        request: &SoakRequest,
        objective: &str,
        recipe: &Path,
        name: &str,
    ) -> Result<Self, SoakError> {
        let folder = request.folder.join(format!("{objective}-{name}"));
        fs::create_dir_all(&folder).map_err(io_error("make a folder", &folder))?;
        let (program, recipe) = (request.program.clone(), recipe.to_owned());
        Ok(Self { program, threads: request.threads, recipe, folder })
    }

    fn sessions(&self) -> PathBuf {
        self.folder.join("sessions")
    }

    /// Starts the run.
    pub fn train(&self, fault: Option<&Fault>) -> Result<Came, SoakError> {
        self.go(&["train".to_owned(), self.recipe.display().to_string()], fault)
    }

    /// Goes on with the run.
    pub fn resume(&self, fault: Option<&Fault>) -> Result<Came, SoakError> {
        let run = self.run()?.unwrap_or_default();
        self.go(&["resume".to_owned(), run], fault)
    }

    /// The run's full name; none where the process died before it was one.
    fn run(&self) -> Result<Option<String>, SoakError> {
        let sessions = self.sessions();
        for session in list_sessions(&sessions)? {
            let folder = sessions.join(session.as_str());
            for run in logs_in(&folder)?.into_keys() {
                if read_run(&folder, &run).is_ok() {
                    return Ok(Some(format!("{session}/{run}")));
                }
            }
        }
        Ok(None)
    }

    pub fn has_run(&self) -> Result<bool, SoakError> {
        Ok(self.run()?.is_some())
    }

    /// Every number in the run's logs.
    pub fn numbers(&self) -> Result<Numbers, SoakError> {
        let mut numbers = Numbers::default();
        let sessions = self.sessions();
        for session in list_sessions(&sessions)? {
            let folder = sessions.join(session.as_str());
            for (run, logs) in logs_in(&folder)? {
                if read_run(&folder, &run).is_ok() {
                    logs.values().try_for_each(|log| numbers.read(log))?;
                }
            }
        }
        Ok(numbers)
    }

    /// Files of the checkpoint that was written last.
    pub fn newest_checkpoint(&self) -> Vec<PathBuf> {
        let list = |folder: PathBuf| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect()
        };
        let steps = list(self.folder.join("checkpoints"))
            .into_iter()
            .flat_map(list)
            .flat_map(list)
            .flat_map(list)
            .filter(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("step-"))
            });
        let age = |path: &PathBuf| fs::metadata(path).and_then(|found| found.modified()).ok();
        steps.max_by_key(age).map(list).unwrap_or_default()
    }

    /// The last line that a process of this place printed.
    pub fn last_words(&self) -> String {
        let said = fs::read(self.folder.join("said")).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        said.lines().last().unwrap_or("nothing").to_owned()
    }

    /// Removes the place.
    pub fn clear(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }

    fn go(&self, args: &[String], fault: Option<&Fault>) -> Result<Came, SoakError> {
        let path = self.folder.join("said");
        let said = File::create(&path).map_err(io_error("open a file", &path))?;
        let mut command = match fault {
            Some(Fault::Full(blocks)) => {
                let mut shell = Command::new("sh");
                let script = "ulimit -f \"$0\" && exec \"$@\"";
                shell.args(["-c", script, &blocks.to_string()]).arg(&self.program);
                shell
            }
            _ => Command::new(&self.program),
        };
        command
            .arg("--sessions")
            .arg(self.sessions())
            .arg("--checkpoints")
            .arg(self.folder.join("checkpoints"))
            .args(["--device", "cpu", "--threads", &self.threads.to_string(), "--quiet"])
            .args(args)
            .env_remove(crate::files::fault::VARIABLE)
            // What stands for every command is no part of a soak.
            .env("LLM2CLIP_CONFIG", "none")
            .env_remove("LLM2CLIP_SEED")
            .env_remove("LLM2CLIP_READONLY")
            .env("RAYON_NUM_THREADS", self.threads.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        if let Some(Fault::KillAt(place, arrival)) = fault {
            command.env(crate::files::fault::VARIABLE, format!("{place}:{arrival}"));
        }
        let child = command.spawn().map_err(io_error("start a process", &self.program))?;
        strike(child, fault).map_err(io_error("wait for a process", &self.program))
    }
}

/// Waits for a process and strikes it when its time has come.
fn strike(mut child: Child, fault: Option<&Fault>) -> std::io::Result<Came> {
    let mut blow = match fault {
        Some(Fault::Kill(after) | Fault::KillAndTear(after)) => Some((*after, Signal::KILL)),
        Some(Fault::Terminate(after)) => Some((*after, Signal::TERM)),
        Some(Fault::HangUp(after)) => Some((*after, Signal::HUP)),
        _ => None,
    };
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(match status.signal() {
                Some(9) => Came::Killed,
                _ => Came::Ended(status.code()),
            });
        }
        if let Some((after, signal)) = blow
            && began.elapsed() >= after
        {
            blow = None;
            let pid = Pid::from_raw(child.id() as i32);
            // The process may have ended in this very moment.
            let _ = pid.map(|pid| kill_process(pid, signal));
        }
        if began.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(Came::Ended(None));
        }
        std::thread::sleep(GLANCE);
    }
}
