//! `compare`: retrieval of several encoders, with intervals and tests.

use super::dataset::DataArgs;
use super::global::{Global, Refused, say};
use super::joined::joined;
use super::text;
use crate::encode::{EncoderSpec, parse_list};
use crate::eval::Task;
use crate::runner::Narrator;
use crate::runner::evaluate::{
    Captions, CompareRequest, Encoders, Qrels, SweepOver, check_compare,
    compare as compare_encoders, keep_all, sweep,
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
    #[arg(long, required_unless_present = "results")]
    task: Option<TaskArg>,
    /// `[LABEL=]SPEC[OPTIONS]`, separated by commas; labels NAME#1, NAME#2 are replicates of NAME, such
    /// as runs with several seeds.
    #[arg(long, required_unless_present = "results")]
    encoders: Option<String>,
    /// Results of earlier comparisons in one table, `[LABEL=]SESSION/RESULT` separated by commas; they
    /// must be of one protocol. Differences are of rows whose ranks were kept.
    #[arg(long, value_name = "LIST", conflicts_with_all = MEASURED)]
    results: Option<String>,
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
    /// (poolings), on validation items; the best goes on to the test beside it. `layers` leaves BOS as
    /// the encoder has it: name the encoder twice, once with [bos=true] and once with [bos=false], to try
    /// both.
    #[arg(long, value_name = "layers|poolings")]
    sweep: Option<SweepOver>,
    /// The set to choose on [default: the validation split]; what stands in the test is left out.
    #[arg(long, value_name = "D", requires = "sweep")]
    validation: Option<String>,
    /// Search tables of f16 and int8 as well, and say what that costs.
    #[arg(long)]
    quantised: bool,
}

/// What says how encoders are measured: results already are.
const MEASURED: [&str; 14] = [
    "task",
    "encoders",
    "captions",
    "qrels",
    "sweep",
    "validation",
    "quantised",
    "dataset",
    "data",
    "split",
    "pool",
    "language",
    "query_language",
    "gallery_language",
];

fn refused(error: impl std::fmt::Display) -> Refused {
    Refused(error.to_string())
}

/// `llm2clip compare`
pub fn compare(global: &Global, args: &Compare) -> anyhow::Result<ExitCode> {
    if let Some(list) = &args.results {
        return of_results(global, list, args.baseline.as_deref());
    }
    let specs = parse_list(args.encoders.as_deref().unwrap_or_default()).map_err(refused)?;
    let (task, default) = match args.task {
        Some(TaskArg::Image) => (Task::Image, Captions::Any),
        Some(TaskArg::Caption) | None => (Task::Caption, Captions::FirstTwo),
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
    check_labels(&specs, args)?;
    let qrels = args.qrels.as_deref().map(Qrels::open).transpose()?;
    let workspace = global.workspace(None)?;
    let encoders = Encoders { workspace: &workspace, exif: args.data.exif() };
    // Before the data set is read, which may take its time.
    encoders.check(&specs)?;
    let probe = args.data.probe(task, captions, &global.decoded()?)?;
    let mut request = CompareRequest {
        encoders: specs,
        baseline: args.baseline.clone(),
        seed: global.seed.unwrap_or(0),
        qrels,
        quantised: args.quantised,
    };
    check_compare(&encoders, &probe, &request)?;
    let mut narrator = Narrator::new(None, global.voice());
    let swept = match args.sweep {
        None => None,
        Some(over) => {
            let (validation, dropped) =
                args.data.validation(args.validation.as_deref(), captions)?;
            let (found, best) =
                sweep(&encoders, &request.encoders, &validation, over, dropped, &mut narrator)?;
            // From the last on, so that the places of the others stay.
            for (place, spec) in best.into_iter().rev() {
                request.encoders.insert(place + 1, spec);
            }
            Some(found)
        }
    };
    let (mut document, neighbours) = compare_encoders(&encoders, &probe, &request, &mut narrator)?;
    document.sweep = swept;
    let kept = (|| {
        if global.readonly {
            return anyhow::Ok(());
        }
        let session = global.open_session(&workspace, "compare")?;
        let results = results_of(session.folder());
        let id = results.free_id(task.name())?;
        keep_all(session.folder(), &results, &id, &probe, &neighbours, encoders.exif)?;
        results.write(&id, &document)?;
        if !global.quiet {
            say(&format!("written to session {} as {id}", session.id()));
        }
        Ok(())
    })();
    // What was measured is told also where it cannot be kept, on a full disk for one.
    global.print(&document, text::compare)?;
    kept?;
    Ok(ExitCode::SUCCESS)
}

/// The table of results that sessions keep; written where a session is named.
fn of_results(global: &Global, list: &str, baseline: Option<&str>) -> anyhow::Result<ExitCode> {
    if global.session.is_some() {
        global.may_write()?;
    }
    let document = joined(global, list, baseline)?;
    if global.session.is_some() {
        let workspace = global.workspace(None)?;
        if let Some(session) = global.named_session(&workspace)? {
            results_of(session.folder())
                .write(&results_of(session.folder()).free_id("joined")?, &document)?;
        }
    }
    global.print(&document, text::compare)?;
    Ok(ExitCode::SUCCESS)
}

/// Labels that no row will bear, or that two rows would.
fn check_labels(specs: &[EncoderSpec], args: &Compare) -> Result<(), Refused> {
    let mut labels: Vec<String> = specs.iter().map(|spec| spec.label.clone()).collect();
    if args.sweep.is_some() {
        for spec in specs {
            let best = format!("{}-best", spec.label);
            if labels.contains(&best) {
                return Err(Refused(format!(
                    "--encoders: {best:?} is what --sweep calls the best of {:?}; give one of them another label",
                    spec.label
                )));
            }
            labels.push(best);
        }
    }
    match &args.baseline {
        Some(found) if !labels.contains(found) => Err(Refused(format!(
            "--baseline: expected one of {}, found {found:?}",
            labels.join(", ")
        ))),
        _ => Ok(()),
    }
}
