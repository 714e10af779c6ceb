//! A comparison under a second set of judgements, below its table: what of the file was used, each
//! encoder by its metrics, and recall@1 against recall@1.

use super::bars;
use super::comparison::{axis, cells, columns, difference, header};
use crate::eval::second::SecondJudgements;
use crate::eval::{CompareRow, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, section, top};
use crate::tui::widget::table;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn rows(second: &SecondJudgements, direction: Direction) -> impl Iterator<Item = &CompareRow> {
    second.rows.iter().filter(move |row| row.direction == direction)
}

/// Lines that a direction takes: what was read, the table's head, encoders and differences.
pub fn lines(second: &SecondJudgements, direction: Direction) -> u16 {
    let differences = second.differences.iter().map(|row| &row.of);
    let differences =
        differences.filter(|of| of.direction == direction && of.metric == Metric::Recall1);
    (2 + rows(second, direction).count() + differences.count()) as u16
}

/// Draws it.
pub fn view(
    shared: &Shared,
    second: &SecondJudgements,
    direction: Direction,
    area: Rect,
    buffer: &mut Buffer,
) {
    let title = format!("judged by {}", text::safe(&second.protocol.judgements));
    let inner = section(shared, buffer, area, &title, "a second set of relevant items");
    let (line, rest) = top(inner, 1);
    let count = |number: usize| format::count(number as u64);
    let read = &second.read;
    let mut words = format!("{} of {} relevant lines used", count(read.used), count(read.relevant));
    for (unknown, what) in [
        (read.unknown_queries.count, "queries not asked"),
        (read.unknown_items.count, "items in no gallery"),
    ] {
        if unknown > 0 {
            words.push_str(&format!(", {} {what}", count(unknown)));
        }
    }
    pieces(shared, buffer, line, line.x + 1, line.y, &[(Role::Dim, &words)]);
    let (head, rest) = top(rest, 1);
    let line = Rect { x: head.x + 1, width: head.width.saturating_sub(1), ..head };
    let (columns, axis) = (columns(line.width), axis(rows(second, direction)));
    let bar = bars::cells(line.width);
    let title = axis.title("recall@1", usize::from(bar));
    header(shared, &columns, &title, line, buffer);
    let mut places = rest.y..rest.bottom();
    let body = Rect { x: rest.x + 1, width: rest.width.saturating_sub(1), ..rest };
    for (row, y) in rows(second, direction).zip(places.by_ref()) {
        table::row(shared, buffer, body, y, &columns, &cells(shared, row, axis, bar), false);
    }
    let differences = second.differences.iter();
    let here =
        differences.filter(|row| row.of.direction == direction && row.of.metric == Metric::Recall1);
    for (row, y) in here.zip(places) {
        difference(shared, row, "", rest, y, buffer);
    }
}
