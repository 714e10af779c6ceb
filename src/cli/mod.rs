//! The command line: clap types, one file a family of commands; human text and `--json` from the same
//! value.
//!
//! | file | commands |
//! |---|---|
//! | `global.rs` | flags every command has; threads; the workspace |
//! | `config.rs`, `settings.rs` | the configuration file; where every setting comes from |
//! | `train.rs` | `train`, `demo` |
//! | `resume.rs` | `resume`, `fork` |
//! | `detach.rs`, `ending.rs` | runners of their own; what a run leaves when it ends |
//! | `series.rs` | what is left of a series of runs |
//! | `recipes.rs`, `estimate.rs` | `recipes`; what one will take |
//! | `runs.rs`, `watch.rs`, `log.rs` | `runs`, `watch`, `log` |
//! | `control.rs` | `checkpoint`, `pause`, `stop` |
//! | `embed.rs` | `embed` |
//! | `encoder.rs` | `encoder` |
//! | `pull.rs`, `doctor.rs`, `completions.rs` | `pull`, `doctor`, `completions` |
//! | `at_work.rs` | what the machine does now, and who works on it |
//! | `compare.rs`, `joined.rs` | `compare`, of encoders or of results |
//! | `inspect.rs` | `inspect`, one question or line after line |
//! | `classify.rs` | `classify` |
//! | `dataset.rs` | the flags that say what is asked of which data |
//! | `data.rs` | `data check` |
//! | `export.rs`, `export_session.rs` | `export`, and what it writes |
//! | `export_model.rs` | `export-model` |
//! | `session.rs` | `session` |
//! | `replay.rs` | `replay` |
//! | `bench.rs`, `soak.rs` | `bench`, `soak` |
//! | `workbench.rs` | the terminal workbench |
//! | `text.rs`, `comparison.rs`, `inspection.rs`, `replicates.rs` | documents as tables for people |
//! | `wrong.rs` | which errors of an evaluation are the request's own |

mod at_work;
mod bench;
mod classify;
mod compare;
mod comparison;
mod completions;
mod config;
mod control;
mod data;
mod dataset;
mod detach;
mod doctor;
mod embed;
mod encoder;
mod ending;
mod estimate;
mod export;
mod export_model;
mod export_session;
mod global;
mod inspect;
mod inspection;
mod joined;
mod log;
mod pull;
mod recipes;
mod replay;
mod replicates;
mod resume;
mod runs;
mod series;
mod session;
mod settings;
mod soak;
mod text;
mod train;
mod watch;
mod workbench;
mod wrong;

use crate::encode::EncodeError;
use crate::runner::RunError;
use crate::runner::client;
use crate::session::control::Command as Order;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use global::{Global, Refused, say};
use std::process::ExitCode;

/// Train CLIP, turn a causal Llama into a text encoder, train LLM2CLIP against it, compare and
/// inspect. Without a command, on a terminal: the workbench.
#[derive(Parser)]
#[command(name = "llm2clip", version, about)]
#[command(
    after_help = "These options may also stand in llm2clip.toml beside sessions and checkpoints, or in ~/.config/llm2clip/config.toml; \
    flags win over the environment, the environment over the file. `llm2clip doctor` shows what counts."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The whole pipeline on the data in the binary: train, compare, inspect, export.
    Demo(train::Demo),
    /// Run a recipe: a preset's name or a .toml file.
    Train(train::Train),
    /// Go on with a run: a new segment where it ended early, on from its pause, or watch it.
    Resume(resume::Resume),
    /// A new run from a checkpoint of another one.
    Fork(resume::Fork),
    /// List recipes, show one resolved, or the difference of two.
    Recipes(recipes::Recipes),
    /// All runs of all sessions, newest first.
    Runs(runs::Runs),
    /// Follow a run to its end.
    Watch(watch::Watch),
    /// A run's records in sentences, and what it printed.
    Log(log::Log),
    /// Have a run save a checkpoint now.
    Checkpoint(control::Order),
    /// Have a run stop stepping and keep its place; `resume` goes on.
    Pause(control::Order),
    /// Have a run save a checkpoint and end.
    Stop(control::Order),
    /// Turn texts or pictures into an embedding table.
    Embed(embed::Embed),
    /// An encoder's card, its tokens and masks, pictures as it sees them, and its self-test.
    Encoder(encoder::Encoder),
    /// Compare encoders on caption or image retrieval, with intervals.
    Compare(compare::Compare),
    /// The two ranked lists of a query.
    Inspect(inspect::Inspect),
    /// Pictures against candidate texts, as CLIP chooses.
    Classify(classify::Classify),
    /// A session's results as JSON, CSV, TREC files and charts.
    Export(export::Export),
    /// A session as it happened, as lines at their recorded pace.
    Replay(replay::Replay),
    /// Sessions as a whole: list, show, pack, unpack, rename, remove.
    Session(session::SessionArgs),
    /// What a data set holds, what is missing and what is wrong.
    Data(data::Data),
    /// Throughput of this machine.
    Bench(bench::Bench),
    /// Kill tiny runs at random moments, resume them, and compare every number.
    Soak(soak::Soak),
    /// Fetch a model from the Hugging Face hub.
    Pull(pull::Pull),
    /// What works here, and what to do about the rest.
    Doctor(doctor::Doctor),
    /// Completions for a shell.
    Completions(completions::Completions),
    /// A checkpoint in the layout of another program.
    ExportModel(export_model::ExportModel),
}

