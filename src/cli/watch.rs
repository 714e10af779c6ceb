//! `watch`: follow a run to its end, from any shell.

use super::ending::{code_of, document, print_run};
use super::global::{Global, say};
use crate::runner::{Speaker, watch as follow};
use crate::session::RunStatus;
use crate::session::folder::Session;
use crate::session::names::RunId;
use clap::Args;
use std::process::ExitCode;

/// `watch`
#[derive(Args)]
pub struct Watch {
    /// A run, by any unambiguous beginning or end of its name.
    run: String,
}

/// `llm2clip watch`
pub fn watch(global: &Global, args: &Watch) -> anyhow::Result<ExitCode> {
    let (id, session) = global.open_run(&args.run)?;
    Ok(code_of(to_the_end(global, &session, &id)?))
}

/// Follows a run until it ends, rings where stderr is a terminal, and prints its document.
pub fn to_the_end(global: &Global, session: &Session, id: &RunId) -> anyhow::Result<RunStatus> {
    let mut speaker = Speaker::new(global.voice());
    let (run, status) = follow(session.folder(), &id.run, &mut speaker)?;
    let loss = run.state().stage_now().and_then(|stage| stage.loss);
    let loss = loss.map_or_else(String::new, |loss| format!(", loss {loss:.4}"));
    speaker.ring(&format!("llm2clip: {} is {status}{loss}", id.run));
    if matches!(status, RunStatus::Crashed | RunStatus::Unknown) {
        say(&format!("{id} is {status}; `llm2clip resume {}` goes on", id.run));
    }
    print_run(global, &document(session, &id.run)?)?;
    Ok(status)
}
