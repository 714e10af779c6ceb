//! `export-model`: a checkpoint in the layout of another program.

use super::global::{Global, Refused, say};
use crate::encode::{Config, export_checkpoint, export_hf, export_peft};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// The layouts.
#[derive(Clone, Copy, ValueEnum)]
enum Layout {
    /// Hugging Face: config.json, tokenizer.json, model.safetensors; of a language model in f16, of
    /// a CLIP in f32 as a CLIPModel, with preprocessor_config.json.
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

/// `llm2clip export-model`
pub fn export_model(global: &Global, args: &ExportModel) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let workspace = global.workspace(None)?;
    let sources = workspace.sources();
    let loaded = sources.load(&args.checkpoint).map_err(|error| Refused(error.to_string()))?;
    let half = args.dtype == Dtype::F16;
    if half && !matches!(args.format, Layout::Checkpoint) {
        let why =
            "--dtype is for --format checkpoint: hf is written in f16 (a CLIP in f32), peft in f32";
        return Err(Refused(why.to_owned()).into());
    }
    // A folder of another layout would keep files that do not belong to this one.
    if std::fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some()) {
        let out = args.out.display();
        let why = format!("--out {out}: expected a folder that is new or empty, found files in it");
        return Err(Refused(why).into());
    }
    let bytes = match args.format {
        Layout::Hf => export_hf(&loaded, &args.out)?,
        Layout::Peft => export_peft(&sources, &args.checkpoint, &args.out)?,
        Layout::Checkpoint => export_checkpoint(&sources, &args.checkpoint, half, &args.out)?,
    };
    if let (Layout::Hf, Config::Clip(config)) = (args.format, &loaded.config)
        && config.logit_bias_init.is_some()
    {
        say(
            "warning: a CLIPModel has no logit_bias: transformers gives the same rows and cosines, \
             and logits without what that number takes off",
        );
    }
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
