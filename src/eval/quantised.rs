//! What storing rows in fewer bits costs a search.

use super::{Error, Metrics, Products, compare::overlap_at, top_k};
use serde::{Deserialize, Serialize};

/// The same queries, exact, against a gallery stored in fewer bits. It is searched as f32 after
/// reading, so a query takes about as long as before: what is saved is bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantisedRow {
    /// `f16` or `int8` (one scale a row).
    pub dtype: String,
    /// Size of what is stored, per item.
    pub bytes_per_item: f64,
    /// Time to store all rows so and read them again.
    pub index_ms: f64,
    /// Time to encode a query and find its first ten in the table that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms_per_query: Option<f64>,
    /// Of that, the search alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_ms_per_query: Option<f64>,
    /// Point values, on high ranks.
    pub metrics: Metrics,
    /// recall@1 of the exact rows less this one's.
    #[serde(rename = "lost_recall@1")]
    pub lost_recall_1: f64,
    /// Mean share of a query's exact first ten that are among its first ten.
    #[serde(rename = "kept@10")]
    pub kept_10: f64,
}

/// Most rows that ask; spread evenly over all rows, so that the measure needs no seed.
const ASKING: usize = 1_000;

/// The mean share of a row's exact `k` nearest neighbours (itself left out) that are still among
/// its `k` nearest after storing: recall@k of the stored rows against the exact ones. Both sides
/// `[rows, dim]`, unit rows; at most 1,000 rows ask, stored rows on both sides of the search.
pub fn neighbours_kept(exact: &[f32], stored: &[f32], dim: usize, k: usize) -> Result<f64, Error> {
    let rows = exact.len() / dim.max(1);
    let k = k.min(rows.saturating_sub(1));
    if k == 0 {
        return Ok(1.0);
    }
    let asking = rows.min(ASKING);
    let places: Vec<u32> = (0..asking).map(|i| (i * rows / asking) as u32).collect();
    let lists = |values: &[f32]| {
        let row = |&place: &u32| &values[place as usize * dim..][..dim];
        let queries: Vec<f32> =
            places.iter().flat_map(|place| row(place).iter().copied()).collect();
        top_k(&Products::new(&queries, values, dim)?, k, Some(&places))
    };
    let (exact, stored) = (lists(exact)?, lists(stored)?);
    let kept: f64 = exact.iter().zip(&stored).map(|(a, b)| overlap_at(a, b, k)).sum();
    Ok(kept / asking as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;

    fn rows(count: usize, dim: usize) -> Vec<f32> {
        let mut stream = Key::new(5).stream();
        let mut values = Vec::new();
        for _ in 0..count {
            let row: Vec<f32> = (0..dim).map(|_| stream.normal()).collect();
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            values.extend(row.iter().map(|x| x / length));
        }
        values
    }

    #[test]
    fn exact_rows_keep_every_neighbour_and_others_next_to_none() {
        let (a, dim) = (rows(400, 24), 24);
        assert_eq!(neighbours_kept(&a, &a, dim, 10).unwrap(), 1.0);
        let turned: Vec<f32> = a.chunks(dim).rev().flatten().copied().collect();
        assert!(neighbours_kept(&a, &turned, dim, 10).unwrap() < 0.2);
        assert_eq!(neighbours_kept(&a[..dim], &a[..dim], dim, 10).unwrap(), 1.0, "one row alone");
    }
}
