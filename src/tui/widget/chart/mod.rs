//! A chart that tells the truth: values as they came, dim, with the smallest and largest of every
//! column kept; their debiased moving average, bright; gaps where a number was none; what is cut off
//! counted.

mod axis;
mod canvas;
mod crosshair;
mod heading;
mod plot;
mod rules;
#[cfg(test)]
mod tests;
mod time;

pub use axis::{Axis, label};
pub use canvas::{Canvas, Layer, Marker, Pattern};
pub use plot::{draw, letter, single};

use crate::tui::data::curve::{Piece, XKind};

/// A curve: one measure of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What the legend says.
    pub name: String,
    /// Its place among the runs: colour, pattern and letter.
    pub number: usize,
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// Whether its few values are drawn as they are, joined, with a sign at each.
    pub sparse: bool,
    /// Whether its values are set, not measured: an average would only lag behind them.
    pub exact: bool,
    /// Steps that gave no number, on the axis below.
    pub gaps: Vec<f64>,
}

/// What a line across or down says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// A stage begins.
    Stage,
    /// A segment goes on from here.
    Resume,
    /// An alert.
    Alert,
}

/// A line down, with a word at its top.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where on the axis below.
    pub x: f64,
    /// What it says.
    pub label: String,
    /// What it is.
    pub kind: MarkKind,
}

/// A line across, over a part of the axis below.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// At which value.
    pub y: f64,
    /// From where to where.
    pub x: (f64, f64),
    /// What it says.
    pub label: String,
}

/// How charts are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Logarithmic value axis.
    pub log_y: bool,
    /// Logarithmic axis below.
    pub log_x: bool,
    /// What the axis below counts.
    pub x: XKind,
    /// What of it is seen; nothing for all.
    pub window: Option<(f64, f64)>,
    /// Share of the past in the moving average; 0 for none.
    pub smoothing: f64,
    /// Whether the outer hundredths are cut off.
    pub middle: bool,
    /// With what dots are drawn.
    pub marker: Marker,
    /// Where the crosshair stands.
    pub crosshair: Option<f64>,
    /// Whether pieces that were done again are shown.
    pub superseded: bool,
}

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Which curve is which, as it follows the title.
    pub legend: String,
    /// Its curves, the lowest first.
    pub curves: Vec<Curve>,
    /// Lines down.
    pub marks: Vec<Mark>,
    /// Lines across.
    pub references: Vec<Reference>,
    /// The axis below, all of it.
    pub span: (f64, f64),
    /// Where values begin on it, above 0.
    pub first: f64,
}

impl Curve {
    /// Whether a moving average is drawn over its values.
    #[must_use]
    pub fn is_smoothed(&self, look: &Look) -> bool {
        look.smoothing > 0.0 && !self.sparse && !self.exact
    }
}

impl Chart {
    /// What of the axis below is seen.
    #[must_use]
    pub fn window(&self, look: &Look) -> (f64, f64) {
        look.window.unwrap_or(self.span)
    }

    /// The axis below.
    #[must_use]
    pub fn axis_below(&self, look: &Look) -> Axis {
        axis_below(self.window(look), self.first, look)
    }
}

/// The axis below of a window. A logarithmic one begins no earlier than values do; the clock has none.
#[must_use]
pub fn axis_below((low, high): (f64, f64), first: f64, look: &Look) -> Axis {
    let from = if low > 0.0 { low } else { first };
    if look.log_x && look.x != XKind::Clock && from > 0.0 && high > from {
        Axis::new(from, high, true)
    } else {
        Axis::new(low, high, false)
    }
}
