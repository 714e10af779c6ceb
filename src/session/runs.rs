//! The list of runs: the document `llm2clip.runs/1`.

use super::best::BestRow;
use super::error::LogError;
use super::fold::RunState;
use super::folder::list_sessions;
use super::follow::{RunFollower, logs_in, read_run};
use super::names::RunId;
use super::sitting::{SittingState, Subject, read_sittings};
use super::state::RunStatus;
use super::time::Time;
use crate::ids::{Digest, RunName, SessionId, StageName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Format of the list.
pub const RUNS_FORMAT: &str = "llm2clip.runs/1";

/// One run as the list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// `<session>/<run>`.
    pub run: String,
    /// The session.
    pub session: SessionId,
    /// The recipe's name.
    pub recipe: String,
    /// What it is doing.
    pub state: RunStatus,
    /// The stage under way, or the last one that was; null before the first.
    pub stage: Option<StageName>,
    /// Updates of that stage made.
    pub step: u64,
    /// Updates that stage is to make.
    pub steps: u64,
    /// Last training loss; null before the first step.
    pub loss: Option<f64>,
    /// Seconds to go, of a live run: one that stands comes no nearer to its end. Null where nothing
    /// tells, or nothing is left.
    pub eta_s: Option<f64>,
    /// sha256 of the last stage's last `params.safetensors`; null before its end.
    pub final_digest: Option<Digest>,
    /// When its first segment began.
    pub began: Option<Time>,
    /// `cpu` or `cuda:N`.
    pub device: Option<String>,
    /// The best validation of that stage, by what its recipe watches; null before the first.
    pub best: Option<BestRow>,
    /// What people call it; told by the list alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunsDocument {
    /// [`RUNS_FORMAT`].
    pub format: String,
    /// Newest first.
    pub runs: Vec<RunRow>,
}

/// The list, and what could not be read.
#[derive(Debug)]
pub struct RunsList {
    /// The document.
    pub document: RunsDocument,
    /// Runs whose logs cannot be read, by full name.
    pub problems: Vec<(RunId, LogError)>,
}

impl RunRow {
    /// The row of a run that was read, at `now`.
    #[must_use]
    pub fn of(session: &SessionId, run: &RunFollower, now: Time) -> Self {
        Self::at(session, run.run(), run.state(), run.status(now))
    }

    /// The row of a run of which so much is known.
    #[must_use]
    pub fn at(session: &SessionId, run: &RunName, state: &RunState, status: RunStatus) -> Self {
        let stage = state.stage_now();
        let goes = status == RunStatus::Live;
        Self {
            run: format!("{session}/{run}"),
            session: session.clone(),
            recipe: recipe_name(run, state),
            state: status,
            stage: stage.map(|stage| stage.stage.clone()),
            step: stage.map_or(0, |stage| stage.step),
            steps: stage.map_or(0, |stage| stage.steps),
            loss: stage.and_then(|stage| stage.loss),
            eta_s: state.eta().filter(|_| goes).map(|eta| eta.seconds),
            final_digest: state.final_digest().cloned(),
            began: state.segments.first().map(|segment| segment.time),
            device: state.started.as_ref().map(|started| started.device.clone()),
            best: stage.and_then(BestRow::of),
            tags: Vec::new(),
        }
    }
}

/// The recipe's own `name`, else the run's name without its number.
fn recipe_name(run: &RunName, state: &RunState) -> String {
    let recipe = state.started.as_ref().map(|started| &started.recipe);
    let named = recipe.and_then(|recipe| recipe.get("name")?.as_str());
    let run = run.as_str();
    named.unwrap_or_else(|| run.rsplit_once('-').map_or(run, |(recipe, _)| recipe)).to_owned()
}

/// Every run below a sessions folder, without reading any log: for finding one by name.
pub fn run_ids(sessions: &Path) -> Result<Vec<RunId>, LogError> {
    let mut ids = Vec::new();
    for session in list_sessions(sessions)? {
        for run in logs_in(&sessions.join(session.as_str()))?.into_keys() {
            ids.push(RunId { session: session.clone(), run });
        }
    }
    Ok(ids)
}

/// Every run below a sessions folder, newest first. Reads every log.
pub fn list_runs(sessions: &Path, now: Time) -> Result<RunsList, LogError> {
    let mut rows: Vec<(Option<Time>, RunName, RunRow)> = Vec::new();
    let mut problems = Vec::new();
    let mut sittings: BTreeMap<SessionId, SittingState> = BTreeMap::new();
    for id in run_ids(sessions)? {
        let folder = sessions.join(id.session.as_str());
        match read_run(&folder, &id.run) {
            Ok(run) => {
                // A sitting that cannot be read takes no run away.
                let sitting = sittings
                    .entry(id.session.clone())
                    .or_insert_with(|| read_sittings(&folder).unwrap_or_default());
                let tags = sitting.tags.get(&Subject::run(id.run.as_str()));
                let tags = tags.into_iter().flatten().cloned().collect();
                let row = RunRow { tags, ..RunRow::of(&id.session, &run, now) };
                rows.push((row.began, id.run, row));
            }
            // A file without its first record is no run, and no problem.
            Err(LogError::NotARun { .. }) => {}
            Err(error) => problems.push((id, error)),
        }
    }
    rows.sort_by(|a, b| (b.0, &b.2.session, &b.1).cmp(&(a.0, &a.2.session, &a.1)));
    let runs = rows.into_iter().map(|(_, _, row)| row).collect();
    Ok(RunsList { document: RunsDocument { format: RUNS_FORMAT.to_owned(), runs }, problems })
}
