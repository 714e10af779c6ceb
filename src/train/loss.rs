//! A batch's loss, for each objective.

use super::features::{Sides, context, features};
use super::model::{Net, StageModel};
use super::{Batch, Pairs, TrainError};
use crate::data::text::TextBatch;
use crate::model::{LogitScale, Trunk};
use crate::nn::{Mask, Packing, ops};
use crate::recipe::{Objective, Stage};
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
    if let (Net::Llama(trunk), Batch::Tokens { text, rows, targets }) = (&model.net, batch) {
        return token_loss(stage, trunk, text, rows, targets, key);
    }
    contrast(stage, model, &features(stage, model, batch, key, device)?)
}

/// The loss of a contrastive objective on unit rows, wherever they come from.
pub fn contrast(stage: &Stage, model: &StageModel, sides: &Sides) -> Result<Loss, TrainError> {
    let Sides { first, second } = sides;
    let scored = |scale: &LogitScale| image_text(first, second, scale, &stage.objective);
    match (&model.net, &stage.objective) {
        (Net::Clip(clip), _) => scored(clip.logit_scale()),
        (Net::Llm2clip(model), _) => scored(model.logit_scale()),
        (Net::Llama(_), Objective::Simcse { scale, .. }) => {
            text_pairs(first, second, *scale, false)
        }
        (Net::Llama(_), Objective::CaptionContrastive { scale, symmetric, .. }) => {
            text_pairs(first, second, *scale, *symmetric)
        }
        (Net::Llama(_), other) => Err(TrainError::Unfit {
            stage: stage.name.to_string(),
            what: format!("{} has no use for pairs", other.name()),
        }),
    }
}

/// Cross entropy at chosen rows only: logits are made nowhere else.
fn token_loss(
    stage: &Stage,
    trunk: &Trunk,
    text: &TextBatch,
    rows: &[u32],
    targets: &[u32],
    key: Option<Key>,
) -> Result<Loss, TrainError> {
    let mask = match stage.objective {
        Objective::CausalLm { .. } => Mask::Causal,
        _ => Mask::Bidirectional,
    };
    let packing = Packing::from_lengths(&text.lengths);
    let ctx = context(stage, key, &text.items, 0, 0.0);
    let hidden = trunk.hidden(&text.ids, &packing, mask, &ctx)?;
    let logits = trunk.head_logits(&ops::select_rows(&hidden, rows)?)?;
    let correct = if key.is_none() {
        let best = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        let right = best.iter().zip(targets).filter(|(a, b)| a == b).count();
        Some(right as f64 / targets.len().max(1) as f64)
    } else {
        None
    };
    let value = ops::cross_entropy(&logits, targets)?;
    Ok(Loss { value, scale: None, pairs: None, correct })
}

/// SimCSE and caption contrast: rows of `queries` against rows of `documents`, of which the first
/// are the positives in order and the rest extra negatives.
fn text_pairs(
    queries: &Tensor,
    documents: &Tensor,
    scale: f64,
    symmetric: bool,
) -> Result<Loss, TrainError> {
    let count = queries.dim(0)?;
    let mut value = ops::info_nce(queries, documents, scale)?;
    if symmetric {
        let positives = documents.narrow(0, 0, count)?.contiguous()?;
        let back = ops::info_nce(&positives, queries, scale)?;
        value = ((value + back)? * 0.5)?;
    }
    let positives = documents.narrow(0, 0, count)?;
    Ok(Loss { value, scale: None, pairs: Some((queries.clone(), positives)), correct: None })
}

fn image_text(
    images: &Tensor,
    texts: &Tensor,
    logit_scale: &LogitScale,
    objective: &Objective,
) -> Result<Loss, TrainError> {
    let scale = logit_scale.scale()?;
    let value = match (objective, logit_scale.bias()) {
        (Objective::ClipSigmoid { .. }, Some(bias)) => {
            ops::sigmoid_loss(images, texts, &scale, bias)?
        }
        _ => ops::contrastive(images, texts, &scale)?,
    };
    let pairs = Some((images.clone(), texts.clone()));
    Ok(Loss { value, scale: Some(scale), pairs, correct: None })
}

/// Both sides as plain rows.
pub fn plain_pairs((first, second): &(Tensor, Tensor)) -> Result<Pairs, TrainError> {
    Ok(Pairs {
        dim: first.dim(1)?,
        first: first.flatten_all()?.to_vec1()?,
        second: second.flatten_all()?.to_vec1()?,
    })
}
