//! `--detach`: the same command as a process of its own, one a run, each after the one before.

use super::ending::{RunDocument, document, print_run};
use super::global::{Global, say};
use super::text;
use super::train::How;
use crate::runner::Workspace;
use crate::runner::client::{Detached, start};
use crate::session::Time;
use crate::session::folder::Session;
use crate::session::follow::{logs_in, read_run};
use crate::session::names::RunId;
use crate::session::runs::{RUNS_FORMAT, RunRow, RunsDocument};
use anyhow::Context;
use std::ffi::OsString;
use std::process::ExitCode;

/// What this command line sets, and its seed, as flags of another one.
pub fn edits(global: &Global, sets: &[String]) -> Vec<OsString> {
    let mut flags: Vec<OsString> = Vec::new();
    for set in sets {
        flags.extend(["--set".into(), set.into()]);
    }
    if let Some(seed) = global.seed_of_flag() {
        flags.extend(["--seed".into(), seed.to_string().into()]);
    }
    flags
}

/// Starts every command as a runner of `session`; each waits for the one before, the first for `after`.
/// Returns once every log has its first record.
pub fn all(
    global: &Global,
    workspace: &Workspace,
    session: &Session,
    commands: Vec<Vec<OsString>>,
    after: Option<RunId>,
    how: &How,
) -> anyhow::Result<ExitCode> {
    let mut before = after;
    let mut started = Vec::new();
    for command in commands {
        let mut args = global.as_args(workspace);
        args.extend(command);
        args.extend(["--session".into(), session.id().as_str().into()]);
        if let Some(run) = &before {
            args.extend(["--after".into(), run.to_string().into()]);
        }
        if let Some(command) = &how.on_end {
            args.extend(["--on-end".into(), command.into()]);
        }
        match one(workspace, session, &args) {
            Ok(detached) => {
                before = Some(detached.run.clone());
                started.push(detached);
            }
            Err(error) => {
                // One that was named is somebody's: what was done in it stands there too.
                if global.session.is_none() {
                    drop_if_empty(session);
                }
                return Err(error);
            }
        }
    }
    if let [detached] = started.as_slice() {
        tell(detached);
        return print_one(global, session, detached);
    }
    started.iter().for_each(tell);
    let row = |detached: &Detached| -> anyhow::Result<RunRow> {
        Ok(RunRow::of(session.id(), &read_run(session.folder(), &detached.run.run)?, Time::now()))
    };
    let runs = started.iter().map(row).collect::<anyhow::Result<_>>()?;
    let document = RunsDocument { format: RUNS_FORMAT.to_owned(), runs };
    global.print(&document, text::runs)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts one runner.
pub fn one(
    workspace: &Workspace,
    session: &Session,
    args: &[OsString],
) -> anyhow::Result<Detached> {
    let program = std::env::current_exe().context("finding this program's own file")?;
    Ok(start(&program, args, &workspace.sessions, session.id())?)
}

/// Prints the document of a run that was just detached.
pub fn print_one(global: &Global, session: &Session, run: &Detached) -> anyhow::Result<ExitCode> {
    let document: RunDocument = document(session, &run.run.run)?;
    print_run(global, &document)?;
    Ok(ExitCode::SUCCESS)
}

/// Says where a detached run is.
pub fn tell(run: &Detached) {
    say(&format!(
        "{} runs as process {}; `llm2clip watch {}` follows it; its output is in {}",
        run.run,
        run.pid,
        run.run.run,
        run.console.display()
    ));
}

/// Takes back a session that was opened for runs that did not begin.
fn drop_if_empty(session: &Session) {
    if logs_in(session.folder()).is_ok_and(|logs| logs.is_empty()) {
        let _ = std::fs::remove_file(session.folder().join("session.json"));
        let _ = std::fs::remove_dir(session.folder());
    }
}
