//! A new run from a checkpoint of another one: what lies before is taken over, what comes after is
//! the new run's own.
//!
//! The checkpoints it stands on are hard links (copies where the file system has none), so the other
//! run can be pruned or removed without harm to the fork.

use super::queue::Wait;
use super::run::{Point, follow};
use super::start::stage_folder;
use super::{Narrator, Outcome, RunError, Stop, Workspace};
use crate::files::{FileError, manifest, sync_parent};
use crate::recipe::{Recipe, Stage, apply_set, validate};
use crate::session::folder::{NewSegment, Session};
use crate::session::names::RunId;
use crate::session::writer::LogWriter;
use crate::train::{TrainState, read_state};
use std::fs;
use std::path::{Path, PathBuf};

/// What to fork, and how the fork differs.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The run that is forked.
    pub run: RunId,
    /// The stage; none takes the newest that has a checkpoint.
    pub stage: Option<String>,
    /// The step; none takes the newest checkpoint of the stage.
    pub step: Option<usize>,
    /// `[STAGE.]KEY=VALUE`, for the stages from the fork on.
    pub sets: Vec<String>,
    /// Another seed from the fork on.
    pub seed: Option<u64>,
}

/// The place of a fork, and its recipe.
struct Planned {
    recipe: Recipe,
    index: usize,
    step: usize,
}

/// Starts the fork as a new run of `session` and follows it to its end.
pub fn fork(
    workspace: &Workspace,
    session: &Session,
    recorded: &Recipe,
    fork: &Fork,
    narrator: impl FnOnce(LogWriter) -> Narrator,
    stop: &Stop,
    wait: Wait<'_>,
) -> Result<Outcome, RunError> {
    let source = Path::new(fork.run.session.as_str()).join(fork.run.run.as_str());
    let Planned { recipe, index, step } = plan(workspace, recorded, fork, &source)?;
    let NewSegment { run, segment, log } = session.start_run(&recipe.name)?;
    let place = Path::new(session.id().as_str()).join(run.as_str());
    for stage in &recipe.stages[..index] {
        let from = stage_folder(workspace, &source, stage.name.as_str());
        let (_, newest) = manifest::newest_valid(&from).ok_or_else(|| missing(fork, stage))?;
        take_over(&newest, &stage_folder(workspace, &place, stage.name.as_str()))?;
    }
    let stage = &recipe.stages[index];
    let own = stage_folder(workspace, &place, stage.name.as_str());
    let from = stage_folder(workspace, &source, stage.name.as_str());
    let folder = take_over(&manifest::step_folder(&from, step), &own)?;
    let forked_from = Some(fork.run.clone());
    // A finished stage is not begun again: the fork's first own step is the next stage's.
    let state = read_state::<TrainState>(&folder);
    let point = if step >= stage.steps || state.is_ok_and(|state| state.is_finished(stage)) {
        Point { index: index + 1, checkpoint: None, forked_from }
    } else {
        Point { index, checkpoint: Some((step, folder)), forked_from }
    };
    follow(workspace, session, &recipe, run, segment, narrator(log), stop, point, wait)
}

fn missing(fork: &Fork, stage: &Stage) -> RunError {
    RunError::Unfit(format!(
        "{} has no whole checkpoint of stage {}: fork it at a stage that has one, or train it anew",
        fork.run, stage.name
    ))
}

