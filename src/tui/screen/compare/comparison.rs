//! A comparison drawn: encoders by metrics with intervals, what they stand on, and what stands below.

use super::below::{self, Below};
use super::{judgements, replicates};
use crate::eval::difference::Difference;
use crate::eval::{CompareDocument, CompareRow, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::data::library::LoadedResult;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, paragraph, pieces, pointer, section, top};
use crate::tui::widget::table::{self, Column};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of an encoder's row.
pub const COLUMNS: [Column; 10] = [
    Column { title: "encoder", width: 0, right: false, from: 0 },
    Column { title: "R@1 %", width: 6, right: true, from: 0 },
    Column { title: "95 %", width: 13, right: true, from: 0 },
    Column { title: "recall@1", width: 26, right: false, from: 104 },
    Column { title: "R@5 %", width: 6, right: true, from: 0 },
    Column { title: "R@10 %", width: 6, right: true, from: 70 },
    Column { title: "MRR", width: 6, right: true, from: 0 },
    Column { title: "median", width: 6, right: true, from: 76 },
    Column { title: "cosine", width: 6, right: true, from: 0 },
    Column { title: "ms/query", width: 8, right: true, from: 120 },
];

/// What is looked at of a comparison.
pub struct Looked<'a> {
    /// The result.
    pub result: &'a LoadedResult,
    /// Its document.
    pub document: &'a CompareDocument,
    /// The direction.
    pub direction: Direction,
    /// Its place among the results, in words.
    pub note: String,
    /// What stands below the table.
    pub below: Below,
}

/// Draws it.
pub fn view(shared: &Shared, looked: &Looked<'_>, cursor: Cursor, area: Rect, buffer: &mut Buffer) {
    let Looked { result, document, direction, note, below } = looked;
    let direction = *direction;
    let dot = shared.glyphs.dot();
    let task = document.task.name();
    let title = format!("{task} retrieval {dot} {} {dot} {direction}", result.id);
    let inner = section(shared, buffer, area, &title, note);
    let inner = words_above(shared, &protocol(document), inner, buffer);
    let rows: Vec<&CompareRow> =
        document.rows.iter().filter(|row| row.direction == direction).collect();
    let line = Rect { x: inner.x + 1, width: inner.width - 1, ..inner };
    table::header(shared, buffer, line, &COLUMNS, None);
    let differences_here = document
        .differences
        .iter()
        .filter(|row| row.of.direction == direction && row.of.metric == Metric::Recall1)
        .count() as u16;
    let body = top(line, 1).1;
    let below = below.of(document);
    let wanted = match below {
        Below::Differences => differences_here + 1,
        Below::Replicates => replicates::lines(document, direction) + 1,
        Below::Judgements => {
            document.qrels.as_ref().map_or(0, |second| judgements::lines(second, direction)) + 1
        }
        Below::Anisotropy => rows.len() as u16 + 1,
        Below::Layers => 12,
    };
    let (list, rest) = bottom(body, wanted.min(body.height / 2) + 2);
    let lines: Vec<_> = rows.iter().map(|row| cells(shared, row)).collect();
    let chosen = listed(shared, &COLUMNS, &lines, cursor, (list, area), buffer);
    let (about, rest) = top(rest, 2);
    if let Some(row) = rows.get(chosen) {
        pieces(shared, buffer, about, about.x, about.y, &[(Role::Dim, &about_row(row))]);
        let same = document.same_rows.iter().find(|labels| labels.contains(&row.role));
        if let Some(labels) = same {
            let labels: Vec<String> = labels.iter().map(|label| text::safe(label)).collect();
            let words = format!("the same rows: {}", labels.join(", "));
            pieces(shared, buffer, about, about.x, about.y + 1, &[(Role::Warn, &words)]);
        }
    }
    let rest = Rect { x: area.x, width: area.width, ..rest };
    match below {
        Below::Differences => differences(shared, document, direction, rest, buffer),
        Below::Replicates => replicates::view(shared, document, direction, rest, buffer),
        Below::Judgements => {
            if let Some(second) = &document.qrels {
                judgements::view(shared, second, direction, rest, buffer);
            }
        }
        Below::Anisotropy => below::anisotropy(shared, &rows, rest, buffer),
        Below::Layers => {
            let mut heat = below::of_rows(document, direction);
            heat.extend(result.sweep.iter().cloned());
            below::layers(shared, &heat, rest, buffer);
        }
    }
}

