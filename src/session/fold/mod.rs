//! From records to what is known: one function, used live, in replay and for export.
//!
//! [`RunState::apply`] sees one record after the other, never a clock and never a file, so the
//! same records give the same state however they arrive. Everything it keeps is bounded: series
//! by thinning, lists by keeping the newest.

mod between;
mod eta;
mod series;
mod stage;

pub use between::{Between, Spent};
pub use eta::{Eta, StepClock};
pub use series::{BUCKETS, Bucket, Series, TAIL};
pub use stage::{BESTS_KEPT, Best, Checkpoint, StageEnd, StageProgress, StageState, Track};

use super::event::{Diverged, Event, Progressed, ResumePoint, RunFinished, RunStarted, StagePlan};
use super::record::Record;
use super::time::Time;
use crate::ids::{Digest, RunName, StageName};
use crate::recipe::Watched;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Entries kept of a list that can grow without end.
pub const NEWEST_KEPT: usize = 100;

/// The newest entries of a list, and how many there were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Newest<T> {
    /// Entries ever added.
    pub count: u64,
    /// The last [`NEWEST_KEPT`] of them, oldest first.
    pub kept: VecDeque<T>,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { count: 0, kept: VecDeque::new() }
    }
}

impl<T> Newest<T> {
    /// Adds one, which may push the oldest out.
    pub fn push(&mut self, entry: T) {
        self.count += 1;
        if self.kept.len() == NEWEST_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(entry);
    }
}

/// Something said in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub time: Time,
    /// What.
    pub what: String,
}

/// The runner's answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The command's id.
    pub id: String,
    /// Its kind.
    pub command: String,
    /// Why it was refused; nothing where it was carried out.
    pub refused: Option<String>,
}

/// A result that was written beside the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Produced {
    /// `compared` or `inspected`: a result's id follows. `exported`: a folder. `table_made`: a
    /// digest.
    pub kind: String,
    /// Which.
    pub id: String,
}

/// The beginning of a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number, from 1.
    pub segment: u32,
    /// When it began.
    pub time: Time,
    /// Where it went on; nothing at the beginning of the recipe.
    pub resumed_from: Option<ResumePoint>,
}

/// Why a run that has not ended is not stepping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// It is stepping.
    #[default]
    No,
    /// It waits for its turn.
    Queued,
    /// It was asked to pause.
    Paused,
}

/// All that is known of a run from its log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The newest segment's first record; nothing: not a run yet.
    pub started: Option<RunStarted>,
    /// All segments so far.
    pub segments: Vec<Segment>,
    /// Its stages in recipe order.
    pub stages: Vec<StageState>,
    /// Which of them is under way, or was last.
    pub current: Option<usize>,
    /// Whether it waits.
    pub waiting: Waiting,
    /// The newest segment's last record; nothing while it runs, or where it crashed.
    pub finished: Option<RunFinished>,
    /// What is under way beside training.
    pub progressed: Option<Progressed>,
    /// The number that was not finite, in the newest segment.
    pub diverged: Option<Diverged>,
    /// Warnings, skipped steps among them.
    pub warnings: Newest<Note>,
    /// Answers to commands.
    pub answers: Newest<Answer>,
    /// Results, tables and exports.
    pub produced: Newest<Produced>,
    /// Time of the newest record.
    pub last_time: Option<Time>,
    /// Number of the newest record.
    pub last_seq: u64,
    /// Records applied.
    pub records: u64,
    /// Records of unknown kinds among them.
    pub unknown: u64,
    /// Records whose number did not follow the one before: lines lost, or two writers.
    pub gaps: u64,
}

