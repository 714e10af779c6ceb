//! Elementary functions that vectorise, and sums in a fixed order.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// `e^x` to about one unit in the last place (Cephes' polynomial); 0 below -87.3 is a denormal
/// away, above 88 the largest power stands in.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let n = (x * LOG2_E).round_ties_even();
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.987_569_1e-4_f32;
    let p = p.mul_add(r, 1.398_2e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let y = p.mul_add(r * r, r + 1.0);
    // SAFETY: x was clamped, so n is an integer in -126..=127; NaN was too, by clamp's comparison
    // falling through, hence the checked cast for it.
    let n = if n.is_nan() { 0 } else { unsafe { n.to_int_unchecked::<i32>() } };
    y * f32::from_bits(((n + 127) << 23) as u32)
}

#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Through the exponential: absolute error about 1e-7.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// The error function as a ratio of polynomials (Eigen's `generic_fast_erf_float`), constant
/// beyond 4 where f32 cannot tell it from 1.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let s = x * x;
    let p = -2.726_142_3e-10_f32;
    let p = p.mul_add(s, 2.770_681_4e-8);
    let p = p.mul_add(s, -2.101_024_1e-6);
    let p = p.mul_add(s, -5.692_506_4e-5);
    let p = p.mul_add(s, -7.349_906_4e-4);
    let p = p.mul_add(s, -2.954_6e-3);
    let p = p.mul_add(s, -1.609_603_3e-2);
    let q = -1.456_607_2e-5_f32;
    let q = q.mul_add(s, -2.133_740_5e-4);
    let q = q.mul_add(s, -1.682_827e-3);
    let q = q.mul_add(s, -7.373_329_3e-3);
    let q = q.mul_add(s, -1.426_473_9e-2);
    x * p / q
}

/// The normal distribution's cumulative function and density.
#[inline(always)]
pub(super) fn normal(x: f32) -> (f32, f32) {
    let cumulative = 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2));
    (cumulative, 0.398_942_3 * exp(-0.5 * x * x))
}

/// Lanes of the sums below: one AVX-512 register.
pub(super) const LANES: usize = 16;

#[inline(always)]
fn fold(lanes: [f32; LANES]) -> f32 {
    let mut lanes = lanes;
    let mut step = LANES / 2;
    while step > 0 {
        for j in 0..step {
            lanes[j] += lanes[j + step];
        }
        step /= 2;
    }
    lanes[0]
}

/// The sum of `f` over `x`, always in the same order.
#[inline(always)]
pub(super) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for j in 0..LANES {
            lanes[j] += f(chunk[j]);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f(value);
    }
    fold(lanes)
}

/// The sum of `f` over pairs of `x` and `y`, of equal length.
#[inline(always)]
pub(super) fn sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for j in 0..LANES {
            lanes[j] += f(x[j], y[j]);
        }
    }
    for (lane, (&x, &y)) in lanes.iter_mut().zip(x_rest.iter().zip(y_rest)) {
        *lane += f(x, y);
    }
    fold(lanes)
}

/// The largest number; `f32::MIN` of none.
#[inline(always)]
pub(super) fn max(x: &[f32]) -> f32 {
    let mut lanes = [f32::MIN; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    for chunk in chunks {
        for j in 0..LANES {
            lanes[j] = larger(lanes[j], chunk[j]);
        }
    }
    let rest = rest.iter().fold(f32::MIN, |a, &b| larger(a, b));
    lanes.iter().fold(rest, |a, &b| larger(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    simd! {
        fn exps(x: &[f32], y: &mut [f32]) {
            for (y, &x) in y.iter_mut().zip(x) { *y = exp(x); }
        }
    }

    #[test]
    fn exp_is_the_exponential_to_two_units_in_the_last_place() {
        let x: Vec<f32> = (-8600..8700).map(|i| i as f32 * 0.01).collect();
        let mut y = vec![0.0; x.len()];
        exps(&x, &mut y);
        for (&x, &y) in x.iter().zip(&y) {
            let exact = f64::from(x).exp();
            assert!((f64::from(y) / exact - 1.0).abs() < 2.5e-7, "exp({x}) = {y}, not {exact}");
        }
        assert!(exp(f32::NAN).is_nan());
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn erf_and_tanh_are_right_to_four_units_of_one() {
        // Abramowitz and Stegun, table 7.1.
        let known = [(0.1, 0.1124629160), (0.5, 0.5204998778), (1.0, 0.8427007929)];
        let more = [(2.0, 0.9953222650), (3.0, 0.9999779095), (5.0, 1.0)];
        for (x, exact) in known.into_iter().chain(more) {
            assert!((f64::from(erf(x)) - exact).abs() < 2.5e-7, "erf({x})");
            assert_eq!(erf(-x), -erf(x));
        }
        for i in -500..500 {
            let x = i as f32 * 0.02;
            assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 2.5e-7, "tanh({x})");
        }
    }

    #[test]
    fn sums_take_every_number_once() {
        for n in [0, 1, 15, 16, 17, 47] {
            let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let exact = (n * n) as f32 / 2.0 - n as f32 / 2.0;
            assert_eq!(sum(&x, |x| x), exact);
            assert_eq!(sum2(&x, &x, |x, y| 0.5 * (x + y)), exact);
            assert_eq!(max(&x), if n == 0 { f32::MIN } else { n as f32 - 1.0 });
        }
    }
}
