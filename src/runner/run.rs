//! The training loop: control, train, validate, save, step after step, stage after stage.

use super::control::{Control, Wish};
use super::keep::{Due, Keeper};
use super::narrator::Narrator;
use super::queue::{self, Wait};
use super::report::{Report, report};
use super::samples::Samples;
use super::start::{Start, prepare, stage_folder};
use super::stop::signal_name;
use super::{RunError, Stop, Workspace};
use crate::files::manifest;
use crate::ids::{Digest, RunName};
use crate::machine;
use crate::recipe::{OnBadStep, Recipe, Stage, Watched, validate};
use crate::session::Finite;
use crate::session::event::{
    Contrast, Diverged, Ending, ResumePoint, RunFinished, RunStarted, StageFinished, StagePlan,
    StageStarted, StepFinished, StepSkipped, StepTimes, StoppedEarly,
};
use crate::session::folder::{NewSegment, Session};
use crate::session::header::GIT_REVISION;
use crate::session::names::RunId;
use crate::train::{
    BadStep, Checkpoint, Pairs, StepOutcome, StepReport, TrainState, Trainer, bytes_needed,
};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Steps between two looks at how a contrastive batch lies (effective rank costs as much as a step).
const CONTRAST_EVERY: usize = 10;

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every stage was finished.
    Done,
    /// It was asked to end; a checkpoint was made.
    Stopped {
        /// The signal that asked; none where a command did.
        signal: Option<i32>,
    },
}

/// One stage of an ended run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageSummary {
    /// The stage.
    pub stage: String,
    /// Updates made.
    pub steps: usize,
    /// Loss of its last step.
    pub loss: Option<f32>,
    /// Seconds in this segment.
    pub seconds: f64,
    /// Digest of its last `params.safetensors`.
    pub digest: Digest,
}

/// What came of a run.
pub struct Outcome {
    /// The run's name.
    pub run: RunName,
    /// How it ended.
    pub ended: Ended,
    /// The stages that were finished.
    pub stages: Vec<StageSummary>,
    /// Digest of the last stage's last parameters.
    pub final_digest: Option<Digest>,
    /// What followed the last stage, for recipes that report.
    pub report: Option<Report>,
}

/// Where a run goes on: the stage's place and, within it, a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Point {
    /// Place of the stage in the recipe.
    pub index: usize,
    /// The checkpoint to restore, with its step; none at the beginning of a stage.
    pub checkpoint: Option<(usize, PathBuf)>,
    /// The run that a new run was forked from.
    pub forked_from: Option<RunId>,
}

/// Starts a new run of `recipe` in `session` and follows it to its end.
pub fn start_run(
    workspace: &Workspace,
    session: &Session,
    recipe: &Recipe,
    narrator: impl FnOnce(crate::session::writer::LogWriter) -> Narrator,
    stop: &Stop,
    wait: Wait<'_>,
) -> Result<Outcome, RunError> {
    let problems = validate(recipe);
    if !problems.is_empty() {
        return Err(RunError::Recipe { problems });
    }
    let NewSegment { run, segment, log } = session.start_run(&recipe.name)?;
    follow(workspace, session, recipe, run, segment, narrator(log), stop, Point::default(), wait)
}

