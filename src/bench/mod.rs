//! Throughput of this machine: one case a number, the same cases as the PyTorch reference
//! (`scripts/bench_torch.py`), measured after two warm-up runs.
//!
//! | file | cases |
//! |---|---|
//! | `case.rs` | what a case is, and its report |
//! | `kernels.rs` | matrix product, exact top-k, JPEG to patches |
//! | `models.rs` | forward passes and training steps of whole models |
//! | `big.rs` | batches larger than a forward pass |
//! | `objectives.rs` | one training step of every objective, on the built-in data |

mod big;
mod case;
mod kernels;
mod models;
mod objectives;

pub use case::{BenchDocument, BenchError, CaseReport, Prepared};

use candle_core::Device;

/// A case by name; preparing it is not measured.
pub struct Case {
    /// Its fixed name.
    pub name: &'static str,
    prepare: fn(&Device) -> Result<Prepared, BenchError>,
}

/// All cases, cheapest first.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |list: &[(&'static str, fn(&Device) -> Result<Prepared, BenchError>)]| {
        cases.extend(list.iter().map(|&(name, prepare)| Case { name, prepare }));
    };
    add(kernels::CASES);
    add(models::CASES);
    add(objectives::CASES);
    add(big::CASES);
    cases
}

/// Runs a case: two warm-up runs, then `runs` measured ones.
pub fn measure(case: &Case, runs: usize, device: &Device) -> Result<CaseReport, BenchError> {
    case::measure(case.name, (case.prepare)(device)?, runs)
}
