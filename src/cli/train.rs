//! `train`, `resume`, `demo`: in the foreground, these are the runner.

use super::export::export_session;
use super::global::{Global, Refused};
use super::text;
use crate::ids::RunName;
use crate::recipe::{Recipe, apply_set, from_toml, names, preset, validate};
use crate::runner::{
    Ended, Outcome, Resumption, StageSummary, Stop, Wait, resume as resume_run, start_run,
};
use crate::session::Time;
use crate::session::folder::Session;
use crate::session::follow::read_run;
use crate::session::names::find_run;
use crate::session::runs::{RunRow, run_ids};
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// `train`
#[derive(Args)]
pub struct Train {
    /// A preset's name or a .toml file.
    recipe: String,
    /// Change a key, in every stage that has it or in one.
    #[arg(long = "set", value_name = "[STAGE.]KEY=VALUE")]
    sets: Vec<String>,
}

/// `resume`
#[derive(Args)]
pub struct Resume {
    /// A run, by any unambiguous beginning or end of its name.
    run: String,
}

/// `demo`
#[derive(Args)]
pub struct Demo {
    /// Stay out of the full-screen workbench: progress lines and a report.
    #[arg(long)]
    plain: bool,
    /// Change a key of the demo's recipe.
    #[arg(long = "set", value_name = "[STAGE.]KEY=VALUE")]
    sets: Vec<String>,
}

/// What `train` and `resume` print on ending: `llm2clip.run/1`.
#[derive(Serialize)]
struct RunDocument {
    format: &'static str,
    #[serde(flatten)]
    row: RunRow,
    stages: Vec<StageSummary>,
}

/// What `demo` prints: `llm2clip.demo/1`.
#[derive(Serialize)]
struct DemoDocument {
    format: &'static str,
    seconds: f64,
    session: String,
    run: RunDocument,
    caption: serde_json::Value,
    image: serde_json::Value,
    inspect: serde_json::Value,
    export: String,
}

/// Finds a recipe by name or file and changes it.
pub fn find_recipe(name: &str, sets: &[String], seed: Option<u64>) -> anyhow::Result<Recipe> {
    let refused = |error: &dyn std::fmt::Display| Refused(error.to_string());
    let is_file = Path::new(name).extension().is_some_and(|end| end == "toml");
    let mut recipe = if is_file {
        let text = std::fs::read_to_string(name).with_context(|| format!("reading {name}"))?;
        from_toml(&text).map_err(|error| refused(&format!("{name}: {error}")))?
    } else {
        preset(name).ok_or_else(|| {
            Refused(format!(
                "no recipe is called {name:?}; presets: {}; or name a .toml file",
                names().join(", ")
            ))
        })?
    };
    for set in sets {
        recipe = apply_set(&recipe, set).map_err(|error| refused(&error))?;
    }
    if let Some(seed) = seed {
        recipe.seed = seed;
    }
    let problems = validate(&recipe);
    if !problems.is_empty() {
        let list: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        return Err(Refused(format!("the recipe cannot run:{list}")).into());
    }
    Ok(recipe)
}

/// `llm2clip train`
pub fn train(global: &Global, args: &Train) -> anyhow::Result<ExitCode> {
    let recipe = find_recipe(&args.recipe, &args.sets, global.seed)?;
    let workspace = global.workspace(None)?;
    let session = global.open_session(&workspace, &recipe.name)?;
    let stop = Stop::on_signals()?;
    let outcome =
        start_run(&workspace, &session, &recipe, |log| global.narrator(log), &stop, Wait::No)?;
    finish(global, &session, outcome, None)
}

/// `llm2clip demo`
pub fn demo(global: &Global, args: &Demo) -> anyhow::Result<ExitCode> {
    // Until there is a workbench to open, `--plain` is the only way there is.
    let _ = args.plain;
    let clock = Instant::now();
    let recipe = find_recipe("demo", &args.sets, global.seed)?;
    let workspace = global.workspace(None)?;
    let session = global.open_session(&workspace, "demo")?;
    let stop = Stop::on_signals()?;
    let outcome =
        start_run(&workspace, &session, &recipe, |log| global.narrator(log), &stop, Wait::No)?;
    finish(global, &session, outcome, Some(clock))
}

