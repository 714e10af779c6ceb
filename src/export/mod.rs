//! Results and series as files for other programs: CSV, TREC, charts as SVG and PNG.
//!
//! Everything is a function of the documents and series alone: the same input gives the same
//! bytes, today and on another machine.

pub mod chart;
mod charts;
mod classes;
pub mod csv;
mod folder;
mod format;
mod judged;
mod measures;
mod papers;
mod replicates;
pub mod series;
pub mod trec;

pub use charts::{charts, class_charts, rank_charts};
pub use classes::{class_differences, class_rows};
pub use folder::{Folder, Written};
pub use format::{Format, UnknownFormat};
pub use replicates::{replicate_differences, replicate_rows};
pub use series::NamedSeries;

use std::path::PathBuf;

/// What can go wrong when exporting.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file could not be written.
    #[error("could not write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The drawing library refused.
    #[error("could not draw the chart {title:?}: {reason}")]
    Draw {
        /// The chart.
        title: String,
        /// What the library said; its error types live no longer than the picture.
        reason: String,
    },
    /// A picture could not be packed.
    #[error("could not pack the chart {title:?} as PNG")]
    Pack {
        /// The chart.
        title: String,
        /// Why.
        source: image::ImageError,
    },
}
