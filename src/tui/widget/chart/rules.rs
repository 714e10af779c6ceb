//! Lines across and down a chart with their words: references, boundaries of stages, resumes, alerts.

use super::plot::{column_of, row_of};
use super::{Axis, Canvas, Chart, MarkKind, Reference};
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::put;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Cells of the longest word beside a line down.
const LONGEST: usize = 24;

fn across(shared: &Shared) -> &'static str {
    if shared.glyphs.ascii { "-" } else { "┈" }
}

/// A reference's row, and its first and last column.
fn line(reference: &Reference, (x, y): (Axis, Axis), plot: Rect) -> Option<(u16, u16, u16)> {
    let row = row_of(y, reference.y, plot.height)?;
    let clamp = |value: f64| x.share(value.max(x.low)).unwrap_or(0.0).clamp(0.0, 1.0);
    let columns = f64::from(plot.width - 1);
    Some((row, (clamp(reference.x.0) * columns) as u16, (clamp(reference.x.1) * columns) as u16))
}

/// The words of lines across: where no curve is, on the line or beside it, as far right as can be; over
/// the curves where these leave no room.
pub(super) fn words_across(
    shared: &Shared,
    chart: &Chart,
    axes: (Axis, Axis),
    plot: Rect,
    buffer: &mut Buffer,
) {
    let across = across(shared);
    let style = shared.theme.style(Role::Dim);
    for reference in &chart.references {
        let Some((row, from, to)) = line(reference, axes, plot) else { continue };
        let width = text::width(&reference.label) as u16;
        if to <= from + width + 1 {
            continue;
        }
        let open = |row: u16, at: u16| {
            (at..=at + width + 1).filter(|column| *column < plot.width).all(|column| {
                let cell = buffer.cell((plot.x + column, plot.y + row));
                cell.is_some_and(|cell| cell.symbol() == " " || cell.symbol() == across)
            })
        };
        let near = [0, -1, 1, -2, 2].into_iter().filter_map(|by| row.checked_add_signed(by));
        let free = near.filter(|row| *row < plot.height).find_map(|row| {
            // A cell of the line is left on either side.
            let start = (from..to - width).rev().find(|at| open(row, *at))?;
            Some((row, start + 1))
        });
        let (row, at) = free.unwrap_or((row, to - width));
        put(buffer, plot, plot.x + at, plot.y + row, &reference.label, style);
    }
}

/// Lines across and down, only where no curve is.
pub(super) fn lines(
    shared: &Shared,
    chart: &Chart,
    (x, y): (Axis, Axis),
    canvas: &Canvas,
    plot: Rect,
    buffer: &mut Buffer,
) {
    let (across, down) = (across(shared), if shared.glyphs.ascii { ":" } else { "┊" });
    for reference in &chart.references {
        let Some((row, from, to)) = line(reference, (x, y), plot) else { continue };
        for column in
            (from..=to).filter(|column| !canvas.covers(usize::from(*column), usize::from(row)))
        {
            put(
                buffer,
                plot,
                plot.x + column,
                plot.y + row,
                across,
                shared.theme.style(Role::Faint),
            );
        }
    }
    for mark in &chart.marks {
        let Some(column) = column_of(x, mark.x, plot.width) else { continue };
        let role = match mark.kind {
            MarkKind::Stage => Role::Faint,
            MarkKind::Resume => Role::Dim,
            MarkKind::Alert => Role::Warn,
        };
        for row in
            (0..plot.height).filter(|row| !canvas.covers(usize::from(column), usize::from(*row)))
        {
            put(buffer, plot, plot.x + column, plot.y + row, down, shared.theme.style(role));
        }
    }
}

/// The words of lines down: beside the line, in the uppermost row without a curve; over the curves where
/// there is none.
pub(super) fn words_down(
    shared: &Shared,
    chart: &Chart,
    x: Axis,
    canvas: &Canvas,
    plot: Rect,
    buffer: &mut Buffer,
) {
    let named: Vec<(u16, &str)> = chart
        .marks
        .iter()
        .filter(|mark| !mark.label.is_empty())
        .filter_map(|mark| Some((column_of(x, mark.x, plot.width)?, mark.label.as_str())))
        .collect();
    let mut free = 0;
    for (column, label) in &named {
        // Up to the next boundary, which is drawn through what lies beyond.
        let next = named.iter().map(|(other, _)| *other).filter(|other| other > column).min();
        let room = usize::from(next.unwrap_or(plot.width) - column).saturating_sub(1);
        if *column < free || room < 3 {
            continue;
        }
        let words = text::fit(label, room.min(LONGEST), shared.glyphs.cut());
        let width = text::width(&words) as u16;
        let covered = |row: &u16| {
            (column + 1..=column + width)
                .filter(|at| canvas.covers(usize::from(*at), usize::from(*row)))
                .count()
        };
        // The first of those with the least.
        let Some(row) = (0..plot.height).min_by_key(covered) else { continue };
        let style = shared.theme.style(Role::Dim);
        put(buffer, plot, plot.x + column + 1, plot.y + row, &words, style);
        free = column + 2 + width;
    }
}
