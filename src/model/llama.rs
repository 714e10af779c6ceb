//! Llama's trunk with a causal or a bidirectional mask, and its head.

use super::clip_text::check_ids;
use super::ctx::{Ctx, Site};
use super::{LlamaConfig, ModelError};
use crate::nn::block::{self, GatedMlp, Projections};
use crate::nn::{
    Attention, Builder, Init, Linear, Mask, NnError, Packing, RmsNorm, RopeTable, ops,
};
use candle_core::Tensor;
use std::sync::{Arc, OnceLock};

/// Longer rotary tables than this are made when the first longer text comes: at 131,072 positions
/// a table weighs more than many a model.
const SHORT_TABLE: usize = 4096;

/// One layer: `x + o(attention(norm(x)))`, then `x + down(silu(gate(norm(x))) * up(norm(x)))`.
#[derive(Clone, Debug)]
pub struct LlamaLayer {
    norm1: RmsNorm,
    projections: Projections,
    norm2: RmsNorm,
    mlp: GatedMlp,
    heads: usize,
    kv_heads: usize,
    layer: usize,
}

impl LlamaLayer {
    fn new(builder: &Builder, cfg: &LlamaConfig, layer: usize) -> Result<Self, ModelError> {
        let residual = 0.02 / (2.0 * cfg.layers as f32).sqrt();
        let linear = |path: &str, inputs, outputs, std: f32| -> Result<Linear, NnError> {
            Linear::new(&builder.pp(path), inputs, outputs, false, Init::Normal { std })
        };
        let (width, inner) = (cfg.width, cfg.heads * cfg.head_dim);
        let kv = cfg.kv_heads * cfg.head_dim;
        let projections = Projections {
            q: linear("self_attn.q_proj", width, inner, 0.02)?,
            k: linear("self_attn.k_proj", width, kv, 0.02)?,
            v: linear("self_attn.v_proj", width, kv, 0.02)?,
            o: linear("self_attn.o_proj", inner, width, residual)?,
        };
        let mlp = GatedMlp {
            gate: linear("mlp.gate_proj", width, cfg.mlp, 0.02)?,
            up: linear("mlp.up_proj", width, cfg.mlp, 0.02)?,
            down: linear("mlp.down_proj", cfg.mlp, width, residual)?,
        };
        Ok(Self {
            norm1: RmsNorm::new(&builder.pp("input_layernorm"), width, cfg.eps)?,
            projections,
            norm2: RmsNorm::new(&builder.pp("post_attention_layernorm"), width, cfg.eps)?,
            mlp,
            heads: cfg.heads,
            kv_heads: cfg.kv_heads,
            layer,
        })
    }

    /// `x` `[rows, width]` to `[rows, width]`; `table` as [`Trunk::rope_table`] gives it.
    ///
    /// # Errors
    /// Rows that `packing` does not have, or a text longer than the table.
    pub fn forward(
        &self,
        x: &Tensor,
        packing: &Packing,
        mask: Mask,
        table: &RopeTable,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        let how = Attention {
            heads: self.heads,
            kv_heads: self.kv_heads,
            packing: packing.clone(),
            mask,
            dropout: ctx.attention(self.layer),
        };
        let drop = ctx.at(self.layer, Site::Projections, packing);
        let x = block::rotary_attention(x, &self.norm1, &self.projections, table, &how, drop)?;
        let drop = ctx.at(self.layer, Site::Mlp, packing);
        Ok(block::gated_mlp(&x, &self.norm2, &self.mlp, drop)?)
    }
}

/// Token embedding, layers and final norm; the head where it was asked for.
#[derive(Clone, Debug)]
pub struct Trunk {
    config: LlamaConfig,
    tokens: Tensor,
    layers: Vec<LlamaLayer>,
    norm: RmsNorm,
    head: Option<Tensor>,
    short: RopeTable,
    long: Arc<OnceLock<RopeTable>>,
}

impl Trunk {
    /// The trunk alone: names `model.…` below `builder`'s path, as in Hugging Face's
    /// `LlamaForCausalLM`. Fresh weights normal with standard deviation 0.02, the projections back
    /// into the residual stream (`o_proj`, `down_proj`) scaled by (2 layers)^-1/2 (GPT-2).
    ///
    /// # Errors
    /// A configuration whose sizes do not divide.
    pub fn new(config: &LlamaConfig, builder: &Builder) -> Result<Self, ModelError> {
        config.check()?;
        let model = builder.pp("model");
        let init = Init::Normal { std: 0.02 };
        let layers = (0..config.layers)
            .map(|n| LlamaLayer::new(&model.pp("layers").pp(n), config, n))
            .collect::<Result<_, _>>()?;
        let short = config.positions.min(SHORT_TABLE);
        Ok(Self {
            config: config.clone(),
            tokens: model.get("embed_tokens.weight", &[config.vocab, config.width], init)?,
            layers,
            norm: RmsNorm::new(&model.pp("norm"), config.width, config.eps)?,
            head: None,
            short: RopeTable::from_frequencies(&config.frequencies(), short),
            long: Arc::default(),
        })
    }

