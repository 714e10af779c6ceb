//! A comparison drawn: encoders by metrics with intervals, what they stand on, and what stands below.

use super::bars::{self, Axis, whisker};
use super::below::Below;
use super::click::{Places, behind};
use super::others::Joins;
use super::papers::Line;
use super::{
    Compared, anisotropy, costs, cut, differences, heat, judgements, metric, others, papers,
    protocol, replicates,
};
use crate::eval::difference::Difference;
use crate::eval::{CompareDocument, CompareRow, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, pointer, put, section, top};
use crate::tui::widget::table::{self, Column};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of an encoder's row in a table of this width.
#[must_use]
pub const fn columns(width: u16) -> [Column; 10] {
    const fn number(title: &'static str, width: u16, from: u16) -> Column {
        Column { title, width, right: true, from }
    }
    let bar = bars::cells(width);
    let from = if bar == 0 { u16::MAX } else { 0 };
    [
        Column { title: "encoder", width: 0, right: false, from: 0 },
        number("R@1 %", 5, 0),
        number("95 %", 12, 0),
        // Its title is its axis.
        Column { title: "", width: bar, right: false, from },
        number("R@5 %", 5, 0),
        number("R@10 %", 6, 88),
        number("MRR", 5, 0),
        number("median", 6, 96),
        number("cosine", 6, 0),
        number("ms/query", 8, 70),
    ]
}

/// The column of the bar.
pub const BAR: usize = 3;

/// The line of headings, the bar's axis among them.
pub fn header(shared: &Shared, columns: &[Column], title: &str, line: Rect, buffer: &mut Buffer) {
    table::header(shared, buffer, line, columns, None);
    let bar = table::fit(columns, line.width).into_iter().find(|(at, ..)| *at == BAR);
    if let Some((_, x, width)) = bar {
        let title = text::fit(title, usize::from(width), shared.glyphs.cut());
        put(buffer, line, line.x + x, line.y, &title, shared.theme.style(Role::Dim));
    }
}

/// What is looked at of a comparison.
pub struct Looked<'a> {
    /// The comparison and those beside it.
    pub compared: &'a Compared<'a>,
    /// Its place among the results, in words.
    pub note: String,
    /// What stands below the table.
    pub below: Below,
    /// The line of it that is chosen, where the cursor has left the table.
    pub chosen: Option<usize>,
    /// The metric of intervals, bars and differences.
    pub metric: Metric,
}

