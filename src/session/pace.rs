//! How long a stage will take, from runs that did the same work: what a step took by itself, and what a
//! validation and a checkpoint took, each as often as the stage will do it.

use super::fold::{Between, RunState, StageState};
use super::folder::list_sessions;
use super::follow::{RunFollower, logs_in, read_run};
use super::names::RunId;
use super::tail::Budget;
use super::time::Time;
use crate::ids::StageName;
use crate::recipe::{Cadence, Recipe, Stage, StageTime, same_work};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// From so many steps on what one takes is known: the first ones are slower, and of a run that has only
/// begun it changes with every one.
const ENOUGH: usize = 8;

/// The beginning of a log: its first record.
const FIRST: Budget = Budget { records: 2, time: Duration::MAX };

/// What a stage took as a run did it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Took {
    /// Seconds a training step by itself.
    pub step: f64,
    /// What came between the steps.
    pub between: Between,
    /// Of how many steps that is known.
    pub steps: usize,
}

/// A stage's time as an earlier run tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Seconds a training step by itself, at the batch that is wanted.
    pub step: f64,
    /// What came between the run's steps.
    pub between: Between,
    /// The run.
    pub run: RunId,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Threads it computed on.
    pub threads: u32,
    /// The computer it ran on, where that is another one.
    pub host: Option<String>,
    /// The batch it had, where that is another one: its step's time was taken in proportion.
    pub batch: Option<usize>,
    /// In what else it differs from what is wanted.
    differs: Vec<String>,
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
    /// Threads it computed on.
    pub threads: u32,
    /// The computer it ran on.
    pub host: &'a str,
}

/// Where the stage is to run.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// `cpu` or `cuda:N`.
    pub device: &'a str,
    /// Threads, where that is known.
    pub threads: Option<u32>,
    /// The computer's name.
    pub host: &'a str,
}

impl Here<'_> {
    fn differs(&self, ran: &Ran<'_>) -> (bool, bool, bool) {
        let threads = self.threads.is_some_and(|threads| threads != ran.threads);
        (self.host != ran.host, self.device != ran.device, threads)
    }
}

