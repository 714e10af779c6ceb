//! How it happens: joins data, train, encode and eval with the session log. The runner narrates;
//! everything it says goes to the log first and to the terminal second.
//!
//! | file | holds |
//! |---|---|
//! | `workspace.rs` | [`Workspace`]: folders, device, threads |
//! | `stop.rs` | [`Stop`]: what signals ask for |
//! | `control.rs` | commands of the mailbox and of signals, and their answers |
//! | `narrator.rs` | [`Narrator`]: the log's writer, progress lines and commands beside it |
//! | `speak.rs`, `lines.rs` | [`Speaker`]: lines on stderr; a record as a line |
//! | `samples.rs` | samples of the machine beside the log |
//! | `queue.rs` | [`Wait`]: one run a device |
//! | `start.rs` | where a stage's weights, data and table come from |
//! | `table.rs` | embedding tables, made once and kept |
//! | `run.rs` | the training loop, stage after stage |
//! | `keep.rs` | validations and checkpoints, and which of them stay |
//! | `memory.rs` | what a stage will take, held against what there is |
//! | `stands.rs` | which checkpoints something stands on |
//! | `resume.rs` | where a run goes on |
//! | `fork.rs` | a new run from a checkpoint of another one |
//! | `client.rs`, `watch.rs` | the other side: commands, detached runners, following a run |
//! | `evaluate/` | comparisons and inspections over encoders |
//! | `trial.rs` | one stage alone, without a session, for the benchmark |
//! | `report.rs` | what follows the last stage of the demo |
//! | `error.rs` | what ends a run |

pub mod client;
mod control;
mod error;
pub mod evaluate;
mod fork;
mod keep;
mod lines;
mod memory;
mod narrator;
mod queue;
mod report;
mod resume;
mod run;
mod samples;
mod speak;
mod stands;
mod start;
mod stop;
mod table;
mod trial;
mod watch;
mod workspace;

pub use error::RunError;
pub use fork::{Fork, fork, split_place};
pub use memory::{StageMemory, memory_of};
pub use narrator::Narrator;
pub use queue::Wait;
pub use report::Report;
pub use resume::{Resumption, resume};
pub use run::{Ended, Outcome, StageSummary, start_run};
pub use speak::{Speaker, Voice};
pub use stop::Stop;
pub use table::{ensure_table, table_path};
pub use trial::bench_trainer;
pub use watch::watch;
pub use workspace::{Workspace, open_device};
