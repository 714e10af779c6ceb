//! The documents of comparisons and inspections, as they are written and read.
//!
//! Cards of encoders are carried as they come: this module compares numbers, not encoders. Keys
//! it does not know are dropped on reading; `format` says what a document is.

use super::difference::Difference;
use super::geometry::Geometry;
use super::histogram::ScoreHistogram;
use super::joined::Joined;
use super::left_out::LeftOut;
use super::published::Published;
use super::quantised::QuantisedRow;
use super::replicates::{ReplicateDifference, Replicates};
use super::second::{SecondJudgements, SecondSummary};
use super::sweep::Sweep;
use super::{Intervals, Metrics, SetGiven};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The format of a comparison.
pub const COMPARE_FORMAT: &str = "llm2clip.compare/1";
/// The format of an inspection.
pub const INSPECT_FORMAT: &str = "llm2clip.inspect/1";
/// The rules results stand on; raised when a rule changes what a number means.
pub const RULES_VERSION: u32 = 1;
/// The tie rule of this version.
pub const TIE_RULE: &str = "high rank, scores rounded to 2^-20";
/// When the query itself is left out, in this version.
pub const SELF_EXCLUSION: &str = "image-to-image and text-to-text";

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Captions find captions of the same item.
    Caption,
    /// Pictures and captions find each other.
    Image,
}

impl Task {
    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caption => "caption",
            Self::Image => "image",
        }
    }
}

/// Query to gallery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// A text asks for its picture.
    TextToImage,
    /// A picture asks for its texts.
    ImageToText,
    /// A picture asks for another picture of the same thing.
    ImageToImage,
    /// A text asks for another text of the same thing.
    TextToText,
}

impl Direction {
    /// All four, in the order documents list them.
    pub const ALL: [Self; 4] =
        [Self::TextToImage, Self::ImageToText, Self::ImageToImage, Self::TextToText];

    /// Its name in documents and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextToImage => "text-to-image",
            Self::ImageToText => "image-to-text",
            Self::ImageToImage => "image-to-image",
            Self::TextToText => "text-to-text",
        }
    }
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A direction that is none of the four.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "direction: expected text-to-image, image-to-text, image-to-image or text-to-text, found {0:?}"
)]
pub struct BadDirection(String);

impl std::str::FromStr for Direction {
    type Err = BadDirection;
    fn from_str(text: &str) -> Result<Self, BadDirection> {
        let found = Self::ALL.into_iter().find(|direction| direction.name() == text);
        found.ok_or_else(|| BadDirection(text.to_owned()))
    }
}

/// What two results must share to be set side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// The data set's name.
    pub dataset: String,
    /// The split's name; null where there are no splits.
    pub split: Option<String>,
    /// Digest of the split's items and captions.
    pub split_digest: String,
    /// Digest of the captions alone that ask and answer, of `first-two` captions: the same for every
    /// file that has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions_digest: Option<String>,
    /// The first so many items; null for all.
    pub pool: Option<usize>,
    /// `first-two`, `all-pairs` or `any`.
    pub captions: String,
    /// Language of the queries; null where not picked.
    pub query_language: Option<String>,
    /// Language of the gallery; null where not picked.
    pub gallery_language: Option<String>,
    /// Whose judgements say what is relevant: `own`, or the name and digest of a qrels file.
    pub judgements: String,
    /// Where the query itself is left out.
    pub self_exclusion: String,
    /// How equal scores count.
    pub tie_rule: String,
    /// [`RULES_VERSION`] when the result was made.
    pub rules: u32,
}

impl Protocol {
    /// The rules of this version on all of a data set's split, its own judgements, no language
    /// picked.
    #[must_use]
    pub fn new(dataset: &str, split: Option<&str>, split_digest: &str, captions: &str) -> Self {
        Self {
            dataset: dataset.to_owned(),
            split: split.map(str::to_owned),
            split_digest: split_digest.to_owned(),
            captions_digest: None,
            pool: None,
            captions: captions.to_owned(),
            query_language: None,
            gallery_language: None,
            judgements: "own".to_owned(),
            self_exclusion: SELF_EXCLUSION.to_owned(),
            tie_rule: TIE_RULE.to_owned(),
            rules: RULES_VERSION,
        }
    }

