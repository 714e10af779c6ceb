//! The document of a zero-shot classification, and softmax over scaled cosines.
//!
//! Classes stand once, in order; pictures name them by their places.

use super::difference::{Classified, Difference};
use super::{Error, Scores};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The format of a classification.
pub const CLASSIFY_FORMAT: &str = "llm2clip.classify/1";

/// Pictures sorted into candidate classes by every encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifyDocument {
    /// [`CLASSIFY_FORMAT`].
    pub format: String,
    /// Which pictures.
    pub protocol: ClassifyProtocol,
    /// The classes' names, in order.
    pub candidates: Vec<String>,
    /// What goes into the templates for each class.
    pub texts: Vec<String>,
    /// The templates whose rows are averaged, then normalised.
    pub templates: Vec<String>,
    /// One an encoder.
    pub rows: Vec<ClassifyRow>,
    /// Each row against the first and against the row before it; empty without labels.
    pub differences: Vec<Difference<Classified>>,
    /// What Holm's correction runs over, in words.
    pub family: String,
    /// How many pictures say what they show, and which do not.
    pub labelled: Labelled,
    /// One a picture, in order.
    pub pictures: Vec<ClassifiedPicture>,
    /// Labels whose pictures and classes have the same rows, bit by bit: one encoder under several
    /// names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_rows: Vec<Vec<String>>,
    /// Resamples of the intervals.
    pub resamples: usize,
    /// The seed of resamples and sign flips.
    pub seed: u64,
    /// The program's version: recorded, never compared.
    pub program: String,
}

/// What two classifications must share to be set side by side, beside classes and templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassifyProtocol {
    /// The data set's name, the folder's or the picture's.
    pub dataset: String,
    /// The split's name; null where there are no splits.
    pub split: Option<String>,
    /// Digest of the split's items; null for a single picture.
    pub split_digest: Option<String>,
    /// The first so many items; null for all.
    pub pool: Option<usize>,
    /// How equal scores count.
    pub tie_rule: String,
    /// The rules' version.
    pub rules: u32,
}

/// One encoder's choices, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifyRow {
    /// Its label.
    pub role: String,
    /// The card of its image tower, as it came.
    pub encoder: Value,
    /// The card of its text side.
    pub text_encoder: Value,
    /// What cosines are multiplied by before the softmax.
    pub scale: f64,
    /// `model` where its weights hold the scale, `default` where they hold none.
    pub scale_from: String,
    /// Shares of labelled pictures; null without labels.
    pub metrics: Option<TopShares<f64>>,
    /// Their 95 % intervals.
    pub ci95: Option<TopShares<[f64; 2]>>,
    /// Share of labelled pictures whose rank hangs on the order of equal scores.
    pub tied_share: f64,
    /// Time to encode a picture.
    pub ms_per_item: f64,
    /// Time to encode a class's texts.
    pub ms_per_candidate: f64,
    /// Texts cut at the encoder's limit.
    pub truncated: usize,
}

/// A value for the first place, and one for the first five.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopShares<T> {
    /// The true class scores highest.
    #[serde(rename = "top-1")]
    pub top_1: T,
    /// The true class is among the best five.
    #[serde(rename = "top-5")]
    pub top_5: T,
}

/// Labels beside the candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// Pictures whose label is a candidate: what is counted.
    pub pictures: usize,
    /// Units they belong to: what intervals and tests resample.
    pub units: usize,
    /// Pictures without a label.
    pub without: usize,
    /// Pictures whose label is no candidate.
    pub unknown: usize,
    /// The first such labels.
    pub unknown_labels: Vec<UnknownLabel>,
}

/// A label that is no candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownLabel {
    /// The label.
    pub label: String,
    /// Pictures that bear it.
    pub pictures: usize,
}

/// One picture under every encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifiedPicture {
    /// Its id.
    pub item: String,
    /// What it shows; null where nothing says so.
    pub label: Option<String>,
    /// The best classes under each encoder, in the rows' order.
    pub classes: Vec<Vec<ClassHit>>,
}

/// A class of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassHit {
    /// Its place among the candidates.
    pub candidate: usize,
    /// Softmax of the scaled cosines over all candidates.
    pub probability: f64,
    /// The cosine.
    pub cosine: f32,
}

/// The best `top` classes of every picture: softmax of `scale` times the score over all classes,
/// equal ones by their order. `scores`: pictures ask, classes are the gallery.
///
/// # Errors
/// A scale that is not a finite number.
pub fn choices(scores: &impl Scores, scale: f64, top: usize) -> Result<Vec<Vec<ClassHit>>, Error> {
    if !scale.is_finite() {
        let fault = super::RowFault::NotFinite { at: 0 };
        return Err(Error::Row { what: "logit scale", row: 0, fault });
    }
    let classes = scores.gallery();
    let mut row = vec![0.0; classes];
    Ok((0..scores.queries())
        .map(|picture| {
            scores.block(picture..picture + 1, 0..classes, &mut row);
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            // Less the largest, so that no exponential overflows.
            let weight = |cosine: f32| (scale * (f64::from(cosine) - f64::from(most))).exp();
            let whole: f64 = row.iter().map(|&cosine| weight(cosine)).sum();
            let mut order: Vec<usize> = (0..classes).collect();
            order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
            order.truncate(top);
            let hit = |candidate: usize| ClassHit {
                candidate,
                probability: weight(row[candidate]) / whole,
                cosine: row[candidate],
            };
            order.into_iter().map(hit).collect()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Given;

    #[test]
    fn probabilities_are_the_softmax_worked_by_hand_and_add_up_to_one() {
        // exp(2 * 0.5), exp(2 * 0), exp(2 * 0.5): e, 1, e.
        let given = Given::new(&[0.5, 0.0, 0.5], 1, 3).unwrap();
        let all = &choices(&given, 2.0, 9).unwrap()[0];
        assert_eq!(all.iter().map(|hit| hit.candidate).collect::<Vec<_>>(), [0, 2, 1]);
        let e = std::f64::consts::E;
        assert!((all[0].probability - e / (2.0 * e + 1.0)).abs() < 1e-12);
        assert!((all.iter().map(|hit| hit.probability).sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(choices(&given, 2.0, 1).unwrap()[0].len(), 1);
        let sharp = &choices(&Given::new(&[1.0, -1.0], 1, 2).unwrap(), 1e6, 2).unwrap()[0];
        assert_eq!((sharp[0].probability, sharp[1].probability), (1.0, 0.0));
        assert!(choices(&given, f64::NAN, 1).is_err());
    }
}
