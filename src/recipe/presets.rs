//! The recipes that have a name. Sources of the hyper-parameters, and where the small built-in data
//! asks for other ones, stand in `docs/recipes.md`.

use super::{
    Init, LlamaShape, MaskStyle, Objective, OnBadStep, Pooling, Recipe, Schedule, Stage, TextShape,
    Trainable, VisionShape, Watched,
};
use crate::ids::StageName;

const NAMES: [&str; 10] = [
    "demo",
    "causal-lm",
    "mntp",
    "simcse",
    "llm2vec",
    "caption-contrastive",
    "clip",
    "clip-sigmoid",
    "llm2clip",
    "clip-continued",
];

/// The names of all presets.
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// The preset of that name, fully resolved.
pub fn preset(name: &str) -> Option<Recipe> {
    let stages = match name {
        "causal-lm" => vec![causal_lm()],
        "mntp" => vec![mntp()],
        "simcse" => vec![simcse(builtin_llama())],
        "llm2vec" => vec![mntp(), simcse(after("mntp"))],
        "caption-contrastive" => vec![caption_contrastive(builtin_llama())],
        "clip" => vec![clip()],
        "clip-sigmoid" => vec![clip_sigmoid()],
        "llm2clip" => vec![clip(), caption_contrastive(builtin_llama()), llm2clip()],
        "clip-continued" => vec![clip(), clip_continued()],
        "demo" => vec![
            clip(),
            mntp(),
            simcse(after("mntp")),
            caption_contrastive(after("mntp")),
            llm2clip(),
            clip_continued(),
        ],
        _ => return None,
    };
    Some(Recipe { name: name.to_owned(), seed: 0, report: name == "demo", stages })
}

fn after(stage: &'static str) -> Init {
    Init::Stage(StageName::known(stage))
}

fn builtin_llama() -> Init {
    Init::Source("builtin:llama".to_owned())
}

/// What stages share unless they say otherwise.
fn base(name: &'static str, objective: Objective, init: Init, trainable: Trainable) -> Stage {
    Stage {
        name: StageName::known(name),
        objective,
        init,
        trainable,
        data: "emoji".to_owned(),
        captions: "all".to_owned(),
        draws: name.to_owned(),
        steps: 200,
        batch: 64,
        micro_batch: 0,
        activation_checkpointing: false,
        max_tokens: 64,
        lr: 5e-4,
        warmup: 20,
        schedule: Schedule::Cosine,
        layer_decay: 1.0,
        weight_decay: 0.0,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        clip_norm: 1.0,
        lora_r: 16,
        lora_alpha: 32.0,
        lora_dropout: 0.05,
        lora_from_layer: 0,
        on_bad_step: OnBadStep::Fail,
        checkpoint_every: 100,
        keep: 1,
        keep_every: 0,
        keep_best: Watched::None,
        validate_every: 50,
        retrieval_every: 0,
        patience: 0,
    }
}

fn causal_lm() -> Stage {
    let llama =
        LlamaShape { width: 256, layers: 5, heads: 4, kv_heads: 2, mlp: 640, positions: 256 };
    let objective = Objective::CausalLm { llama, tokenizer: "train:8192".to_owned() };
    Stage {
        steps: 3000,
        batch: 16,
        max_tokens: 256,
        lr: 2e-3,
        warmup: 100,
        weight_decay: 0.1,
        beta2: 0.95,
        checkpoint_every: 250,
        validate_every: 250,
        ..base("causal-lm", objective, Init::Fresh, Trainable::All)
    }
}

fn mntp() -> Stage {
    let objective = Objective::Mntp {
        mask_probability: 0.2,
        mask_style: MaskStyle::Bert,
        mask_token: "_".to_owned(),
    };
    Stage {
        steps: 100,
        batch: 16,
        warmup: 10,
        lr: 1e-3,
        ..base("mntp", objective, builtin_llama(), Trainable::Lora)
    }
}

fn simcse(init: Init) -> Stage {
    let objective = Objective::Simcse { dropout: 0.3, scale: 20.0, pooling: Pooling::Mean };
    Stage { steps: 60, warmup: 6, lr: 3e-4, ..base("simcse", objective, init, Trainable::Lora) }
}

fn caption_contrastive(init: Init) -> Stage {
    let objective = Objective::CaptionContrastive {
        scale: 20.0,
        pooling: Pooling::Mean,
        hard_negatives: 0,
        near: 0,
        symmetric: false,
        bidirectional: true,
    };
    Stage {
        captions: "en".to_owned(),
        steps: 100,
        batch: 128,
        warmup: 10,
        lr: 1e-3,
        ..base("caption-contrastive", objective, init, Trainable::Lora)
    }
}

const VISION: VisionShape =
    VisionShape { image_size: 64, patch: 16, width: 192, layers: 4, heads: 3 };
const TEXT: TextShape = TextShape { width: 192, layers: 4, heads: 3, positions: 32 };
const PROJECTION: usize = 192;

fn towers(name: &'static str, objective: Objective) -> Stage {
    Stage {
        captions: "en".to_owned(),
        steps: 300,
        batch: 128,
        max_tokens: TEXT.positions,
        lr: 1e-3,
        weight_decay: 0.2,
        beta2: 0.98,
        eps: 1e-6,
        ..base(name, objective, Init::Fresh, Trainable::All)
    }
}

fn clip() -> Stage {
    towers("clip", Objective::Clip { vision: VISION, text: TEXT, projection: PROJECTION })
}

fn clip_sigmoid() -> Stage {
    towers(
        "clip-sigmoid",
        Objective::ClipSigmoid { vision: VISION, text: TEXT, projection: PROJECTION },
    )
}

fn llm2clip() -> Stage {
    let objective = Objective::Llm2clip {
        table: "stage:caption-contrastive".to_owned(),
        projection: PROJECTION,
        head_lr_factor: 0.3,
    };
    let draws = "second-stage".to_owned();
    Stage { init: after("clip"), draws, steps: 150, ..towers("llm2clip", objective) }
}

/// The fair baseline: from the same checkpoint, on the same pictures and caption draws, with the same
/// batches, steps and image-tower rate.
fn clip_continued() -> Stage {
    let objective = Objective::Clip { vision: VISION, text: TEXT, projection: PROJECTION };
    Stage { name: StageName::known("clip-continued"), objective, ..llm2clip() }
}