    /// The keys in which two protocols differ, with the value of each as documents write it; none
    /// means their results are comparable. The data set's name is one of them only where the digests
    /// of the splits differ too: what a file is called says nothing about what is in it.
    #[must_use]
    pub fn differing_keys(&self, other: &Self) -> Vec<(&'static str, [Value; 2])> {
        fn pair<T: Serialize>(a: &T, b: &T) -> [Value; 2] {
            [a, b].map(|value| serde_json::to_value(value).unwrap_or_default())
        }
        let keys = [
            ("dataset", pair(&self.dataset, &other.dataset)),
            ("split", pair(&self.split, &other.split)),
            ("split_digest", pair(&self.split_digest, &other.split_digest)),
            ("pool", pair(&self.pool, &other.pool)),
            ("captions", pair(&self.captions, &other.captions)),
            ("query_language", pair(&self.query_language, &other.query_language)),
            ("gallery_language", pair(&self.gallery_language, &other.gallery_language)),
            ("judgements", pair(&self.judgements, &other.judgements)),
            ("self_exclusion", pair(&self.self_exclusion, &other.self_exclusion)),
            ("tie_rule", pair(&self.tie_rule, &other.tie_rule)),
            ("rules", pair(&self.rules, &other.rules)),
        ];
        // The digest holds texts whole, and pictures by name and length only.
        let texts = matches!(self.captions.as_str(), "first-two" | "all-pairs");
        let same_split = texts && self.split_digest == other.split_digest;
        keys.into_iter()
            .filter(|(key, [a, b])| a != b && !(same_split && *key == "dataset"))
            .collect()
    }
}

/// A comparison of encoders on one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareDocument {
    /// [`COMPARE_FORMAT`].
    pub format: String,
    /// What is compared.
    pub task: Task,
    /// What other results must share to be set beside these.
    pub protocol: Protocol,
    /// How the data set was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<SetGiven>,
    /// One an encoder and direction.
    pub rows: Vec<CompareRow>,
    /// Each row against the baseline and against the row before it.
    pub differences: Vec<Difference>,
    /// What Holm's correction runs over, in words.
    #[serde(default)]
    pub family: String,
    /// Rows of one name with several numbers, such as `clip#1` and `clip#2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicates: Vec<Replicates>,
    /// Names with equally many replicates, number by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicate_differences: Vec<ReplicateDifference>,
    /// Labels that gave the same rows, bit by bit: one encoder under several names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_rows: Vec<Vec<String>>,
    /// The same with a second set of judgements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qrels: Option<SecondJudgements>,
    /// What papers report under exactly this protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<Published>,
    /// Layers and poolings tried on validation items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// What of the data set is not in it; null in documents from before it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// The results whose rows these are, where they were measured one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Joined>,
    /// Resamples of the intervals.
    #[serde(default)]
    pub resamples: usize,
    /// The seed of resamples and sign flips.
    #[serde(default)]
    pub seed: u64,
    /// The program's version: recorded, never compared.
    #[serde(default)]
    pub program: String,
}

/// One encoder in one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareRow {
    /// Its label.
    pub role: String,
    /// The result it was measured in, in a table that joins several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Its card, as it came.
    pub encoder: Value,
    /// Query to gallery.
    pub direction: Direction,
    /// Point values, on high ranks.
    pub metrics: Metrics,
    /// Their 95 % intervals.
    pub ci95: Intervals,
    /// Share of queries whose rank hangs on the order of equal scores.
    pub tied_share: f64,
    /// Anisotropy of the gallery's embeddings; null for an encoder without embeddings.
    pub mean_cosine: Option<f64>,
    /// Gallery items.
    pub items: usize,
    /// Queries asked.
    pub queries: usize,
    /// Units the queries belong to: what intervals and tests resample.
    #[serde(default)]
    pub units: usize,
    /// Time to encode an item of the gallery.
    pub ms_per_item: Option<f64>,
    /// Time to encode a query and score it against the gallery.
    pub ms_per_query: Option<f64>,
    /// Of that, the search alone: the query is encoded, and its first ten are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_ms_per_query: Option<f64>,
    /// Time to build what is searched, once the items are encoded.
    pub index_ms: Option<f64>,
    /// Size of what is searched, per item.
    pub bytes_per_item: Option<f64>,
    /// Texts cut at the encoder's limit.
    pub truncated: usize,
    /// More about how the gallery's embeddings lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
    /// Skewness of how often items stand in someone's first ten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_skewness: Option<f64>,
    /// How scores of relevant items lie beside those of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<ScoreHistogram>,
    /// The same search over tables of fewer bits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantised: Vec<QuantisedRow>,
}

/// One query's ranked lists, or a summary of all queries'.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InspectDocument {
    /// [`INSPECT_FORMAT`].
    pub format: String,
    /// The request's, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// What other results must share to be set beside these.
    pub protocol: Protocol,
    /// How the data set was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<SetGiven>,
    /// Query to gallery.
    pub direction: Direction,
    /// The query: its id, text or picture; absent in a summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Value>,
    /// One an encoder.
    pub lists: Vec<InspectList>,
    /// The first two lists against each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<ListDifference>,
    /// Of all queries, where none was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// All queries that a second set of judgements speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qrels: Option<SecondSummary>,
    /// Labels that gave the same rows in this direction, bit by bit: one encoder under two names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_rows: Vec<Vec<String>>,
}

