//! Differences of a comparison: a mark with its 95 % interval for every pair of rows, around zero.

use super::Chart;
use super::axis::{Axis, label};
use super::canvas::{Anchor, COLOURS, Draw, FADED, GRID, INK, MARGIN, Paper, TEXT, TITLE};
use crate::eval::{CompareDocument, Difference, Metric};
use plotters::prelude::Color;

/// One metric's differences.
#[derive(Clone, Debug, PartialEq)]
pub struct DifferenceChart {
    title: String,
    note: String,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    text: String,
    delta: f64,
    interval: [f64; 2],
    /// Whether its test rejects at 5 % after correction; none without a test.
    rejected: Option<bool>,
}

const PLOT_WIDTH: i32 = 420;
const ROW: i32 = 24;

impl DifferenceChart {
    /// The differences in one metric; none where the document has none.
    #[must_use]
    pub fn new(document: &CompareDocument, metric: Metric) -> Option<Self> {
        let what = format!("difference in {metric}");
        Self::of(document, metric, document.differences.iter(), &document.family, &what)
    }

    /// Replicates of two names number by number; none where the document has none.
    #[must_use]
    pub fn of_replicates(document: &CompareDocument, metric: Metric) -> Option<Self> {
        let all = &document.replicate_differences;
        let mut families = all.iter().filter(|one| one.metric == metric && !one.family.is_empty());
        let family = families.next().map_or("", |one| one.family.as_str());
        let what = format!("difference in {metric}, replicates number by number");
        Self::of(document, metric, all.iter().flat_map(|one| &one.pairs), family, &what)
    }

    fn of<'a>(
        document: &CompareDocument,
        metric: Metric,
        differences: impl Iterator<Item = &'a Difference>,
        family: &str,
        what: &str,
    ) -> Option<Self> {
        let rows: Vec<Row> =
            differences.filter(|one| one.of.metric == metric).map(Row::new).collect();
        if rows.is_empty() {
            return None;
        }
        let note = if family.is_empty() {
            "whiskers: 95 % bootstrap interval of the difference".to_owned()
        } else {
            format!("p after Holm over {family}")
        };
        let task = document.task.name();
        let title = format!("{what}, {task} task on {}", document.protocol.dataset);
        Some(Self { title, note, rows })
    }

    fn layout(&self, paper: &Paper) -> (i32, i32) {
        let left = MARGIN + paper.widest(self.rows.iter().map(|row| row.name.as_str()), TEXT) + 14;
        let texts = paper.widest(self.rows.iter().map(|row| row.text.as_str()), TEXT) + 14;
        let title = paper.width(&self.title, TITLE).max(paper.width(&self.note, TEXT));
        (left, (left + PLOT_WIDTH + texts + MARGIN).max(title + 2 * MARGIN))
    }
}

impl Row {
    fn new(difference: &Difference) -> Self {
        let digits = if difference.of.metric == Metric::MedianRank { 1 } else { 3 };
        let [low, high] = difference.ci95;
        let p = difference.p_holm.map_or_else(String::new, |p| {
            if p < 0.001 { "  p < 0.001".to_owned() } else { format!("  p = {p:.3}") }
        });
        let text =
            format!("{:+.digits$}  [{low:+.digits$}, {high:+.digits$}]{p}", difference.delta);
        Self {
            name: format!("{}: {} less {}", difference.of.direction, difference.a, difference.b),
            text: text.replace('-', "\u{2212}"),
            delta: difference.delta,
            interval: difference.ci95,
            rejected: difference.p_holm.map(|p| p < 0.05),
        }
    }
}

impl Chart for DifferenceChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self, paper: &Paper) -> (u32, u32) {
        let rows = self.rows.len() as i32 * ROW;
        let height = MARGIN + TITLE + TEXT + 28 + rows + TEXT + 24 + MARGIN;
        (self.layout(paper).1 as u32, height as u32)
    }

    fn draw(&self, canvas: &mut dyn Draw) -> Result<(), String> {
        let (left, _) = self.layout(canvas.paper());
        let right = left + PLOT_WIDTH;
        canvas.title(&self.title)?;
        canvas.note(&self.note)?;

        let far = self.rows.iter().flat_map(|row| [row.delta, row.interval[0], row.interval[1]]);
        let far = far.filter(|value| value.is_finite()).fold(0.0, |far: f64, v| far.max(v.abs()));
        let far = if far > 0.0 { far } else { 1.0 };
        let axis = Axis::new(-far, far, false, (left, right));
        let top = MARGIN + TITLE + TEXT + 20;
        let bottom = top + self.rows.len() as i32 * ROW + 8;
        for tick in axis.ticks(5) {
            let Some(x) = axis.pixel(tick) else { continue };
            let colour = if tick == 0.0 { FADED } else { GRID };
            canvas.path(&[(x, top), (x, bottom)], colour.to_rgba(), 1)?;
            canvas.text((x, bottom + 8 + TEXT / 2), &label(tick), TEXT, FADED, Anchor::Middle)?;
        }
        for (at, row) in self.rows.iter().enumerate() {
            let y = top + 4 + at as i32 * ROW + ROW / 2;
            canvas.text((left - 12, y), &row.name, TEXT, INK, Anchor::Right)?;
            let colour = if row.rejected == Some(false) { FADED } else { COLOURS[0] };
            let ends = row.interval.map(|value| axis.pixel(value).unwrap_or(left));
            canvas.path(&[(ends[0], y), (ends[1], y)], colour.to_rgba(), 2)?;
            // The shape says it too: filled circle where the test rejects, square where not.
            let mark = usize::from(row.rejected == Some(false));
            canvas.mark((axis.pixel(row.delta).unwrap_or(left), y), mark, colour)?;
            canvas.text((right + 12, y), &row.text, TEXT, INK, Anchor::Left)?;
        }
        Ok(())
    }
}
