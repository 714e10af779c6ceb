//! `export`: a session's results as files for other programs.

use super::export_session::{ExportedFiles, export_session};
use super::global::{Global, say};
use crate::export::Format;
use crate::session::event::Exported;
use crate::session::folder::Session;
use crate::session::sitting::{Left, Opened, Sitting};
use clap::Args;
use serde_json::json;
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

/// `llm2clip export`
pub fn export(global: &Global, args: &Export) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let session = super::session::named(global, &args.source)?;
    let told =
        global.session.as_ref().map(|name| super::session::named(global, name)).transpose()?;
    let ExportedFiles { files, skipped } = export_session(&session, &args.out, &args.formats)?;
    for part in &skipped {
        say(&format!("warning: {}: {}; it is left out", part.what, part.why));
    }
    if let Some(told) = told {
        record(&told, &args.out)?;
    }
    let mut document = json!({
        "format": "llm2clip.exported/1",
        "session": session.id(),
        "out": args.out,
        "files": files,
    });
    if !skipped.is_empty() {
        document["skipped"] = json!(skipped);
    }
    global.print(&document, |_| {
        format!("{} files written to {}\n", files.len(), args.out.display())
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
