//! Where a run goes on: from its newest valid checkpoint, or from the beginning of the stage that was
//! under way. The recorded recipe is all that is needed.

use super::queue::Wait;
use super::run::{Point, follow};
use super::start::stage_folder;
use super::{Narrator, Outcome, RunError, Stop, Workspace};
use crate::files::manifest;
use crate::ids::RunName;
use crate::recipe::Recipe;
use crate::session::event::Ending;
use crate::session::folder::{NewSegment, Session};
use crate::session::writer::LogWriter;
use crate::train::{TrainState, read_state};
use std::path::Path;

/// What came of asking for a run to go on.
pub enum Resumption {
    /// It was finished already; nothing was done.
    AlreadyDone,
    /// It went on, to this end.
    Went(Box<Outcome>),
}

/// Goes on with a stopped, failed or crashed run.
pub fn resume(
    workspace: &Workspace,
    session: &Session,
    run: &RunName,
    narrator: impl FnOnce(LogWriter) -> Narrator,
    stop: &Stop,
) -> Result<Resumption, RunError> {
    let before = crate::session::follow::read_run(session.folder(), run)?;
    let done = before.state().finished.as_ref().is_some_and(|end| end.state == Ending::Done);
    if done {
        return Ok(Resumption::AlreadyDone);
    }
    let recorded = before.state().started.as_ref().map(|start| start.recipe.clone());
    let recorded = recorded.ok_or_else(|| {
        RunError::Unfit(format!("{run} has no recipe in its log: it is not a run, start a new one"))
    })?;
    let recipe: Recipe = serde_json::from_value(recorded).map_err(|cause| {
        RunError::Unfit(format!(
            "the recipe in the log of {run} is not one this version reads ({cause}); resume it with the version that wrote it"
        ))
    })?;
    let (NewSegment { run, segment, log }, _) = session.continue_run(run)?;
    let point = find_point(workspace, &recipe, session, &run);
    let narrator = narrator(log);
    let outcome =
        follow(workspace, session, &recipe, run, segment, narrator, stop, point, Wait::No)?;
    Ok(Resumption::Went(Box::new(outcome)))
}

/// The first stage whose last checkpoint is missing or torn, at its newest valid checkpoint.
fn find_point(workspace: &Workspace, recipe: &Recipe, session: &Session, run: &RunName) -> Point {
    let place = Path::new(session.id().as_str()).join(run.as_str());
    for (index, stage) in recipe.stages.iter().enumerate() {
        let folder = stage_folder(workspace, &place, stage.name.as_str());
        let newest = manifest::newest_valid(&folder);
        // A stage may have ended early: its last state says so.
        let ended = newest.as_ref().is_some_and(|(step, folder)| {
            *step == stage.steps
                || read_state::<TrainState>(folder).is_ok_and(|state| state.is_finished(stage))
        });
        if ended {
            continue;
        }
        return Point { index, checkpoint: newest, forked_from: None };
    }
    Point { index: recipe.stages.len(), ..Point::default() }
}
