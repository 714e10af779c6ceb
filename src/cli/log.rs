//! `log`: a run's records in sentences and what it printed, as the Log screen shows them.

use super::global::Global;
use super::text::safe;
use crate::session::Time;
use crate::session::follow::{RunFollower, logs_in};
use crate::session::names::console_name;
use crate::session::tail::Budget;
use crate::tui::data::printed::{Line, console};
use crate::tui::data::story::{Level, sentence};
use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

/// `log`
#[derive(Args)]
pub struct Log {
    /// A run, by any unambiguous beginning or end of its name.
    run: String,
    /// The least level: step, notice, warning or error.
    #[arg(long, value_name = "LEVEL", default_value = "notice", value_parser = level)]
    level: Level,
    /// Only lines that hold a text, in capitals or not.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

fn level(text: &str) -> Result<Level, String> {
    let levels = [Level::Step, Level::Notice, Level::Warning, Level::Error];
    let known = levels.into_iter().find(|level| level.word() == text);
    known.ok_or_else(|| format!("expected step, notice, warning or error, found {text:?}"))
}

/// `llm2clip.lines/1`
#[derive(Serialize)]
struct LinesDocument {
    format: &'static str,
    run: String,
    lines: Vec<LineRow>,
}

#[derive(Serialize)]
struct LineRow {
    time: Option<Time>,
    source: &'static str,
    level: &'static str,
    text: String,
}

/// `llm2clip log`
pub fn log(global: &Global, args: &Log) -> anyhow::Result<ExitCode> {
    let (id, session) = global.open_run(&args.run)?;
    let mut lines = Vec::new();
    let mut run = RunFollower::new(session.folder(), id.run.clone());
    run.poll_with(Budget::ALL, |record| {
        let told = sentence(&record.event).filter(|(level, _)| *level >= args.level);
        lines.extend(told.map(|(level, text)| Line {
            record: Some(record.seq),
            time: Some(record.time),
            source: "log",
            level,
            text,
        }));
    })?;
    let segments = logs_in(session.folder())?.remove(&id.run).unwrap_or_default();
    for segment in segments.into_keys() {
        let printed = printed(&session.folder().join(console_name(&id.run, segment)))?;
        let said = console(&printed).into_iter().filter(|line| !line.is_empty());
        lines.extend(said.map(|line| Line::console(&line)));
    }
    let wanted = args.search.as_ref().map(|text| text.to_lowercase()).unwrap_or_default();
    lines.retain(|line| line.level >= args.level && line.text.to_lowercase().contains(&wanted));
    lines.sort_by_key(|line| line.time);
    let row = |Line { time, source, level, text, .. }| LineRow {
        time,
        source,
        level: level.word(),
        text,
    };
    let lines = lines.into_iter().map(row).collect();
    let document = LinesDocument { format: "llm2clip.lines/1", run: id.to_string(), lines };
    global.print(&document, human)?;
    Ok(ExitCode::SUCCESS)
}

/// What a detached runner printed; nothing where it was not detached.
fn printed(path: &Path) -> anyhow::Result<Vec<u8>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.with_context(|| format!("cannot read {}", path.display())),
    }
}

fn human(document: &LinesDocument) -> String {
    let mut text = String::new();
    for line in &document.lines {
        let time = line.time.map_or_else(|| "no time".to_owned(), |time| time.to_string());
        let words = safe(&line.text);
        let _ = writeln!(text, "{time:<24} {:<8} {:<8} {words}", line.source, line.level);
    }
    text
}
