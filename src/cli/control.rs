//! `checkpoint`, `pause`, `stop`: commands to a runner in another process, and its answer.

use super::global::{Global, say};
use super::text::safe;
use crate::runner::client::{AnswerDocument, Reply, send, wait_for_reply};
use crate::session::control::Command;
use crate::session::names::RunId;
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;

/// After this long without an answer it is said what is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// `checkpoint`, `pause`, `stop`
#[derive(Args)]
pub struct Order {
    /// A run, by any unambiguous beginning or end of its name.
    run: String,
    /// Do not wait for the runner's answer.
    #[arg(long)]
    no_wait: bool,
}

/// `llm2clip checkpoint | pause | stop`
pub fn order(global: &Global, args: &Order, command: Command) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let run = global.find_run(&args.run)?;
    let sessions = global.roots()?.sessions;
    let id = send(&sessions, &run, command)?;
    let reply = if args.no_wait { None } else { Some(wait(global, &run, command, &id)?) };
    let (answer, why) = match reply {
        None => ("sent", None),
        Some(Reply::Applied) => ("applied", None),
        Some(Reply::Refused(why)) => ("refused", Some(why)),
        Some(Reply::Unanswered(status)) => {
            ("unanswered", Some(format!("the run is {status}, and its runner left no answer")))
        }
    };
    let good = matches!(answer, "sent" | "applied");
    let document = AnswerDocument {
        format: "llm2clip.answer/1".to_owned(),
        run: run.to_string(),
        command,
        id,
        answer: answer.to_owned(),
        why,
    };
    global.print(&document, |document| {
        let why = document.why.as_ref().map_or_else(String::new, |why| format!(": {}", safe(why)));
        format!("{} {}  {}{why}\n", document.run, document.command, document.answer)
    })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Sends a command and waits for its answer; an error where it was not carried out.
pub fn send_and_wait(global: &Global, run: &RunId, command: Command) -> anyhow::Result<()> {
    let id = send(&global.roots()?.sessions, run, command)?;
    match wait(global, run, command, &id)? {
        Reply::Applied => Ok(()),
        Reply::Refused(why) => Err(anyhow::anyhow!("{command} was refused by {run}: {why}")),
        Reply::Unanswered(status) => {
            Err(anyhow::anyhow!("{command} was not answered: {run} is {status}"))
        }
    }
}

fn wait(global: &Global, run: &RunId, command: Command, id: &str) -> anyhow::Result<Reply> {
    let mut told = global.quiet;
    let sessions = global.roots()?.sessions;
    Ok(wait_for_reply(&sessions, run, id, |waited| {
        if !told && waited > PATIENCE {
            told = true;
            say(&format!(
                "{command} is sent; {run} answers after the step it is at (--no-wait: do not wait)"
            ));
        }
    })?)
}