/// Draws it; where each line stands that can be chosen.
pub fn view(
    shared: &Shared,
    looked: &Looked<'_>,
    cursor: Cursor,
    area: Rect,
    buffer: &mut Buffer,
) -> Places {
    let Looked { compared, note, below, chosen: line_below, metric } = looked;
    let metric = *metric;
    let Compared { result, document, direction, papers, others, parts, joins, .. } = compared;
    let direction = *direction;
    let dot = shared.glyphs.dot();
    let task = document.task.name();
    let mut names = vec![result.id.clone()];
    if let (Joins::Done, Some(parts)) = (joins, parts) {
        names.extend(others::joined(shared, parts, document).0);
    }
    let name = format!("{task} retrieval {dot} {} {dot} {direction}", names.join(" + "));
    let inner = section(shared, buffer, area, &name, note);
    let inner = words_above(shared, &protocol::words(document), inner, buffer);
    let rows: Vec<&CompareRow> =
        document.rows.iter().filter(|row| row.direction == direction).collect();
    let line = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
    let columns = metric::columns(line.width, metric);
    let reported = papers.iter().map(|paper| paper.recall_1);
    let reported = reported.filter(|_| metric == Metric::Recall1);
    let (axis, bar) = (metric::axis(&rows, metric, reported), columns[BAR].width);
    let title = metric::title(axis, metric, usize::from(bar));
    header(shared, &columns, &title, line, buffer);
    let body = top(line, 1).1;
    let below = below.of(document);
    let map = heat::Map::of(result, document, direction);
    let tested = differences::of(document, direction, metric);
    let second = document.qrels.as_ref();
    let judged = second.map(|second| judgements::of(second, direction, metric));
    let wanted = match below {
        Below::Differences => tested.wanted(area.width),
        Below::Replicates => replicates::lines(document, direction) + 1,
        Below::Judgements => judged.as_ref().map_or(0, |judged| judged.wanted(area.width)),
        Below::Anisotropy => anisotropy::lines(&rows, area.width),
        Below::Layers => map.wanted(*line_below, area.width),
        Below::Others => others::lines(others, body.width) + 1,
    };
    let beside = others::line(shared, compared);
    let has_costs =
        body.height >= costs::FROM && rows.iter().any(|row| costs::words(row).is_some());
    let has_costs = u16::from(has_costs);
    let said = papers::said(document, direction, papers);
    let said_lines = u16::from(said.is_some()) * if area.height < 30 { 1 } else { 2 };
    let row_lines = about_lines(&rows, body.width, body.height);
    let above_said = row_lines + has_costs + u16::from(beside.is_some());
    let about = above_said + said_lines + 1;
    // What the rows leave is theirs, and more of it while the cursor is there.
    let count = rows.len() + papers.len();
    let left = body.height.saturating_sub((count as u16).saturating_add(about));
    let share = if line_below.is_some() { body.height * 3 / 4 } else { body.height / 2 };
    let under = wanted.min(share.max(left)).saturating_add(about);
    let (list, rest) = bottom(body, under.min(beside_rows(count, body.height)));
    let order = papers::among(&rows, papers);
    let cells_of = |line: &Line| match *line {
        Line::Row(at) => metric::cells(shared, rows[at], (axis, metric), bar),
        Line::Paper(at) => papers::cells(shared, &papers[at], (axis, metric), bar),
    };
    let lines: Vec<_> = order.iter().map(cells_of).collect();
    let at_table = if line_below.is_some() { Rect::ZERO } else { area };
    let chosen = listed(shared, &columns, &lines, cursor, (list, at_table), buffer);
    let mut places = places(cursor, count, list);
    if places.len() < count {
        // Rows out of sight are told of in the title.
        let (first, last) = (places.first(), places.last());
        let [first, last] = [first, last].map(|place| place.map_or(0, |(_, at)| at + 1));
        let rows = if area.width < 80 {
            // A narrow title leaves a quarter to it.
            format!("rows {first}-{last}/{count}")
        } else {
            format!("rows {first} to {last} of {count}")
        };
        let note = format!("{rows} {dot} {note}");
        section(shared, buffer, area, &name, &note);
    }
    let (about, rest) = top(rest, about);
    if let Some(words) = said {
        let place = Rect { y: about.y + above_said, height: said_lines, ..about };
        lines_of(shared, &words, place.intersection(about), buffer);
    }
    if let Some((role, words)) = beside {
        let words = text::fit(&words, usize::from(about.width), shared.glyphs.cut());
        let y = about.y + row_lines + has_costs;
        put(buffer, about, about.x, y, &words, shared.theme.style(role));
    }
    let chosen = order.get(chosen).copied();
    if let Some(Line::Row(at)) = chosen {
        let (row, place) = (rows[at], Rect { height: row_lines, ..about });
        lines_of(shared, &about_row(row), place.intersection(about), buffer);
        if let Some(words) = costs::words(row).filter(|_| has_costs > 0) {
            let place = (about.x, about.y + row_lines);
            cut::words(shared, buffer, about, place, (Role::Dim, &words));
        }
        let same = document.same_rows.iter().find(|labels| labels.contains(&row.role));
        if let Some(labels) = same {
            let labels: Vec<String> = labels.iter().map(|label| text::safe(label)).collect();
            let words = format!("the same rows: {}", labels.join(", "));
            let y = about.bottom().saturating_sub(1);
            cut::words(shared, buffer, about, (about.x, y), (Role::Warn, &words));
        }
    } else if let Some(Line::Paper(at)) = chosen {
        let words = papers::about(&papers[at]);
        cut::words(shared, buffer, about, (about.x, about.y), (Role::Dim, &words));
    }
    let rest = Rect { x: area.x, width: area.width, ..rest };
    let below = match below {
        Below::Differences => tested.view(shared, *line_below, rest, buffer),
        Below::Replicates => {
            replicates::view(shared, document, direction, *line_below, rest, buffer)
        }
        Below::Judgements => {
            judged.map_or_else(Places::new, |judged| judged.view(shared, *line_below, rest, buffer))
        }
        Below::Anisotropy => {
            let chosen = if let Some(Line::Row(at)) = chosen { at } else { 0 };
            anisotropy::view(shared, &rows, chosen, rest, buffer);
            Places::new()
        }
        Below::Others => others::view(shared, others, *line_below, rest, buffer),
        Below::Layers => map.view(shared, *line_below, rest, buffer),
    };
    places.extend(behind(below, count));
    places
}

/// Most lines that all the rest may take of a table's body: in little room too some rows are seen.
pub fn beside_rows(rows: usize, height: u16) -> u16 {
    let kept = (height / 2).clamp(1, 2).min(rows.min(2) as u16);
    height.saturating_sub(kept)
}

