//! Tests of a difference in recall@1, and Holm's correction over a family of them.

use super::Error;
use super::bootstrap::number_units;
use crate::rng::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Sign flips of the permutation test.
pub const FLIPS: usize = 10_000;

/// Which test gave a p-value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// McNemar's test, exact: each unit asks once.
    #[serde(rename = "mcnemar")]
    McNemar,
    /// Random sign flips over units: some unit asks several times.
    #[serde(rename = "sign-flip")]
    SignFlip,
}

impl Test {
    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::McNemar => "mcnemar",
            Self::SignFlip => "sign-flip",
        }
    }
}

/// Two-sided test of whether two encoders answer equally often in first place. `a` and `b`: ranks
/// of the same queries; `units`: the unit of each query. Exact McNemar where each unit asks once,
/// else [`FLIPS`] sign flips.
pub fn test_recall_1(a: &[u32], b: &[u32], units: &[u32], key: Key) -> Result<(Test, f64), Error> {
    for (what, found) in [("ranks", a.len()), ("ranks", b.len())] {
        if found != units.len() {
            return Err(Error::Shape { what, expected: units.len(), found });
        }
    }
    let (numbered, count) = number_units(units);
    let mut difference = vec![0i64; count];
    let (mut only_a, mut only_b) = (0, 0);
    for ((&a, &b), &unit) in a.iter().zip(b).zip(&numbered) {
        let (a, b) = (a == 1, b == 1);
        difference[unit as usize] += i64::from(a) - i64::from(b);
        only_a += u64::from(a && !b);
        only_b += u64::from(b && !a);
    }
    Ok(if count == units.len() {
        (Test::McNemar, mcnemar(only_a, only_b))
    } else {
        (Test::SignFlip, sign_flip(&difference, FLIPS, key))
    })
}

