//! BM25, the honest floor: what word overlap alone finds (Robertson and Zaragoza 2009).

use crate::data::words::words;
use std::collections::BTreeMap;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// An index over a gallery of texts: words are lower-cased `\w+`, idf is
/// ln(1 + (N - n + 0.5) / (n + 0.5)).
#[derive(Clone, Debug)]
pub struct Bm25 {
    postings: BTreeMap<String, Vec<(usize, f64)>>,
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
        Self { postings, gallery: gallery.len() }
    }

    /// The score of every gallery text, `[gallery]`. A word asked twice counts twice.
    pub fn scores(&self, query: &str) -> Vec<f32> {
        let mut scores = vec![0.0f64; self.gallery];
        for word in words(query) {
            for &(at, weight) in self.postings.get(&word).into_iter().flatten() {
                scores[at] += weight;
            }
        }
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
