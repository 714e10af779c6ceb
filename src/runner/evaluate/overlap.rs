//! BM25 over a probe: it has no rows, and scores are made where a search asks for them, so that memory does
//! not grow with queries times texts.

use super::probe::Probe;
use super::warm::per;
use crate::encode::{Bm25, EncoderCard};
use crate::eval::Scores;
use crate::eval::scores::round_score;
use std::ops::Range;
use std::time::Instant;

/// An index over the texts that answer, and the words of those that ask.
pub struct Words {
    index: Bm25,
    asked: Vec<Vec<u32>>,
    /// Its card.
    pub card: EncoderCard,
    /// Milliseconds to build the index.
    pub index_ms: f64,
    /// Milliseconds to look up a query's words.
    pub ms_per_query: f64,
}

/// Some of the queries against all texts.
pub(super) struct WordScores<'a> {
    words: &'a Words,
    places: &'a [usize],
}

impl Words {
    /// Indexes a probe.
    pub(super) fn of(probe: &Probe) -> Self {
        let gallery: Vec<&str> = probe.texts.iter().map(|entry| entry.content.as_str()).collect();
        let clock = Instant::now();
        let index = Bm25::new(&gallery);
        let index_ms = per(clock.elapsed(), 1);
        let clock = Instant::now();
        let asked: Vec<Vec<u32>> =
            probe.queries.iter().map(|entry| index.terms(&entry.content)).collect();
        let ms_per_query = per(clock.elapsed(), asked.len());
        let card = EncoderCard {
            encoder: "bm25".to_owned(),
            lora: Vec::new(),
            kind: "bm25".to_owned(),
            tower: "text".to_owned(),
            dim: 0,
            text: None,
            layer: None,
            picture: None,
            normalised: false,
            dtype: "f32".to_owned(),
            tokenizer: None,
            weights: None,
            stands_on: Vec::new(),
        };
        Self { index, asked, card, index_ms, ms_per_query }
    }

    /// What is searched when these queries ask.
    pub(super) fn asked<'a>(&'a self, places: &'a [usize]) -> WordScores<'a> {
        WordScores { words: self, places }
    }
}

impl Scores for WordScores<'_> {
    fn queries(&self) -> usize {
        self.places.len()
    }

    fn gallery(&self) -> usize {
        self.words.index.gallery()
    }

    fn block(&self, queries: Range<usize>, items: Range<usize>, out: &mut [f32]) {
        let Words { index, asked, .. } = self.words;
        let mut sums = vec![0.0; items.len()];
        let rows = out.chunks_exact_mut(items.len().max(1));
        for (&place, row) in self.places[queries].iter().zip(rows) {
            index.score(&asked[place], items.clone(), &mut sums);
            for (to, &sum) in row.iter_mut().zip(&sums) {
                *to = round_score(sum as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::corpus::{Caption, Corpus, Item};
    use crate::eval::histogram::histogram;
    use crate::eval::{Direction, Given, Task, rank, top_k};
    use crate::rng::Key;
    use crate::runner::evaluate::{Captions, ProbeRequest};

    /// More texts than a block of a gallery has, of few words, so that ties are everywhere.
    fn probe(captions: Captions) -> Probe {
        let mut stream = Key::new(7).stream();
        let mut text = || {
            let count = 1 + stream.below(9);
            let words: Vec<String> = (0..count).map(|_| format!("w{}", stream.below(40))).collect();
            Caption { text: words.join(" "), language: None }
        };
        let item = |n: usize, captions: Vec<Caption>| Item {
            id: format!("i{n}"),
            concept: format!("i{n}"),
            pictures: Vec::new(),
            captions,
            split: None,
            label: None,
            base: true,
            extra: serde_json::Map::new(),
        };
        let items = (0..700).map(|n| item(n, vec![text(), text(), text()])).collect();
        let request = ProbeRequest::new(Task::Caption, captions);
        Probe::new(&Corpus::new("words", items), &request).unwrap()
    }

    #[test]
    fn scored_in_blocks_everything_is_as_it_is_with_all_scores_at_once_bit_by_bit() {
        for captions in [Captions::FirstTwo, Captions::AllPairs] {
            let probe = probe(captions);
            let gallery: Vec<&str> =
                probe.texts.iter().map(|entry| entry.content.as_str()).collect();
            let index = Bm25::new(&gallery);
            let (places, judgements) = probe.judgements(Direction::TextToText);
            let all: Vec<f32> = places
                .iter()
                .flat_map(|&place| index.scores(&probe.queries[place].content))
                .collect();
            let given = Given::new(&all, places.len(), gallery.len()).unwrap();
            let words = Words::of(&probe);
            let scores = words.asked(&places);
            assert_eq!((scores.queries(), scores.gallery()), (given.queries(), given.gallery()));
            let bits = |scores: &dyn Fn(&mut [f32])| {
                let mut block = vec![0.0; 3 * 300];
                scores(&mut block);
                block.iter().map(|score: &f32| score.to_bits()).collect::<Vec<_>>()
            };
            assert_eq!(
                bits(&|out| scores.block(5..8, 200..500, out)),
                bits(&|out| given.block(5..8, 200..500, out))
            );
            let itself = judgements.itself.as_deref();
            assert_eq!(top_k(&scores, 10, itself).unwrap(), top_k(&given, 10, itself).unwrap());
            assert_eq!(rank(&scores, &judgements).unwrap(), rank(&given, &judgements).unwrap());
            assert_eq!(
                histogram(&scores, &judgements).unwrap(),
                histogram(&given, &judgements).unwrap()
            );
        }
    }
}
