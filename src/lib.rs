//! The LLM2CLIP workbench: train CLIP, turn a causal Llama into a text encoder, train LLM2CLIP
//! against it, compare and inspect, without Python.
//!
//! This file is the map: one line a module, and the table of who may import whom. It holds no
//! code. `tests/architecture.rs` reads the table below and checks every `use crate::` against it.
//!
//! Everyone may import `ids` and `files`. candle stands only in `nn`, `model`, `encode`, `train`, `runner`
//! and `bench`; plotters only in `export`, clap only in `cli`, ratatui only in `tui`.
//!
//! ```import-table
//! ids     -> -
//! files   -> -
//! rng     -> -
//! shown   -> -
//! recipe  -> -
//! data    -> rng shown
//! nn      -> rng
//! model   -> nn
//! encode  -> rng data nn model hub
//! train   -> recipe rng data nn model
//! eval    -> rng
//! session -> recipe eval
//! export  -> recipe eval session
//! hub     -> -
//! machine -> -
//! doctor  -> session machine
//! runner  -> recipe rng data nn model encode train eval session machine shown
//! soak    -> rng recipe session
//! bench   -> recipe rng data nn model encode train eval session machine runner
//! tui     -> recipe eval session export machine runner::client shown
//! cli     -> recipe rng data nn model encode train eval session export machine runner bench soak hub doctor tui shown
//! ```

pub mod bench;
pub mod cli;
pub mod data;
pub mod doctor;
pub mod encode;
pub mod eval;
pub mod export;
pub mod files;
pub mod hub;
pub mod ids;
pub mod machine;
pub mod model;
pub mod nn;
pub mod recipe;
pub mod rng;
pub mod runner;
pub mod session;
pub mod shown;
pub mod soak;
pub mod train;
pub mod tui;
