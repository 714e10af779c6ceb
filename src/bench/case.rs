//! What a case is, and its report.

use crate::data::DataError;
use crate::machine;
use crate::model::ModelError;
use crate::nn::NnError;
use serde::Serialize;
use std::time::Instant;

/// A case could not be prepared or run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A block or op refused.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// A model refused.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// candle refused.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// Data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A measure could not be taken.
    #[error(transparent)]
    Eval(#[from] crate::eval::Error),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] crate::train::TrainError),
    /// A stage could not be prepared.
    #[error(transparent)]
    Run(#[from] crate::runner::RunError),
    /// A file could not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The work of one run.
pub type Work = Box<dyn FnMut() -> Result<(), BenchError>>;

/// A case ready to run.
pub struct Prepared {
    /// One run.
    pub work: Work,
    /// Floating-point operations of one run, where they are easily said.
    pub flops: Option<f64>,
}

/// One case's times.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// The case.
    pub name: String,
    /// The middle time.
    pub median_ms: f64,
    /// The best time.
    pub min_ms: f64,
    /// The worst time.
    pub max_ms: f64,
    /// Measured runs.
    pub runs: usize,
    /// The most memory this process has held so far.
    pub peak_bytes: u64,
    /// Floating-point operations of one run; null where they are not easily said.
    pub flops: Option<f64>,
}

/// `llm2clip.bench/1`.
#[derive(Clone, Debug, Serialize)]
pub struct BenchDocument {
    /// Name and version.
    pub format: &'static str,
    /// Threads that computed.
    pub threads: usize,
    /// The cases that were run.
    pub cases: Vec<CaseReport>,
}

const WARM_UP: usize = 2;

pub(super) fn measure(
    name: &str,
    mut prepared: Prepared,
    runs: usize,
) -> Result<CaseReport, BenchError> {
    for _ in 0..WARM_UP {
        (prepared.work)()?;
    }
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs.max(1) {
        let clock = Instant::now();
        (prepared.work)()?;
        times.push(clock.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let median_ms = if times.len().is_multiple_of(2) {
        f64::midpoint(times[middle - 1], times[middle])
    } else {
        times[middle]
    };
    Ok(CaseReport {
        name: name.to_owned(),
        median_ms,
        min_ms: times[0],
        max_ms: times[times.len() - 1],
        runs: times.len(),
        peak_bytes: machine::peak_resident_bytes(),
        flops: prepared.flops,
    })
}
