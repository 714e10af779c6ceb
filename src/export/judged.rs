//! A comparison's own tables and those under a second set of judgements, each with what it stands on.

use super::csv::cell;
use crate::eval::published::Published;
use crate::eval::replicates::{ReplicateDifference, Replicates};
use crate::eval::{CompareDocument, CompareRow, Difference, Protocol};

/// What the first columns of every table of comparisons are called: which result a line is of, and what
/// two lines must share to be set side by side.
pub(super) const IDENTITY: [&str; 11] = [
    "result",
    "task",
    "dataset",
    "split",
    "split_digest",
    "pool",
    "captions",
    "query_language",
    "gallery_language",
    "judgements",
    "rules",
];

/// The tables under one set of judgements.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    result: &'a str,
    document: &'a CompareDocument,
    protocol: &'a Protocol,
    pub rows: &'a [CompareRow],
    pub differences: &'a [Difference],
    pub replicates: &'a [Replicates],
    pub replicate_differences: &'a [ReplicateDifference],
}

impl Judged<'_> {
    /// What papers report of the same: never under a second set of judgements, which is not theirs.
    pub fn papers(&self) -> Vec<Published> {
        if *self.protocol == self.document.protocol { self.document.beside() } else { Vec::new() }
    }

    /// The cells of [`IDENTITY`].
    pub fn identity(&self) -> Vec<String> {
        let protocol = self.protocol;
        let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
        vec![
            cell(self.result),
            self.document.task.name().to_owned(),
            cell(&protocol.dataset),
            text(&protocol.split),
            cell(&protocol.split_digest),
            protocol.pool.map_or_else(String::new, |pool| pool.to_string()),
            cell(&protocol.captions),
            text(&protocol.query_language),
            text(&protocol.gallery_language),
            cell(&protocol.judgements),
            protocol.rules.to_string(),
        ]
    }
}

/// Comparisons by their ids, each under every set of judgements it has.
pub(super) fn judged(
    documents: &[(String, CompareDocument)],
) -> impl Iterator<Item = Judged<'_>> + Clone {
    documents.iter().flat_map(|(result, document)| {
        let own = Judged {
            result,
            document,
            protocol: &document.protocol,
            rows: &document.rows,
            differences: &document.differences,
            replicates: &document.replicates,
            replicate_differences: &document.replicate_differences,
        };
        let second = document.qrels.as_ref().map(|second| Judged {
            protocol: &second.protocol,
            rows: &second.rows,
            differences: &second.differences,
            replicates: &second.replicates,
            replicate_differences: &second.replicate_differences,
            ..own
        });
        std::iter::once(own).chain(second)
    })
}

/// [`IDENTITY`] and the columns after it.
pub(super) fn header(columns: &[&str]) -> Vec<String> {
    IDENTITY.iter().chain(columns).map(|&name| name.to_owned()).collect()
}
