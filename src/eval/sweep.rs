//! Layers and poolings of a Llama tried on validation items, and which was chosen for the test.

use super::{Metrics, Protocol};
use serde::{Deserialize, Serialize};

/// What was tried, on items outside the test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// `layers` or `poolings`.
    pub over: String,
    /// The items that were asked: never those of the test.
    pub protocol: Protocol,
    /// How the best was chosen, in words.
    pub rule: String,
    /// Validation items left out because they, or a caption of theirs, stand in the test.
    pub dropped: usize,
    /// One a role, layer, pooling and BOS.
    pub rows: Vec<SweepRow>,
    /// The best of every role: what stands in the comparison's rows as `as`.
    pub chosen: Vec<SweepChoice>,
}

/// One way of turning states into rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRow {
    /// The encoder's label.
    pub role: String,
    /// The layer whose states are pooled; 0 is the embeddings.
    pub layer: usize,
    /// How they are pooled.
    pub pooling: String,
    /// Whether a beginning-of-sequence token stands in front.
    pub bos: bool,
    /// On the validation items.
    pub metrics: Metrics,
    /// Share of queries whose rank hangs on the order of equal scores.
    pub tied_share: f64,
    /// Anisotropy of the rows that answer.
    pub mean_cosine: f64,
}

/// The best of a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepChoice {
    /// The encoder's label.
    pub role: String,
    /// The label of its row in the comparison.
    #[serde(rename = "as")]
    pub label: String,
    /// The layer.
    pub layer: usize,
    /// The pooling.
    pub pooling: String,
    /// Whether a beginning-of-sequence token stands in front.
    pub bos: bool,
}

impl Sweep {
    /// The place of the best of some rows: by recall@1, then MRR, then the earlier one.
    #[must_use]
    pub fn best<'a>(rows: impl IntoIterator<Item = &'a SweepRow>) -> Option<usize> {
        let mut best: Option<(usize, &SweepRow)> = None;
        for (place, row) in rows.into_iter().enumerate() {
            let key = |row: &SweepRow| (row.metrics.recall_1, row.metrics.mrr);
            if best.is_none_or(|(_, known)| key(row) > key(known)) {
                best = Some((place, row));
            }
        }
        best.map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_has_the_most_in_first_place_then_the_higher_mean_then_comes_first() {
        let row = |recall_1, mrr| SweepRow {
            role: String::new(),
            layer: 0,
            pooling: String::new(),
            bos: true,
            metrics: Metrics { recall_1, mrr, ..Metrics::default() },
            tied_share: 0.0,
            mean_cosine: 0.0,
        };
        let rows = [row(0.1, 0.9), row(0.2, 0.3), row(0.2, 0.4), row(0.2, 0.4)];
        assert_eq!(Sweep::best(&rows), Some(2));
        assert_eq!(Sweep::best(&[]), None);
    }
}
