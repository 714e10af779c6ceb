//! A sweep as a heat map: layers downwards, poolings across, recall@1 in every cell.

use super::Chart;
use super::canvas::{Anchor, COLOURS, Draw, INK, MARGIN, Paper, TEXT, TITLE, shade};
use crate::eval::sweep::{Sweep, SweepRow};
use plotters::prelude::{Color, RGBColor, WHITE};

/// One encoder's sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    title: String,
    note: String,
    columns: Vec<String>,
    layers: Vec<usize>,
    /// By layer, then column; none where it was not tried.
    cells: Vec<Vec<Option<f64>>>,
    /// The cell that was chosen: layer's place, column.
    chosen: Option<(usize, usize)>,
}

const HIGH: i32 = 24;

fn column(row: &SweepRow, both: bool) -> String {
    match (both, row.bos) {
        (false, _) => row.pooling.clone(),
        (true, true) => format!("{}, BOS", row.pooling),
        (true, false) => format!("{}, no BOS", row.pooling),
    }
}

impl HeatMap {
    /// The map of one role; none where nothing of it was tried.
    #[must_use]
    pub fn new(sweep: &Sweep, role: &str) -> Option<Self> {
        let rows: Vec<&SweepRow> = sweep.rows.iter().filter(|row| row.role == role).collect();
        let both = rows.iter().any(|row| row.bos) && rows.iter().any(|row| !row.bos);
        let (mut columns, mut layers) = (Vec::new(), Vec::new());
        for row in &rows {
            let name = column(row, both);
            if !columns.contains(&name) {
                columns.push(name);
            }
            layers.push(row.layer);
        }
        layers.sort_unstable();
        layers.dedup();
        let place = |layer: usize, name: &str| {
            let at = (
                layers.iter().position(|known| *known == layer)?,
                columns.iter().position(|known| known == name)?,
            );
            Some(at)
        };
        let mut cells = vec![vec![None; columns.len()]; layers.len()];
        for row in &rows {
            if let Some((layer, at)) = place(row.layer, &column(row, both)) {
                cells[layer][at] = Some(row.metrics.recall_1);
            }
        }
        let best = Sweep::best(rows.iter().copied()).map(|at| rows[at]);
        let chosen = best.and_then(|row| place(row.layer, &column(row, both)));
        let items = sweep.protocol.split.as_deref().map_or_else(String::new, |s| format!(", {s}"));
        (!rows.is_empty()).then(|| Self {
            title: format!("recall@1 by layer and pooling, {role}"),
            note: format!(
                "on {}{items}: items outside the test; framed: chosen",
                sweep.protocol.dataset
            ),
            columns,
            layers,
            cells,
            chosen,
        })
    }

    fn wide(&self, paper: &Paper) -> i32 {
        paper.widest(self.columns.iter().map(String::as_str), TEXT).max(60) + 16
    }

    fn left(paper: &Paper) -> i32 {
        MARGIN + paper.width("layer 000", TEXT) + 10
    }
}

impl Chart for HeatMap {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self, paper: &Paper) -> (u32, u32) {
        let words = paper.width(&self.title, TITLE).max(paper.width(&self.note, TEXT));
        let plot = Self::left(paper) + self.wide(paper) * self.columns.len() as i32;
        let height = MARGIN + TITLE + TEXT * 2 + 36 + HIGH * self.layers.len() as i32 + MARGIN;
        ((plot.max(MARGIN + words) + MARGIN) as u32, height as u32)
    }

    fn draw(&self, canvas: &mut dyn Draw) -> Result<(), String> {
        canvas.title(&self.title)?;
        canvas.note(&self.note)?;
        let (left, wide) = (Self::left(canvas.paper()), self.wide(canvas.paper()));
        let top = MARGIN + TITLE + TEXT * 2 + 36;
        for (at, name) in (0..).zip(&self.columns) {
            let middle = left + at * wide + wide / 2;
            canvas.text((middle, top - TEXT / 2 - 6), name, TEXT, INK, Anchor::Middle)?;
        }
        let most = self.cells.iter().flatten().flatten().copied().fold(0.0, f64::max);
        for (row, (layer, cells)) in (0..).zip(self.layers.iter().zip(&self.cells)) {
            let y = top + row * HIGH;
            let name = format!("layer {layer}");
            canvas.text((left - 10, y + HIGH / 2), &name, TEXT, INK, Anchor::Right)?;
            for (at, value) in (0..).zip(cells) {
                let Some(value) = value else { continue };
                let share = if most > 0.0 { value / most } else { 0.0 };
                let x = left + at * wide;
                canvas.fill((x, y), (x + wide - 2, y + HIGH - 2), blue(share).to_rgba())?;
                let ink = if share > 0.6 { WHITE } else { INK };
                let middle = (x + wide / 2 - 1, y + HIGH / 2 - 1);
                canvas.text(middle, &format!("{value:.3}"), TEXT, ink, Anchor::Middle)?;
            }
        }
        if let Some((row, at)) = self.chosen {
            let (x, y) = (left + at as i32 * wide, top + row as i32 * HIGH);
            let (right, bottom) = (x + wide - 2, y + HIGH - 2);
            let frame = [(x, y), (right, y), (right, bottom), (x, bottom), (x, y)];
            canvas.path(&frame, COLOURS[1].to_rgba(), 3)?;
        }
        Ok(())
    }
}

/// From nearly white to a dark blue.
fn blue(share: f64) -> RGBColor {
    shade([240.0, 245.0, 250.0], [0.0, 70.0, 130.0], share)
}
