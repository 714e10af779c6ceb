//! How a contrastive batch lies on the unit sphere: the health of a run, step by step.

use super::geometry::{alignment, effective_rank, uniformity};
use super::{Error, Products, Scores};

/// Measures of one batch whose row i on one side belongs to row i on the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContrastMeasures {
    /// Mean cosine of the positive pairs.
    pub positive: f64,
    /// Mean over rows of the first side of the largest cosine with a wrong row of the second.
    pub hardest_negative: f64,
    /// Mean squared distance of the positive pairs.
    pub alignment: f64,
    /// Mean of both sides' uniformity.
    pub uniformity: f64,
    /// Mean of both sides' effective rank.
    pub effective_rank: f64,
}

/// Measures a batch: `first` and `second` are unit rows `[batch, dim]`, at least two of each.
pub fn contrast(first: &[f32], second: &[f32], dim: usize) -> Result<ContrastMeasures, Error> {
    let products = Products::new(first, second, dim)?;
    let n = products.queries();
    if n < 2 || products.gallery() != n {
        return Err(Error::TooFew { what: "pairs", least: 2, found: n.min(products.gallery()) });
    }
    let mut scores = vec![0.0; n * n];
    products.block(0..n, 0..n, &mut scores);
    let mut positive = 0.0;
    let mut hardest_negative = 0.0;
    for (row, scores) in scores.chunks_exact(n).enumerate() {
        positive += f64::from(scores[row]);
        let wrong = scores.iter().enumerate().filter(|(column, _)| *column != row);
        hardest_negative += f64::from(wrong.map(|(_, s)| *s).fold(f32::NEG_INFINITY, f32::max));
    }
    Ok(ContrastMeasures {
        positive: positive / n as f64,
        hardest_negative: hardest_negative / n as f64,
        alignment: alignment(first, second, dim)?,
        uniformity: f64::midpoint(uniformity(first, dim)?, uniformity(second, dim)?),
        effective_rank: f64::midpoint(effective_rank(first, dim)?, effective_rank(second, dim)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_known_angles_has_known_measures() {
        let first = [1.0, 0.0, 0.0, 1.0];
        let second = [0.6, 0.8, 0.0, 1.0];
        let found = contrast(&first, &second, 2).unwrap();
        assert!((found.positive - 0.8).abs() < 1e-6);
        assert!((found.hardest_negative - 0.4).abs() < 1e-6);
        assert!((found.alignment - 0.4).abs() < 1e-6);
        assert!(contrast(&first[..2], &second[..2], 2).is_err());
    }
}
