//! Text encoders: a language model with pooling, CLIP's text tower, and a language model behind
//! LLM2CLIP's adapter.

use super::KeptRows;
use super::card::{AttentionKind, EncoderCard, TextUse, recorded, recorded_parents};
use super::source::{Config, Loaded, Sources};
use super::{Embeddings, EncodeError, Options, peft};
use crate::data::DataError;
use crate::data::text::{Template, TextBatch, TextRow, TextSpec, text_row};
use crate::data::tokenizer::Tokenizer;
use crate::model::{Clip, Ctx, Llm2Clip, Pooling, Trunk};
use crate::nn::{Builder, Mask, Packing, Rule, ops};
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// Tokens that go through a model at once when many texts are encoded.
const TOKENS_A_BATCH: usize = 4096;

/// Rows of some texts, in their order, and what making them took.
#[derive(Clone, Debug)]
pub struct EncodedTexts {
    /// `[texts, dim]`.
    pub rows: Embeddings,
    /// Tokens that went through the model; equal texts count once.
    pub tokens: usize,
    /// Texts that were cut.
    pub truncated: usize,
    /// Whether each text was cut.
    pub cut: Vec<bool>,
}

/// Something that turns texts into embeddings.
pub trait TextEncoder {
    /// Everything that changes the numbers.
    fn card(&self) -> &EncoderCard;

