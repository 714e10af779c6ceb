//! `completions`: what a shell needs to complete this program's commands and flags.

use clap::{Args, CommandFactory};
use std::io::Write as _;
use std::process::ExitCode;

/// `completions`
#[derive(Args)]
pub struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

/// `llm2clip completions`
pub fn completions(args: &Completions) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    let mut command = super::Cli::command();
    clap_complete::generate(args.shell, &mut command, "llm2clip", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
