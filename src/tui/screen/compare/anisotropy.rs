//! How alike all embeddings of a row are, row by row, each held against the row it was made from, and
//! whether that goes with what a plain Llama misses.

use super::bars;
use super::cone::{self, digests};
use crate::eval::CompareRow;
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{paragraph, section, top};
use crate::tui::widget::table::{self, Cell, Column};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines it wants at a width.
pub fn lines(rows: &[&CompareRow], width: u16) -> u16 {
    let width = usize::from(width.saturating_sub(2)).max(1);
    let said = cone::words(rows).map_or(0, |words| text::wrap(&words, width).len());
    (rows.len() + said + 2).min(usize::from(u16::MAX)) as u16
}

/// The row that a row is held against: the nearest above of the same base model, else the nearest above;
/// one without a mean cosine is none.
fn before<'a>(rows: &[&'a CompareRow], at: usize) -> Option<&'a CompareRow> {
    let own = digests(rows[at]);
    let above = || rows[..at].iter().rev().copied().filter(|row| row.mean_cosine.is_some());
    let related = |row: &&CompareRow| digests(row).iter().any(|digest| own.contains(digest));
    above().find(related).or_else(|| above().next())
}

fn columns(width: u16) -> [Column; 6] {
    let bar = bars::cells(width);
    let from = if bar == 0 { u16::MAX } else { 0 };
    [
        Column { title: "encoder", width: 0, right: false, from: 0 },
        Column { title: "cosine", width: 6, right: true, from: 0 },
        Column { title: "change", width: 6, right: true, from: 0 },
        Column {
            title: "against",
            width: if width < 100 { 16 } else { 24 },
            right: false,
            from: 0,
        },
        Column { title: "0 to 1", width: bar, right: false, from },
        Column { title: "eff. rank", width: 9, right: true, from: 56 },
    ]
}

fn cells(shared: &Shared, rows: &[&CompareRow], at: usize, bar: u16) -> Vec<Cell> {
    let row = rows[at];
    let name = (Role::Text, text::safe(&row.role));
    let Some(cosine) = row.mean_cosine else {
        return vec![name, (Role::Dim, shared.glyphs.none().to_owned())];
    };
    let (change, against) = before(rows, at).map_or_else(Default::default, |other| {
        let change = cosine - other.mean_cosine.unwrap_or(cosine);
        (format!("{change:+.3}"), text::safe(&other.role))
    });
    let role = if cosine > 0.7 { Role::Warn } else { Role::Curve(0) };
    let rank = row.geometry.as_ref().map(|geometry| format!("{:.1}", geometry.effective_rank));
    vec![
        name,
        (Role::Title, format!("{cosine:.3}")),
        (Role::Text, change),
        (Role::Dim, against),
        (role, shared.glyphs.gauge(cosine, usize::from(bar))),
        (Role::Text, rank.unwrap_or_else(|| shared.glyphs.none().to_owned())),
    ]
}

/// Draws them; the chosen row is always seen.
pub fn view(shared: &Shared, rows: &[&CompareRow], chosen: usize, area: Rect, buffer: &mut Buffer) {
    let note = "mean cosine of distinct items: 1 is all alike";
    let mut inner = section(shared, buffer, area, "anisotropy", note);
    if let Some(words) = cone::words(rows).filter(|_| inner.height > 5) {
        let place = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let rest = paragraph(shared, buffer, place, Role::Dim, &words);
        inner = Rect { y: rest.y, height: rest.height, ..inner };
    }
    let (head, body) = top(inner, 1);
    let line = Rect { x: head.x + 1, width: head.width.saturating_sub(1), ..head };
    let columns = columns(line.width);
    table::header(shared, buffer, line, &columns, None);
    let body = Rect { x: line.x, width: line.width, ..body };
    let height = usize::from(body.height);
    let first = Cursor { at: chosen }.first(rows.len(), height);
    if rows.len() > height {
        let last = (first + height).min(rows.len());
        let note = format!("{} to {last} of {}; {note}", first + 1, rows.len());
        section(shared, buffer, area, "anisotropy", &note);
    }
    for (at, y) in (first..rows.len()).zip(body.y..body.bottom()) {
        let cells = cells(shared, rows, at, columns[4].width);
        table::row(shared, buffer, body, y, &columns, &cells, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn row(role: &str, encoder: &Value, cosine: Option<f64>) -> CompareRow {
        let metrics = json!({"recall@1": 0.1, "recall@5": 0.2, "recall@10": 0.3, "mrr": 0.2,
            "median_rank": 5.0});
        let ends = json!([0.0, 0.2]);
        serde_json::from_value(
            json!({"role": role, "encoder": encoder, "direction": "text-to-text",
            "metrics": metrics, "ci95": {"recall@1": ends, "recall@5": ends, "recall@10": ends,
            "mrr": ends, "median_rank": [1.0, 9.0]}, "tied_share": 0.0, "mean_cosine": cosine,
            "items": 9, "queries": 9, "ms_per_item": null, "ms_per_query": null, "index_ms": null,
            "bytes_per_item": null, "truncated": 0}),
        )
        .unwrap()
    }

    #[test]
    fn a_row_is_held_against_the_one_it_was_made_from() {
        let llama = json!({"kind": "llama", "weights": "aa"});
        let on = |parent: &str| {
            json!({"kind": "llama", "weights": format!("of {parent}"),
                "stands_on": [{"source": "x", "digest": parent}]})
        };
        let rows = [
            row("bm25", &json!({"kind": "bm25"}), None),
            row("clip-text", &json!({"kind": "clip", "weights": "cc"}), Some(0.4)),
            row("vanilla", &llama, Some(0.489)),
            row("other", &json!({"kind": "clip", "weights": "dd"}), Some(0.2)),
            row("bidirectional", &llama, Some(0.496)),
            row("mntp", &on("aa"), Some(0.471)),
        ];
        let rows: Vec<&CompareRow> = rows.iter().collect();
        let against = |at| before(&rows, at).map(|row| row.role.as_str());
        let found: Vec<_> = (0..rows.len()).map(against).collect();
        let expected = [
            None,
            None,
            Some("clip-text"),
            Some("vanilla"),
            Some("vanilla"),
            Some("bidirectional"),
        ];
        assert_eq!(found, expected);
        let mut shared = crate::tui::app::tests::app().shared;
        shared.glyphs.ascii = true;
        let area = Rect::new(0, 0, 80, 12);
        let mut buffer = Buffer::empty(area);
        view(&shared, &rows, 0, area, &mut buffer);
        let line = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        let all: Vec<String> = (0..12).map(line).collect();
        assert!(all[1].contains("recall@1 of vanilla is 10.0 %, of mntp 10.0 %"), "{all:#?}");
        let at = |part: &str| all.iter().position(|line| line.contains(part));
        assert!(at("cosine change against").is_some(), "{all:#?}");
        assert!(at("+0.007 vanilla").is_some(), "{all:#?}");
        assert!(!all[0].contains(" of 6"), "{all:#?}");
        // Rows out of sight are told of.
        let area = Rect::new(0, 0, 80, 7);
        for (chosen, note) in [(0, "1 to 3 of 6; mean cosine"), (5, "4 to 6 of 6; mean cosine")] {
            let mut buffer = Buffer::empty(area);
            view(&shared, &rows, chosen, area, &mut buffer);
            let title: String = (0..80).map(|x| buffer[(x, 0)].symbol()).collect();
            assert!(title.contains(note), "{title}");
        }
    }
}
