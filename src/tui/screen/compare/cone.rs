//! Whether a narrow cone goes with what a plain Llama misses: said of the numbers of a table, and of these
//! alone.

use crate::eval::CompareRow;
use crate::tui::text;

/// A mean cosine is another one from this difference on.
const COSINE: f64 = 0.05;

/// An effective rank is lower below this share of the other.
const RANK: f64 = 0.8;

/// Digests of a row's own weights and of what they stand on.
pub fn digests(row: &CompareRow) -> Vec<&str> {
    let own = row.encoder["weights"].as_str();
    let parents = row.encoder["stands_on"].as_array().into_iter().flatten();
    own.into_iter().chain(parents.filter_map(|parent| parent["digest"].as_str())).collect()
}

/// Whether a row is a Llama's whose rows have a mean cosine.
fn is_llama(row: &CompareRow) -> bool {
    row.encoder["kind"].as_str() == Some("llama") && row.mean_cosine.is_some()
}

/// Whether it stands on nothing else.
fn is_plain(row: &CompareRow) -> bool {
    is_llama(row) && row.encoder["stands_on"].as_array().is_none_or(Vec::is_empty)
}

/// The first plain Llama, and the best of those that were made of it.
fn pair<'a>(rows: &[&'a CompareRow]) -> Option<(&'a CompareRow, &'a CompareRow)> {
    let at = rows.iter().position(|row| is_plain(row))?;
    let plain = rows[at];
    // What stands on what stands on it counts too.
    let mut known = digests(plain);
    let mut made: Vec<&'a CompareRow> = Vec::new();
    for row in &rows[at + 1..] {
        let own = digests(row);
        if is_llama(row) && own.iter().any(|digest| known.contains(digest)) {
            known.extend(own);
            made.push(row);
        }
    }
    let recall = |row: &CompareRow| row.metrics.recall_1;
    let best = made.into_iter().max_by(|a, b| recall(a).total_cmp(&recall(b)))?;
    Some((plain, best))
}

/// What the numbers say; nothing where no Llama stands beside the plain one that it was made of.
#[must_use]
pub fn words(rows: &[&CompareRow]) -> Option<String> {
    let (plain, best) = pair(rows)?;
    let [before, after] = [plain, best].map(|row| row.mean_cosine.unwrap_or_default());
    let rank = |row: &CompareRow| row.geometry.as_ref().map(|geometry| geometry.effective_rank);
    let ranks = rank(plain).zip(rank(best));
    let percent = |row: &CompareRow| format!("{:.1} %", row.metrics.recall_1 * 100.0);
    let [name, other] = [plain, best].map(|row| text::safe(&row.role));
    let found = format!("recall@1 of {name} is {}, of {other} {}", percent(plain), percent(best));
    if best.metrics.recall_1 <= plain.metrics.recall_1 {
        return Some(format!("{found}: nothing was gained that a narrow cone could explain."));
    }
    let mut numbers = format!("Mean cosine {before:.3}, then {after:.3}");
    if let Some((before, after)) = ranks {
        numbers.push_str(&format!("; effective rank {before:.0}, then {after:.0}"));
    }
    let narrow = before - after >= COSINE;
    let low = ranks.is_none_or(|(before, after)| before < RANK * after);
    let says = match (narrow, low) {
        (true, true) => format!("{name}'s narrow cone goes with it"),
        (false, true) if ranks.is_some() => {
            "a lower rank goes with it, a narrow cone does not".to_owned()
        }
        (true, false) => "a narrow cone goes with it, a lower rank does not".to_owned(),
        (false, _) => "how alike rows are does not explain it here".to_owned(),
    };
    Some(format!("{found}. {numbers}: {says}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn row(role: &str, on: &[&str], recall: f64, cosine: f64, rank: Option<f64>) -> CompareRow {
        let metrics = json!({"recall@1": recall, "recall@5": 0.2, "recall@10": 0.3, "mrr": 0.2,
            "median_rank": 5.0});
        let ends = json!([0.0, 0.2]);
        let parents: Vec<Value> = on.iter().map(|parent| json!({"digest": parent})).collect();
        let geometry = rank
            .map(|rank| json!({"mean_cosine": cosine, "uniformity": -1.0, "effective_rank": rank}));
        serde_json::from_value(json!({"role": role,
            "encoder": {"kind": "llama", "weights": role, "stands_on": parents},
            "direction": "text-to-text", "metrics": metrics, "ci95": {"recall@1": ends,
                "recall@5": ends, "recall@10": ends, "mrr": ends, "median_rank": [1.0, 9.0]},
            "tied_share": 0.0, "mean_cosine": cosine, "items": 9, "queries": 9, "geometry": geometry,
            "ms_per_item": null, "ms_per_query": null, "index_ms": null, "bytes_per_item": null,
            "truncated": 0}))
        .unwrap()
    }

    fn said(rows: &[CompareRow]) -> Option<String> {
        words(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_is_said_follows_the_numbers() {
        let plain = row("vanilla", &[], 0.058, 0.489, Some(89.0));
        let mntp = row("mntp", &["vanilla"], 0.06, 0.471, Some(90.0));
        let cc = row("cc", &["mntp"], 0.25, 0.473, Some(95.0));
        let all = [plain.clone(), mntp, cc];
        let text = said(&all).unwrap();
        assert_eq!(
            text,
            "recall@1 of vanilla is 5.8 %, of cc 25.0 %. Mean cosine 0.489, then 0.473; effective rank 89, then 95: how alike rows are does not explain it here."
        );
        let after = |cosine, rank, ends: &str| {
            let text = said(&[plain.clone(), row("cc", &["vanilla"], 0.25, cosine, rank)]).unwrap();
            assert!(text.ends_with(ends), "{text}");
        };
        after(0.2, Some(200.0), ": vanilla's narrow cone goes with it.");
        after(0.2, None, "Mean cosine 0.489, then 0.200: vanilla's narrow cone goes with it.");
        after(0.48, Some(200.0), ": a lower rank goes with it, a narrow cone does not.");
        after(0.2, Some(90.0), ": a narrow cone goes with it, a lower rank does not.");
        after(0.48, None, ": how alike rows are does not explain it here.");
        let worse = [plain.clone(), row("cc", &["vanilla"], 0.05, 0.1, Some(200.0))];
        assert!(
            said(&worse).unwrap().ends_with("nothing was gained that a narrow cone could explain.")
        );
        // Alone, or beside a model of other weights, nothing is said.
        assert_eq!(said(std::slice::from_ref(&plain)), None);
        assert_eq!(said(&[plain, row("other", &[], 0.3, 0.1, None)]), None);
        assert_eq!(said(&[]), None);
    }
}
