//! `runs`: all runs of all sessions, newest first.

use super::global::Global;
use super::text;
use crate::session::Time;
use crate::session::runs::list_runs;
use clap::Args;
use std::process::ExitCode;

/// `runs`
#[derive(Args)]
pub struct Runs {}

/// `llm2clip runs`
pub fn runs(global: &Global, _args: &Runs) -> anyhow::Result<ExitCode> {
    let roots = global.roots()?;
    let list = list_runs(&roots.sessions, Time::now())?;
    for (run, problem) in &list.problems {
        eprintln!("warning: {run}: {problem}");
    }
    global.print(&list.document, text::runs)?;
    Ok(ExitCode::SUCCESS)
}
