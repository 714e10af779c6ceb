//! A zero-shot classification drawn: encoders by how often the true class comes first, or among the first
//! five, what was chosen from, differences with corrected p, and pictures with their classes.

use super::bars::{self, Axis, whisker};
use super::below::Below;
use super::click::{Places, behind};
use super::comparison::{beside_rows, header, listed, places, words_above};
use super::{cut, differences, protocol};
use crate::eval::classify::{ClassifyDocument, ClassifyRow};
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, pointer, section, top};
use crate::tui::widget::table::{self, Column};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of an encoder's row in a table of this width.
const fn columns(width: u16) -> [Column; 8] {
    const fn number(title: &'static str, width: u16, from: u16) -> Column {
        Column { title, width, right: true, from }
    }
    let bar = bars::cells(width);
    let from = if bar == 0 { u16::MAX } else { 0 };
    [
        Column { title: "encoder", width: 0, right: false, from: 0 },
        number("top-1 %", 7, 0),
        number("95 %", 12, 0),
        // Its title is its axis.
        Column { title: "", width: bar, right: false, from },
        number("top-5 %", 7, 0),
        number("95 %", 12, 0),
        number("scale", 7, 88),
        number("ms/picture", 10, 100),
    ]
}

/// What is looked at of a classification.
pub struct Looked<'a> {
    /// The result's name.
    pub id: &'a str,
    /// Its document.
    pub document: &'a ClassifyDocument,
    /// Its place among the results, in words.
    pub note: String,
    /// What stands below the table: differences, or else pictures.
    pub below: Below,
    /// The line of it that is chosen, where the cursor has left the table.
    pub chosen: Option<usize>,
}

/// Whether differences stand below the table.
pub fn is_tested(below: Below, document: &ClassifyDocument) -> bool {
    below == Below::Differences && !document.differences.is_empty()
}

/// Draws it; where each line stands that can be chosen.
pub fn view(
    shared: &Shared,
    looked: &Looked<'_>,
    cursor: Cursor,
    area: Rect,
    buffer: &mut Buffer,
) -> Places {
    let Looked { id, document, note, below, chosen: line_below } = looked;
    let title = format!("classification {} {id}", shared.glyphs.dot());
    let inner = section(shared, buffer, area, &title, note);
    let inner = words_above(shared, &shared_words(document), inner, buffer);
    let line = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
    let (columns, bar) = (columns(line.width), bars::cells(line.width));
    let axis = Axis::of(document.rows.iter().filter_map(|row| Some(row.ci95?.top_1[1])));
    header(shared, &columns, &axis.title("top-1", usize::from(bar)), line, buffer);
    let body = top(line, 1).1;
    let tested = is_tested(*below, document).then(|| differences::of_classes(document));
    let pictures_here = document.pictures.len().min(usize::from(u16::MAX) - 1) as u16 + 1;
    let wanted = tested.as_ref().map_or(pictures_here, |tested| tested.wanted(area.width));
    let share = if line_below.is_some() { body.height * 3 / 4 } else { body.height / 2 };
    let rows = &document.rows;
    let under = wanted.min(share) + 2;
    let (list, rest) = bottom(body, under.min(beside_rows(rows.len(), body.height)));
    let lines: Vec<_> = rows.iter().map(|row| cells(shared, row, axis, bar)).collect();
    let at_table = if line_below.is_some() { Rect::ZERO } else { area };
    let chosen = listed(shared, &columns, &lines, cursor, (list, at_table), buffer);
    let (about, rest) = top(rest, 2);
    if let Some(row) = rows.get(chosen) {
        let words = about_row(document, row);
        cut::words(shared, buffer, about, (about.x, about.y), (Role::Dim, &words));
    }
    let rest = Rect { x: area.x, width: area.width, ..rest };
    let below = match tested {
        Some(tested) => tested.view(shared, *line_below, rest, buffer),
        None => pictures(shared, document, (chosen, *line_below), rest, buffer),
    };
    let mut places = places(cursor, rows.len(), list);
    places.extend(behind(below, rows.len()));
    places
}

/// What results must share, and what was chosen from.
fn shared_words(document: &ClassifyDocument) -> String {
    let own = &document.protocol;
    let mut parts = vec![format!("data {}", own.dataset)];
    parts.extend(own.split.as_ref().map(|split| format!("split {split}")));
    parts.extend(own.pool.map(|pool| format!("pool {pool}")));
    let few = |all: &[String], shown: usize| {
        let rest = all.len().saturating_sub(shown);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("{}{more}", all[..shown.min(all.len())].join(", "))
    };
    let classes = document.candidates.len();
    parts.push(format!("{classes} candidates: {}", few(&document.candidates, 5)));
    let templates = if document.templates.len() == 1 { "template" } else { "templates" };
    parts.push(format!("{templates} {}", few(&document.templates, 2)));
    parts.push(protocol::ties(&own.tie_rule));
    parts.push(protocol::rules(own.rules));
    text::safe(&parts.join("; "))
}

