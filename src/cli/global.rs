//! Flags every command has, the number of threads, and the workspace they make.

use super::settings::{InForce, Source};
use crate::data::decoded::Decoded;
use crate::machine;
use crate::runner::{Narrator, Voice, Workspace, open_device};
use crate::session::folder::{Session, SessionCard};
use crate::session::header::GIT_REVISION;
use crate::session::names::{RunId, find_run};
use crate::session::paths::Roots;
use crate::session::runs::run_ids;
use crate::session::writer::LogWriter;
use crate::tui::picture::Choice;
use anyhow::Context;
use clap::Args;
use clap::builder::FalseyValueParser;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// A request that was wrong: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Flags every command has.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Where sessions are [default: sessions in this directory or the nearest above that has it
    /// beside checkpoints, else the user's data directory].
    #[arg(long, global = true, value_name = "DIR", env = "LLM2CLIP_SESSIONS")]
    pub sessions: Option<PathBuf>,
    /// Where checkpoints are [default: checkpoints, likewise].
    #[arg(long, global = true, value_name = "DIR", env = "LLM2CLIP_CHECKPOINTS")]
    pub checkpoints: Option<PathBuf>,
    /// Write into this session instead of a new one.
    #[arg(long, global = true, value_name = "S")]
    pub session: Option<String>,
    /// auto, cpu or cuda:N.
    #[arg(
        long,
        global = true,
        value_name = "DEVICE",
        default_value = "auto",
        env = "LLM2CLIP_DEVICE"
    )]
    pub device: String,
    /// Threads that compute [default: all cores].
    #[arg(long, global = true, value_name = "N", env = "LLM2CLIP_THREADS")]
    pub threads: Option<usize>,
    /// Most memory that training may take, such as 4G or 512M [default: what is free].
    #[arg(long, global = true, value_name = "BYTES", value_parser = bytes, env = "LLM2CLIP_MEMORY_LIMIT")]
    pub memory_limit: Option<u64>,
    /// The root of every random stream [default: the recipe's].
    #[arg(long, global = true, value_name = "N", env = "LLM2CLIP_SEED")]
    pub seed: Option<u64>,
    /// One JSON document on stdout and nothing else there.
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress lines.
    #[arg(long, short, global = true, env = "LLM2CLIP_QUIET", value_parser = FalseyValueParser::new())]
    pub quiet: bool,
    /// Signs of ASCII only, in the workbench [default: as the locale and TERM say].
    #[arg(long, global = true, env = "LLM2CLIP_ASCII", value_parser = FalseyValueParser::new())]
    pub ascii: bool,
    /// Colours of the workbench: auto (as the terminal's ground asks), dark, light or mono.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "auto",
        env = "LLM2CLIP_THEME"
    )]
    pub theme: String,
    /// Pictures in the workbench: auto, kitty, iterm2, sixel, halfblocks or off.
    #[arg(
        long,
        global = true,
        value_name = "WAY",
        default_value = "auto",
        env = "LLM2CLIP_GRAPHICS"
    )]
    pub graphics: Choice,
    /// Write nothing anywhere.
    #[arg(long, global = true, env = "LLM2CLIP_READONLY", value_parser = FalseyValueParser::new())]
    pub readonly: bool,
    /// Where the output of this detached runner goes until its run has a name.
    #[arg(long = "detached-console", global = true, hide = true, value_name = "FILE")]
    pub console: Option<PathBuf>,
    /// The configuration file, and where every setting comes from.
    #[arg(skip)]
    pub config: InForce,
}

/// Bytes, with an optional K, M, G or T: powers of 1024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let trimmed = text.trim().trim_end_matches(['b', 'B']).trim_end_matches(['i', 'I']);
    let digits = trimmed.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let shift = match trimmed[digits.len()..].trim().to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(format!("expected bytes such as 4G or 512M, found {text:?}")),
    };
    let number: f64 = digits
        .trim()
        .parse()
        .map_err(|_| format!("expected a number of bytes such as 4G or 512M, found {text:?}"))?;
    Ok((number * (1u64 << shift) as f64) as u64)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A line on stderr; lost where there is nobody to read it, for a run outlives its terminal.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Niceness of whatever computes: a shared server stays usable.
const NICENESS: i32 = 5;

impl Global {
    /// The folders, whether they exist or not.
    pub fn roots(&self) -> anyhow::Result<Roots> {
        Ok(Roots::find(self.sessions.clone(), self.checkpoints.clone())?)
    }

    /// Folders, device and threads for work that computes. With another number of threads than this
    /// process was started with, the program starts itself again in its place. Refused where `--session`
    /// names none.
    pub fn workspace(&self, threads: Option<usize>) -> anyhow::Result<Workspace> {
        let threads = threads.unwrap_or_else(|| self.threads_wanted());
        use_threads(threads)?;
        let _ = rustix::process::nice(NICENESS);
        let roots = self.roots()?;
        let (device, device_name) = open_device(&self.device)
            .map_err(|error| Refused(format!("{}: {error}", self.asked("device", &self.device))))?;
        let workspace = Workspace {
            sessions: roots.sessions,
            checkpoints: roots.checkpoints,
            device,
            device_name,
            threads,
            memory_limit: self.memory_limit,
        };
        // A session that is not there is refused before anything is computed.
        self.named_session(&workspace)?;
        Ok(workspace)
    }

