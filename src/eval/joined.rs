//! Rows of several results in one table: where their protocols are equal, and only there.
//!
//! Every row keeps its figures as they were measured. Differences are of rows whose ranks were kept,
//! query by query: two figures alone have no paired interval and no test. Of the others those remain that
//! their own results made.

mod carried;

use super::document::COMPARE_FORMAT;
use super::kept::{lend_units, units_of};
use super::published::published;
use super::replicates::{replicates, with_pairs};
use super::{CompareDocument, CompareRow, Direction, Error, Metric, Metrics, RankedRow, table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use super::kept::KeptRanks;

/// What a joined table stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The results, in their order.
    pub results: Vec<JoinedResult>,
    /// Rows that could not be held against those of other results, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unpaired: Vec<Unpaired>,
}

/// One of the results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedResult {
    /// What stands before a row's label where several results have a row of that label.
    pub label: String,
    /// `SESSION/RESULT`, in full.
    pub result: String,
}

/// A row that could not be held against others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpaired {
    /// Its label.
    pub role: String,
    /// Its direction.
    pub direction: Direction,
    /// Why.
    pub why: String,
}

/// A result that is to be joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Which one.
    pub name: JoinedResult,
    /// Its document.
    pub document: CompareDocument,
    /// The ranks of its rows, where they were kept.
    pub ranks: Vec<KeptRanks>,
}

