//! What stands below a comparison's table for people: how embeddings lie, what was left out, and rows
//! against rows.

use super::text::{difference, number, safe};
use crate::eval::{CompareDocument, CompareRow, Metric};
use std::fmt::Write as _;

/// How the galleries of one direction lie; nothing for rows without embeddings.
pub fn geometry(text: &mut String, rows: &[&CompareRow]) {
    let all: Vec<_> = rows.iter().filter_map(|row| Some((*row, row.geometry.as_ref()?))).collect();
    if all.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "{:<22} {:>10} {:>10} {:>10} {:>14} {:>12}",
        "embeddings", "cosine", "uniformity", "alignment", "effective rank", "hub skewness"
    );
    for (row, geometry) in all {
        let _ = writeln!(
            text,
            "{:<22} {:>10.3} {:>10.3} {:>10} {:>14.1} {:>12}",
            safe(&row.role),
            geometry.mean_cosine,
            geometry.uniformity,
            number(geometry.alignment, 3),
            geometry.effective_rank,
            number(row.hub_skewness, 3)
        );
    }
}

/// What was left out; where results were joined, which ones; then the differences.
pub fn write(text: &mut String, document: &CompareDocument) {
    if let Some(left) = document.left_out.as_ref().filter(|left| !left.is_nothing()) {
        let mut parts = Vec::new();
        if left.items > 0 {
            parts.push(format!("{} items that lack what the task needs", left.items));
        }
        if left.bad_rows > 0 {
            parts.push(format!("{} rows that could not be read", left.bad_rows));
        }
        for (direction, count) in &left.queries {
            parts.push(format!("{count} queries of {direction} that nothing answers"));
        }
        let _ = writeln!(text, "\nleft out: {}", parts.join(", "));
    }
    if let Some(joined) = &document.joined {
        text.push('\n');
        for one in &joined.results {
            let _ = writeln!(text, "joined     {}  as {}", safe(&one.result), safe(&one.label));
        }
        let _ =
            writeln!(text, "           times are each result's own, of its machine and its day");
    }
    let tested = document.differences.iter().filter(|found| found.of.metric == Metric::Recall1);
    for (at, found) in tested.enumerate() {
        if at == 0 {
            let _ = writeln!(text, "\nHolm's correction: {}", safe(&document.family));
        }
        text.push_str(&difference(found, &format!(", {}: R@1", found.of.direction)));
    }
    for one in document.joined.iter().flat_map(|joined| &joined.unpaired) {
        let (role, why) = (safe(&one.role), safe(&one.why));
        let is_in = one.is_in(&document.differences);
        let _ = writeln!(text, "{is_in} of {role}, {}: {why}", one.direction);
    }
}
