//! [`Trainer`]: one stage's model, optimizer, data and place, and the step that moves them on.

use super::features::features;
use super::gradient::{Gradient, Models, gradient, milliseconds};
use super::loss::{loss, plain_pairs};
use super::optimizer::{Hyper, Norms};
use super::{
    AdamW, BadStep, Batch, Checkpoint, Feed, Milliseconds, Pairs, StageModel, StepOutcome,
    StepReport, TrainError, ValidationReport, Weights, group_of,
};
use crate::data::order::Cursor;
use crate::model::LOGIT_SCALE_MAX;
use crate::nn::Params;
use crate::recipe::{OnBadStep, Stage, learning_rate};
use crate::rng::Key;
use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Instant;

/// Everything beside tensors that a resumed step depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainState {
    /// Steps of the stage that are behind it, skipped ones included.
    pub step: usize,
    /// Where in the data it stands.
    pub cursor: Cursor,
    /// Updates the optimizer has made.
    pub updates: usize,
    /// Factor on the learning rate after bad steps; 1 in good times.
    pub rate_factor: f64,
    /// Mean loss of the last finished step.
    pub last_loss: Option<f32>,
    /// The best validation so far, by what the recipe watches.
    #[serde(default)]
    pub best: Option<Best>,
    /// Validations in a row that were no better.
    #[serde(default)]
    pub stale: usize,
}

/// The best validation of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Updates made before it.
    pub step: usize,
    /// The value of what is watched.
    pub value: f64,
}

impl TrainState {
    /// Whether the stage is at its end: all steps made, or its patience run out.
    pub fn is_finished(&self, stage: &Stage) -> bool {
        self.step >= stage.steps || self.ran_out(stage)
    }

    /// Whether as many validations in a row as the stage has patience for were no better.
    pub fn ran_out(&self, stage: &Stage) -> bool {
        stage.patience > 0 && self.stale >= stage.patience
    }
}

/// Good steps after which the rate has recovered from one halving.
const RECOVERY_STEPS: f64 = 100.0;

/// One stage in training.
pub struct Trainer {
    stage: Stage,
    key: Key,
    draws: Key,
    model: StageModel,
    still: StageModel,
    optimizer: AdamW,
    feed: Feed,
    state: TrainState,
    device: Device,
    covered: bool,
}

impl Trainer {
    /// A stage at its beginning. `seed` is the recipe's; weights and
    /// dropout are drawn below (seed, stage name), examples below (seed, the stage's `draws`).
    pub fn new(
        stage: &Stage,
        seed: u64,
        start: Weights,
        feed: Feed,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let key = Key::new(seed).named(stage.name.as_str());
        let model = StageModel::build(stage, start, key, device)?;
        let still = model.still(stage, device)?;
        let hyper = Hyper {
            beta1: stage.beta1,
            beta2: stage.beta2,
            eps: stage.eps,
            weight_decay: stage.weight_decay,
            clip_norm: stage.clip_norm,
        };
        let layers = model.image_layers();
        let optimizer =
            AdamW::new(&model.params, hyper, |name, rank| group_of(stage, name, rank, layers))?;
        Ok(Self {
            stage: stage.clone(),
            key,
            draws: Key::new(seed).named(&stage.draws),
            model,
            still,
            optimizer,
            feed,
            state: TrainState {
                step: 0,
                cursor: Cursor::default(),
                updates: 0,
                rate_factor: 1.0,
                last_loss: None,
                best: None,
                stale: 0,
            },
            device: device.clone(),
            covered: false,
        })
    }

    /// Goes on where a checkpoint of this stage was made.
    pub fn restore(&mut self, checkpoint: Checkpoint<TrainState>) -> Result<(), TrainError> {
        self.model.params.load_trainable(checkpoint.params)?;
        self.optimizer.restore(checkpoint.optimizer, checkpoint.state.updates)?;
        self.state = checkpoint.state;
        Ok(())
    }

