//! AdamW with parameter groups, clipping by the global norm, and state that can be seen and saved.

use super::{Group, TrainError};
use crate::nn::{self, NnError, Params, sum_of_squares};
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// The numbers all groups share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyper {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay, in groups that decay.
    pub weight_decay: f64,
    /// Largest global gradient norm; 0 means no clipping.
    pub clip_norm: f64,
}

struct Slot {
    var: Var,
    group: Group,
    first: Var,
    second: Var,
}

/// AdamW (Loshchilov and Hutter 2019) over the trainable parameters, in name order. Moments are f32
/// whatever the parameters are.
pub struct AdamW {
    slots: BTreeMap<String, Slot>,
    hyper: Hyper,
    updates: usize,
}

/// Gradient norms of one step, before clipping.
pub struct Norms {
    /// By group, and `all`.
    pub by_group: BTreeMap<&'static str, f64>,
    /// The global norm.
    pub all: f64,
    /// The first parameter by name whose gradient is not finite.
    pub not_finite: Option<String>,
}

impl AdamW {
    /// Fresh moments for every trainable parameter.
    pub fn new(
        params: &Params,
        hyper: Hyper,
        group: impl Fn(&str, usize) -> Group,
    ) -> Result<Self, TrainError> {
        let mut slots = BTreeMap::new();
        for (name, var) in params.trainable() {
            let zeros = Tensor::zeros(var.dims(), candle_core::DType::F32, var.device())?;
            let slot = Slot {
                var: var.clone(),
                group: group(name, var.rank()),
                first: Var::from_tensor(&zeros)?,
                second: Var::from_tensor(&zeros)?,
            };
            slots.insert(name.to_owned(), slot);
        }
        Ok(Self { slots, hyper, updates: 0 })
    }

    /// Updates made so far.
    pub fn updates(&self) -> usize {
        self.updates
    }

    /// Names of trainable parameters without a gradient in `grads`.
    pub fn dead(&self, grads: &GradStore) -> Vec<String> {
        let dead = self.slots.iter().filter(|(_, slot)| grads.get(&slot.var).is_none());
        dead.map(|(name, _)| name.clone()).collect()
    }

    /// The norms of `grads`, in name order, so that the sums are the same every time.
    pub fn norms(&self, grads: &GradStore) -> Result<Norms, NnError> {
        let mut squares: BTreeMap<&'static str, f64> = BTreeMap::new();
        let mut not_finite = None;
        for (name, slot) in &self.slots {
            let Some(grad) = grads.get(&slot.var) else { continue };
            let square = sum_of_squares(grad)?;
            if !square.is_finite() && not_finite.is_none() {
                not_finite = Some(name.clone());
            }
            *squares.entry(slot.group.name).or_default() += square;
        }
        let all = squares.values().sum::<f64>().sqrt();
        let mut by_group: BTreeMap<_, _> =
            squares.into_iter().map(|(name, square)| (name, square.sqrt())).collect();
        by_group.insert("all", all);
        Ok(Norms { by_group, all, not_finite })
    }

    /// One update at rate `lr` (before group factors), the gradient scaled so that its global norm
    /// is at most `clip_norm`, as PyTorch's `clip_grad_norm_` does. Returns whether it was scaled.
    pub fn update(&mut self, grads: &GradStore, norms: &Norms, lr: f64) -> Result<bool, NnError> {
        self.updates += 1;
        let Hyper { beta1, beta2, eps, weight_decay, clip_norm } = self.hyper;
        let factor = if clip_norm > 0.0 { (clip_norm / (norms.all + 1e-6)).min(1.0) } else { 1.0 };
        for slot in self.slots.values() {
            let Some(grad) = grads.get(&slot.var) else { continue };
            let step = nn::AdamW {
                lr: lr * slot.group.rate,
                beta1,
                beta2,
                eps,
                weight_decay: if slot.group.decay { weight_decay } else { 0.0 },
                step: self.updates as u64,
                grad_scale: factor,
            };
            step.update(&slot.var, grad, &slot.first, &slot.second)?;
        }
        Ok(factor < 1.0)
    }

    /// The moments: `<name>.first` and `<name>.second`, in name order.
    pub fn state(&self) -> BTreeMap<String, Tensor> {
        let moments = self.slots.iter().flat_map(|(name, slot)| {
            [
                (format!("{name}.first"), slot.first.as_tensor().detach()),
                (format!("{name}.second"), slot.second.as_tensor().detach()),
            ]
        });
        moments.collect()
    }

    /// Restores what [`AdamW::state`] gave after `updates` updates.
    pub fn restore(
        &mut self,
        mut state: BTreeMap<String, Tensor>,
        updates: usize,
    ) -> Result<(), NnError> {
        let mut error = crate::nn::LoadError::default();
        for (name, slot) in &self.slots {
            for (part, var) in [("first", &slot.first), ("second", &slot.second)] {
                let name = format!("{name}.{part}");
                match state.remove(&name) {
                    Some(tensor) if tensor.dims() == var.dims() => var.set(&tensor)?,
                    Some(tensor) => error.misshapen.push(crate::nn::Misshapen {
                        name,
                        expected: var.dims().to_vec(),
                        found: tensor.dims().to_vec(),
                    }),
                    None => error.missing.push(name),
                }
            }
        }
        error.unexpected = state.into_keys().collect();
        error.check()?;
        self.updates = updates;
        Ok(())
    }
}
