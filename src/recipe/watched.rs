//! [`Watched`]: the measure that says which validation is the best.

use super::Stage;
use serde::{Deserialize, Serialize};

/// A measure of a validation; names as in its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watched {
    /// None by the recipe's wish: the loss is watched, and no checkpoint is kept for it.
    #[default]
    #[serde(rename = "none")]
    None,
    /// The validation loss.
    #[serde(rename = "loss")]
    Loss,
    /// Share of predictions that are right, in token objectives.
    #[serde(rename = "accuracy")]
    Accuracy,
    /// Share of queries answered in first place; with pictures, the mean of both directions.
    #[serde(rename = "recall@1")]
    Recall1,
    /// In the first five.
    #[serde(rename = "recall@5")]
    Recall5,
    /// In the first ten.
    #[serde(rename = "recall@10")]
    Recall10,
    /// Mean of 1 / rank.
    #[serde(rename = "mrr")]
    Mrr,
}

impl Watched {
    /// Its name in a validation's record; `loss` where nothing else is watched.
    pub fn name(self) -> &'static str {
        match self {
            Self::None | Self::Loss => "loss",
            Self::Accuracy => "accuracy",
            Self::Recall1 => "recall@1",
            Self::Recall5 => "recall@5",
            Self::Recall10 => "recall@10",
            Self::Mrr => "mrr",
        }
    }

    /// Whether `new` is better than `old`.
    pub fn better(self, new: f64, old: f64) -> bool {
        match self {
            Self::None | Self::Loss => new < old,
            _ => new > old,
        }
    }

    /// Whether it comes from a retrieval.
    pub fn is_retrieval(self) -> bool {
        matches!(self, Self::Recall1 | Self::Recall5 | Self::Recall10 | Self::Mrr)
    }

    /// Updates between two of its measurements in `stage`; 0 means only at the end.
    pub fn every(self, stage: &Stage) -> usize {
        if self.is_retrieval() { stage.retrieval_every } else { stage.validate_every }
    }
}