    /// The trunk and its head: `lm_head.weight`, or the token embedding where the two are tied.
    ///
    /// # Errors
    /// As [`Trunk::new`].
    pub fn with_head(config: &LlamaConfig, builder: &Builder) -> Result<Self, ModelError> {
        let trunk = Self::new(config, builder)?;
        let head = if config.tied {
            trunk.tokens.clone()
        } else {
            let init = Init::Normal { std: 0.02 };
            builder.get("lm_head.weight", &[config.vocab, config.width], init)?
        };
        Ok(Self { head: Some(head), ..trunk })
    }

    /// The configuration it was built with.
    #[must_use]
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// The layers, first to last.
    #[must_use]
    pub fn layers(&self) -> &[LlamaLayer] {
        &self.layers
    }

    /// The rotary table for texts of at most `longest` tokens.
    #[must_use]
    pub fn rope_table(&self, longest: usize) -> &RopeTable {
        if longest <= self.short.positions() {
            return &self.short;
        }
        self.long.get_or_init(|| {
            RopeTable::from_frequencies(&self.config.frequencies(), self.config.positions)
        })
    }

    /// States after the final norm, `[rows, width]`, of packed `ids`.
    ///
    /// # Errors
    /// A text that is too long, or an id outside the vocabulary.
    pub fn hidden(
        &self,
        ids: &[u32],
        packing: &Packing,
        mask: Mask,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        self.hidden_at(ids, packing, mask, ctx, self.layers.len())
    }

    /// One entry of [`Trunk::hidden_layers`], computing no layer beyond it: 0 is the embeddings,
    /// the number of layers is [`Trunk::hidden`].
    ///
    /// # Errors
    /// As [`Trunk::hidden`], and a layer the model does not have.
    pub fn hidden_at(
        &self,
        ids: &[u32],
        packing: &Packing,
        mask: Mask,
        ctx: &Ctx,
        layer: usize,
    ) -> Result<Tensor, ModelError> {
        let layers = self.layers.len();
        if layer > layers {
            return Err(ModelError::Layer { found: layer, layers });
        }
        let mut x = self.embed(ids, packing)?;
        let table = self.rope_table(packing.longest());
        for (n, l) in self.layers[..layer].iter().enumerate() {
            // Backward begins at the last layer: running it twice would save nothing.
            x = if n + 1 < layer {
                let (l, packing, table, inner) =
                    (l.clone(), packing.clone(), table.clone(), ctx.clone());
                ctx.run(&x, move |x| l.forward(x, &packing, mask, &table, &inner))?
            } else {
                l.forward(&x, packing, mask, table, ctx)?
            };
        }
        if layer == layers { Ok(self.norm.forward(&x)?) } else { Ok(x) }
    }

    /// Every layer's input, and last the states after the final norm: layers plus 1 of
    /// `[rows, width]` (as Hugging Face's `hidden_states`).
    ///
    /// # Errors
    /// As [`Trunk::hidden`].
    pub fn hidden_layers(
        &self,
        ids: &[u32],
        packing: &Packing,
        mask: Mask,
        ctx: &Ctx,
    ) -> Result<Vec<Tensor>, ModelError> {
        let mut x = self.embed(ids, packing)?;
        let table = self.rope_table(packing.longest());
        let mut layers = Vec::with_capacity(self.layers.len() + 1);
        for l in &self.layers {
            let next = l.forward(&x, packing, mask, table, ctx)?;
            layers.push(std::mem::replace(&mut x, next));
        }
        layers.push(self.norm.forward(&x)?);
        Ok(layers)
    }

    /// Logits `[n, vocab]` of states `[n, width]` out of [`Trunk::hidden`]: of the rows that are
    /// asked about, never of all.
    ///
    /// # Errors
    /// The model was built without its head.
    pub fn head_logits(&self, states: &Tensor) -> Result<Tensor, ModelError> {
        let head = self.head.as_ref().ok_or(ModelError::NoHead)?;
        Ok(ops::linear(states, head, None)?)
    }

    fn embed(&self, ids: &[u32], packing: &Packing) -> Result<Tensor, ModelError> {
        check_ids(ids, packing, self.config.vocab, self.config.positions)?;
        Ok(ops::embedding(&self.tokens, ids)?)
    }
}
