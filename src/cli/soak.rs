//! `soak`: exact resume under fire.

use super::global::{Global, Refused, say};
use super::text::safe;
use crate::soak::{OBJECTIVES, SoakDocument, SoakRequest, soak as strike};
use anyhow::Context;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// `soak`
#[derive(Args)]
pub struct Soak {
    /// Processes to kill in all.
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Only these presets [default: every objective].
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    objectives: Vec<String>,
    /// A folder to work in, which stays [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// `llm2clip soak`
pub fn soak(global: &Global, args: &Soak) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let objectives = if args.objectives.is_empty() {
        OBJECTIVES.map(str::to_owned).to_vec()
    } else {
        args.objectives.clone()
    };
    if let Some(unknown) = objectives.iter().find(|name| !OBJECTIVES.contains(&name.as_str())) {
        let all = OBJECTIVES.join(", ");
        return Err(Refused(format!("--objectives {unknown}: expected some of {all}")).into());
    }
    let folder = args.folder.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("llm2clip-soak-{}", std::process::id()))
    });
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let request = SoakRequest {
        program: std::env::current_exe().context("finding this program's own file")?,
        folder: folder.clone(),
        kills: args.kills,
        objectives,
        seed: global.seed.unwrap_or(0),
        threads: global.threads.unwrap_or(1),
    };
    let done = strike(&request, &mut |line| {
        if !global.quiet {
            say(&safe(line));
        }
    });
    if args.folder.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    let document = done?;
    global.print(&document, table)?;
    Ok(if document.lost == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn table(document: &SoakDocument) -> String {
    let mut text = format!("{:<34} {:>6} {:>7} {:>5}\n", "fault", "tried", "struck", "lost");
    for row in &document.faults {
        let _ =
            writeln!(text, "{:<34} {:>6} {:>7} {:>5}", row.fault, row.tried, row.struck, row.lost);
    }
    let _ = writeln!(
        text,
        "\n{:<20} {:>5} {:>7} {:>7} {:>6} {:>8} {:>5}",
        "objective", "runs", "struck", "losses", "again", "digests", "lost"
    );
    for row in &document.objectives {
        let _ = writeln!(
            text,
            "{:<20} {:>5} {:>7} {:>7} {:>6} {:>8} {:>5}",
            row.objective, row.runs, row.struck, row.losses, row.again, row.digests, row.lost
        );
    }
    let _ = writeln!(
        text,
        "\n{} kills in {:.0} s, {} threads, seed {}: {}",
        document.kills,
        document.seconds,
        document.threads,
        document.seed,
        if document.lost == 0 {
            "nothing lost".to_owned()
        } else {
            format!("{} lost", document.lost)
        }
    );
    for what in &document.losses {
        let _ = writeln!(text, "{}", safe(what));
    }
    text
}
