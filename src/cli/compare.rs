//! `compare`, `inspect`

use super::global::{Global, Refused, say};
use super::text;
use crate::data::bad::Policy;
use crate::data::check::without_missing;
use crate::data::picture::Exif;
use crate::encode::parse_list;
use crate::eval::compare::Slice;
use crate::eval::{Direction, Task};
use crate::runner::Narrator;
use crate::runner::evaluate::{
    Captions, CompareRequest, Encoders, InspectRequest, Probe, ProbeRequest, Query,
    compare as compare_encoders, inspect as inspect_query, keep,
};
use crate::session::results::results_of;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// What is asked of which data.
#[derive(Args)]
struct DataArgs {
    /// emoji, a file (JSON lines, Karpathy's or COCO's JSON, CSV, TSV, text), tar shards or a folder
    /// of pictures; FORMAT:PATH forces a format.
    #[arg(long, default_value = "emoji")]
    dataset: String,
    /// Where relative paths of data sets start.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The split, where the set has splits.
    #[arg(long, default_value = "test")]
    split: String,
    /// The first N items.
    #[arg(long, value_name = "N")]
    pool: Option<usize>,
    /// Only captions in this language ask and answer.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
}

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
    /// `[LABEL=]SPEC[OPTIONS]`, separated by commas.
    #[arg(long)]
    encoders: String,
    /// first-two, all-pairs or any.
    #[arg(long)]
    captions: Option<String>,
    /// The label every row is held against [default: the first].
    #[arg(long)]
    baseline: Option<String>,
}

/// `inspect`
#[derive(Args)]
pub struct Inspect {
    #[command(flatten)]
    data: DataArgs,
    /// Two encoders.
    #[arg(long)]
    encoders: String,
    /// text-to-image, image-to-text, image-to-image or text-to-text.
    #[arg(long)]
    direction: String,
    /// One query by its id; without it, a summary of all.
    #[arg(long, value_name = "ID")]
    query_id: Option<String>,
    /// Length of the lists.
    #[arg(short, default_value_t = 10)]
    k: usize,
    /// In a summary, list the queries of this slice.
    #[arg(long)]
    slice: Option<String>,
}

fn refused(error: impl std::fmt::Display) -> Refused {
    Refused(error.to_string())
}

impl DataArgs {
    fn probe(&self, task: Task, captions: Captions) -> anyhow::Result<Probe> {
        let mut corpus = crate::data::open::open(&self.dataset, self.data.as_deref())?;
        if task == Task::Image {
            corpus = without_missing(corpus, &self.dataset, Policy::default())?;
        }
        if let Some(warning) = corpus.bad.warning(&self.dataset) {
            say(&format!("warning: {warning}"));
        }
        let request = ProbeRequest {
            task,
            captions,
            split: self.split.clone(),
            pool: self.pool,
            language: self.language.clone(),
        };
        Ok(Probe::new(&corpus, &request)?)
    }

    /// Orientation is obeyed in a user's own folder, and not in sets with a protocol.
    fn exif(&self) -> Exif {
        if PathBuf::from(&self.dataset).is_dir() { Exif::Applied } else { Exif::Ignored }
    }
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
    let workspace = global.workspace(None)?;
    let probe = args.data.probe(task, captions)?;
    let encoders = Encoders { workspace: &workspace, exif: args.data.exif() };
    let request = CompareRequest {
        encoders: specs,
        baseline: args.baseline.clone(),
        seed: global.seed.unwrap_or(0),
    };
    let mut narrator = Narrator::new(None, global.voice());
    let (document, sets) = compare_encoders(&encoders, &probe, &request, &mut narrator)?;
    if !global.readonly {
        let session = global.open_session(&workspace, "compare")?;
        let results = results_of(session.folder());
        let id = results.free_id(task.name())?;
        keep(session.folder(), &results, &id, &probe, &sets, encoders.exif)?;
        results.write(&id, &document)?;
        if !global.quiet {
            say(&format!("written to session {} as {id}", session.id()));
        }
    }
    global.print(&document, text::compare)?;
    Ok(ExitCode::SUCCESS)
}

/// `llm2clip inspect`
pub fn inspect(global: &Global, args: &Inspect) -> anyhow::Result<ExitCode> {
    let specs = parse_list(&args.encoders).map_err(refused)?;
    let found = specs.len();
    let encoders = specs
        .try_into()
        .map_err(|_| Refused(format!("--encoders: expected two, found {found}")))?;
    let direction: Direction = args.direction.parse().map_err(refused)?;
    let slice: Option<Slice> =
        args.slice.as_deref().map(str::parse).transpose().map_err(refused)?;
    let query = match (&args.query_id, slice) {
        (Some(id), _) => Query::Id(id.clone()),
        (None, slice) => Query::All(slice),
    };
    let task = if direction == Direction::TextToText { Task::Caption } else { Task::Image };
    let captions = if task == Task::Caption { Captions::AllPairs } else { Captions::Any };
    let workspace = global.workspace(None)?;
    let probe = args.data.probe(task, captions)?;
    let opened = Encoders { workspace: &workspace, exif: args.data.exif() };
    let request = InspectRequest { encoders, direction, query, k: args.k };
    let mut narrator = Narrator::new(None, global.voice());
    let (document, neighbours) = inspect_query(&opened, &probe, &request, &mut narrator)?;
    if let Some(session) = global.named_session(&workspace)? {
        global.may_write()?;
        let results = results_of(session.folder());
        let id = results.free_id("inspect")?;
        keep(session.folder(), &results, &id, &probe, &neighbours, opened.exif)?;
        results.write(&id, &document)?;
    }
    global.print(&document, text::inspect)?;
    Ok(ExitCode::SUCCESS)
}
