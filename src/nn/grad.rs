//! Gradients of a scalar.

use super::Result;
use candle_core::{Tensor, backprop::GradStore};

/// The gradient of `loss` (a scalar) with respect to every variable it depends on.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    Ok(loss.backward()?)
}
