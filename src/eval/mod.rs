//! Pure arithmetic on slices: scores, ranks, metrics, intervals, tests, geometry, comparisons.
//!
//! Nothing here knows tensors, files or time. Embeddings come as `&[f32]` in row order with their
//! width; every row has length 1. Results are plain structs, named as the documents name them.
//!
//! The order of work: [`Products`] (or [`Given`]) gives rounded scores, [`fn@rank`] turns them into
//! ranks, [`fn@table`] turns ranks into metrics, intervals and tests; [`top_k`] gives ranked lists,
//! which [`compare`] sets side by side.

pub mod bootstrap;
pub mod classify;
pub mod compare;
mod contrast;
pub mod difference;
pub mod document;
pub mod eigen;
mod error;
pub mod geometry;
mod given;
pub mod histogram;
pub mod joined;
pub mod kept;
pub mod left_out;
pub mod metrics;
mod product;
pub mod published;
pub mod quantised;
pub mod question;
pub mod rank;
pub mod relevant;
pub mod replicates;
pub mod scores;
pub mod second;
pub mod significance;
pub mod sweep;
pub mod table;
pub mod topk;

pub use contrast::{ContrastMeasures, contrast};
pub use difference::Difference;
pub use document::{
    CompareDocument, CompareRow, Direction, InspectDocument, InspectHit, InspectList, Protocol,
    Task,
};
pub use error::{Error, RowFault};
pub use given::SetGiven;
pub use metrics::{Intervals, Metric, Metrics, PerMetric};
pub use rank::{Ranked, rank, tied_share};
pub use relevant::{Judgements, Relevant};
pub use scores::{Given, Products, Scores, check_rows};
pub use table::{RankedRow, Table, table};
pub use topk::{Hit, top_k};
