//! A whole table: metrics with intervals for every row, and the differences that are tested.
//!
//! Every row is held against the baseline and against the row before it, direction by direction.
//! recall@1 is tested; all those tests of one table, over all directions, are one family for Holm's
//! correction. The other metrics get a difference and its interval, and no test.

use super::bootstrap::{Resampled, number_units, resample};
use super::difference::{Difference, Retrieved};
use super::document::Direction;
use super::replicates::name_pairs;
use super::significance::{holm, test_recall_1};
use super::{Error, Intervals, Metric, Metrics};
use crate::rng::Key;

/// The ranks of one encoder in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedRow<'a> {
    /// Its label.
    pub role: &'a str,
    /// The direction.
    pub direction: Direction,
    /// The high rank of every query.
    pub ranks: &'a [u32],
    /// The unit of every query; the same in all rows of a direction.
    pub units: &'a [u32],
}

/// The numbers of a table, row by row as given, and its differences.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Point values of each row.
    pub metrics: Vec<Metrics>,
    /// Their intervals.
    pub intervals: Vec<Intervals>,
    /// The number of units of each row.
    pub units: Vec<usize>,
    /// All differences, direction by direction in the rows' order.
    pub differences: Vec<Difference>,
    /// What Holm's correction ran over, in words.
    pub family: String,
    /// Replicates of two names, number by number, none of whose tests is corrected here: see
    /// [`with_pairs`](super::replicates::with_pairs).
    pub pairs: Vec<Difference>,
}

