//! Linear layers, with LoRA where the builder has one for them.

use super::{Builder, DropAt, Dropout, Init, Result, ops};
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
        let drop = drop.filter(|_| lora.dropout > 0.0).map(|at| {
            (Dropout { p: lora.dropout, keys: at.keys.clone(), site: at.site }, at.packing)
        });
        let drop = drop.as_ref().map(|(drop, packing)| (drop, *packing));
        if self.weight.track_op() || self.bias.as_ref().is_some_and(Tensor::track_op) {
            let y = ops::linear(x, &self.weight, self.bias.as_ref())?;
            return ops::add(&y, &ops::lora_branch(x, &lora.a, &lora.b, lora.scale, drop)?);
        }
        let bias = self.bias.as_ref();
        ops::lora_linear(x, &self.weight, bias, &lora.a, &lora.b, lora.scale, drop)
    }
}
