//! The workbench: what `llm2clip` opens on a terminal when no command is named.

use super::global::{Global, Refused, say};
use super::session::found;
use crate::session::names::RunId;
use crate::tui::glyphs::shows_unicode;
use crate::tui::{Options, WorkbenchError, open};
use std::process::ExitCode;

/// Opens the workbench, on a run where one is named, and says what runs on when it is left.
pub fn workbench(global: &Global, run: Option<RunId>) -> anyhow::Result<ExitCode> {
    let roots = global.roots()?;
    let named = global.session.as_ref().map(|name| found(&roots.sessions, name)).transpose()?;
    // `LLM2CLIP_ASCII=false` says that the environment is wrong about the terminal.
    let chosen = global.ascii || std::env::var_os("LLM2CLIP_ASCII").is_some();
    let options = Options {
        sessions: roots.sessions,
        checkpoints: roots.checkpoints,
        theme: global.theme.clone(),
        ascii: global.ascii || !(chosen || shows_unicode(|name| std::env::var(name).ok())),
        graphics: global.graphics,
        readonly: global.readonly,
        environment: global.as_variables(),
        session: named.map(|session| session.id().clone()),
        run,
    };
    let farewell = open(options).map_err(|error| match error {
        WorkbenchError::NoTerminal | WorkbenchError::Theme(_) => Refused(error.to_string()).into(),
        WorkbenchError::Terminal(_) => anyhow::Error::from(error),
    })?;
    for run in &farewell.running {
        say(&format!("{run}: goes on; `llm2clip` comes back to it"));
    }
    for work in &farewell.at_work {
        say(&format!("{work}: goes on to its end; `llm2clip` shows what it came to"));
    }
    for work in &farewell.undone {
        say(&format!("not done: {work}"));
    }
    Ok(ExitCode::SUCCESS)
}