fn cells(shared: &Shared, row: &ClassifyRow, axis: Axis, bar: u16) -> Vec<table::Cell> {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let none = || shared.glyphs.none().to_owned();
    let counted = row.metrics.zip(row.ci95);
    let say = |value: Option<String>| value.unwrap_or_else(none);
    vec![
        (Role::Text, text::safe(&row.role)),
        (Role::Title, say(counted.map(|(shares, _)| percent(shares.top_1)))),
        (Role::Dim, say(counted.map(|(_, ci95)| bars::ends(ci95.top_1)))),
        (
            Role::Curve(0),
            counted.map_or_else(String::new, |(shares, ci95)| {
                whisker(shared, axis, shares.top_1, ci95.top_1, usize::from(bar))
            }),
        ),
        (Role::Text, say(counted.map(|(shares, _)| percent(shares.top_5)))),
        (Role::Dim, say(counted.map(|(_, ci95)| bars::ends(ci95.top_5)))),
        (Role::Dim, format!("{:.2}", row.scale)),
        (Role::Dim, format!("{:.2}", row.ms_per_item)),
    ]
}

/// What a row's numbers stand on.
fn about_row(document: &ClassifyDocument, row: &ClassifyRow) -> String {
    let labelled = &document.labelled;
    let count = |count: usize| format::count(count as u64);
    let mut parts = vec![format!(
        "{}: {} pictures counted in {} units",
        text::safe(&row.role),
        count(labelled.pictures),
        count(labelled.units)
    )];
    if labelled.without > 0 {
        parts.push(format!("{} without a label", count(labelled.without)));
    }
    if labelled.unknown > 0 {
        parts.push(format!("{} of other classes", count(labelled.unknown)));
    }
    if row.tied_share > 0.0 {
        parts.push(format!("{} tied", format::percent(row.tied_share)));
    }
    if row.truncated > 0 {
        parts.push(format!("{} texts cut", row.truncated));
    }
    parts.join(", ")
}

/// Pictures, what they show, and the best classes under the chosen encoder, around the chosen picture.
fn pictures(
    shared: &Shared,
    document: &ClassifyDocument,
    (row, chosen): (usize, Option<usize>),
    area: Rect,
    buffer: &mut Buffer,
) -> Places {
    let role = document.rows.get(row).map_or_else(String::new, |row| text::safe(&row.role));
    let (count, height) = (document.pictures.len(), usize::from(area.height.saturating_sub(1)));
    let first = chosen.map_or(0, |at| Cursor { at }.first(count, height));
    let note = if count > height {
        format!("{} to {} of {count}", first + 1, first + height)
    } else {
        String::new()
    };
    let title = format!("pictures with their class, under {role}");
    let inner = section(shared, buffer, area, &title, &note);
    let width = 30.min(usize::from(inner.width / 4));
    // What each shows stands before what is found in it.
    let labels = document.pictures.iter().filter_map(|picture| picture.label.as_deref());
    let class = labels.map(text::width).max().unwrap_or(1).min(usize::from(inner.width / 4));
    let places: Places = (inner.y..inner.bottom()).zip(first..count).collect();
    for &(y, at) in &places {
        let picture = &document.pictures[at];
        let label =
            picture.label.as_deref().map_or_else(|| shared.glyphs.none().to_owned(), text::safe);
        let cut = shared.glyphs.cut();
        let mut parts = vec![
            (Role::Text, text::left(&text::safe(&picture.item), width, cut)),
            (Role::Text, format!(" {}", text::left(&label, class, cut))),
        ];
        for hit in picture.classes.get(row).into_iter().flatten().take(3) {
            let class = document.candidates.get(hit.candidate).map_or("", String::as_str);
            let right = picture.label.as_deref() == Some(class);
            let role = if right { Role::Good } else { Role::Text };
            parts.push((role, format!("  {}", text::safe(class))));
            parts.push((Role::Dim, format!(" {}", format::percent(hit.probability))));
        }
        let parts: Vec<(Role, &str)> =
            parts.iter().map(|(role, part)| (*role, part.as_str())).collect();
        cut::pieces(shared, buffer, inner, (inner.x + 1, y), &parts);
        if chosen == Some(at) {
            pointer(shared, buffer, area, y);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;
    use serde_json::json;

    #[test]
    fn a_picture_stands_with_its_class_before_those_that_are_found() {
        let classes = json!([[{"candidate": 1, "probability": 0.75, "cosine": 0.25},
            {"candidate": 0, "probability": 0.25, "cosine": 0.125}]]);
        let document: ClassifyDocument = serde_json::from_value(json!({
            "format": "llm2clip.classify/1",
            "protocol": {"dataset": "pets", "split": null, "split_digest": "00", "pool": null,
                "tie_rule": "high", "rules": 1},
            "candidates": ["cat", "dog"], "texts": ["cat", "dog"], "templates": ["{}"],
            "rows": [], "differences": [], "family": "",
            "labelled": {"pictures": 1, "units": 1, "without": 1, "unknown": 0,
                "unknown_labels": []},
            "pictures": [{"item": "1f605@0", "label": "cat", "classes": classes},
                {"item": "1f606@0", "label": null, "classes": classes}],
            "resamples": 10, "seed": 0, "program": "0"}))
        .unwrap();
        let (shared, area) = (app().shared, Rect::new(0, 0, 80, 4));
        let mut buffer = Buffer::empty(area);
        pictures(&shared, &document, (0, None), area, &mut buffer);
        let line = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        assert!(line(0).contains("pictures with their class"), "{}", line(0));
        let words = |y: u16| line(y).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(1)[..3], ["1f605@0", "cat", "dog"]);
        assert_eq!(words(2)[..3], ["1f606@0", shared.glyphs.none(), "dog"]);
    }
}
