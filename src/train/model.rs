//! What a stage trains: a model built from the weights it starts with, or fresh.

use super::TrainError;
use crate::model::{AdapterConfig, Clip, ClipConfig, LlamaConfig, Llm2Clip, Llm2ClipConfig, Trunk};
use crate::nn::{Builder, LoraSpec, Params, Rule};
use crate::recipe::{Objective, Stage, Trainable};
use crate::rng::Key;
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

/// A model's configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelShape {
    /// A Llama, with its head.
    Llama(LlamaConfig),
    /// Two towers.
    Clip(ClipConfig),
    /// An image tower, and an adapter on a language model's rows.
    Llm2clip(Llm2ClipConfig),
}

impl ModelShape {
    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Llama(_) => "a llama",
            Self::Clip(_) => "a clip model",
            Self::Llm2clip(_) => "an llm2clip model",
        }
    }
}

/// A configuration with all its tensors, or with none where the model starts fresh.
#[derive(Clone, Debug)]
pub struct Weights {
    /// The configuration.
    pub shape: ModelShape,
    /// Tensors by full name, low-rank ones merged.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// The weights an `llm2clip` stage starts from: a CLIP model's image tower and logit scale beside
    /// an adapter on rows of `width` numbers; the text tower and the old projection are dropped
    /// (facts 3.3). An `llm2clip` model goes on as it is.
    #[must_use]
    pub fn for_llm2clip(self, width: usize, projection: usize) -> Self {
        match self.shape {
            ModelShape::Clip(clip) => {
                let mut vision = clip.vision;
                vision.projection = projection;
                let adapter = AdapterConfig { width, blocks: 4, projection, normalise: true };
                let logit_scale_init = clip.logit_scale_init;
                Self {
                    shape: ModelShape::Llm2clip(Llm2ClipConfig {
                        vision,
                        adapter,
                        logit_scale_init,
                    }),
                    tensors: Llm2Clip::from_clip(self.tensors),
                }
            }
            _ => self,
        }
    }
}

/// The network itself.
#[derive(Clone, Debug)]
pub enum Net {
    /// A Llama with its head.
    Llama(Box<Trunk>),
    /// Two towers.
    Clip(Box<Clip>),
    /// Image tower and adapter.
    Llm2clip(Box<Llm2Clip>),
}

/// A network, its configuration and its parameters.
#[derive(Clone, Debug)]
pub struct StageModel {
    /// The configuration.
    pub shape: ModelShape,
    /// The network.
    pub net: Net,
    /// Its parameters, trainable and frozen.
    pub params: Params,
}

const LLAMA_LINEARS: [&str; 7] =
    ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const TOWER_LINEARS: [&str; 6] = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"];

impl StageModel {
    /// Builds what `stage` trains on `start`; fresh tensors are drawn from `key`.
    pub fn build(
        stage: &Stage,
        start: Weights,
        key: Key,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let Weights { shape, tensors } = start;
        check_kind(stage, &shape)?;
        let builder = if tensors.is_empty() {
            Builder::init(key.named("init"), device)
        } else {
            Builder::load_or_init(tensors, key.named("init"), device)
        };
        let builder = match &shape {
            ModelShape::Llm2clip(_) => builder.with_fresh(&Llm2Clip::FRESH),
            _ => builder,
        };
        let builder = builder.trainable(rule(stage)).lora(lora(stage), key.named("lora"));
        let built = Self::finish(shape, builder)?;
        if built.params.trainable().next().is_none() {
            let stage = stage.name.to_string();
            let what = "nothing to train: lora_from_layer is above every block".to_owned();
            return Err(TrainError::Unfit { stage, what });
        }
        Ok(built)
    }

    /// The same model outside any gradient graph. It computes with the very same numbers: an update
    /// of this model's parameters is one of its own.
    pub fn still(&self, stage: &Stage, device: &Device) -> Result<Self, TrainError> {
        let builder = Builder::load(self.params.tensors(), device).frozen();
        Self::finish(self.shape.clone(), builder.lora(lora(stage), Key::new(0)))
    }

    fn finish(shape: ModelShape, builder: Builder) -> Result<Self, TrainError> {
        let net = match &shape {
            ModelShape::Llama(config) => Net::Llama(Box::new(Trunk::with_head(config, &builder)?)),
            ModelShape::Clip(config) => Net::Clip(Box::new(Clip::new(config, &builder)?)),
            ModelShape::Llm2clip(config) => {
                Net::Llm2clip(Box::new(Llm2Clip::new(config, &builder)?))
            }
        };
        let params = builder.finish().map_err(crate::nn::NnError::from)?;
        Ok(Self { shape, net, params })
    }

    /// Depth of the image tower; 0 where there is none.
    pub fn image_layers(&self) -> usize {
        match &self.shape {
            ModelShape::Llama(_) => 0,
            ModelShape::Clip(config) => config.vision.layers,
            ModelShape::Llm2clip(config) => config.vision.layers,
        }
    }
}

fn check_kind(stage: &Stage, shape: &ModelShape) -> Result<(), TrainError> {
    let (expected, fits) = match stage.objective {
        Objective::Clip { .. } | Objective::ClipSigmoid { .. } => {
            ("a clip model", matches!(shape, ModelShape::Clip(_)))
        }
        Objective::Llm2clip { .. } => {
            ("an llm2clip model", matches!(shape, ModelShape::Llm2clip(_)))
        }
        _ => ("a llama", matches!(shape, ModelShape::Llama(_))),
    };
    if fits {
        return Ok(());
    }
    Err(TrainError::WrongWeights {
        stage: stage.name.to_string(),
        objective: stage.objective.name(),
        expected,
        found: shape.kind(),
    })
}

fn rule(stage: &Stage) -> Rule {
    let head = || {
        let names = ["text_adapter.", "visual_projection.", "logit_"];
        Rule::Only(names.map(str::to_owned).to_vec())
    };
    match (stage.trainable, &stage.objective) {
        (Trainable::All, _) => Rule::All,
        (Trainable::Lora | Trainable::Adapter, Objective::Llm2clip { .. }) => head(),
        (Trainable::Lora, Objective::Clip { .. } | Objective::ClipSigmoid { .. }) => {
            Rule::Only(vec!["logit_".to_owned()])
        }
        (Trainable::Lora | Trainable::Adapter, _) => Rule::None,
    }
}

fn lora(stage: &Stage) -> Option<LoraSpec> {
    if stage.trainable != Trainable::Lora {
        return None;
    }
    let targets: &[&str] =
        if stage.objective.is_language() { &LLAMA_LINEARS } else { &TOWER_LINEARS };
    Some(LoraSpec {
        r: stage.lora_r,
        alpha: stage.lora_alpha,
        dropout: stage.lora_dropout,
        targets: targets.iter().map(|&target| target.to_owned()).collect(),
        from_layer: stage.lora_from_layer,
    })
}
