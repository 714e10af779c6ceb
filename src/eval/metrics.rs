//! Recall@k, MRR and median rank from ranks (1 is best).

use serde::{Deserialize, Serialize};

/// One value for each metric, serialised under the metrics' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerMetric<T> {
    /// Share of queries with a relevant item in first place.
    #[serde(rename = "recall@1")]
    pub recall_1: T,
    /// Share of queries with a relevant item in the first five.
    #[serde(rename = "recall@5")]
    pub recall_5: T,
    /// Share of queries with a relevant item in the first ten.
    #[serde(rename = "recall@10")]
    pub recall_10: T,
    /// Mean of 1 / rank.
    pub mrr: T,
    /// The middle rank; with an even number of queries, the mean of the two in the middle.
    pub median_rank: T,
}

/// Point values.
pub type Metrics = PerMetric<f64>;
/// 95 % intervals, low and high end.
pub type Intervals = PerMetric<[f64; 2]>;

/// A metric by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Metric {
    /// `recall@1`
    #[serde(rename = "recall@1")]
    Recall1,
    /// `recall@5`
    #[serde(rename = "recall@5")]
    Recall5,
    /// `recall@10`
    #[serde(rename = "recall@10")]
    Recall10,
    /// `mrr`
    #[serde(rename = "mrr")]
    Mrr,
    /// `median_rank`
    #[serde(rename = "median_rank")]
    MedianRank,
}

impl Metric {
    /// All of them, in the order documents list them.
    pub const ALL: [Self; 5] =
        [Self::Recall1, Self::Recall5, Self::Recall10, Self::Mrr, Self::MedianRank];

    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recall1 => "recall@1",
            Self::Recall5 => "recall@5",
            Self::Recall10 => "recall@10",
            Self::Mrr => "mrr",
            Self::MedianRank => "median_rank",
        }
    }

    /// Whether more is better; of ranks, less is.
    #[must_use]
    pub const fn higher_is_better(self) -> bool {
        !matches!(self, Self::MedianRank)
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl<T> PerMetric<T> {
    /// The value of one metric.
    pub const fn get(&self, metric: Metric) -> &T {
        match metric {
            Metric::Recall1 => &self.recall_1,
            Metric::Recall5 => &self.recall_5,
            Metric::Recall10 => &self.recall_10,
            Metric::Mrr => &self.mrr,
            Metric::MedianRank => &self.median_rank,
        }
    }

    /// One value for each metric from a function of it.
    pub fn from_fn(mut value: impl FnMut(Metric) -> T) -> Self {
        Self {
            recall_1: value(Metric::Recall1),
            recall_5: value(Metric::Recall5),
            recall_10: value(Metric::Recall10),
            mrr: value(Metric::Mrr),
            median_rank: value(Metric::MedianRank),
        }
    }
}

/// Share of queries ranked `k` or better; 0 without queries.
#[must_use]
pub fn recall_at(ranks: &[u32], k: u32) -> f64 {
    mean(ranks.iter().map(|&rank| f64::from(u8::from(rank <= k))), ranks.len())
}

/// Mean reciprocal rank; 0 without queries.
#[must_use]
pub fn mrr(ranks: &[u32]) -> f64 {
    mean(ranks.iter().map(|&rank| 1.0 / f64::from(rank)), ranks.len())
}

/// Median rank; 0 without queries.
#[must_use]
pub fn median_rank(ranks: &[u32]) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable();
    match sorted.len() {
        0 => 0.0,
        n => f64::midpoint(f64::from(sorted[(n - 1) / 2]), f64::from(sorted[n / 2])),
    }
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    if count == 0 { 0.0 } else { values.sum::<f64>() / count as f64 }
}

impl Metrics {
    /// All metrics of a list of ranks.
    #[must_use]
    pub fn of(ranks: &[u32]) -> Self {
        Self {
            recall_1: recall_at(ranks, 1),
            recall_5: recall_at(ranks, 5),
            recall_10: recall_at(ranks, 10),
            mrr: mrr(ranks),
            median_rank: median_rank(ranks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_a_list_worked_by_hand() {
        let metrics = Metrics::of(&[1, 2, 10, 11]);
        assert_eq!((metrics.recall_1, metrics.recall_5, metrics.recall_10), (0.25, 0.5, 0.75));
        assert!((metrics.mrr - (1.0 + 0.5 + 0.1 + 1.0 / 11.0) / 4.0).abs() < 1e-15);
        assert_eq!(metrics.median_rank, 6.0);
        assert_eq!(median_rank(&[3, 1, 9]), 3.0);
        assert_eq!(Metrics::of(&[]), Metrics::default());
    }

    #[test]
    fn documents_use_the_names_people_use() {
        let json = serde_json::to_string(&Metrics::of(&[1, 1])).unwrap();
        let want = r#"{"recall@1":1.0,"recall@5":1.0,"recall@10":1.0,"mrr":1.0,"median_rank":1.0}"#;
        assert_eq!(json, want);
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
            assert!(json.contains(metric.name()));
        }
    }
}
