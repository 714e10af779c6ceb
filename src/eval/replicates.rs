//! Runs of one thing with several seeds: labels `NAME#N` are replicates of NAME. Every value stays
//! beside its mean.
//!
//! Replicates of two names are paired by their numbers, and each pair has its interval and its test
//! over the queries, as any two rows have. Over a handful of seeds there is no p-value worth its name,
//! so there is none: how many pairs differ which way is said instead.

use super::significance::holm;
use super::{Difference, Direction, Metric, Metrics, PerMetric};
use serde::{Deserialize, Serialize};

/// One name's replicates in one direction; at least two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replicates {
    /// The name.
    pub role: String,
    /// The labels of the rows, in their order.
    pub of: Vec<String>,
    /// The rows' direction.
    pub direction: Direction,
    /// The values of each metric, in the order of `of`.
    pub metrics: PerMetric<Spread>,
}

/// Values of replicates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Each of them.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// Replicates of `a` less those of `b`, number by number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicateDifference {
    /// The name.
    pub a: String,
    /// The name it is held against.
    pub b: String,
    /// The direction of both.
    pub direction: Direction,
    /// The metric.
    pub metric: Metric,
    /// The numbers of the pairs.
    pub numbers: Vec<u32>,
    /// `a` less `b` of each pair.
    #[serde(flatten)]
    pub deltas: Spread,
    /// Pairs in which `a` has more.
    pub positive: usize,
    /// Pairs in which `b` has more.
    pub negative: usize,
    /// Pairs in which both have the same.
    pub zero: usize,
    /// The pairs one by one with interval and test, as far as their ranks are at hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Difference>,
    /// What Holm's correction of the pairs' tests runs over, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub family: String,
}

/// Name and number of a replicate's label; none for any other label.
#[must_use]
pub fn replicate(label: &str) -> Option<(&str, u32)> {
    let (name, number) = label.rsplit_once('#')?;
    let plain = !name.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    Some((name, number.parse().ok().filter(|_| plain)?))
}

impl Spread {
    /// Of these values.
    #[must_use]
    pub fn of(values: Vec<f64>) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let ends = values.iter().copied();
        let min = ends.clone().reduce(f64::min).unwrap_or(0.0);
        let max = ends.reduce(f64::max).unwrap_or(0.0);
        Self { values, mean, min, max }
    }
}

/// A name's rows in one direction: number and place, in the rows' order.
struct Group<'a> {
    name: &'a str,
    rows: Vec<(u32, usize)>,
}

impl Group<'_> {
    /// The rows by their numbers; none where a number stands twice.
    fn by_number(&self) -> Option<Vec<(u32, usize)>> {
        let mut rows = self.rows.clone();
        rows.sort_unstable();
        rows.windows(2).all(|pair| pair[0].0 != pair[1].0).then_some(rows)
    }
}

/// Two names whose replicates bear the same numbers.
pub(super) struct NamePair<'a> {
    pub direction: Direction,
    pub a: &'a str,
    pub b: &'a str,
    /// Each number, and the places of its rows.
    pub pairs: Vec<(u32, [usize; 2])>,
}

/// The names with two replicates at least in one direction, in the rows' order.
fn groups<'a>(rows: &[(&'a str, Direction)], direction: Direction) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (at, &(label, _)) in rows.iter().enumerate().filter(|(_, row)| row.1 == direction) {
        let Some((name, number)) = replicate(label) else { continue };
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.rows.push((number, at)),
            None => groups.push(Group { name, rows: vec![(number, at)] }),
        }
    }
    groups.retain(|group| group.rows.len() > 1);
    groups
}

/// The names that are held against each other: each against the name of `baseline` (of a direction's
/// first row where there is none) and against the name before it. Names whose replicates do not bear
/// the same numbers are not paired.
pub(super) fn name_pairs<'a>(
    rows: &[(&'a str, Direction)],
    baseline: Option<&str>,
) -> Vec<NamePair<'a>> {
    let mut found = Vec::new();
    for direction in Direction::ALL {
        let groups = groups(rows, direction);
        let first = rows.iter().find(|row| row.1 == direction).map(|row| row.0);
        let base = baseline.or(first).and_then(replicate);
        let base = base.and_then(|(name, _)| groups.iter().position(|group| group.name == name));
        for (at, a) in groups.iter().enumerate() {
            let mut held: Vec<usize> = base.into_iter().chain(at.checked_sub(1)).collect();
            held.dedup();
            for b in held.into_iter().filter(|&other| other != at).map(|other| &groups[other]) {
                let Some((first, second)) = a.by_number().zip(b.by_number()) else { continue };
                let numbers = first.iter().map(|&(number, _)| number);
                if !numbers.eq(second.iter().map(|&(number, _)| number)) {
                    continue;
                }
                let pairs = first.iter().zip(&second).map(|(a, b)| (a.0, [a.1, b.1])).collect();
                found.push(NamePair { direction, a: a.name, b: b.name, pairs });
            }
        }
    }
    found
}

