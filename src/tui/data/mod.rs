//! What screens show: plain values, made from logs by the worker or in `update`.

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
