//! `export`: a session's results as files for other programs. `export-model`: a checkpoint in the layout
//! of another program.

use super::global::{Global, Refused};
use crate::encode::{export_checkpoint, export_llama, export_peft};
use crate::eval::document::COMPARE_FORMAT;
use crate::eval::{CompareDocument, Relevant};
use crate::export::{
    Format, NamedSeries, charts, csv, rank_charts, replicate_differences, replicate_rows, trec,
    write_text,
};
use crate::session::Time;
use crate::session::event::Exported;
use crate::session::folder::Session;
use crate::session::follow::{logs_in, read_run};
use crate::session::neighbours::{NeighbourSet, read_neighbours};
use crate::session::results::results_of;
use crate::session::runs::RunRow;
use crate::session::sitting::{Left, Opened, Sitting};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// `export`
#[derive(Args)]
pub struct Export {
    /// A session, by any unambiguous beginning or end of its name.
    #[arg(value_name = "SESSION")]
    source: String,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What is written, with commas between: json, csv, trec, svg, png.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = Format::ALL)]
    formats: Vec<Format>,
}

/// The layouts.
#[derive(Clone, Copy, ValueEnum)]
enum Layout {
    /// Hugging Face: a language model's config.json, tokenizer.json, model.safetensors in f16.
    Hf,
    /// PEFT: a language model's low-rank weights alone; the base is named.
    Peft,
    /// The checkpoint without what only training needs: it encodes, and cannot be resumed.
    Checkpoint,
}

/// The types of exported checkpoints' weights.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dtype {
    /// 32 bits: the same digest.
    F32,
    /// 16 bits: half the size and another digest.
    F16,
}

