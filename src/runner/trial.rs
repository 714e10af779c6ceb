//! A trainer for one stage alone, without a session: what the benchmark steps.

use super::start::{fresh, open_data, shape_of};
use super::{RunError, Workspace};
use crate::data::processor::Processor;
use crate::encode::builtin;
use crate::recipe::{Init, Objective, Stage};
use crate::rng::Key;
use crate::train::{Feed, FeedSource, ModelShape, TextRows, Trainer, Weights};
use candle_core::Device;
use std::collections::BTreeMap;

/// Builds a trainer on what is in the binary: earlier stages are replaced by fresh weights of the same
/// shape, an embedding table by random rows, so that a step costs what it costs in a run.
pub fn bench_trainer(stage: &Stage, device: &Device) -> Result<Trainer, RunError> {
    let workspace = Workspace {
        sessions: "sessions".into(),
        checkpoints: "checkpoints".into(),
        device: device.clone(),
        device_name: String::new(),
        threads: 1,
        memory_limit: None,
    };
    let corpus = open_data(&stage.data)?;
    let tokenizer = builtin::llama_tokenizer()?;
    let weights = match (&stage.objective, &stage.init) {
        (Objective::Llm2clip { .. }, _) => {
            let clip = crate::recipe::preset("clip").map(|mut recipe| recipe.stages.remove(0));
            let clip = clip.ok_or_else(|| RunError::Unfit("no clip preset".to_owned()))?;
            let shape = fresh(&clip, &tokenizer)?;
            let mut start = clip.clone();
            start.init = Init::Fresh;
            let source = Weights { shape, tensors: BTreeMap::new() };
            let key = Key::new(0);
            let built = crate::train::StageModel::build(&start, source, key, device)?;
            Weights { shape: built.shape, tensors: built.params.tensors() }
        }
        (_, Init::Source(source)) => {
            let loaded = workspace.sources().load(source)?;
            Weights { shape: shape_of(loaded.config), tensors: loaded.tensors }
        }
        _ => Weights { shape: fresh(stage, &tokenizer)?, tensors: BTreeMap::new() },
    };
    let mut rows = None;
    let weights = match &stage.objective {
        Objective::Llm2clip { projection, .. } => {
            let width = 256;
            rows = Some(random_rows(stage, &corpus, width));
            weights.for_llm2clip(width, *projection)
        }
        _ => weights,
    };
    let vision = match &weights.shape {
        ModelShape::Clip(config) => Some(&config.vision),
        ModelShape::Llm2clip(config) => Some(&config.vision),
        ModelShape::Llama(_) => None,
    };
    let picture = vision.map(|vision| (Processor::clip(vision.image_size), vision.patch));
    let key = Key::new(0).named(&stage.draws);
    let feed = Feed::new(stage, key, FeedSource { corpus, tokenizer, bos: true, picture, rows })?;
    Ok(Trainer::new(stage, 0, weights, feed, device)?)
}

fn random_rows(stage: &Stage, corpus: &crate::data::corpus::Corpus, dim: usize) -> TextRows {
    let mut stream = Key::new(1).stream();
    let mut rows = TextRows { dim, values: Vec::new(), places: BTreeMap::new() };
    for item in &corpus.items {
        for (k, _) in Feed::captions_of(stage, item) {
            rows.places.insert((item.id.clone(), k), rows.values.len() / dim);
            rows.values.extend((0..dim).map(|_| stream.normal()));
        }
    }
    rows
}
