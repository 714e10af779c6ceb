//! Encoding a whole set of texts once: equal texts share a row, and batches hold rows of like
//! length within a budget of tokens.
//!
//! Which texts stand in which batch is a function of the texts and the budget alone, so that a
//! table's bits do not hang on the run that makes it, and a table can be gone on with at any batch.

use super::corpus::Item;
use std::collections::BTreeMap;

/// Texts, each once, and which of them each place stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UniqueTexts {
    texts: Vec<String>,
    rows: Vec<usize>,
}

impl UniqueTexts {
    /// The different texts in order of first appearance.
    pub fn of<'a>(places: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        let mut unique = Self::default();
        for text in places {
            let row = *known.entry(text).or_insert_with(|| {
                unique.texts.push(text.to_owned());
                unique.texts.len() - 1
            });
            unique.rows.push(row);
        }
        unique
    }

    /// The different texts: what to encode, a row of a table each.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// `[places]`, the row of each place's text.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }
}

/// The captions of some items as rows of an embedding table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionRows {
    unique: UniqueTexts,
    starts: Vec<usize>,
}

impl CaptionRows {
    /// Every caption of every item, equal texts once.
    pub fn of(items: &[Item]) -> Self {
        let captions = items.iter().flat_map(|item| &item.captions);
        let unique = UniqueTexts::of(captions.map(|caption| caption.text.as_str()));
        let mut starts = vec![0];
        for item in items {
            starts.push(starts[starts.len() - 1] + item.captions.len());
        }
        Self { unique, starts }
    }

    /// The different captions: what to encode, a row of the table each.
    pub fn texts(&self) -> &[String] {
        self.unique.texts()
    }

    /// The table's row for caption `caption` of item `item`, both counted as in the items given;
    /// none beyond them.
    pub fn row(&self, item: usize, caption: usize) -> Option<usize> {
        let place = self.starts.get(item)? + caption;
        (place < *self.starts.get(item + 1)?).then(|| self.unique.rows[place])
    }
}

/// Cuts rows into batches of at most `budget` tokens (one row at least), longest rows first, so
/// that what does not fit into memory is known at the start. Rows of equal length keep their
/// order. Returns row numbers; every row stands in one batch.
pub fn batches_by_tokens(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut left = 0;
    for row in order {
        let length = lengths[row];
        match batches.last_mut() {
            Some(batch) if length <= left => {
                batch.push(row);
                left -= length;
            }
            _ => {
                batches.push(vec![row]);
                left = budget.saturating_sub(length);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::super::collate::tests::corpus;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_stands_in_one_batch_within_the_budget(
            lengths in prop::collection::vec(1usize..40, 0..80), budget in 1usize..100,
        ) {
            let batches = batches_by_tokens(&lengths, budget);
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let tokens: usize = batch.iter().map(|&row| lengths[row]).sum();
                prop_assert!(batch.len() == 1 || tokens <= budget);
                prop_assert!(batch.is_sorted_by_key(|&row| std::cmp::Reverse(lengths[row])));
            }
        }
    }

    #[test]
    fn equal_captions_share_a_row_and_every_caption_has_one() {
        let corpus = corpus(3);
        let rows = CaptionRows::of(&corpus.items);
        assert_eq!(rows.texts().len(), 9);
        assert_eq!(rows.row(1, 0), rows.row(1, 3));
        for (item, k, caption) in corpus.captions() {
            assert_eq!(rows.texts()[rows.row(item, k).unwrap()], caption.text);
        }
        assert_eq!((rows.row(0, 4), rows.row(3, 0)), (None, None));
    }
}
