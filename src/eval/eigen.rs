//! Eigenvalues of a symmetric matrix: Householder's tridiagonal form, then bisection on Sturm
//! counts (Golub and Van Loan, Matrix Computations, sections 8.3 and 8.4).
//!
//! Bisection rather than QL: it cannot fail to converge, and every eigenvalue is found by itself.

/// All eigenvalues of the symmetric matrix `a` `[n, n]` (row-major; destroyed), ascending, within
/// about 1e-15 of the largest in magnitude times a small multiple of n.
///
/// # Panics
/// When `a` is not square. Numbers that are not finite give meaningless values; check them before.
#[must_use]
pub fn symmetric_eigenvalues(a: &mut [f64], n: usize) -> Vec<f64> {
    assert_eq!(a.len(), n * n, "expected a square matrix");
    if n == 0 {
        return Vec::new();
    }
    let (diagonal, beside) = tridiagonal(a, n);
    let squares: Vec<f64> = beside.iter().map(|b| b * b).collect();
    let reach = |i: usize| {
        let before = if i == 0 { 0.0 } else { beside[i - 1].abs() };
        before + beside.get(i).map_or(0.0, |b| b.abs())
    };
    let low = (0..n).map(|i| diagonal[i] - reach(i)).fold(f64::INFINITY, f64::min);
    let high = (0..n).map(|i| diagonal[i] + reach(i)).fold(f64::NEG_INFINITY, f64::max);
    let mut values = vec![0.0; n];
    between(&diagonal, &squares, &mut values, 0, (low, 0), (high, n));
    values
}

/// Reduces to tridiagonal form: the diagonal `[n]` and what stands beside it `[n - 1]`.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut beside = vec![0.0; n.saturating_sub(1)];
    let mut product = vec![0.0; n];
    for i in (1..n).rev() {
        let (upper, lower) = a.split_at_mut(i * n);
        let reflector = &mut lower[..i];
        let scale = reflector[..i - 1].iter().fold(0.0f64, |most, v| most.max(v.abs()));
        if scale == 0.0 {
            beside[i - 1] = reflector[i - 1];
            continue;
        }
        let norm = dot(reflector, reflector).sqrt();
        // The sign that does not cancel.
        let head = if reflector[i - 1] > 0.0 { -norm } else { norm };
        beside[i - 1] = head;
        let half_square = norm * norm - reflector[i - 1] * head;
        reflector[i - 1] -= head;
        for (j, product) in product[..i].iter_mut().enumerate() {
            *product = dot(&upper[j * n..j * n + i], reflector) / half_square;
        }
        let middle = dot(&product[..i], reflector) / (2.0 * half_square);
        for (product, v) in product[..i].iter_mut().zip(reflector.iter()) {
            *product -= middle * v;
        }
        for j in 0..i {
            let (own, its) = (reflector[j], product[j]);
            let row = &mut upper[j * n..j * n + i];
            for ((value, v), p) in row.iter_mut().zip(reflector.iter()).zip(&product[..i]) {
                *value -= own * p + its * v;
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), beside)
}

/// Inner product in four running sums: a fixed order that still fills the processor.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    for (a, b) in a.chunks(4).zip(b.chunks(4)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// How many eigenvalues lie below `x`: the negative pivots of the shifted matrix.
fn below(diagonal: &[f64], squares: &[f64], x: f64) -> usize {
    let mut count = 0;
    let mut pivot = 1.0f64;
    for (i, &d) in diagonal.iter().enumerate() {
        let carried = if i == 0 { 0.0 } else { squares[i - 1] / pivot };
        pivot = d - x - carried;
        if pivot == 0.0 {
            pivot = f64::MIN_POSITIVE;
        }
        count += usize::from(pivot < 0.0);
    }
    count
}

/// Fills `values` with the eigenvalues number `from.1..to.1`, which lie between `from.0` and
/// `to.0`, halving the interval until no number lies between its ends.
fn between(
    diagonal: &[f64],
    squares: &[f64],
    values: &mut [f64],
    depth: u32,
    from: (f64, usize),
    to: (f64, usize),
) {
    if values.is_empty() {
        return;
    }
    let middle = f64::midpoint(from.0, to.0);
    if depth > 1100 || middle <= from.0 || middle >= to.0 {
        values.fill(middle);
        return;
    }
    // Eigenvalues near zero would be halved down to the smallest float; what they are is noise.
    let noise = f64::EPSILON * diagonal.iter().fold(0.0f64, |most, d| most.max(d.abs())) / 16.0;
    if to.0 - from.0 < noise {
        values.fill(middle);
        return;
    }
    let count = below(diagonal, squares, middle).clamp(from.1, to.1);
    let (left, right) = values.split_at_mut(count - from.1);
    between(diagonal, squares, left, depth + 1, from, (middle, count));
    between(diagonal, squares, right, depth + 1, (middle, count), to);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_second_difference_has_its_known_eigenvalues() {
        let n = 40;
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            a[i * n + i] = 2.0;
            if i + 1 < n {
                a[i * n + i + 1] = -1.0;
                a[(i + 1) * n + i] = -1.0;
            }
        }
        let values = symmetric_eigenvalues(&mut a, n);
        for (k, value) in values.iter().enumerate() {
            let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13, "{k}: {value}");
        }
    }

    #[test]
    fn small_matrices_worked_by_hand() {
        assert_eq!(symmetric_eigenvalues(&mut [], 0), Vec::<f64>::new());
        assert_eq!(symmetric_eigenvalues(&mut [3.0], 1), [3.0]);
        let values = symmetric_eigenvalues(&mut [2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 1.0).abs() < 1e-14 && (values[1] - 3.0).abs() < 1e-14);
        assert_eq!(symmetric_eigenvalues(&mut [0.0; 9], 3), [0.0; 3]);
    }

    proptest! {
        #[test]
        fn eigenvalues_built_in_are_found(
            mut wanted in prop::collection::vec(-3.0f64..3.0, 1..24), seed in any::<u64>(),
        ) {
            // Q diag(wanted) Q^T, with Q a product of random reflections.
            let n = wanted.len();
            let mut a = vec![0.0; n * n];
            for (i, &value) in wanted.iter().enumerate() {
                a[i * n + i] = value;
            }
            let mut stream = crate::rng::Key::new(seed).stream();
            for _ in 0..3 {
                let v: Vec<f64> = (0..n).map(|_| f64::from(stream.normal())).collect();
                let square: f64 = v.iter().map(|x| x * x).sum();
                for transposed in [false, true] {
                    let at = |i: usize, j: usize| if transposed { j * n + i } else { i * n + j };
                    for j in 0..n {
                        let along: f64 = (0..n).map(|i| v[i] * a[at(i, j)]).sum();
                        for i in 0..n {
                            a[at(i, j)] -= 2.0 * v[i] * along / square;
                        }
                    }
                }
            }
            let found = symmetric_eigenvalues(&mut a, n);
            wanted.sort_by(f64::total_cmp);
            for (found, wanted) in found.iter().zip(&wanted) {
                prop_assert!((found - wanted).abs() < 1e-11, "{found} {wanted}");
            }
        }
    }
}