/// The pace to expect of a stage: that of the newest run that did the same work on such a device, rather
/// on this computer, this very device, as many threads and with this batch, in that order; among equals
/// rather one that has made a few steps. Nothing where no run has. Of `runs`, newest first, only those that
/// did that work are asked for what it `took`, until one knows.
#[must_use]
pub fn pace<'a>(
    runs: impl Iterator<Item = Ran<'a>>,
    stage: &Stage,
    here: Option<Here<'_>>,
    mut took: impl FnMut(&RunId) -> Option<Took>,
) -> Option<Pace> {
    let differs = |ran: &Ran<'_>| here.map(|here| here.differs(ran)).unwrap_or_default();
    let mut same: Vec<(Ran<'a>, usize)> = runs
        .filter(|ran| here.is_none_or(|here| kind(here.device) == kind(ran.device)))
        .filter_map(|ran| {
            let same = ran.recipe.stages.iter().find(|other| same_work(other, stage))?;
            Some((ran, same.batch))
        })
        .collect();
    let rank = |(ran, batch): &(Ran<'a>, usize)| (differs(ran), *batch != stage.batch);
    same.sort_by_key(rank);
    let mut begun = None;
    let mut told = None;
    for one in same {
        if begun.as_ref().is_some_and(|(before, _)| rank(before) != rank(&one)) {
            break;
        }
        match took(one.0.run) {
            Some(took) if took.steps >= ENOUGH => {
                told = Some((one, took));
                break;
            }
            Some(took) if begun.is_none() => begun = Some((one, took)),
            _ => {}
        }
    }
    told.or(begun).map(|((ran, batch), Took { step, between, .. })| {
        let (host, device, threads) = differs(&ran);
        let mut words = Vec::new();
        if let Some(here) = here {
            words.extend(host.then(|| "on another computer".to_owned()));
            words.extend(device.then(|| format!("here {}", here.device)));
            let wanted = here.threads.filter(|_| threads);
            words.extend(
                wanted.map(|threads| format!("here {}", counted(threads.into(), "thread"))),
            );
        }
        Pace {
            step: step * stage.batch as f64 / batch.max(1) as f64,
            between,
            run: ran.run.clone(),
            device: ran.device.to_owned(),
            threads: ran.threads,
            host: host.then(|| ran.host.to_owned()),
            batch: (batch != stage.batch).then_some(batch),
            differs: words,
        }
    })
}

impl Pace {
    /// How long a stage will take from there on, of which so many steps are made.
    #[must_use]
    pub fn time(&self, stage: &Stage, made: u64) -> StageTime {
        let steps = (stage.steps as u64).saturating_sub(made);
        let due = Cadence::of(stage, made);
        let validations = self.validations(&due);
        let checkpoints = self.checkpoints(&due);
        let mut caution = self.differs.clone();
        let unknown =
            [(validations.is_none(), "validations"), (checkpoints.is_none(), "checkpoints")];
        let unknown: Vec<&str> =
            unknown.into_iter().filter(|(unknown, _)| *unknown).map(|(_, what)| what).collect();
        if !unknown.is_empty() {
            caution.push(format!("without {}: it made none", unknown.join(" and ")));
        }
        let seconds = |known: Option<(u64, f64)>| known.map(|(_, seconds)| seconds);
        let beside = seconds(validations).unwrap_or(0.0) + seconds(checkpoints).unwrap_or(0.0);
        StageTime {
            stage: stage.name.to_string(),
            steps,
            step_seconds: Some(self.step + if steps > 0 { beside / steps as f64 } else { 0.0 }),
            run: Some(self.run.to_string()),
            run_host: self.host.clone(),
            run_batch: self.batch.map(|batch| batch as u64),
            training_step_seconds: Some(self.step),
            validations: validations.map(|(times, _)| times),
            validation_seconds: seconds(validations),
            checkpoints: checkpoints.map(|(times, _)| times),
            checkpoint_seconds: seconds(checkpoints),
            run_device: Some(self.device.clone()),
            run_threads: Some(self.threads),
            caution: (!caution.is_empty()).then(|| caution.join(", ")),
        }
    }

    /// Validations to come, and the seconds of all. Where a kind was never made alone its time is at most
    /// that of both, less what is known of the other.
    fn validations(&self, due: &Cadence) -> Option<(u64, f64)> {
        let Between { loss, retrieval, both, .. } = self.between;
        let (loss, retrieval, both) = (loss.mean(), retrieval.mean(), both.mean());
        let left = |other: Option<f64>| both.map(|both| (both - other.unwrap_or(0.0)).max(0.0));
        // What was never seen of a run that was measured is not there to be measured.
        let losses = loss.or_else(|| left(retrieval));
        let retrievals = retrieval.or_else(|| left(loss));
        let all = both.or_else(|| match (loss, retrieval) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(0.0) + other.unwrap_or(0.0)),
        });
        if due.both == 0 {
            return Some((0, 0.0));
        }
        let spent = [(due.loss, losses), (due.retrieval, retrievals), (due.both, all)];
        let known = spent.into_iter().filter_map(|(times, each)| Some((times, each?)));
        let (times, seconds) = known.fold((0, 0.0), |(times, seconds), (more, each)| {
            (times + more, seconds + more as f64 * each)
        });
        all.map(|_| (times, seconds))
    }

    /// Checkpoints to come, and the seconds of all. Of the validations that save one where they are the
    /// best so far, the share that were.
    fn checkpoints(&self, due: &Cadence) -> Option<(u64, f64)> {
        if due.saved == 0 {
            return Some((0, 0.0));
        }
        let Between { saved, watched, better, .. } = self.between;
        let share = if watched > 0 { better as f64 / watched as f64 } else { 1.0 };
        let times = due.saved as f64 + due.tries as f64 * share;
        Some((times.round() as u64, times * saved.mean()?))
    }
}

/// A number of things: `1 thread`, `2 threads`.
fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `cpu` or `cuda`: which of several alike does not matter.
fn kind(device: &str) -> &str {
    device.split(':').next().unwrap_or(device)
}

/// What each stage took that made some steps.
#[must_use]
pub fn paces(state: &RunState) -> Vec<(StageName, Took)> {
    let took = |stage: &StageState| {
        let step = stage.clock.training()? / 1000.0;
        let (between, steps) = (stage.between, stage.clock.measured());
        Some((stage.stage.clone(), Took { step, between, steps }))
    };
    state.stages.iter().filter_map(took).collect()
}

/// The runs there are, newest first, known by the beginnings of their logs: only a run that is asked is
/// read to its end.
#[derive(Debug)]
pub struct Earlier {
    sessions: PathBuf,
    runs: Vec<Began>,
    /// What those that were asked said.
    known: BTreeMap<RunId, Vec<(StageName, Took)>>,
}