/// Runs the program; the exit code is 0 for success, 1 where the work failed, 2 where the request was
/// wrong, 128 and the signal's number where one ended it after its checkpoint.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let mut cli = Cli::from_arg_matches(&matches)
        .unwrap_or_else(|error| error.format(&mut Cli::command()).exit());
    let done = settings::take_file(&mut cli.global, &matches).and_then(|()| run(cli));
    match done {
        Ok(code) => code,
        Err(error) => {
            let code = if is_refusal(&error) { 2 } else { 1 };
            // The parts of a list stand on lines of their own.
            let shown: Vec<String> = chain(&error).lines().map(text::safe).collect();
            say(&format!("error: {}", shown.join("\n")));
            ExitCode::from(code)
        }
    }
}

/// Whether the request was wrong, and not the work.
fn is_refusal(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some()
        || matches!(error.downcast_ref(), Some(EncodeError::Spec(_)))
        || matches!(error.downcast_ref(), Some(RunError::Encode(EncodeError::Spec(_))))
}

/// The error and its causes in one line, each said once.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let global = cli.global;
    if global.readonly {
        crate::session::index::write_none();
    }
    if global.console.is_some() {
        client::leave_session();
    }
    let Some(command) = cli.command else { return workbench::workbench(&global, None) };
    match command {
        Command::Demo(args) => train::demo(&global, &args),
        Command::Train(args) => train::train(&global, &args),
        Command::Resume(args) => resume::resume(&global, &args),
        Command::Fork(args) => resume::fork(&global, &args),
        Command::Watch(args) => watch::watch(&global, &args),
        Command::Log(args) => log::log(&global, &args),
        Command::Checkpoint(args) => control::order(&global, &args, Order::Checkpoint),
        Command::Pause(args) => control::order(&global, &args, Order::Pause),
        Command::Stop(args) => control::order(&global, &args, Order::Stop),
        Command::Recipes(args) => recipes::recipes(&global, &args),
        Command::Runs(args) => runs::runs(&global, &args),
        Command::Embed(args) => embed::embed(&global, &args),
        Command::Encoder(args) => encoder::encoder(&global, &args),
        Command::Compare(args) => compare::compare(&global, &args).map_err(wrong::refused),
        Command::Inspect(args) => inspect::inspect(&global, &args).map_err(wrong::refused),
        Command::Classify(args) => classify::classify(&global, &args).map_err(wrong::refused),
        Command::Export(args) => export::export(&global, &args),
        Command::Replay(args) => replay::replay(&global, &args),
        Command::Session(args) => session::session(&global, &args),
        Command::Data(args) => data::data(&global, &args),
        Command::Bench(args) => bench::bench(&global, &args),
        Command::Soak(args) => soak::soak(&global, &args),
        Command::Pull(args) => pull::pull(&global, &args),
        Command::Doctor(args) => doctor::doctor(&global, &args),
        Command::Completions(args) => completions::completions(&args),
        Command::ExportModel(args) => export_model::export_model(&global, &args),
    }
}
