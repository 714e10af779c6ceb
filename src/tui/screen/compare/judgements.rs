//! A comparison under a second set of judgements, below its table: what of the file was used, each
//! encoder by its metrics, and rows against rows with their test and its correction.

use super::click::{Places, behind};
use super::comparison::{BAR, header};
use super::differences::{self, Tested};
use super::{cut, metric};
use crate::eval::difference::Retrieved;
use crate::eval::second::SecondJudgements;
use crate::eval::{CompareRow, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{pointer, section, top};
use crate::tui::widget::table;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines above the rows: the title, what was read, the table's head.
const ABOVE: u16 = 3;

/// What there is of a direction, in a metric.
pub struct Judged<'a> {
    second: &'a SecondJudgements,
    rows: Vec<&'a CompareRow>,
    tested: Tested<'a, Retrieved>,
    metric: Metric,
}

/// That of a second set.
pub fn of(second: &SecondJudgements, direction: Direction, metric: Metric) -> Judged<'_> {
    let rows = second.rows.iter().filter(|row| row.direction == direction).collect();
    let tested = differences::of_second(second, direction, metric);
    Judged { second, rows, tested, metric }
}

impl Judged<'_> {
    /// Lines that can be chosen: rows, then differences.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len() + self.tested.count()
    }

    /// Lines it takes at a width.
    #[must_use]
    pub fn wanted(&self, width: u16) -> u16 {
        let rows = self.rows.len().min(usize::from(u16::MAX)) as u16;
        self.tested.wanted(width).saturating_add(rows).saturating_add(ABOVE)
    }

    /// What of the file was used.
    fn read(&self) -> String {
        let count = |number: usize| format::count(number as u64);
        let read = &self.second.read;
        let mut words =
            format!("{} of {} relevant lines used", count(read.used), count(read.relevant));
        for (unknown, what) in [
            (read.unknown_queries.count, "queries not asked"),
            (read.unknown_items.count, "items in no gallery"),
        ] {
            if unknown > 0 {
                words.push_str(&format!(", {} {what}", count(unknown)));
            }
        }
        words
    }

    /// Draws it: rows and differences have half of the room each, or what the others leave. Where each
    /// line stands.
    pub fn view(
        &self,
        shared: &Shared,
        chosen: Option<usize>,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Places {
        let (rows, metric) = (&self.rows, self.metric);
        let room = area.height.saturating_sub(ABOVE);
        let left = usize::from(room).saturating_sub(rows.len()) as u16;
        let tested = self.tested.wanted(area.width).min(left.max(room / 2));
        let height = usize::from(room - tested).min(rows.len());
        let first = chosen.map_or(0, |at| {
            if at < rows.len() { Cursor { at }.first(rows.len(), height) } else { 0 }
        });
        let mut note = "a second set of relevant items".to_owned();
        if rows.len() > height {
            let dot = shared.glyphs.dot();
            note = format!("{} to {} of {} {dot} {note}", first + 1, first + height, rows.len());
        }
        let title = format!("judged by {}", text::safe(&self.second.protocol.judgements));
        let inner = section(shared, buffer, area, &title, &note);
        let (line, rest) = top(inner, 1);
        cut::words(shared, buffer, line, (line.x + 1, line.y), (Role::Dim, &self.read()));
        let (head, rest) = top(rest, 1);
        let line = Rect { x: head.x + 1, width: head.width.saturating_sub(1), ..head };
        let columns = metric::columns(line.width, metric);
        let axis = metric::axis(rows, metric, std::iter::empty());
        let bar = columns[BAR].width;
        header(shared, &columns, &metric::title(axis, metric, usize::from(bar)), line, buffer);
        let (list, below) = top(rest, height as u16);
        let body = Rect { x: list.x + 1, width: list.width.saturating_sub(1), ..list };
        let mut places: Places = (body.y..body.bottom()).zip(first..rows.len()).collect();
        for &(y, at) in &places {
            let cells = metric::cells(shared, rows[at], (axis, metric), bar);
            table::row(shared, buffer, body, y, &columns, &cells, false);
            if chosen == Some(at) {
                pointer(shared, buffer, area, y);
            }
        }
        let chosen = chosen.and_then(|at| at.checked_sub(rows.len()));
        let tested = self.tested.view(shared, chosen, below, buffer);
        places.extend(behind(tested, rows.len()));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;
    use serde_json::{Value, json};

    /// So many rows under second judgements, each held against the first.
    fn second(count: usize) -> SecondJudgements {
        let shares = json!({"recall@1": 0.3, "recall@5": 0.4, "recall@10": 0.5, "mrr": 0.4,
            "median_rank": 2.0});
        let ends = json!([0.2, 0.45]);
        let row = |at: usize| {
            json!({"role": format!("row {at:02}"), "encoder": null, "direction": "text-to-image",
                "metrics": shares, "ci95": {"recall@1": ends, "recall@5": ends, "recall@10": ends,
                    "mrr": ends, "median_rank": [1.0, 3.0]},
                "tied_share": 0.0, "mean_cosine": 0.25, "items": 300, "queries": 600, "units": 300,
                "ms_per_item": null, "ms_per_query": null, "index_ms": null,
                "bytes_per_item": null, "truncated": 0})
        };
        let less = |at: usize| {
            json!({"a": format!("row {at:02}"), "b": "row 00", "direction": "text-to-image",
                "metric": "recall@1", "delta": 0.1, "ci95": [0.07, 0.13], "test": "sign-flip",
                "p": 0.0001, "p_holm": 0.006, "n": 300})
        };
        let rows: Vec<Value> = (0..count).map(row).collect();
        let differences: Vec<Value> = (1..count).map(less).collect();
        serde_json::from_value(json!({"protocol": {"dataset": "emoji", "split": "test",
                "split_digest": "00", "pool": null, "captions": "any",
                "judgements": "crisscrossed.qrels 1a2b3c4d", "self_exclusion": "none",
                "tie_rule": "high", "rules": 1},
            "read": {"relevant": 1200, "not_relevant": 0, "used": 1180,
                "unknown_queries": {"count": 20, "first": []},
                "unknown_items": {"count": 0, "first": []}},
            "rows": rows, "differences": differences,
            "family": "recall@1 of each row against the first row: 60 tests"}))
        .unwrap()
    }

    fn drawn(count: usize, chosen: Option<usize>, (width, height): (u16, u16)) -> Vec<String> {
        let (shared, second) = (app().shared, second(count));
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        of(&second, Direction::TextToImage, Metric::Recall1).view(
            &shared,
            chosen,
            area,
            &mut buffer,
        );
        let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(line).collect()
    }

    #[test]
    fn differences_name_their_test_and_its_correction_in_little_room_too() {
        for size in [(80, 10), (60, 9), (120, 20)] {
            let text = drawn(6, None, size).join("\n");
            assert!(text.contains("differences in recall@1, so judged"), "{text}");
            assert!(text.contains("p: sign-flip test, n 300; Holm's correction"), "{text}");
            assert!(text.contains("row 01 le") && text.contains("p 0.006"), "{text}");
        }
        let text = drawn(6, None, (120, 20)).join("\n");
        assert!(text.contains("against the first row: 60 tests"), "{text}");
        assert!(text.contains("1,180 of 1,200 relevant lines used, 20 queries"), "{text}");
    }

    #[test]
    fn every_row_and_every_difference_comes_into_sight() {
        let judged = second(12);
        let judged = of(&judged, Direction::TextToImage, Metric::Recall1);
        assert_eq!((judged.count(), judged.wanted(120)), (23, 3 + 12 + 1 + 1 + 11));
        for at in 0..23 {
            let lines = drawn(12, Some(at), (80, 12));
            let chosen = lines.iter().find(|line| line.starts_with('▌'));
            let chosen = chosen.unwrap_or_else(|| panic!("{at}: {lines:#?}"));
            let name =
                if at < 12 { format!("row {at:02} ") } else { format!("row {:02} less", at - 11) };
            assert!(chosen.contains(&name), "{at}: {lines:#?}");
        }
        let lines = drawn(12, None, (80, 12));
        assert!(lines[0].contains("1 to 5 of 12"), "{lines:#?}");
    }

    #[test]
    fn no_size_is_too_small() {
        for count in [0, 1, 12] {
            for size in [(0, 0), (1, 1), (2, 3), (20, 4), (80, 5), (80, 6)] {
                for chosen in [None, Some(0), Some(count), Some(30)] {
                    drawn(count, chosen, size);
                }
            }
        }
    }
}
