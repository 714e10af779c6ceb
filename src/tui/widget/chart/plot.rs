//! Drawing a chart into cells.

use super::crosshair;
use super::heading::{self, Hidden};
use super::rules::{lines, words_across, words_down};
use super::time;
use super::{Axis, Canvas, Chart, Curve, Layer, Look, Pattern, label};
use crate::session::Time;
use crate::tui::app::Shared;
use crate::tui::data::curve::{Piece, XKind, smooth};
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::put;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Letters of runs laid over each other.
const LETTERS: [char; 8] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
/// Signs of single values of runs laid over each other; in ASCII they are the letters.
const SINGLE: [&str; 8] = ["◆", "●", "▲", "■", "◇", "○", "△", "□"];
/// ASCII signs of curves.
const SIGNS: [char; 6] = ['*', 'o', '+', 'x', '#', '@'];

/// The letter of curve number n.
#[must_use]
pub fn letter(n: usize) -> char {
    LETTERS[n % LETTERS.len()]
}

/// The sign at single values of curve number n, where `several` curves have such. No colour is needed
/// to tell them.
#[must_use]
pub fn single(n: usize, several: bool, ascii: bool) -> String {
    match (several, ascii) {
        (false, true) => "o".to_owned(),
        (false, false) => SINGLE[0].to_owned(),
        (true, true) => letter(n).to_string(),
        (true, false) => SINGLE[n % SINGLE.len()].to_owned(),
    }
}

/// Values of one column of dots.
#[derive(Clone, Copy)]
struct Column {
    min: f64,
    max: f64,
    first: f64,
    last: f64,
    after_gap: bool,
}

/// Draws a chart.
pub fn draw(shared: &Shared, chart: &Chart, look: &Look, area: Rect, buffer: &mut Buffer) {
    let x_axis = chart.axis_below(look);
    let (range, hidden) = range(chart, look, x_axis);
    let inner = heading::draw(shared, chart, look, hidden, area, buffer);
    if inner.height < 2 || inner.width < 8 {
        return;
    }
    let Some((low, high)) = range else {
        put(buffer, inner, inner.x + 1, inner.y, "no values yet", shared.theme.style(Role::Dim));
        return;
    };
    let y_axis = Axis::new(low, high, look.log_y).padded();
    let rows = inner.height - 1;
    let ticks = y_axis.ticks(usize::from(rows / 3).max(2));
    let labels: Vec<(u16, String)> = ticks
        .iter()
        .filter_map(|tick| Some((row_of(y_axis, *tick, rows)?, label(*tick))))
        .collect();
    let gutter = labels.iter().map(|(_, text)| text.len()).max().unwrap_or(1).max(3) as u16 + 1;
    if inner.width <= gutter + 4 {
        return;
    }
    let plot = Rect { x: inner.x + gutter, width: inner.width - gutter, height: rows, ..inner };
    for y in plot.y..plot.bottom() {
        put(buffer, inner, plot.x - 1, y, shared.glyphs.bar(), shared.theme.style(Role::Faint));
    }
    for (row, words) in &labels {
        let words = text::right(words, usize::from(gutter - 1), "");
        put(buffer, inner, inner.x, plot.y + row, &words, shared.theme.style(Role::Dim));
        let tick = if shared.glyphs.ascii { "+" } else { "┤" };
        put(buffer, inner, plot.x - 1, plot.y + row, tick, shared.theme.style(Role::Faint));
    }
    let free = (0..rows).find(|row| labels.iter().all(|(at, _)| at != row));
    if let Some(row) = free.filter(|_| y_axis.log) {
        let words = text::right("log", usize::from(gutter - 1), "");
        put(buffer, inner, inner.x, plot.y + row, &words, shared.theme.style(Role::Dim));
    }
    below(shared, look, x_axis, Rect { y: plot.bottom(), height: 1, ..plot }, buffer);
    let mut canvas = Canvas::new(look.marker, usize::from(plot.width), usize::from(plot.height));
    for curve in &chart.curves {
        curve_layers(shared, curve, look, x_axis, y_axis, &mut canvas);
    }
    lines(shared, chart, (x_axis, y_axis), &canvas, plot, buffer);
    canvas.draw(plot, buffer);
    // The crosshair's own words stand there.
    if look.crosshair.is_none() {
        words_down(shared, chart, x_axis, &canvas, plot, buffer);
    }
    signs(shared, chart, look, (x_axis, y_axis), plot, buffer);
    words_across(shared, chart, (x_axis, y_axis), plot, buffer);
    if let Some(x) = look.crosshair {
        crosshair::draw(shared, chart, look, x_axis, x, plot, buffer);
    }
}

/// Points of a curve within a window.
fn within(
    piece: &Piece,
    window: (f64, f64),
) -> impl Iterator<Item = &crate::tui::data::curve::Point> {
    piece.points.iter().filter(move |point| point.x >= window.0 && point.x <= window.1)
}

