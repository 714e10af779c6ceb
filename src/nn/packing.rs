//! Which rows of a packed batch form a sequence.

use std::ops::Range;
use std::sync::Arc;

/// Rows of sequence `s` are `offsets[s]..offsets[s + 1]`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    offsets: Arc<[usize]>,
}

impl Packing {
    /// Sequences of these lengths, one after the other.
    #[must_use]
    pub fn from_lengths(lengths: &[usize]) -> Self {
        let mut offsets = Vec::with_capacity(lengths.len() + 1);
        let mut end = 0;
        offsets.push(end);
        for &length in lengths {
            end += length;
            offsets.push(end);
        }
        Self { offsets: offsets.into() }
    }

    /// `sequences` sequences of `len` rows each.
    #[must_use]
    pub fn uniform(sequences: usize, len: usize) -> Self {
        Self { offsets: (0..=sequences).map(|s| s * len).collect() }
    }

    /// The number of sequences.
    #[must_use]
    pub fn sequences(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The number of rows of all sequences.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// The rows of sequence `s`, which must be below [`Packing::sequences`].
    #[must_use]
    pub fn range(&self, s: usize) -> Range<usize> {
        self.offsets[s]..self.offsets[s + 1]
    }

    /// The length of each sequence.
    pub fn lengths(&self) -> impl Iterator<Item = usize> + '_ {
        self.offsets.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// The length of the longest sequence, 0 without any.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.lengths().max().unwrap_or(0)
    }

    /// Each row's position in its sequence, from 0.
    #[must_use]
    pub fn positions(&self) -> Vec<u32> {
        self.lengths().flat_map(|length| 0..length as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_ranges_say_the_same() {
        let packing = Packing::from_lengths(&[3, 0, 2]);
        assert_eq!(packing.rows(), 5);
        assert_eq!(packing.sequences(), 3);
        assert_eq!(packing.range(1), 3..3);
        assert_eq!(packing.range(2), 3..5);
        assert_eq!(packing.longest(), 3);
        assert_eq!(packing.positions(), [0, 1, 2, 0, 1]);
        assert_eq!(Packing::uniform(2, 4), Packing::from_lengths(&[4, 4]));
        assert_eq!(Packing::from_lengths(&[]).longest(), 0);
    }
}