/// One encoder's ranked list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InspectList {
    /// Its label.
    pub role: String,
    /// Its card, as it came.
    pub encoder: Value,
    /// Time to encode the query and score it.
    pub ms: f64,
    /// Whether the encoder read only the query's beginning: it was cut at its limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Best first; equal scores by item order.
    pub hits: Vec<InspectHit>,
}

/// An item of a ranked list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InspectHit {
    /// Its id.
    pub item: String,
    /// 1 + other items that score strictly higher.
    pub rank: u32,
    /// 1 + other items that score as high or higher.
    pub rank_high: u32,
    /// Its score.
    pub score: f32,
    /// Whether it answers the query; null where nothing says so (a typed text).
    pub relevant: Option<bool>,
}

/// Two ranked lists of one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListDifference {
    /// Share of the first k that both have.
    #[serde(rename = "overlap@k")]
    pub overlap: f64,
    /// High rank of the best relevant item in each; null where nothing says what is relevant.
    pub first_relevant: [Option<u32>; 2],
    /// Score of the best relevant item less that of the best other.
    #[serde(default)]
    pub margin: [Option<f32>; 2],
    /// Every item of either list.
    pub rows: Vec<DifferenceRow>,
}

/// An item in two lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceRow {
    /// Its id.
    pub item: String,
    /// Its place's rank in each; null beyond the list.
    pub rank: [Option<u32>; 2],
}

/// All queries of two encoders, counted by slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Queries asked.
    pub queries: usize,
    /// Length of the lists.
    pub k: usize,
    /// Mean share of the first k that both have.
    #[serde(rename = "overlap@k")]
    pub overlap: f64,
    /// Queries in each slice; a query can be in several.
    pub slices: BTreeMap<super::compare::Slice, usize>,
    /// The queries of the slice that was asked for, largest change of rank first, then of margin; all
    /// queries where nothing says what is relevant, the least overlap first.
    pub rows: Vec<SummaryRow>,
}

/// A query of a summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// Its id.
    pub query: String,
    /// High rank of the best relevant item in each list; null where nothing says what is relevant.
    pub first_relevant: [Option<u32>; 2],
    /// Margin in each.
    pub margin: [Option<f32>; 2],
    /// Share of the first k that both have.
    #[serde(rename = "overlap@k")]
    pub overlap: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_protocols_name_the_keys_they_differ_in() {
        let one = Protocol::new("emoji", Some("test"), "ab", "first-two");
        assert!(one.differing_keys(&one.clone()).is_empty());
        let other = Protocol { pool: Some(5), captions: "any".into(), ..one.clone() };
        let differing = one.differing_keys(&other);
        assert_eq!(differing[0], ("pool", [Value::Null, 5.into()]));
        assert_eq!(differing[1], ("captions", ["first-two".into(), "any".into()]));
        assert_eq!(differing.len(), 2);
    }

    #[test]
    fn no_key_of_a_protocol_is_left_out_of_the_comparison() {
        let one = Protocol::new("emoji", Some("test"), "ab", "first-two");
        let value = serde_json::to_value(&one).unwrap();
        for (key, old) in value.as_object().unwrap() {
            let mut changed = value.clone();
            changed[key] = match old {
                Value::Number(_) => 99.into(),
                _ if key == "pool" => 99.into(),
                _ => "other".into(),
            };
            let other: Protocol = serde_json::from_value(changed).unwrap();
            let differing = one.differing_keys(&other);
            let wanted = if key == "dataset" { vec![] } else { vec![key.as_str()] };
            let found: Vec<&str> = differing.iter().map(|(key, _)| *key).collect();
            assert_eq!(found, wanted, "{key}: {differing:?}");
        }
    }

    #[test]
    fn one_split_under_two_names_is_comparable_and_two_splits_name_their_sets() {
        let one = Protocol::new("coco-5k", None, "ab", "first-two");
        let same = Protocol { dataset: "captions".into(), ..one.clone() };
        assert!(one.differing_keys(&same).is_empty());
        let other = Protocol { split_digest: "cd".into(), ..same };
        let keys: Vec<&str> = one.differing_keys(&other).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["dataset", "split_digest"]);
    }

    #[test]
    fn directions_are_read_as_they_are_written() {
        for direction in Direction::ALL {
            assert_eq!(direction.to_string().parse(), Ok(direction));
            assert_eq!(serde_json::to_value(direction).unwrap(), direction.name());
        }
        let error = "image retrieval".parse::<Direction>().unwrap_err().to_string();
        assert!(error.contains("expected text-to-image") && error.contains("image retrieval"));
    }
}
