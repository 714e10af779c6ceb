//! `export-model`: a checkpoint in the layout of another program.

use super::global::{Global, Refused};
use crate::encode::export_llama;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// The layouts.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Hugging Face: config.json, tokenizer.json, model.safetensors in f16.
    Hf,
}

/// `export-model`
#[derive(Args)]
pub struct ExportModel {
    /// A checkpoint: RUN/STAGE[@STEP] or its folder.
    checkpoint: String,
    /// The layout.
    #[arg(long, value_enum)]
    format: Format,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// `llm2clip export-model`
pub fn export_model(global: &Global, args: &ExportModel) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let workspace = global.workspace(None)?;
    let sources = workspace.sources();
    let loaded = sources.load(&args.checkpoint).map_err(|error| Refused(error.to_string()))?;
    let Format::Hf = args.format;
    let bytes = export_llama(&loaded, &args.out)?;
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