    /// Encodes texts; `progress` hears of texts done and texts in all after every batch and may end
    /// the work there. Equal texts
    /// are encoded once, batches are made by length: a pure function of the texts.
    fn encode(
        &self,
        texts: &[&str],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<EncodedTexts, EncodeError> {
        self.encode_on(texts, &mut KeptRows::nowhere(), progress)
    }

    /// As [`TextEncoder::encode`], but batches that `kept` has from an encoding of the same texts are
    /// not made again, and those that are made are kept there.
    fn encode_on(
        &self,
        texts: &[&str],
        kept: &mut KeptRows,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<EncodedTexts, EncodeError>;
}

/// What turns one packed batch into rows that need not be normalised.
pub(super) enum Body {
    Llama { trunk: Box<Trunk>, how: TextUse, layer: usize },
    Clip(Box<Clip>),
    Llm2clip { trunk: Box<Trunk>, how: TextUse, layer: usize, model: Box<Llm2Clip> },
}

/// Any of the text encoders.
pub struct ModelTextEncoder {
    card: EncoderCard,
    pub(super) body: Body,
    tokenizer: Arc<Tokenizer>,
    spec: TextSpec,
}

/// The text encoder of a loaded model.
pub fn text_encoder(
    name: &str,
    loaded: Loaded,
    options: &Options,
    sources: &Sources,
) -> Result<ModelTextEncoder, EncodeError> {
    match &loaded.config {
        Config::Llama(config) => options.fit_llama(name, config)?,
        Config::Clip(config) => options.fit_clip(name, config.text.positions)?,
        // Its positions are its language model's, which is loaded below.
        Config::Llm2clip(_) => {}
    }
    let loaded = peft::merge(loaded, &options.lora, sources)?;
    let device = sources.device.clone();
    let unfit = |what: &str| EncodeError::Unfit { encoder: name.to_owned(), what: what.to_owned() };
    let lora = |folder: &PathBuf| {
        let asked = folder.display().to_string();
        recorded(&asked, &asked)
    };
    let mut card = EncoderCard {
        encoder: recorded(name, &loaded.source),
        lora: options.lora.iter().map(lora).collect(),
        kind: loaded.config.kind().name().to_owned(),
        tower: "text".to_owned(),
        dim: 0,
        text: None,
        layer: options.layer,
        picture: None,
        normalised: true,
        dtype: "f32".to_owned(),
        tokenizer: Some(loaded.tokenizer.digest().clone()),
        weights: Some(loaded.digest.clone()),
        stands_on: recorded_parents(&loaded.stands_on),
    };
    match &loaded.config {
        Config::Llama(config) => {
            let how = text_use(&loaded, options)?;
            let layer = options.layer.unwrap_or(config.layers);
            card.dim = config.width;
            card.text = Some(how.clone());
            let trunk = trunk(&loaded, &device)?;
            let spec = spec_of(&how);
            let tokenizer = loaded.tokenizer.clone();
            let body = Body::Llama { trunk: Box::new(trunk), how, layer };
            Ok(ModelTextEncoder { card, body, tokenizer, spec })
        }
        Config::Clip(config) => {
            card.dim = config.text.projection;
            let builder = Builder::load(loaded.tensors, &device).trainable(Rule::None);
            let clip = Clip::new(config, &builder)?;
            builder.finish().map_err(crate::nn::NnError::from)?;
            let max_tokens = options.max_tokens.unwrap_or(config.text.positions);
            let spec = TextSpec::clip(max_tokens);
            card.text = Some(TextUse {
                attention: AttentionKind::Causal,
                pooling: Pooling::Eos,
                template: spec.template.clone(),
                bos: spec.bos,
                eos: spec.eos,
                max_tokens,
            });
            let body = Body::Clip(Box::new(clip));
            Ok(ModelTextEncoder { card, body, tokenizer: loaded.tokenizer, spec })
        }
        Config::Llm2clip(config) => {
            let parent = loaded
                .table
                .as_ref()
                .ok_or_else(|| unfit("does not say whose rows its adapter was trained on"))?;
            let language = sources.load(&parent.source)?;
            if language.digest != parent.digest {
                return Err(EncodeError::OtherParent {
                    name: name.to_owned(),
                    parent: parent.source.clone(),
                    expected: parent.digest.short().to_owned(),
                    found: language.digest.short().to_owned(),
                });
            }
            let Config::Llama(llama) = &language.config else {
                return Err(unfit("was trained on rows of something that is no Llama"));
            };
            options.fit_llm2clip(name, llama)?;
            let how = text_use(&language, options)?;
            let layer = options.layer.unwrap_or(llama.layers);
            card.dim = config.adapter.projection;
            card.text = Some(how.clone());
            card.tokenizer = Some(language.tokenizer.digest().clone());
            card.stands_on.extend(recorded_parents(std::slice::from_ref(parent)));
            let trunk = trunk(&language, &device)?;
            let builder = Builder::load(loaded.tensors, &device).trainable(Rule::None);
            let model = Llm2Clip::new(config, &builder)?;
            builder.finish().map_err(crate::nn::NnError::from)?;
            let spec = spec_of(&how);
            let body =
                Body::Llm2clip { trunk: Box::new(trunk), how, layer, model: Box::new(model) };
            Ok(ModelTextEncoder { card, body, tokenizer: language.tokenizer, spec })
        }
    }
}

fn trunk(loaded: &Loaded, device: &Device) -> Result<Trunk, EncodeError> {
    let Config::Llama(config) = &loaded.config else {
        return Err(EncodeError::Unfit {
            encoder: loaded.source.clone(),
            what: "is no Llama".to_owned(),
        });
    };
    let mut tensors: BTreeMap<String, Tensor> = loaded.tensors.clone();
    tensors.remove("lm_head.weight");
    let builder = Builder::load(tensors, device).trainable(Rule::None);
    let trunk = Trunk::new(config, &builder)?;
    builder.finish().map_err(crate::nn::NnError::from)?;
    Ok(trunk)
}

/// The model's own way with texts, changed by the options.
fn text_use(loaded: &Loaded, options: &Options) -> Result<TextUse, EncodeError> {
    let mut how = loaded.text.clone().ok_or_else(|| EncodeError::Unfit {
        encoder: loaded.source.clone(),
        what: "does not say how it pools texts; give pooling= and attention=".to_owned(),
    })?;
    if let Some(pooling) = options.pooling {
        how.pooling = pooling;
    }
    if let Some(mask) = options.attention {
        how.attention = match mask {
            Mask::Causal => AttentionKind::Causal,
            Mask::Bidirectional => AttentionKind::Bidirectional,
        };
    }
    if let Some(bos) = options.bos {
        how.bos = bos;
    }
    if let Some(template) = options.template {
        how.template = if template {
            Template::Llm2vec { instruction: INSTRUCTION.to_owned() }
        } else {
            Template::None
        };
    }
    if let Some(max_tokens) = options.max_tokens {
        how.max_tokens = max_tokens;
    }
    Ok(how)
}

/// LLM2CLIP's caption instruction (facts 3.1).
const INSTRUCTION: &str = "Given a caption, retrieve a similar relevant caption.";

fn spec_of(how: &TextUse) -> TextSpec {
    TextSpec {
        bos: how.bos,
        eos: how.eos || how.pooling.needs_end_token(),
        max_tokens: how.max_tokens,
        template: how.template.clone(),
    }
}

impl ModelTextEncoder {
    /// The tokenisation this encoder uses.
    pub fn spec(&self) -> &TextSpec {
        &self.spec
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The states that rows are pooled from, `[tokens, width]`.
    pub(super) fn states(&self, batch: &TextBatch) -> Result<Tensor, EncodeError> {
        let packing = Packing::from_lengths(&batch.lengths);
        let ctx = Ctx::eval();
        match &self.body {
            Body::Llama { trunk, how, layer } | Body::Llm2clip { trunk, how, layer, .. } => {
                Ok(trunk.hidden_at(&batch.ids, &packing, mask_of(how), &ctx, *layer)?)
            }
            Body::Clip(clip) => {
                let mut layers = clip.text().hidden_layers(&batch.ids, &packing, &ctx)?;
                let last = layers.pop();
                last.ok_or_else(|| EncodeError::Unfit {
                    encoder: self.card.encoder.clone(),
                    what: "has no layers".to_owned(),
                })
            }
        }
    }

    /// Layers the states stand behind, of those there are.
    pub(super) fn depth(&self) -> (usize, usize) {
        match &self.body {
            Body::Llama { trunk, layer, .. } | Body::Llm2clip { trunk, layer, .. } => {
                (*layer, trunk.layers().len())
            }
            Body::Clip(clip) => (clip.text().blocks().len(), clip.text().blocks().len()),
        }
    }

    /// Rows of one packed batch, not normalised, `[texts, dim]`.
    fn forward(&self, batch: &TextBatch) -> Result<Tensor, EncodeError> {
        let packing = Packing::from_lengths(&batch.lengths);
        let ctx = Ctx::eval();
        match &self.body {
            Body::Llama { trunk, how, layer } => pooled(trunk, how, *layer, batch, &packing),
            Body::Clip(clip) => Ok(clip.text_features(&batch.ids, &packing, &ctx)?),
            Body::Llm2clip { trunk, how, layer, model } => {
                let rows = pooled(trunk, how, *layer, batch, &packing)?;
                Ok(model.text_features(&ops::normalize(&rows)?)?)
            }
        }
    }
}

pub(super) fn mask_of(how: &TextUse) -> Mask {
    match how.attention {
        AttentionKind::Causal => Mask::Causal,
        AttentionKind::Bidirectional => Mask::Bidirectional,
    }
}

fn pooled(
    trunk: &Trunk,
    how: &TextUse,
    layer: usize,
    batch: &TextBatch,
    packing: &Packing,
) -> Result<Tensor, EncodeError> {
    let hidden = trunk.hidden_at(&batch.ids, packing, mask_of(how), &Ctx::eval(), layer)?;
    Ok(how.pooling.pool(&hidden, packing, &batch.embed)?)
}

impl TextEncoder for ModelTextEncoder {
    fn card(&self) -> &EncoderCard {
        &self.card
    }

    fn encode_on(
        &self,
        texts: &[&str],
        kept: &mut KeptRows,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<EncodedTexts, EncodeError> {
        let (unique, place) = distinct(texts);
        let rows: Vec<TextRow> = unique
            .par_iter()
            .map(|text| text_row(&self.tokenizer, text, &self.spec))
            .collect::<Result<_, _>>()?;
        if let Some(empty) = rows.iter().position(|row| row.pooled == 0) {
            let row = place.iter().position(|&at| at == empty).unwrap_or(empty);
            return Err(DataError::NothingToPool { row, tokens: rows[empty].ids.len() }.into());
        }
        let dim = self.card.dim;
        let mut values = vec![0.0f32; unique.len() * dim];
        let mut done = 0;
        for batch in by_length(&rows) {
            let encoded = match kept.next(batch.rows() * dim) {
                Some(encoded) => encoded,
                None => {
                    let encoded = self.forward(&batch)?.to_device(&Device::Cpu)?;
                    let encoded = encoded.flatten_all()?.to_vec1::<f32>()?;
                    kept.keep(&encoded);
                    encoded
                }
            };
            for (row, &item) in encoded.chunks(dim).zip(&batch.items) {
                values[item * dim..(item + 1) * dim].copy_from_slice(row);
            }
            done += batch.rows();
            if progress(done, unique.len()).is_break() {
                return Err(EncodeError::Interrupted);
            }
        }
        Ok(EncodedTexts {
            rows: Embeddings::new(dim, values)?.select(&place),
            tokens: rows.iter().map(|row| row.ids.len()).sum(),
            truncated: place.iter().filter(|&&at| rows[at].truncated).count(),
            cut: place.iter().map(|&at| rows[at].truncated).collect(),
        })
    }
}

/// Distinct texts in order of first appearance, and each text's place among them.
pub(super) fn distinct<'a>(texts: &[&'a str]) -> (Vec<&'a str>, Vec<usize>) {
    let mut seen = BTreeMap::new();
    let mut unique = Vec::new();
    let place = texts
        .iter()
        .map(|&text| {
            *seen.entry(text).or_insert_with(|| {
                unique.push(text);
                unique.len() - 1
            })
        })
        .collect();
    (unique, place)
}

/// Rows sorted by length (then by place) and cut at a budget of tokens.
pub(super) fn by_length(rows: &[TextRow]) -> Vec<TextBatch> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&row| (rows[row].ids.len(), row));
    let mut batches: Vec<TextBatch> = Vec::new();
    for at in order {
        let full = |batch: &TextBatch| batch.tokens() + rows[at].ids.len() > TOKENS_A_BATCH;
        if batches.last().is_none_or(full) {
            batches.push(TextBatch::default());
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(&rows[at], at);
        }
    }
    batches
}
