//! From token states to one row a text.

use super::ModelError;
use crate::nn::{Packing, ops};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a text's token states become one row. Which tokens count is the embed mask's business:
/// LLM2Vec attends the instruction and does not pool it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean of the embedded tokens.
    #[default]
    Mean,
    /// Their mean with weights 1, 2, ... n in order (SGPT, Muennighoff 2022).
    WeightedMean,
    /// The last embedded token.
    Last,
    /// The end token, which the tokenisation for this pooling puts last: the last embedded token.
    Eos,
    /// The sequence's first token, embedded or not (LLM2Vec's `bos_token`).
    Cls,
}

impl Pooling {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Mean, Self::WeightedMean, Self::Last, Self::Eos, Self::Cls];

    /// The name on the command line, in cards and in recipes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::WeightedMean => "weighted_mean",
            Self::Last => "last",
            Self::Eos => "eos",
            Self::Cls => "cls",
        }
    }

    /// Whether the tokenisation must end every text with the end token.
    #[must_use]
    pub fn needs_end_token(self) -> bool {
        self == Self::Eos
    }

    /// `hidden` `[rows, width]` to `[sequences, width]`. `embed` has one entry a row.
    ///
    /// # Errors
    /// A sequence without an embedded token (an empty one for [`Pooling::Cls`]), or shapes that
    /// do not fit.
    pub fn pool(
        self,
        hidden: &Tensor,
        packing: &Packing,
        embed: &[bool],
    ) -> Result<Tensor, ModelError> {
        let op = match self {
            Self::Mean => ops::Pooling::Mean,
            Self::WeightedMean => ops::Pooling::WeightedMean,
            Self::Last | Self::Eos => ops::Pooling::Last,
            Self::Cls => ops::Pooling::Cls,
        };
        Ok(ops::pool(hidden, packing, embed, op)?)
    }
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no pooling.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown pooling {found:?}: expected mean, weighted_mean, last, eos or cls")]
pub struct UnknownPooling {
    found: String,
}

impl std::str::FromStr for Pooling {
    type Err = UnknownPooling;

    /// Our names, and the ones that `llm2vec_config.json` has for the same thing.
    fn from_str(text: &str) -> Result<Self, UnknownPooling> {
        match text {
            "mean" => Ok(Self::Mean),
            "weighted_mean" => Ok(Self::WeightedMean),
            "last" | "last_token" => Ok(Self::Last),
            "eos" | "eos_token" => Ok(Self::Eos),
            "cls" | "bos_token" => Ok(Self::Cls),
            _ => Err(UnknownPooling { found: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_everywhere() {
        for pooling in Pooling::ALL {
            assert_eq!(pooling.name().parse(), Ok(pooling));
            assert_eq!(serde_json::to_value(pooling).unwrap(), pooling.name());
        }
        assert!("median".parse::<Pooling>().is_err());
    }
}
