//! Charts, drawn once for both SVG and PNG.
//!
//! A chart lays itself out in whole pixels from measured text, so nothing overlaps and no label is
//! cut: where a name is long, the picture is wider. PNG is drawn at twice the size.

mod axis;
mod bars;
mod canvas;
mod differences;
mod heat;
mod histogram;
mod lines;
mod scatter;

pub use axis::{Axis, label};
pub use bars::BarChart;
pub use differences::DifferenceChart;
pub use heat::HeatMap;
pub use histogram::ScoreChart;
pub use lines::{Line, LineChart};
pub use scatter::RankScatter;

pub(super) use canvas::COLOURS;

use super::ExportError;
use canvas::{Canvas, Draw, Paper};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::prelude::{IntoDrawingArea, WHITE};

/// How much larger a PNG is than its SVG.
const PNG_SCALE: u32 = 2;

/// Something that can be drawn.
pub trait Chart {
    /// What it shows, in words.
    fn title(&self) -> &str;
    /// Its size in pixels: width and height.
    #[doc(hidden)]
    fn size(&self, paper: &Paper) -> (u32, u32);
    /// Draws it.
    #[doc(hidden)]
    fn draw(&self, canvas: &mut dyn Draw) -> Result<(), String>;
}

/// A chart as SVG.
pub fn svg(chart: &dyn Chart) -> Result<String, ExportError> {
    let fail = |reason: String| ExportError::Draw { title: chart.title().to_owned(), reason };
    let paper = Paper::new().map_err(fail)?;
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, chart.size(&paper)).into_drawing_area();
        area.fill(&WHITE).map_err(|error| fail(error.to_string()))?;
        chart.draw(&mut Canvas::vectors(&area, &paper)).map_err(fail)?;
        area.present().map_err(|error| fail(error.to_string()))?;
    }
    Ok(text)
}

/// A chart as PNG.
pub fn png(chart: &dyn Chart) -> Result<Vec<u8>, ExportError> {
    let fail = |reason: String| ExportError::Draw { title: chart.title().to_owned(), reason };
    let paper = Paper::new().map_err(fail)?;
    let (width, height) = chart.size(&paper);
    let size = (width * PNG_SCALE, height * PNG_SCALE);
    let mut pixels = vec![0; size.0 as usize * size.1 as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        area.fill(&WHITE).map_err(|error| fail(error.to_string()))?;
        chart.draw(&mut Canvas::pixels(&area, &paper, PNG_SCALE as i32)).map_err(fail)?;
        area.present().map_err(|error| fail(error.to_string()))?;
    }
    let mut packed = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut packed, CompressionType::Best, FilterType::NoFilter);
    image::ImageEncoder::write_image(
        encoder,
        &pixels,
        size.0,
        size.1,
        image::ExtendedColorType::Rgb8,
    )
    .map_err(|source| ExportError::Pack { title: chart.title().to_owned(), source })?;
    Ok(packed)
}
