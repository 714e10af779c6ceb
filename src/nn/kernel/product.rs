//! Matrix products through the `gemm` crate, with bounds checked before its raw pointers.

use super::columns::Columns;
use gemm::Parallelism;
use rayon::prelude::*;

/// A matrix in a slice: element (i, j) is `data[i * row + j * column]`.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    data: &'a [f32],
    row: usize,
    column: usize,
}

impl<'a> View<'a> {
    /// Row-major with rows of `width`.
    pub fn rows(data: &'a [f32], width: usize) -> Self {
        Self { data, row: width, column: 1 }
    }

    /// The transpose of the row-major matrix with rows of `width`.
    pub fn transposed(data: &'a [f32], width: usize) -> Self {
        Self { data, row: 1, column: width }
    }
}

/// Whether a product is spread over threads or already runs inside one's piece of work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    Threads,
    Here,
}

/// Columns of one thread's part are a multiple of this, and at least twice as many: whole tiles of
/// the widest kernel there is.
const TILE: usize = 64;

/// Up to so many threads, each computes its own columns with a product of its own, which wastes
/// less time than the crate's threading; more would each pack the left side again.
const FEW: usize = 4;

/// Products of fewer multiplications run on one thread.
const SMALL: usize = 1 << 17;

/// Cuts `data` to the elements of an `m` by `n` matrix, which bounds-checks the last one.
fn last(m: usize, n: usize, row: usize, column: usize) -> usize {
    if m == 0 || n == 0 { 0 } else { (m - 1) * row + (n - 1) * column + 1 }
}

/// `out = scale * a b`, or `out += scale * a b` when `add`: a `[m, k]`, b `[k, n]`, out rows of
/// `stride` numbers of which the first n are written.
///
/// The same bits for any number of threads: the output is split, never a sum.
pub(super) fn product(
    (m, n, k): (usize, usize, usize),
    a: View<'_>,
    b: View<'_>,
    scale: f32,
    (out, stride): (&mut [f32], usize),
    add: bool,
    spread: Spread,
) {
    if m == 0 || n == 0 {
        return;
    }
    let out = &mut out[..last(m, n, stride, 1)];
    // SAFETY: the output's slice is exclusive and was just bounds-checked.
    unsafe { product_at((m, n, k), a, b, scale, Columns::of(out, stride), add, spread) }
}

/// `scale * a b` as rows of n numbers, on all threads.
pub(super) fn produced(
    (m, n, k): (usize, usize, usize),
    a: View<'_>,
    b: View<'_>,
    scale: f32,
) -> Vec<f32> {
    if k == 0 {
        return vec![0.0; m * n];
    }
    let mut out = Vec::with_capacity(m * n);
    if m > 0 && n > 0 {
        let place = Columns::from_start(out.as_mut_ptr(), n);
        // SAFETY: the vector has room for m rows of n numbers and is this function's own. A
        // product that does not add writes every number of the output and reads none.
        unsafe {
            product_at((m, n, k), a, b, scale, place, false, Spread::Threads);
            out.set_len(m * n);
        }
    }
    out
}

/// [`product`] into memory that other threads may write elsewhere.
///
/// # Safety
/// The first `n` numbers of each of `m` rows of `out` are valid to write, and to read where `add`
/// says so, and nobody else touches them meanwhile.
pub(super) unsafe fn product_at(
    (m, n, k): (usize, usize, usize),
    a: View<'_>,
    b: View<'_>,
    scale: f32,
    out: Columns,
    add: bool,
    spread: Spread,
) {
    let threads = rayon::current_num_threads();
    let parts = threads.min(n / (2 * TILE));
    if spread == Spread::Here || threads == 1 || m * n * k < SMALL {
        // SAFETY: the caller's promise.
        return unsafe { one((m, n, k), a, b, scale, out, add, Parallelism::None) };
    }
    if threads > FEW || parts < threads {
        // SAFETY: the caller's promise.
        return unsafe { one((m, n, k), a, b, scale, out, add, Parallelism::Rayon(threads)) };
    }
    let border = |part: usize| if part == parts { n } else { n * part / parts / TILE * TILE };
    (0..parts).into_par_iter().for_each(|part| {
        let (from, to) = (border(part), border(part + 1));
        let b = View { data: &b.data[from * b.column..], ..b };
        // SAFETY: the caller's promise, for this part's columns alone.
        unsafe {
            let out = out.part(0, from);
            one((m, to - from, k), a, b, scale, out, add, Parallelism::None);
        }
    });
}