/// Runs `recipe` from `point` on and writes down how it ended, whatever happens.
pub(super) fn follow(
    workspace: &Workspace,
    session: &Session,
    recipe: &Recipe,
    run: RunName,
    segment: u32,
    mut narrator: Narrator,
    stop: &Stop,
    point: Point,
    wait: Wait<'_>,
) -> Result<Outcome, RunError> {
    let clock = Instant::now();
    narrator.control = Some(Control::new(session.control_folder(&run), stop.clone()));
    let stale = narrator.letters();
    let series = std::mem::take(&mut narrator.series);
    narrator.tell(RunStarted { series, ..started(workspace, recipe, &run, segment, &point) })?;
    narrator.refuse_all(stale, "it was there before this runner started")?;
    narrator.line(&format!("run {}/{run}  (threads {})", session.id(), workspace.threads));
    let samples = Samples::start(workspace, session, &run, segment);
    let summaries = Vec::new();
    let mut running =
        Running { workspace, session, recipe, run: &run, narrator: &mut narrator, summaries };
    let ended = running.whole(point, wait);
    drop(samples);
    let (state, reason) = match &ended {
        Ok(_) => (Ending::Done, None),
        Err(RunError::Stopped { signal: None }) => (Ending::Stopped, Some("stop".to_owned())),
        Err(RunError::Stopped { signal: Some(signal) }) => {
            (Ending::Stopped, Some(signal_name(*signal)))
        }
        Err(error) => (Ending::Failed, Some(error.to_string())),
    };
    let final_digest = running.final_digest();
    let stages = running.summaries;
    let letters = narrator.letters();
    let told = narrator.refuse_all(letters, "the run has ended").and_then(|()| {
        narrator.tell(RunFinished {
            state,
            reason,
            seconds: finite(clock.elapsed().as_secs_f64()),
            final_digest: final_digest.clone(),
        })?;
        narrator.sync()
    });
    let (ended, report) = match ended {
        Ok(report) => (Ended::Done, report),
        Err(RunError::Stopped { signal }) => (Ended::Stopped { signal }, None),
        // The first error is the one worth telling; a log that cannot say it is found crashed.
        Err(error) if error.is_full() => return Err(RunError::NoRoom { cause: Box::new(error) }),
        Err(error) => return Err(error),
    };
    told?;
    Ok(Outcome { run, ended, stages, final_digest, report })
}

fn started(
    workspace: &Workspace,
    recipe: &Recipe,
    run: &RunName,
    segment: u32,
    point: &Point,
) -> RunStarted {
    let plan = |stage: &Stage| StagePlan {
        stage: stage.name.clone(),
        objective: stage.objective.name().to_owned(),
        steps: stage.steps as u64,
    };
    let resumed_from = (segment > 1 || point.forked_from.is_some()).then(|| {
        let stage = recipe.stages.get(point.index).or(recipe.stages.last());
        let folder = point.checkpoint.as_ref().map(|(_, folder)| folder.as_path());
        stage.map(|stage| ResumePoint {
            stage: stage.name.clone(),
            index: point.index as u32,
            step: point.checkpoint.as_ref().map_or(0, |(step, _)| *step as u64),
            path: folder.map(|folder| workspace.sources().name_of(folder)),
            digest: folder
                .and_then(|folder| manifest::verify(folder).ok())
                .and_then(|found| found.digest("params.safetensors").cloned()),
        })
    });
    RunStarted {
        run: run.clone(),
        segment,
        recipe: serde_json::to_value(recipe).unwrap_or_default(),
        stages: recipe.stages.iter().map(plan).collect(),
        resumed_from: resumed_from.flatten(),
        forked_from: point.forked_from.as_ref().map(ToString::to_string),
        series: Vec::new(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        git: GIT_REVISION.map(str::to_owned),
        host: machine::host(),
        pid: std::process::id(),
        device: workspace.device_name.clone(),
        threads: workspace.threads as u32,
        seed: recipe.seed,
    }
}

/// A run under way: what every part of the loop needs.
pub(super) struct Running<'a> {
    pub(super) workspace: &'a Workspace,
    session: &'a Session,
    recipe: &'a Recipe,
    run: &'a RunName,
    pub(super) narrator: &'a mut Narrator,
    summaries: Vec<StageSummary>,
}

