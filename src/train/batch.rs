//! [`Batch`]: what one forward pass reads, as plain numbers.

use crate::data::text::TextBatch;

/// One step's examples.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Token prediction: logits are asked for at `rows` only.
    Tokens {
        /// What the model reads.
        text: TextBatch,
        /// Packed positions whose states predict, `[predictions]`.
        rows: Vec<u32>,
        /// What each predicts, `[predictions]`.
        targets: Vec<u32>,
    },
    /// Pairs of texts; after the positives `second` may hold extra negatives.
    Texts {
        /// What asks.
        first: TextBatch,
        /// What answers.
        second: TextBatch,
    },
    /// Pictures with their texts, as tokens or as rows of a language model.
    ImageText {
        /// `[images * patches, patch_numbers]`.
        patches: Vec<f32>,
        /// Numbers in a patch.
        patch_numbers: usize,
        /// Pictures.
        images: usize,
        /// Their texts; empty where there are rows.
        text: TextBatch,
        /// `[images, width]`; empty where there is text.
        rows: Vec<f32>,
        /// Places of the items, `[images]`.
        items: Vec<usize>,
    },
}

impl Batch {
    /// Places of what the batch's rows came from.
    pub fn items(&self) -> &[usize] {
        match self {
            Self::Tokens { text, .. } => &text.items,
            Self::Texts { first, .. } => &first.items,
            Self::ImageText { items, .. } => items,
        }
    }

    /// Examples: blocks, pairs or pictures.
    pub fn examples(&self) -> usize {
        self.items().len()
    }

    /// What the mean loss is a mean over: predictions or pairs.
    pub fn weight(&self) -> f64 {
        match self {
            Self::Tokens { targets, .. } => targets.len() as f64,
            _ => self.examples() as f64,
        }
    }

    /// Tokens, or patches where there is no text.
    pub fn tokens(&self) -> usize {
        match self {
            Self::Tokens { text, .. } => text.tokens(),
            Self::Texts { first, second } => first.tokens() + second.tokens(),
            Self::ImageText { text, patches, patch_numbers, .. } => {
                text.tokens() + patches.len() / patch_numbers.max(&1)
            }
        }
    }

    /// Texts that were cut.
    pub fn truncated(&self) -> usize {
        match self {
            Self::Tokens { text, .. } | Self::ImageText { text, .. } => text.truncated,
            Self::Texts { first, second } => first.truncated + second.truncated,
        }
    }

    /// Micro-batches of at most `size` examples; one `None`, the batch itself, where it fits or must
    /// not be cut (in-batch contrast needs all its negatives at once).
    pub fn split(&self, size: usize) -> Vec<Option<Self>> {
        let Self::Tokens { text, rows, targets } = self else { return vec![None] };
        if size == 0 || text.rows() <= size {
            return vec![None];
        }
        let starts = text.starts();
        let mut parts = Vec::new();
        for first in (0..text.rows()).step_by(size) {
            let last = (first + size).min(text.rows());
            let begin = starts[first];
            let end = starts.get(last).copied().unwrap_or(text.tokens());
            let inside: Vec<usize> =
                (0..rows.len()).filter(|&at| (begin..end).contains(&(rows[at] as usize))).collect();
            if inside.is_empty() {
                continue;
            }
            parts.push(Some(Self::Tokens {
                text: TextBatch {
                    ids: text.ids[begin..end].to_vec(),
                    lengths: text.lengths[first..last].to_vec(),
                    embed: text.embed[begin..end].to_vec(),
                    items: text.items[first..last].to_vec(),
                    truncated: 0,
                },
                rows: inside.iter().map(|&at| rows[at] - begin as u32).collect(),
                targets: inside.iter().map(|&at| targets[at]).collect(),
            }));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micro_batches_hold_every_prediction_once() {
        let text = TextBatch {
            ids: (0..10).collect(),
            lengths: vec![3, 3, 4],
            embed: vec![true; 10],
            items: vec![7, 8, 9],
            truncated: 0,
        };
        let batch = Batch::Tokens { text, rows: vec![0, 1, 4, 8], targets: vec![1, 2, 5, 9] };
        let parts: Vec<Batch> = batch.split(2).into_iter().flatten().collect();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts.iter().map(Batch::weight).sum::<f64>(), batch.weight());
        let Batch::Tokens { text, rows, targets } = &parts[1] else { panic!() };
        assert_eq!((text.ids[0], rows.as_slice(), targets.as_slice()), (6, &[2][..], &[9][..]));
        assert!(batch.split(0)[0].is_none() && batch.split(3)[0].is_none());
    }
}
