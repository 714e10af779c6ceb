//! Pictures with captions: CLIP's objectives read both, LLM2CLIP's reads the picture and looks
//! the caption up in an embedding table.

use super::super::corpus::Item;
use super::super::error::{DataError, Result};
use super::super::pictures::{PatchBatch, PatchSpec, Pictures, Place};
use super::super::text::{TextBatch, TextSpec};
use super::super::tokenizer::Tokenizer;
use super::CaptionFilter;
use crate::rng::Key;

/// One row: an item, which of its pictures and which of its captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The row's item.
    pub item: usize,
    /// Counted within the item.
    pub picture: usize,
    /// Counted within the item.
    pub caption: usize,
}

/// Draws a picture and a caption for each of these rows of `items`, keyed by item below `key`
/// (one a step). Equal keys give equal draws, so two recipes that are to see the same pictures
/// with the same captions are given keys of the same name.
///
/// # Errors
/// An item without a picture, or without a caption that the filter lets through.
pub fn draw(
    items: &[Item],
    rows: &[usize],
    captions: &CaptionFilter,
    key: Key,
) -> Result<Vec<Choice>> {
    rows.iter()
        .map(|&item| {
            let own = &items[item];
            if own.pictures.is_empty() {
                return Err(DataError::ItemLacks {
                    id: own.id.clone(),
                    expected: "a picture",
                    found: 0,
                });
            }
            let texts = captions.at_least(own, 1, "a caption of those to draw from")?;
            let stream = |name| key.named(name).child(item as u64).stream();
            Ok(Choice {
                item,
                picture: stream("picture").below(own.pictures.len()),
                caption: texts[stream("caption").below(texts.len())],
            })
        })
        .collect()
}

/// The pictures that were drawn as patches, each row's random crop keyed by its item.
pub fn patches(
    pictures: &Pictures,
    choices: &[Choice],
    spec: PatchSpec,
    key: Key,
) -> Result<PatchBatch> {
    let places: Vec<Place> = choices.iter().map(|row| (row.item, row.picture)).collect();
    let crop = key.named("crop");
    let keys: Vec<Key> = choices.iter().map(|row| crop.child(row.item as u64)).collect();
    pictures.batch(&places, &keys, spec)
}

/// The captions that were drawn as tokens; `items` of the batch are the rows' items.
pub fn tokens(
    tokenizer: &Tokenizer,
    items: &[Item],
    choices: &[Choice],
    spec: &TextSpec,
) -> Result<TextBatch> {
    let texts: Vec<&str> =
        choices.iter().map(|row| items[row.item].captions[row.caption].text.as_str()).collect();
    let rows: Vec<usize> = choices.iter().map(|row| row.item).collect();
    TextBatch::new(tokenizer, &texts, &rows, spec)
}

#[cfg(test)]
mod tests {
    use super::super::super::picture::Exif;
    use super::super::super::pictures::{KEEP_BYTES, tests::files};
    use super::super::super::processor::{Processor, RandomCrop};
    use super::super::super::text::tests::bytes_only;
    use super::super::tests::corpus;
    use super::*;

    #[test]
    fn every_picture_and_caption_is_drawn_and_equal_keys_agree() {
        let corpus = corpus(6);
        let rows: Vec<usize> = (0..6).collect();
        let filter = CaptionFilter::default();
        let mut seen = std::collections::BTreeSet::new();
        for step in 0..60 {
            let key = Key::new(4).child(step);
            let choices = draw(&corpus.items, &rows, &filter, key).unwrap();
            assert_eq!(choices[2..4], draw(&corpus.items, &[2, 3], &filter, key).unwrap());
            seen.extend(choices.iter().map(|row| (row.item, row.picture, row.caption)));
        }
        assert_eq!(seen.len(), 6 * 2 * 3);
    }

    #[test]
    fn tokens_are_those_of_the_drawn_captions() {
        let (corpus, tokenizer) = (corpus(6), bytes_only());
        let choices = draw(&corpus.items, &[5, 1], &CaptionFilter::default(), Key::new(1)).unwrap();
        let text = tokens(&tokenizer, &corpus.items, &choices, &TextSpec::clip(77)).unwrap();
        let mut start = 0;
        for (choice, &length) in choices.iter().zip(&text.lengths) {
            let caption = &corpus.items[choice.item].captions[choice.caption].text;
            let ids = &text.ids[start + 1..start + length - 1];
            assert_eq!(&tokenizer.decode(ids).unwrap(), caption);
            start += length;
        }
        assert_eq!(text.items, [5, 1]);
    }

    #[test]
    fn patches_are_those_of_the_drawn_pictures_in_any_cut() {
        let (_folder, corpus) = files();
        let pictures = Pictures::of(&corpus.items, Exif::Ignored, KEEP_BYTES);
        let processor = Processor::clip(8);
        let spec =
            PatchSpec { processor: &processor, patch: 8, random: Some(RandomCrop::default()) };
        let key = Key::new(9).child(3);
        let choices = draw(&corpus.items, &[1, 0], &CaptionFilter::default(), key).unwrap();
        let make = |choices: &[Choice]| patches(&pictures, choices, spec, key).unwrap().patches;
        assert_eq!(make(&choices), [make(&choices[..1]), make(&choices[1..])].concat());
        let mut bare = corpus.items.clone();
        bare[0].pictures.clear();
        assert!(draw(&bare, &[0], &CaptionFilter::default(), key).is_err());
    }
}