impl RunState {
    /// Takes one more record in.
    pub fn apply(&mut self, record: Record) {
        let Record { seq, time, event, .. } = record;
        self.records += 1;
        self.gaps += u64::from(seq != self.last_seq + 1);
        self.last_seq = self.last_seq.max(seq);
        self.last_time = Some(time);
        let segment = self.segment();
        match event {
            Event::RunStarted(event) => self.begin(time, event),
            Event::Queued(_) => self.wait(Waiting::Queued),
            Event::Paused(_) => self.wait(Waiting::Paused),
            Event::Continued(_) => self.wait(Waiting::No),
            Event::StageStarted(event) => {
                self.waiting = Waiting::No;
                self.progressed = None;
                let plan = StagePlan {
                    stage: event.stage.clone(),
                    objective: event.objective.clone(),
                    steps: event.steps,
                };
                self.stage(plan).begin(event);
            }
            Event::StepFinished(event) => {
                let elapsed =
                    self.segments.first().map_or(0.0, |first| time.seconds_since(first.time));
                self.progressed = None;
                self.named(&event.stage).stepped(segment, time, elapsed, &event);
            }
            Event::StepSkipped(event) => {
                self.warnings.push(Note {
                    time,
                    what: format!(
                        "step {} of stage {} skipped: {} is not finite",
                        event.step, event.stage, event.what
                    ),
                });
                let stage = self.named(&event.stage);
                stage.skipped += 1;
                stage.clock.interrupted(0.0);
            }
            Event::Validated(event) => self.named(&event.stage).validated(segment, event),
            Event::CheckpointSaved(event) => self.named(&event.stage).saved(event),
            Event::CheckpointRemoved(event) => {
                self.named(&event.stage).checkpoints.retain(|kept| kept.path != event.path);
            }
            Event::Diverged(event) => self.diverged = Some(event),
            Event::StageFinished(event) => self.named(&event.stage).end(event),
            Event::Progressed(event) => {
                self.progressed = Some(event);
                if let Some(stage) = self.current.and_then(|at| self.stages.get_mut(at)) {
                    stage.clock.interrupted(0.0);
                }
            }
            Event::TableMade(event) => self.produce("table_made", event.digest.into()),
            Event::Compared(event) => self.produce("compared", event.id),
            Event::Inspected(event) => self.produce("inspected", event.id),
            Event::Exported(event) => self.produce("exported", event.dir),
            Event::CommandApplied(event) => {
                self.answers.push(Answer { id: event.id, command: event.command, refused: None });
            }
            Event::CommandRefused(event) => self.answers.push(Answer {
                id: event.id,
                command: event.command,
                refused: Some(event.why),
            }),
            Event::Warned(event) => self.warnings.push(Note { time, what: event.what }),
            Event::Heartbeat(_) => {}
            Event::RunFinished(event) => {
                self.waiting = Waiting::No;
                self.progressed = None;
                self.finished = Some(event);
            }
            Event::Unknown(_) => self.unknown += 1,
        }
    }

    fn begin(&mut self, time: Time, event: RunStarted) {
        for plan in &event.stages {
            if !self.stages.iter().any(|stage| stage.stage == plan.stage) {
                self.stages.push(StageState::new(plan.clone()));
            }
        }
        for stage in &mut self.stages {
            stage.watched = watched(&event.recipe, &stage.stage).unwrap_or_default();
        }
        // A fork begins at a checkpoint of another run: what comes before it is done.
        if self.segments.is_empty()
            && let Some(from) = &event.resumed_from
        {
            self.stages.iter_mut().take(from.index as usize).for_each(StageState::taken_over);
        }
        if !self.segments.is_empty() || event.resumed_from.is_some() {
            let from = event.resumed_from.as_ref();
            let (index, step) = from.map_or((0, 0), |from| (from.index as usize, from.step));
            for (at, stage) in self.stages.iter_mut().enumerate().skip(index) {
                stage.rewind(if at == index { step } else { 0 });
            }
            self.current = from.map(|_| index).filter(|index| *index < self.stages.len());
        }
        self.segments.push(Segment {
            segment: event.segment,
            time,
            resumed_from: event.resumed_from.clone(),
        });
        self.waiting = Waiting::No;
        self.finished = None;
        self.progressed = None;
        self.diverged = None;
        self.started = Some(event);
    }

