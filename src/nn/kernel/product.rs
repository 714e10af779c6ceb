//! Matrix products through the `gemm` crate, with bounds checked before its raw pointers.

use gemm::Parallelism;

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

fn parallelism(spread: Spread) -> Parallelism {
    match spread {
        Spread::Threads => Parallelism::Rayon(rayon::current_num_threads()),
        Spread::Here => Parallelism::None,
    }
}

/// Cuts `data` to the elements of an `m` by `n` matrix, which bounds-checks the last one.
fn last(m: usize, n: usize, row: usize, column: usize) -> usize {
    if m == 0 || n == 0 { 0 } else { (m - 1) * row + (n - 1) * column + 1 }
}

/// `out = scale * a b`, or `out += scale * a b` when `add`: a `[m, k]`, b `[k, n]`, out rows of
/// `stride` numbers of which the first n are written.
///
/// The same bits for any number of threads: gemm splits the output, never a sum.
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
    unsafe { product_at((m, n, k), a, b, scale, (out.as_mut_ptr(), stride), add, spread) }
}

/// [`product`] into memory that other threads may write elsewhere.
///
/// # Safety
/// The first `n` numbers of each of `m` rows from `out`, `stride` apart, are valid to read and
/// write and nobody else touches them meanwhile.
pub(super) unsafe fn product_at(
    (m, n, k): (usize, usize, usize),
    a: View<'_>,
    b: View<'_>,
    scale: f32,
    (out, stride): (*mut f32, usize),
    add: bool,
    spread: Spread,
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
            out,
            1,
            stride as isize,
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
            parallelism(spread),
        );
    }
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
    fn the_number_of_threads_does_not_change_a_bit() {
        let (m, n, k) = (150, 190, 700);
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
    }
}
