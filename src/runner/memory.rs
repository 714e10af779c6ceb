//! What a stage will take, held against what there is before anything is allocated.

use super::run::Running;
use super::start::{fresh, open_data, shape_of};
use super::{RunError, Workspace};
use crate::encode::builtin;
use crate::machine;
use crate::recipe::{Init, Objective, Recipe, Stage};
use crate::train::memory::{Memory, Room, check, estimate, people};
use crate::train::{Feed, FeedSource, ModelShape, Weights};
use std::collections::BTreeMap;

impl Running<'_> {
    /// Refuses a stage that cannot fit, and says what it will take.
    pub(super) fn check_memory(
        &mut self,
        stage: &Stage,
        weights: &Weights,
        feed: &Feed,
    ) -> Result<(), RunError> {
        let tokens = feed.mean_tokens()?;
        let limit = self.workspace.memory_limit;
        let available =
            if self.workspace.device.is_cpu() { machine::memory_available() } else { 0 };
        let memory = match Room::of(limit, machine::resident_bytes(), available) {
            Some(room) => check(stage, &weights.shape, tokens, room)?,
            None => estimate(stage, &weights.shape, tokens),
        };
        self.narrator.line(&line(stage.name.as_str(), &memory));
        Ok(())
    }
}

/// A stage and what it will take.
pub struct StageMemory {
    /// The stage's name.
    pub stage: String,
    /// What it takes.
    pub memory: Memory,
}

impl std::fmt::Display for StageMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&line(&self.stage, &self.memory))
    }
}

fn line(stage: &str, memory: &Memory) -> String {
    format!(
        "{stage}: about {} of memory (parameters {}, moments {}, gradients {}, activations {}, batch {})",
        people(memory.total()),
        people(memory.parameters),
        people(memory.moments),
        people(memory.gradients),
        people(memory.activations),
        people(memory.batch),
    )
}

/// What every stage of a recipe will take. Weights that a stage starts from are read for their shapes;
/// where its data cannot be read, its texts count as long as they may be.
pub fn memory_of(workspace: &Workspace, recipe: &Recipe) -> Result<Vec<StageMemory>, RunError> {
    let mut shapes: BTreeMap<&str, ModelShape> = BTreeMap::new();
    let mut found = Vec::new();
    for stage in &recipe.stages {
        let shape = shape(workspace, stage, &shapes)?;
        let tokens = match tokens(stage, &shape) {
            Ok(tokens) => tokens,
            Err(_) => stage.max_tokens as f64,
        };
        let memory = estimate(stage, &shape, tokens);
        found.push(StageMemory { stage: stage.name.to_string(), memory });
        shapes.insert(stage.name.as_str(), shape);
    }
    Ok(found)
}

fn tokens(stage: &Stage, shape: &ModelShape) -> Result<f64, RunError> {
    if matches!(shape, ModelShape::Llm2clip(_)) {
        return Ok(0.0);
    }
    if matches!(stage.objective, Objective::CausalLm { .. } | Objective::Mntp { .. }) {
        return Ok(stage.max_tokens as f64);
    }
    let source = FeedSource {
        corpus: open_data(&stage.data)?,
        tokenizer: builtin::llama_tokenizer()?,
        bos: true,
        picture: None,
        rows: None,
    };
    Ok(Feed::new(stage, crate::rng::Key::new(0), source)?.mean_tokens()?)
}

fn shape(
    workspace: &Workspace,
    stage: &Stage,
    earlier: &BTreeMap<&str, ModelShape>,
) -> Result<ModelShape, RunError> {
    let named = |name: &str| -> Result<ModelShape, RunError> {
        let known = earlier.get(name).cloned();
        known.ok_or_else(|| RunError::Unfit(format!("no earlier stage is called {name:?}")))
    };
    let loaded = |source: &str| -> Result<ModelShape, RunError> {
        Ok(shape_of(workspace.sources().load(source)?.config))
    };
    let shape = match &stage.init {
        Init::Fresh => {
            let mut shape = fresh(stage, &*builtin::llama_tokenizer()?)?;
            if let (ModelShape::Llama(config), Objective::CausalLm { tokenizer, .. }) =
                (&mut shape, &stage.objective)
                && let Some(size) = tokenizer.strip_prefix("train:")
            {
                config.vocab = size.parse().unwrap_or(config.vocab);
            }
            shape
        }
        Init::Stage(name) => named(name.as_str())?,
        Init::Source(source) => loaded(source)?,
    };
    let Objective::Llm2clip { table, projection, .. } = &stage.objective else { return Ok(shape) };
    let rows = match table.strip_prefix("stage:") {
        Some(name) => named(name)?,
        None => loaded(table)?,
    };
    let width = match rows {
        ModelShape::Llama(config) => config.width,
        ModelShape::Clip(config) => config.text.projection,
        ModelShape::Llm2clip(config) => config.adapter.width,
    };
    let weights = Weights { shape, tensors: BTreeMap::new() };
    Ok(weights.for_llm2clip(width, *projection).shape)
}
