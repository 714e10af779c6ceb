//! What charts draw with: lines, boxes, marks and text in pixels, colours, and measured text.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::prelude::{
    Circle, Color, DrawingBackend, FontStyle, IntoFont, IntoTextStyle, PathElement, Polygon,
    RGBAColor, RGBColor, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, register_font};
use std::sync::OnceLock;

/// A place, x to the right and y down.
pub type Point = (i32, i32);

/// Colours that people with any kind of colour vision tell apart (Okabe and Ito 2008), those that
/// stand out on white first.
pub const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(178, 168, 30),
];
/// Text.
pub const INK: RGBColor = RGBColor(34, 34, 34);
/// Text that comes second.
pub const FADED: RGBColor = RGBColor(96, 96, 96);
/// Lines of a grid.
pub const GRID: RGBColor = RGBColor(226, 226, 226);

/// A colour so far on the way from a pale one to a dark one.
pub fn shade(pale: [f64; 3], dark: [f64; 3], share: f64) -> RGBColor {
    let part = |at: usize| (pale[at] + share * (dark[at] - pale[at])).round() as u8;
    RGBColor(part(0), part(1), part(2))
}

/// Size of ordinary text.
pub const TEXT: i32 = 15;
/// Size of a title.
pub const TITLE: i32 = 21;
/// What is left free around everything.
pub const MARGIN: i32 = 16;

const FAMILY: &str = "sans-serif";
static FONT: &[u8] = include_bytes!("../assets/DejaVuSans-subset.ttf");
static REGISTERED: OnceLock<bool> = OnceLock::new();

/// The means of measuring text: there is one only once the font is registered.
pub struct Paper {
    family: &'static str,
}

impl Paper {
    /// Registers the font, once in the process.
    pub fn new() -> Result<Self, String> {
        let registered =
            REGISTERED.get_or_init(|| register_font(FAMILY, FontStyle::Normal, FONT).is_ok());
        registered
            .then_some(Self { family: FAMILY })
            .ok_or_else(|| "the font in the program is broken".to_owned())
    }

    /// The width of a text in pixels.
    pub fn width(&self, text: &str, size: i32) -> i32 {
        let measured = (self.family, size).into_font().box_size(text);
        measured.map_or(text.chars().count() as i32 * size, |(width, _)| width as i32 + 1)
    }

    /// The width of the widest.
    pub fn widest<'a>(&self, texts: impl IntoIterator<Item = &'a str>, size: i32) -> i32 {
        texts.into_iter().map(|text| self.width(text, size)).max().unwrap_or(0)
    }
}

/// Where a text's place lies on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end, half its height.
    Left,
    /// At its middle, half its height.
    Middle,
    /// At its right end, half its height.
    Right,
    /// Its middle, turned to read upwards.
    Upwards,
}

/// What a chart can ask for; places and sizes in the pixels of the SVG.
pub trait Draw {
    /// Measures text.
    fn paper(&self) -> &Paper;
    /// A line through points.
    fn path(&mut self, points: &[Point], colour: RGBAColor, width: u32) -> Result<(), String>;
    /// A filled box between two corners.
    fn fill(&mut self, from: Point, to: Point, colour: RGBAColor) -> Result<(), String>;
    /// The mark number `which` (they repeat), filled.
    fn mark(&mut self, at: Point, which: usize, colour: RGBColor) -> Result<(), String>;
    /// A text.
    fn text(
        &mut self,
        at: Point,
        text: &str,
        size: i32,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), String>;

    /// A chart's title, in its first line.
    fn title(&mut self, title: &str) -> Result<(), String> {
        self.text((MARGIN, MARGIN + TITLE / 2), title, TITLE, INK, Anchor::Left)
    }

    /// What is said below the title; gives the middle of its line.
    fn note(&mut self, note: &str) -> Result<i32, String> {
        let middle = MARGIN + TITLE + 4 + TEXT / 2;
        self.text((MARGIN, middle), note, TEXT, FADED, Anchor::Left)?;
        Ok(middle)
    }
}

