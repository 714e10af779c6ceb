//! Normalisation layers.

use super::{Builder, Init, Result, ops};
use candle_core::Tensor;

/// Layer norm over the last dimension, with weight and bias `[width]`.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    /// `[width]`
    pub weight: Tensor,
    /// `[width]`
    pub bias: Tensor,
    /// Added to the variance.
    pub eps: f64,
}

impl LayerNorm {
    /// `weight` (ones when fresh) and `bias` (zeros) below `builder`'s path.
    pub fn new(builder: &Builder, width: usize, eps: f64) -> Result<Self> {
        let weight = builder.get("weight", &[width], Init::Ones)?;
        Ok(Self { weight, bias: builder.get("bias", &[width], Init::Zeros)?, eps })
    }

    /// `[rows, width]` to `[rows, width]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(x, &self.weight, &self.bias, self.eps)
    }

    /// Checked arguments of a fused sub-layer that begins with this norm.
    pub(super) fn args<'a>(&'a self, x: &'a Tensor) -> Result<Vec<&'a Tensor>> {
        ops::check_norm("layer_norm", x, &[&self.weight, &self.bias])?;
        Ok(vec![x, &self.weight, &self.bias])
    }
}

/// Root-mean-square norm over the last dimension, with weight `[width]`.
#[derive(Clone, Debug)]
pub struct RmsNorm {
    /// `[width]`
    pub weight: Tensor,
    /// Added to the mean square.
    pub eps: f64,
}

impl RmsNorm {
    /// `weight` (ones when fresh) below `builder`'s path.
    pub fn new(builder: &Builder, width: usize, eps: f64) -> Result<Self> {
        Ok(Self { weight: builder.get("weight", &[width], Init::Ones)?, eps })
    }

    /// `[rows, width]` to `[rows, width]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::rms_norm(x, &self.weight, self.eps)
    }

    /// Checked arguments of a fused sub-layer that begins with this norm.
    pub(super) fn args<'a>(&'a self, x: &'a Tensor) -> Result<Vec<&'a Tensor>> {
        ops::check_norm("rms_norm", x, &[&self.weight])?;
        Ok(vec![x, &self.weight])
    }
}