#[derive(Debug)]
struct Began {
    id: RunId,
    time: Option<Time>,
    recipe: Recipe,
    device: String,
    threads: u32,
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
            threads: run.threads,
            host: &run.host,
        });
        pace(runs, stage, Some(here), |id| {
            let told = known.entry(id.clone()).or_insert_with(|| {
                let run = read_run(&sessions.join(id.session.as_str()), &id.run);
                run.map_or_else(|_| Vec::new(), |run| paces(run.state()))
            });
            told.iter().find(|(name, _)| *name == stage.name).map(|(_, took)| *took)
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
        threads: started.threads,
        host: started.host.clone(),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, RunStarted, StepFinished};
    use super::super::header::Header;
    use super::super::names::log_name;
    use super::super::writer::LogWriter;
    use super::super::{Session, SessionCard};
    use super::*;
    use crate::recipe::{apply_set, preset};
    use serde_json::{Value, json};

    fn recipe(set: &str) -> Recipe {
        apply_set(&preset("clip").unwrap(), set).unwrap()
    }

    /// A run that made one step, and after it what else its log says.
    fn ran_so(
        session: &Session,
        (run, minute): (&str, i64),
        set: &str,
        (device, threads, host): (&str, u32, &str),
        then: Vec<Event>,
    ) {
        let id = RunId { session: session.id().clone(), run: run.parse().unwrap() };
        let header = Header::of_run(id.session, id.run.clone(), 1);
        let path = session.folder().join(log_name(&id.run, 1));
        let mut log = LogWriter::create(&path, &header, 1).unwrap();
        let (recipe, time) = (recipe(set), Time::from_millis(minute * 60_000).unwrap());
        let started: RunStarted = serde_json::from_value(json!({
            "run": run, "segment": 1, "recipe": recipe, "program_version": "0",
            "stages": [{"stage": "clip", "objective": "clip", "steps": 5}],
            "host": host, "pid": 1, "device": device, "threads": threads, "seed": 0,
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
        for event in then {
            log.append_at(time, event).unwrap();
        }
    }

    fn ran(session: &Session, run: &str, minute: i64, set: &str, (device, host): (&str, &str)) {
        ran_so(session, (run, minute), set, (device, 1, host), Vec::new());
    }

    fn validated(measured: &Value, seconds: f64) -> Event {
        let mut event = json!({"stage": "clip", "step": 1, "metrics": {}, "seconds": seconds});
        for (key, value) in measured.as_object().unwrap() {
            event[key] = value.clone();
        }
        Event::Validated(serde_json::from_value(event).unwrap())
    }

    fn saved(seconds: f64) -> Event {
        let digest = "0".repeat(64);
        let saved = json!({"stage": "clip", "step": 1, "path": "a", "digest": digest, "bytes": 1,
            "seconds": seconds});
        Event::CheckpointSaved(serde_json::from_value(saved).unwrap())
    }

    fn session(root: &Path) -> Session {
        let card = SessionCard::new("Night", None, "here".into(), "cpu".into(), 2);
        Session::create(root, card).unwrap()
    }

    const HERE: Here<'_> = Here { device: "cpu", threads: Some(1), host: "here" };

    #[test]
    fn a_run_of_the_same_work_on_such_a_device_tells_the_pace() {
        let root = tempfile::tempdir().unwrap();
        let session = session(root.path());
        let asked = |set: &str, device: &str| {
            let here = Here { device, ..HERE };
            Earlier::below(root.path()).pace(&recipe(set).stages[0], here)
        };
        assert_eq!(asked("steps=3", "cpu"), None);
        ran(&session, "clip-1", 1, "steps=5", ("cpu", "here"));
        ran(&session, "clip-2", 2, "vision.width=64", ("cpu", "here"));
        ran(&session, "clip-3", 3, "steps=5", ("cuda:0", "here"));
        ran(&session, "clip-4", 4, "steps=5", ("cpu", "there"));
        let pace = asked("steps=3", "cpu").unwrap();
        assert_eq!((pace.step, pace.run.run.as_str()), (1.0, "clip-1"));
        assert_eq!((pace.host, pace.batch), (None, None));
        // Another one of several devices of a kind is as good, and half a batch takes half the time.
        let half = asked("batch=64", "cuda:1").unwrap();
        assert_eq!((half.step, half.run.run.as_str(), half.batch), (1.5, "clip-3", Some(128)));
        let caution = half.time(&recipe("batch=64").stages[0], 0).caution.unwrap();
        assert!(caution.contains("here cuda:1"), "{caution}");
        assert_eq!(asked("max_tokens=9", "cpu"), None);
        // A newer one here goes before; a foreign one tells where none else does.
        ran(&session, "clip-5", 5, "lr=1e-4", ("cpu", "here"));
        assert_eq!(asked("steps=3", "cpu").unwrap().run.run.as_str(), "clip-5");
        ran(&session, "clip-6", 6, "max_tokens=9", ("cpu", "there"));
        let foreign = asked("max_tokens=9", "cpu").unwrap();
        assert_eq!((foreign.step, foreign.host.as_deref()), (6.0, Some("there")));
    }

    #[test]
    fn a_run_on_as_many_threads_goes_before_a_newer_one_on_others() {
        let root = tempfile::tempdir().unwrap();
        let session = session(root.path());
        let stage = recipe("steps=3").stages.remove(0);
        let asked = |threads: u32| {
            let here = Here { threads: Some(threads), ..HERE };
            Earlier::below(root.path()).pace(&stage, here).unwrap()
        };
        ran_so(&session, ("clip-1", 1), "steps=5", ("cpu", 2, "here"), Vec::new());
        ran_so(&session, ("clip-2", 2), "steps=5", ("cpu", 4, "here"), Vec::new());
        let two = asked(2);
        assert_eq!((two.run.run.as_str(), two.threads), ("clip-1", 2));
        let caution = two.time(&stage, 0).caution.unwrap();
        assert_eq!(caution, "without validations and checkpoints: it made none");
        let other = asked(1).time(&stage, 0);
        assert_eq!(other.run_threads, Some(4));
        assert!(other.caution.unwrap().starts_with("here 1 thread, without"));
    }

    #[test]
    fn a_trial_of_few_steps_does_not_spread_its_last_validation_over_them() {
        let root = tempfile::tempdir().unwrap();
        let session = session(root.path());
        let then =
            vec![validated(&json!({"loss": 1.0, "metrics": {"mrr": 0.5}}), 60.0), saved(3.0)];
        ran_so(&session, ("clip-1", 1), "steps=1", ("cpu", 1, "here"), then);
        let set = "validate_every=0";
        let mut stage = recipe(set).stages.remove(0);
        stage = Stage { steps: 1000, retrieval_every: 0, checkpoint_every: 0, ..stage };
        let told = |stage: &Stage, made: u64| {
            let pace = Earlier::below(root.path()).pace(stage, HERE).unwrap();
            pace.time(stage, made)
        };
        // One validation and one checkpoint at the end, as the trial had.
        let time = told(&stage, 0);
        assert_eq!((time.validations, time.checkpoints), (Some(1), Some(1)));
        assert!((time.seconds().unwrap() - 1063.0).abs() < 1e-6, "{time:?}");
        assert_eq!((time.training_step_seconds, time.caution), (Some(1.0), None));
        // Ten of each, and of what is left half.
        stage = Stage { validate_every: 100, checkpoint_every: 200, ..stage };
        let time = told(&stage, 0);
        assert_eq!((time.validations, time.checkpoints), (Some(10), Some(5)));
        assert!((time.seconds().unwrap() - 1615.0).abs() < 1e-6, "{time:?}");
        let time = told(&stage, 500);
        assert_eq!((time.steps, time.validations, time.checkpoints), (500, Some(5), Some(3)));
        assert_eq!(told(&stage, 1000).seconds(), Some(0.0));
    }

    #[test]
    fn kinds_of_validations_count_as_often_as_each_will_be_made() {
        let root = tempfile::tempdir().unwrap();
        let session = session(root.path());
        let loss = |best: bool| validated(&json!({"loss": 1.0, "best": best}), 2.0);
        let both = validated(&json!({"loss": 1.0, "metrics": {"mrr": 0.5}, "best": false}), 12.0);
        let then = vec![loss(true), loss(false), loss(false), both, saved(1.0), saved(3.0)];
        ran_so(&session, ("clip-1", 1), "steps=1", ("cpu", 1, "here"), then);
        let mut stage = recipe("keep_best=loss").stages.remove(0);
        stage = Stage { steps: 100, validate_every: 10, retrieval_every: 50, ..stage };
        stage = Stage { checkpoint_every: 0, ..stage };
        let pace = Earlier::below(root.path()).pace(&stage, HERE).unwrap();
        let time = pace.time(&stage, 0);
        // Eight of the loss and two of both; of nine before the end a quarter are saved.
        assert_eq!((time.validations, time.validation_seconds), (Some(10), Some(40.0)));
        assert_eq!((time.checkpoints, time.checkpoint_seconds), (Some(3), Some(6.5)));
    }
}
