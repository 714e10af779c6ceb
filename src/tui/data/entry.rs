//! A run as lists show it, from the fold of its log: as far as that goes, now or at a moment of a replay.

use super::curve::spark;
use super::library::{RunEntry, Runner};
use crate::session::RunStatus;
use crate::session::fold::{RunState, StageState};
use crate::session::names::RunId;
use crate::session::pace::paces;
use crate::session::runs::RunRow;

/// Cells of a spark line.
const SPARK: usize = 40;

impl RunEntry {
    /// The entry of a run of which so much is known. Its lock, the run it waits for and its recipe are
    /// not told by the fold.
    #[must_use]
    pub fn of(id: &RunId, state: &RunState, status: RunStatus) -> Self {
        let started = state.started.as_ref();
        let row = RunRow::at(&id.session, &id.run, state, status);
        let saved = state.stages.iter().flat_map(|stage| {
            let there = stage.checkpoints.iter().filter(|checkpoint| !checkpoint.superseded);
            there.map(move |checkpoint| (stage.stage.clone(), checkpoint.step))
        });
        let reason = state.finished.as_ref().and_then(|finished| finished.reason.clone());
        Self {
            id: id.clone(),
            row,
            began: state.segments.first().map(|segment| segment.time),
            last: state.last_time,
            stage: (state.current.map_or(0, |at| at + 1), state.stages.len()),
            share: share(state, status),
            device: started.map_or_else(String::new, |started| started.device.clone()),
            threads: started.map_or(0, |started| started.threads),
            host: started.map_or_else(String::new, |started| started.host.clone()),
            runner: Runner { process: started.map(|started| started.pid), lock: None, after: None },
            seed: started.map_or(0, |started| started.seed),
            segments: state.segments.len(),
            spark: spark(state, SPARK),
            warnings: state.warnings.count,
            reason,
            recipe: None,
            pace: paces(state),
            saved: saved.collect(),
            checkpoint: newest(state),
        }
    }
}

/// Bytes of the checkpoint that was saved last.
fn newest(state: &RunState) -> u64 {
    let last = |stage: &StageState| stage.checkpoints.last().map(|saved| saved.bytes);
    state
        .stage_now()
        .and_then(last)
        .or_else(|| state.stages.iter().rev().find_map(last))
        .unwrap_or(0)
}

fn share(state: &RunState, status: RunStatus) -> f64 {
    if status == RunStatus::Done {
        return 1.0;
    }
    let all: u64 = state.stages.iter().map(|stage| stage.steps).sum();
    let made: u64 = state.stages.iter().map(|stage| stage.step.min(stage.steps)).sum();
    if all == 0 { 0.0 } else { made as f64 / all as f64 }
}
