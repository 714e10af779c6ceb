//! The gradient of one update, in as many forward passes as the recipe's `micro_batch` asks for.
//!
//! A loss that is a mean over examples is accumulated: micro-batch after micro-batch, each forward
//! and backward, gradients added. A contrastive loss needs all its negatives at once, so its
//! features are cached (Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under
//! Memory Limited Setup"): every micro-batch forward without a graph, the loss and its gradient on
//! all features, then every micro-batch forward once more, and backward from its features' share
//! of that gradient. Dropout is keyed, so the second forward draws what the first drew.

use super::features::{Sides, features};
use super::loss::{contrast, loss};
use super::{Batch, StageModel, TrainError};
use crate::nn::{self, Params};
use crate::recipe::Stage;
use crate::rng::Key;
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use std::time::Instant;

/// What one update is made from.
pub struct Gradient {
    /// A gradient for every trainable parameter.
    pub grads: GradStore,
    /// Mean loss of the batch.
    pub loss: f32,
    /// The factor on similarities, where it is learned.
    pub scale: Option<Tensor>,
    /// Both sides of a contrastive batch, unit rows.
    pub pairs: Option<(Tensor, Tensor)>,
    /// Milliseconds from the batch to the loss.
    pub forward: f64,
    /// Milliseconds from the loss to the gradients; second forwards count here.
    pub backward: f64,
}

/// A model, and the same tensors outside any graph.
#[derive(Clone, Copy)]
pub struct Models<'a> {
    /// What learns.
    pub tracked: &'a StageModel,
    /// The same numbers, for forward passes alone.
    pub still: &'a StageModel,
}

/// The gradient of `batch`'s loss; none where the loss is not finite. `key` is the step's.
pub fn gradient(
    stage: &Stage,
    models: Models<'_>,
    batch: &Batch,
    key: Key,
    device: &Device,
) -> Result<Option<Gradient>, TrainError> {
    let parts = batch.split(stage.micro_batch);
    if parts.len() > 1 && stage.objective.is_contrastive() {
        let parts: Vec<Batch> = parts.into_iter().flatten().collect();
        return cached(stage, models, &parts, key, device);
    }
    accumulated(stage, models.tracked, batch, &parts, key, device)
}

fn accumulated(
    stage: &Stage,
    model: &StageModel,
    batch: &Batch,
    parts: &[Option<Batch>],
    key: Key,
    device: &Device,
) -> Result<Option<Gradient>, TrainError> {
    let total = batch.weight();
    let mut sum: Option<Gradient> = None;
    for part in parts {
        let part = part.as_ref().unwrap_or(batch);
        let share = part.weight() / total;
        let clock = Instant::now();
        let loss = loss(stage, model, part, Some(key), device)?;
        let value = loss.value.to_scalar::<f32>()?;
        let forward = milliseconds(clock);
        if !value.is_finite() {
            return Ok(None);
        }
        let clock = Instant::now();
        let scaled = if parts.len() > 1 { (&loss.value * share)? } else { loss.value };
        let found = nn::backward(&scaled)?;
        sum = Some(match sum {
            None => Gradient {
                grads: found,
                loss: value * share as f32,
                scale: loss.scale,
                pairs: loss.pairs,
                forward,
                backward: milliseconds(clock),
            },
            Some(sum) => Gradient {
                grads: add(sum.grads, &found, &model.params)?,
                loss: sum.loss + value * share as f32,
                forward: sum.forward + forward,
                backward: sum.backward + milliseconds(clock),
                ..sum
            },
        });
    }
    sum.map(Some).ok_or_else(|| TrainError::Unfit {
        stage: stage.name.to_string(),
        what: "a batch came out empty; is there any data?".to_owned(),
    })
}

fn cached(
    stage: &Stage,
    models: Models<'_>,
    parts: &[Batch],
    key: Key,
    device: &Device,
) -> Result<Option<Gradient>, TrainError> {
    let clock = Instant::now();
    let mut found = Vec::with_capacity(parts.len());
    for part in parts {
        found.push(features(stage, models.still, part, Some(key), device)?);
    }
    let sides = Sides {
        first: leaf(&Tensor::cat(&found.iter().map(|sides| &sides.first).collect::<Vec<_>>(), 0)?)?,
        second: leaf(&second_side(&found)?)?,
    };
    drop(found);
    let loss = contrast(stage, models.tracked, &sides)?;
    let value = loss.value.to_scalar::<f32>()?;
    let forward = milliseconds(clock);
    if !value.is_finite() {
        return Ok(None);
    }
    let clock = Instant::now();
    let mut grads = nn::backward(&loss.value)?;
    let (Some(first), Some(second)) = (grads.remove(&sides.first), grads.remove(&sides.second))
    else {
        return Err(TrainError::DeadParameters { names: "the cached features".to_owned() });
    };
    let (mut at, total) = (0, sides.first.dim(0)?);
    for part in parts {
        let count = part.examples();
        let groups: Vec<Tensor> = (at..second.dim(0)?)
            .step_by(total)
            .map(|from| second.narrow(0, from, count))
            .collect::<Result<_, _>>()?;
        let shares = Sides { first: first.narrow(0, at, count)?, second: Tensor::cat(&groups, 0)? };
        at += count;
        let again = features(stage, models.tracked, part, Some(key), device)?;
        let value = (again.first.mul(&shares.first)?.sum_all()?
            + again.second.mul(&shares.second)?.sum_all()?)?;
        drop(again);
        let part = nn::backward(&value)?;
        drop(value);
        grads = add(grads, &part, &models.tracked.params)?;
    }
    Ok(Some(Gradient {
        grads,
        loss: value,
        scale: loss.scale,
        pairs: loss.pairs,
        forward,
        backward: milliseconds(clock),
    }))
}

/// A tensor that gradients end at.
fn leaf(tensor: &Tensor) -> Result<Tensor, TrainError> {
    Ok(Var::from_tensor(tensor)?.into_inner())
}

/// The second sides of micro-batches as the whole batch has them: every part's positives first, then
/// every part's extra negatives.
fn second_side(parts: &[Sides]) -> Result<Tensor, TrainError> {
    let mut pieces = Vec::new();
    let groups = match parts.first() {
        Some(part) => part.second.dim(0)? / part.first.dim(0)?.max(1),
        None => 0,
    };
    for group in 0..groups {
        for part in parts {
            let count = part.first.dim(0)?;
            pieces.push(part.second.narrow(0, group * count, count)?);
        }
    }
    Ok(Tensor::cat(&pieces, 0)?)
}

/// Milliseconds that have gone by.
pub(super) fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Adds the gradients of one micro-batch to the sum of those before it.
fn add(mut sum: GradStore, part: &GradStore, params: &Params) -> Result<GradStore, TrainError> {
    for (_, var) in params.trainable() {
        let total = match (sum.get(var), part.get(var)) {
            (Some(a), Some(b)) => nn::ops::add(&a.contiguous()?, &b.contiguous()?)?,
            (None, Some(b)) => b.clone(),
            _ => continue,
        };
        debug_assert_eq!(total.dtype(), DType::F32);
        sum.insert(var, total);
    }
    Ok(sum)
}
