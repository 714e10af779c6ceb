//! The one call into `gemm` of this module tree, behind safe functions.
//!
//! `gemm` takes raw pointers and strides. Both functions here check every length against the shape
//! before they hand pointers over, which is all its contract asks. They run on the calling thread:
//! callers spread blocks over threads, so that a sum's order never depends on how many there are.
#![allow(unsafe_code)]

use std::borrow::Cow;

/// A matrix to read: where it starts, and how far apart its rows and columns lie.
struct View<'a, T> {
    numbers: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<T> View<'_, T> {
    /// Whether its last element lies within its slice.
    fn fits(&self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride
                < self.numbers.len()
    }
}

/// `out = left * right`, row-major `[left.rows, right.columns]`.
fn multiply<T: 'static>(out: &mut [T], left: &View<'_, T>, right: &View<'_, T>, zero: T, one: T) {
    let (rows, columns, depth) = (left.rows, right.columns, left.columns);
    assert_eq!(depth, right.rows, "inner sizes differ");
    assert_eq!(out.len(), rows * columns, "output has another size");
    assert!(left.fits() && right.fits(), "a matrix reaches beyond its slice");
    // SAFETY: the three assertions bound every element that `gemm` touches; `out` is borrowed
    // mutably, so it overlaps neither input; T is f32 or f64 (private callers), both supported.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_mut_ptr(),
            1,
            columns as isize,
            false,
            left.numbers.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.numbers.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            zero,
            one,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// The least rows of either side for which `gemm` adds every product in one and the same order;
/// below, it takes other paths, and a query alone would score otherwise than among many.
const LEAST: (usize, usize) = (8, 128);

/// Inner products of every row of `a` `[n, dim]` with every row of `b` `[m, dim]`, into `out`
/// `[n, m]`, on the calling thread. The bits of a product depend on its two rows only.
///
/// # Panics
/// When a length does not fit.
pub(super) fn rows_by_rows(out: &mut [f32], a: &[f32], b: &[f32], dim: usize) {
    assert!(dim > 0 && a.len().is_multiple_of(dim) && b.len().is_multiple_of(dim), "ragged rows");
    let (n, m) = (a.len() / dim, b.len() / dim);
    assert_eq!(out.len(), n * m, "output has another size");
    if n == 0 || m == 0 {
        return;
    }
    let (a, b) = (padded(a, LEAST.0 * dim), padded(b, LEAST.1 * dim));
    let (rows, columns) = (a.len() / dim, b.len() / dim);
    let left = View { numbers: &a, rows, columns: dim, row_stride: dim, column_stride: 1 };
    let right = View { numbers: &b, rows: dim, columns, row_stride: 1, column_stride: dim };
    if (rows, columns) == (n, m) {
        return multiply(out, &left, &right, 0.0, 1.0);
    }
    let mut wide = vec![0.0; rows * columns];
    multiply(&mut wide, &left, &right, 0.0, 1.0);
    for (to, from) in out.chunks_exact_mut(m).zip(wide.chunks_exact(columns)) {
        to.copy_from_slice(&from[..m]);
    }
}

/// The numbers, with zeros behind them up to `least`.
fn padded(numbers: &[f32], least: usize) -> Cow<'_, [f32]> {
    if numbers.len() >= least {
        return Cow::Borrowed(numbers);
    }
    let mut wide = vec![0.0; least];
    wide[..numbers.len()].copy_from_slice(numbers);
    Cow::Owned(wide)
}

/// The smaller of the two Gram matrices of `x` `[rows, dim]`: `[dim, dim]` or `[rows, rows]`, with
/// its size. In f64: singular values are square roots of its eigenvalues, and f32 would leave
/// noise of 3e-4 of the largest on each.
///
/// # Panics
/// When `x` has another length.
pub(super) fn gram(x: &[f64], rows: usize, dim: usize) -> (Vec<f64>, usize) {
    assert_eq!(x.len(), rows * dim, "ragged rows");
    let upright = View { numbers: x, rows, columns: dim, row_stride: dim, column_stride: 1 };
    let turned = View { numbers: x, rows: dim, columns: rows, row_stride: 1, column_stride: dim };
    let (left, right) = if rows < dim { (upright, turned) } else { (turned, upright) };
    let size = left.rows;
    let mut out = vec![0.0; size * size];
    multiply(&mut out, &left, &right, 0.0, 1.0);
    (out, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_products_are_the_ones_of_the_plain_loops(
            n in 0usize..40, m in 0usize..40, dim in 1usize..50, seed in any::<u64>(),
        ) {
            let mut stream = crate::rng::Key::new(seed).stream();
            let a: Vec<f32> = (0..n * dim).map(|_| stream.normal()).collect();
            let b: Vec<f32> = (0..m * dim).map(|_| stream.normal()).collect();
            let mut out = vec![f32::NAN; n * m];
            rows_by_rows(&mut out, &a, &b, dim);
            for i in 0..n {
                for j in 0..m {
                    let want: f64 =
                        (0..dim).map(|t| f64::from(a[i * dim + t]) * f64::from(b[j * dim + t])).sum();
                    prop_assert!((want - f64::from(out[i * m + j])).abs() < 1e-4);
                }
            }
            let wide: Vec<f64> = a.iter().map(|&v| f64::from(v)).collect();
            let (square, size) = gram(&wide, n, dim);
            prop_assert_eq!(size, n.min(dim));
            for i in 0..size {
                for j in 0..size {
                    let at = |row: usize, t: usize| wide[row * dim + t];
                    let want: f64 = if n < dim {
                        (0..dim).map(|t| at(i, t) * at(j, t)).sum()
                    } else {
                        (0..n).map(|row| at(row, i) * at(row, j)).sum()
                    };
                    prop_assert!((want - square[i * size + j]).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_products_bits_do_not_depend_on_what_is_computed_beside_it() {
        for dim in [5, 192, 513, 768] {
            let mut stream = crate::rng::Key::new(1).stream();
            let mut draw =
                |n: usize| -> Vec<f32> { (0..n * dim).map(|_| stream.normal()).collect() };
            let (a, b) = (draw(128), draw(600));
            let mut full = vec![0.0; 128 * 600];
            rows_by_rows(&mut full, &a, &b, dim);
            for n in [1, 2, 3, 7, 8, 9, 33, 127] {
                for m in [1, 2, 17, 100, 127, 128, 129, 599] {
                    let (first, second) = (128 - n, 600 - m);
                    let mut part = vec![0.0; n * m];
                    rows_by_rows(&mut part, &a[first * dim..], &b[second * dim..], dim);
                    for (at, value) in part.iter().enumerate() {
                        let (i, j) = (first + at / m, second + at % m);
                        assert_eq!(*value, full[i * 600 + j], "{dim} {n} {m}");
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "output has another size")]
    fn a_short_output_is_refused_before_it_is_written() {
        rows_by_rows(&mut [0.0; 3], &[1.0; 4], &[1.0; 4], 2);
    }
}
