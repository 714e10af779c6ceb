//! The workbench: what `llm2clip` opens on a terminal when no command is named.

use super::global::{Global, Refused, say};
use crate::session::names::RunId;
use crate::tui::{Options, WorkbenchError, open};
use std::process::ExitCode;

/// Opens the workbench, on a run where one is named, and says what runs on when it is left.
pub fn workbench(global: &Global, run: Option<RunId>) -> anyhow::Result<ExitCode> {
    let roots = global.roots()?;
    let options = Options {
        sessions: roots.sessions,
        checkpoints: roots.checkpoints,
        theme: global.theme.clone(),
        ascii: global.ascii,
        graphics: global.graphics,
        readonly: global.readonly,
        environment: global.as_variables(),
        run,
    };
    let farewell = open(options).map_err(|error| match error {
        WorkbenchError::NoTerminal | WorkbenchError::Theme(_) => Refused(error.to_string()).into(),
        WorkbenchError::Terminal(_) => anyhow::Error::from(error),
    })?;
    for run in &farewell.running {
        say(&format!("{run}: goes on; `llm2clip` comes back to it"));
    }
    Ok(ExitCode::SUCCESS)
}
