//! A line down a chart: where it stands, and the values it meets.

use super::plot::{column_of, shown};
use super::{Axis, Chart, Curve, Look, time};
use crate::session::Time;
use crate::tui::app::Shared;
use crate::tui::data::curve::{Piece, Point, XKind, smooth};
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::put;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

/// Draws it; its place stands on the line below the plot.
pub(super) fn draw(
    shared: &Shared,
    chart: &Chart,
    look: &Look,
    x: Axis,
    at: f64,
    plot: Rect,
    buffer: &mut Buffer,
) {
    let Some(column) = column_of(x, at, plot.width) else { return };
    // Between two steps there is nothing to be read.
    let at = if look.x == XKind::Step { at.round() } else { at };
    for y in plot.y..plot.bottom() {
        if buffer.cell((plot.x + column, y)).is_some_and(|cell| cell.symbol() == " ") {
            put(
                buffer,
                plot,
                plot.x + column,
                y,
                shared.glyphs.bar(),
                shared.theme.style(Role::Accent),
            );
        }
    }
    let stands = format!(" {} ", place(look.x, at));
    let wide = text::width(&stands) as u16;
    let last = plot.right().saturating_sub(wide);
    let left = (plot.x + column).saturating_sub(wide / 2).min(last).max(plot.x);
    let below = Rect { y: plot.bottom(), height: 1, ..plot };
    let style = shared.theme.style(Role::Accent).add_modifier(Modifier::REVERSED);
    put(buffer, below, left, below.y, &stands, style);
    let mut row = plot.y;
    let room = usize::from(plot.width);
    for curve in &chart.curves {
        let Some((point, smoothed)) = met(curve, look, near(curve, look, x, at, plot)) else {
            continue;
        };
        let said = [(smoothed, true), (smoothed, false), (None, false)]
            .into_iter()
            .map(|(smoothed, whole)| words(&curve.name, &point, smoothed, whole))
            .find(|words| text::width(words) <= room)
            .unwrap_or_else(|| {
                text::fit(&words("", &point, None, false), room, shared.glyphs.cut())
            });
        let width = text::width(&said) as u16;
        let right = plot.x + column + 1;
        let left = if right + width <= plot.right() {
            right
        } else {
            (plot.x + column).saturating_sub(width).max(plot.x)
        };
        let style = shared.theme.style(Role::Curve(curve.number));
        put(buffer, plot, left, row, &said, style.add_modifier(Modifier::REVERSED));
        row += 1;
    }
}

/// A place that is less than half a column behind the end of a curve is that end.
fn near(curve: &Curve, look: &Look, x: Axis, at: f64, plot: Rect) -> f64 {
    let counts = shown(curve, look).filter(|piece| !piece.superseded);
    let end = counts.map(|piece| piece.within.1).fold(f64::NEG_INFINITY, f64::max);
    let share = |value| x.share(value).unwrap_or(f64::INFINITY);
    let half = 0.5 / f64::from(plot.width.max(2) - 1);
    if at > end && share(at) - share(end) <= half { end } else { at }
}

fn place(kind: XKind, at: f64) -> String {
    match kind {
        XKind::Step | XKind::Samples => format::count(at.round().max(0.0) as u64),
        XKind::Elapsed => time::words(at.round()),
        XKind::Clock => {
            Time::from_millis((at * 1000.0) as i64).map_or_else(String::new, format::clock_seconds)
        }
    }
}

/// A value; of several steps that are kept as one their mean, and in the `whole` words from where to where
/// they went.
fn words(name: &str, point: &Point, smoothed: Option<f64>, whole: bool) -> String {
    let value = if point.count > 1 { point.mean } else { point.last };
    let mut words = format!(" {}", format!("{name} {} ", format::number(value)).trim_start());
    if point.count > 1 && whole {
        words.push_str(&format!(
            "({} to {} in {} steps) ",
            format::number(point.min),
            format::number(point.max),
            format::count(point.count)
        ));
    }
    if let Some(smoothed) = smoothed {
        words.push_str(&format!("ema {} ", format::number(smoothed)));
    }
    words
}

