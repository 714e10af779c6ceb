//! Differences that a result made itself, of rows whose ranks it did not keep: a joined table cannot make
//! them again, and has them as they are. Their p is corrected anew, among all tests of the table.

use super::{Part, Unpaired, holders, label};
use crate::eval::significance::holm;
use crate::eval::{Difference, Direction, Table};
use std::collections::BTreeSet;

/// What the results made, by the labels their rows have in the table.
pub(super) struct Carried {
    differences: Vec<Difference>,
    /// Of replicates, pair by pair.
    pairs: Vec<Difference>,
}

/// All of it.
pub(super) fn of(parts: &[Part]) -> Carried {
    let held = holders(parts);
    let mut all = Carried { differences: Vec::new(), pairs: Vec::new() };
    for Part { name, document, .. } in parts {
        let named = |one: &Difference| {
            let of = |role: &str| label(name, role, &held);
            Difference { a: of(&one.a), b: of(&one.b), ..one.clone() }
        };
        all.differences.extend(document.differences.iter().map(named));
        let pairs = document.replicate_differences.iter().flat_map(|one| &one.pairs);
        all.pairs.extend(pairs.map(named));
    }
    all
}

/// Adds what the table cannot make: one of its rows is none of those that it `paired`.
pub(super) fn add(
    table: &mut Table,
    Carried { differences, pairs }: Carried,
    paired: &BTreeSet<(String, Direction)>,
) {
    let is_lacking = |one: &Difference| {
        let direction = one.of.direction;
        [&one.a, &one.b].into_iter().any(|role| !paired.contains(&(role.clone(), direction)))
    };
    table.pairs.extend(pairs.into_iter().filter(is_lacking));
    let before = table.differences.len();
    table.differences.extend(differences.into_iter().filter(is_lacking));
    if table.differences.len() == before {
        return;
    }
    table.differences.sort_by_key(|one| one.of.direction);
    let tested: Vec<f64> = table.differences.iter().filter_map(|one| one.p).collect();
    let mut adjusted = holm(&tested).into_iter();
    for one in table.differences.iter_mut().filter(|one| one.p.is_some()) {
        one.p_holm = adjusted.next();
    }
    let own = "recall@1 of rows without ranks as their own results tested them";
    let words = table.family.rsplit_once(": ").map_or("", |(words, _)| words);
    table.family = if before == 0 {
        format!("{own}: {} tests", tested.len())
    } else {
        format!("{words}, and {own}: {} tests", tested.len())
    };
}

impl Unpaired {
    /// What it is in, in a table with these differences.
    #[must_use]
    pub fn is_in<'a>(&self, differences: impl IntoIterator<Item = &'a Difference>) -> &'static str {
        let mut differences = differences.into_iter();
        let own = |one: &Difference| {
            one.of.direction == self.direction && (one.a == self.role || one.b == self.role)
        };
        if differences.any(own) { "only its own result's differences" } else { "no difference" }
    }
}

#[cfg(test)]
mod tests {
    use super::super::join;
    use super::super::tests::{part, ranks};
    use super::*;

    #[test]
    fn tests_that_results_made_remain_where_their_ranks_are_gone() {
        let of = |p: f64| -> Difference {
            serde_json::from_value(serde_json::json!({"a": "llm2clip", "b": "clip",
                "direction": "text-to-text", "metric": "recall@1", "delta": 0.1,
                "ci95": [0.0, 0.2], "test": "mcnemar", "p": p, "p_holm": p, "n": 40}))
            .unwrap()
        };
        let rows = [("clip", ranks(10)), ("llm2clip", ranks(14))];
        let mut parts = [0.02, 0.04].map(|p| {
            let mut part = part(if p < 0.03 { "one" } else { "two" }, &rows);
            (part.document.differences, part.ranks) = (vec![of(p)], Vec::new());
            part
        });
        let found = join(parts.to_vec(), None, 10, 0).unwrap();
        let held: Vec<_> =
            found.differences.iter().map(|one| (&*one.a, &*one.b, one.p_holm)).collect();
        assert_eq!(
            held,
            [("one/llm2clip", "one/clip", Some(0.04)), ("two/llm2clip", "two/clip", Some(0.04)),]
        );
        assert!(found.family.ends_with("as their own results tested them: 2 tests"));
        let unpaired = &found.joined.as_ref().unwrap().unpaired;
        assert_eq!(unpaired.len(), 4);
        assert_eq!(unpaired[0].is_in(&found.differences), "only its own result's differences");
        assert_eq!(unpaired[0].is_in([]), "no difference");
        // Where ranks are there, tests are made again, and corrected with the others.
        parts[0].ranks = part("one", &rows).ranks;
        let found = join(parts.to_vec(), None, 10, 0).unwrap();
        let tested: Vec<_> = found.differences.iter().filter(|one| one.p.is_some()).collect();
        assert_eq!(tested.len(), 2);
        assert!(tested[0].a == "one/llm2clip" && tested[0].p != Some(0.02), "{tested:?}");
        assert!(
            found.family.contains("the row before it, in all directions, and recall@1 of rows")
        );
    }

    #[test]
    fn so_do_those_of_replicates_pair_by_pair() {
        let pair = |number: u32, p: f64| {
            serde_json::json!({"a": format!("llm#{number}"), "b": format!("clip#{number}"),
                "direction": "text-to-text", "metric": "recall@1", "delta": 0.1,
                "ci95": [0.0, 0.2], "test": "mcnemar", "p": p, "p_holm": p, "n": 40})
        };
        let names = serde_json::json!({"a": "llm", "b": "clip", "direction": "text-to-text",
            "metric": "recall@1", "numbers": [1, 2], "values": [0.1, 0.1], "mean": 0.1, "min": 0.1,
            "max": 0.1, "positive": 2, "negative": 0, "zero": 0,
            "pairs": [pair(1, 0.01), pair(2, 0.03)]});
        let rows = ["clip#1", "clip#2", "llm#1", "llm#2"].map(|role| (role, ranks(9)));
        let mut one = part("one", &rows);
        one.document.replicate_differences = vec![serde_json::from_value(names).unwrap()];
        one.ranks = Vec::new();
        let found = join(vec![one, part("two", &[("other", ranks(3))])], None, 10, 0).unwrap();
        let pairs = found.replicate_differences.iter().flat_map(|names| &names.pairs);
        let held: Vec<_> = pairs.map(|one| (&*one.a, &*one.b, one.p_holm)).collect();
        assert_eq!(held, [("llm#1", "clip#1", Some(0.02)), ("llm#2", "clip#2", Some(0.03))]);
    }
}