    /// Where the stage stands.
    pub fn state(&self) -> &TrainState {
        &self.state
    }

    /// The model's parameters.
    pub fn params(&self) -> &Params {
        &self.model.params
    }

    /// The model.
    pub fn model(&self) -> &StageModel {
        &self.model
    }

    /// Whether all steps are made, or patience has run out.
    pub fn is_finished(&self) -> bool {
        self.state.is_finished(&self.stage)
    }

    /// Takes in the watched value of a validation that was just made; whether it is the best so far.
    pub fn observe(&mut self, value: f64) -> bool {
        let best = value.is_finite()
            && self.state.best.is_none_or(|old| self.stage.keep_best.better(value, old.value));
        if best {
            self.state.best = Some(Best { step: self.state.step, value });
            self.state.stale = 0;
        } else {
            self.state.stale += 1;
        }
        best
    }

    /// What a checkpoint of this moment holds.
    pub fn checkpoint(&self, card: serde_json::Value) -> Checkpoint<TrainState> {
        Checkpoint {
            params: self.model.params.trainable_tensors(),
            optimizer: self.optimizer.state(),
            state: self.state.clone(),
            card,
            extra: Vec::new(),
        }
    }

    /// One optimizer update, or none where a number is not finite. With `want_pairs` the report of a
    /// contrastive stage carries both sides of the batch.
    pub fn step(&mut self, want_pairs: bool) -> Result<StepOutcome, TrainError> {
        let mut time = Milliseconds::default();
        let clock = Instant::now();
        let mut cursor = self.state.cursor;
        let key = self.key.named("step").child(self.state.step as u64);
        let draws = self.draws.named("step").child(self.state.step as u64);
        let batch = self.feed.next(&mut cursor, draws)?;
        time.data = milliseconds(clock);
        let next = self.state.step + 1;
        if next < self.stage.steps {
            self.feed.prepare(cursor, self.draws.named("step").child(next as u64));
        }

        let Some(found) = self.gradient_of(&batch, key)? else {
            return Ok(self.bad("loss".to_owned(), &batch, cursor));
        };
        let Gradient { grads, loss, scale, pairs, .. } = found;
        (time.forward, time.backward) = (found.forward, found.backward);
        if !self.covered {
            self.check_coverage(&grads)?;
            self.covered = true;
        }

        let clock = Instant::now();
        let norms = self.optimizer.norms(&grads)?;
        if let Some(name) = norms.not_finite {
            return Ok(self.bad(format!("gradient of {name}"), &batch, cursor));
        }
        let rate = learning_rate(&self.stage, self.state.step) * self.state.rate_factor;
        let clipped = self.update(&grads, &norms, rate)?;
        time.optimizer = milliseconds(clock);

        let epoch = self.state.cursor.epoch;
        self.state.step += 1;
        self.state.cursor = cursor;
        self.state.updates = self.optimizer.updates();
        self.state.last_loss = Some(loss);
        self.state.rate_factor =
            (self.state.rate_factor * 2.0f64.powf(1.0 / RECOVERY_STEPS)).min(1.0);
        Ok(StepOutcome::Finished(Box::new(StepReport {
            step: self.state.step,
            epoch,
            loss,
            learning_rate: rate,
            gradient_norm: norms.by_group,
            clipped,
            logit_scale: scale.as_ref().map(Tensor::to_scalar::<f32>).transpose()?,
            examples: batch.examples(),
            tokens: batch.tokens(),
            truncated: batch.truncated(),
            milliseconds: time,
            pairs: pairs.filter(|_| want_pairs).as_ref().map(plain_pairs).transpose()?,
        })))
    }

    fn gradient_of(&self, batch: &Batch, key: Key) -> Result<Option<Gradient>, TrainError> {
        let models = Models { tracked: &self.model, still: &self.still };
        gradient(&self.stage, models, batch, key, &self.device)
    }

