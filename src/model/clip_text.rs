//! CLIP's text tower: a causal transformer read at its end token.

use super::clip_block::{ClipBlock, ClipBlockConfig};
use super::config::activation_serde;
use super::{ConfigError, Ctx, ModelError};
use crate::nn::{Activation, Builder, Init, LayerNorm, Linear, Mask, Packing, ops};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Which token a text's feature is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EotRule {
    /// The first of the largest id: the end token is the vocabulary's last (OpenAI).
    ArgMax,
    /// The first token with this id.
    Id(u32),
}

/// The shape of a text tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipTextConfig {
    /// Tokens known.
    pub vocab: usize,
    /// Tokens a text may have.
    pub positions: usize,
    /// Numbers a token.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Numbers inside a block's MLP.
    pub mlp: usize,
    /// The MLP's non-linearity.
    #[serde(with = "activation_serde")]
    pub activation: Activation,
    /// Of the layer norms.
    pub eps: f64,
    /// Numbers a feature.
    pub projection: usize,
    /// Where the feature is read.
    pub eot: EotRule,
}

impl ClipTextConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            let expected = format!("a divisor of the width {}", self.width);
            return Err(ConfigError::unsupported("num_attention_heads", expected, &self.heads));
        }
        Ok(())
    }

    fn block(&self) -> ClipBlockConfig {
        ClipBlockConfig {
            width: self.width,
            heads: self.heads,
            mlp: self.mlp,
            activation: self.activation,
            eps: self.eps,
            layers: self.layers,
        }
    }
}

/// Token and position embeddings, causal blocks, final norm, the end token through a bias-free
/// projection.
#[derive(Clone, Debug)]
pub struct ClipText {
    config: ClipTextConfig,
    tokens: Tensor,
    positions: Tensor,
    blocks: Vec<ClipBlock>,
    norm: LayerNorm,
    projection: Linear,
}

impl ClipText {
    /// Names as in Hugging Face's `CLIPModel`: `text_model.…` and `text_projection.weight` below
    /// `builder`'s path. Fresh weights as in `open_clip`: token embeddings normal with standard
    /// deviation 0.02, positions 0.01, projection width^-1/2, blocks as [`ClipBlock`] says.
    ///
    /// # Errors
    /// A configuration whose sizes do not divide.
    pub fn new(config: &ClipTextConfig, builder: &Builder) -> Result<Self, ModelError> {
        config.check()?;
        let width = config.width;
        let model = builder.pp("text_model");
        let embeddings = model.pp("embeddings");
        let blocks = (0..config.layers)
            .map(|n| ClipBlock::new(&model.pp("encoder.layers").pp(n), &config.block(), n))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            config: config.clone(),
            tokens: embeddings.get(
                "token_embedding.weight",
                &[config.vocab, width],
                Init::Normal { std: 0.02 },
            )?,
            positions: embeddings.get(
                "position_embedding.weight",
                &[config.positions, width],
                Init::Normal { std: 0.01 },
            )?,
            blocks,
            norm: LayerNorm::new(&model.pp("final_layer_norm"), width, config.eps)?,
            projection: Linear::new(
                &builder.pp("text_projection"),
                width,
                config.projection,
                false,
                Init::Normal { std: 1.0 / (width as f32).sqrt() },
            )?,
        })
    }

    /// The configuration it was built with.
    #[must_use]
    pub fn config(&self) -> &ClipTextConfig {
        &self.config
    }

    /// The blocks, first to last.
    #[must_use]
    pub fn blocks(&self) -> &[ClipBlock] {
        &self.blocks
    }

    /// Features `[sequences, projection]`, not normalised, of packed `ids`. What stands behind a
    /// text's end token cannot matter (the mask is causal), so leave it out.
    ///
    /// # Errors
    /// A text that is too long or has no end token, or an id outside the vocabulary.
    pub fn forward(&self, ids: &[u32], packing: &Packing, ctx: &Ctx) -> Result<Tensor, ModelError> {
        let ends = self.ends(ids, packing)?;
        let mut x = self.embed(ids, packing)?;
        let x = match self.blocks.split_last() {
            None => ops::select_rows(&x, &ends)?,
            Some((last, blocks)) => {
                for block in blocks {
                    x = block.run(&x, packing, Mask::Causal, ctx)?;
                }
                // Backward begins at the last block: running it twice would save nothing.
                last.forward_rows(&x, packing, Mask::Causal, ctx, &ends)?
            }
        };
        Ok(self.projection.forward(&self.norm.forward(&x)?, None)?)
    }

    /// Every block's input and the last one's output, `[rows, width]` each: layers plus 1 of
    /// them, none normed by the final norm (as Hugging Face's `hidden_states`).
    ///
    /// # Errors
    /// As [`ClipText::forward`].
    pub fn hidden_layers(
        &self,
        ids: &[u32],
        packing: &Packing,
        ctx: &Ctx,
    ) -> Result<Vec<Tensor>, ModelError> {
        let mut x = self.embed(ids, packing)?;
        let mut layers = vec![x.clone()];
        for block in &self.blocks {
            x = block.forward(&x, packing, Mask::Causal, ctx)?;
            layers.push(x.clone());
        }
        Ok(layers)
    }

    /// Each sequence's end token, as a row of the batch.
    ///
    /// # Errors
    /// A sequence without one.
    pub fn ends(&self, ids: &[u32], packing: &Packing) -> Result<Vec<u32>, ModelError> {
        check_ids(ids, packing, self.config.vocab, self.config.positions)?;
        (0..packing.sequences())
            .map(|s| {
                let range = packing.range(s);
                let end = match self.config.eot {
                    EotRule::Id(id) => ids[range.clone()].iter().position(|&x| x == id),
                    EotRule::ArgMax => {
                        let largest = ids[range.clone()].iter().max();
                        ids[range.clone()].iter().position(|x| Some(x) == largest)
                    }
                };
                let id = match self.config.eot {
                    EotRule::Id(id) => id,
                    EotRule::ArgMax => self.config.vocab.saturating_sub(1) as u32,
                };
                let end = end.ok_or(ModelError::NoEnd { sequence: s, id })?;
                Ok((range.start + end) as u32)
            })
            .collect()
    }

    /// The first block's input `[rows, width]`.
    fn embed(&self, ids: &[u32], packing: &Packing) -> Result<Tensor, ModelError> {
        check_ids(ids, packing, self.config.vocab, self.config.positions)?;
        let tokens = ops::embedding(&self.tokens, ids)?;
        Ok(ops::add(&tokens, &ops::embedding(&self.positions, &packing.positions())?)?)
    }
}

/// Refuses ids that do not fit their packing, the vocabulary or the model's positions.
pub(super) fn check_ids(
    ids: &[u32],
    packing: &Packing,
    vocab: usize,
    positions: usize,
) -> Result<(), ModelError> {
    if ids.len() != packing.rows() {
        let (expected, found) = (packing.rows(), ids.len());
        return Err(ModelError::Rows { what: "token ids", expected, found });
    }
    if let Some((sequence, found)) =
        packing.lengths().enumerate().find(|(_, length)| *length > positions)
    {
        return Err(ModelError::TooLong { sequence, positions, found });
    }
    match ids.iter().find(|&&id| id as usize >= vocab) {
        Some(&id) => Err(ModelError::Token { id, vocab }),
        None => Ok(()),
    }
}
