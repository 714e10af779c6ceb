//! What a forward pass needs to know beside its input.

use super::ModelError;
use crate::nn::{DropAt, DropKeys, Dropout, Packing, recomputed};
use candle_core::Tensor;

/// Training or evaluation of one packed batch.
#[derive(Clone, Debug, Default)]
pub struct Ctx {
    /// One key a sequence; `None` is evaluation: no dropout anywhere.
    pub keys: Option<DropKeys>,
    /// Probability of dropping an attention probability (SimCSE's augmentation), in 0..1.
    pub attention_dropout: f32,
    /// Whether blocks keep their input alone and run again in backward ([`recomputed`]).
    pub recompute: bool,
}

/// Places within a layer that draw their own dropout masks; a sub-layer's linears count up from
/// the first. Numbers are part of what makes a run repeatable: add, never renumber.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site {
    /// Attention probabilities.
    Attention = 0,
    /// Query, key, value and output projections.
    Projections = 1,
    /// The MLP's two or three linears.
    Mlp = 5,
}

const SITES_A_LAYER: u64 = 16;

impl Ctx {
    /// No dropout anywhere.
    #[must_use]
    pub fn eval() -> Self {
        Self::default()
    }

    /// Training with these keys, one a sequence.
    #[must_use]
    pub fn train(keys: DropKeys, attention_dropout: f32) -> Self {
        Self { keys: Some(keys), attention_dropout, recompute: false }
    }

    /// The same, with blocks that run again in backward where `recompute` says so.
    #[must_use]
    pub fn recomputing(self, recompute: bool) -> Self {
        Self { recompute, ..self }
    }

    /// A block on `x`, recomputed in backward where that was asked for.
    pub(super) fn run(
        &self,
        x: &Tensor,
        block: impl Fn(&Tensor) -> Result<Tensor, ModelError> + Send + Sync + 'static,
    ) -> Result<Tensor, ModelError> {
        if self.recompute { recomputed(x, block) } else { block(x) }
    }

    pub(super) fn at<'a>(
        &'a self,
        layer: usize,
        site: Site,
        packing: &'a Packing,
    ) -> Option<DropAt<'a>> {
        let keys = self.keys.as_ref()?;
        Some(DropAt { keys, site: layer as u64 * SITES_A_LAYER + site as u64, packing })
    }

    pub(super) fn attention(&self, layer: usize) -> Option<Dropout> {
        let keys = self.keys.as_ref().filter(|_| self.attention_dropout > 0.0)?.clone();
        let site = layer as u64 * SITES_A_LAYER + Site::Attention as u64;
        Some(Dropout { p: self.attention_dropout, keys, site })
    }
}
