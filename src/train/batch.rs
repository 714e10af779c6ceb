//! [`Batch`]: what one forward pass reads, as plain numbers.

use crate::data::text::TextBatch;
use std::ops::Range;

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

    /// Micro-batches of at most `size` examples, in order; one `None`, the batch itself, where it
    /// fits. Extra negatives go with the pair they stand beside.
    pub fn split(&self, size: usize) -> Vec<Option<Self>> {
        let examples = self.examples();
        if size == 0 || examples <= size {
            return vec![None];
        }
        let ranges = (0..examples).step_by(size).map(|first| first..(first + size).min(examples));
        match self {
            Self::Tokens { text, rows, targets } => {
                let part = |range| token_part(text, rows, targets, range);
                ranges.filter_map(part).map(Some).collect()
            }
            Self::Texts { first, second } => {
                let part = |range: Range<usize>| {
                    let mut documents = TextBatch::default();
                    for group in (0..second.rows()).step_by(examples) {
                        let inside = group + range.start..group + range.end;
                        append(&mut documents, rows_of(second, inside));
                    }
                    Some(Self::Texts { first: rows_of(first, range), second: documents })
                };
                ranges.map(part).collect()
            }
            Self::ImageText { patches, patch_numbers, text, rows, items, .. } => {
                let cut = |values: &[f32], range: &Range<usize>| {
                    let width = values.len() / examples;
                    values[range.start * width..range.end * width].to_vec()
                };
                let part = |range: Range<usize>| {
                    Some(Self::ImageText {
                        patches: cut(patches, &range),
                        patch_numbers: *patch_numbers,
                        images: range.len(),
                        rows: cut(rows, &range),
                        items: items[range.clone()].to_vec(),
                        text: if text.rows() == 0 {
                            TextBatch::default()
                        } else {
                            rows_of(text, range)
                        },
                    })
                };
                ranges.map(part).collect()
            }
        }
    }
}

/// The blocks of `range` with what is predicted in them; none where nothing is.
fn token_part(
    text: &TextBatch,
    rows: &[u32],
    targets: &[u32],
    range: Range<usize>,
) -> Option<Batch> {
    let begin: usize = text.lengths[..range.start].iter().sum();
    let part = rows_of(text, range);
    let places = begin..begin + part.tokens();
    let inside: Vec<usize> =
        (0..rows.len()).filter(|&at| places.contains(&(rows[at] as usize))).collect();
    (!inside.is_empty()).then(|| Batch::Tokens {
        text: part,
        rows: inside.iter().map(|&at| rows[at] - begin as u32).collect(),
        targets: inside.iter().map(|&at| targets[at]).collect(),
    })
}

/// Some rows of a text batch; texts that were cut are counted in the whole batch only.
fn rows_of(text: &TextBatch, range: Range<usize>) -> TextBatch {
    let begin: usize = text.lengths[..range.start].iter().sum();
    let end = begin + text.lengths[range.clone()].iter().sum::<usize>();
    TextBatch {
        ids: text.ids[begin..end].to_vec(),
        lengths: text.lengths[range.clone()].to_vec(),
        embed: text.embed[begin..end].to_vec(),
        items: text.items[range].to_vec(),
        truncated: 0,
    }
}

/// Puts the rows of `from` behind those of `to`.
pub(super) fn append(to: &mut TextBatch, from: TextBatch) {
    to.ids.extend(from.ids);
    to.lengths.extend(from.lengths);
    to.embed.extend(from.embed);
    to.items.extend(from.items);
    to.truncated += from.truncated;
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

    /// Rows of one to three tokens that name their row.
    fn texts(rows: usize) -> TextBatch {
        let lengths: Vec<usize> = (0..rows).map(|row| row % 3 + 1).collect();
        let ids: Vec<u32> =
            (0..rows).flat_map(|row| vec![row as u32; lengths[row]]).collect::<Vec<_>>();
        let embed = vec![true; ids.len()];
        TextBatch { ids, lengths, embed, items: (0..rows).collect(), truncated: 0 }
    }

    #[test]
    fn micro_batches_of_pairs_keep_every_row_beside_its_answers() {
        let batch = Batch::Texts { first: texts(5), second: texts(10) };
        let parts: Vec<Batch> = batch.split(2).into_iter().flatten().collect();
        let sides = |part: &Batch| match part {
            Batch::Texts { first, second } => (first.items.clone(), second.items.clone()),
            _ => panic!(),
        };
        assert_eq!(sides(&parts[1]), (vec![2, 3], vec![2, 3, 7, 8]));
        assert_eq!(sides(&parts[2]), (vec![4], vec![4, 9]));
        let Batch::Texts { second, .. } = &parts[1] else { panic!() };
        assert_eq!(second.ids, [2, 2, 2, 3, 7, 7, 8, 8, 8]);
    }

    #[test]
    fn micro_batches_of_pictures_keep_every_picture_beside_its_text() {
        let batch = Batch::ImageText {
            patches: (0..5 * 4).map(|at| (at / 4) as f32).collect(),
            patch_numbers: 2,
            images: 5,
            text: texts(5),
            rows: Vec::new(),
            items: vec![10, 11, 12, 13, 14],
        };
        let parts: Vec<Batch> = batch.split(3).into_iter().flatten().collect();
        assert_eq!(parts.len(), 2);
        let Batch::ImageText { patches, images, text, items, .. } = &parts[1] else { panic!() };
        assert_eq!(patches, &[3.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 4.0]);
        assert_eq!(
            (*images, items.as_slice(), text.items.as_slice()),
            (2, &[13, 14][..], &[3, 4][..])
        );
    }
}
