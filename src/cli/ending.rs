//! What a run leaves when it ends: its document, its export where it reports, the command that was
//! asked for, and the exit code.

use super::export_session::export_session;
use super::global::{Global, say};
use super::text;
use crate::export::Format;
use crate::ids::RunName;
use crate::runner::{Ended, Outcome, Report, RunError, StageSummary};
use crate::session::folder::Session;
use crate::session::follow::read_run;
use crate::session::runs::RunRow;
use crate::session::{RunStatus, Time};
use serde::Serialize;
use std::os::fd::AsFd;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// What `train` and `resume` print on ending: `llm2clip.run/1`.
#[derive(Serialize)]
pub struct RunDocument {
    format: &'static str,
    #[serde(flatten)]
    row: RunRow,
    stages: Vec<StageSummary>,
}

/// What `demo` prints: `llm2clip.demo/1`.
#[derive(Serialize)]
struct DemoDocument {
    format: &'static str,
    seconds: f64,
    session: String,
    run: RunDocument,
    caption: serde_json::Value,
    image: serde_json::Value,
    inspect: serde_json::Value,
    export: String,
}

/// A run of this process that ended without an error.
pub struct Ending<'a> {
    session: &'a Session,
    outcome: Outcome,
}

impl<'a> Ending<'a> {
    /// Takes what came of a run; runs the command of `--on-end`, whatever came of it.
    pub fn of(
        session: &'a Session,
        ended: Result<Outcome, RunError>,
        on_end: Option<&str>,
    ) -> anyhow::Result<Self> {
        if let Some(command) = on_end {
            let run = ended.as_ref().ok().map(|outcome| outcome.run.clone());
            let run = run.or_else(|| newest_of_this_process(session));
            let reason = ended.as_ref().err().map(ToString::to_string);
            if let Some(run) = run {
                run_command(session, &run, reason, command);
            }
        }
        Ok(Self { session, outcome: ended? })
    }

    /// The run as `runs` lists it.
    pub fn row(&self) -> anyhow::Result<RunRow> {
        row(self.session, &self.outcome.run)
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        match self.outcome.ended {
            Ended::Stopped { signal } => signal,
            Ended::Done => None,
        }
    }

    /// Prints the run's document, or the demo's where the recipe reports.
    pub fn print(self, global: &Global, clock: Option<Instant>) -> anyhow::Result<ExitCode> {
        let (session, signal) = (self.session, self.signal());
        let Outcome { run, ended, stages, report, .. } = self.outcome;
        let document = RunDocument { format: "llm2clip.run/1", row: row(session, &run)?, stages };
        match report {
            None => print_run(global, &document)?,
            Some(report) => print_demo(global, session, document, &report, clock)?,
        }
        if ended != Ended::Done {
            say(&format!("stopped after a checkpoint; `llm2clip resume {run}` goes on"));
        }
        Ok(signal.map_or(ExitCode::SUCCESS, |signal| ExitCode::from(128 + signal as u8)))
    }
}

fn row(session: &Session, run: &RunName) -> anyhow::Result<RunRow> {
    Ok(RunRow::of(session.id(), &read_run(session.folder(), run)?, Time::now()))
}

/// The document of a run that this process did not run to its end: watched, done, or detached.
pub fn document(session: &Session, run: &RunName) -> anyhow::Result<RunDocument> {
    let follower = read_run(session.folder(), run)?;
    let stages = follower.state().stages.iter().filter_map(|stage| {
        let end = stage.finished.as_ref()?;
        Some(StageSummary {
            stage: stage.stage.to_string(),
            steps: end.steps as usize,
            loss: end.loss.map(|loss| loss as f32),
            seconds: end.seconds,
            digest: end.digest.clone(),
        })
    });
    let stages = stages.collect();
    let row = RunRow::of(session.id(), &follower, Time::now());
    Ok(RunDocument { format: "llm2clip.run/1", row, stages })
}

/// Prints a run's document.
pub fn print_run(global: &Global, document: &RunDocument) -> anyhow::Result<()> {
    global.print(document, |document| text::run(&document.row, &document.stages))
}

/// 0 for a run that is done or was stopped, 1 for one that failed or is gone.
pub fn code_of(status: RunStatus) -> ExitCode {
    match status {
        RunStatus::Failed | RunStatus::Crashed | RunStatus::Unknown => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    }
}

fn print_demo(
    global: &Global,
    session: &Session,
    run: RunDocument,
    report: &Report,
    clock: Option<Instant>,
) -> anyhow::Result<()> {
    let out = session.folder().join("export");
    export_session(session, &out, &Format::ALL)?;
    let demo = DemoDocument {
        format: "llm2clip.demo/1",
        seconds: clock.map_or(0.0, |clock| clock.elapsed().as_secs_f64()),
        session: session.id().to_string(),
        run,
        caption: serde_json::to_value(&report.caption)?,
        image: serde_json::to_value(&report.image)?,
        inspect: serde_json::to_value(&report.inspect)?,
        export: out.display().to_string(),
    };
    global.print(&demo, |demo| {
        let run = text::run(&demo.run.row, &demo.run.stages);
        let caption = text::compare(&report.caption);
        let image = text::compare(&report.image);
        let inspect = text::inspect(&report.inspect);
        format!(
            "{run}\n{caption}\n{image}\n{inspect}\nexported to {}\nseconds  {:.0}\n",
            demo.export, demo.seconds
        )
    })
}

/// The run whose newest segment this process wrote: a failed run hands back no name.
fn newest_of_this_process(session: &Session) -> Option<RunName> {
    let runs = crate::session::follow::logs_in(session.folder()).ok()?;
    let mine = |run: &RunName| {
        let read = read_run(session.folder(), run).ok()?;
        let start = read.state().started.as_ref()?;
        (start.pid == std::process::id())
            .then(|| (read.state().segments.last().map(|s| s.time), run.clone()))
    };
    runs.keys().filter_map(mine).max().map(|(_, run)| run)
}

/// Runs the command of `--on-end` in a shell, with the result in its environment. Its output goes to
/// stderr: stdout is the document's. A command that fails is said, and changes nothing.
fn run_command(session: &Session, run: &RunName, why: Option<String>, command: &str) {
    let Ok(row) = row(session, run) else { return };
    let out =
        std::io::stderr().as_fd().try_clone_to_owned().map_or_else(|_| Stdio::null(), Stdio::from);
    let sessions = session.folder().parent().map(std::path::absolute);
    let text = |value: Option<String>| value.unwrap_or_default().replace('\0', "");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(out)
        .env("LLM2CLIP_RUN", &row.run)
        .env("LLM2CLIP_SESSION", row.session.as_str())
        .env("LLM2CLIP_RECIPE", text(Some(row.recipe.clone())))
        .env("LLM2CLIP_STATE", row.state.to_string())
        .env("LLM2CLIP_STAGE", row.stage.as_ref().map_or("", |stage| stage.as_str()))
        .env("LLM2CLIP_STEP", row.step.to_string())
        .env("LLM2CLIP_LOSS", text(row.loss.map(|loss| loss.to_string())))
        .env("LLM2CLIP_DIGEST", row.final_digest.as_ref().map_or("", |digest| digest.as_str()))
        .env("LLM2CLIP_REASON", text(why));
    if let Some(Ok(folder)) = sessions {
        shell.env("LLM2CLIP_SESSIONS", folder);
    }
    match shell.status() {
        Ok(status) if status.success() => {}
        Ok(status) => say(&format!("warning: the command of --on-end failed ({status})")),
        Err(error) => say(&format!("warning: the command of --on-end could not be run: {error}")),
    }
}
