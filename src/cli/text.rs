//! Documents as tables for people.

use crate::eval::{CompareDocument, InspectDocument, Metrics};
use crate::runner::StageSummary;
use crate::session::runs::{RunRow, RunsDocument};
use std::fmt::Write;

/// A fraction in per cent with one digit.
fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// Text that may come from anywhere, with what would steer the terminal shown and never obeyed.
pub fn safe(text: &str) -> String {
    crate::shown::escaped(text)
}

/// A run and its stages.
pub fn run(row: &RunRow, stages: &[StageSummary]) -> String {
    let mut text = format!("run      {}\nstate    {}\n", row.run, word(&row.state));
    for stage in stages {
        let loss = stage.loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.4}"));
        let _ = writeln!(
            text,
            "stage    {:<20}  {:>5} steps  loss {loss:>8}  {:>6.1} s  {}",
            stage.stage,
            stage.steps,
            stage.seconds,
            stage.digest.short()
        );
    }
    if let Some(digest) = &row.final_digest {
        let _ = writeln!(text, "digest   {digest}");
    }
    text
}

/// A serialised word, without its quotes.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// All runs.
pub fn runs(document: &RunsDocument) -> String {
    let mut text =
        format!("{:<58}  {:<8}  {:<20}  {:>13}  loss\n", "run", "state", "stage", "step");
    for row in &document.runs {
        let json = serde_json::to_value(row).unwrap_or_default();
        let _ = writeln!(
            text,
            "{:<58}  {:<8}  {:<20}  {:>6}/{:<6}  {}",
            row.run,
            json["state"].as_str().unwrap_or_default(),
            json["stage"].as_str().unwrap_or("-"),
            json["step"],
            json["steps"],
            json["loss"].as_f64().map_or_else(|| "-".to_owned(), |loss| format!("{loss:.4}"))
        );
    }
    text
}

/// A comparison, direction by direction.
pub fn compare(document: &CompareDocument) -> String {
    let protocol = &document.protocol;
    let mut text = format!(
        "{} retrieval  data {}  split {}  captions {}  language {}\n",
        document.task.name(),
        protocol.dataset,
        protocol.split.as_deref().unwrap_or("-"),
        protocol.captions,
        protocol.query_language.as_deref().unwrap_or("all"),
    );
    let mut direction = None;
    for row in &document.rows {
        if direction != Some(row.direction) {
            direction = Some(row.direction);
            let _ = writeln!(
                text,
                "\n{}  {} queries, {} items\n{:<22} {:>8} {:>15} {:>8} {:>8} {:>7} {:>7} {:>9} {:>9}",
                row.direction,
                row.queries,
                row.items,
                "encoder",
                "R@1 %",
                "95 %",
                "R@5 %",
                "R@10 %",
                "MRR",
                "median",
                "cosine",
                "ms/query"
            );
        }
        let Metrics { recall_1, recall_5, recall_10, mrr, median_rank } = &row.metrics;
        let [low, high] = row.ci95.recall_1;
        let number = |value: Option<f64>, digits| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let _ = writeln!(
            text,
            "{:<22} {:>8} {:>15} {:>8} {:>8} {mrr:>7.3} {median_rank:>7.1} {:>9} {:>9}",
            row.role,
            percent(*recall_1),
            format!("{} to {}", percent(low), percent(high)),
            percent(*recall_5),
            percent(*recall_10),
            number(row.mean_cosine, 3),
            number(row.ms_per_query, 3),
        );
    }
    text
}

/// An inspection.
pub fn inspect(document: &InspectDocument) -> String {
    let mut text = format!("inspect  {}\n", document.direction);
    if let Some(query) = &document.query {
        let shown = query["text"].as_str().or(query["id"].as_str()).unwrap_or_default();
        let _ = writeln!(
            text,
            "query    {}  {}",
            query["id"].as_str().unwrap_or_default(),
            safe(shown)
        );
    }
    if let Some(difference) = &document.difference {
        let rank = |rank: Option<u32>| rank.map_or_else(|| "-".to_owned(), |r| r.to_string());
        let [a, b] = difference.first_relevant;
        let _ = writeln!(
            text,
            "first relevant  {} then {}  overlap {}",
            rank(a),
            rank(b),
            percent(difference.overlap)
        );
    }
    for list in &document.lists {
        if list.hits.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}  {:.3} ms", list.role, list.ms);
        for hit in &list.hits {
            let mark = if hit.relevant == Some(true) { "*" } else { " " };
            let _ =
                writeln!(text, "  {:>3} {mark} {:.4}  {}", hit.rank, hit.score, safe(&hit.item));
        }
    }
    if let Some(summary) = &document.summary {
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
            let [a, b] = row.first_relevant;
            let _ = writeln!(text, "  {:<30}  {a:>5} -> {b}", safe(&row.query));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(safe("a\u{1b}[2Jb\u{202e}é 얼굴"), "a\\u{1b}[2Jb\\u{202e}é 얼굴");
    }
}