/// A drawing area of either kind, with the factor from a chart's pixels to its own.
pub struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    paper: &'a Paper,
    scale: i32,
    /// How far down text is moved: the bitmap backend centres it above its middle, by a seventh
    /// of its size, where SVG centres it truly.
    lower: fn(i32) -> i32,
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    /// Draws vectors on `area`, at the chart's size.
    pub fn vectors(area: &'a DrawingArea<B, Shift>, paper: &'a Paper) -> Self {
        Self { area, paper, scale: 1, lower: |_| 0 }
    }

    /// Draws pixels on `area`, at `scale` times the chart's size.
    pub fn pixels(area: &'a DrawingArea<B, Shift>, paper: &'a Paper, scale: i32) -> Self {
        Self { area, paper, scale, lower: |size| size / 7 }
    }

    fn scaled(&self, (x, y): Point) -> Point {
        (x * self.scale, y * self.scale)
    }
}

fn said<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

impl<B: DrawingBackend> Draw for Canvas<'_, B> {
    fn paper(&self) -> &Paper {
        self.paper
    }

    fn path(&mut self, points: &[Point], colour: RGBAColor, width: u32) -> Result<(), String> {
        let points: Vec<Point> = points.iter().map(|&point| self.scaled(point)).collect();
        let style = colour.stroke_width(width * self.scale as u32);
        self.area.draw(&PathElement::new(points, style)).map_err(said)
    }

    fn fill(&mut self, from: Point, to: Point, colour: RGBAColor) -> Result<(), String> {
        let corners = [self.scaled(from), self.scaled(to)];
        self.area.draw(&Rectangle::new(corners, colour.filled())).map_err(said)
    }

    fn mark(&mut self, at: Point, which: usize, colour: RGBColor) -> Result<(), String> {
        let (x, y) = self.scaled(at);
        let r = 4 * self.scale;
        let shape = |points: &[(i32, i32)]| {
            let points: Vec<Point> = points.iter().map(|&(dx, dy)| (x + dx, y + dy)).collect();
            self.area.draw(&Polygon::new(points, colour.filled())).map_err(said)
        };
        let t = (r / 3).max(1);
        match which % 6 {
            0 => self.area.draw(&Circle::new((x, y), r, colour.filled())).map_err(said),
            1 => shape(&[(-r, -r), (r, -r), (r, r), (-r, r)]),
            2 => shape(&[(0, -r - t), (r + t, r), (-r - t, r)]),
            3 => shape(&[(0, -r - t), (r + t, 0), (0, r + t), (-r - t, 0)]),
            4 => shape(&[(0, r + t), (r + t, -r), (-r - t, -r)]),
            _ => {
                shape(&[(-r - t, -t), (r + t, -t), (r + t, t), (-r - t, t)])?;
                shape(&[(-t, -r - t), (t, -r - t), (t, r + t), (-t, r + t)])
            }
        }
    }

    fn text(
        &mut self,
        at: Point,
        text: &str,
        size: i32,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), String> {
        let font = (self.paper.family, size * self.scale).into_font();
        let (font, across) = match anchor {
            Anchor::Left => (font, HPos::Left),
            Anchor::Middle => (font, HPos::Center),
            Anchor::Right => (font, HPos::Right),
            Anchor::Upwards => (font.transform(FontTransform::Rotate270), HPos::Center),
        };
        let style = font.color(&colour).pos(Pos::new(across, VPos::Center));
        let style = style.into_text_style(self.area);
        let (x, y) = self.scaled(at);
        let lower = (self.lower)(size * self.scale);
        let at = if anchor == Anchor::Upwards { (x + lower, y) } else { (x, y + lower) };
        self.area.draw(&Text::new(text, at, style)).map_err(said)
    }
}
