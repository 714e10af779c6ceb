//! What a reader knows of one stage.

use super::between::Between;
use super::eta::StepClock;
use super::series::Series;
use crate::ids::{Digest, StageName};
use crate::recipe::Watched;
use crate::session::event::{
    CheckpointSaved, StageFinished, StagePlan, StageStarted, StepFinished, Validated,
};
use crate::session::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Best validations kept; older ones are beyond any checkpoint that a run goes on from.
pub const BESTS_KEPT: usize = 1000;

/// Where a stage is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageProgress {
    /// Not begun.
    #[default]
    Ahead,
    /// Begun and not ended.
    Running,
    /// Ended.
    Finished,
}

/// One segment's points of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// The segment that wrote them.
    pub segment: u32,
    /// A later segment began again from this step: points beyond it are superseded. A bucket that
    /// reaches over it holds both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_after: Option<u64>,
    /// The points.
    pub series: Series,
}

impl Track {
    fn beginning(segment: u32, step: u64, value: f64) -> Self {
        let mut series = Series::default();
        series.push(step, value);
        Self { segment, superseded_after: None, series }
    }
}

/// A checkpoint that was saved and not removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Updates made before.
    pub step: u64,
    /// Its folder, relative to the checkpoints folder.
    pub path: String,
    /// sha256 of its `params.safetensors`.
    pub digest: Digest,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Whether a later segment began again from before it.
    pub superseded: bool,
}

/// A validation that was the best when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its step.
    pub step: u64,
    /// Its loss.
    pub loss: Option<f64>,
    /// Its metrics.
    pub metrics: BTreeMap<String, f64>,
}

impl Best {
    /// Its value of a measure; nothing where that was not taken.
    #[must_use]
    pub fn value(&self, watched: Watched) -> Option<f64> {
        match watched.name() {
            "loss" => self.loss,
            name => self.metrics.get(name).copied(),
        }
    }
}

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageEnd {
    /// Updates made, in all segments.
    pub steps: u64,
    /// Last training loss.
    pub loss: Option<f64>,
    /// Seconds in the segment that ended it.
    pub seconds: f64,
    /// Digest of its last `params.safetensors`.
    pub digest: Digest,
}

/// What the log says of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageState {
    /// Its name.
    pub stage: StageName,
    /// Its objective.
    pub objective: String,
    /// Updates it is to make.
    pub steps: u64,
    /// Updates made that count.
    pub step: u64,
    /// Passes over the data.
    pub epoch: u64,
    /// Last training loss that counts.
    pub loss: Option<f64>,
    /// Where it is.
    pub progress: StageProgress,
    /// Its beginning, in the newest segment that began it.
    pub started: Option<StageStarted>,
    /// Its end.
    pub finished: Option<StageEnd>,
    /// What its recipe says makes a validation the best.
    pub watched: Watched,
    /// Validations, each the best when it was made, the newest [`BESTS_KEPT`]; the last one is the
    /// best now.
    pub bests: Vec<Best>,
    /// Checkpoints on disk, oldest first.
    pub checkpoints: Vec<Checkpoint>,
    /// Steps that were not applied.
    pub skipped: u64,
    /// Values by step, a track a segment, by name: `loss`, `learning_rate`, `logit_scale`,
    /// `examples_per_second`, `tokens_per_second`, `memory_bytes`, `elapsed` (seconds since the
    /// run began), `gradient_norm/<group>`, `milliseconds/<part>`, `contrast/<what>`,
    /// `validation/loss`, `validation/<metric>`.
    pub tracks: BTreeMap<String, Vec<Track>>,
    /// Recent step times of the newest segment.
    pub clock: StepClock,
    /// What came between its steps.
    pub between: Between,
}

impl StageState {
    pub(super) fn new(plan: StagePlan) -> Self {
        Self {
            stage: plan.stage,
            objective: plan.objective,
            steps: plan.steps,
            step: 0,
            epoch: 0,
            loss: None,
            progress: StageProgress::Ahead,
            started: None,
            finished: None,
            watched: Watched::None,
            bests: Vec::new(),
            checkpoints: Vec::new(),
            skipped: 0,
            tracks: BTreeMap::new(),
            clock: StepClock::default(),
            between: Between::default(),
        }
    }

    /// The tracks of a series; empty where there is none of that name.
    #[must_use]
    pub fn tracks(&self, name: &str) -> &[Track] {
        self.tracks.get(name).map_or(&[], Vec::as_slice)
    }

    /// The best validation that counts.
    #[must_use]
    pub fn best(&self) -> Option<&Best> {
        self.bests.last()
    }

    fn push(&mut self, segment: u32, name: &str, step: u64, value: f64) {
        if let Some(tracks) = self.tracks.get_mut(name) {
            match tracks.last_mut() {
                Some(track) if track.segment == segment => track.series.push(step, value),
                _ => tracks.push(Track::beginning(segment, step, value)),
            }
        } else {
            let first = Track::beginning(segment, step, value);
            self.tracks.insert(name.to_owned(), vec![first]);
        }
    }