    /// The gradients that the next step would apply, by name, before clipping; none where its loss
    /// is not finite. Nothing moves.
    pub fn peek(&mut self) -> Result<Option<BTreeMap<String, Tensor>>, TrainError> {
        let number = self.state.step as u64;
        let mut cursor = self.state.cursor;
        let batch = self.feed.next(&mut cursor, self.draws.named("step").child(number))?;
        let found = self.gradient_of(&batch, self.key.named("step").child(number))?;
        let by_name = |found: Gradient| {
            let params = self.model.params.trainable();
            params
                .filter_map(|(name, var)| Some((name.to_owned(), found.grads.get(var)?.clone())))
                .collect()
        };
        Ok(found.map(by_name))
    }

    fn update(&mut self, grads: &GradStore, norms: &Norms, rate: f64) -> Result<bool, TrainError> {
        let clipped = self.optimizer.update(grads, norms, rate)?;
        // The published bound, after every update: exp of it is 100 (facts 1.1).
        for (name, var) in self.model.params.trainable() {
            if name == "logit_scale" {
                var.set(&var.as_tensor().clamp(0.0f32, LOGIT_SCALE_MAX)?)?;
            }
        }
        Ok(clipped)
    }

    /// Passes over a bad batch: the data moves on, the weights do not.
    fn bad(&mut self, what: String, batch: &Batch, cursor: Cursor) -> StepOutcome {
        let bad =
            BadStep { step: self.state.step + 1, what, items: self.feed.names(batch.items()) };
        if self.stage.on_bad_step == OnBadStep::Skip {
            self.state.step += 1;
            self.state.cursor = cursor;
            self.state.rate_factor *= 0.5;
        }
        StepOutcome::Bad(bad)
    }

    /// Every trainable parameter has a gradient. (A LoRA's A is zero at the first step by
    /// construction; presence is what counts.) Frozen ones are no variables and cannot have one.
    fn check_coverage(&self, grads: &GradStore) -> Result<(), TrainError> {
        let dead = self.optimizer.dead(grads);
        if dead.is_empty() {
            return Ok(());
        }
        Err(TrainError::DeadParameters { names: dead.join(", ") })
    }

    /// Mean loss over the validation split, without dropout; none where the data has no such split.
    pub fn validate(&self) -> Result<Option<ValidationReport>, TrainError> {
        let batches = self.feed.validation(self.draws.named("validation"))?;
        let mut total = 0.0;
        let mut sum = 0.0;
        let mut correct = None;
        for batch in &batches {
            let loss = loss(&self.stage, &self.still, batch, None, &self.device)?;
            let weight = batch.weight();
            sum += f64::from(loss.value.to_scalar::<f32>()?) * weight;
            total += weight;
            if let Some(share) = loss.correct {
                *correct.get_or_insert(0.0) += share * weight;
            }
        }
        if total == 0.0 {
            return Ok(None);
        }
        let metrics = correct.map(|sum| ("accuracy".to_owned(), sum / total));
        let loss = (sum / total) as f32;
        Ok(Some(ValidationReport {
            loss,
            metrics: metrics.into_iter().collect::<BTreeMap<_, _>>(),
        }))
    }
}

impl Trainer {
    /// Both sides of what the validation split retrieves, without dropout; none where it has fewer
    /// than two such pairs.
    pub fn retrieval(&self) -> Result<Option<Pairs>, TrainError> {
        let mut all = Pairs { dim: 0, first: Vec::new(), second: Vec::new() };
        for batch in self.feed.retrieval() {
            let sides = features(&self.stage, &self.still, &batch?, None, &self.device)?;
            let pairs = plain_pairs(&(sides.first, sides.second))?;
            all.dim = pairs.dim;
            all.first.extend(pairs.first);
            all.second.extend(pairs.second);
        }
        Ok((all.dim > 0 && all.first.len() >= 2 * all.dim).then_some(all))
    }
}