    /// Threads that work here would have.
    pub fn threads_wanted(&self) -> usize {
        self.threads.unwrap_or_else(cores)
    }

    /// Where it is remembered which pictures were decoded before.
    pub fn decoded(&self) -> anyhow::Result<Decoded> {
        Ok(Decoded::new(self.roots()?.checkpoints.join("tables"), !self.readonly))
    }

    /// A run by any unambiguous part of its name.
    pub fn find_run(&self, name: &str) -> anyhow::Result<RunId> {
        let all = run_ids(&self.roots()?.sessions)?;
        Ok(find_run(name, &all).map_err(|error| Refused(error.to_string()))?.clone())
    }

    /// A run by name, and its session.
    pub fn open_run(&self, name: &str) -> anyhow::Result<(RunId, Session)> {
        let id = self.find_run(name)?;
        let session = Session::open(&self.roots()?.sessions, &id.session)?;
        Ok((id, session))
    }

    /// These flags again, for a process that works in these folders.
    pub fn as_args(&self, workspace: &Workspace) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        let mut flag = |name: &str, value: &OsStr| args.extend([name.into(), value.to_owned()]);
        flag("--sessions", absolute(&workspace.sessions).as_os_str());
        flag("--checkpoints", absolute(&workspace.checkpoints).as_os_str());
        flag("--device", workspace.device_name.as_ref());
        flag("--threads", workspace.threads.to_string().as_ref());
        if let Some(limit) = self.memory_limit {
            flag("--memory-limit", limit.to_string().as_ref());
        }
        if self.quiet {
            args.push("--quiet".into());
        }
        args
    }

    /// Refuses what would write under `--readonly`.
    pub fn may_write(&self) -> anyhow::Result<()> {
        if self.readonly {
            let given = match self.config.source("readonly") {
                Source::Flag | Source::Nowhere => "--readonly was given".to_owned(),
                _ => format!("{} is in force", self.asked("readonly", "true")),
            };
            return Err(Refused(format!("this command writes, and {given}")).into());
        }
        Ok(())
    }

    /// The session that `--session` names, else a new one with this title.
    pub fn open_session(&self, workspace: &Workspace, title: &str) -> anyhow::Result<Session> {
        self.may_write()?;
        if let Some(session) = self.named_session(workspace)? {
            return Ok(session);
        }
        let roots = Roots {
            sessions: workspace.sessions.clone(),
            checkpoints: workspace.checkpoints.clone(),
        };
        roots.make().context("making the folders for sessions and checkpoints failed")?;
        let card = SessionCard::new(
            title,
            GIT_REVISION.map(str::to_owned),
            machine::host(),
            workspace.device_name.clone(),
            workspace.threads as u32,
        );
        Ok(Session::create(&workspace.sessions, card)?)
    }

    /// The session that `--session` names, if it does.
    pub fn named_session(&self, workspace: &Workspace) -> anyhow::Result<Option<Session>> {
        let Some(name) = &self.session else { return Ok(None) };
        Ok(Some(super::session::found(&workspace.sessions, name)?))
    }

    /// How much is said beside the log.
    pub fn voice(&self) -> Voice {
        if self.quiet { Voice::Quiet } else { Voice::Lines }
    }

    /// A narrator for a log. A detached runner's output gets the log's name.
    pub fn narrator(&self, log: LogWriter) -> Narrator {
        if let Some(console) = &self.console {
            // The output goes on under its first name where it cannot get this one.
            let _ = std::fs::rename(console, log.path().with_extension("console.log"));
        }
        Narrator::new(Some(log), self.voice())
    }

    /// Prints a document as JSON, or as text for people.
    pub fn print<T: Serialize>(
        &self,
        document: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, document)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", text(document))?;
        }
        Ok(out.flush()?)
    }
}

/// Makes this process compute on `threads` threads, candle's own products included: they read the
/// number from the environment once, so the program starts itself again in place, under the same
/// process id. The allocator is told likewise to keep freed pages: a training step frees and asks
/// for the same large tensors again and again, and the kernel clears every page it hands out.
fn use_threads(threads: usize) -> anyhow::Result<()> {
    const THREADS: &str = "RAYON_NUM_THREADS";
    const KEEP_PAGES: &str = "MIMALLOC_PURGE_DELAY";
    if threads == 0 {
        return Err(Refused("--threads: expected at least 1, found 0".to_owned()).into());
    }
    let now = std::env::var(THREADS).ok().and_then(|text| text.parse().ok());
    if now == Some(threads) && std::env::var_os(KEEP_PAGES).is_some() {
        return Ok(());
    }
    let keep = std::env::var_os(KEEP_PAGES).unwrap_or_else(|| "-1".into());
    let program = std::env::current_exe()?;
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(THREADS, threads.to_string())
        .env(KEEP_PAGES, keep)
        .exec();
    Err(error).context("starting again with another number of threads failed")
}

/// Cores this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