/// Why results do not stand in one table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JoinError {
    /// Fewer than two.
    #[error("--results: expected two results at least, found {0}")]
    Few(usize),
    /// One of them twice, or two of one label.
    #[error(
        "--results: {0:?} stands there twice; name each result once, under a LABEL= of its own"
    )]
    Twice(String),
    /// They were not measured alike.
    #[error("results whose protocols differ do not stand in one table:{0}")]
    Protocols(String),
    /// A baseline that cannot be one.
    #[error(
        "--baseline: expected the label of a row whose ranks were kept, found {found:?}: {why}"
    )]
    Baseline {
        /// What was asked for.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// The arithmetic refused.
    #[error(transparent)]
    Eval(#[from] Error),
}

/// One row of the table, with its ranks and their units where it can be held against others.
struct Placed {
    row: CompareRow,
    ranks: Result<Paired, String>,
}

struct Paired {
    queries: Vec<String>,
    ranks: Vec<u32>,
    units: Vec<u32>,
}

/// Joins results into one document.
///
/// # Errors
/// Fewer than two results, one of them twice, protocols or tasks that differ (every key is named, with
/// both values), a baseline that no row with ranks bears.
pub fn join(
    mut parts: Vec<Part>,
    baseline: Option<&str>,
    resamples: usize,
    seed: u64,
) -> Result<CompareDocument, JoinError> {
    let [first, others @ ..] = &parts[..] else { return Err(JoinError::Few(0)) };
    if others.is_empty() {
        return Err(JoinError::Few(1));
    }
    for (at, part) in parts.iter().enumerate() {
        let mut before = parts[..at].iter().map(|other| &other.name);
        let same =
            |name: &JoinedResult| name.result == part.name.result || name.label == part.name.label;
        if before.any(same) {
            return Err(JoinError::Twice(part.name.label.clone()));
        }
    }
    let differing: String = others.iter().map(|other| differences(first, other)).collect();
    if !differing.is_empty() {
        return Err(JoinError::Protocols(differing));
    }
    let (task, protocol) = (first.document.task, first.document.protocol.clone());
    let left_out = first.document.left_out.clone();
    let same_rows = same_rows(&parts);
    let carried = carried::of(&parts);
    let results = parts.iter().map(|part| part.name.clone()).collect();
    lend_units(parts.iter_mut().flat_map(|part| &mut part.ranks));
    let mut placed = placed(parts);
    align(&mut placed);
    if let Some(found) = baseline {
        check_baseline(found, &placed)?;
    }
    let paired: Vec<RankedRow<'_>> = placed
        .iter()
        .filter_map(|Placed { row, ranks }| {
            let Paired { ranks, units, .. } = ranks.as_ref().ok()?;
            Some(RankedRow { role: &row.role, direction: row.direction, ranks, units })
        })
        .collect();
    let mut table = table(&paired, baseline, resamples, seed)?;
    let labels = paired.iter().map(|row| (row.role.to_owned(), row.direction)).collect();
    carried::add(&mut table, carried, &labels);
    let unpaired = placed.iter().filter_map(|Placed { row, ranks }| {
        let why = ranks.as_ref().err()?.clone();
        Some(Unpaired { role: row.role.clone(), direction: row.direction, why })
    });
    let joined = Joined { results, unpaired: unpaired.collect() };
    let rows: Vec<CompareRow> = placed.into_iter().map(|placed| placed.row).collect();
    let plain: Vec<_> =
        rows.iter().map(|row| (row.role.as_str(), row.direction, row.metrics)).collect();
    let (replicates, mut replicate_differences) = replicates(&plain, baseline);
    with_pairs(&mut replicate_differences, &table.pairs);
    Ok(CompareDocument {
        format: COMPARE_FORMAT.to_owned(),
        task,
        published: published(task, &protocol),
        protocol,
        given: None,
        rows,
        differences: table.differences,
        family: table.family,
        replicates,
        replicate_differences,
        same_rows,
        qrels: None,
        sweep: None,
        left_out,
        joined: Some(joined),
        resamples,
        seed,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// A line a key in which two results differ.
fn differences(first: &Part, other: &Part) -> String {
    let mut lines = String::new();
    let mut line = |key: &str, [a, b]: [&dyn std::fmt::Display; 2]| {
        let (one, two) = (&first.name.label, &other.name.label);
        let _ = write!(lines, "\n  {key}: {a} in {one}, {b} in {two}");
    };
    let tasks = [&first.document.task, &other.document.task];
    if tasks[0] != tasks[1] {
        line("task", [&tasks[0].name(), &tasks[1].name()]);
    }
    for (key, [a, b]) in first.document.protocol.differing_keys(&other.document.protocol) {
        line(key, [&a, &b]);
    }
    lines
}

/// What a row is called in the table: its result stands before it where several have its label.
fn label(name: &JoinedResult, role: &str, held: &BTreeMap<String, usize>) -> String {
    if held.get(role).is_some_and(|&count| count > 1) {
        return format!("{}/{role}", name.label);
    }
    role.to_owned()
}

/// How many results have a row of a label.
fn holders(parts: &[Part]) -> BTreeMap<String, usize> {
    let mut held = BTreeMap::new();
    for part in parts {
        let mut roles: Vec<&String> = part.document.rows.iter().map(|row| &row.role).collect();
        roles.sort();
        roles.dedup();
        for role in roles {
            *held.entry(role.clone()).or_insert(0) += 1;
        }
    }
    held
}

fn same_rows(parts: &[Part]) -> Vec<Vec<String>> {
    let held = holders(parts);
    let groups = parts.iter().flat_map(|part| {
        part.document.same_rows.iter().map(|labels| {
            labels.iter().map(|role| label(&part.name, role, &held)).collect::<Vec<_>>()
        })
    });
    groups.collect()
}

/// All rows, direction by direction, results in their order.
fn placed(parts: Vec<Part>) -> Vec<Placed> {
    let held = holders(&parts);
    let mut placed = Vec::new();
    for Part { name, document, mut ranks } in parts {
        for mut row in document.rows {
            let kept = ranks
                .iter()
                .position(|kept| kept.role == row.role && kept.direction == row.direction)
                .map(|at| ranks.swap_remove(at));
            let ranks = paired(&row, kept);
            row.role = label(&name, &row.role, &held);
            row.result.get_or_insert_with(|| name.result.clone());
            placed.push(Placed { row, ranks });
        }
    }
    placed.sort_by_key(|placed| placed.row.direction);
    placed
}

/// A row's ranks, where they are whole and the units of its queries are known.
fn paired(row: &CompareRow, kept: Option<KeptRanks>) -> Result<Paired, String> {
    let Some(kept) = kept else {
        return Err("its result has no file of neighbours, which holds the ranks".to_owned());
    };
    let of = Metrics::of(&kept.ranks);
    let same = |metric| (of.get(metric) - row.metrics.get(metric)).abs() < 1e-9;
    if kept.queries.len() != kept.ranks.len() || !Metric::ALL.into_iter().all(same) {
        return Err("the ranks that were kept do not give its figures".to_owned());
    }
    let units = units_of(&kept, row.units)?;
    Ok(Paired { queries: kept.queries, ranks: kept.ranks, units })
}

/// Rows that ask other queries than their direction's first one are in no difference.
fn align(placed: &mut [Placed]) {
    for direction in Direction::ALL {
        let mut first: Option<(String, Vec<String>, Vec<u32>)> = None;
        for one in placed.iter_mut().filter(|one| one.row.direction == direction) {
            let Ok(Paired { queries, units, .. }) = &one.ranks else { continue };
            let why = match &first {
                None => {
                    first = Some((one.row.role.clone(), queries.clone(), units.clone()));
                    continue;
                }
                Some((role, asked, _)) if asked != queries => {
                    format!("it asks other queries than {role}")
                }
                Some((role, _, of)) if of != units => {
                    format!("its queries are of other units than those of {role}")
                }
                Some(_) => continue,
            };
            one.ranks = Err(why);
        }
    }
}

fn check_baseline(found: &str, placed: &[Placed]) -> Result<(), JoinError> {
    let of = |fits: &dyn Fn(&Placed) -> bool| {
        let mut labels: Vec<&str> = Vec::new();
        for one in placed.iter().filter(|one| fits(one)) {
            if !labels.contains(&one.row.role.as_str()) {
                labels.push(&one.row.role);
            }
        }
        labels.join(", ")
    };
    let mut rows = placed.iter().filter(|one| one.row.role == found).peekable();
    let why = if rows.peek().is_none() {
        format!("there are {}", of(&|_| true))
    } else if let Some(why) = rows.find_map(|one| one.ranks.as_ref().err()) {
        format!("{why}; those with ranks are {}", of(&|one| one.ranks.is_ok()))
    } else {
        return Ok(());
    };
    Err(JoinError::Baseline { found: found.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::significance::Test;
    use crate::eval::{Intervals, Protocol, Task};

    const DIRECTION: Direction = Direction::TextToText;

    fn row(role: &str, ranks: &[u32]) -> CompareRow {
        CompareRow {
            role: role.to_owned(),
            result: None,
            encoder: serde_json::Value::Null,
            direction: DIRECTION,
            metrics: Metrics::of(ranks),
            ci95: Intervals::default(),
            tied_share: 0.0,
            mean_cosine: None,
            items: ranks.len(),
            queries: ranks.len(),
            units: ranks.len(),
            ms_per_item: None,
            ms_per_query: None,
            search_ms_per_query: None,
            index_ms: None,
            bytes_per_item: None,
            truncated: 0,
            geometry: None,
            hub_skewness: None,
            scores: None,
            quantised: Vec::new(),
        }
    }

    pub(super) fn part(label: &str, rows: &[(&str, Vec<u32>)]) -> Part {
        let kept = |(role, ranks): &(&str, Vec<u32>)| KeptRanks {
            role: (*role).to_owned(),
            direction: DIRECTION,
            queries: (0..ranks.len()).map(|n| format!("{n}#0")).collect(),
            ranks: ranks.clone(),
            units: Vec::new(),
        };
        let document = CompareDocument {
            format: COMPARE_FORMAT.to_owned(),
            task: Task::Caption,
            protocol: Protocol::new("pets", Some("test"), "ab", "first-two"),
            given: None,
            rows: rows.iter().map(|(role, ranks)| row(role, ranks)).collect(),
            differences: Vec::new(),
            family: String::new(),
            replicates: Vec::new(),
            replicate_differences: Vec::new(),
            same_rows: Vec::new(),
            qrels: None,
            published: Vec::new(),
            sweep: None,
            left_out: None,
            joined: None,
            resamples: 10,
            seed: 0,
            program: String::new(),
        };
        let name = JoinedResult { label: label.to_owned(), result: format!("session/{label}") };
        Part { name, document, ranks: rows.iter().map(kept).collect() }
    }

    /// The ranks of forty queries, the first `right` of them right.
    pub(super) fn ranks(right: usize) -> Vec<u32> {
        (0..40).map(|query| if query < right { 1 } else { 7 }).collect()
    }

    #[test]
    fn rows_of_equal_protocols_stand_in_one_table_and_are_tested_query_by_query() {
        let one = part("one", &[("clip#1", ranks(10)), ("words", ranks(5))]);
        let two = part("two", &[("clip#2", ranks(40)), ("words", ranks(5))]);
        let found = join(vec![one, two], None, 200, 0).unwrap();
        let rows: Vec<_> = found.rows.iter().map(|row| row.role.as_str()).collect();
        assert_eq!(rows, ["clip#1", "one/words", "clip#2", "two/words"]);
        assert_eq!(found.rows[3].result.as_deref(), Some("session/two"));
        assert_eq!(found.replicates[0].of, ["clip#1", "clip#2"]);
        let better = found
            .differences
            .iter()
            .find(|one| one.a == "clip#2" && one.b == "clip#1" && one.of.metric == Metric::Recall1)
            .unwrap();
        assert_eq!((better.delta, better.n, better.test), (0.75, 40, Some(Test::McNemar)));
        assert!(better.p_holm >= better.p && better.ci95[0] > 0.5, "{better:?}");
        let joined = found.joined.unwrap();
        assert!(joined.unpaired.is_empty());
        assert_eq!(joined.results[1].result, "session/two");
    }

    #[test]
    fn results_that_were_not_measured_alike_are_refused_with_every_key_and_both_values() {
        let one = part("one", &[("clip", ranks(10))]);
        let mut two = part("two", &[("clip", ranks(10))]);
        two.document.task = Task::Image;
        two.document.protocol.pool = Some(40);
        two.document.protocol.captions = "any".to_owned();
        let error = join(vec![one.clone(), two], None, 10, 0).unwrap_err().to_string();
        for line in [
            "task: caption in one, image in two",
            "pool: null in one, 40 in two",
            "captions: \"first-two\" in one, \"any\" in two",
        ] {
            assert!(error.contains(line), "{error}");
        }
        assert_eq!(error.lines().count(), 4, "{error}");
        assert_eq!(join(vec![one.clone()], None, 10, 0), Err(JoinError::Few(1)));
        let again = join(vec![one.clone(), one], None, 10, 0);
        assert_eq!(again, Err(JoinError::Twice("one".to_owned())));
    }

    #[test]
    fn rows_without_their_ranks_are_shown_and_not_tested() {
        let one = part("one", &[("clip", ranks(10))]);
        let mut two = part("two", &[("llm2clip", ranks(40)), ("other", ranks(3))]);
        two.ranks.remove(0);
        // Two items are one unit, and nothing says which.
        let mut three = part("three", &[("grouped", ranks(9))]);
        three.document.rows[0].units = 20;
        let mut four = part("four", &[("elsewhere", ranks(4))]);
        four.ranks[0].queries[0] = "other#0".to_owned();
        let parts = vec![one, two, three, four];
        let found = join(parts.clone(), None, 10, 0).unwrap();
        assert_eq!(found.rows.len(), 5);
        let pairs: Vec<_> = found.differences.iter().map(|one| (&*one.a, &*one.b)).collect();
        assert!(pairs.iter().all(|pair| *pair == ("other", "clip")) && pairs.len() == 5);
        let why: Vec<_> =
            found.joined.unwrap().unpaired.into_iter().map(|one| (one.role, one.why)).collect();
        assert_eq!(why.len(), 3);
        assert!(why[0].0 == "llm2clip" && why[0].1.contains("neighbours"), "{why:?}");
        assert!(why[1].0 == "grouped" && why[1].1.contains("40 items in 20 units"), "{why:?}");
        assert!(why[2].0 == "elsewhere" && why[2].1.contains("other queries"), "{why:?}");
        let error = join(parts.clone(), Some("llm2clip"), 10, 0).unwrap_err().to_string();
        assert!(error.contains("those with ranks are clip, other"), "{error}");
        let error = join(parts, Some("nobody"), 10, 0).unwrap_err().to_string();
        assert!(error.contains("there are clip, llm2clip"), "{error}");
    }

    #[test]
    fn items_of_one_unit_are_resampled_and_tested_as_one() {
        // Twenty units of two items; the first model is right in one item of each, the second in both.
        let half: Vec<u32> = (0..40).map(|query| 1 + 6 * (query % 2)).collect();
        let mut parts =
            vec![part("one", &[("clip", half)]), part("two", &[("llm2clip", ranks(40))])];
        for part in &mut parts {
            part.document.rows[0].units = 20;
        }
        parts[1].ranks[0].units = (0..40).map(|query| query / 2).collect();
        // The first is of an earlier version, and the second says what its units are.
        let found = join(parts, None, 200, 0).unwrap();
        let first = &found.differences[0];
        assert_eq!((first.a.as_str(), first.b.as_str()), ("llm2clip", "clip"));
        assert_eq!((first.delta, first.n, first.test), (0.5, 20, Some(Test::SignFlip)));
        // Every unit gains alike: nothing is left to chance in resampling units.
        assert_eq!(first.ci95, [0.5, 0.5]);
        assert!(found.joined.unwrap().unpaired.is_empty());
    }
}