pub(super) fn shown<'a>(
    curve: &'a Curve,
    look: &'a Look,
) -> impl DoubleEndedIterator<Item = &'a Piece> {
    curve.pieces.iter().filter(|piece| look.superseded || !piece.superseded)
}

/// The range of values to show, and what is cut off from it.
fn range(chart: &Chart, look: &Look, x: Axis) -> (Option<(f64, f64)>, Hidden) {
    let window = chart.window(look);
    let mut hidden = Hidden::default();
    let mut values: Vec<(f64, f64)> = Vec::new();
    for point in chart
        .curves
        .iter()
        .flat_map(|curve| shown(curve, look))
        .flat_map(|piece| within(piece, window))
    {
        if x.log && point.x < x.low {
            hidden.before += 1;
        } else if look.log_y && point.min <= 0.0 {
            hidden.not_positive += 1;
            if point.max > 0.0 {
                values.push((point.max, point.max));
            }
        } else {
            values.push((point.min, point.max));
        }
    }
    if values.is_empty() {
        return (None, hidden);
    }
    if look.middle && values.len() >= 50 {
        let mut low: Vec<f64> = values.iter().map(|value| value.0).collect();
        let mut high: Vec<f64> = values.iter().map(|value| value.1).collect();
        low.sort_by(f64::total_cmp);
        high.sort_by(f64::total_cmp);
        let cut = values.len() / 100;
        let range = (low[cut], high[high.len() - 1 - cut]);
        hidden.above = values.iter().filter(|value| value.1 > range.1).count() as u64;
        hidden.below = values.iter().filter(|value| value.0 < range.0).count() as u64;
        return (Some(range), hidden);
    }
    let mut low = values.iter().map(|value| value.0).fold(f64::INFINITY, f64::min);
    let mut high = values.iter().map(|value| value.1).fold(f64::NEG_INFINITY, f64::max);
    // A reference close by is worth the room; one far away would flatten the curve.
    for reference in
        chart.references.iter().filter(|one| one.x.1 >= window.0 && one.x.0 <= window.1)
    {
        let span = (high - low).max(high.abs() * 0.05);
        if reference.y > low - span && reference.y < high + span {
            (low, high) = (low.min(reference.y), high.max(reference.y));
        }
    }
    (Some((low, high)), hidden)
}

pub(super) fn row_of(axis: Axis, value: f64, rows: u16) -> Option<u16> {
    let share = axis.share(value).filter(|share| (0.0..=1.0).contains(share))?;
    Some(((1.0 - share) * f64::from(rows - 1)).round() as u16)
}

pub(super) fn column_of(axis: Axis, value: f64, columns: u16) -> Option<u16> {
    let share = axis.share(value).filter(|share| (0.0..=1.0).contains(share))?;
    Some((share * f64::from(columns - 1)).round() as u16)
}

/// The labels of the axis below.
fn below(shared: &Shared, look: &Look, axis: Axis, area: Rect, buffer: &mut Buffer) {
    let words = |value: f64| match look.x {
        XKind::Step | XKind::Samples => label(value),
        XKind::Elapsed => time::words(value),
        XKind::Clock => {
            let clock = if value % 60.0 == 0.0 { format::clock } else { format::clock_seconds };
            Time::from_millis((value * 1000.0) as i64).map_or_else(String::new, clock)
        }
    };
    let unit = format!(" {}{}", if axis.log { "log " } else { "" }, look.x.name());
    let name = area.right().saturating_sub(unit.len() as u16);
    put(buffer, area, name, area.y, &unit, shared.theme.style(Role::Dim));
    let mut free = area.x;
    let most = usize::from(area.width / 12).max(2);
    let ticks = match look.x {
        XKind::Step | XKind::Samples => axis.ticks(most),
        XKind::Elapsed | XKind::Clock => time::ticks(axis, most),
    };
    for tick in ticks {
        let (Some(column), words) = (column_of(axis, tick, area.width), words(tick)) else {
            continue;
        };
        let width = words.len() as u16;
        let at = (area.x + column).saturating_sub(width / 2).max(area.x);
        if at >= free && at + width < name {
            put(buffer, area, at, area.y, &words, shared.theme.style(Role::Dim));
            free = at + width + 1;
        }
    }
}

