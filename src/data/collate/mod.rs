//! Batches for each objective: a file a family. Plain vectors, no tensors.
//!
//! Every draw is keyed by (stage, step, item, view), so that a batch cut into micro-batches, made
//! again for a second forward or made in a resumed run holds the same numbers. Each function takes
//! the step's key and a list of rows; the key is derived per item inside.

pub mod caption_pairs;
pub mod causal_lm;
pub mod image_text;
pub mod mntp;
pub mod simcse;

use super::corpus::Item;
use super::error::{DataError, Result};
use super::text::TextBatch;
use serde::{Deserialize, Serialize};

/// A batch on which a language model's head is asked for tokens, at some positions only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenBatch {
    /// What the model reads. `items` are the rows asked for.
    pub text: TextBatch,
    /// `[predictions]`, the packed positions whose hidden states predict, ascending.
    pub rows: Vec<usize>,
    /// `[predictions]`, the token each predicts. May be empty in a batch of very short rows: the
    /// mean of no losses is not a number, and is the caller's to avoid.
    pub targets: Vec<u32>,
}

/// Which of an item's captions an objective draws from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionFilter {
    /// Only captions in these languages; all where none are named.
    #[serde(default)]
    pub languages: Option<Vec<String>>,
    /// Only the first so many captions of an item (before the languages are looked at).
    #[serde(default)]
    pub first: Option<usize>,
}

impl CaptionFilter {
    /// The numbers of the captions that may be drawn, in order. A text that stands twice in an
    /// item counts once, empty ones not at all.
    pub fn of(&self, item: &Item) -> Vec<usize> {
        let mut chosen: Vec<usize> = Vec::new();
        let first = self.first.unwrap_or(usize::MAX);
        for (k, caption) in item.captions.iter().enumerate().take(first) {
            let spoken = self.languages.as_ref().is_none_or(|languages| {
                caption.language.as_ref().is_some_and(|language| languages.contains(language))
            });
            let fresh = chosen.iter().all(|&other| item.captions[other].text != caption.text);
            if spoken && fresh && !caption.text.trim().is_empty() {
                chosen.push(k);
            }
        }
        chosen
    }

    /// The places of the items that have at least `captions` captions to draw from and, if
    /// `picture`, a picture: what an objective trains on.
    pub fn eligible(&self, items: &[Item], captions: usize, picture: bool) -> Vec<usize> {
        (0..items.len())
            .filter(|&at| {
                self.of(&items[at]).len() >= captions
                    && (!picture || !items[at].pictures.is_empty())
            })
            .collect()
    }

    /// As [`CaptionFilter::of`], and an error where there are fewer than `least`.
    fn at_least(&self, item: &Item, least: usize, expected: &'static str) -> Result<Vec<usize>> {
        let found = self.of(item);
        if found.len() < least {
            return Err(DataError::ItemLacks { id: item.id.clone(), expected, found: found.len() });
        }
        Ok(found)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::corpus::{Caption, Corpus, Picture};
    use super::*;

    /// Items of two concepts each pair, English and Korean captions, one stands twice.
    pub(crate) fn corpus(count: usize) -> Corpus {
        let items = (0..count)
            .map(|at| Item {
                id: format!("i{at}"),
                concept: format!("c{}", at / 2),
                pictures: vec![
                    Picture::Builtin { vendor: 0, index: at as u32 },
                    Picture::Builtin { vendor: 1, index: at as u32 },
                ],
                captions: [("name", "en"), ("tags", "en"), ("이름", "ko"), ("name", "en")]
                    .into_iter()
                    .map(|(text, language)| Caption {
                        text: format!("{text} {at}"),
                        language: Some(language.to_owned()),
                    })
                    .collect(),
                split: None,
                label: None,
                base: at % 2 == 0,
                extra: serde_json::Map::new(),
            })
            .collect();
        Corpus::new("test", items)
    }

    #[test]
    fn a_filter_keeps_languages_and_first_captions_and_each_text_once() {
        let corpus = corpus(2);
        let of = |languages: Option<&[&str]>, first| {
            let languages = languages.map(|l| l.iter().map(|&l| l.to_owned()).collect());
            CaptionFilter { languages, first }.of(&corpus.items[0])
        };
        assert_eq!(of(None, None), [0, 1, 2]);
        assert_eq!(of(Some(&["ko"]), None), [2]);
        assert_eq!(of(Some(&["ko"]), Some(2)), [0usize; 0]);
        assert_eq!(of(None, Some(2)), [0, 1]);
        assert_eq!(CaptionFilter::default().eligible(&corpus.items, 3, true), [0, 1]);
        assert!(CaptionFilter::default().eligible(&corpus.items, 4, false).is_empty());
    }
}
