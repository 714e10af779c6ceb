//! A contrastive batch through the model to unit rows, both sides: what its loss is a function of.

use super::model::{Net, StageModel};
use super::{Batch, TrainError};
use crate::data::text::TextBatch;
use crate::model::{Ctx, Pooling, Trunk};
use crate::nn::{DropKeys, Mask, Packing, ops};
use crate::recipe::{self, Objective, Stage};
use crate::rng::Key;
use candle_core::{Device, Tensor};

/// Both sides of a contrastive batch.
pub struct Sides {
    /// Queries or pictures, unit rows `[pairs, dim]`.
    pub first: Tensor,
    /// Their answers in order, and behind them extra negatives in as many rows again or none.
    pub second: Tensor,
}

/// The unit rows of `batch`. `key` is the step's: dropout is drawn below it, by item and view, so it
/// does not matter which rows share a pass; without one nothing is dropped.
pub fn features(
    stage: &Stage,
    model: &StageModel,
    batch: &Batch,
    key: Option<Key>,
    device: &Device,
) -> Result<Sides, TrainError> {
    let ctx = |items: &[usize], view| context(stage, key, items, view, 0.0);
    match (&model.net, batch) {
        (Net::Llama(trunk), Batch::Texts { first, second }) => {
            text_pairs(stage, trunk, first, second, key)
        }
        (Net::Clip(clip), Batch::ImageText { patches, patch_numbers, text, images, items, .. }) => {
            let patches = patch_tensor(patches, *patch_numbers, device)?;
            let pictures = clip.image_features(&patches, *images, &ctx(items, 0))?;
            let packing = Packing::from_lengths(&text.lengths);
            let texts = clip.text_features(&text.ids, &packing, &ctx(&text.items, 1))?;
            Ok(Sides { first: ops::normalize(&pictures)?, second: ops::normalize(&texts)? })
        }
        (
            Net::Llm2clip(model),
            Batch::ImageText { patches, patch_numbers, rows, images, items, .. },
        ) => {
            let patches = patch_tensor(patches, *patch_numbers, device)?;
            let pictures = model.image_features(&patches, *images, &ctx(items, 0))?;
            let rows = Tensor::from_slice(rows, (*images, rows.len() / images), device)?;
            let texts = model.text_features(&rows)?;
            Ok(Sides { first: ops::normalize(&pictures)?, second: ops::normalize(&texts)? })
        }
        _ => Err(TrainError::Unfit {
            stage: stage.name.to_string(),
            what: format!("{} has no use for this kind of batch", stage.objective.name()),
        }),
    }
}

/// What a forward pass over rows of these items needs to know.
pub(super) fn context(
    stage: &Stage,
    key: Option<Key>,
    items: &[usize],
    view: u64,
    attention_dropout: f32,
) -> Ctx {
    let ctx = key.map_or_else(Ctx::eval, |key| {
        let keys = items.iter().map(|&item| key.child(item as u64).child(view)).collect();
        Ctx::train(DropKeys::new(keys), attention_dropout)
    });
    ctx.recomputing(stage.activation_checkpointing)
}

fn patch_tensor(patches: &[f32], numbers: usize, device: &Device) -> Result<Tensor, TrainError> {
    Ok(Tensor::from_slice(patches, (patches.len() / numbers, numbers), device)?)
}

/// SimCSE and caption contrast.
fn text_pairs(
    stage: &Stage,
    trunk: &Trunk,
    first: &TextBatch,
    second: &TextBatch,
    key: Option<Key>,
) -> Result<Sides, TrainError> {
    let (pooling, dropout, mask) = match &stage.objective {
        Objective::Simcse { dropout, pooling, .. } => (*pooling, *dropout, Mask::Bidirectional),
        Objective::CaptionContrastive { pooling, bidirectional, .. } => {
            let mask = if *bidirectional { Mask::Bidirectional } else { Mask::Causal };
            (*pooling, 0.0, mask)
        }
        _ => (recipe::Pooling::Mean, 0.0, Mask::Bidirectional),
    };
    // One pass over both sides: the larger matrix products are the faster ones.
    let mut ids = first.ids.clone();
    ids.extend(&second.ids);
    let mut lengths = first.lengths.clone();
    lengths.extend(&second.lengths);
    let mut embed = first.embed.clone();
    embed.extend(&second.embed);
    let ctx = key.map_or_else(Ctx::eval, |key| {
        let keys = [first.keys(key, 0), second.keys(key, 1)].concat();
        Ctx::train(DropKeys::new(keys), dropout)
    });
    let ctx = ctx.recomputing(stage.activation_checkpointing);
    let packing = Packing::from_lengths(&lengths);
    let hidden = trunk.hidden(&ids, &packing, mask, &ctx)?;
    let pooled = pooling_of(pooling).pool(&hidden, &packing, &embed)?;
    let rows = ops::normalize(&pooled)?;
    Ok(Sides {
        first: rows.narrow(0, 0, first.rows())?.contiguous()?,
        second: rows.narrow(0, first.rows(), second.rows())?.contiguous()?,
    })
}

/// The recipe's pooling as the model knows it.
pub fn pooling_of(pooling: recipe::Pooling) -> Pooling {
    match pooling {
        recipe::Pooling::Mean => Pooling::Mean,
        recipe::Pooling::WeightedMean => Pooling::WeightedMean,
        recipe::Pooling::Last => Pooling::Last,
    }
}