/// Draws the rows around the cursor, whose place it returns; its pointer stands at the edge of `area`.
pub fn listed(
    shared: &Shared,
    columns: &[Column],
    rows: &[Vec<table::Cell>],
    cursor: Cursor,
    (list, area): (Rect, Rect),
    buffer: &mut Buffer,
) -> usize {
    let height = usize::from(list.height);
    let chosen = cursor.at.min(rows.len().saturating_sub(1));
    let first = cursor.first(rows.len(), height);
    for (at, row) in rows.iter().enumerate().skip(first).take(height) {
        let y = list.y + (at - first) as u16;
        table::row(shared, buffer, list, y, columns, row, at == chosen);
        if at == chosen {
            pointer(shared, buffer, area, y);
        }
    }
    chosen
}

/// What results must share, in at most three dim lines; what is left below them.
pub fn words_above(shared: &Shared, words: &str, inner: Rect, buffer: &mut Buffer) -> Rect {
    let lines = text::wrap(words, usize::from(inner.width.saturating_sub(2).max(1))).len() as u16;
    let (place, rest) = top(inner, lines.min(3));
    let place = Rect { x: place.x + 1, width: place.width.saturating_sub(2), ..place };
    paragraph(shared, buffer, place, Role::Dim, words);
    rest
}

/// The directions that a comparison has rows of.
pub fn directions(document: &CompareDocument) -> Vec<Direction> {
    Direction::ALL
        .into_iter()
        .filter(|direction| document.rows.iter().any(|row| row.direction == *direction))
        .collect()
}

/// An encoder's row.
pub fn cells(shared: &Shared, row: &CompareRow) -> Vec<table::Cell> {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let [low, high] = row.ci95.recall_1;
    let number = |value: Option<f64>, digits| {
        value.map_or_else(|| shared.glyphs.none().to_owned(), |value| format!("{value:.digits$}"))
    };
    vec![
        (Role::Text, text::safe(&row.role)),
        (Role::Title, percent(row.metrics.recall_1)),
        (Role::Dim, format!("{} to {}", percent(low), percent(high))),
        (Role::Curve(0), whisker(shared, row.metrics.recall_1, [low, high], 26)),
        (Role::Text, percent(row.metrics.recall_5)),
        (Role::Text, percent(row.metrics.recall_10)),
        (Role::Text, format!("{:.3}", row.metrics.mrr)),
        (Role::Text, format!("{:.0}", row.metrics.median_rank)),
        (
            if row.mean_cosine.is_some_and(|cosine| cosine > 0.7) {
                Role::Warn
            } else {
                Role::Text
            },
            number(row.mean_cosine, 3),
        ),
        (Role::Dim, number(row.ms_per_query, 2)),
    ]
}

/// Rows against rows in recall@1.
fn differences(
    shared: &Shared,
    document: &CompareDocument,
    direction: Direction,
    area: Rect,
    buffer: &mut Buffer,
) {
    let family = text::safe(&document.family);
    let inner = section(shared, buffer, area, "differences in recall@1", &family);
    let rows = document.differences.iter();
    let rows = rows.filter(|row| row.of.direction == direction && row.of.metric == Metric::Recall1);
    for (row, y) in rows.zip(inner.y..inner.bottom()) {
        difference(shared, row, "", inner, y, buffer);
    }
}

/// Cells of a difference behind its names: numbers, interval, p and what they say.
const REST: usize = 47;

