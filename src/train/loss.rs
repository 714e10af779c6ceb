//! A batch through the model to a scalar, for each objective.

use super::Batch;
use super::model::{Net, StageModel};
use super::{Pairs, TrainError};
use crate::data::text::TextBatch;
use crate::model::{Ctx, Pooling, Trunk};
use crate::nn::{DropKeys, Mask, Packing, ops};
use crate::recipe::{self, Objective, Stage};
use crate::rng::Key;
use candle_core::{D, Device, Tensor};

/// A batch's loss and what is worth reporting beside it.
pub struct Loss {
    /// Mean over the batch, a scalar in the gradient graph.
    pub value: Tensor,
    /// The factor on similarities, where it is learned.
    pub scale: Option<Tensor>,
    /// Both sides of a contrastive batch, unit rows.
    pub pairs: Option<(Tensor, Tensor)>,
    /// Share of predictions that are right, for token objectives.
    pub correct: Option<f64>,
}

/// The loss of `batch` under `stage`'s objective. `key` is the step's: dropout is drawn below it, by
/// item and view; without one nothing is dropped (validation).
pub fn loss(
    stage: &Stage,
    model: &StageModel,
    batch: &Batch,
    key: Option<Key>,
    device: &Device,
) -> Result<Loss, TrainError> {
    match (&model.net, batch, &stage.objective) {
        (Net::Llama(trunk), Batch::Tokens { text, rows, targets }, objective) => {
            let mask = match objective {
                Objective::CausalLm { .. } => Mask::Causal,
                _ => Mask::Bidirectional,
            };
            token_loss(trunk, text, rows, targets, mask, key, key.is_none())
        }
        (Net::Llama(trunk), Batch::Texts { first, second }, objective) => {
            text_pairs(trunk, first, second, objective, key)
        }
        (
            Net::Clip(clip),
            Batch::ImageText { patches, patch_numbers, text, images, .. },
            objective,
        ) => {
            let ctx = Ctx::eval();
            let patches = patch_tensor(patches, *patch_numbers, device)?;
            let images = clip.image_features(&patches, *images, &ctx)?;
            let packing = Packing::from_lengths(&text.lengths);
            let texts = clip.text_features(&text.ids, &packing, &ctx)?;
            image_text(&images, &texts, clip.logit_scale(), objective)
        }
        (
            Net::Llm2clip(model),
            Batch::ImageText { patches, patch_numbers, rows, images, .. },
            objective,
        ) => {
            let ctx = Ctx::eval();
            let ctx = key.map_or(ctx, |key| keyed_ctx(key, batch.items(), 0, 0.0));
            let patches = patch_tensor(patches, *patch_numbers, device)?;
            let features = model.image_features(&patches, *images, &ctx)?;
            let rows = Tensor::from_slice(rows, (*images, rows.len() / images), device)?;
            let texts = model.text_features(&rows)?;
            image_text(&features, &texts, model.logit_scale(), objective)
        }
        _ => Err(TrainError::Unfit {
            stage: stage.name.to_string(),
            what: format!("{} has no use for this kind of batch", stage.objective.name()),
        }),
    }
}

fn keyed_ctx(key: Key, items: &[usize], view: u64, attention_dropout: f32) -> Ctx {
    let keys = items.iter().map(|&item| key.child(item as u64).child(view)).collect();
    Ctx::train(DropKeys::new(keys), attention_dropout)
}

fn patch_tensor(patches: &[f32], numbers: usize, device: &Device) -> Result<Tensor, TrainError> {
    Ok(Tensor::from_slice(patches, (patches.len() / numbers, numbers), device)?)
}

/// Cross entropy at chosen rows only: logits are made nowhere else.
fn token_loss(
    trunk: &Trunk,
    text: &TextBatch,
    rows: &[u32],
    targets: &[u32],
    mask: Mask,
    key: Option<Key>,
    count_correct: bool,
) -> Result<Loss, TrainError> {
    let packing = Packing::from_lengths(&text.lengths);
    let ctx = key.map_or_else(Ctx::eval, |key| keyed_ctx(key, &text.items, 0, 0.0));
    let hidden = trunk.hidden(&text.ids, &packing, mask, &ctx)?;
    let logits = trunk.head_logits(&ops::select_rows(&hidden, rows)?)?;
    let correct = if count_correct {
        let best = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        let right = best.iter().zip(targets).filter(|(a, b)| a == b).count();
        Some(right as f64 / targets.len().max(1) as f64)
    } else {
        None
    };
    let value = ops::cross_entropy(&logits, targets)?;
    Ok(Loss { value, scale: None, pairs: None, correct })
}