/// One call of the crate.
///
/// # Safety
/// As [`product_at`].
unsafe fn one(
    (m, n, k): (usize, usize, usize),
    a: View<'_>,
    b: View<'_>,
    scale: f32,
    out: Columns,
    add: bool,
    parallelism: Parallelism,
) {
    let a_data = &a.data[..last(m, k, a.row, a.column)];
    let b_data = &b.data[..last(k, n, b.row, b.column)];
    // SAFETY: both inputs were just bounds-checked for their shape and strides, and the caller
    // vouches for the output.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.at(0, 0),
            1,
            out.stride() as isize,
            add,
            a_data.as_ptr(),
            a.column as isize,
            a.row as isize,
            b_data.as_ptr(),
            b.column as isize,
            b.row as isize,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The transpose of a row-major `[rows, width]` matrix, as rows of `rows` numbers.
///
/// A product whose right side is row-major takes up to twice the time of one whose right side is
/// column-major, which is more than turning it costs once there are some rows on the left.
pub(super) fn turned(x: &[f32], width: usize) -> Vec<f32> {
    const SIDE: usize = 16;
    let rows = x.len() / width.max(1);
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(SIDE * rows).enumerate().for_each(|(strip, out)| {
        let first = strip * SIDE;
        let columns = out.len() / rows;
        for block in (0..rows).step_by(SIDE) {
            for row in block..(block + SIDE).min(rows) {
                let from = &x[row * width + first..][..columns];
                for (column, &value) in from.iter().enumerate() {
                    out[column * rows + row] = value;
                }
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;

    fn numbers(n: usize, seed: u64) -> Vec<f32> {
        let mut stream = Key::new(seed).stream();
        (0..n).map(|_| stream.normal()).collect()
    }

    #[test]
    fn products_are_sums_of_products_for_every_layout() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 33, 20), (64, 1, 40), (2, 3, 0)] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let mut expected = vec![0f64; m * n];
            for i in 0..m {
                for j in 0..n {
                    for l in 0..k {
                        expected[i * n + j] += f64::from(a[i * k + l]) * f64::from(b[l * n + j]);
                    }
                }
            }
            let turn = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
                (0..rows * columns).map(|i| x[i % rows * columns + i / rows]).collect()
            };
            let (a_t, b_t) = (turn(&a, m, k), turn(&b, k, n));
            for (a, b) in [
                (View::rows(&a, k), View::rows(&b, n)),
                (View::transposed(&a_t, m), View::transposed(&b_t, k)),
            ] {
                let mut out = vec![1f32; m * (n + 2)];
                product((m, n, k), a, b, 2.0, (&mut out, n + 2), true, Spread::Threads);
                for (i, row) in out.chunks(n + 2).enumerate() {
                    for (j, &found) in row[..n].iter().enumerate() {
                        let expected = 1.0 + 2.0 * expected[i * n + j];
                        assert!((f64::from(found) - expected).abs() < 1e-4 * (1.0 + k as f64));
                    }
                    assert_eq!(row[n..], [1.0, 1.0], "beyond the row nothing is written");
                }
            }
        }
    }

    #[test]
    fn a_turned_matrix_has_its_rows_as_columns() {
        for (rows, width) in [(1, 1), (3, 40), (17, 16), (50, 33)] {
            let x = numbers(rows * width, 5);
            let turned = turned(&x, width);
            for i in 0..rows {
                for j in 0..width {
                    assert_eq!(turned[j * rows + i], x[i * width + j]);
                }
            }
        }
    }

    #[test]
    fn a_fresh_product_is_the_one_into_zeros() {
        for (m, n, k) in [(0, 4, 3), (4, 0, 3), (4, 3, 0), (70, 300, 40)] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let (a, b) = (View::rows(&a, k), View::rows(&b, n));
            let mut out = vec![0f32; m * n];
            product((m, n, k), a, b, 0.5, (&mut out, n), false, Spread::Threads);
            assert_eq!(produced((m, n, k), a, b, 0.5), out);
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        for sizes in [(150, 190, 700), (33, 1000, 50), (700, 20, 300), (5, 5, 5)] {
            threads_change_nothing(sizes);
        }
    }

    fn threads_change_nothing((m, n, k): (usize, usize, usize)) {
        let (a, b) = (numbers(m * k, 3), numbers(k * n, 4));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![0f32; m * n];
            let (a, b) = (View::rows(&a, k), View::transposed(&b, k));
            let sizes = (m, n, k);
            pool.install(|| product(sizes, a, b, 1.0, (&mut out, n), false, Spread::Threads));
            out
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(3));
        assert_eq!(run(1), run(6));
    }
}
