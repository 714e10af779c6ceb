//! Values over steps: as they came, faint, and their moving average, bright.

use super::axis::{Axis, label};
use super::canvas::{Anchor, COLOURS, Draw, FADED, GRID, INK, MARGIN, Paper, TEXT, TITLE};
use super::{Chart, canvas::Point};
use crate::export::series::smooth;
use plotters::prelude::{Color, RGBColor};

/// One line of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// (step, value) in step order; a value that is not finite is a gap.
    pub points: Vec<(u64, f64)>,
}

/// Values over steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineChart {
    /// What it shows.
    pub title: String,
    /// What the values are.
    pub value: String,
    /// Whether the value axis is logarithmic; values that are not positive are gaps then.
    pub log: bool,
    /// Share of the past in the moving average, 0 to 1; none draws the values alone.
    pub smoothing: Option<f64>,
    /// The lines.
    pub lines: Vec<Line>,
}

const WIDTH: i32 = 960;
const PLOT_HEIGHT: i32 = 400;
/// Marks along a line.
const MARKS: usize = 8;

/// A legend entry: which line, and where.
struct Entry {
    line: usize,
    at: Point,
}

impl LineChart {
    fn width(&self, paper: &Paper) -> i32 {
        let legend = paper.widest(self.lines.iter().map(|line| line.name.as_str()), TEXT) + 44;
        WIDTH.max(paper.width(&self.title, TITLE).max(legend) + 2 * MARGIN)
    }

    /// The legend's entries in rows below the title, and where the last row ends.
    fn legend(&self, paper: &Paper, width: i32) -> (Vec<Entry>, i32) {
        let (mut x, mut y) = (MARGIN, MARGIN + TITLE + 18);
        let mut entries = Vec::new();
        for (line, Line { name, .. }) in self.lines.iter().enumerate() {
            let needed = paper.width(name, TEXT) + 44;
            if x > MARGIN && x + needed > width - MARGIN {
                (x, y) = (MARGIN, y + TEXT + 8);
            }
            entries.push(Entry { line, at: (x, y) });
            x += needed + 12;
        }
        (entries, y + TEXT / 2 + 14)
    }

    /// The least and the greatest value that can be shown.
    fn range(&self) -> (f64, f64) {
        let shown = self.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        let shown = shown.filter(|value| value.is_finite() && (!self.log || *value > 0.0));
        let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low <= high { (low, high) } else { (1.0, 10.0) }
    }
}

impl Chart for LineChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self, paper: &Paper) -> (u32, u32) {
        let width = self.width(paper);
        let top = self.legend(paper, width).1;
        (width as u32, (top + PLOT_HEIGHT + TEXT * 3 + MARGIN) as u32)
    }

    fn draw(&self, canvas: &mut dyn Draw) -> Result<(), String> {
        let width = self.width(canvas.paper());
        let (legend, top) = self.legend(canvas.paper(), width);
        let bottom = top + PLOT_HEIGHT;
        canvas.title(&self.title)?;

        let (low, high) = self.range();
        let values = Axis::new(low, high, self.log, (bottom, top));
        let ticks: Vec<(f64, String)> =
            values.ticks(8).into_iter().map(|tick| (tick, label(tick))).collect();
        let widest = canvas.paper().widest(ticks.iter().map(|tick| tick.1.as_str()), TEXT);
        let left = MARGIN + TEXT + 12 + widest + 8;
        let right = width - MARGIN - 24;

        let steps = self.lines.iter().flat_map(|line| &line.points).map(|point| point.0);
        let (first, last) = steps.fold((u64::MAX, 0), |(a, b), step| (a.min(step), b.max(step)));
        let steps = Axis::exact(first.min(last) as f64, last as f64, (left, right));

        for (tick, name) in &ticks {
            let Some(y) = values.pixel(*tick) else { continue };
            canvas.path(&[(left, y), (right, y)], GRID.to_rgba(), 1)?;
            canvas.text((left - 8, y), name, TEXT, FADED, Anchor::Right)?;
        }
        for tick in steps.ticks(9).into_iter().filter(|tick| tick.fract() == 0.0) {
            let Some(x) = steps.pixel(tick) else { continue };
            canvas.path(&[(x, bottom), (x, bottom + 5)], FADED.to_rgba(), 1)?;
            canvas.text((x, bottom + 8 + TEXT / 2), &label(tick), TEXT, FADED, Anchor::Middle)?;
        }
        canvas.path(&[(left, bottom), (right, bottom)], FADED.to_rgba(), 1)?;
        let below = bottom + TEXT * 2 + 14;
        canvas.text((i32::midpoint(left, right), below), "step", TEXT, INK, Anchor::Middle)?;
        let beside = (MARGIN + TEXT / 2, i32::midpoint(top, bottom));
        canvas.text(beside, &self.value, TEXT, INK, Anchor::Upwards)?;

        for (which, line) in self.lines.iter().enumerate() {
            draw_line(canvas, self, which, line, &steps, &values)?;
        }
        for Entry { line, at: (x, y) } in legend {
            let colour = COLOURS[line % COLOURS.len()];
            canvas.path(&[(x, y), (x + 30, y)], colour.to_rgba(), 2)?;
            canvas.mark((x + 15, y), line, colour)?;
            canvas.text((x + 38, y), &self.lines[line].name, TEXT, INK, Anchor::Left)?;
        }
        Ok(())
    }
}

fn draw_line(
    canvas: &mut dyn Draw,
    chart: &LineChart,
    which: usize,
    line: &Line,
    steps: &Axis,
    values: &Axis,
) -> Result<(), String> {
    let colour: RGBColor = COLOURS[which % COLOURS.len()];
    // A value the axis has no place for is a gap for the average too.
    let raw: Vec<f64> = line
        .points
        .iter()
        .map(|point| if chart.log && point.1 <= 0.0 { f64::NAN } else { point.1 })
        .collect();
    let place = |values_at: &[f64]| -> Vec<Option<Point>> {
        let points = line.points.iter().zip(values_at);
        points
            .map(|(&(step, _), &value)| Some((steps.pixel(step as f64)?, values.pixel(value)?)))
            .collect()
    };
    let bright = match chart.smoothing {
        Some(weight) => {
            draw_pieces(canvas, &place(&raw), colour.mix(0.28), 1)?;
            place(&smooth(&raw, weight))
        }
        None => place(&raw),
    };
    draw_pieces(canvas, &bright, colour.to_rgba(), 2)?;
    // Marks stand at different places on different lines, so that lines that meet stay apart.
    let shown: Vec<Point> = bright.into_iter().flatten().collect();
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return Ok(()) };
    let spacing = ((last.0 - first.0) / MARKS as i32).max(1);
    let offset = spacing * (which % 4) as i32 / 4;
    let mut next = first.0 + offset;
    for &point in &shown {
        if point.0 >= next {
            canvas.mark(point, which, colour)?;
            next = point.0 + spacing;
        }
    }
    Ok(())
}

/// The pieces between gaps; a piece of one point is a short dash.
fn draw_pieces(
    canvas: &mut dyn Draw,
    points: &[Option<Point>],
    colour: plotters::prelude::RGBAColor,
    width: u32,
) -> Result<(), String> {
    for piece in points.split(Option::is_none) {
        let mut piece: Vec<Point> = piece.iter().flatten().copied().collect();
        piece.dedup();
        match piece[..] {
            [] => {}
            [(x, y)] => canvas.path(&[(x - 2, y), (x + 2, y)], colour, width)?,
            _ => canvas.path(&piece, colour, width)?,
        }
    }
    Ok(())
}