/// Puts the points of a piece into columns of dots. `value` picks what a point says.
fn columns(
    piece: &Piece,
    values: &[f64],
    axis: Axis,
    width: usize,
    smoothed: bool,
) -> Vec<(usize, Column)> {
    let mut columns: Vec<(usize, Column)> = Vec::new();
    for (point, smooth) in piece.points.iter().zip(values) {
        let Some(share) = axis.share(point.x).filter(|share| (0.0..=1.0).contains(share)) else {
            continue;
        };
        let at = (share * (width - 1) as f64).round() as usize;
        let new = if smoothed {
            Column {
                min: *smooth,
                max: *smooth,
                first: *smooth,
                last: *smooth,
                after_gap: point.after_gap,
            }
        } else {
            Column {
                min: point.min,
                max: point.max,
                first: point.first,
                last: point.last,
                after_gap: point.after_gap,
            }
        };
        match columns.last_mut() {
            Some((last, column)) if *last == at => {
                column.min = column.min.min(new.min);
                column.max = column.max.max(new.max);
                column.last = new.last;
                column.after_gap |= new.after_gap;
            }
            _ => columns.push((at, new)),
        }
    }
    columns
}

fn curve_layers(
    shared: &Shared,
    curve: &Curve,
    look: &Look,
    x: Axis,
    y: Axis,
    canvas: &mut Canvas,
) {
    let (width, height) = canvas.size();
    let dot = |value: f64| {
        let share = y.share(value)?;
        Some(((1.0 - share) * (height - 1) as f64).round().clamp(-1e6, 1e6) as i64)
    };
    let bright = shared.theme.style(Role::Curve(curve.number));
    let dim = shared.theme.style(Role::Raw(curve.number));
    let sign = SIGNS[curve.number % SIGNS.len()];
    let pattern = Pattern::of(curve.number);
    let smooths = curve.is_smoothed(look);
    let stroke =
        |canvas: &mut Canvas, columns: &[(usize, Column)], pattern: Pattern, span: bool| {
            let mut before: Option<(usize, i64)> = None;
            for (at, column) in columns {
                let (Some(first), Some(last)) = (dot(column.first), dot(column.last)) else {
                    before = None;
                    continue;
                };
                if let Some(before) = before.filter(|_| !column.after_gap) {
                    canvas.line(before, (*at, first), pattern);
                }
                let (low, high) =
                    (dot(column.min).unwrap_or(height as i64), dot(column.max).unwrap_or(first));
                if span && low != high {
                    canvas.line((*at, high), (*at, low), Pattern::Solid);
                } else {
                    canvas.line((*at, first), (*at, last), pattern);
                }
                before = Some((*at, last));
            }
        };
    for piece in shown(curve, look) {
        if piece.superseded || smooths {
            canvas.layer(Layer { style: dim, sign: '.' });
        } else {
            canvas.layer(Layer { style: bright, sign });
        }
        let raw = columns(piece, &vec![0.0; piece.points.len()], x, width, false);
        let pattern = if smooths { Pattern::Solid } else { pattern };
        stroke(canvas, &raw, pattern, !curve.sparse);
    }
    if smooths {
        canvas.layer(Layer { style: bright, sign });
        for piece in shown(curve, look).filter(|piece| !piece.superseded) {
            let values = smooth(&piece.points, look.smoothing);
            stroke(canvas, &columns(piece, &values, x, width, true), pattern, false);
        }
    }
}

/// Signs upon the curves: single values, gaps, letters of runs.
fn signs(
    shared: &Shared,
    chart: &Chart,
    look: &Look,
    (x, y): (Axis, Axis),
    plot: Rect,
    buffer: &mut Buffer,
) {
    let singles = chart.curves.iter().filter(|curve| curve.sparse).count() > 1;
    let several = singles || chart.curves.iter().any(|curve| curve.number > 0 && !curve.sparse);
    for curve in &chart.curves {
        let style = shared.theme.style(Role::Curve(curve.number));
        if curve.sparse {
            let sign = single(curve.number, singles, shared.glyphs.ascii);
            for point in shown(curve, look).flat_map(|piece| &piece.points) {
                if let (Some(column), Some(row)) =
                    (column_of(x, point.x, plot.width), row_of(y, point.last, plot.height))
                {
                    put(buffer, plot, plot.x + column, plot.y + row, &sign, style);
                }
            }
        }
        for gap in &curve.gaps {
            if let Some(column) = column_of(x, *gap, plot.width) {
                let sign = if shared.glyphs.ascii { "x" } else { "✕" };
                put(
                    buffer,
                    plot,
                    plot.x + column,
                    plot.bottom() - 1,
                    sign,
                    shared.theme.style(Role::Bad),
                );
            }
        }
        if several && (singles || !curve.sparse) {
            let last = shown(curve, look)
                .filter(|piece| !piece.superseded)
                .flat_map(|piece| &piece.points)
                .rfind(|point| point.x <= x.high);
            if let Some(point) = last
                && let (Some(column), Some(row)) =
                    (column_of(x, point.x, plot.width), row_of(y, point.last, plot.height))
            {
                // Beside the last value's own sign.
                let column = column - u16::from(curve.sparse && column > 0);
                put(
                    buffer,
                    plot,
                    plot.x + column,
                    plot.y + row,
                    letter(curve.number).encode_utf8(&mut [0; 4]),
                    style,
                );
            }
        }
    }
}
