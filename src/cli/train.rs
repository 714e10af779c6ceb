//! `train`, `demo`: in the foreground, these are the runner.

use super::global::{Global, Refused, say};
use super::workbench::workbench;
use super::{detach, ending, series, text};
use crate::recipe::{Recipe, apply_set, from_toml, names, preset, validate};
use crate::runner::{Stop, Wait, Workspace, start_run};
use crate::session::Session;
use crate::session::event::StillToStart;
use crate::session::runs::{RUNS_FORMAT, RunsDocument};
use anyhow::Context;
use clap::Args;
use std::ffi::OsString;
use std::io::IsTerminal;
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
    /// One run a seed, one after the other, in one session.
    #[arg(long, value_name = "N,N,..", value_delimiter = ',', conflicts_with = "seed")]
    seeds: Vec<u64>,
    /// One run a value, in one session; several of these give every combination.
    #[arg(long = "sweep", value_name = "[STAGE.]KEY=A|B")]
    sweeps: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// How a new run is started.
#[derive(Args, Clone, Debug, Default)]
pub struct How {
    /// Wait until that run has ended, and for the device.
    #[arg(long, value_name = "RUN")]
    pub after: Option<String>,
    /// Run as a process of its own that outlives this terminal.
    #[arg(long)]
    pub detach: bool,
    /// A shell command to run at the end; LLM2CLIP_RUN, LLM2CLIP_STATE and more tell it what ended.
    #[arg(long, value_name = "CMD")]
    pub on_end: Option<String>,
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

/// Finds a recipe by name or file and changes it.
pub fn find_recipe(name: &str, sets: &[String]) -> anyhow::Result<Recipe> {
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
    let problems = validate(&recipe);
    if !problems.is_empty() {
        let list: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        return Err(Refused(format!("the recipe cannot run:{list}")).into());
    }
    Ok(recipe)
}

/// One run of a series: what makes it different, and its recipe.
struct Variant {
    sets: Vec<String>,
    recipe: Recipe,
}

/// The runs that `--sweep` and `--seeds` ask for; one without them.
fn variants(global: &Global, args: &Train) -> anyhow::Result<Vec<Variant>> {
    let mut all = vec![args.sets.clone()];
    for sweep in &args.sweeps {
        let (key, values) = sweep
            .split_once('=')
            .ok_or_else(|| Refused(format!("--sweep takes [STAGE.]KEY=A|B, found {sweep:?}")))?;
        let with = |sets: &Vec<String>| {
            let sets = sets.clone();
            values
                .split('|')
                .map(move |value| sets.iter().cloned().chain([format!("{key}={value}")]).collect())
                .collect::<Vec<Vec<String>>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    let mut variants = Vec::new();
    for sets in &all {
        let seeded = |seed: &u64| sets.iter().cloned().chain([format!("seed={seed}")]).collect();
        let each: Vec<Vec<String>> = match args.seeds.as_slice() {
            [] => vec![global.with_seed(sets)],
            seeds => seeds.iter().map(seeded).collect(),
        };
        for sets in each {
            let recipe = find_recipe(&args.recipe, &sets)?;
            variants.push(Variant { sets, recipe });
        }
    }
    Ok(variants)
}

/// Every run of a series by the command that starts it alone in the same session.
fn planned(
    global: &Global,
    args: &Train,
    session: &Session,
    variants: &[Variant],
) -> Vec<StillToStart> {
    variants
        .iter()
        .map(|variant| {
            let mut words = vec!["train".to_owned(), args.recipe.clone()];
            words.extend(variant.sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
            if let Some(threads) = global.threads {
                words.extend(["--threads".to_owned(), threads.to_string()]);
            }
            if global.device != "auto" {
                words.extend(["--device".to_owned(), global.device.clone()]);
            }
            words.extend(["--session".to_owned(), session.id().to_string()]);
            series::still_to_start(&words, &variant.recipe)
        })
        .collect()
}

/// `llm2clip train`
pub fn train(global: &Global, args: &Train) -> anyhow::Result<ExitCode> {
    let variants = variants(global, args)?;
    let after = args.how.after.as_ref().map(|run| global.find_run(run)).transpose()?;
    let workspace = global.workspace(None)?;
    let title = variants.first().map_or("", |variant| variant.recipe.name.as_str());
    let session = global.open_session(&workspace, title)?;
    if args.how.detach {
        let commands = variants.iter().map(|variant| {
            let mut command = vec![OsString::from("train"), args.recipe.clone().into()];
            for set in &variant.sets {
                command.extend(["--set".into(), set.into()]);
            }
            command
        });
        return detach::all(global, &workspace, &session, commands.collect(), after, &args.how);
    }
    let stop = Stop::on_signals()?;
    let series = variants.len() > 1;
    let planned = planned(global, args, &session, &variants);
    let mut rows = Vec::new();
    let mut code = ExitCode::SUCCESS;
    for (at, Variant { recipe, .. }) in variants.iter().enumerate() {
        // One after the other in one process: only the first has anybody to wait for.
        let wait = after.as_ref().filter(|_| at == 0).map_or(Wait::No, Wait::After);
        let ended = start_run(
            &workspace,
            &session,
            recipe,
            |log| global.narrator(log).with_series(planned[at + 1..].to_vec()),
            &stop,
            wait,
        );
        let ended = ending::Ending::of(&session, ended, args.how.on_end.as_deref());
        if !series {
            return ended?.print(global, None);
        }
        match ended {
            Ok(ended) => {
                rows.push(ended.row()?);
                if let Some(signal) = ended.signal() {
                    code = ExitCode::from(128 + signal as u8);
                    series::say_left(&planned[at + 1..]);
                    break;
                }
            }
            // The others of the series may still be worth their time.
            Err(error) => {
                say(&format!("error: {error:#}"));
                code = ExitCode::from(1);
            }
        }
    }
    let document = RunsDocument { format: RUNS_FORMAT.to_owned(), runs: rows };
    global.print(&document, text::runs)?;
    Ok(code)
}

/// Starts the demo as a runner of its own and opens the workbench on it.
fn demo_live(
    global: &Global,
    args: &Demo,
    workspace: &Workspace,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let mut command = global.as_args(workspace);
    command.extend(["demo".into(), "--plain".into()]);
    command.extend(["--session".into(), session.id().as_str().into()]);
    command.extend(detach::edits(global, &args.sets));
    let started = detach::one(workspace, session, &command)?;
    workbench(global, Some(started.run))
}

/// `llm2clip demo`
pub fn demo(global: &Global, args: &Demo) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    let recipe = find_recipe("demo", &global.with_seed(&args.sets))?;
    let workspace = global.workspace(None)?;
    let session = global.open_session(&workspace, "demo")?;
    let on_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if on_terminal && !args.plain && !global.json && global.console.is_none() {
        return demo_live(global, args, &workspace, &session);
    }
    let stop = Stop::on_signals()?;
    let ended =
        start_run(&workspace, &session, &recipe, |log| global.narrator(log), &stop, Wait::No);
    ending::Ending::of(&session, ended, None)?.print(global, Some(clock))
}