impl Running<'_> {
    /// The run's folder below the checkpoints folder.
    fn place(&self) -> PathBuf {
        Path::new(self.session.id().as_str()).join(self.run.as_str())
    }

    /// Waits for its turn, trains stage after stage, reports.
    fn whole(&mut self, point: Point, wait: Wait<'_>) -> Result<Option<Report>, RunError> {
        if !self.narrator.is_locked() {
            self.narrator.warn(
                "this file system has no locks: whether the run lives is told by the age of its last record",
            )?;
        }
        self.check_open()?;
        let _turn = queue::wait(self.workspace, wait, self.narrator)?;
        for (index, stage) in self.recipe.stages.iter().enumerate().skip(point.index) {
            let from = if index == point.index { point.checkpoint.clone() } else { None };
            let summary = self.stage(index, stage, from)?;
            self.summaries.push(summary);
        }
        if !self.recipe.report {
            return Ok(None);
        }
        let place = self.place();
        report(self.workspace, self.session, self.recipe, &place, self.narrator).map(Some)
    }

    /// Finds out before the first step whether a checkpoint could be written after the last.
    fn check_open(&self) -> Result<(), RunError> {
        let place = self.workspace.checkpoints.join(self.place());
        let probe = place.join(".probe");
        let tried = std::fs::create_dir_all(&place)
            .and_then(|()| std::fs::write(&probe, []))
            .and_then(|()| std::fs::remove_file(&probe));
        tried.map_err(|cause| RunError::Closed { place, cause })
    }

    /// The digest of the newest valid checkpoint of the last stage.
    fn final_digest(&self) -> Option<Digest> {
        let stage = self.recipe.stages.last()?;
        let folder = stage_folder(self.workspace, &self.place(), stage.name.as_str());
        let (_, newest) = manifest::newest_valid(&folder)?;
        manifest::verify(&newest).ok()?.digest("params.safetensors").cloned()
    }

    fn stage(
        &mut self,
        index: usize,
        stage: &Stage,
        from: Option<(usize, PathBuf)>,
    ) -> Result<StageSummary, RunError> {
        let clock = Instant::now();
        let place = self.place();
        let start = prepare(self.workspace, self.narrator, self.recipe, stage, &place)?;
        let Start { weights, feed, card, own_tokenizer, data, table, base } = start;
        self.check_memory(stage, &weights, &feed)?;
        let device = &self.workspace.device;
        let mut trainer = Trainer::new(stage, self.recipe.seed, weights, feed, device)?;
        if let Some((_, folder)) = &from {
            trainer.restore(Checkpoint::<TrainState>::load(folder, device)?)?;
        }
        let (all, trainable) = trainer.params().count();
        self.narrator.tell(StageStarted {
            stage: stage.name.clone(),
            index: index as u32,
            stages: self.recipe.stages.len() as u32,
            objective: stage.objective.name().to_owned(),
            steps: stage.steps as u64,
            from_step: trainer.state().step as u64,
            trainable_parameters: trainable as u64,
            frozen_parameters: (all - trainable) as u64,
            data: Some(data),
            table,
            base,
        })?;
        let folder = stage_folder(self.workspace, &place, stage.name.as_str());
        self.check_disk(bytes_needed(&trainer.params().trainable_tensors()))?;
        let card = serde_json::to_value(&card).unwrap_or_default();
        let mut keeper = Keeper { folder, card, own_tokenizer };
        let mut saved = from.map(|(step, _)| step);
        loop {
            while let Some(wish) = self.narrator.wish()? {
                let step = trainer.state().step;
                if step > 0 && saved != Some(step) {
                    self.save(stage, &trainer, &mut keeper)?;
                    saved = Some(step);
                }
                match wish {
                    Wish::End(asked) => return self.narrator.end(asked),
                    Wish::Save(asked) if step == 0 => {
                        let why = format!("stage {} has made no step yet", stage.name);
                        self.narrator.refuse(asked, &why)?;
                    }
                    Wish::Save(asked) => {
                        keeper.asked_for(step)?;
                        self.narrator.apply(asked)?;
                    }
                }
            }
            if trainer.is_finished() {
                break;
            }
            self.step(stage, &mut trainer)?;
            let step = trainer.state().step;
            let every = |period: usize| period > 0 && step.is_multiple_of(period);
            let last = trainer.is_finished();
            let due = Due {
                loss: every(stage.validate_every) || last,
                retrieval: every(stage.retrieval_every) || last,
            };
            let best = (due.loss || due.retrieval) && self.validate(stage, &mut trainer, due)?;
            let keeps_best = best && stage.keep_best != Watched::None;
            if keeps_best || every(stage.checkpoint_every) || trainer.is_finished() {
                self.save(stage, &trainer, &mut keeper)?;
                saved = Some(step);
            }
        }
        let state = trainer.state();
        let digest = keeper.digest(state.step)?;
        let summary = StageSummary {
            stage: stage.name.to_string(),
            steps: state.step,
            loss: state.last_loss,
            seconds: clock.elapsed().as_secs_f64(),
            digest: digest.clone(),
        };
        let stopped_early = stopped_early(stage, state);
        if let Some(early) = &stopped_early {
            self.narrator.line(&format!(
                "{}: no better {} in {} validations; ends after {} of {} steps",
                stage.name, early.metric, early.validations, state.step, stage.steps
            ));
        }
        self.narrator.tell(StageFinished {
            stage: stage.name.clone(),
            steps: state.step as u64,
            loss: summary.loss.and_then(Finite::new),
            seconds: finite(summary.seconds),
            digest,
            stopped_early,
        })?;
        Ok(summary)
    }

    fn step(&mut self, stage: &Stage, trainer: &mut Trainer) -> Result<(), RunError> {
        let number = trainer.state().step + 1;
        let contrast = number == 1 || number.is_multiple_of(CONTRAST_EVERY);
        match trainer.step(contrast)? {
            StepOutcome::Finished(report) => {
                let record = record(stage, &report)?;
                self.narrator.step(record, stage.steps)
            }
            StepOutcome::Bad(bad) => self.bad_step(stage, trainer, bad),
        }
    }

    fn bad_step(&mut self, stage: &Stage, trainer: &Trainer, bad: BadStep) -> Result<(), RunError> {
        let BadStep { step, what, items } = bad;
        if stage.on_bad_step == OnBadStep::Skip {
            return self.narrator.tell(StepSkipped {
                stage: stage.name.clone(),
                step: step as u64,
                what,
                items,
                learning_rate_factor: finite(trainer.state().rate_factor),
            });
        }
        let listed = items.join(", ");
        self.narrator.tell(Diverged {
            stage: stage.name.clone(),
            step: step as u64,
            what: what.clone(),
            items,
        })?;
        Err(RunError::Diverged { stage: stage.name.to_string(), step, what, items: listed })
    }
}

