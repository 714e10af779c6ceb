//! Named parameters in name order.

use super::{LoadError, Misshapen, Result};
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// One named tensor of a model.
#[derive(Clone, Debug)]
pub struct Param {
    /// What the model computes with.
    pub tensor: Tensor,
    /// The same storage as a variable when it is trainable.
    pub var: Option<Var>,
}

/// All parameters of a model, always walked in name order: sums over parameters, the optimizer's
/// state and files then never depend on a hash.
#[derive(Clone, Debug, Default)]
pub struct Params {
    all: BTreeMap<String, Param>,
}

impl Params {
    pub(super) fn new(all: BTreeMap<String, Param>) -> Self {
        Self { all }
    }

    /// The trainable ones, in name order.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.all.iter().filter_map(|(name, param)| Some((name.as_str(), param.var.as_ref()?)))
    }

    /// The frozen ones, in name order.
    pub fn frozen(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let frozen = self.all.iter().filter(|(_, param)| param.var.is_none());
        frozen.map(|(name, param)| (name.as_str(), &param.tensor))
    }

    /// One tensor by its full name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.all.get(name).map(|param| &param.tensor)
    }

    /// All tensors, outside any gradient graph.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        self.all.iter().map(|(name, param)| (name.clone(), param.tensor.detach())).collect()
    }

    /// The trainable tensors, outside any gradient graph.
    #[must_use]
    pub fn trainable_tensors(&self) -> BTreeMap<String, Tensor> {
        self.trainable().map(|(name, var)| (name.to_owned(), var.as_tensor().detach())).collect()
    }

    /// Sets every trainable tensor. `tensors` must hold exactly those: everything missing,
    /// unexpected or misshapen is listed at once and nothing is set.
    pub fn load_trainable(&self, mut tensors: BTreeMap<String, Tensor>) -> Result<()> {
        let mut error = LoadError::default();
        let mut pairs = Vec::new();
        for (name, var) in self.trainable() {
            match tensors.remove(name) {
                None => error.missing.push(name.to_owned()),
                Some(tensor) if tensor.dims() != var.dims() => error.misshapen.push(Misshapen {
                    name: name.to_owned(),
                    expected: var.dims().to_vec(),
                    found: tensor.dims().to_vec(),
                }),
                Some(tensor) => pairs.push((var, tensor)),
            }
        }
        error.unexpected = tensors.into_keys().collect();
        error.check()?;
        for (var, tensor) in pairs {
            var.set(&tensor.to_dtype(var.dtype())?.to_device(var.device())?)?;
        }
        Ok(())
    }

    /// The number of numbers: (all, trainable).
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let all = self.all.values().map(|param| param.tensor.elem_count()).sum();
        (all, self.trainable().map(|(_, var)| var.elem_count()).sum())
    }

    /// The union of two models' parameters; a name in both keeps `other`'s.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        self.all.extend(other.all);
        self
    }
}