/// `llm2clip resume`
pub fn resume(global: &Global, args: &Resume) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    global.may_write()?;
    let roots = global.roots()?;
    let all = run_ids(&roots.sessions)?;
    let id = find_run(&args.run, &all).map_err(|error| Refused(error.to_string()))?;
    let session = Session::open(&roots.sessions, &id.session)?;
    let recorded = read_run(session.folder(), &id.run)?;
    let started = recorded.state().started.clone();
    let threads = started.as_ref().map(|start| start.threads as usize);
    if let (Some(asked), Some(was)) = (global.threads, threads)
        && asked != was
    {
        return Err(Refused(format!(
            "--threads {asked}: the run was started with {was}, and goes on bit for bit only with as many; leave the flag out"
        ))
        .into());
    }
    if let (Some(asked), Some(was)) = (global.seed, started.as_ref().map(|start| start.seed))
        && asked != was
    {
        return Err(
            Refused(format!("--seed {asked}: the run has seed {was}; leave the flag out")).into()
        );
    }
    let mut global = global.clone();
    if let Some(started) = &started {
        global.device.clone_from(&started.device);
    }
    let workspace = global.workspace(threads)?;
    let stop = Stop::on_signals()?;
    match resume_run(&workspace, &session, &id.run, |log| global.narrator(log), &stop)? {
        Resumption::AlreadyDone => {
            let document = document(&session, &id.run, Vec::new())?;
            eprintln!("{id} is done; there is nothing to go on with");
            global.print(&document, |_| String::new())?;
            Ok(ExitCode::SUCCESS)
        }
        Resumption::Went(outcome) => finish(&global, &session, *outcome, Some(clock)),
    }
}

fn document(
    session: &Session,
    run: &RunName,
    stages: Vec<StageSummary>,
) -> anyhow::Result<RunDocument> {
    let follower = read_run(session.folder(), run)?;
    let row = RunRow::of(session.id(), &follower, Time::now());
    Ok(RunDocument { format: "llm2clip.run/1", row, stages })
}

fn finish(
    global: &Global,
    session: &Session,
    outcome: Outcome,
    clock: Option<Instant>,
) -> anyhow::Result<ExitCode> {
    let Outcome { run, ended, stages, report, .. } = outcome;
    let document = document(session, &run, stages)?;
    match report {
        None => global.print(&document, |document| text::run(&document.row, &document.stages))?,
        Some(report) => {
            let out = session.folder().join("export");
            export_session(session, &out)?;
            let demo = DemoDocument {
                format: "llm2clip.demo/1",
                seconds: clock.map_or(0.0, |clock| clock.elapsed().as_secs_f64()),
                session: session.id().to_string(),
                run: document,
                caption: serde_json::to_value(&report.caption)?,
                image: serde_json::to_value(&report.image)?,
                inspect: serde_json::to_value(&report.inspect)?,
                export: out.display().to_string(),
            };
            global.print(&demo, |demo| {
                let run = text::run(&demo.run.row, &demo.run.stages);
                let caption = text::compare(&report.caption);
                let image = text::compare(&report.image);
                let inspect = text::inspect(&report.inspect);
                format!(
                    "{run}\n{caption}\n{image}\n{inspect}\nexported to {}\nseconds  {:.0}\n",
                    demo.export, demo.seconds
                )
            })?;
        }
    }
    Ok(match ended {
        Ended::Done => ExitCode::SUCCESS,
        Ended::Stopped { signal } => {
            eprintln!("stopped after a checkpoint; `llm2clip resume {run}` goes on");
            signal.map_or(ExitCode::SUCCESS, |signal| ExitCode::from(128 + signal as u8))
        }
    })
}
