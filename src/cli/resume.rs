//! `resume`: go on with a run, whatever it is doing. `fork`: a new run from a checkpoint of another.

use super::ending::{Ending, code_of, document, print_run};
use super::global::{Global, Refused, say};
use super::train::How;
use super::{control, detach, series, watch};
use crate::recipe::Recipe;
use crate::runner::{
    Fork as Request, Resumption, Stop, Wait, fork as fork_run, resume as resume_run, split_place,
};
use crate::session::control::Command;
use crate::session::event::RunStarted;
use crate::session::folder::Session;
use crate::session::follow::{RunFollower, read_run};
use crate::session::names::RunId;
use crate::session::{RunStatus, Time};
use clap::Args;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

/// `resume`
#[derive(Args)]
pub struct Resume {
    /// A run, by any unambiguous beginning or end of its name.
    run: String,
    /// Go on as a process of its own that outlives this terminal.
    #[arg(long)]
    detach: bool,
    /// A shell command to run at the end.
    #[arg(long, value_name = "CMD")]
    on_end: Option<String>,
    /// Go on with a run whose state is unknown: you know that its runner is gone.
    #[arg(long)]
    force: bool,
}

/// `fork`
#[derive(Args)]
pub struct Fork {
    /// A run, and where it is forked: `RUN[/STAGE[@STEP]]` [default: its newest checkpoint].
    run: String,
    /// Change a key of the stages that are still to be trained.
    #[arg(long = "set", value_name = "[STAGE.]KEY=VALUE")]
    sets: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// `llm2clip resume`
pub fn resume(global: &Global, args: &Resume) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    global.may_write()?;
    let (id, session) = global.open_run(&args.run)?;
    let recorded = read_run(session.folder(), &id.run)?;
    match recorded.status(Time::now()) {
        RunStatus::Done => {
            say(&format!("{id} is done; there is nothing to go on with"));
            series::say_left(&series::left_of(&session, &recorded));
            print_run(global, &document(&session, &id.run)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        RunStatus::Paused => {
            control::send_and_wait(global, &id, Command::Continue)?;
            return look(global, &session, &id, args.detach);
        }
        status @ (RunStatus::Live | RunStatus::Queued) => {
            say(&format!("{id} is {status}; watching it"));
            return look(global, &session, &id, args.detach);
        }
        RunStatus::Unknown if !args.force => {
            return Err(Refused(format!(
                "{id} has been silent for long, and its file system has no locks to tell whether its runner lives; `resume --force` where you know that it does not"
            ))
            .into());
        }
        RunStatus::Unknown | RunStatus::Stopped | RunStatus::Failed | RunStatus::Crashed => {}
    }
    let global = as_recorded(global, &recorded)?;
    let threads = recorded.state().started.as_ref().map(|start| start.threads as usize);
    let workspace = global.workspace(threads)?;
    if args.detach {
        let mut command = global.as_args(&workspace);
        command.extend(["resume".into(), OsString::from(id.to_string())]);
        if args.force {
            command.push("--force".into());
        }
        if let Some(shell) = &args.on_end {
            command.extend(["--on-end".into(), shell.into()]);
        }
        let detached = detach::one(&workspace, &session, &command)?;
        detach::tell(&detached);
        return detach::print_one(&global, &session, &detached);
    }
    let stop = Stop::on_signals()?;
    let went = resume_run(&workspace, &session, &id.run, |log| global.narrator(log), &stop);
    let went = match went {
        Ok(Resumption::Went(outcome)) => Ok(*outcome),
        Ok(Resumption::AlreadyDone) => {
            print_run(&global, &document(&session, &id.run)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => Err(error),
    };
    let ended = Ending::of(&session, went, args.on_end.as_deref());
    series::say_left(&series::left_of(&session, &recorded));
    ended?.print(&global, Some(clock))
}

/// A run that another process is at work on.
fn look(global: &Global, session: &Session, id: &RunId, detach: bool) -> anyhow::Result<ExitCode> {
    if detach {
        print_run(global, &document(session, &id.run)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let status = watch::to_the_end(global, session, id)?;
    Ok(code_of(status))
}

/// A run goes on with the threads, the device and the seed it was started with: the flags may repeat
/// what is recorded, and are refused where they differ. What the environment or the configuration file
/// has for every command yields to it.
fn as_recorded(global: &Global, recorded: &RunFollower) -> anyhow::Result<Global> {
    let mut global = global.clone();
    let Some(RunStarted { threads, device, seed, .. }) = recorded.state().started.clone() else {
        return Ok(global);
    };
    let differs = |flag: &str, asked: String, was: String| {
        Refused(format!(
            "{flag} {asked}: the run was started with {was}, and goes on bit for bit only so; leave the flag out"
        ))
    };
    let asks = |name: &str| global.config.by_flag(name);
    if let Some(asked) =
        global.threads.filter(|asked| asks("threads") && *asked != threads as usize)
    {
        return Err(differs("--threads", asked.to_string(), threads.to_string()).into());
    }
    if let Some(asked) = global.seed.filter(|asked| asks("seed") && *asked != seed) {
        return Err(differs("--seed", asked.to_string(), seed.to_string()).into());
    }
    if asks("device") && global.device != "auto" && global.device != device {
        return Err(differs("--device", global.device, device).into());
    }
    global.device = device;
    Ok(global)
}

/// `llm2clip fork`
pub fn fork(global: &Global, args: &Fork) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let (name, stage, step) = match (global.find_run(&args.run), split_place(&args.run)) {
        (Err(_), Some((run, stage, step))) => (run, Some(stage.to_owned()), step),
        _ => (args.run.as_str(), None, None),
    };
    let (id, home) = global.open_run(name)?;
    let recorded = read_run(home.folder(), &id.run)?;
    let recipe = recorded.state().started.as_ref().map(|start| start.recipe.clone());
    let recipe: Recipe = serde_json::from_value(recipe.unwrap_or_default()).map_err(|cause| {
        Refused(format!("the recipe in the log of {id} is not one this version reads ({cause})"))
    })?;
    let after = args.how.after.as_ref().map(|run| global.find_run(run)).transpose()?;
    let workspace = global.workspace(None)?;
    let session = global.named_session(&workspace)?.unwrap_or(home);
    if args.how.detach {
        let mut command = vec![OsString::from("fork"), args.run.clone().into()];
        command.extend(detach::edits(global, &args.sets));
        return detach::all(global, &workspace, &session, vec![command], after, &args.how);
    }
    let stop = Stop::on_signals()?;
    let request =
        Request { run: id, stage, step, sets: args.sets.clone(), seed: global.seed_of_flag() };
    let wait = after.as_ref().map_or(Wait::No, Wait::After);
    let narrator = |log| global.narrator(log);
    let ended = fork_run(&workspace, &session, &recipe, &request, narrator, &stop, wait);
    Ending::of(&session, ended, args.how.on_end.as_deref())?.print(global, None)
}
