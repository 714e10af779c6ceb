//! How it happens: joins data, train, encode and eval with the session log. The runner narrates;
//! everything it says goes to the log first and to the terminal second.
//!
//! | file | holds |
//! |---|---|
//! | `workspace.rs` | [`Workspace`]: folders, device, threads |
//! | `stop.rs` | [`Stop`]: what SIGINT and SIGTERM ask for |
//! | `narrator.rs` | [`Narrator`]: the log's writer with progress lines beside it |
//! | `start.rs` | where a stage's weights, data and table come from |
//! | `table.rs` | embedding tables, made once and kept |
//! | `run.rs` | the training loop, stage after stage |
//! | `keep.rs` | validations and checkpoints, and which of them stay |
//! | `resume.rs` | where a run goes on |
//! | `evaluate/` | comparisons and inspections over encoders |
//! | `trial.rs` | one stage alone, without a session, for the benchmark |
//! | `report.rs` | what follows the last stage of the demo |

mod error;
pub mod evaluate;
mod keep;
mod narrator;
mod report;
mod resume;
mod run;
mod start;
mod stop;
mod table;
mod trial;
mod workspace;

pub use error::RunError;
pub use narrator::{Narrator, Voice};
pub use report::Report;
pub use resume::{Resumption, resume};
pub use run::{Ended, Outcome, StageSummary, start_run};
pub use stop::Stop;
pub use table::{ensure_table, table_path};
pub use trial::bench_trainer;
pub use workspace::{Workspace, open_device};
