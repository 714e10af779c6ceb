//! `compare`: retrieval of several encoders, with intervals and tests.

use super::dataset::DataArgs;
use super::global::{Global, Refused, say};
use super::text;
use crate::encode::parse_list;
use crate::eval::Task;
use crate::runner::Narrator;
use crate::runner::evaluate::{
    Captions, CompareRequest, Encoders, Qrels, SweepOver, compare as compare_encoders, keep, sweep,
};
use crate::session::results::results_of;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// The task.
#[derive(Clone, Copy, ValueEnum)]
enum TaskArg {
    /// Captions find captions of the same item.
    Caption,
    /// Pictures and captions find each other.
    Image,
}

/// `compare`
#[derive(Args)]
pub struct Compare {
    #[command(flatten)]
    data: DataArgs,
    /// caption or image.
    #[arg(long)]
    task: TaskArg,
    /// `[LABEL=]SPEC[OPTIONS]`, separated by commas; labels NAME#1, NAME#2 are replicates of NAME, such
    /// as runs with several seeds.
    #[arg(long)]
    encoders: String,
    /// first-two, all-pairs or any.
    #[arg(long)]
    captions: Option<String>,
    /// The label every row is held against [default: the first].
    #[arg(long)]
    baseline: Option<String>,
    /// A second set of judgements, reported beside the set's own: TREC qrels, `query 0 item
    /// relevance` a line, with the ids that `export` writes.
    #[arg(long, value_name = "FILE")]
    qrels: Option<PathBuf>,
    /// Try every layer and pooling of a Llama (layers), or every pooling with and without BOS
    /// (poolings), on validation items; the best goes on to the test beside it.
    #[arg(long, value_name = "layers|poolings")]
    sweep: Option<SweepOver>,
    /// The set to choose on [default: the validation split]; what stands in the test is left out.
    #[arg(long, value_name = "D", requires = "sweep")]
    validation: Option<String>,
    /// Search tables of f16 and int8 as well, and say what that costs.
    #[arg(long)]
    quantised: bool,
}

fn refused(error: impl std::fmt::Display) -> Refused {
    Refused(error.to_string())
}

/// `llm2clip compare`
pub fn compare(global: &Global, args: &Compare) -> anyhow::Result<ExitCode> {
    let specs = parse_list(&args.encoders).map_err(refused)?;
    let (task, default) = match args.task {
        TaskArg::Caption => (Task::Caption, Captions::FirstTwo),
        TaskArg::Image => (Task::Image, Captions::Any),
    };
    let captions = match &args.captions {
        None => default,
        Some(text) => text.parse().map_err(|error| Refused(format!("--captions: {error}")))?,
    };
    if task == Task::Image && captions == Captions::FirstTwo {
        return Err(Refused("--captions first-two is for the caption task".to_owned()).into());
    }
    if args.sweep.is_some() && task != Task::Caption {
        return Err(
            Refused("--sweep is for the caption task: it tries a Llama's layers".into()).into()
        );
    }
    let workspace = global.workspace(None)?;
    let probe = args.data.probe(task, captions)?;
    let encoders = Encoders { workspace: &workspace, exif: args.data.exif() };
    let mut narrator = Narrator::new(None, global.voice());
    let mut specs = specs;
    let swept = match args.sweep {
        None => None,
        Some(over) => {
            let (validation, dropped) =
                args.data.validation(args.validation.as_deref(), captions)?;
            let (found, best) =
                sweep(&encoders, &specs, &validation, over, dropped, &mut narrator)?;
            // From the last on, so that the places of the others stay.
            for (place, spec) in best.into_iter().rev() {
                specs.insert(place + 1, spec);
            }
            Some(found)
        }
    };
    let request = CompareRequest {
        encoders: specs,
        baseline: args.baseline.clone(),
        seed: global.seed.unwrap_or(0),
        qrels: args.qrels.as_deref().map(Qrels::open).transpose()?,
        quantised: args.quantised,
    };
    let (mut document, neighbours) = compare_encoders(&encoders, &probe, &request, &mut narrator)?;
    document.sweep = swept;
    if !global.readonly {
        let session = global.open_session(&workspace, "compare")?;
        let results = results_of(session.folder());
        let id = results.free_id(task.name())?;
        keep(session.folder(), &results, &id, &probe, &neighbours, encoders.exif)?;
        results.write(&id, &document)?;
        if !global.quiet {
            say(&format!("written to session {} as {id}", session.id()));
        }
    }
    global.print(&document, text::compare)?;
    Ok(ExitCode::SUCCESS)
}
