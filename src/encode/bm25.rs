//! BM25, the honest floor: what word overlap alone finds (Robertson and Zaragoza 2009).

use crate::data::words::words;
use std::collections::BTreeMap;
use std::ops::Range;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// An index over a gallery of texts: words are lower-cased `\w+`, idf is
/// ln(1 + (N - n + 0.5) / (n + 0.5)).
#[derive(Clone, Debug)]
pub struct Bm25 {
    /// The place of every word's list.
    words: BTreeMap<String, u32>,
    /// The texts that have a word, in gallery order, and what it adds to the score of each.
    lists: Vec<Vec<(usize, f64)>>,
    gallery: usize,
}

impl Bm25 {
    /// Indexes a gallery.
    pub fn new(gallery: &[&str]) -> Self {
        let documents: Vec<BTreeMap<String, f64>> = gallery
            .iter()
            .map(|text| {
                let mut counts = BTreeMap::new();
                for word in words(text) {
                    *counts.entry(word).or_insert(0.0) += 1.0;
                }
                counts
            })
            .collect();
        let lengths: Vec<f64> = documents.iter().map(|counts| counts.values().sum()).collect();
        let mean = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        let mut postings: BTreeMap<String, Vec<(usize, f64)>> = BTreeMap::new();
        for (at, counts) in documents.iter().enumerate() {
            for (word, &count) in counts {
                let length = 1.0 - B + B * lengths[at] / mean;
                let weight = count * (K1 + 1.0) / (count + K1 * length);
                postings.entry(word.clone()).or_default().push((at, weight));
            }
        }
        let total = gallery.len() as f64;
        for list in postings.values_mut() {
            let n = list.len() as f64;
            let idf = (1.0 + (total - n + 0.5) / (n + 0.5)).ln();
            for (_, weight) in list {
                *weight *= idf;
            }
        }
        let numbered = postings.into_iter().zip(0u32..);
        let (words, lists) = numbered.map(|((word, list), at)| ((word, at), list)).unzip();
        Self { words, lists, gallery: gallery.len() }
    }

    /// The number of texts.
    pub fn gallery(&self) -> usize {
        self.gallery
    }

    /// The words of a query that the gallery has, by their numbers, repeats included.
    pub fn terms(&self, query: &str) -> Vec<u32> {
        words(query).iter().filter_map(|word| self.words.get(word).copied()).collect()
    }

    /// The scores of some gallery texts for a query's [`Bm25::terms`], before they are rounded to 32 bits;
    /// `sums` has one a text.
    pub fn score(&self, terms: &[u32], texts: Range<usize>, sums: &mut [f64]) {
        sums.fill(0.0);
        for list in terms.iter().filter_map(|&term| self.lists.get(term as usize)) {
            let from = list.partition_point(|&(at, _)| at < texts.start);
            for &(at, weight) in list[from..].iter().take_while(|&&(at, _)| at < texts.end) {
                sums[at - texts.start] += weight;
            }
        }
    }

    /// The score of every gallery text, `[gallery]`. A word asked twice counts twice.
    pub fn scores(&self, query: &str) -> Vec<f32> {
        let mut scores = vec![0.0f64; self.gallery];
        self.score(&self.terms(query), 0..self.gallery, &mut scores);
        scores.into_iter().map(|score| score as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_equal_the_formula_written_out() {
        let gallery = ["the cat sat", "the dog", "a cat and a cat"];
        let index = Bm25::new(&gallery);
        let scores = index.scores("Cat!");
        let (total, n) = (3.0f64, 2.0f64);
        let idf = (1.0 + (total - n + 0.5) / (n + 0.5)).ln();
        let mean = 10.0 / 3.0;
        let score = |count: f64, length: f64| {
            idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / mean))
        };
        for (found, expected) in scores.iter().zip([score(1.0, 3.0), 0.0, score(2.0, 5.0)]) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn words_of_other_scripts_are_found() {
        assert_eq!(
            Bm25::new(&["얼굴", "face"]).scores("얼굴").iter().filter(|s| **s > 0.0).count(),
            1
        );
    }
}