/// SimCSE and caption contrast: rows of `first` against rows of `second`, of which the first
/// `first.rows()` are the positives in order and the rest extra negatives.
fn text_pairs(
    trunk: &Trunk,
    first: &TextBatch,
    second: &TextBatch,
    objective: &Objective,
    key: Option<Key>,
) -> Result<Loss, TrainError> {
    let (scale, pooling, dropout, mask, symmetric) = match objective {
        Objective::Simcse { dropout, scale, pooling } => {
            (*scale, *pooling, *dropout, Mask::Bidirectional, false)
        }
        Objective::CaptionContrastive { scale, pooling, symmetric, bidirectional, .. } => {
            let mask = if *bidirectional { Mask::Bidirectional } else { Mask::Causal };
            (*scale, *pooling, 0.0, mask, *symmetric)
        }
        _ => (1.0, recipe::Pooling::Mean, 0.0, Mask::Bidirectional, false),
    };
    // One pass over both sides: the larger matrix products are the faster ones. Views key the
    // dropout, so it does not matter which rows share a pass.
    let mut ids = first.ids.clone();
    ids.extend(&second.ids);
    let mut lengths = first.lengths.clone();
    lengths.extend(&second.lengths);
    let mut embed = first.embed.clone();
    embed.extend(&second.embed);
    let ctx = key.map_or_else(Ctx::eval, |key| {
        let of = |batch: &TextBatch, view: u64| batch.keys(key, view);
        let keys = [of(first, 0), of(second, 1)].concat();
        Ctx::train(DropKeys::new(keys), dropout)
    });
    let packing = Packing::from_lengths(&lengths);
    let hidden = trunk.hidden(&ids, &packing, mask, &ctx)?;
    let pooled = pooling_of(pooling).pool(&hidden, &packing, &embed)?;
    let rows = ops::normalize(&pooled)?;
    let queries = rows.narrow(0, 0, first.rows())?.contiguous()?;
    let documents = rows.narrow(0, first.rows(), second.rows())?.contiguous()?;
    let mut value = ops::info_nce(&queries, &documents, scale)?;
    if symmetric {
        let positives = documents.narrow(0, 0, first.rows())?.contiguous()?;
        let back = ops::info_nce(&positives, &queries, scale)?;
        value = ((value + back)? * 0.5)?;
    }
    let positives = documents.narrow(0, 0, first.rows())?;
    Ok(Loss { value, scale: None, pairs: Some((queries, positives)), correct: None })
}

/// The recipe's pooling as the model knows it.
fn pooling_of(pooling: recipe::Pooling) -> Pooling {
    match pooling {
        recipe::Pooling::Mean => Pooling::Mean,
        recipe::Pooling::WeightedMean => Pooling::WeightedMean,
        recipe::Pooling::Last => Pooling::Last,
    }
}

fn image_text(
    images: &Tensor,
    texts: &Tensor,
    logit_scale: &crate::model::LogitScale,
    objective: &Objective,
) -> Result<Loss, TrainError> {
    let (images, texts) = (ops::normalize(images)?, ops::normalize(texts)?);
    let scale = logit_scale.scale()?;
    let value = match (objective, logit_scale.bias()) {
        (Objective::ClipSigmoid { .. }, Some(bias)) => {
            ops::sigmoid_loss(&images, &texts, &scale, bias)?
        }
        _ => ops::contrastive(&images, &texts, &scale)?,
    };
    Ok(Loss { value, scale: Some(scale), pairs: Some((images, texts)), correct: None })
}

impl Loss {
    /// Both sides as plain rows.
    pub fn plain_pairs(&self) -> Result<Option<Pairs>, TrainError> {
        let Some((first, second)) = &self.pairs else { return Ok(None) };
        let dim = first.dim(1)?;
        Ok(Some(Pairs {
            dim,
            first: first.flatten_all()?.to_vec1()?,
            second: second.flatten_all()?.to_vec1()?,
        }))
    }
}