/// The replicates among rows (label, direction, values), and the differences of names: each against the
/// name of `baseline` (of the first row where there is none) and against the name before it. Names whose
/// replicates do not bear the same numbers are not paired.
#[must_use]
pub fn replicates(
    rows: &[(&str, Direction, Metrics)],
    baseline: Option<&str>,
) -> (Vec<Replicates>, Vec<ReplicateDifference>) {
    let labels: Vec<(&str, Direction)> = rows.iter().map(|row| (row.0, row.1)).collect();
    let value = |at: usize, metric| *rows[at].2.get(metric);
    let mut found = Vec::new();
    for direction in Direction::ALL {
        found.extend(groups(&labels, direction).into_iter().map(|group| Replicates {
            role: group.name.to_owned(),
            of: group.rows.iter().map(|&(_, at)| rows[at].0.to_owned()).collect(),
            direction,
            metrics: PerMetric::from_fn(|metric| {
                Spread::of(group.rows.iter().map(|&(_, at)| value(at, metric)).collect())
            }),
        }));
    }
    let mut differences = Vec::new();
    for names in name_pairs(&labels, baseline) {
        differences.extend(Metric::ALL.map(|metric| {
            let places = names.pairs.iter().map(|&(_, places)| places);
            let deltas: Vec<f64> =
                places.map(|[a, b]| value(a, metric) - value(b, metric)).collect();
            ReplicateDifference {
                a: names.a.to_owned(),
                b: names.b.to_owned(),
                direction: names.direction,
                metric,
                numbers: names.pairs.iter().map(|&(number, _)| number).collect(),
                positive: deltas.iter().filter(|&&delta| delta > 0.0).count(),
                negative: deltas.iter().filter(|&&delta| delta < 0.0).count(),
                zero: deltas.iter().filter(|&&delta| delta == 0.0).count(),
                deltas: Spread::of(deltas),
                pairs: Vec::new(),
                family: String::new(),
            }
        }));
    }
    (found, differences)
}