    pub(super) fn begin(&mut self, event: StageStarted) {
        self.objective.clone_from(&event.objective);
        self.steps = event.steps;
        self.step = event.from_step;
        self.progress = StageProgress::Running;
        self.finished = None;
        self.clock = StepClock::default();
        self.started = Some(event);
    }

    pub(super) fn end(&mut self, event: StageFinished) {
        self.step = event.steps;
        self.progress = StageProgress::Finished;
        self.finished = Some(StageEnd {
            steps: event.steps,
            loss: event.loss.map(f64::from),
            seconds: event.seconds.get(),
            digest: event.digest,
        });
    }

    pub(super) fn stepped(&mut self, segment: u32, time: Time, elapsed: f64, e: &StepFinished) {
        self.progress = StageProgress::Running;
        self.step = e.step;
        self.epoch = e.epoch;
        self.loss = Some(e.loss.get());
        self.clock.step(e.step, time, e.milliseconds.total());
        let times = &e.milliseconds;
        let mut push = |name: &str, value: f64| self.push(segment, name, e.step, value);
        push("loss", e.loss.get());
        push("learning_rate", e.learning_rate.get());
        push("memory_bytes", e.memory_bytes as f64);
        push("elapsed", elapsed);
        push("milliseconds/data", times.data.get());
        push("milliseconds/forward", times.forward.get());
        push("milliseconds/backward", times.backward.get());
        push("milliseconds/optimizer", times.optimizer.get());
        for (name, value) in [
            ("logit_scale", e.logit_scale),
            ("examples_per_second", e.examples_per_second),
            ("tokens_per_second", e.tokens_per_second),
        ] {
            if let Some(value) = value {
                push(name, value.get());
            }
        }
        for (group, norm) in &e.gradient_norm {
            push(&format!("gradient_norm/{group}"), norm.get());
        }
        if let Some(contrast) = &e.contrast {
            push("contrast/positive", contrast.positive.get());
            push("contrast/hardest_negative", contrast.hardest_negative.get());
            push("contrast/alignment", contrast.alignment.get());
            push("contrast/uniformity", contrast.uniformity.get());
            push("contrast/effective_rank", contrast.effective_rank.get());
        }
    }

    pub(super) fn validated(&mut self, segment: u32, event: Validated) {
        self.clock.interrupted(event.seconds.get());
        self.between.validated(&event);
        if let Some(loss) = event.loss {
            self.push(segment, "validation/loss", event.step, loss.get());
        }
        for (name, value) in &event.metrics {
            self.push(segment, &format!("validation/{name}"), event.step, value.get());
        }
        let loss = event.loss.map(f64::from);
        let metrics = event.metrics.into_iter().map(|(name, v)| (name, v.get())).collect();
        let now = Best { step: event.step, loss, metrics };
        let old = self.best().and_then(|best| best.value(self.watched));
        // A fork's record compares with its parent's best too, which this log does not have.
        let better = now
            .value(self.watched)
            .is_some_and(|new| old.is_none_or(|old| self.watched.better(new, old)));
        if better || event.best == Some(true) {
            if self.bests.len() == BESTS_KEPT {
                self.bests.remove(0);
            }
            self.bests.push(now);
        }
    }

    pub(super) fn saved(&mut self, event: CheckpointSaved) {
        self.clock.interrupted(event.seconds.get());
        self.between.saved.add(event.seconds.get());
        self.checkpoints.retain(|kept| kept.path != event.path);
        self.checkpoints.push(Checkpoint {
            step: event.step,
            path: event.path,
            digest: event.digest,
            bytes: event.bytes,
            superseded: false,
        });
    }

    /// The stage was finished in the run that this one was forked from.
    pub(super) fn taken_over(&mut self) {
        self.step = self.steps;
        self.progress = StageProgress::Finished;
    }

    /// A new segment begins with `step` updates of this stage made: what lies beyond no longer
    /// counts.
    pub(super) fn rewind(&mut self, step: u64) {
        for track in self.tracks.values_mut().flatten() {
            if track.series.last().is_some_and(|(last, _)| last > step) {
                let after = track.superseded_after.map_or(step, |old| old.min(step));
                track.superseded_after = Some(after);
            }
        }
        for checkpoint in &mut self.checkpoints {
            checkpoint.superseded |= checkpoint.step > step;
        }
        self.bests.retain(|best| best.step <= step);
        self.step = step;
        self.loss = self.value_at("loss", step);
        self.clock = StepClock::default();
        if step == 0 || step < self.steps {
            let begun = step > 0;
            self.progress = if begun { StageProgress::Running } else { StageProgress::Ahead };
            self.finished = None;
        }
    }

    /// The newest value of a series that counts, at or before a step.
    #[must_use]
    pub fn value_at(&self, name: &str, step: u64) -> Option<f64> {
        self.tracks(name).iter().rev().find_map(|track| {
            let step = track.superseded_after.map_or(step, |after| after.min(step));
            track.series.at_or_before(step).map(|(_, value)| value)
        })
    }
}
