//! Dots finer than cells. A cell belongs to the uppermost curve that has a dot in it, so colours
//! never mix.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// With what dots are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marker {
    /// Two by four dots a cell.
    #[default]
    Braille,
    /// Two halves a cell.
    Half,
    /// One dot a cell.
    Dots,
    /// One ASCII sign a cell, another a curve.
    Ascii,
}

impl Marker {
    /// The next in turn.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Braille => Self::Half,
            Self::Half => Self::Dots,
            Self::Dots => Self::Ascii,
            Self::Ascii => Self::Braille,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Braille => "braille",
            Self::Half => "half blocks",
            Self::Dots => "dots",
            Self::Ascii => "ASCII",
        }
    }

    /// Dots a cell, across and down.
    #[must_use]
    pub const fn dots(self) -> (usize, usize) {
        match self {
            Self::Braille => (2, 4),
            Self::Half => (1, 2),
            Self::Dots | Self::Ascii => (1, 1),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Spot {
    bits: u8,
    /// The layer it belongs to, from 1; 0 belongs to none.
    layer: usize,
}

/// How a layer is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Its style.
    pub style: Style,
    /// Its sign where every cell has only one.
    pub sign: char,
}

/// A grid of dots.
pub struct Canvas {
    marker: Marker,
    width: usize,
    height: usize,
    spots: Vec<Spot>,
    layers: Vec<Layer>,
}

impl Canvas {
    /// An empty grid of cells.
    #[must_use]
    pub fn new(marker: Marker, width: usize, height: usize) -> Self {
        let spots = vec![Spot::default(); width * height];
        Self { marker, width, height, spots, layers: Vec::new() }
    }

    /// Dots across and down.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let (across, down) = self.marker.dots();
        (self.width * across, self.height * down)
    }

    /// Begins a layer above all others.
    pub fn layer(&mut self, layer: Layer) {
        self.layers.push(layer);
    }

    /// A dot of the newest layer; those outside are left out.
    pub fn dot(&mut self, x: usize, y: usize) {
        let (across, down) = self.marker.dots();
        let (column, row) = (x / across, y / down);
        if column >= self.width || row >= self.height {
            return;
        }
        let spot = &mut self.spots[row * self.width + column];
        if spot.layer != self.layers.len() {
            *spot = Spot { bits: 0, layer: self.layers.len() };
        }
        spot.bits |= bit(self.marker, x % across, y % down);
    }

    /// A line from dot to dot. `pattern` leaves dots out, counted along x.
    pub fn line(&mut self, from: (usize, i64), to: (usize, i64), pattern: Pattern) {
        let (across, height) = (to.0.saturating_sub(from.0), self.size().1 as i64);
        for step in 0..=across {
            let y_at = |part: f64| {
                if across == 0 {
                    to.1 as f64
                } else {
                    from.1 as f64 + (to.1 - from.1) as f64 * part / across as f64
                }
            };
            let x = from.0 + step;
            if !pattern.draws(x) {
                continue;
            }
            let (a, b) = if across == 0 {
                (from.1, to.1)
            } else {
                let (a, b) = (
                    y_at((step as f64 - 0.5).max(0.0)),
                    y_at((step as f64 + 0.5).min(across as f64)),
                );
                (a.round() as i64, b.round() as i64)
            };
            let (low, high) = (a.min(b).max(0), a.max(b).min(height - 1));
            for y in low..=high {
                self.dot(x, y as usize);
            }
        }
    }

    /// Whether a cell has a dot.
    #[must_use]
    pub fn covers(&self, column: usize, row: usize) -> bool {
        self.spots.get(row * self.width + column).is_some_and(|spot| spot.layer > 0)
    }

    /// Puts the dots into a buffer.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        for (at, spot) in self.spots.iter().enumerate().filter(|(_, spot)| spot.layer > 0) {
            let (column, row) = (at % self.width, at / self.width);
            let Some(layer) = self.layers.get(spot.layer - 1) else { continue };
            let place = (area.x + column as u16, area.y + row as u16);
            if let Some(cell) = buffer.cell_mut(place) {
                cell.set_char(sign(self.marker, spot.bits, layer.sign)).set_style(layer.style);
            }
        }
    }
}

/// How a line is told from others without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pattern {
    /// Every dot.
    #[default]
    Solid,
    /// Four of six.
    Dashed,
    /// One of three.
    Dotted,
    /// Six, then one, of nine.
    DashDotted,
}

impl Pattern {
    /// The pattern of curve number n.
    #[must_use]
    pub const fn of(n: usize) -> Self {
        match n % 4 {
            0 => Self::Solid,
            1 => Self::Dashed,
            2 => Self::Dotted,
            _ => Self::DashDotted,
        }
    }

    const fn draws(self, x: usize) -> bool {
        match self {
            Self::Solid => true,
            Self::Dashed => x % 6 < 4,
            Self::Dotted => x.is_multiple_of(3),
            Self::DashDotted => x % 9 < 6 || x % 9 == 7,
        }
    }
}

const fn bit(marker: Marker, x: usize, y: usize) -> u8 {
    match marker {
        // Unicode numbers the dots of the first three rows down each column, then the fourth row.
        Marker::Braille => match (x, y) {
            (0, 3) => 0x40,
            (_, 3) => 0x80,
            (0, y) => 1 << y,
            (_, y) => 8 << y,
        },
        Marker::Half => 1 << y,
        Marker::Dots | Marker::Ascii => 1,
    }
}

fn sign(marker: Marker, bits: u8, plain: char) -> char {
    match marker {
        Marker::Braille => char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '),
        Marker::Half => match bits {
            1 => '▀',
            2 => '▄',
            _ => '█',
        },
        Marker::Dots => '•',
        Marker::Ascii => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braille_dots_stand_where_unicode_puts_them() {
        let mut canvas = Canvas::new(Marker::Braille, 1, 1);
        canvas.layer(Layer { style: Style::default(), sign: '*' });
        let area = Rect::new(0, 0, 1, 1);
        for (x, y, expected) in [(0, 0, '⠁'), (1, 0, '⠉'), (0, 3, '⡉'), (1, 3, '⣉')] {
            canvas.dot(x, y);
            let mut buffer = Buffer::empty(area);
            canvas.draw(area, &mut buffer);
            assert_eq!(buffer[(0, 0)].symbol(), expected.to_string());
        }
    }

    #[test]
    fn a_cell_belongs_to_the_uppermost_layer_alone() {
        let mut canvas = Canvas::new(Marker::Braille, 1, 1);
        canvas.layer(Layer { style: Style::default(), sign: '.' });
        canvas.dot(0, 0);
        canvas.layer(Layer { style: Style::default(), sign: '*' });
        canvas.dot(1, 3);
        canvas.dot(9, 9);
        let area = Rect::new(0, 0, 1, 1);
        let mut buffer = Buffer::empty(area);
        canvas.draw(area, &mut buffer);
        assert_eq!(buffer[(0, 0)].symbol(), "⢀");
        assert!(canvas.covers(0, 0));
    }
}
