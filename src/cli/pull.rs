//! `pull`: files of a repository on the Hugging Face hub, with progress, going on where it stopped.

use super::global::{Global, Refused};
use super::text::safe;
use crate::hub::{Heard, HubError, Pull as Pulled, Repository, pull as fetch};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::process::ExitCode;

/// `pull`
#[derive(Args)]
pub struct Pull {
    /// The repository: owner/name, with @REVISION where it is not the main branch.
    #[arg(value_name = "REPO[@REVISION]")]
    repository: String,
    /// Files to fetch [default: configuration, tokenizer and safetensors; GGUF files by name only].
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

/// `llm2clip.pull/1`
#[derive(Serialize)]
struct PullDocument {
    format: &'static str,
    repository: String,
    revision: String,
    commit: String,
    folder: String,
    files: Vec<FileRow>,
}

#[derive(Serialize)]
struct FileRow {
    file: String,
    bytes: u64,
    cached: bool,
}

/// `llm2clip pull`
pub fn pull(global: &Global, args: &Pull) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let text = args.repository.strip_prefix("hf:").unwrap_or(&args.repository);
    let repository = Repository::parse(text).map_err(|error| Refused(error.to_string()))?;
    let mut narrator = crate::runner::Narrator::new(None, global.voice());
    let mut listen = |heard: &Heard| {
        let (done, total) = (mebibytes(heard.done), mebibytes(heard.total));
        // Progress that nobody can read any more must not end a fetch.
        let _ = narrator.progress(&format!("{} (MiB)", safe(&heard.file)), done, total);
    };
    let pulled = fetch(&repository, &args.files, &mut listen).map_err(|error| match error {
        HubError::NoFile { .. } => anyhow::Error::new(Refused(error.to_string())),
        other => anyhow::Error::new(other),
    })?;
    let Pulled { commit, folder, files } = pulled;
    let document = PullDocument {
        format: "llm2clip.pull/1",
        repository: repository.id.clone(),
        revision: repository.revision.clone(),
        commit,
        folder: folder.display().to_string(),
        files: files
            .into_iter()
            .map(|file| FileRow { file: file.file, bytes: file.bytes, cached: file.cached })
            .collect(),
    };
    global.print(&document, human)?;
    Ok(ExitCode::SUCCESS)
}

fn mebibytes(bytes: u64) -> usize {
    bytes.div_ceil(1 << 20) as usize
}

fn human(document: &PullDocument) -> String {
    let mut text = String::new();
    for row in &document.files {
        let word = if row.cached { "was here" } else { "fetched" };
        let _ = writeln!(text, "{word:<9} {:>12}  {}", row.bytes, safe(&row.file));
    }
    let short: String = document.commit.chars().take(12).collect();
    let _ = writeln!(
        text,
        "commit    {}  in {}\nuse it as hf:{}",
        safe(&short),
        safe(&document.folder),
        document.repository
    );
    text
}
