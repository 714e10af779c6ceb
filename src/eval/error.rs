//! What can be wrong with what is handed to the arithmetic.

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowFault {
    /// It holds a NaN or an infinity at this place.
    NotFinite {
        /// The place within the row.
        at: usize,
    },
    /// All its numbers are zero.
    Zero,
    /// Its length is this, and not 1.
    Length(f32),
}

impl std::fmt::Display for RowFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFinite { at } => write!(f, "not finite at position {at}"),
            Self::Zero => f.write_str("all zeros"),
            Self::Length(length) => write!(f, "of length {length}"),
        }
    }
}

/// Input that has no answer. `what` names the input: queries, gallery, scores, units.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// An embedding that ranks nothing.
    #[error(
        "{what}: row {row} is {fault}; expected finite numbers of length 1; \
         look at what the encoder made of that item"
    )]
    Row {
        /// Which input.
        what: &'static str,
        /// The row, from 0.
        row: usize,
        /// What is wrong with it.
        fault: RowFault,
    },
    /// Two things that must have one size have two.
    #[error("{what}: expected {expected} numbers or rows, found {found}")]
    Shape {
        /// Which input.
        what: &'static str,
        /// The size it should have.
        expected: usize,
        /// The size it has.
        found: usize,
    },
    /// An index beyond the end.
    #[error("{what}: query {query} names item {item}, but the gallery has {gallery} items")]
    Range {
        /// Which input.
        what: &'static str,
        /// The query that names it.
        query: usize,
        /// The index.
        item: usize,
        /// The size of the gallery.
        gallery: usize,
    },
    /// A query that cannot be answered.
    #[error(
        "query {query} has no relevant item besides itself; leave it out before ranking and count it"
    )]
    NothingRelevant {
        /// The query, from 0.
        query: usize,
    },
    /// Rows of a table that cannot be paired.
    #[error(
        "{role} in {direction} asks other queries or units than the row before it; \
         rows of one direction must be ranked on the same queries"
    )]
    NotPaired {
        /// The row's label.
        role: String,
        /// Its direction.
        direction: super::Direction,
    },
    /// A label no row bears.
    #[error("baseline {found:?} is not a row of this table; expected one of: {}", expected.join(", "))]
    Baseline {
        /// What was asked for.
        found: String,
        /// The labels there are.
        expected: Vec<String>,
    },
    /// No rows, no queries: nothing to average.
    #[error("{what}: expected at least {least}, found {found}")]
    TooFew {
        /// Which input.
        what: &'static str,
        /// The least that has an answer.
        least: usize,
        /// What there is.
        found: usize,
    },
}
