//! Scores between queries and gallery, in blocks, rounded so that ties do not hang on a kernel.

use super::error::{Error, RowFault};
use super::product::rows_by_rows;
use std::ops::Range;

/// Most rows of a block of queries: with [`GALLERY_BLOCK`], a block of scores fits the second-level
/// cache, and packing a block of the gallery pays for many queries.
const QUERY_BLOCK: usize = 896;
/// Fewest rows of a block of queries, unless there are no more: packing the gallery for a few would
/// take longer than the products.
const FEW_QUERIES: usize = 64;
/// Rows of a block of the gallery.
pub const GALLERY_BLOCK: usize = 256;

/// Rows of a block of queries of which there are `queries`: blocks of one size, as many for each
/// thread, so that no thread waits long for another. What is computed does not depend on it.
#[must_use]
pub fn query_block(queries: usize) -> usize {
    let blocks = queries.div_ceil(QUERY_BLOCK).next_multiple_of(rayon::current_num_threads());
    queries.div_ceil(blocks.max(1)).clamp(FEW_QUERIES, QUERY_BLOCK)
}

/// How far a row's length may be from 1: an f16 table's rows, normalised after reading, lie well
/// within it.
const LENGTH_SLACK: f32 = 1e-3;

/// Rounds to the nearest multiple of 2^-20 (half to even).
///
/// Floats between 8 and 16 lie 2^-20 apart, so adding and taking away 12 rounds; it vectorises
/// on every processor, which `round` does not. From 8 upwards a float is such a multiple already.
#[inline]
#[must_use]
pub fn round_score(score: f32) -> f32 {
    if score.abs() < 4.0 {
        (score + 12.0) - 12.0
    } else {
        const STEPS: f64 = 1_048_576.0;
        ((f64::from(score) * STEPS).round_ties_even() / STEPS) as f32
    }
}

/// Checks embeddings `[rows, dim]`: every row finite, not zero, of length 1 within 1e-3. Returns
/// the number of rows; `what` names them in the error.
pub fn check_rows(what: &'static str, rows: &[f32], dim: usize) -> Result<usize, Error> {
    if dim == 0 || !rows.len().is_multiple_of(dim) {
        let expected = rows.len().checked_div(dim).map_or(1, |n| n * dim);
        return Err(Error::Shape { what, expected, found: rows.len() });
    }
    for (row, numbers) in rows.chunks_exact(dim).enumerate() {
        let squares: f32 = numbers.iter().map(|v| v * v).sum();
        let fault = if !squares.is_finite() && numbers.iter().any(|v| !v.is_finite()) {
            let at = numbers.iter().position(|v| !v.is_finite()).unwrap_or(0);
            RowFault::NotFinite { at }
        } else if numbers.iter().all(|&v| v == 0.0) {
            RowFault::Zero
        } else if (squares.sqrt() - 1.0).abs() > LENGTH_SLACK || !squares.is_finite() {
            RowFault::Length(squares.sqrt())
        } else {
            continue;
        };
        return Err(Error::Row { what, row, fault });
    }
    Ok(rows.len() / dim)
}

/// Anything that scores queries against a gallery, block by block.
pub trait Scores: Sync {
    /// The number of queries.
    fn queries(&self) -> usize;
    /// The number of gallery items.
    fn gallery(&self) -> usize;
    /// Fills `out` `[queries.len(), items.len()]` with rounded scores.
    fn block(&self, queries: Range<usize>, items: Range<usize>, out: &mut [f32]);
}

/// Inner products of unit rows: queries `[n, dim]`, gallery `[m, dim]`.
#[derive(Clone, Copy, Debug)]
pub struct Products<'a> {
    queries: &'a [f32],
    gallery: &'a [f32],
    dim: usize,
}

impl<'a> Products<'a> {
    /// Takes both sides after checking every row (see [`check_rows`]).
    pub fn new(queries: &'a [f32], gallery: &'a [f32], dim: usize) -> Result<Self, Error> {
        check_rows("queries", queries, dim)?;
        check_rows("gallery", gallery, dim)?;
        Ok(Self { queries, gallery, dim })
    }

    /// Takes both sides after checking the queries' rows. The gallery's passed [`check_rows`]
    /// before: where one query after another is asked, looking at all of them each time would take
    /// longer than the search.
    pub fn beside(queries: &'a [f32], gallery: &'a [f32], dim: usize) -> Result<Self, Error> {
        check_rows("queries", queries, dim)?;
        if !gallery.len().is_multiple_of(dim) {
            let expected = gallery.len() / dim * dim;
            return Err(Error::Shape { what: "gallery", expected, found: gallery.len() });
        }
        Ok(Self { queries, gallery, dim })
    }
}

