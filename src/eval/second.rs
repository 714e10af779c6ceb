//! A second set of judgements beside a comparison's or an inspection's own.

use super::document::Summary;
use super::replicates::{ReplicateDifference, Replicates};
use super::{CompareRow, Difference, Protocol};
use serde::{Deserialize, Serialize};

/// The same encoders on the same gallery, with what a file says is relevant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondJudgements {
    /// Its `judgements` name the file and its digest.
    pub protocol: Protocol,
    /// What of the file could be used.
    pub read: QrelsRead,
    /// One an encoder and direction.
    pub rows: Vec<CompareRow>,
    /// Each row against the baseline and against the row before it.
    pub differences: Vec<Difference>,
    /// What Holm's correction runs over, in words: this table alone.
    pub family: String,
    /// Rows of one name with several numbers, as in the comparison's own table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicates: Vec<Replicates>,
    /// Names with equally many replicates, number by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicate_differences: Vec<ReplicateDifference>,
}

/// The same two encoders on the same gallery, queries counted by what a file says is relevant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondSummary {
    /// Its `judgements` name the file and its digest.
    pub protocol: Protocol,
    /// What of the file could be used in this direction.
    pub read: QrelsRead,
    /// Of the queries that the file speaks of.
    pub summary: Summary,
}

/// What of a file of judgements could be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrelsRead {
    /// Lines that say something is relevant.
    pub relevant: usize,
    /// Lines that say something is not.
    pub not_relevant: usize,
    /// Of the relevant ones, those whose query and item are both known in one direction at least.
    pub used: usize,
    /// Ids of queries that are not asked here.
    pub unknown_queries: Unknown,
    /// Ids of items that are in no gallery here.
    pub unknown_items: Unknown,
}

/// Ids that are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// How many different ones.
    pub count: usize,
    /// The first of them.
    pub first: Vec<String>,
}
