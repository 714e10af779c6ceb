//! The arithmetic of the optimizer; which parameters it runs over is `train`'s business.

use super::kernel::{adamw, node};
use super::{NnError, Result, ops};
use candle_core::{DType, Device, Tensor, Var};

/// One step of AdamW (Loshchilov and Hutter 2019): decoupled weight decay, bias-corrected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// The learning rate of this step.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled: the parameter shrinks by `lr * weight_decay`.
    pub weight_decay: f64,
    /// This step's number, from 1.
    pub step: u64,
    /// The gradient is multiplied by this first (clipping, averaging).
    pub grad_scale: f64,
}

impl AdamW {
    /// Updates `param` and its moments `m` and `v` in place; all of one shape.
    pub fn update(&self, param: &Var, grad: &Tensor, m: &Var, v: &Var) -> Result<()> {
        for (what, found) in [("grad", grad), ("m", m.as_tensor()), ("v", v.as_tensor())] {
            if found.dims() != param.dims() {
                let expected = format!("{what} {:?} like the parameter", param.dims());
                return Err(NnError::shape("adamw", expected, found.dims()));
            }
        }
        let all = [param.as_tensor(), m.as_tensor(), v.as_tensor()];
        let [a, b, c] = all.map(Tensor::id);
        if a == b || b == c || a == c {
            return Err(NnError::shape("adamw", "three different variables", all.map(Tensor::id)));
        }
        let whole = all.iter().all(|x| x.is_contiguous());
        if whole && ops::fused(&[all[0], all[1], all[2], grad]) {
            return Ok(adamw::adamw(self, self.corrections(), all, grad)?);
        }
        self.composed(param, grad, m, v)
    }

    fn composed(&self, param: &Var, grad: &Tensor, m: &Var, v: &Var) -> Result<()> {
        let grad = (grad * self.grad_scale)?;
        let (b1, b2) = (self.beta1, self.beta2);
        let next_m = ((m.as_tensor() * b1)? + (&grad * (1.0 - b1))?)?;
        let next_v = ((v.as_tensor() * b2)? + (grad.sqr()? * (1.0 - b2))?)?;
        let (c1, c2) = self.corrections();
        let update = ((&next_m * c1)? / ((&next_v * c2)?.sqrt()? + self.eps)?)?;
        let kept = (param.as_tensor() * (1.0 - self.lr * self.weight_decay))?;
        param.set(&(kept - (update * self.lr)?)?)?;
        m.set(&next_m)?;
        v.set(&next_v)?;
        Ok(())
    }

    /// `1 / (1 - beta^step)` for both moments.
    fn corrections(&self) -> (f64, f64) {
        let step = self.step.max(1) as f64;
        (1.0 / (1.0 - self.beta1.powf(step)), 1.0 / (1.0 - self.beta2.powf(step)))
    }
}

/// The sum of squares of all numbers, for gradient norms.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    let x = [x.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.contiguous()?];
    Ok(node::slices(&x, |slices| adamw::sum_of_squares(slices[0]))?)
}
