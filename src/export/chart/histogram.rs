//! How the scores of relevant items lie beside those of all others: a panel an encoder.

use super::Chart;
use super::axis::{Axis, label};
use super::canvas::{Anchor, COLOURS, Draw, FADED, GRID, INK, MARGIN, Paper, Point, TEXT, TITLE};
use crate::eval::histogram::ScoreHistogram;
use crate::eval::{CompareDocument, Direction};
use plotters::prelude::Color;

/// The scores of every encoder in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreChart {
    title: String,
    panels: Vec<(String, ScoreHistogram)>,
}

const WIDTH: i32 = 620;
const PANEL: i32 = 110;
const BELOW: i32 = 46;
const NOTE: &str = "share of each kind in bins of equal width; the two areas are alike";

impl ScoreChart {
    /// The panels of one direction; none where the rows hold no histograms.
    #[must_use]
    pub fn new(document: &CompareDocument, direction: Direction) -> Option<Self> {
        let rows = document.rows.iter().filter(|row| row.direction == direction);
        let panels: Vec<_> =
            rows.filter_map(|row| Some((row.role.clone(), row.scores.clone()?))).collect();
        let title = format!("scores, {direction} on {}", document.protocol.dataset);
        (!panels.is_empty()).then_some(Self { title, panels })
    }
}

/// The outline of shares over an axis: up and down at the ends of every bin.
fn outline(counts: &[u64], across: &Axis, ends: (f64, f64), up: &Axis, bottom: i32) -> Vec<Point> {
    let whole: u64 = counts.iter().sum();
    let width = (ends.1 - ends.0) / counts.len().max(1) as f64;
    let mut points = Vec::with_capacity(counts.len() * 2 + 2);
    let x = |at: usize| across.pixel(ends.0 + at as f64 * width).unwrap_or_default();
    points.push((x(0), bottom));
    for (at, &count) in counts.iter().enumerate() {
        let share = count as f64 / whole.max(1) as f64;
        let y = up.pixel(share).unwrap_or(bottom);
        points.extend([(x(at), y), (x(at + 1), y)]);
    }
    points.push((x(counts.len()), bottom));
    points.dedup();
    points
}

impl Chart for ScoreChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self, paper: &Paper) -> (u32, u32) {
        let names = paper.widest(self.panels.iter().map(|panel| panel.0.as_str()), TEXT);
        let words = paper.width(&self.title, TITLE).max(paper.width(NOTE, TEXT) + 220).max(names);
        let width = (MARGIN + WIDTH + 24).max(words + MARGIN) + MARGIN;
        let panels = self.panels.len() as i32 * (TEXT + 12 + PANEL + BELOW);
        (width as u32, (MARGIN + TITLE + TEXT + 28 + panels + MARGIN) as u32)
    }

    fn draw(&self, canvas: &mut dyn Draw) -> Result<(), String> {
        canvas.title(&self.title)?;
        let line = MARGIN + TITLE + 8 + TEXT / 2;
        let mut x = MARGIN;
        for (name, colour) in [("relevant", COLOURS[0]), ("others", COLOURS[1])] {
            canvas.fill((x, line - 5), (x + 18, line + 5), colour.mix(0.6))?;
            canvas.text((x + 24, line), name, TEXT, INK, Anchor::Left)?;
            x += 24 + canvas.paper().width(name, TEXT) + 20;
        }
        canvas.text((x, line), NOTE, TEXT, FADED, Anchor::Left)?;
        let mut top = MARGIN + TITLE + TEXT + 28;
        for (role, scores) in &self.panels {
            canvas.text((MARGIN, top + TEXT / 2), role, TEXT, INK, Anchor::Left)?;
            let (from, bottom) = (top + TEXT + 12, top + TEXT + 12 + PANEL);
            let (left, right) = (MARGIN + 8, MARGIN + WIDTH);
            let ends = (scores.low, scores.high.max(scores.low + f64::EPSILON));
            let across = Axis::exact(ends.0, ends.1, (left, right));
            let kinds = [&scores.others, &scores.relevant];
            let share = |counts: &&Vec<u64>| {
                let whole: u64 = counts.iter().sum();
                counts.iter().copied().max().unwrap_or(0) as f64 / whole.max(1) as f64
            };
            let most = kinds.iter().map(share).fold(0.0, f64::max);
            let up = Axis::exact(0.0, if most > 0.0 { most } else { 1.0 }, (bottom, from));
            for tick in across.ticks(8) {
                let Some(x) = across.pixel(tick) else { continue };
                canvas.path(&[(x, from), (x, bottom)], GRID.to_rgba(), 1)?;
                canvas.text(
                    (x, bottom + 8 + TEXT / 2),
                    &label(tick),
                    TEXT,
                    FADED,
                    Anchor::Middle,
                )?;
            }
            for (counts, colour) in kinds.into_iter().zip([COLOURS[1], COLOURS[0]]) {
                let outline = outline(counts, &across, ends, &up, bottom);
                for pair in outline.windows(2).filter(|pair| pair[0].1 == pair[1].1) {
                    let (from, to) = (pair[0], pair[1]);
                    if from.1 < bottom {
                        canvas.fill(from, (to.0, bottom), colour.mix(0.3))?;
                    }
                }
                canvas.path(&outline, colour.to_rgba(), 1)?;
            }
            canvas.path(&[(left, bottom), (right, bottom)], FADED.to_rgba(), 1)?;
            top = bottom + BELOW;
        }
        Ok(())
    }
}
