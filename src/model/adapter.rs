//! LLM2CLIP's adapter and projector between the language model's rows and the joint space.

use super::ModelError;
use crate::nn::{Activation, Builder, Init, LayerNorm, Linear, block, ops};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The shape of an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterConfig {
    /// Numbers a text row of the language model.
    pub width: usize,
    /// Residual blocks, published with 4.
    #[serde(default = "published_blocks")]
    pub blocks: usize,
    /// Numbers a feature (the joint space; published with 1280).
    pub projection: usize,
    /// Whether rows are brought to unit length first: yes for frozen rows out of a table, no for
    /// a language model that runs along (as published with `SigLIP2`).
    #[serde(default = "yes")]
    pub normalise: bool,
}

fn published_blocks() -> usize {
    4
}

fn yes() -> bool {
    true
}

const EPS: f64 = 1e-5;

#[derive(Clone, Debug)]
struct Residual {
    norm: LayerNorm,
    first: Linear,
    second: Linear,
}

/// Residual blocks `x + Linear(2d to d)(GELU(Linear(d to 2d)(LayerNorm(x))))`, a layer norm and
/// the projector, a linear with bias. Exact GELU, biases everywhere, no dropout.
#[derive(Clone, Debug)]
pub struct TextAdapter {
    config: AdapterConfig,
    blocks: Vec<Residual>,
    norm: LayerNorm,
    projector: Linear,
}

impl TextAdapter {
    /// Names as in the released files, below `builder`'s path: `text_adapter.adaptor.N.{ln, fn.0,
    /// fn.3}` for the blocks, then the norm and the projector as the next two numbers. Fresh
    /// weights as PyTorch's `Linear`: weights (Kaiming-uniform, a = sqrt 5) and biases both
    /// uniform within fan-in^-1/2.
    ///
    /// # Errors
    /// Tensors asked for twice with two shapes; missing ones are the builder's to report.
    pub fn new(config: &AdapterConfig, builder: &Builder) -> Result<Self, ModelError> {
        let d = config.width;
        let builder = builder.pp("text_adapter.adaptor");
        let blocks = (0..config.blocks)
            .map(|n| -> Result<Residual, ModelError> {
                let block = builder.pp(n);
                Ok(Residual {
                    norm: LayerNorm::new(&block.pp("ln"), d, EPS)?,
                    first: pytorch_linear(&block.pp("fn.0"), d, 2 * d)?,
                    second: pytorch_linear(&block.pp("fn.3"), 2 * d, d)?,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            config: config.clone(),
            blocks,
            norm: LayerNorm::new(&builder.pp(config.blocks), d, EPS)?,
            projector: pytorch_linear(&builder.pp(config.blocks + 1), d, config.projection)?,
        })
    }

    /// The configuration it was built with.
    #[must_use]
    pub fn config(&self) -> &AdapterConfig {
        &self.config
    }

    /// The language model's rows `[n, width]` to features `[n, projection]`, not normalised.
    ///
    /// # Errors
    /// Rows of another width: they are another language model's.
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor, ModelError> {
        let layers = self.layers(rows)?;
        let last = layers.last().unwrap_or(rows);
        Ok(self.projector.forward(last, None)?)
    }

    /// What the adapter computes on the way, `[n, width]` each: every block's output, then the
    /// norm's.
    ///
    /// # Errors
    /// As [`TextAdapter::forward`].
    pub fn layers(&self, rows: &Tensor) -> Result<Vec<Tensor>, ModelError> {
        let (expected, found) = (self.config.width, rows.dims().last().copied().unwrap_or(0));
        if found != expected {
            let what = "width of the language model's rows beside the adapter";
            return Err(ModelError::Mismatch { what, expected, found });
        }
        let mut x = if self.config.normalise { ops::normalize(rows)? } else { rows.clone() };
        let mut layers = Vec::with_capacity(self.blocks.len() + 1);
        for b in &self.blocks {
            x = block::mlp(&x, &b.norm, &b.first, Activation::GeluErf, &b.second, None)?;
            layers.push(x.clone());
        }
        layers.push(self.norm.forward(&x)?);
        Ok(layers)
    }
}

/// A linear with bias, fresh as PyTorch's.
fn pytorch_linear(builder: &Builder, inputs: usize, outputs: usize) -> Result<Linear, ModelError> {
    let init = Init::Uniform { bound: 1.0 / (inputs as f32).sqrt() };
    // Asked for before the linear does, whose own fresh bias is zero.
    builder.get("bias", &[outputs], init)?;
    Ok(Linear::new(builder, inputs, outputs, true, init)?)
}