fn plan(
    workspace: &Workspace,
    recorded: &Recipe,
    fork: &Fork,
    source: &Path,
) -> Result<Planned, RunError> {
    let folder = |stage: &Stage| stage_folder(workspace, source, stage.name.as_str());
    let names = || recorded.stages.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    let index = match &fork.stage {
        Some(name) => {
            recorded.stages.iter().position(|s| s.name.as_str() == name).ok_or_else(|| {
                RunError::Unfit(format!(
                    "{} has no stage {name:?}; its stages: {}",
                    fork.run,
                    names()
                ))
            })?
        }
        None => recorded
            .stages
            .iter()
            .rposition(|stage| manifest::newest_valid(&folder(stage)).is_some())
            .ok_or_else(|| {
                RunError::Unfit(format!("{} has no whole checkpoint to fork from", fork.run))
            })?,
    };
    let stage = &recorded.stages[index];
    let step = match fork.step {
        Some(step) => {
            let known = manifest::steps(&folder(stage));
            if manifest::verify(&manifest::step_folder(&folder(stage), step)).is_err() {
                return Err(RunError::Unfit(format!(
                    "{} has no whole checkpoint of stage {} at step {step}; its checkpoints: {known:?}",
                    fork.run, stage.name
                )));
            }
            step
        }
        None => manifest::newest_valid(&folder(stage)).ok_or_else(|| missing(fork, stage))?.0,
    };
    let mut recipe = recorded.clone();
    for set in &fork.sets {
        recipe = apply_set(&recipe, set).map_err(|error| RunError::Unfit(error.to_string()))?;
    }
    let steps = recipe.stages[index].steps;
    if steps < step {
        return Err(RunError::Unfit(format!(
            "stage {} is to make {steps} steps, and the fork begins after step {step}: set more, or fork at an earlier checkpoint",
            stage.name
        )));
    }
    let behind = if steps == step { index + 1 } else { index };
    for set in &fork.sets {
        let key = set.split('=').next().unwrap_or_default().trim();
        let named = key.split_once('.').map(|(name, _)| name);
        if recorded.stages[..behind].iter().any(|stage| Some(stage.name.as_str()) == named) {
            return Err(RunError::Unfit(format!(
                "--set {set}: that stage is behind the fork, and what is set there would train nothing; fork at an earlier checkpoint"
            )));
        }
    }
    // A key for all stages reaches those that are still to be trained.
    recipe.stages[..behind].clone_from_slice(&recorded.stages[..behind]);
    if let Some(seed) = fork.seed {
        recipe.seed = seed;
    }
    let problems = validate(&recipe);
    if !problems.is_empty() {
        return Err(RunError::Recipe { problems });
    }
    Ok(Planned { recipe, index, step })
}

/// Makes a checkpoint's folder one of another run's as well. Returns its new place.
fn take_over(checkpoint: &Path, stage: &Path) -> Result<PathBuf, RunError> {
    let to = stage.join(checkpoint.file_name().unwrap_or_default());
    let temporary = stage.join(".taken-over.partial");
    let _ = fs::remove_dir_all(&temporary);
    fs::create_dir_all(&temporary).map_err(FileError::at("creating", &temporary))?;
    let entries = fs::read_dir(checkpoint).map_err(FileError::at("listing", checkpoint))?;
    for entry in entries {
        let from = entry.map_err(FileError::at("listing", checkpoint))?.path();
        let file = temporary.join(from.file_name().unwrap_or_default());
        fs::hard_link(&from, &file)
            .or_else(|_| fs::copy(&from, &file).map(drop))
            .map_err(FileError::at("taking over", &from))?;
    }
    fs::rename(&temporary, &to).map_err(FileError::at("renaming", &to))?;
    sync_parent(&to)?;
    Ok(to)
}

/// Splits `RUN[/STAGE[@STEP]]` where the whole of it is no run's name: what is left is the run's.
pub fn split_place(text: &str) -> Option<(&str, &str, Option<usize>)> {
    let (run, place) = text.rsplit_once('/')?;
    let (stage, step) = match place.split_once('@') {
        Some((stage, step)) => (stage, Some(step.parse().ok()?)),
        None => (place, None),
    };
    Some((run, stage, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_run_a_stage_and_a_step() {
        assert_eq!(split_place("s/clip-1/clip@40"), Some(("s/clip-1", "clip", Some(40))));
        assert_eq!(split_place("clip-1/clip"), Some(("clip-1", "clip", None)));
        assert_eq!(split_place("clip-1/clip@x"), None);
        assert_eq!(split_place("clip-1"), None);
    }

    #[test]
    fn a_checkpoint_that_was_taken_over_outlives_its_first_owner() {
        let root = tempfile::tempdir().unwrap();
        let from = manifest::step_folder(&root.path().join("a"), 4);
        manifest::write_folder(&from, "test/1", &[("params", b"1".to_vec())]).unwrap();
        let to = take_over(&from, &root.path().join("b")).unwrap();
        fs::remove_dir_all(&from).unwrap();
        assert!(manifest::verify(&to).is_ok());
    }
}