/// Computes a table. `baseline` is a label; none takes each direction's first row. The draws depend
/// on `seed` and on the number of units, so a row's interval does not hang on its neighbours.
pub fn table(
    rows: &[RankedRow<'_>],
    baseline: Option<&str>,
    resamples: usize,
    seed: u64,
) -> Result<Table, Error> {
    if let Some(found) = baseline
        && !rows.iter().any(|row| row.role == found)
    {
        let mut expected: Vec<String> = Vec::new();
        for row in rows {
            if !expected.iter().any(|role| role == row.role) {
                expected.push(row.role.to_owned());
            }
        }
        return Err(Error::Baseline { found: found.to_owned(), expected });
    }
    let key = Key::new(seed).named("table");
    let mut drawn: Vec<Option<Resampled>> = vec![None; rows.len()];
    let mut pairs = Vec::new();
    for direction in Direction::ALL {
        let places: Vec<usize> =
            (0..rows.len()).filter(|&at| rows[at].direction == direction).collect();
        let Some(&first) = places.first() else { continue };
        if let Some(&at) = places.iter().find(|&&at| {
            rows[at].units != rows[first].units || rows[at].ranks.len() != rows[at].units.len()
        }) {
            return Err(Error::NotPaired { role: rows[at].role.to_owned(), direction });
        }
        let ranks: Vec<&[u32]> = places.iter().map(|&at| rows[at].ranks).collect();
        let resampled = resample(&ranks, rows[first].units, resamples, key.named("resample"))?;
        for (&at, resampled) in places.iter().zip(resampled) {
            drawn[at] = Some(resampled);
        }
        let base = match baseline {
            Some(label) => places.iter().copied().find(|&at| rows[at].role == label),
            None => Some(first),
        };
        for (place, &at) in places.iter().enumerate() {
            let before = place.checked_sub(1).map(|place| places[place]);
            let mut held: Vec<usize> = base.into_iter().chain(before).collect();
            held.dedup();
            pairs.extend(held.into_iter().filter(|&other| other != at).map(|other| (at, other)));
        }
    }
    let metrics: Vec<Metrics> = rows.iter().map(|row| Metrics::of(row.ranks)).collect();
    let units: Vec<usize> = rows.iter().map(|row| number_units(row.units).1).collect();
    let held = |at: usize, other: usize| -> Result<Vec<Difference>, Error> {
        let mut differences = Vec::new();
        let (Some(a), Some(b)) = (&drawn[at], &drawn[other]) else { return Ok(differences) };
        for metric in Metric::ALL {
            let (test, p) = if metric == Metric::Recall1 {
                let (a, b) = (rows[at].ranks, rows[other].ranks);
                let (test, p) = test_recall_1(a, b, rows[at].units, key.named("flip"))?;
                (Some(test), Some(p))
            } else {
                (None, None)
            };
            differences.push(Difference {
                a: rows[at].role.to_owned(),
                b: rows[other].role.to_owned(),
                of: Retrieved { direction: rows[at].direction, metric },
                delta: metrics[at].get(metric) - metrics[other].get(metric),
                ci95: a.interval_of_difference(b, metric),
                test,
                p,
                p_holm: None,
                n: units[at],
            });
        }
        Ok(differences)
    };
    let mut differences = Vec::new();
    for (at, other) in pairs {
        differences.extend(held(at, other)?);
    }
    let labels: Vec<(&str, Direction)> = rows.iter().map(|row| (row.role, row.direction)).collect();
    let mut pairs = Vec::new();
    for [at, other] in
        name_pairs(&labels, baseline).iter().flat_map(|names| &names.pairs).map(|pair| pair.1)
    {
        pairs.extend(held(at, other)?);
    }
    let tested: Vec<f64> = differences.iter().filter_map(|d| d.p).collect();
    let mut adjusted = holm(&tested).into_iter();
    for difference in differences.iter_mut().filter(|d| d.p.is_some()) {
        difference.p_holm = adjusted.next();
    }
    let family = format!(
        "recall@1 of each row against {} and against the row before it, in all directions: {} tests",
        baseline.map_or_else(|| "the first row".to_owned(), |label| format!("{label:?}")),
        tested.len()
    );
    let intervals = drawn.iter().flatten().map(Resampled::intervals).collect();
    Ok(Table { metrics, intervals, units, differences, family, pairs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::significance::Test;

    fn row<'a>(
        role: &'a str,
        direction: Direction,
        ranks: &'a [u32],
        units: &'a [u32],
    ) -> RankedRow<'a> {
        RankedRow { role, direction, ranks, units }
    }

    #[test]
    fn each_row_is_held_against_the_baseline_and_the_row_before_once() {
        let (ranks, units) = ([1, 2, 3], [0, 1, 2]);
        let rows: Vec<_> = [Direction::TextToImage, Direction::ImageToText]
            .into_iter()
            .flat_map(|direction| ["a", "b", "c"].map(|role| row(role, direction, &ranks, &units)))
            .collect();
        let pairs = |baseline| -> Vec<(String, String)> {
            let table = table(&rows, baseline, 50, 0).unwrap();
            assert_eq!(table.intervals.len(), rows.len());
            let tested = table
                .differences
                .iter()
                .map(|d| (d, d.of))
                .filter(|(_, of)| of.metric == Metric::Recall1)
                .filter(|(_, of)| of.direction == Direction::ImageToText);
            tested.map(|(d, _)| (d.a.clone(), d.b.clone())).collect()
        };
        let own = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        assert_eq!(pairs(None), own(&[("b", "a"), ("c", "a"), ("c", "b")]));
        assert_eq!(pairs(Some("b")), own(&[("a", "b"), ("b", "a"), ("c", "b")]));
        let error = table(&rows, Some("d"), 50, 0).unwrap_err().to_string();
        assert!(error.contains("expected one of: a, b, c"), "{error}");
    }

    #[test]
    fn the_family_runs_over_all_directions_and_only_recall_1_is_tested() {
        let units: Vec<u32> = (0..40).collect();
        let good = vec![1; 40];
        let bad: Vec<u32> = (0..40).map(|q| if q < 30 { 2 } else { 1 }).collect();
        let rows: Vec<_> = [Direction::TextToImage, Direction::ImageToText]
            .into_iter()
            .flat_map(|d| [row("bad", d, &bad, &units), row("good", d, &good, &units)])
            .collect();
        let table = table(&rows, None, 200, 0).unwrap();
        assert_eq!(table.differences.len(), 2 * 5);
        for d in &table.differences {
            assert_eq!(d.p.is_some(), d.of.metric == Metric::Recall1);
            if let (Some(p), Some(p_holm)) = (d.p, d.p_holm) {
                assert_eq!(d.test, Some(Test::McNemar));
                assert_eq!(p_holm, 2.0 * p, "two tests, both as small");
                assert_eq!((d.delta, d.n), (0.75, 40));
                assert!(d.ci95[0] > 0.5 && d.ci95[1] < 0.95);
            }
        }
        assert!(table.family.ends_with("2 tests"), "{}", table.family);
    }

    #[test]
    fn rows_that_ask_other_things_do_not_pair() {
        let direction = Direction::TextToText;
        let rows = [row("a", direction, &[1, 2], &[0, 1]), row("b", direction, &[1, 2], &[0, 0])];
        assert!(matches!(table(&rows, None, 10, 0), Err(Error::NotPaired { .. })));
    }
}
