//! `data check`: what a data set holds, what is missing and what is wrong.

use super::global::{Global, Refused, say};
use super::text::safe;
use crate::data::bad::Policy;
use crate::data::check::{Check, Look, check};
use crate::data::open::{find, open_with};
use crate::data::{DataError, open::EMOJI};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// `data`
#[derive(Args)]
pub struct Data {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Subcommand)]
enum DataCommand {
    /// Read a set to its end and say what is there, what is missing and what is wrong.
    Check(CheckArgs),
}

/// `data check`
#[derive(Args)]
struct CheckArgs {
    /// What `--dataset` takes: emoji, a file, a folder or a list of shards; FORMAT:PATH forces a
    /// format.
    dataset: String,
    /// Where relative paths of data sets start.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The share of rows, in per cent, that may be bad.
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0)]
    max_bad: f64,
    /// Look whether pictures are there, and not whether they can be decoded.
    #[arg(long)]
    quick: bool,
    /// Problems that are listed; all are counted.
    #[arg(long, value_name = "N", default_value_t = 100)]
    list: usize,
}

/// `llm2clip.data-check/1`
#[derive(Serialize)]
struct CheckDocument {
    format: &'static str,
    dataset: String,
    path: Option<PathBuf>,
    #[serde(flatten)]
    check: Check,
}

/// `llm2clip data`
pub fn data(global: &Global, args: &Data) -> anyhow::Result<ExitCode> {
    let DataCommand::Check(args) = &args.command;
    if !(0.0..=100.0).contains(&args.max_bad) {
        let found = args.max_bad;
        return Err(Refused(format!("--max-bad: expected 0 to 100 per cent, found {found}")).into());
    }
    let policy = Policy { max_bad: args.max_bad / 100.0 };
    let look = if args.quick { Look::There } else { Look::Decoded };
    let wrong = |error: DataError| -> anyhow::Error {
        match error {
            DataError::NoSuchSet { .. } => Refused(error.to_string()).into(),
            other => other.into(),
        }
    };
    let path = if args.dataset == EMOJI {
        None
    } else {
        Some(find(&args.dataset, args.data.as_deref()).map_err(wrong)?.1)
    };
    let corpus = open_with(&args.dataset, args.data.as_deref(), Policy::LENIENT).map_err(wrong)?;
    let quiet = global.quiet;
    let mut check = check(&corpus, policy, look, |done, total| {
        if !quiet && total > 1000 && (done == total || done % 8192 == 0) {
            say(&format!("pictures  {done}/{total}"));
        }
    });
    check.not_listed += check.problems.len().saturating_sub(args.list);
    check.problems.truncate(args.list);
    let code = if check.ok { ExitCode::SUCCESS } else { ExitCode::from(1) };
    let dataset = args.dataset.clone();
    let document = CheckDocument { format: "llm2clip.data-check/1", dataset, path, check };
    global.print(&document, |document| text(&document.check))?;
    Ok(code)
}

/// A check as people read it: problems last, one a line.
fn text(check: &Check) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<10}{value}");
    };
    let counts = |counts: &std::collections::BTreeMap<String, usize>| {
        let list: Vec<String> =
            counts.iter().map(|(name, count)| format!("{} {count}", safe(name))).collect();
        if list.is_empty() { "none".to_owned() } else { list.join(", ") }
    };
    line("data", format!("{}, read as {}", safe(&check.name), check.read_as));
    line("digest", check.digest.to_string());
    line(
        "items",
        format!(
            "{} ({} concepts, {} classes; {} without captions, {} without pictures)",
            check.items,
            check.concepts,
            check.labels,
            check.without_captions,
            check.without_pictures
        ),
    );
    line(
        "captions",
        format!(
            "{} ({} empty, the longest of {} words)",
            check.captions, check.empty_captions, check.longest_caption
        ),
    );
    line("languages", counts(&check.languages));
    line("splits", counts(&check.splits));
    let unreadable = check.pictures.unreadable.map_or_else(
        || "not decoded".to_owned(),
        |count| format!("{count} that cannot be decoded"),
    );
    line(
        "pictures",
        format!("{} ({} missing, {unreadable})", check.pictures.named, check.pictures.missing),
    );
    line("rows", format!("{} ({} bad)", check.rows, check.bad));
    let verdict = if check.ok { "good to use" } else { "refused" };
    line("verdict", format!("{verdict}: {} % may be bad", check.max_bad * 100.0));
    for row in &check.problems {
        let _ = writeln!(text, "{}", safe(&row.to_string()));
    }
    if check.not_listed > 0 {
        let _ = writeln!(text, "and {} more", check.not_listed);
    }
    text
}
