//! Pieces that screens are made of, drawn from plain values.

pub mod chart;
pub mod cut;
pub mod input;
pub mod list;
pub mod paint;
pub mod picture;
pub mod table;