/// Where the rows around the cursor stand.
pub fn places(cursor: Cursor, count: usize, list: Rect) -> Places {
    (list.y..list.bottom()).zip(cursor.first(count, usize::from(list.height))..count).collect()
}

/// Draws the rows around the cursor, whose place it returns; its pointer stands at the edge of `area`,
/// if that is not empty.
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

/// What results must share, whole where there is any room for it; what is left below it.
pub fn words_above(shared: &Shared, words: &str, inner: Rect, buffer: &mut Buffer) -> Rect {
    let lines = text::wrap(words, usize::from(inner.width.saturating_sub(2).max(1))).len() as u16;
    let most = if inner.height < 8 { 1 } else { (inner.height / 4).max(3) };
    let (place, rest) = top(inner, lines.min(most));
    let place = Rect { x: place.x + 1, width: place.width.saturating_sub(2), ..place };
    lines_of(shared, words, place, buffer);
    rest
}

/// Dim words in as many lines as a place has, with the sign of something cut where these are too few.
fn lines_of(shared: &Shared, words: &str, place: Rect, buffer: &mut Buffer) {
    let (width, most) = (usize::from(place.width.max(1)), usize::from(place.height));
    let lines = text::wrap_in(words, width, most, shared.glyphs.cut());
    for (line, y) in lines.iter().zip(place.y..place.bottom()) {
        put(buffer, place, place.x, y, line, shared.theme.style(Role::Dim));
    }
}

/// The directions that a comparison has rows of.
pub fn directions(document: &CompareDocument) -> Vec<Direction> {
    Direction::ALL
        .into_iter()
        .filter(|direction| document.rows.iter().any(|row| row.direction == *direction))
        .collect()
}