    /// For a state of the first and the newest records alone: what lies between was not lost, and
    /// stages before the current one are done.
    pub(super) fn only_glimpsed(&mut self) {
        self.gaps = 0;
        let current = self.current.unwrap_or(0);
        self.stages
            .iter_mut()
            .take(current)
            .filter(|stage| stage.progress == StageProgress::Ahead)
            .for_each(StageState::taken_over);
    }

    fn wait(&mut self, waiting: Waiting) {
        self.waiting = waiting;
        if let Some(stage) = self.current.and_then(|at| self.stages.get_mut(at)) {
            stage.clock.interrupted(0.0);
        }
    }

    fn produce(&mut self, kind: &str, id: String) {
        self.produced.push(Produced { kind: kind.to_owned(), id });
    }

    /// The stage of a plan, which is then the current one; made where the log has lost it.
    fn stage(&mut self, plan: StagePlan) -> &mut StageState {
        let found = self.stages.iter().position(|stage| stage.stage == plan.stage);
        let at = found.unwrap_or_else(|| {
            self.stages.push(StageState::new(plan));
            self.stages.len() - 1
        });
        self.current = Some(at);
        &mut self.stages[at]
    }

    fn named(&mut self, name: &StageName) -> &mut StageState {
        if let Some(at) = self.stages.iter().position(|stage| stage.stage == *name) {
            self.current = Some(at);
            return &mut self.stages[at];
        }
        self.stage(StagePlan { stage: name.clone(), objective: String::new(), steps: 0 })
    }

    /// The newest segment's number; 0 where there is none.
    #[must_use]
    pub fn segment(&self) -> u32 {
        self.segments.last().map_or(0, |segment| segment.segment)
    }

    /// The stage under way, or the last one that was.
    #[must_use]
    pub fn stage_now(&self) -> Option<&StageState> {
        self.stages.get(self.current?)
    }

    /// sha256 of the last stage's last `params.safetensors`; nothing before that stage's end.
    #[must_use]
    pub fn final_digest(&self) -> Option<&Digest> {
        let finished = self.finished.as_ref().and_then(|finished| finished.final_digest.as_ref());
        finished.or_else(|| Some(&self.stages.last()?.finished.as_ref()?.digest))
    }

    /// The runner's answer to a command; nothing while it waits, or long after.
    #[must_use]
    pub fn answer(&self, id: &str) -> Option<&Answer> {
        self.answers.kept.iter().rev().find(|answer| answer.id == id)
    }

    /// How long the stages will still take, counted from the last record; nothing before the
    /// first step, after the end, or where no step is left.
    #[must_use]
    pub fn eta(&self) -> Option<Eta> {
        if self.finished.is_some() {
            return None;
        }
        let fallback = self.stages.iter().rev().find_map(|stage| stage.clock.milliseconds())?;
        let mut eta = Eta { seconds: 0.0, guessed: false };
        for stage in &self.stages {
            let left = if stage.progress == StageProgress::Finished {
                0
            } else {
                stage.steps.saturating_sub(stage.step)
            };
            if left > 0 {
                let own = stage.clock.milliseconds();
                eta.guessed |= own.is_none();
                eta.seconds += left as f64 * own.unwrap_or(fallback) / 1000.0;
            }
        }
        Some(eta)
    }
}

/// What a recipe watches in a stage; nothing where it does not say.
fn watched(recipe: &Value, stage: &StageName) -> Option<Watched> {
    let stages = recipe.get("stages")?.as_array()?;
    let named = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(stage.as_str());
    Watched::deserialize(stages.iter().find(named)?.get("keep_best")?).ok()
}

/// All runs of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionState {
    /// The runs by name.
    pub runs: BTreeMap<RunName, RunState>,
}

impl SessionState {
    /// Takes one more record of a run in.
    pub fn apply(&mut self, run: &RunName, record: Record) {
        if let Some(state) = self.runs.get_mut(run) {
            state.apply(record);
        } else {
            self.runs.entry(run.clone()).or_default().apply(record);
        }
    }
}
