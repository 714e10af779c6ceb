//! Documents as tables for people.

use super::comparison;
use crate::eval::{CompareDocument, CompareRow, Difference, InspectDocument, Metrics, Protocol};
use crate::runner::StageSummary;
use crate::session::runs::{RunRow, RunsDocument};
use std::fmt::Write;

/// A fraction in per cent with one digit.
pub fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// An interval of fractions, in per cent.
pub fn interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", percent(low), percent(high))
}

/// A number with so many digits, or a dash where there is none.
pub fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// Text that may come from anywhere, with what would steer the terminal shown and never obeyed.
pub fn safe(text: &str) -> String {
    crate::shown::escaped(text)
}

/// A run and its stages.
pub fn run(row: &RunRow, stages: &[StageSummary]) -> String {
    let mut text = format!("run      {}\nstate    {}\n", row.run, word(&row.state));
    for stage in stages {
        let loss = number(stage.loss.map(f64::from), 4);
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
            number(json["loss"].as_f64(), 4)
        );
    }
    text
}

/// A comparison, direction by direction; then a second set of judgements and what was tried.
pub fn compare(document: &CompareDocument) -> String {
    let mut text = format!("{} retrieval  ", document.task.name());
    table(&mut text, &document.protocol, &document.rows);
    comparison::write(&mut text, document);
    let papers = document.beside();
    for paper in &papers {
        let _ = writeln!(
            text,
            "published  {:<32}  R@1 {:>5} %  {}",
            safe(&paper.encoder),
            percent(paper.recall_1),
            safe(&paper.source)
        );
    }
    if let Some(paper) = papers.first().filter(|paper| !paper.caveat.is_empty()) {
        let _ = writeln!(text, "           {}", safe(&paper.caveat));
    }
    if let Some(why) = document.why_nothing_beside() {
        let _ = writeln!(text, "published  {}", safe(&why));
    }
    super::replicates::write(&mut text, &document.replicates, &document.replicate_differences);
    for said in document.same_rows.chunks(1).map(same_rows) {
        let _ = write!(text, "\n{said}");
    }
    if let Some(second) = &document.qrels {
        let read = &second.read;
        let _ = writeln!(
            text,
            "\njudged by {}: {} relevant lines, {} used, {} queries and {} items not here",
            safe(&second.protocol.judgements),
            read.relevant,
            read.used,
            read.unknown_queries.count,
            read.unknown_items.count
        );
        table(&mut text, &second.protocol, &second.rows);
        super::replicates::write(&mut text, &second.replicates, &second.replicate_differences);
    }
    if let Some(sweep) = &document.sweep {
        let split = sweep.protocol.split.as_deref().unwrap_or("all items");
        let _ = writeln!(
            text,
            "\ntried over {} on {} {split} ({} dropped, for they stand in the test): {}",
            sweep.over,
            safe(&sweep.protocol.dataset),
            sweep.dropped,
            sweep.rule
        );
        for chosen in &sweep.chosen {
            let bos = if chosen.bos { "with BOS" } else { "without BOS" };
            let _ = writeln!(
                text,
                "{}: layer {}, {}, {bos}; it stands above as {}",
                safe(&chosen.role),
                chosen.layer,
                chosen.pooling,
                safe(&chosen.label)
            );
        }
        let mut rows: Vec<_> = sweep.rows.iter().collect();
        rows.sort_by(|a, b| {
            let (a, b) = (&a.metrics, &b.metrics);
            b.recall_1.total_cmp(&a.recall_1).then(b.mrr.total_cmp(&a.mrr))
        });
        for row in rows.iter().take(TRIED) {
            let _ = writeln!(
                text,
                "  {:<20} layer {:>3}  {:<14} {}  R@1 {:>5} %  MRR {:.3}  cosine {:.3}",
                safe(&row.role),
                row.layer,
                row.pooling,
                if row.bos { "BOS   " } else { "no BOS" },
                percent(row.metrics.recall_1),
                row.metrics.mrr,
                row.mean_cosine
            );
        }
        if rows.len() > TRIED {
            let _ = writeln!(text, "  and {} more: --json lists all", rows.len() - TRIED);
        }
    }
    text
}

/// Labels that are one encoder, a line each group.
pub fn same_rows(groups: &[Vec<String>]) -> String {
    let line = |labels: &Vec<String>| {
        let labels: Vec<String> = labels.iter().map(|label| safe(label)).collect();
        format!("the same rows under several labels: {}\n", labels.join(", "))
    };
    groups.iter().map(line).collect()
}

