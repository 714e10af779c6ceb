//! What screens show: plain values, made from logs by the worker or in `update`.
//!
//! | file | holds |
//! |---|---|
//! | `library.rs` | everything the screens know: sessions, runs, those that are looked at in full |
//! | `entry.rs`, `best.rs` | a run as lists show it, and its best validation in words |
//! | `filter.rs`, `query_filter.rs`, `condition.rs` | filters of runs and of queries, and what they have in common |
//! | `curve.rs` | from a run's fold to curves |
//! | `alerts.rs`, `learning.rs` | what asks to be seen; whether a stage learns |
//! | `pace.rs`, `room.rs` | how long a stage will take; whether the next checkpoint has room on the disk |
//! | `history.rs` | what a run's machine did |
//! | `story.rs`, `printed.rs` | a log in sentences; lines that a program printed |
//! | `jobs.rs`, `joining.rs` | comparisons and exports that were started here; results that share a table |
//! | `pairing.rs`, `judged.rs` | two encoders' ranks query by query, and by which judgements |
//! | `asked.rs`, `expected.rs` | typed queries, and what their answers must stand on |
//! | `looked.rs` | an encoder looked into |
//! | `reel.rs`, `acts.rs` | where a replay stands; what was done at the terminal, in words |

pub mod acts;
pub mod alerts;
pub mod asked;
pub mod best;
pub mod condition;
pub mod curve;
pub mod entry;
pub mod expected;
pub mod filter;
pub mod history;
pub mod jobs;
pub mod joining;
pub mod judged;
pub mod learning;
pub mod library;
pub mod looked;
pub mod pace;
pub mod pairing;
pub mod printed;
pub mod query_filter;
pub mod reel;
pub mod room;
pub mod story;