/// Exact two-sided McNemar: of the units that only one of the two got right, `b` and `c` each;
/// twice the smaller binomial tail at one half, at most 1.
#[must_use]
pub fn mcnemar(b: u64, c: u64) -> f64 {
    let n = b + c;
    // Logarithms of binomial coefficients by their recurrence: factorials would overflow.
    let mut log_coefficient = 0.0;
    let mut tail = 0.0;
    for i in 0..=b.min(c) {
        tail += (log_coefficient - n as f64 * std::f64::consts::LN_2).exp();
        log_coefficient += ((n - i) as f64 / (i + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// Two-sided sign-flip test on the mean: how often, with the sign of each unit's difference drawn
/// at random, the sum is at least as far from zero; p = (1 + that) / (1 + flips).
///
/// Whole numbers: equal sums are equal, whatever the order.
#[must_use]
pub fn sign_flip(differences: &[i64], flips: usize, key: Key) -> f64 {
    let moved: Vec<i64> = differences.iter().copied().filter(|&d| d != 0).collect();
    let observed = moved.iter().sum::<i64>().abs();
    let extreme: Vec<bool> = (0..flips)
        .into_par_iter()
        .map(|flip| {
            let mut stream = key.child(flip as u64).stream();
            let mut sum = 0;
            for differences in moved.chunks(64) {
                let bits = stream.bits();
                for (at, &difference) in differences.iter().enumerate() {
                    sum += if bits >> at & 1 == 1 { difference } else { -difference };
                }
            }
            sum.abs() >= observed
        })
        .collect();
    let extreme = extreme.iter().filter(|&&e| e).count();
    (1 + extreme) as f64 / (1 + flips) as f64
}

/// Holm's (1979) step-down p-values of a family, in the order given.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 0.0f64;
    for (place, &at) in order.iter().enumerate() {
        least = least.max(((p.len() - place) as f64 * p[at]).min(1.0));
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs()
    }

    #[test]
    fn mcnemar_gives_the_binomial_tails_worked_by_hand() {
        // 2 * (C(12,0) + C(12,1)) / 2^12 = 26 / 4096
        assert!(close(mcnemar(1, 11), 26.0 / 4096.0));
        assert!(close(mcnemar(11, 1), 26.0 / 4096.0));
        // 2 * (1 + 8 + 28 + 56) / 2^8 = 186 / 256
        assert!(close(mcnemar(3, 5), 186.0 / 256.0));
        // Twice the tail is 2 * 11/16 here: capped.
        assert_eq!(mcnemar(2, 2), 1.0);
        assert_eq!(mcnemar(0, 0), 1.0);
        assert!(close(mcnemar(0, 5), 2.0 / 32.0));
    }

    #[test]
    fn mcnemar_of_the_prime_ministers_approval() {
        // Agresti, Categorical Data Analysis (2013), table 11.1: 150 disapproved only later, 86
        // only before. 2 * sum of C(236, i) for i <= 86, over 2^236, in whole numbers:
        // 3.715936140e-05.
        assert!(close(mcnemar(150, 86), 3.715936139571442e-05), "{}", mcnemar(150, 86));
    }

    #[test]
    fn sign_flips_of_darwins_maize() {
        // Fisher, The Design of Experiments (1935), section 21: fifteen pairs of plants, heights
        // in eighths of an inch. 1,726 of the 2^15 ways to sign them give a sum as far from zero
        // as 314: p = 0.05267.
        let maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
        let mut extreme = 0;
        for signs in 0..1u32 << 15 {
            let sum: i64 = maize
                .iter()
                .enumerate()
                .map(|(i, d)| if signs >> i & 1 == 1 { *d } else { -d })
                .sum();
            extreme += u32::from(sum.abs() >= 314);
        }
        assert_eq!(extreme, 1726);
        let p = sign_flip(&maize, FLIPS, Key::new(0));
        // Four standard errors of 10,000 draws.
        assert!((p - 0.05267).abs() < 0.009, "{p}");
    }

    #[test]
    fn no_difference_is_no_evidence_and_the_least_p_is_not_zero() {
        assert_eq!(sign_flip(&[0; 30], 100, Key::new(0)), 1.0);
        assert_eq!(sign_flip(&[1; 200], 999, Key::new(0)), 0.001);
    }

    #[test]
    fn holm_of_the_usual_example() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, want) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!(close(*got, want), "{adjusted:?}");
        }
        assert_eq!(holm(&[0.7, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn the_test_fits_how_often_units_ask() {
        let (a, b) = ([1, 1, 1, 1], [2, 2, 2, 2]);
        let (test, p) = test_recall_1(&a, &b, &[0, 1, 2, 3], Key::new(0)).unwrap();
        assert_eq!((test, p), (Test::McNemar, 0.125));
        let (test, p) = test_recall_1(&a, &b, &[0, 0, 1, 1], Key::new(0)).unwrap();
        assert_eq!(test, Test::SignFlip);
        assert!((p - 0.5).abs() < 0.03, "two units, both signs alike in half of all flips: {p}");
        assert!(test_recall_1(&a, &b[..3], &[0, 1, 2, 3], Key::new(0)).is_err());
    }

    proptest! {
        #[test]
        fn holm_is_the_definition(p in prop::collection::vec(0.0f64..1.0, 1..12)) {
            let adjusted = holm(&p);
            for (at, &own) in p.iter().enumerate() {
                // The largest, over hypotheses at or below this p, of p times those not yet rejected.
                let want = p.iter().filter(|&&other| other <= own).map(|&other| {
                    let left = p.iter().filter(|&&later| later >= other).count();
                    (left as f64 * other).min(1.0)
                }).fold(0.0, f64::max);
                prop_assert!((adjusted[at] - want).abs() < 1e-12);
            }
        }

        #[test]
        fn mcnemar_is_the_sum_of_exact_coefficients(b in 0u64..30, c in 0u64..30) {
            let n = b + c;
            let mut row = vec![1u128];
            for _ in 0..n {
                let mut next = vec![1u128];
                next.extend(row.windows(2).map(|pair| pair[0] + pair[1]));
                next.push(1);
                row = next;
            }
            let tail: u128 = row[..=b.min(c) as usize].iter().sum();
            let want = (2.0 * tail as f64 / 2f64.powi(n as i32)).min(1.0);
            prop_assert!((mcnemar(b, c) - want).abs() < 1e-12);
        }
    }
}
