//! [`Objective`]: what a stage minimises, with the keys that only it has.

use super::{LlamaShape, TextShape, VisionShape};
use serde::{Deserialize, Serialize};

/// What a stage minimises. Sources: the LLM2Vec, CLIP and LLM2CLIP papers, as restated in
/// `docs/recipes.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "objective", rename_all = "kebab-case")]
pub enum Objective {
    /// Next-token prediction with the causal mask.
    CausalLm {
        /// The model, where it starts fresh.
        llama: LlamaShape,
        /// `train:N`: a byte-level BPE of N tokens made from the stage's own texts; else the model
        /// whose tokenizer is used.
        tokenizer: String,
    },
    /// Masked next-token prediction: attention is bidirectional, the state at i-1 predicts token i.
    Mntp {
        /// Share of tokens chosen for prediction.
        mask_probability: f32,
        /// What stands in the place of a chosen token.
        mask_style: MaskStyle,
        /// The text whose single token is the mask.
        mask_token: String,
    },
    /// Two encodings of one text under different attention-probability dropout are a pair.
    Simcse {
        /// Dropout on attention probabilities.
        dropout: f32,
        /// Factor on the cosine (the inverse temperature).
        scale: f64,
        /// How token states become one row.
        pooling: Pooling,
    },
    /// Two captions of one item are a pair.
    CaptionContrastive {
        /// Factor on the cosine (the inverse temperature).
        scale: f64,
        /// How token states become one row.
        pooling: Pooling,
        /// Extra negatives a row: another item's caption, drawn each step. 0 or 1.
        hard_negatives: usize,
        /// Items come into a batch in groups of so many whose captions share most words, so that
        /// the batch itself holds hard negatives. 0 means by chance.
        #[serde(default)]
        near: usize,
        /// Whether positives also ask for their queries.
        symmetric: bool,
        /// Whether attention is bidirectional (LLM2Vec) or causal.
        bidirectional: bool,
    },
    /// Image and text tower share a space under the symmetric contrastive loss.
    Clip {
        /// The image tower, where it starts fresh.
        vision: VisionShape,
        /// The text tower, where it starts fresh.
        text: TextShape,
        /// Width of the shared space, where it starts fresh.
        projection: usize,
    },
    /// The same with the pairwise sigmoid loss (`SigLIP`).
    ClipSigmoid {
        /// The image tower, where it starts fresh.
        vision: VisionShape,
        /// The text tower, where it starts fresh.
        text: TextShape,
        /// Width of the shared space, where it starts fresh.
        projection: usize,
    },
    /// The image tower learns against frozen rows of a language model behind adapter and projector.
    Llm2clip {
        /// The text encoder whose rows stand in the embedding table: `stage:NAME` or an encoder.
        table: String,
        /// Width of the new shared space.
        projection: usize,
        /// Factor on the rate of adapter, projector and new projection. The reference has one rate
        /// for all; from a small image tower the fresh parts need more.
        head_lr_factor: f64,
    },
}

/// What stands in the place of a token chosen by MNTP (facts 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskStyle {
    /// 80 % the mask, 10 % a random token, 10 % unchanged (BERT).
    Bert,
    /// Always the mask (`RoBERTa`-like, the reference's choice for Mistral).
    All,
}

/// How token states become one row; names as in the encoder options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Mean over the embedded tokens.
    Mean,
    /// Mean with weights 1..n.
    WeightedMean,
    /// The last embedded token.
    Last,
}

impl Objective {
    /// The objective's name, as recipes write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CausalLm { .. } => "causal-lm",
            Self::Mntp { .. } => "mntp",
            Self::Simcse { .. } => "simcse",
            Self::CaptionContrastive { .. } => "caption-contrastive",
            Self::Clip { .. } => "clip",
            Self::ClipSigmoid { .. } => "clip-sigmoid",
            Self::Llm2clip { .. } => "llm2clip",
        }
    }

    /// Whether the stage trains a language model (else towers).
    pub fn is_language(&self) -> bool {
        matches!(
            self,
            Self::CausalLm { .. }
                | Self::Mntp { .. }
                | Self::Simcse { .. }
                | Self::CaptionContrastive { .. }
        )
    }

    /// Whether the other rows of the batch are the negatives.
    pub fn is_contrastive(&self) -> bool {
        !matches!(self, Self::CausalLm { .. } | Self::Mntp { .. })
    }
}