impl Scores for Products<'_> {
    fn queries(&self) -> usize {
        self.queries.len() / self.dim
    }

    fn gallery(&self) -> usize {
        self.gallery.len() / self.dim
    }

    fn block(&self, queries: Range<usize>, items: Range<usize>, out: &mut [f32]) {
        let left = &self.queries[queries.start * self.dim..queries.end * self.dim];
        let right = &self.gallery[items.start * self.dim..items.end * self.dim];
        rows_by_rows(out, left, right, self.dim);
        for score in out {
            // Products of unit rows stay below 4, so the branch of `round_score` is not needed.
            *score = (*score + 12.0) - 12.0;
        }
    }
}

/// Scores that are there already `[n, m]`.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    scores: &'a [f32],
    gallery: usize,
}

impl<'a> Given<'a> {
    /// Takes a full matrix after checking that it is finite. A row of zeros is allowed: a query that
    /// shares no word with the gallery has one, and the tie rule ranks it last.
    pub fn new(scores: &'a [f32], queries: usize, gallery: usize) -> Result<Self, Error> {
        if scores.len() != queries * gallery {
            let expected = queries * gallery;
            return Err(Error::Shape { what: "scores", expected, found: scores.len() });
        }
        if let Some(place) = scores.iter().position(|v| !v.is_finite()) {
            let fault = RowFault::NotFinite { at: place % gallery };
            return Err(Error::Row { what: "scores", row: place / gallery, fault });
        }
        Ok(Self { scores, gallery })
    }
}

impl Scores for Given<'_> {
    fn queries(&self) -> usize {
        self.scores.len().checked_div(self.gallery).unwrap_or(0)
    }

    fn gallery(&self) -> usize {
        self.gallery
    }

    fn block(&self, queries: Range<usize>, items: Range<usize>, out: &mut [f32]) {
        let width = items.len();
        for (query, row) in queries.zip(out.chunks_exact_mut(width.max(1))) {
            let from = query * self.gallery + items.start;
            for (to, &score) in row.iter_mut().zip(&self.scores[from..from + width]) {
                *to = round_score(score);
            }
        }
    }
}

/// The blocks of a gallery of `items`, in order.
pub(super) fn gallery_blocks(items: usize) -> impl Iterator<Item = Range<usize>> {
    (0..items).step_by(GALLERY_BLOCK).map(move |from| from..(from + GALLERY_BLOCK).min(items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounding_gives_the_nearest_multiple(score in -20.0f32..20.0) {
            let step = 2f64.powi(-20);
            let want = (f64::from(score) / step).round_ties_even() * step;
            prop_assert_eq!(f64::from(round_score(score)), want);
        }
    }

    #[test]
    fn a_row_that_ranks_nothing_is_named() {
        let fault = |rows: &[f32]| match check_rows("queries", rows, 2) {
            Err(Error::Row { what: "queries", row, fault }) => Some((row, fault)),
            _ => None,
        };
        assert_eq!(fault(&[1.0, 0.0, f32::NAN, 0.0]), Some((1, RowFault::NotFinite { at: 0 })));
        assert_eq!(fault(&[1.0, f32::INFINITY]), Some((0, RowFault::NotFinite { at: 1 })));
        assert_eq!(fault(&[1.0, 0.0, 0.0, 1.0, 0.0, -0.0]), Some((2, RowFault::Zero)));
        assert_eq!(fault(&[3.0, 4.0]), Some((0, RowFault::Length(5.0))));
        assert_eq!(check_rows("queries", &[0.6, 0.8, 1.0, 0.0], 2), Ok(2));
        assert!(matches!(check_rows("queries", &[1.0; 3], 2), Err(Error::Shape { .. })));
        assert!(matches!(check_rows("queries", &[], 0), Err(Error::Shape { .. })));
    }

    #[test]
    fn the_error_says_what_to_do() {
        let error = check_rows("gallery", &[0.0, 0.0], 2).unwrap_err().to_string();
        assert_eq!(
            error,
            "gallery: row 0 is all zeros; expected finite numbers of length 1; \
             look at what the encoder made of that item"
        );
    }

    #[test]
    fn a_given_matrix_is_read_block_by_block() {
        let scores: Vec<f32> = (0..12u8).map(f32::from).collect();
        let given = Given::new(&scores, 3, 4).unwrap();
        let mut out = [0.0; 4];
        given.block(1..3, 2..4, &mut out);
        assert_eq!(out, [6.0, 7.0, 10.0, 11.0]);
        assert!(Given::new(&scores, 2, 4).is_err());
        let bad = [0.0, f32::NAN];
        assert!(matches!(Given::new(&bad, 1, 2), Err(Error::Row { row: 0, .. })));
    }
}
