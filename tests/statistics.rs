//! Metrics, intervals, tests and corrections against an independent computation:
//! `scripts/check_statistics.py` wrote the golden file and says where each tolerance comes from.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::eval::significance::{FLIPS, holm, mcnemar, sign_flip};
use llm2clip::eval::{Direction, Metric, RankedRow, table};
use llm2clip::rng::Key;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Low and high end: the quantile somewhat below it, it, and the quantile somewhat above it.
type Limits = BTreeMap<String, [[f64; 3]; 2]>;

#[derive(Deserialize)]
struct Golden {
    resamples: usize,
    tables: Vec<Case>,
    mcnemar: Vec<McNemar>,
    holm: Vec<Family>,
    sign_flip: Vec<Moves>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    a: Vec<u32>,
    b: Vec<u32>,
    units: Vec<u32>,
    metrics_a: BTreeMap<String, f64>,
    metrics_b: BTreeMap<String, f64>,
    limits_a: Limits,
    limits_b: Limits,
    limits_b_less_a: Limits,
    test: String,
    p: f64,
}

#[derive(Deserialize)]
struct McNemar {
    b: u64,
    c: u64,
    p: f64,
}

#[derive(Deserialize)]
struct Family {
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

#[derive(Deserialize)]
struct Moves {
    differences: Vec<i64>,
    p: f64,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/statistics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn within(found: [f64; 2], limits: [[f64; 3]; 2], what: &str) {
    for (found, [low, _, high]) in found.into_iter().zip(limits) {
        let inside = low - 1e-9 <= found && found <= high + 1e-9;
        assert!(inside, "{what}: {found} is not within {low} to {high}");
    }
}

/// Five standard errors of a share of so many flips, and the one that is added.
fn flips_apart(p: f64) -> f64 {
    5.0 * (p * (1.0 - p) / FLIPS as f64).sqrt() + 1.0 / (FLIPS as f64 + 1.0)
}

#[test]
fn metrics_intervals_and_tests_are_those_of_an_independent_computation() {
    let golden = golden();
    assert_eq!(golden.tables.len(), 5);
    for case in &golden.tables {
        let row = |role, ranks| RankedRow {
            role,
            direction: Direction::TextToImage,
            ranks,
            units: &case.units,
        };
        let rows = [row("a", &case.a[..]), row("b", &case.b[..])];
        // Two seeds: a limit that is right by chance is not right twice.
        for seed in [0, 7] {
            let found = table(&rows, None, golden.resamples, seed).unwrap();
            let sides = [(&case.metrics_a, &case.limits_a), (&case.metrics_b, &case.limits_b)];
            for (at, (metrics, limits)) in sides.into_iter().enumerate() {
                for metric in Metric::ALL {
                    let what = format!("{}, row {at}, {metric}", case.name);
                    let (value, wanted) = (found.metrics[at].get(metric), metrics[metric.name()]);
                    assert!((value - wanted).abs() < 1e-12, "{what}: {value} {wanted}");
                    within(*found.intervals[at].get(metric), limits[metric.name()], &what);
                }
            }
            assert_eq!(found.differences.len(), Metric::ALL.len());
            for difference in &found.differences {
                let metric = difference.of.metric.name();
                let what = format!("{}, b less a, {metric}", case.name);
                let wanted = case.metrics_b[metric] - case.metrics_a[metric];
                assert!((difference.delta - wanted).abs() < 1e-12, "{what}");
                within(difference.ci95, case.limits_b_less_a[metric], &what);
            }
            let tested = &found.differences[0];
            assert_eq!(tested.test.unwrap().name(), case.test);
            let apart = if case.test == "mcnemar" { 1e-12 } else { flips_apart(case.p) };
            let p = tested.p.unwrap();
            assert!((p - case.p).abs() <= apart, "{}: {p} {}", case.name, case.p);
        }
    }
}

#[test]
fn exact_tests_and_corrections_are_exact() {
    let golden = golden();
    for case in &golden.mcnemar {
        let p = mcnemar(case.b, case.c);
        // Relative: a p of 1e-300 is to be right as well.
        assert!((p - case.p).abs() <= 1e-9 * case.p, "{} {}: {p} {}", case.b, case.c, case.p);
        assert!((p - case.p).abs() <= 1e-12);
    }
    for family in &golden.holm {
        let adjusted = holm(&family.p);
        assert_eq!(adjusted.len(), family.adjusted.len());
        for (found, wanted) in adjusted.iter().zip(&family.adjusted) {
            assert!((found - wanted).abs() < 1e-12, "{:?}: {adjusted:?}", family.p);
        }
    }
}

#[test]
fn drawn_sign_flips_are_as_near_to_the_exact_ones_as_their_number_allows() {
    for case in golden().sign_flip {
        for seed in [0, 7] {
            let p = sign_flip(&case.differences, FLIPS, Key::new(seed));
            let wanted = case.p;
            assert!(
                (p - wanted).abs() <= flips_apart(wanted),
                "{:?}: {p} {wanted}",
                case.differences
            );
        }
    }
}
