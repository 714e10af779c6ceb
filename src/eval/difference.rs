//! One row less another in one metric: of retrieval in a direction, or of a classification.

use super::significance::Test;
use super::{Direction, Metric};
use serde::{Deserialize, Serialize};

/// Row `a` less row `b`, and in what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference<Of = Retrieved> {
    /// The label of the row.
    pub a: String,
    /// The label of the row it is held against.
    pub b: String,
    /// What is compared.
    #[serde(flatten)]
    pub of: Of,
    /// Value of `a` less value of `b`.
    pub delta: f64,
    /// Its 95 % interval, both rows resampled together.
    pub ci95: [f64; 2],
    /// The test; of the share in first place only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// Its p-value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// That, corrected over the document's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_holm: Option<f64>,
    /// Units compared.
    pub n: usize,
}

/// A metric of retrieval in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retrieved {
    /// The direction of both rows.
    pub direction: Direction,
    /// The metric.
    pub metric: Metric,
}

/// A metric of a classification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classified {
    /// `top-1` or `top-5`.
    pub metric: String,
}

impl<Of> Difference<Of> {
    /// The same numbers as a difference in something else.
    pub fn about<Other>(self, of: Other) -> Difference<Other> {
        let Self { a, b, of: _, delta, ci95, test, p, p_holm, n } = self;
        Difference { a, b, of, delta, ci95, test, p, p_holm, n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_share_in_first_place_shows_a_test() {
        let of = Retrieved { direction: Direction::TextToText, metric: Metric::Mrr };
        let plain = Difference {
            a: "b".into(),
            b: "a".into(),
            of,
            delta: 0.5,
            ci95: [0.25, 0.75],
            test: None,
            p: None,
            p_holm: None,
            n: 4,
        };
        let json = serde_json::to_string(&plain).unwrap();
        let want = r#"{"a":"b","b":"a","direction":"text-to-text","metric":"mrr","delta":0.5,"ci95":[0.25,0.75],"n":4}"#;
        assert_eq!(json, want);
        let tested = Difference { test: Some(Test::McNemar), p: Some(0.1), ..plain };
        let read: Difference =
            serde_json::from_str(&serde_json::to_string(&tested).unwrap()).unwrap();
        assert_eq!(read, tested);
        let classified = tested.about(Classified { metric: "top-1".into() });
        let json = serde_json::to_string(&classified).unwrap();
        let want = r#"{"a":"b","b":"a","metric":"top-1","delta":0.5,"ci95":[0.25,0.75],"test":"mcnemar","p":0.1,"n":4}"#;
        assert_eq!(json, want);
        assert_eq!(serde_json::from_str::<Difference<Classified>>(&json).unwrap(), classified);
    }
}
