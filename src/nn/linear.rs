//! Linear layers, with LoRA where the builder has one for them.

use super::kernel::linear::Plan;
use super::{Builder, DropAt, Dropout, Init, Packing, Result, ops};
use candle_core::Tensor;

/// The low-rank weights beside one linear.
#[derive(Clone, Debug)]
pub struct Lora {
    /// `[r, in]`
    pub a: Tensor,
    /// `[out, r]`
    pub b: Tensor,
    /// `alpha / r`
    pub scale: f64,
    /// Dropout on this branch's input.
    pub dropout: f32,
}

/// `y = x Wᵀ + b + scale * dropout(x) Aᵀ Bᵀ`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Tensor,
    /// `[out]`
    pub bias: Option<Tensor>,
    /// The low-rank weights, if any.
    pub lora: Option<Lora>,
}

impl Linear {
    /// `weight` drawn by `init` when fresh, `bias` zeros, below `builder`'s path, whose last part
    /// decides whether the builder's LoRA targets this linear.
    pub fn new(
        builder: &Builder,
        inputs: usize,
        outputs: usize,
        bias: bool,
        init: Init,
    ) -> Result<Self> {
        let weight = builder.get("weight", &[outputs, inputs], init)?;
        let bias = bias.then(|| builder.get("bias", &[outputs], Init::Zeros)).transpose()?;
        let lora = builder.lora_weights(inputs, outputs)?;
        let lora = lora.map(|(a, b, scale, dropout)| Lora { a, b, scale, dropout });
        Ok(Self { weight, bias, lora })
    }

    /// The number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.weight.dims().last().copied().unwrap_or(0)
    }

    /// The number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.weight.dims().first().copied().unwrap_or(0)
    }

    /// `x` `[rows, in]` to `[rows, out]`. `drop` drops on LoRA's input only, with LoRA's own
    /// probability; `None` is evaluation.
    pub fn forward(&self, x: &Tensor, drop: Option<DropAt<'_>>) -> Result<Tensor> {
        let Some(lora) = &self.lora else {
            return ops::linear(x, &self.weight, self.bias.as_ref());
        };
        let drop = self.drop(drop);
        let drop = drop.as_ref().map(|(drop, packing)| (drop, packing));
        let bias = self.bias.as_ref();
        if self.weight.track_op() || bias.is_some_and(Tensor::track_op) {
            let y = ops::linear(x, &self.weight, bias)?;
            return ops::add(&y, &ops::lora_branch(x, &lora.a, &lora.b, lora.scale, drop)?);
        }
        ops::lora_linear(x, &self.weight, bias, &lora.a, &lora.b, lora.scale, drop)
    }

    fn drop(&self, drop: Option<DropAt<'_>>) -> Option<(Dropout, Packing)> {
        let p = self.lora.as_ref().map_or(0.0, |lora| lora.dropout);
        let at = drop.filter(|_| p > 0.0)?;
        Some((Dropout { p, keys: at.keys.clone(), site: at.site }, at.packing.clone()))
    }

    /// This linear as part of a fused sub-layer: pushes its tensors to `args`. `rows` and
    /// `inputs` are what it will be given.
    pub(super) fn plan<'a>(
        &'a self,
        rows: usize,
        inputs: usize,
        drop: Option<DropAt<'_>>,
        args: &mut Vec<&'a Tensor>,
    ) -> Result<Plan> {
        let (w, b) = (&self.weight, self.bias.as_ref());
        let outputs = ops::check_weight(w, b, inputs)?;
        args.extend([w].into_iter().chain(b));
        let mut plan = Plan { inputs, outputs, weight: true, bias: b.is_some(), lora: None };
        if let Some(lora) = &self.lora {
            let drop = self.drop(drop);
            let drop = drop.as_ref().map(|(drop, packing)| (drop, packing));
            ops::check_lora(rows, (&lora.a, &lora.b), (inputs, outputs), drop)?;
            plan.lora = Some(ops::lora_plan(&lora.a, lora.scale, drop));
            args.extend([&lora.a, &lora.b]);
        }
        Ok(plan)
    }
}