/// A curve's values at a place, or the last before it of the same stage, and its moving average there.
/// Nothing where the run had not come there, and of a stage that has no values yet.
fn met(curve: &Curve, look: &Look, at: f64) -> Option<(Point, Option<f64>)> {
    let mut found = None;
    let holds = |piece: &&Piece| at >= piece.within.0 && at <= piece.within.1;
    for piece in shown(curve, look).filter(|piece| !piece.superseded).filter(holds) {
        let next = piece.points.partition_point(|point| point.x < at);
        // Several steps kept as one lie before their last.
        let holds = piece.points.get(next).is_some_and(|point| {
            let begins = look.x == XKind::Step && point.x - point.count as f64 <= at;
            point.x <= at || (point.count > 1 && (next > 0 || begins))
        });
        let index = if holds { Some(next) } else { next.checked_sub(1) };
        found = index.map(|index| (piece, index)).or(found);
    }
    let (piece, index) = found?;
    let smoothed =
        curve.is_smoothed(look).then(|| smooth(&piece.points[..=index], look.smoothing)[index]);
    Some((piece.points[index], smoothed))
}

#[cfg(test)]
mod tests {
    use super::super::Marker;
    use super::*;

    fn look(x: XKind) -> Look {
        Look {
            log_y: false,
            log_x: false,
            x,
            window: None,
            smoothing: 0.0,
            middle: false,
            marker: Marker::Braille,
            crosshair: None,
            superseded: true,
        }
    }

    fn point(x: f64, (min, max): (f64, f64), count: u64) -> Point {
        let mean = f64::midpoint(min, max);
        Point { x, min, max, first: min, last: max, mean, count, after_gap: false }
    }

    /// Two stages: of the first only spans of eight steps are known, of the second all.
    fn curve() -> Curve {
        let first = vec![point(8.0, (4.0, 6.0), 8), point(16.0, (3.0, 5.0), 8)];
        let second = vec![point(17.0, (2.0, 2.0), 1), point(18.0, (1.0, 1.0), 1)];
        let piece = |points, within| Piece { points, superseded: false, within };
        let pieces = vec![piece(first, (0.0, 16.0)), piece(second, (16.0, 18.0))];
        let (name, gaps) = ("loss".to_owned(), Vec::new());
        Curve { name, number: 0, pieces, sparse: false, exact: false, gaps }
    }

    fn x_at(at: f64, x: XKind) -> Option<f64> {
        met(&curve(), &look(x), at).map(|(point, _)| point.x)
    }

    #[test]
    fn the_values_are_those_of_the_steps_that_hold_the_place() {
        for (at, expected) in
            [(1.0, 8.0), (8.0, 8.0), (9.0, 16.0), (16.0, 16.0), (17.0, 17.0), (18.0, 18.0)]
        {
            assert_eq!(x_at(at, XKind::Step), Some(expected), "{at}");
        }
        // Where the first steps began is not known in time.
        assert_eq!(x_at(1.0, XKind::Elapsed), None);
        assert_eq!(x_at(9.0, XKind::Elapsed), Some(16.0));
    }

    #[test]
    fn a_run_that_had_not_come_there_and_another_stage_have_no_value_there() {
        assert_eq!(x_at(99.0, XKind::Step), None);
        assert_eq!(x_at(99.0, XKind::Elapsed), None);
        // A stage that was not measured yet does not show what the one before it ended with.
        let mut sparse = curve();
        sparse.pieces[1].points.remove(0);
        assert_eq!(met(&sparse, &look(XKind::Step), 17.0).map(|(point, _)| point.x), None);
        assert_eq!(met(&sparse, &look(XKind::Step), 18.0).map(|(point, _)| point.x), Some(18.0));
    }

    #[test]
    fn what_is_set_has_no_average() {
        let averaged = Look { smoothing: 0.9, ..look(XKind::Step) };
        assert!(met(&curve(), &averaged, 18.0).unwrap().1.is_some());
        let set = Curve { exact: true, ..curve() };
        assert_eq!(met(&set, &averaged, 18.0).unwrap().1, None);
    }

    #[test]
    fn several_steps_in_one_are_told_as_a_mean_with_their_range() {
        let of = |at: f64, whole: bool| {
            let (point, smoothed) = met(&curve(), &look(XKind::Step), at).unwrap();
            words(&curve().name, &point, smoothed, whole)
        };
        assert_eq!(of(3.0, true), " loss 5.000 (4.000 to 6.000 in 8 steps) ");
        assert_eq!(of(3.0, false), " loss 5.000 ");
        assert_eq!(of(18.0, true), " loss 1.000 ");
        let (point, _) = met(&curve(), &look(XKind::Step), 3.0).unwrap();
        assert_eq!(words("", &point, None, false), " 5.000 ");
    }

    #[test]
    fn the_place_is_said_as_the_axis_counts() {
        assert_eq!(place(XKind::Step, 12_000.2), "12,000");
        assert_eq!(place(XKind::Elapsed, 90.0), "1:30 m");
        assert_eq!(place(XKind::Clock, 60.0), "00:01:00");
    }
}
