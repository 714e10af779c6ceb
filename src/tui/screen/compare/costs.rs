//! What the answers of a row cost, in a line below the table: encoding an item, a query, the index, and
//! what is kept of an item; then the same of tables of fewer bits.

use crate::eval::CompareRow;
use crate::eval::quantised::QuantisedRow;
use crate::tui::text;

/// Lines below a table's heading from which on there is room for it.
pub const FROM: u16 = 20;

/// The line; nothing for a row of which nothing was measured.
pub fn words(row: &CompareRow) -> Option<String> {
    let search = row.search_ms_per_query.map(|ms| format!(" ({ms:.3} the search)"));
    let parts = [
        row.ms_per_item.map(|ms| format!("an item {ms:.3} ms")),
        row.ms_per_query.map(|ms| format!("a query {ms:.3} ms{}", search.unwrap_or_default())),
        row.index_ms.map(|ms| format!("index {ms:.3} ms")),
        row.bytes_per_item.map(|bytes| format!("{bytes:.0} bytes an item")),
    ];
    let mut parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.extend(row.quantised.iter().map(stored));
    (!parts.is_empty()).then(|| format!("it takes: {}", parts.join(", ")))
}

/// What a table of fewer bits changes.
fn stored(row: &QuantisedRow) -> String {
    let (name, bytes) = (text::safe(&row.dtype), row.bytes_per_item);
    let gain = 0.0 - row.lost_recall_1 * 100.0;
    format!("{name} {bytes:.0} bytes and {gain:+.1} points of recall@1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_cost_that_was_measured_is_said_and_no_other() {
        let shares = json!({"recall@1": 0.5, "recall@5": 0.5, "recall@10": 0.5, "mrr": 0.5,
            "median_rank": 1.0});
        let ends = json!([0.0, 1.0]);
        let row = |costs: serde_json::Value| -> CompareRow {
            let mut row = json!({"role": "clip", "encoder": {}, "direction": "text-to-text",
                "metrics": shares, "ci95": {"recall@1": ends, "recall@5": ends, "recall@10": ends,
                    "mrr": ends, "median_rank": ends},
                "tied_share": 0.0, "mean_cosine": null, "items": 9, "queries": 9,
                "ms_per_item": null, "ms_per_query": null, "index_ms": null,
                "bytes_per_item": null, "truncated": 0});
            let all = row.as_object_mut().unwrap();
            all.extend(costs.as_object().unwrap().clone());
            serde_json::from_value(row).unwrap()
        };
        assert_eq!(words(&row(json!({}))), None);
        let bm25 = row(json!({"ms_per_query": 0.0041, "search_ms_per_query": 0.0041,
            "index_ms": 1.5}));
        let expected = "it takes: a query 0.004 ms (0.004 the search), index 1.500 ms";
        assert_eq!(words(&bm25).unwrap(), expected);
        let small = json!({"dtype": "int8", "bytes_per_item": 260.0, "index_ms": 1.0,
            "metrics": shares, "lost_recall@1": 0.002, "kept@10": 0.99});
        let whole = row(json!({"ms_per_item": 10.81, "ms_per_query": 11.35, "index_ms": 0.05,
            "bytes_per_item": 1024.0, "quantised": [small]}));
        let expected = "it takes: an item 10.810 ms, a query 11.350 ms, index 0.050 ms, 1024 bytes an item, int8 260 bytes and -0.2 points of recall@1";
        assert_eq!(words(&whole).unwrap(), expected);
    }
}
