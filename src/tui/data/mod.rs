//! What screens show: plain values, made from logs by the worker or in `update`.

pub mod acts;
pub mod alerts;
pub mod asked;
pub mod curve;
pub mod filter;
pub mod history;
pub mod jobs;
pub mod library;
pub mod looked;
pub mod pairing;
pub mod reel;
pub mod story;
