//! The log and what lies beside it: events, writer, tail, fold, results.
//!
//! The runner writes, the log remembers, the viewer folds. This module knows no tensors and no
//! terminal: it is what the two sides share.
//!
//! - [`event`], [`record`], [`header`], [`finite`], [`time`]: what a log says
//! - [`writer`], [`tail`]: one writes, any number read
//! - [`fold`], [`state`]: what is known after so many records, and whether the run lives
//! - [`folder`], [`follow`], [`runs`], [`names`], [`paths`]: sessions and runs on disk
//! - [`index`]: the fold of a long log, kept so that it opens at once
//! - [`pace`]: how long a stage will take, from earlier runs
//! - [`best`]: a stage's best validation
//! - [`results`], [`neighbours`], [`judged`], [`parts`]: comparisons and inspections; `sets.rs` is the
//!   file that two of them are kept in
//! - [`control`]: commands waiting for a runner
//! - [`system`]: what the machine did meanwhile
//! - [`sitting`]: what was done, marked and noted at the terminal
//! - [`replay`]: the records of all logs of a session in order of time, and a player over them
//! - [`thumbnails`]: small pictures for replay
//! - [`overview`], [`remove`], [`pack`]: sessions as a whole
//!
//! Deliberately absent: a rewrite of a log, a lock file beside the log, a background thread.

pub mod best;
pub mod control;
pub mod error;
pub mod event;
pub mod finite;
pub mod fold;
pub mod folder;
pub mod follow;
pub mod header;
pub mod index;
pub mod judged;
pub mod names;
pub mod neighbours;
pub mod overview;
pub mod pace;
pub mod pack;
pub mod parts;
pub mod paths;
pub mod record;
pub mod remove;
pub mod replay;
pub mod results;
pub mod runs;
mod sets;
pub mod sitting;
pub mod state;
pub mod system;
pub mod tail;
pub mod thumbnails;
pub mod time;
pub mod writer;

pub use error::LogError;
pub use event::Event;
pub use finite::{Finite, FiniteMap};
pub use fold::{RunState, SessionState};
pub use folder::{NewSegment, Session, SessionCard};
pub use follow::RunFollower;
pub use record::Record;
pub use state::RunStatus;
pub use time::Time;
pub use writer::LogWriter;
