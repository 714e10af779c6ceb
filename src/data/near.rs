//! Which items speak of like things, by the words their captions share: the hard rivals of one
//! another in a contrastive batch.

use super::words::words;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// A word that more than one in so many items has tells nothing apart, and would make the search
/// quadratic.
const COMMON: usize = 8;

/// For each of `texts` (all captions of an item, say) the `count` others nearest to it, nearest
/// first: cosine of the sets of words, each weighted by ln(N / n) for n of N texts that have it.
/// Fewer where fewer share a word. Equal scores come in order of number.
pub fn nearest(texts: &[String], count: usize) -> Vec<Vec<u32>> {
    let sets: Vec<BTreeSet<String>> =
        texts.iter().map(|text| words(text).into_iter().collect()).collect();
    let mut having: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (at, set) in sets.iter().enumerate() {
        for word in set {
            having.entry(word).or_default().push(at as u32);
        }
    }
    let total = texts.len();
    having.retain(|_, list| list.len() * COMMON <= total.max(2 * COMMON));
    let weight = |n: usize| (total as f64 / n as f64).ln().powi(2);
    let mut lengths = vec![0.0f64; total];
    for list in having.values() {
        for &at in list {
            lengths[at as usize] += weight(list.len());
        }
    }
    let of = |at: usize| {
        let mut scores: BTreeMap<u32, f64> = BTreeMap::new();
        for list in sets[at].iter().filter_map(|word| having.get(word.as_str())) {
            for &other in list {
                *scores.entry(other).or_default() += weight(list.len());
            }
        }
        let mut ranked: Vec<(f64, u32)> = scores
            .into_iter()
            .filter(|&(other, score)| other as usize != at && score > 0.0)
            .map(|(other, score)| (score / lengths[other as usize].sqrt(), other))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.truncate(count);
        ranked.into_iter().map(|(_, other)| other).collect()
    };
    (0..total).into_par_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn the_nearest_share_the_rarest_words() {
        let texts = owned(&[
            "a cat on a mat",
            "a dog in a car",
            "one cat asleep on a sofa",
            "the car of a dog",
            "rain",
        ]);
        let near = nearest(&texts, 2);
        assert_eq!(near[1][0], 3);
        assert_eq!(near[3][0], 1);
        assert_eq!(near[0][0], 2);
        assert!(near[4].is_empty(), "nothing shares a word with it");
    }

    #[test]
    fn what_almost_everyone_says_makes_nobody_near() {
        let texts: Vec<String> = (0..40).map(|k| format!("a picture of thing{k}")).collect();
        assert!(nearest(&texts, 3).iter().all(Vec::is_empty));
    }
}
