//! Where a stage's weights, data and embedding table come from.

use super::{Narrator, RunError, Workspace, ensure_table};
use crate::data::bad::{BadRows, Policy};
use crate::data::check::without_missing;
use crate::data::corpus::{Corpus, Item, fold};
use crate::data::hf_tokenizer;
use crate::data::processor::Processor;
use crate::data::text::Template;
use crate::data::tokenizer::Tokenizer;
use crate::encode::{
    AttentionKind, Config, Loaded, LoraCard, MODEL_CARD_FORMAT, ModelCard, Options, Parent,
    TextUse, builtin, text_encoder,
};
use crate::files::manifest;
use crate::ids::Digest;
use crate::model::{
    ClipConfig, ClipTextConfig, EotRule, LOGIT_SCALE_INIT, LlamaConfig, Pooling, VitConfig,
};
use crate::nn::Activation;
use crate::recipe::{
    Init, LlamaShape, Objective, Recipe, Stage, TextShape, Trainable, VisionShape,
};
use crate::rng::Key;
use crate::session::event::{Base, DataUsed, TableUsed};
use crate::train::{Feed, FeedSource, ModelShape, TextRows, Weights, pooling_of};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A stage ready to train.
pub struct Start {
    /// What the model is built from.
    pub weights: Weights,
    /// Its batches.
    pub feed: Feed,
    /// The card of its checkpoints.
    pub card: ModelCard,
    /// A tokenizer of its own, to be kept beside its weights: files by name.
    pub own_tokenizer: Vec<(&'static str, Vec<u8>)>,
    /// What the log says of the data.
    pub data: DataUsed,
    /// What the log says of the table.
    pub table: Option<TableUsed>,
    /// What the log says of the base.
    pub base: Option<Base>,
}

/// Where a run keeps its checkpoints: `<session>/<run>` below the checkpoints folder.
pub fn stage_folder(workspace: &Workspace, run: &Path, stage: &str) -> PathBuf {
    workspace.checkpoints.join(run).join(stage)
}

/// Gathers what `stage` needs. `run` is the run's folder below the checkpoints folder, where earlier
/// stages left theirs.
pub fn prepare(
    workspace: &Workspace,
    narrator: &mut Narrator,
    recipe: &Recipe,
    stage: &Stage,
    run: &Path,
) -> Result<Start, RunError> {
    let key = Key::new(recipe.seed).named(&stage.draws);
    let loaded = load_base(workspace, recipe, stage, run)?;
    let mut corpus = open_data(&stage.data)?;
    if reads_pictures(&stage.objective) {
        corpus = without_missing(corpus, &stage.data, Policy::default())?;
    }
    if let Some(warning) = corpus.bad.warning(&stage.data) {
        narrator.warn(&warning)?;
    }
    let (tokenizer, trained) = tokenizer(workspace, stage, loaded.as_ref(), &corpus)?;
    let inherited = loaded.as_ref().and_then(|loaded| loaded.own_tokenizer.as_deref().cloned());
    let own_tokenizer = trained.or(inherited);
    let base = loaded.as_ref().map(Loaded::as_parent);
    let mut weights = match loaded.clone() {
        Some(loaded) => Weights { shape: shape_of(loaded.config), tensors: loaded.tensors },
        None => Weights { shape: fresh(stage, &tokenizer)?, tensors: BTreeMap::new() },
    };
    let mut table = None;
    let mut rows = None;
    let mut table_parent = None;
    if let Objective::Llm2clip { table: source, projection, .. } = &stage.objective {
        let made = text_rows(workspace, narrator, recipe, stage, source, run, &corpus)?;
        weights = weights.for_llm2clip(made.rows.dim, *projection);
        rows = Some(made.rows);
        table = Some(made.used);
        table_parent = Some(made.parent);
    }
    // A model keeps the habit of its own tokenizer; a fresh one begins with BOS.
    let known = loaded.as_ref().and_then(|loaded| loaded.text.as_ref());
    let bos = known.is_none_or(|text| text.bos);
    let tokens = Tokens { own: own_tokenizer.is_some(), bos };
    let own_tokenizer = match own_tokenizer {
        None => Vec::new(),
        Some(file) => {
            let eos = known.is_some_and(|text| text.eos);
            let config = hf_tokenizer::ends(&tokenizer, bos, eos)?;
            vec![("tokenizer.json", file), ("tokenizer_config.json", config)]
        }
    };
    let card = card(stage, &weights, base.clone(), table_parent, tokens);
    let data = DataUsed {
        name: corpus.name.clone(),
        digest: corpus.digest.clone(),
        items: corpus.in_split("train").count() as u64,
        format: Some(corpus.format.clone()),
    };
    let picture = match &weights.shape {
        ModelShape::Clip(config) => Some(&config.vision),
        ModelShape::Llm2clip(config) => Some(&config.vision),
        ModelShape::Llama(_) => None,
    };
    let picture = picture.map(|vision| (Processor::clip(vision.image_size), vision.patch));
    let feed = Feed::new(stage, key, FeedSource { corpus, tokenizer, bos, picture, rows })?;
    let base = base.map(|parent| Base { name: parent.source, digest: Some(parent.digest) });
    Ok(Start { weights, feed, card, own_tokenizer, data, table, base })
}

fn reads_pictures(objective: &Objective) -> bool {
    matches!(
        objective,
        Objective::Clip { .. } | Objective::ClipSigmoid { .. } | Objective::Llm2clip { .. }
    )
}

/// Every 200th item of a set without splits validates.
const VALIDATION_SHARE: usize = 200;

/// What a stage trains on: one data set, or several joined with `+`. A set without splits trains whole,
/// but for every 200th item, which validates.
pub(super) fn open_data(spec: &str) -> Result<Corpus, RunError> {
    let mut items = Vec::new();
    let (mut names, mut formats, mut bad) = (Vec::new(), Vec::new(), BadRows::default());
    for part in spec.split('+') {
        let mut corpus = crate::data::open::open(part, None)?;
        if corpus.items.iter().all(|item| item.split.is_none()) {
            for (at, item) in corpus.items.iter_mut().enumerate() {
                let split = if at % VALIDATION_SHARE == VALIDATION_SHARE - 1 {
                    "validation"
                } else {
                    "train"
                };
                item.split = Some(split.to_owned());
            }
        }
        names.push(corpus.name);
        formats.push(corpus.format);
        bad.join(corpus.bad);
        items.extend(corpus.items);
    }
    drop_seen_in_tests(&mut items);
    Ok(Corpus::new(names.join("+"), items).read_from(formats.join("+"), bad))
}

/// Takes out of the training items every caption whose words stand in a validation or test caption:
/// tags can be equal across concepts, and a test caption must never have been trained on.
fn drop_seen_in_tests(items: &mut [Item]) {
    let trains = |item: &Item| item.split.as_deref() == Some("train");
    let held: BTreeSet<String> = items
        .iter()
        .filter(|item| matches!(item.split.as_deref(), Some("validation" | "test")))
        .flat_map(|item| item.captions.iter().map(|caption| fold(&caption.text)))
        .collect();
    for item in items.iter_mut().filter(|item| trains(item)) {
        item.captions.retain(|caption| !held.contains(&fold(&caption.text)));
    }
}

fn load_base(
    workspace: &Workspace,
    recipe: &Recipe,
    stage: &Stage,
    run: &Path,
) -> Result<Option<Loaded>, RunError> {
    Ok(match &stage.init {
        Init::Fresh => None,
        Init::Source(source) => Some(workspace.sources().load(source)?),
        Init::Stage(name) => Some(load_stage(workspace, recipe, name.as_str(), run)?),
    })
}

/// The last checkpoint of an earlier stage of the same run.
pub fn load_stage(
    workspace: &Workspace,
    recipe: &Recipe,
    name: &str,
    run: &Path,
) -> Result<Loaded, RunError> {
    let steps = recipe.stages.iter().find(|stage| stage.name.as_str() == name);
    let steps = steps.map_or(0, |stage| stage.steps);
    let folder = last_checkpoint(&stage_folder(workspace, run, name), steps);
    Ok(workspace.sources().load_checkpoint(&folder)?)
}

/// The folder of a stage's newest valid checkpoint: the stage may have ended before its planned
/// `steps`. One without any checkpoint is missed at its planned end.
pub(super) fn last_checkpoint(stage: &Path, steps: usize) -> PathBuf {
    let newest = manifest::newest_valid(stage).map(|(_, folder)| folder);
    newest.unwrap_or_else(|| manifest::step_folder(stage, steps))
}

fn tokenizer(
    workspace: &Workspace,
    stage: &Stage,
    loaded: Option<&Loaded>,
    corpus: &Corpus,
) -> Result<(Arc<Tokenizer>, Option<Vec<u8>>), RunError> {
    if let Some(loaded) = loaded {
        return Ok((loaded.tokenizer.clone(), None));
    }
    let Objective::CausalLm { tokenizer, .. } = &stage.objective else {
        return Ok((builtin::llama_tokenizer()?, None));
    };
    let Some(size) = tokenizer.strip_prefix("train:") else {
        return Ok((workspace.sources().load(tokenizer)?.tokenizer, None));
    };
    let vocab = size.parse().map_err(|_| {
        RunError::Unfit(format!("tokenizer: expected train:N with a number N, found {tokenizer:?}"))
    })?;
    let texts = corpus
        .in_split("train")
        .flat_map(|item| item.captions.iter().map(|caption| caption.text.as_str()));
    let training = crate::data::tokenizer_train::Training { vocab, ..Default::default() };
    let bytes = crate::data::tokenizer_train::train(texts, &training)?;
    Ok((Arc::new(Tokenizer::from_bytes(&bytes)?), Some(bytes)))
}

pub(super) fn shape_of(config: Config) -> ModelShape {
    match config {
        Config::Llama(config) => ModelShape::Llama(config),
        Config::Clip(config) => ModelShape::Clip(*config),
        Config::Llm2clip(config) => ModelShape::Llm2clip(*config),
    }
}

fn config_of(shape: &ModelShape) -> Config {
    match shape {
        ModelShape::Llama(config) => Config::Llama(config.clone()),
        ModelShape::Clip(config) => Config::Clip(Box::new(config.clone())),
        ModelShape::Llm2clip(config) => Config::Llm2clip(Box::new(config.clone())),
    }
}

pub(super) fn fresh(stage: &Stage, tokenizer: &Tokenizer) -> Result<ModelShape, RunError> {
    match &stage.objective {
        Objective::Clip { vision, text, projection } => {
            Ok(ModelShape::Clip(clip(*vision, *text, *projection, tokenizer, None)?))
        }
        Objective::ClipSigmoid { vision, text, projection } => {
            // SigLIP starts at a scale of 10 and a bias of -10 (facts 1.1).
            let start = Some((10.0f32.ln(), -10.0));
            Ok(ModelShape::Clip(clip(*vision, *text, *projection, tokenizer, start)?))
        }
        Objective::CausalLm { llama, .. } => Ok(ModelShape::Llama(fresh_llama(*llama, tokenizer))),
        other => Err(RunError::Unfit(format!("{} cannot start from fresh weights", other.name()))),
    }
}

fn clip(
    vision: VisionShape,
    text: TextShape,
    projection: usize,
    tokenizer: &Tokenizer,
    sigmoid: Option<(f32, f32)>,
) -> Result<ClipConfig, RunError> {
    let eos = tokenizer.eos().ok_or_else(|| {
        RunError::Unfit("the text tower needs a tokenizer with an end token".to_owned())
    })?;
    Ok(ClipConfig {
        vision: VitConfig {
            image_size: vision.image_size,
            patch: vision.patch,
            width: vision.width,
            layers: vision.layers,
            heads: vision.heads,
            mlp: vision.width * 4,
            activation: Activation::QuickGelu,
            eps: 1e-5,
            projection,
        },
        text: ClipTextConfig {
            vocab: tokenizer.vocab_size(),
            positions: text.positions,
            width: text.width,
            layers: text.layers,
            heads: text.heads,
            mlp: text.width * 4,
            activation: Activation::QuickGelu,
            eps: 1e-5,
            projection,
            eot: EotRule::Id(eos),
        },
        logit_scale_init: sigmoid.map_or(LOGIT_SCALE_INIT, |(scale, _)| scale),
        logit_bias_init: sigmoid.map(|(_, bias)| bias),
    })
}

fn fresh_llama(shape: LlamaShape, tokenizer: &Tokenizer) -> LlamaConfig {
    LlamaConfig {
        vocab: tokenizer.vocab_size(),
        width: shape.width,
        mlp: shape.mlp,
        layers: shape.layers,
        heads: shape.heads,
        kv_heads: shape.kv_heads,
        head_dim: shape.width / shape.heads,
        eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        positions: shape.positions,
        tied: true,
    }
}

/// How texts are encoded after this stage, for a Llama.
fn text_use(stage: &Stage, config: &LlamaConfig, bos: bool) -> TextUse {
    let (attention, pooling) = match &stage.objective {
        Objective::CausalLm { .. } => (AttentionKind::Causal, Pooling::Mean),
        Objective::Simcse { pooling, .. } => (AttentionKind::Bidirectional, pooling_of(*pooling)),
        Objective::CaptionContrastive { pooling, bidirectional, .. } => {
            let attention =
                if *bidirectional { AttentionKind::Bidirectional } else { AttentionKind::Causal };
            (attention, pooling_of(*pooling))
        }
        _ => (AttentionKind::Bidirectional, Pooling::Mean),
    };
    TextUse {
        attention,
        pooling,
        template: Template::None,
        bos,
        eos: false,
        max_tokens: config.positions,
    }
}

/// What a card says of a model's tokens.
#[derive(Clone, Copy)]
struct Tokens {
    /// Whether the tokenizer lies beside the card.
    own: bool,
    /// Whether texts begin with BOS.
    bos: bool,
}

fn card(
    stage: &Stage,
    weights: &Weights,
    base: Option<Parent>,
    table: Option<Parent>,
    tokens: Tokens,
) -> ModelCard {
    let config = config_of(&weights.shape);
    let lora = (stage.trainable == Trainable::Lora)
        .then_some(LoraCard { r: stage.lora_r, alpha: stage.lora_alpha });
    let text = match &weights.shape {
        ModelShape::Llama(config) => Some(text_use(stage, config, tokens.bos)),
        _ => None,
    };
    ModelCard {
        format: MODEL_CARD_FORMAT.to_owned(),
        kind: config.kind(),
        config: config.to_json(),
        tokenizer: if tokens.own { "own" } else { builtin::LLAMA }.to_owned(),
        whole: stage.trainable == Trainable::All,
        base,
        lora,
        text,
        table,
        objective: stage.objective.name().to_owned(),
        stage: stage.name.to_string(),
    }
}

struct MadeRows {
    rows: TextRows,
    used: TableUsed,
    parent: Parent,
}

/// Rows of every caption the stage may draw, from the language model its `table` names.
fn text_rows(
    workspace: &Workspace,
    narrator: &mut Narrator,
    recipe: &Recipe,
    stage: &Stage,
    source: &str,
    run: &Path,
    corpus: &Corpus,
) -> Result<MadeRows, RunError> {
    let loaded = match source.strip_prefix("stage:") {
        Some(name) => load_stage(workspace, recipe, name, run)?,
        None => workspace.sources().load(source)?,
    };
    let parent = loaded.as_parent();
    let name = parent.source.clone();
    let encoder = text_encoder(&name, loaded, &Options::default(), &workspace.sources())?;
    let mut texts = Vec::new();
    let mut places = BTreeMap::new();
    for split in ["train", "validation"] {
        for item in corpus.in_split(split) {
            for (k, caption) in Feed::captions_of(stage, item) {
                places.insert((item.id.clone(), k), texts.len());
                texts.push(caption.text.as_str());
            }
        }
    }
    let data = Digest::of(texts.join("\n").as_bytes());
    let (table, digest) = ensure_table(workspace, narrator, &encoder, &texts, &data)?;
    let card = serde_json::to_value(&table.card).unwrap_or_default();
    Ok(MadeRows {
        rows: TextRows { dim: table.rows.dim(), values: table.rows.values().to_vec(), places },
        used: TableUsed { digest, card },
        parent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_caption_of_validation_or_test_is_trained_on() {
        let corpus = open_data("emoji").unwrap();
        let folded = |split: &str| -> BTreeSet<String> {
            let captions = corpus.in_split(split).flat_map(|item| &item.captions);
            captions.map(|caption| fold(&caption.text)).collect()
        };
        let training = folded("train");
        for split in ["validation", "test"] {
            assert!(training.is_disjoint(&folded(split)), "{split}");
        }
        let count = |corpus: &Corpus| {
            corpus.in_split("train").map(|item| item.captions.len()).sum::<usize>()
        };
        let all = count(crate::data::builtin::emoji().unwrap());
        let left = count(&corpus);
        assert!(left < all && left > all * 95 / 100, "{left} of {all}");
    }
}
