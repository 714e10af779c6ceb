//! Rotary position tables.

use std::sync::Arc;

/// Which two columns of a head are rotated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopeStyle {
    /// Column i with column i + dim/2 (Llama as Hugging Face stores it).
    Half,
    /// Column 2i with column 2i + 1 (EVA02, Llama as Meta stores it).
    Pairs,
}

/// Cosines and sines `[positions, dim / 2]`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RopeTable {
    pub(super) cos: Arc<[f32]>,
    pub(super) sin: Arc<[f32]>,
    half: usize,
}

impl RopeTable {
    /// Angles `position / theta^(2 i / dim)` for positions below `positions`.
    #[must_use]
    pub fn new(dim: usize, theta: f64, positions: usize) -> Self {
        let half = dim / 2;
        let frequencies: Vec<f64> =
            (0..half).map(|i| theta.powf(-(2.0 * i as f64) / dim as f64)).collect();
        Self::from_frequencies(&frequencies, positions)
    }

    /// Angles `position * frequencies[i]`: scaled tables (Llama 3) scale their frequencies first.
    #[must_use]
    pub fn from_frequencies(frequencies: &[f64], positions: usize) -> Self {
        // Hugging Face computes the angle in f32: position times a rounded frequency.
        let angles = (0..positions)
            .flat_map(|position| frequencies.iter().map(move |&f| position as f32 * f as f32));
        Self::from_angles(&angles.collect::<Vec<f32>>(), frequencies.len())
    }

    /// Any angles, row-major `[positions, half]`.
    #[must_use]
    pub fn from_angles(angles: &[f32], half: usize) -> Self {
        let cos = angles.iter().map(|&angle| f64::from(angle).cos() as f32).collect();
        let sin = angles.iter().map(|&angle| f64::from(angle).sin() as f32).collect();
        Self { cos, sin, half }
    }

    /// Half the head's width.
    #[must_use]
    pub fn half(&self) -> usize {
        self.half
    }

    /// The number of positions.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.cos.len().checked_div(self.half).unwrap_or(0)
    }
}