/// Gives differences of names their pairs, out of a table's (`NAME#k` less `BASELINE#k`), and corrects
/// the pairs' tests: all of them, over all directions, are one family of their own.
pub fn with_pairs(differences: &mut [ReplicateDifference], pairs: &[Difference]) {
    for one in &mut *differences {
        let is_of = |pair: &&Difference| {
            let names = replicate(&pair.a).zip(replicate(&pair.b));
            (pair.of.direction, pair.of.metric) == (one.direction, one.metric)
                && names.is_some_and(|(a, b)| a.0 == one.a && b.0 == one.b && a.1 == b.1)
        };
        one.pairs = pairs.iter().filter(is_of).cloned().collect();
    }
    let tested: Vec<f64> =
        differences.iter().flat_map(|one| &one.pairs).filter_map(|pair| pair.p).collect();
    let mut adjusted = holm(&tested).into_iter();
    for one in differences.iter_mut().filter(|one| one.pairs.iter().any(|pair| pair.p.is_some())) {
        one.family = format!(
            "{} of each replicate against the same number of the first name or the baseline's, and of the name before it, in all directions: {} tests",
            one.metric,
            tested.len()
        );
        for pair in one.pairs.iter_mut().filter(|pair| pair.p.is_some()) {
            pair.p_holm = adjusted.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, recall_1: f64) -> (&str, Direction, Metrics) {
        (label, Direction::TextToText, Metrics { recall_1, ..Metrics::default() })
    }

    #[test]
    fn a_label_with_a_number_behind_its_last_hash_is_a_replicate() {
        assert_eq!(replicate("llm2clip#12"), Some(("llm2clip", 12)));
        assert_eq!(replicate("a#1#2"), Some(("a#1", 2)));
        for label in ["llm2clip", "#1", "a#", "a#b", "a#+1", "a#1 ", "a#99999999999"] {
            assert_eq!(replicate(label), None, "{label}");
        }
    }

    #[test]
    fn every_value_stays_and_pairs_go_by_number() {
        let rows = [
            row("clip#1", 0.25),
            row("clip#2", 0.5),
            row("llm#2", 0.75),
            row("llm#1", 0.125),
            row("plain", 0.9),
            row("alone#1", 0.9),
            row("best#1", 0.5),
            row("best#2", 0.5),
        ];
        let (found, differences) = replicates(&rows, None);
        let names: Vec<&str> = found.iter().map(|one| one.role.as_str()).collect();
        assert_eq!(names, ["clip", "llm", "best"]);
        assert_eq!(found[1].of, ["llm#2", "llm#1"]);
        let recall = &found[1].metrics.recall_1;
        assert_eq!((&recall.values, recall.mean), (&vec![0.75, 0.125], 0.4375));
        assert_eq!((recall.min, recall.max), (0.125, 0.75));
        let pairs: Vec<(&str, &str)> = differences
            .iter()
            .filter(|one| one.metric == Metric::Recall1)
            .map(|one| (one.a.as_str(), one.b.as_str()))
            .collect();
        assert_eq!(pairs, [("llm", "clip"), ("best", "clip"), ("best", "llm")]);
        let first = &differences[0];
        assert_eq!((&first.numbers, &first.deltas.values), (&vec![1, 2], &vec![-0.125, 0.25]));
        assert_eq!((first.positive, first.negative, first.zero), (1, 1, 0));
        let json = serde_json::to_value(first).unwrap();
        assert_eq!(json["values"], serde_json::json!([-0.125, 0.25]));
        assert_eq!(serde_json::from_value::<ReplicateDifference>(json).unwrap(), *first);
    }

    #[test]
    fn another_baseline_is_held_against_and_other_numbers_do_not_pair() {
        let rows = [
            row("a#1", 0.1),
            row("a#2", 0.2),
            row("b#1", 0.3),
            row("b#2", 0.3),
            row("c#1", 0.1),
            row("c#3", 0.1),
            row("d#1", 0.1),
            row("d#1", 0.2),
        ];
        let (found, differences) = replicates(&rows, Some("b#2"));
        assert_eq!(found.len(), 4);
        let pairs: Vec<(&str, &str)> = differences
            .iter()
            .filter(|one| one.metric == Metric::Mrr)
            .map(|one| (one.a.as_str(), one.b.as_str()))
            .collect();
        assert_eq!(pairs, [("a", "b"), ("b", "a")]);
        assert!(replicates(&rows[..1], None).0.is_empty());
        assert_eq!(replicates(&[], None), (vec![], vec![]));
    }
    #[test]
    fn pairs_of_one_number_are_tested_in_a_family_of_their_own() {
        use crate::eval::{RankedRow, table};
        let direction = Direction::TextToText;
        let units: Vec<u32> = (0..40).collect();
        let right = |right: u32| -> Vec<u32> {
            units.iter().map(|&query| if query < right { 1 } else { 5 }).collect()
        };
        let ranks = [("a#1", 10), ("a#2", 12), ("b#1", 30), ("b#2", 12)]
            .map(|(role, count)| (role, right(count)));
        let rows: Vec<RankedRow<'_>> = ranks
            .iter()
            .map(|(role, ranks)| RankedRow { role, direction, ranks, units: &units })
            .collect();
        let table = table(&rows, None, 200, 0).unwrap();
        let metrics: Vec<_> =
            ranks.iter().map(|(role, ranks)| (*role, direction, Metrics::of(ranks))).collect();
        let (_, mut found) = replicates(&metrics, None);
        with_pairs(&mut found, &table.pairs);
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|one| one.pairs.len() == 2));
        let recall = &found[0];
        let names: Vec<_> = recall.pairs.iter().map(|one| (&*one.a, &*one.b)).collect();
        assert_eq!(names, [("b#1", "a#1"), ("b#2", "a#2")]);
        let deltas: Vec<f64> = recall.pairs.iter().map(|one| one.delta).collect();
        assert_eq!(deltas, recall.deltas.values);
        assert!(recall.family.ends_with(": 2 tests") && found[1].family.is_empty());
        // The same numbers as of any two rows, corrected over two tests and not over the table's.
        let of_rows = |a: &str, b: &str| {
            table.differences.iter().find(|one| one.a == a && one.b == b).unwrap()
        };
        let plain = of_rows("b#1", "a#1");
        assert_eq!((recall.pairs[0].p, recall.pairs[0].ci95), (plain.p, plain.ci95));
        assert_eq!(recall.pairs[0].p_holm, plain.p.map(|p| 2.0 * p));
        assert_ne!(recall.pairs[0].p_holm, plain.p_holm);
        assert_eq!((recall.pairs[1].delta, recall.pairs[1].p_holm), (0.0, Some(1.0)));
        assert!(found[1].pairs.iter().all(|one| one.p.is_none() && one.p_holm.is_none()));
        let json = serde_json::to_value(recall).unwrap();
        assert_eq!(json["pairs"][0]["direction"], "text-to-text");
        assert_eq!(serde_json::from_value::<ReplicateDifference>(json).unwrap(), *recall);
    }
}