/// An encoder's row, its bar of so many cells on an axis.
pub fn cells(shared: &Shared, row: &CompareRow, axis: Axis, bar: u16) -> Vec<table::Cell> {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let [low, high] = row.ci95.recall_1;
    let number = |value: Option<f64>, digits| {
        value.map_or_else(|| shared.glyphs.none().to_owned(), |value| format!("{value:.digits$}"))
    };
    vec![
        (Role::Text, text::safe(&row.role)),
        (Role::Title, percent(row.metrics.recall_1)),
        (Role::Dim, bars::ends([low, high])),
        (
            Role::Curve(0),
            whisker(shared, axis, row.metrics.recall_1, [low, high], usize::from(bar)),
        ),
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

/// Cells of a difference behind its names: numbers, interval, p and what they say.
const REST: usize = 49;

/// What a corrected p must be below.
const LEVEL: f64 = 0.05;

/// What a difference says: its corrected p decides where it has one, else its interval. Of ranks, less
/// is better.
fn verdict<Of>(row: &Difference<Of>, metric: Metric) -> (Role, &'static str) {
    let apart = row.ci95[0] > 0.0 || row.ci95[1] < 0.0;
    let gain = if metric.higher_is_better() { row.delta } else { -row.delta };
    match (row.p_holm.map_or(apart, |p| p < LEVEL), gain) {
        (true, gain) if gain > 0.0 => (Role::Good, "better"),
        (true, gain) if gain < 0.0 => (Role::Bad, "worse"),
        _ => (Role::Dim, "not told apart"),
    }
}

/// One row against another, in points of a share: its interval, its corrected p, and what that says.
pub fn difference<Of>(
    shared: &Shared,
    row: &Difference<Of>,
    what: &str,
    inner: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    difference_in(shared, row, (what, Metric::Recall1), inner, y, buffer);
}

/// The same in what a metric is measured in: points of shares, a mean, ranks.
pub fn difference_in<Of>(
    shared: &Shared,
    row: &Difference<Of>,
    (what, metric): (&str, Metric),
    inner: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    let (role, verdict) = verdict(row, metric);
    let points = |value: f64| match metric {
        Metric::Mrr => format!("{value:+.3}"),
        Metric::MedianRank if value.abs() >= 1000.0 => format!("{value:+.0}"),
        Metric::MedianRank => format!("{value:+.1}"),
        _ => format!("{:+.1}", value * 100.0),
    };
    // A mean's and a rank's difference may take a cell more.
    let wide = if matches!(metric, Metric::Mrr | Metric::MedianRank) { 6 } else { 5 };
    let names = text::left(
        &format!("{} less {}", text::safe(&row.a), text::safe(&row.b)),
        usize::from(inner.width)
            .saturating_sub(REST + 2 * (wide - 5) + text::width(what))
            .clamp(8, 40),
        shared.glyphs.cut(),
    );
    let p = row.p_holm.map_or_else(String::new, |p| {
        if p < 0.001 { "p <.001".to_owned() } else { format!("p {p:.3}") }
    });
    let [low, high] = row.ci95.map(points);
    let interval = format!("  {low:>wide$} to {high:<wide$}  {p:<7}  ");
    let delta = format!(" {:>6}", points(row.delta));
    let parts = [
        (Role::Text, names.as_str()),
        (Role::Dim, what),
        (role, &delta),
        (Role::Dim, &interval),
        (role, verdict),
    ];
    cut::pieces(shared, buffer, inner, (inner.x + 1, y), &parts);
}

/// Lines for what a row's numbers stand on: two where there is room and one is too little for some row.
fn about_lines(rows: &[&CompareRow], width: u16, height: u16) -> u16 {
    let is_long = |row: &&CompareRow| text::width(&about_row(row)) > usize::from(width);
    1 + u16::from(height >= costs::FROM && rows.iter().any(is_long))
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
    if row.truncated > 0 {
        parts.push(format!("{} texts cut", row.truncated));
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
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::difference::Classified;
    use crate::tui::app::tests::app;

    fn row(delta: f64, ci95: [f64; 2], p_holm: Option<f64>) -> Difference<Classified> {
        let of = Classified { metric: "top-1".into() };
        let (a, b) = ("a".into(), "b".into());
        Difference { a, b, of, delta, ci95, test: None, p: p_holm, p_holm, n: 9 }
    }

    #[test]
    fn a_corrected_p_decides_before_the_interval() {
        let says = |delta, ci95, p| verdict(&row(delta, ci95, p), Metric::Recall1).1;
        assert_eq!(says(-0.039, [-0.071, -0.008], Some(0.08)), "not told apart");
        assert_eq!(says(-0.039, [-0.071, 0.001], Some(0.04)), "worse");
        assert_eq!(says(-0.039, [-0.071, -0.008], None), "worse");
        assert_eq!(says(0.039, [0.008, 0.071], None), "better");
        assert_eq!(says(0.039, [-0.008, 0.071], None), "not told apart");
        assert_eq!(says(0.0, [0.0, 0.0], Some(0.01)), "not told apart");
        let ranks = |delta, ci95| verdict(&row(delta, ci95, None), Metric::MedianRank).1;
        assert_eq!(ranks(3.0, [1.0, 5.0]), "worse");
        assert_eq!(ranks(-3.0, [-5.0, -1.0]), "better");
    }

    #[test]
    fn what_differences_say_stands_in_one_column() {
        let shared = app().shared;
        let area = Rect::new(0, 0, 80, 4);
        let mut buffer = Buffer::empty(area);
        let rows = [
            row(-0.416, [-0.468, -0.363], Some(0.0)),
            row(-0.039, [-0.071, -0.008], Some(0.01)),
            row(0.1, [0.07, 0.131], Some(0.0004)),
            row(-0.1, [-0.13, -0.07], None),
        ];
        for (row, y) in rows.iter().zip(0..) {
            difference(&shared, row, "", area, y, &mut buffer);
        }
        let line = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        let says = (0..4).map(|y| line(y).find(['w', 'r']).unwrap());
        // "better" holds its first r five letters in.
        let says: Vec<usize> = says.collect();
        assert_eq!(says[0], says[1]);
        assert_eq!(says[2], says[0] + 5);
        assert_eq!(says[3], says[0]);
    }

    #[test]
    fn rows_keep_their_lines_however_much_is_said_beside_them() {
        for (rows, height, expected) in
            [(5, 3, 2), (5, 1, 0), (5, 2, 1), (5, 6, 4), (1, 6, 5), (0, 6, 6), (5, 0, 0)]
        {
            assert_eq!(beside_rows(rows, height), expected, "{rows} {height}");
        }
    }

    #[test]
    fn speed_and_bars_show_where_there_is_room() {
        let shown = |width: u16| -> Vec<&'static str> {
            let columns = columns(width);
            let fit = table::fit(&columns, width);
            assert!(fit.iter().all(|(_, x, wide)| x + wide <= width), "{width}");
            assert!(fit[0].2 >= 18, "{width}: {}", fit[0].2);
            fit.into_iter().map(|(at, ..)| columns[at].title).collect()
        };
        for width in 58..200 {
            let shown = shown(width);
            assert_eq!(shown.contains(&""), width >= 76);
            assert_eq!(shown.contains(&"ms/query"), width >= 70);
        }
        assert_eq!(shown(119).len(), 10);
    }
}
