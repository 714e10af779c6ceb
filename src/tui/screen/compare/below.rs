//! Which things stand below the table in turn.

use super::{Compared, Shown, classification, differences, heat, judgements, replicates};
use crate::eval::{CompareDocument, Metric};

/// What stands below the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Below {
    /// Rows against rows; of a classification too.
    #[default]
    Differences,
    /// Replicates of one name, where there are any.
    Replicates,
    /// Rows under a second set of judgements, where there is one.
    Judgements,
    /// How alike all embeddings are.
    Anisotropy,
    /// Layers and poolings.
    Layers,
    /// Other results, and why they may not share the table.
    Others,
}

impl Below {
    const ALL: [Self; 6] = [
        Self::Differences,
        Self::Replicates,
        Self::Judgements,
        Self::Anisotropy,
        Self::Layers,
        Self::Others,
    ];

    /// Its name in recorded sittings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Differences => "differences",
            Self::Replicates => "replicates",
            Self::Judgements => "judgements",
            Self::Anisotropy => "anisotropy",
            Self::Layers => "layers",
            Self::Others => "others",
        }
    }

    /// That of the name; differences where there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|below| below.name() == name).unwrap_or_default()
    }

    /// The next in turn of those that a comparison has.
    #[must_use]
    pub fn next(self, document: &CompareDocument) -> Self {
        let there: Vec<Self> =
            Self::ALL.into_iter().filter(|below| below.of(document) == *below).collect();
        let at = there.iter().position(|below| *below == self).map_or(0, |at| at + 1);
        there[at % there.len()]
    }

    /// This, where a comparison has it.
    #[must_use]
    pub const fn of(self, document: &CompareDocument) -> Self {
        match self {
            Self::Replicates if document.replicates.is_empty() => Self::Differences,
            Self::Judgements if document.qrels.is_none() => Self::Differences,
            other => other,
        }
    }

    /// Differences or not: a classification has two things to show.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Differences => Self::Anisotropy,
            _ => Self::Differences,
        }
    }
}

impl Shown<'_> {
    /// Lines below the table that can be chosen.
    pub(super) fn lines_below(&self, below: Below, metric: Metric) -> usize {
        let (result, document, direction, others) = match self {
            Self::Compare(Compared { result, document, direction, others, .. }) => {
                (result, document, direction, others)
            }
            Self::Classify(_, document) if classification::is_tested(below, document) => {
                return differences::of_classes(document).count();
            }
            Self::Classify(_, document) => return document.pictures.len(),
        };
        match below.of(document) {
            Below::Differences => differences::of(document, *direction, metric).count(),
            Below::Layers => heat::Map::of(result, document, *direction).lines(),
            Below::Judgements => {
                let second = document.qrels.as_ref();
                second.map_or(0, |second| judgements::of(second, *direction, metric).count())
            }
            Below::Replicates => usize::from(replicates::lines(document, *direction)),
            Below::Others => others.len(),
            Below::Anisotropy => 0,
        }
    }
}