/// One row against another, in points: its interval, its corrected p, and what that says.
pub fn difference<Of>(
    shared: &Shared,
    row: &Difference<Of>,
    what: &str,
    inner: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    let sure = row.ci95[0] > 0.0 || row.ci95[1] < 0.0;
    let (role, verdict) = match (sure, row.delta > 0.0) {
        (true, true) => (Role::Good, "better"),
        (true, false) => (Role::Bad, "worse"),
        (false, _) => (Role::Dim, "not told apart"),
    };
    let points = |value: f64| format!("{:+.1}", value * 100.0);
    let names = text::left(
        &format!("{} less {}", text::safe(&row.a), text::safe(&row.b)),
        usize::from(inner.width).saturating_sub(REST + text::width(what)).clamp(12, 40),
        shared.glyphs.cut(),
    );
    let p = row.p_holm.map_or_else(String::new, |p| {
        if p < 0.001 { "  p <.001".to_owned() } else { format!("  p {p:.3}") }
    });
    let interval = format!("  {} to {}{p}  ", points(row.ci95[0]), points(row.ci95[1]));
    let delta = format!(" {:>6}", points(row.delta));
    let parts = [
        (Role::Text, names.as_str()),
        (Role::Dim, what),
        (role, &delta),
        (Role::Dim, &interval),
        (role, verdict),
    ];
    pieces(shared, buffer, inner, inner.x + 1, y, &parts);
}

/// A bar up to a share, its interval as a thin line at its end.
pub fn whisker(shared: &Shared, share: f64, [low, high]: [f64; 2], width: usize) -> String {
    let cell = |value: f64| (value.clamp(0.0, 1.0) * (width - 1) as f64).round() as usize;
    let (bar, line, end) =
        if shared.glyphs.ascii { ("#", "-", "|") } else { ("█", "─", "┤") };
    (0..width)
        .map(|at| match at {
            at if at == cell(high) && high > low => end,
            at if at > cell(share) && at < cell(high) => line,
            at if at < cell(low) => bar,
            at if at <= cell(share) => {
                if shared.glyphs.ascii {
                    "="
                } else {
                    "▓"
                }
            }
            _ => " ",
        })
        .collect()
}

/// What results must share, in one line.
#[must_use]
pub fn protocol(document: &CompareDocument) -> String {
    let protocol = &document.protocol;
    let mut parts = vec![format!("data {}", protocol.dataset)];
    parts.extend(protocol.split.as_ref().map(|split| format!("split {split}")));
    parts.push(format!(
        "pool {}",
        protocol.pool.map_or_else(|| "all".to_owned(), |pool| pool.to_string())
    ));
    parts.push(format!("captions {}", protocol.captions));
    let languages = [("query", &protocol.query_language), ("gallery", &protocol.gallery_language)];
    for (side, language) in languages {
        parts.extend(language.as_ref().map(|language| format!("{side} {language}")));
    }
    parts.push(format!("judgements {}", protocol.judgements));
    parts.push(format!("ties: {}", protocol.tie_rule));
    parts.push(format!("itself left out: {}", protocol.self_exclusion));
    parts.push(format!("rules {}", protocol.rules));
    text::safe(&parts.join(", "))
}

/// What a row's numbers stand on.
fn about_row(row: &CompareRow) -> String {
    let mut parts = vec![format!(
        "{}: {} queries, {} items",
        text::safe(&row.role),
        format::count(row.queries as u64),
        format::count(row.items as u64)
    )];
    if row.tied_share > 0.0 {
        parts.push(format!("{} tied", format::percent(row.tied_share)));
    }
    if let Some(geometry) = &row.geometry {
        let json = serde_json::to_value(geometry).unwrap_or_default();
        for key in ["uniformity", "alignment", "effective_rank"] {
            if let Some(value) = json[key].as_f64() {
                parts.push(format!("{} {}", key.replace('_', " "), format::number(value)));
            }
        }
    }
    parts.extend(
        row.hub_skewness.map(|skewness| format!("hub skewness {}", format::number(skewness))),
    );
    if row.truncated > 0 {
        parts.push(format!("{} texts cut", row.truncated));
    }
    parts.join(", ")
}
