//! How long a step of a stage will take, from runs that did the same work.

use super::fold::RunState;
use super::folder::list_sessions;
use super::follow::{RunFollower, logs_in, read_run};
use super::names::RunId;
use super::tail::Budget;
use super::time::Time;
use crate::ids::StageName;
use crate::recipe::{Recipe, Stage, same_work};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The beginning of a log: its first record.
const FIRST: Budget = Budget { records: 2, time: Duration::MAX };

/// A step's time as a run took it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Seconds a step.
    pub seconds: f64,
    /// The run.
    pub run: RunId,
    /// The computer it ran on, where that is another one.
    pub host: Option<String>,
    /// The batch it had, where that is another one: its time was taken in proportion.
    pub batch: Option<usize>,
}

/// A run that may tell.
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// Its name.
    pub run: &'a RunId,
    /// What it did.
    pub recipe: &'a Recipe,
    /// `cpu` or `cuda:N`.
    pub device: &'a str,
    /// The computer it ran on.
    pub host: &'a str,
}

/// Where the stage is to run.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// `cpu` or `cuda:N`.
    pub device: &'a str,
    /// The computer's name.
    pub host: &'a str,
}

/// The pace to expect of a stage: that of the newest run that did the same work on such a device, rather
/// on this computer and with this batch. Nothing where no run has. Of `runs`, newest first, only those
/// that did that work are asked for the `seconds` that a step took, until one knows.
#[must_use]
pub fn pace<'a>(
    runs: impl Iterator<Item = Ran<'a>>,
    stage: &Stage,
    here: Option<Here<'_>>,
    mut seconds: impl FnMut(&RunId) -> Option<f64>,
) -> Option<Pace> {
    let foreign = |ran: &Ran<'_>| here.is_some_and(|here| here.host != ran.host);
    let mut same: Vec<(Ran<'a>, usize)> = runs
        .filter(|ran| here.is_none_or(|here| kind(here.device) == kind(ran.device)))
        .filter_map(|ran| {
            let same = ran.recipe.stages.iter().find(|other| same_work(other, stage))?;
            Some((ran, same.batch))
        })
        .collect();
    same.sort_by_key(|(ran, batch)| (foreign(ran), *batch != stage.batch));
    same.into_iter().find_map(|(ran, batch)| {
        let took = seconds(ran.run)?;
        Some(Pace {
            seconds: took * stage.batch as f64 / batch.max(1) as f64,
            run: ran.run.clone(),
            host: foreign(&ran).then(|| ran.host.to_owned()),
            batch: (batch != stage.batch).then_some(batch),
        })
    })
}

/// `cpu` or `cuda`: which of several alike does not matter.
fn kind(device: &str) -> &str {
    device.split(':').next().unwrap_or(device)
}

/// Seconds a step of each stage that made some.
#[must_use]
pub fn paces(state: &RunState) -> Vec<(StageName, f64)> {
    let pace = state
        .stages
        .iter()
        .filter_map(|stage| Some((stage.stage.clone(), stage.clock.milliseconds()? / 1000.0)));
    pace.collect()
}

/// The runs there are, newest first, known by the beginnings of their logs: only a run that is asked is
/// read to its end.
#[derive(Debug)]
pub struct Earlier {
    sessions: PathBuf,
    runs: Vec<Began>,
    /// What those that were asked said.
    known: BTreeMap<RunId, Vec<(StageName, f64)>>,
}

#[derive(Debug)]
struct Began {
    id: RunId,
    time: Option<Time>,
    recipe: Recipe,
    device: String,
    host: String,
}

impl Earlier {
    /// Every run below a sessions folder. What cannot be read tells nothing.
    #[must_use]
    pub fn below(sessions: &Path) -> Self {
        let mut runs = Vec::new();
        for session in list_sessions(sessions).unwrap_or_default() {
            let folder = sessions.join(session.as_str());
            for (run, segments) in logs_in(&folder).unwrap_or_default() {
                let id = RunId { session: session.clone(), run };
                runs.extend(began(&folder, id, segments.len() > 1));
            }
        }
        runs.sort_by(|a, b| (b.time, &b.id).cmp(&(a.time, &a.id)));
        Self { sessions: sessions.to_owned(), runs, known: BTreeMap::new() }
    }

    /// The pace to expect of a stage, as [`pace`] says.
    pub fn pace(&mut self, stage: &Stage, here: Here<'_>) -> Option<Pace> {
        let Self { sessions, runs, known } = self;
        let runs = runs.iter().map(|run| Ran {
            run: &run.id,
            recipe: &run.recipe,
            device: &run.device,
            host: &run.host,
        });
        pace(runs, stage, Some(here), |id| {
            let told = known.entry(id.clone()).or_insert_with(|| {
                let run = read_run(&sessions.join(id.session.as_str()), &id.run);
                run.map_or_else(|_| Vec::new(), |run| paces(run.state()))
            });
            told.iter().find(|(name, _)| *name == stage.name).map(|(_, seconds)| *seconds)
        })
    }
}

/// What a run's log begins with. One that went on has its newest device in a later log.
fn began(folder: &Path, id: RunId, went_on: bool) -> Option<Began> {
    let run = if went_on {
        read_run(folder, &id.run).ok()?
    } else {
        let mut run = RunFollower::open(folder, id.run.clone());
        run.poll(FIRST).ok()?;
        run
    };
    let state = run.state();
    let started = state.started.as_ref()?;
    Some(Began {
        time: state.segments.first().map(|segment| segment.time),
        recipe: Recipe::deserialize(&started.recipe).ok()?,
        device: started.device.clone(),
        host: started.host.clone(),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::event::{RunStarted, StepFinished};
    use super::super::header::Header;
    use super::super::names::log_name;
    use super::super::writer::LogWriter;
    use super::super::{Session, SessionCard};
    use super::*;
    use crate::recipe::{apply_set, preset};
    use serde_json::json;

    fn recipe(set: &str) -> Recipe {
        apply_set(&preset("clip").unwrap(), set).unwrap()
    }

    /// A run that made one step.
    fn ran(session: &Session, run: &str, minute: i64, set: &str, (device, host): (&str, &str)) {
        let id = RunId { session: session.id().clone(), run: run.parse().unwrap() };
        let header = Header::of_run(id.session, id.run.clone(), 1);
        let path = session.folder().join(log_name(&id.run, 1));
        let mut log = LogWriter::create(&path, &header, 1).unwrap();
        let (recipe, time) = (recipe(set), Time::from_millis(minute * 60_000).unwrap());
        let started: RunStarted = serde_json::from_value(json!({
            "run": run, "segment": 1, "recipe": recipe, "program_version": "0",
            "stages": [{"stage": "clip", "objective": "clip", "steps": 5}],
            "host": host, "pid": 1, "device": device, "threads": 1, "seed": 0,
        }))
        .unwrap();
        log.append_at(time, started).unwrap();
        let part = 250.0 * minute as f64;
        let step: StepFinished = serde_json::from_value(json!({
            "stage": "clip", "step": 1, "epoch": 0, "loss": 1.0, "learning_rate": 0.1,
            "gradient_norm": {}, "clipped": false, "memory_bytes": 1,
            "milliseconds": {"data": part, "forward": part, "backward": part, "optimizer": part},
        }))
        .unwrap();
        log.append_at(time, step).unwrap();
    }

    #[test]
    fn a_run_of_the_same_work_on_such_a_device_tells_the_pace() {
        let root = tempfile::tempdir().unwrap();
        let card = SessionCard::new("Night", None, "here".into(), "cpu".into(), 2);
        let session = Session::create(root.path(), card).unwrap();
        let asked = |set: &str, device: &str| {
            let here = Here { device, host: "here" };
            Earlier::below(root.path()).pace(&recipe(set).stages[0], here)
        };
        assert_eq!(asked("steps=3", "cpu"), None);
        ran(&session, "clip-1", 1, "steps=5", ("cpu", "here"));
        ran(&session, "clip-2", 2, "vision.width=64", ("cpu", "here"));
        ran(&session, "clip-3", 3, "steps=5", ("cuda:0", "here"));
        ran(&session, "clip-4", 4, "steps=5", ("cpu", "there"));
        let pace = asked("steps=3", "cpu").unwrap();
        assert_eq!((pace.seconds, pace.run.run.as_str()), (1.0, "clip-1"));
        assert_eq!((pace.host, pace.batch), (None, None));
        // Another one of several devices of a kind is as good, and half a batch takes half the time.
        let half = asked("batch=64", "cuda:1").unwrap();
        assert_eq!((half.seconds, half.run.run.as_str(), half.batch), (1.5, "clip-3", Some(128)));
        assert_eq!(asked("max_tokens=9", "cpu"), None);
        // A newer one here goes before; a foreign one tells where none else does.
        ran(&session, "clip-5", 5, "lr=1e-4", ("cpu", "here"));
        assert_eq!(asked("steps=3", "cpu").unwrap().run.run.as_str(), "clip-5");
        ran(&session, "clip-6", 6, "max_tokens=9", ("cpu", "there"));
        let foreign = asked("max_tokens=9", "cpu").unwrap();
        assert_eq!((foreign.seconds, foreign.host.as_deref()), (6.0, Some("there")));
    }
}
