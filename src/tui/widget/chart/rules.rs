//! Lines across and down a chart with their words: references, boundaries of stages, resumes, alerts.

use super::plot::{column_of, row_of};
use super::{Axis, Canvas, Chart, Look, MarkKind};
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::put;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines across and down, only where no curve is.
pub(super) fn lines(
    shared: &Shared,
    chart: &Chart,
    look: &Look,
    (x, y): (Axis, Axis),
    canvas: &Canvas,
    plot: Rect,
    buffer: &mut Buffer,
) {
    let (across, down) = if shared.glyphs.ascii { ("-", ":") } else { ("┈", "┊") };
    for reference in &chart.references {
        let Some(row) = row_of(y, reference.y, plot.height) else { continue };
        let clamp = |value: f64| x.share(value.max(x.low)).unwrap_or(0.0).clamp(0.0, 1.0);
        let columns = f64::from(plot.width - 1);
        let (from, to) =
            ((clamp(reference.x.0) * columns) as u16, (clamp(reference.x.1) * columns) as u16);
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
        let width = text::width(&reference.label) as u16;
        if to > from + width + 1 {
            put(
                buffer,
                plot,
                plot.x + to - width,
                plot.y + row,
                &reference.label,
                shared.theme.style(Role::Dim),
            );
        }
    }
    let mut free = 0;
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
        if column >= free && !mark.label.is_empty() && look.crosshair.is_none() {
            // Up to the next boundary, which would be drawn through the words.
            let others = chart.marks.iter().filter(|other| !other.label.is_empty());
            let next = others
                .filter_map(|other| column_of(x, other.x, plot.width))
                .filter(|other| *other > column)
                .min()
                .unwrap_or(plot.width);
            let room = usize::from(next - column).saturating_sub(1);
            if room < 3 {
                continue;
            }
            let words = text::fit(&mark.label, room.min(18), shared.glyphs.cut());
            // Beside the curves, where one of the upper rows has room.
            let width = text::width(&words) as u16;
            let open = |row: &u16| {
                (column + 1..=column + width)
                    .all(|at| !canvas.covers(usize::from(at), usize::from(*row)))
            };
            if let Some(row) = (0..plot.height.min(4)).find(open) {
                let style = shared.theme.style(Role::Dim);
                put(buffer, plot, plot.x + column + 1, plot.y + row, &words, style);
            }
            free = column + 2 + text::width(&words) as u16;
        }
    }
}
