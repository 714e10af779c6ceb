//! `bench`: throughput of this machine.

use super::global::{Global, Refused};
use super::text::number;
use crate::bench::{BenchDocument, cases, measure};
use clap::Args;
use std::fmt::Write;
use std::process::ExitCode;

/// `bench`
#[derive(Args)]
pub struct Bench {
    /// Only this case; may be given several times.
    #[arg(long = "case", value_name = "NAME")]
    only: Vec<String>,
    /// Measured runs of each case, after two that are not.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// `llm2clip bench`
pub fn bench(global: &Global, args: &Bench) -> anyhow::Result<ExitCode> {
    let all = cases();
    for name in &args.only {
        if !all.iter().any(|case| case.name == name) {
            let names: Vec<_> = all.iter().map(|case| case.name).collect();
            return Err(Refused(format!("no case {name:?}; there are {}", names.join(", "))).into());
        }
    }
    let workspace = global.workspace(None)?;
    let mut document =
        BenchDocument { format: "llm2clip.bench/1", threads: workspace.threads, cases: Vec::new() };
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    for case in all.iter().filter(|case| wanted(case.name)) {
        if !global.quiet {
            eprintln!("{}", case.name);
        }
        document.cases.push(measure(case, args.runs, &workspace.device)?);
    }
    global.print(&document, |document| {
        let mut text = format!(
            "{:<34} {:>10} {:>10} {:>10} {:>5} {:>9}\n",
            "case", "median ms", "min ms", "max ms", "runs", "GFLOP/s"
        );
        for case in &document.cases {
            let rate = number(case.flops.map(|flops| flops / case.median_ms / 1e6), 0);
            let _ = writeln!(
                text,
                "{:<34} {:>10.2} {:>10.2} {:>10.2} {:>5} {rate:>9}",
                case.name, case.median_ms, case.min_ms, case.max_ms, case.runs
            );
        }
        text
    })?;
    Ok(ExitCode::SUCCESS)
}