/// A difference in a line: `of` says in what, behind the names.
pub fn difference<Of>(found: &Difference<Of>, of: &str) -> String {
    let [delta, low, high] = [found.delta, found.ci95[0], found.ci95[1]].map(|one| one * 100.0);
    format!(
        "{} less {}{of} {delta:+.1} points, 95 % {low:+.1} to {high:+.1}, {} p {}, after Holm {}, {} units\n",
        safe(&found.a),
        safe(&found.b),
        found.test.map_or("", |test| test.name()),
        chance(found.p),
        chance(found.p_holm),
        found.n
    )
}

fn chance(p: Option<f64>) -> String {
    match p.unwrap_or(1.0) {
        p if p < 0.0001 => "< 0.0001".to_owned(),
        p => format!("{p:.4}"),
    }
}

/// Share of ties from which on a row's numbers are those of its ties.
const MUCH_TIED: f64 = 0.1;

/// Rows of a sweep that a person is shown, the best first.
const TRIED: usize = 12;

fn table(text: &mut String, protocol: &Protocol, rows: &[CompareRow]) {
    let languages = [&protocol.query_language, &protocol.gallery_language];
    let [asks, answers] = languages.map(|one| one.as_deref().unwrap_or("all"));
    let language = if asks == answers { asks.to_owned() } else { format!("{asks} asks {answers}") };
    let _ = writeln!(
        text,
        "data {}  split {}  captions {}  language {language}",
        safe(&protocol.dataset),
        safe(protocol.split.as_deref().unwrap_or("-")),
        protocol.captions,
    );
    let mut direction = None;
    for (at, row) in rows.iter().enumerate() {
        if direction != Some(row.direction) {
            direction = Some(row.direction);
            let _ = writeln!(
                text,
                "\n{}  {} queries, {} items\n{:<22} {:>8} {:>15} {:>8} {:>8} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10}",
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
                "ms/query",
                "search ms",
                "ms/item",
                "index ms",
                "bytes/item"
            );
        }
        let Metrics { recall_1, recall_5, recall_10, mrr, median_rank } = &row.metrics;
        let _ = writeln!(
            text,
            "{:<22} {:>8} {:>15} {:>8} {:>8} {mrr:>7.3} {median_rank:>7.1} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10}",
            safe(&row.role),
            percent(*recall_1),
            interval(row.ci95.recall_1),
            percent(*recall_5),
            percent(*recall_10),
            number(row.mean_cosine, 3),
            number(row.ms_per_query, 3),
            number(row.search_ms_per_query, 3),
            number(row.ms_per_item, 3),
            number(row.index_ms, 3),
            number(row.bytes_per_item, 0),
        );
        if row.tied_share >= MUCH_TIED {
            let share = percent(row.tied_share);
            let _ = writeln!(text, "  {share} % of its answers tie and count as the lower place");
        }
        if row.truncated > 0 {
            let _ = writeln!(text, "  {} texts were cut at its limit", row.truncated);
        }
        for small in &row.quantised {
            let _ = writeln!(
                text,
                "  {:<20} {:>8}   loses {:+.2} points of R@1, keeps {} % of the first ten, {} bytes/item, {} ms/query, {} of them the search, index {:.3} ms",
                small.dtype,
                percent(small.metrics.recall_1),
                small.lost_recall_1 * 100.0,
                percent(small.kept_10),
                small.bytes_per_item,
                number(small.ms_per_query, 3),
                number(small.search_ms_per_query, 3),
                small.index_ms,
            );
        }
        // The last of its direction: how the galleries lie comes below it.
        if rows.get(at + 1).is_none_or(|next| next.direction != row.direction) {
            let here: Vec<_> = rows.iter().filter(|one| one.direction == row.direction).collect();
            comparison::geometry(text, &here);
        }
    }
}

/// An inspection.
pub fn inspect(document: &InspectDocument) -> String {
    let mut text = format!("inspect  {}\n", document.direction);
    super::inspection::write(&mut text, document);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_its_interval_its_test_and_both_p() {
        let found = Difference {
            a: "llm2clip".to_owned(),
            b: "clip\u{1b}".to_owned(),
            of: (),
            delta: 0.125,
            ci95: [-0.01, 0.26],
            test: Some(crate::eval::significance::Test::McNemar),
            p: Some(0.0625),
            p_holm: Some(0.125),
            n: 40,
        };
        let expected = "llm2clip less clip\\u{1b}: top-1 +12.5 points, 95 % -1.0 to +26.0, mcnemar p 0.0625, after Holm 0.1250, 40 units\n";
        assert_eq!(difference(&found, ": top-1"), expected);
    }

    #[test]
    fn numbers_and_intervals_stand_in_tables_as_they_do_everywhere() {
        assert_eq!((number(Some(2.0 / 3.0), 3), number(None, 3)), ("0.667".into(), "-".into()));
        assert_eq!(interval([0.125, 1.0]), "12.5 to 100.0");
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(safe("a\u{1b}[2Jb\u{202e}é 얼굴"), "a\\u{1b}[2Jb\\u{202e}é 얼굴");
    }
}