/// Why a stage made fewer steps than planned.
fn stopped_early(stage: &Stage, state: &TrainState) -> Option<StoppedEarly> {
    let best = state.best.filter(|_| state.step < stage.steps && state.ran_out(stage))?;
    Some(StoppedEarly {
        metric: stage.keep_best.name().to_owned(),
        best: Finite::new(best.value)?,
        best_step: best.step as u64,
        validations: state.stale as u64,
    })
}

/// A number that was checked where it came from.
pub(super) fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap_or(Finite::ZERO)
}

fn record(stage: &Stage, report: &StepReport) -> Result<StepFinished, RunError> {
    let time = &report.milliseconds;
    let seconds = (time.data + time.forward + time.backward + time.optimizer) / 1e3;
    let a_second = |count: usize| Finite::new(count as f64 / seconds);
    let norms = report.gradient_norm.iter();
    Ok(StepFinished {
        stage: stage.name.clone(),
        step: report.step as u64,
        epoch: report.epoch,
        loss: finite(f64::from(report.loss)),
        learning_rate: finite(report.learning_rate),
        gradient_norm: norms.map(|(&name, &norm)| (name.to_owned(), finite(norm))).collect(),
        clipped: report.clipped,
        logit_scale: report.logit_scale.and_then(Finite::new),
        examples_per_second: a_second(report.examples),
        tokens_per_second: a_second(report.tokens),
        milliseconds: StepTimes {
            data: finite(time.data),
            forward: finite(time.forward),
            backward: finite(time.backward),
            optimizer: finite(time.optimizer),
        },
        memory_bytes: machine::resident_bytes(),
        contrast: report.pairs.as_ref().map(contrast).transpose()?,
    })
}

/// How the pairs of a batch lie on the unit sphere.
fn contrast(pairs: &Pairs) -> Result<Contrast, RunError> {
    let measures = crate::eval::contrast(&pairs.first, &pairs.second, pairs.dim)?;
    Ok(Contrast {
        positive: finite(measures.positive),
        hardest_negative: finite(measures.hardest_negative),
        alignment: finite(measures.alignment),
        uniformity: finite(measures.uniformity),
        effective_rank: finite(measures.effective_rank),
    })
}
