//! Ranks of every query under two encoders: where each stands under one, and where under the other.
//!
//! Thousands of queries would hide each other as marks, so the plane is cut into cells and a cell is
//! the darker the more queries it holds.

use super::Chart;
use super::axis::{Axis, label};
use super::canvas::{Anchor, COLOURS, Draw, FADED, GRID, INK, MARGIN, Paper, TEXT, TITLE, shade};
use crate::session::neighbours::NeighbourSet;
use plotters::prelude::{Color, RGBColor};
use std::collections::BTreeMap;

/// Two encoders' ranks of the same queries.
#[derive(Clone, Debug, PartialEq)]
pub struct RankScatter {
    title: String,
    names: [String; 2],
    /// Ranks under both, a query each.
    ranks: Vec<[u32; 2]>,
    /// The worst rank there can be.
    worst: u32,
}

const SIDE: i32 = 480;
const CELL: i32 = 8;

impl RankScatter {
    /// The queries both sets have, by their ids; none where there are none, or where the two are of
    /// different directions.
    #[must_use]
    pub fn new(a: &NeighbourSet, b: &NeighbourSet) -> Option<Self> {
        let of: BTreeMap<&str, u32> =
            b.queries.iter().map(String::as_str).zip(b.rank_high.iter().copied()).collect();
        let pairs = a.queries.iter().zip(&a.rank_high);
        let ranks: Vec<[u32; 2]> =
            pairs.filter_map(|(query, &rank)| Some([rank, *of.get(query.as_str())?])).collect();
        if ranks.is_empty() || a.direction != b.direction {
            return None;
        }
        let worst = ranks.iter().flatten().copied().max().unwrap_or(1).max(10);
        Some(Self {
            title: format!("rank of the first relevant item, {}", a.direction),
            names: [a.role.clone(), b.role.clone()],
            ranks,
            worst,
        })
    }

    fn note(&self) -> String {
        let count =
            |fits: &dyn Fn(&[u32; 2]) -> bool| self.ranks.iter().filter(|r| fits(r)).count();
        format!(
            "{} queries: {} better under {}, {} under {}, {} equal; darker cells hold more",
            label(self.ranks.len() as f64),
            label(count(&|[a, b]| a < b) as f64),
            self.names[0],
            label(count(&|[a, b]| b < a) as f64),
            self.names[1],
            label(count(&|[a, b]| a == b) as f64),
        )
    }

    fn left() -> i32 {
        MARGIN + TEXT + 80
    }
}

/// From a pale blue to a dark one.
fn blue(share: f64) -> RGBColor {
    shade([205.0, 225.0, 240.0], [0.0, 60.0, 110.0], share)
}

impl Chart for RankScatter {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self, paper: &Paper) -> (u32, u32) {
        let words = paper.width(&self.title, TITLE).max(paper.width(&self.note(), TEXT));
        let names = paper.widest(self.names.iter().map(String::as_str), TEXT);
        let width = (Self::left() + SIDE.max(names)).max(MARGIN + words) + MARGIN + 24;
        let height = MARGIN + TITLE + TEXT + 24 + SIDE.max(names) + TEXT * 2 + 30 + MARGIN;
        (width as u32, height as u32)
    }

    fn draw(&self, canvas: &mut dyn Draw) -> Result<(), String> {
        let (left, top) = (Self::left(), MARGIN + TITLE + TEXT + 24);
        let (right, bottom) = (left + SIDE, top + SIDE);
        canvas.title(&self.title)?;
        canvas.note(&self.note())?;
        let worst = f64::from(self.worst);
        let across = Axis::new(1.0, worst, true, (left, right));
        let up = Axis::new(1.0, worst, true, (bottom, top));
        for tick in across.ticks(8) {
            let (Some(x), Some(y)) = (across.pixel(tick), up.pixel(tick)) else { continue };
            canvas.path(&[(x, top), (x, bottom)], GRID.to_rgba(), 1)?;
            canvas.path(&[(left, y), (right, y)], GRID.to_rgba(), 1)?;
            let name = label(tick);
            canvas.text((x, bottom + 8 + TEXT / 2), &name, TEXT, FADED, Anchor::Middle)?;
            canvas.text((left - 8, y), &name, TEXT, FADED, Anchor::Right)?;
        }
        let mut cells: BTreeMap<(i32, i32), u32> = BTreeMap::new();
        for [a, b] in &self.ranks {
            let x = across.pixel(f64::from(*a)).unwrap_or(left).min(right - 1) - left;
            let y = up.pixel(f64::from(*b)).unwrap_or(bottom).min(bottom - 1) - top;
            *cells.entry((x / CELL, y / CELL)).or_insert(0) += 1;
        }
        let most = f64::from(cells.values().copied().max().unwrap_or(1)).ln_1p();
        for ((x, y), count) in cells {
            let from = (left + x * CELL, top + y * CELL);
            let colour = blue(f64::from(count).ln_1p() / most);
            canvas.fill(from, (from.0 + CELL - 1, from.1 + CELL - 1), colour.to_rgba())?;
        }
        canvas.path(&[(left, bottom), (right, top)], COLOURS[1].to_rgba(), 1)?;
        canvas.path(&[(left, top), (left, bottom), (right, bottom)], FADED.to_rgba(), 1)?;
        let [a, b] = &self.names;
        let middle = (i32::midpoint(left, right), bottom + TEXT * 2 + 14);
        canvas.text(middle, a, TEXT, INK, Anchor::Middle)?;
        let beside = (MARGIN + TEXT / 2, i32::midpoint(top, bottom));
        canvas.text(beside, b, TEXT, INK, Anchor::Upwards)
    }
}