/// `export-model`
#[derive(Args)]
pub struct ExportModel {
    /// A checkpoint: `RUN/STAGE[@STEP]` or its folder.
    checkpoint: String,
    /// The layout.
    #[arg(long, value_enum)]
    format: Layout,
    /// The weights' type, for `--format checkpoint`: the others have their own.
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Dtype,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// `llm2clip export`
pub fn export(global: &Global, args: &Export) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let session = super::session::named(global, &args.source)?;
    let told =
        global.session.as_ref().map(|name| super::session::named(global, name)).transpose()?;
    let written = export_session(&session, &args.out, &args.formats)?;
    if let Some(told) = told {
        record(&told, &args.out)?;
    }
    let document = json!({
        "format": "llm2clip.exported/1",
        "session": session.id(),
        "out": args.out,
        "files": written,
    });
    global.print(&document, |_| {
        format!("{} files written to {}\n", written.len(), args.out.display())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Records in a session that something was exported: in a sitting without a terminal, since a run's
/// log is its runner's alone.
fn record(session: &Session, out: &Path) -> anyhow::Result<()> {
    let opened = Opened { columns: 0, rows: 0, terminal: None, theme: None };
    let mut sitting = Sitting::open(session.folder(), session.id(), opened)?;
    sitting.write(Exported { dir: out.display().to_string() })?;
    sitting.write(Left {})?;
    Ok(())
}

/// Writes what `formats` name of `export.json`, CSV, TREC files and every chart; returns the files'
/// names. A function of the session's files alone: the same session gives the same bytes.
pub fn export_session(
    session: &Session,
    out: &Path,
    formats: &[Format],
) -> anyhow::Result<Vec<String>> {
    let wanted = |format: Format| formats.contains(&format);
    let mut series = Vec::new();
    let mut runs = Vec::new();
    for run in logs_in(session.folder())?.into_keys() {
        let follower = read_run(session.folder(), &run)?;
        let state = follower.state();
        for stage in &state.stages {
            series.extend(NamedSeries::of_stage(run.as_str(), stage));
        }
        // The state of a run is a matter of the moment; what it recorded is not.
        let mut row = serde_json::to_value(RunRow::of(session.id(), &follower, Time::now()))?;
        if let Some(row) = row.as_object_mut() {
            row.remove("eta_s");
        }
        runs.push(json!({"row": row, "recipe": state.started.as_ref().map(|s| &s.recipe)}));
    }
    let results = results_of(session.folder());
    let mut documents = Vec::new();
    let mut stored: Vec<Value> = Vec::new();
    let mut written = Vec::new();
    for id in results.list()? {
        let result = results.read(&id)?;
        if result.format == COMPARE_FORMAT {
            let document: CompareDocument = serde_json::from_value(result.document.clone())?;
            documents.push((id.to_string(), document));
        }
        stored.push(json!({"id": id.to_string(), "document": result.document}));
        let neighbours = results.neighbours_path(&id);
        if neighbours.exists() {
            let sets = read_neighbours(&neighbours)?;
            written.extend(rank_charts(out, formats, id.as_str(), &sets)?);
            let mut judged: Vec<&str> = Vec::new();
            for set in sets.iter().filter(|_| wanted(Format::Trec)) {
                let name = format!("{id}.{}.{}.run", set.role, set.direction);
                written.push(write_text(out, &name, &trec::run(set))?);
                // All encoders of a comparison are asked the same.
                if !judged.contains(&set.direction.as_str()) {
                    judged.push(&set.direction);
                    let qrels = trec::qrels(&set.queries, &set.gallery, &relevant(set));
                    let name = format!("{id}.{}.qrels", set.direction);
                    written.push(write_text(out, &name, &qrels)?);
                }
            }
        }
    }
    let plain: Vec<CompareDocument> =
        documents.iter().map(|(_, document)| document.clone()).collect();
    if wanted(Format::Csv) {
        written.push(write_text(out, "compare.csv", &csv::compare_rows(&plain))?);
        written.push(write_text(out, "differences.csv", &csv::compare_differences(&plain))?);
        if documents.iter().any(|(_, document)| document.sweep.is_some()) {
            written.push(write_text(out, "sweep.csv", &csv::sweep_rows(&documents))?);
        }
        if plain.iter().any(|document| !document.replicates.is_empty()) {
            written.push(write_text(out, "replicates.csv", &replicate_rows(&plain))?);
            let differences = replicate_differences(&plain);
            written.push(write_text(out, "replicate_differences.csv", &differences)?);
        }
        written.push(write_text(out, "series.csv", &csv::series(&series))?);
    }
    written.extend(charts(out, formats, &series, &documents)?);
    let document = json!({
        "format": "llm2clip.export/1",
        "session": session.card(),
        "runs": runs,
        "results": stored,
    });
    if wanted(Format::Json) {
        let text = serde_json::to_string_pretty(&document)?;
        written.push(write_text(out, "export.json", &format!("{text}\n"))?);
    }
    let name =
        |path: PathBuf| path.strip_prefix(out).unwrap_or(&path).to_string_lossy().into_owned();
    Ok(written.into_iter().map(name).collect())
}

/// Who answers whom, from the ids: captions `item#k` and pictures `item@n` of one item belong together.
fn relevant(set: &NeighbourSet) -> Relevant {
    let item = |id: &str| id.rsplit_once(['#', '@']).map_or(id, |(item, _)| item).to_owned();
    let mut places: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (place, id) in set.gallery.iter().enumerate() {
        places.entry(item(id)).or_default().push(place as u32);
    }
    Relevant::from_lists(set.queries.iter().map(|query| {
        let own = places.get(&item(query)).into_iter().flatten().copied();
        own.filter(|&place| set.gallery[place as usize] != *query).collect::<Vec<_>>()
    }))
}

/// `llm2clip export-model`
pub fn export_model(global: &Global, args: &ExportModel) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let workspace = global.workspace(None)?;
    let sources = workspace.sources();
    let loaded = sources.load(&args.checkpoint).map_err(|error| Refused(error.to_string()))?;
    let half = args.dtype == Dtype::F16;
    if half && !matches!(args.format, Layout::Checkpoint) {
        let why = "--dtype is for --format checkpoint: hf is written in f16, peft in f32";
        return Err(Refused(why.to_owned()).into());
    }
    let bytes = match args.format {
        Layout::Hf => export_llama(&loaded, &args.out)?,
        Layout::Peft => export_peft(&sources, &args.checkpoint, &args.out)?,
        Layout::Checkpoint => export_checkpoint(&sources, &args.checkpoint, half, &args.out)?,
    };
    let document = json!({
        "format": "llm2clip.export-model/1",
        "checkpoint": loaded.source,
        "digest": loaded.digest,
        "bytes": bytes,
        "out": args.out,
    });
    global.print(&document, |_| {
        format!("{} to {}  ({bytes} bytes of weights)\n", loaded.source, args.out.display())
    })?;
    Ok(ExitCode::SUCCESS)
}
