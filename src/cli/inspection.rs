//! An inspection in words: both encoders' lists of a query with what differs, or all queries counted.

use super::text::{percent, safe, same_rows};
use crate::eval::document::Summary;
use crate::eval::{InspectDocument, InspectHit};
use std::fmt::Write;

/// Writes both lists of a query with what differs, or all queries counted.
pub fn write(text: &mut String, document: &InspectDocument) {
    if let Some(query) = &document.query {
        let parts = ["id", "text", "image"].map(|key| query[key].as_str().map(safe));
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let _ = writeln!(text, "query    {}", parts.join("  "));
    }
    if let Some(difference) = &document.difference {
        let [a, b] = difference.first_relevant;
        if a.or(b).is_some() {
            let _ = writeln!(text, "first relevant  {} then {}", rank(a), rank(b));
        }
        let [a, b] = difference.margin;
        if a.or(b).is_some() {
            let margin = |margin: Option<f32>| {
                margin.map_or_else(|| "-".to_owned(), |margin| format!("{margin:+.4}"))
            };
            let _ = writeln!(text, "margin   {} then {}", margin(a), margin(b));
        }
        let _ = writeln!(text, "overlap  {} %", percent(difference.overlap));
    }
    for (place, list) in document.lists.iter().enumerate() {
        if list.hits.is_empty() {
            continue;
        }
        let cut = if list.truncated { "  the query was cut at its limit" } else { "" };
        let _ = writeln!(text, "{}  {:.3} ms{cut}", safe(&list.role), list.ms);
        let _ = writeln!(text, "  {:>7}   {:>7}  {:>5}  item", "rank", "score", "other");
        for hit in &list.hits {
            let mark = if hit.relevant == Some(true) { "*" } else { " " };
            let _ = writeln!(
                text,
                "  {:>7} {mark} {:>7.4}  {:>5}  {}",
                ranks(hit),
                hit.score,
                elsewhere(document, place, &hit.item),
                safe(&hit.item)
            );
        }
    }
    text.push_str(&same_rows(&document.same_rows));
    if let Some(summary) = &document.summary {
        counted(text, summary);
    }
    if let Some(second) = &document.qrels {
        let _ = writeln!(text, "\njudged by {}", safe(&second.protocol.judgements));
        counted(text, &second.summary);
    }
}

/// All queries by slice, and those of one.
fn counted(text: &mut String, summary: &Summary) {
    let _ = writeln!(
        text,
        "queries  {}  overlap@{}  {}",
        summary.queries,
        summary.k,
        percent(summary.overlap)
    );
    for (slice, count) in &summary.slices {
        let _ = writeln!(text, "{:<11}  {count}", slice.name());
    }
    for row in &summary.rows {
        let query = safe(&row.query);
        let _ = match row.first_relevant {
            [Some(a), Some(b)] => writeln!(text, "  {query:<30}  {a:>5} -> {b}"),
            _ => writeln!(text, "  {query:<30}  shares {} %", percent(row.overlap)),
        };
    }
}

/// A hit's rank; with ties, the whole span it stands for.
fn ranks(hit: &InspectHit) -> String {
    if hit.rank == hit.rank_high {
        hit.rank.to_string()
    } else {
        format!("{}-{}", hit.rank, hit.rank_high)
    }
}

/// An item's rank in the other of two lists; a dash where it is not in it.
fn elsewhere(document: &InspectDocument, list: usize, item: &str) -> String {
    let rows = document.difference.iter().flat_map(|difference| &difference.rows);
    let rank = rows
        .filter(|row| row.item == item)
        .find_map(|row| row.rank.iter().enumerate().find(|(place, _)| *place != list)?.1.as_ref());
    self::rank(rank.copied())
}

/// A rank, or a dash where there is none.
fn rank(rank: Option<u32>) -> String {
    rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::document::{DifferenceRow, INSPECT_FORMAT, ListDifference};
    use crate::eval::{Direction, InspectList, Protocol};

    #[test]
    fn a_query_has_both_ranks_of_every_item_ties_and_margins() {
        let hit = |item: &str, rank: u32, rank_high: u32, score: f32| InspectHit {
            item: item.to_owned(),
            rank,
            rank_high,
            score,
            relevant: Some(item == "cat"),
        };
        let list = |role: &str, hits: Vec<InspectHit>| InspectList {
            role: role.to_owned(),
            encoder: serde_json::Value::Null,
            ms: 0.5,
            truncated: false,
            hits,
        };
        let row = |item: &str, rank| DifferenceRow { item: item.to_owned(), rank };
        let document = InspectDocument {
            format: INSPECT_FORMAT.to_owned(),
            id: None,
            protocol: Protocol::new("pets", None, "ab", "any"),
            given: None,
            direction: Direction::TextToImage,
            query: None,
            lists: vec![
                list("clip", vec![hit("dog", 1, 1, 0.5), hit("cat", 2, 4, 0.25)]),
                list("llm2clip", vec![hit("cat", 1, 1, -0.125), hit("cow", 2, 2, -0.5)]),
            ],
            difference: Some(ListDifference {
                overlap: 0.5,
                first_relevant: [Some(4), Some(1)],
                margin: [Some(-0.25), Some(0.375)],
                rows: vec![
                    row("dog", [Some(1), None]),
                    row("cat", [Some(2), Some(1)]),
                    row("cow", [None, Some(2)]),
                ],
            }),
            summary: None,
            qrels: None,
            same_rows: Vec::new(),
        };
        let expected = "\
inspect  text-to-image
first relevant  4 then 1
margin   -0.2500 then +0.3750
overlap  50.0 %
clip  0.500 ms
     rank     score  other  item
        1    0.5000      -  dog
      2-4 *  0.2500      1  cat
llm2clip  0.500 ms
     rank     score  other  item
        1 * -0.1250      2  cat
        2   -0.5000      -  cow
";
        assert_eq!(super::super::text::inspect(&document), expected);
    }
}
