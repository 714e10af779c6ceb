//! What a new run starts from: a preset, or a checkpoint of another run.

use super::Wrong;
use crate::ids::StageName;
use crate::recipe::{Recipe, names, preset};
use crate::session::names::RunId;
use crate::tui::app::Shared;
use crate::tui::app::form::beside;
use crate::tui::data::library::RunEntry;
use std::sync::Arc;

/// What a new run starts from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A preset by its place.
    Preset(usize),
    /// A checkpoint.
    Run(Box<Forked>),
}

/// A run with the checkpoint to start from.
#[derive(Clone, Debug, PartialEq)]
pub struct Forked {
    /// The run.
    pub run: RunId,
    /// Its checkpoints: stage and step, the newest first.
    pub saved: Vec<(StageName, u64)>,
    /// Which of them.
    pub at: usize,
    recipe: Arc<Recipe>,
}

impl Forked {
    pub(super) fn of(run: &RunEntry) -> Result<Self, String> {
        let name = &run.id.run;
        let recipe = run.recipe.clone();
        let recipe = recipe.ok_or_else(|| {
            format!("the recipe of {name} cannot be read by this version; fork another run")
        })?;
        let known = |stage: &StageName| recipe.stages.iter().any(|one| one.name == *stage);
        let saved: Vec<(StageName, u64)> =
            run.saved.iter().rev().filter(|(stage, _)| known(stage)).cloned().collect();
        if saved.is_empty() {
            return Err(format!(
                "{name} has no checkpoint to fork from; C asks a run at work for one"
            ));
        }
        Ok(Self { run: run.id.clone(), saved, at: 0, recipe })
    }

    /// The checkpoint's stage, that stage's place in the recipe, and the checkpoint's step.
    #[must_use]
    pub fn place(&self) -> (&StageName, usize, u64) {
        let (stage, step) = &self.saved[self.at.min(self.saved.len() - 1)];
        let index = self.recipe.stages.iter().position(|one| one.name == *stage).unwrap_or(0);
        (stage, index, *step)
    }
}

impl Origin {
    /// The recipe before anything is changed.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        match self {
            Self::Preset(at) => {
                let named = names().get(*at).and_then(|name| preset(name));
                let none =
                    || Recipe { name: String::new(), seed: 0, report: false, stages: vec![] };
                named.unwrap_or_else(none)
            }
            Self::Run(forked) => (*forked.recipe).clone(),
        }
    }

    /// The first stage that can be changed.
    #[must_use]
    pub fn first_stage(&self) -> usize {
        match self {
            Self::Preset(_) => 0,
            Self::Run(forked) => forked.place().1,
        }
    }

    /// What `recipes` takes.
    pub(super) fn source(&self) -> String {
        match self {
            Self::Preset(at) => names().get(*at).copied().unwrap_or_default().to_owned(),
            Self::Run(forked) => forked.run.to_string(),
        }
    }

    /// The command that starts the run, without what is changed.
    pub(super) fn command(&self) -> Vec<String> {
        match self {
            Self::Preset(_) => vec!["train".to_owned(), self.source()],
            Self::Run(forked) => {
                let (stage, _, step) = forked.place();
                vec!["fork".to_owned(), format!("{}/{stage}@{step}", forked.run)]
            }
        }
    }

    /// What is started, in words.
    pub(super) fn starts(&self, shared: &Shared) -> String {
        match self {
            Self::Preset(_) => format!("{} starts", self.source()),
            Self::Run(forked) => {
                let (stage, _, step) = forked.place();
                format!("a fork of {} at {stage}@{step} starts", shared.library.name(&forked.run))
            }
        }
    }

    /// The next preset or checkpoint.
    pub(super) fn turn(&mut self, back: bool) {
        match self {
            Self::Preset(at) => *at = beside(*at, names().len(), back),
            Self::Run(forked) => forked.at = beside(forked.at, forked.saved.len(), back),
        }
    }

    /// Whether what is changed can still take effect; stages behind the checkpoint stay as they were.
    pub(super) fn check(&self, recipe: &mut Recipe, sets: &[String]) -> Result<(), Wrong> {
        let Self::Run(forked) = self else { return Ok(()) };
        let (stage, index, step) = forked.place();
        let planned = recipe.stages[index].steps as u64;
        let wrong = |words: String| Err(Wrong { place: format!("{stage}.steps"), words });
        if planned < step {
            return wrong(format!(
                "{stage} is to make {planned} steps, and the fork begins after step {step}: set more, or choose an earlier checkpoint"
            ));
        }
        let behind = if planned == step { index + 1 } else { index };
        for set in sets {
            let key = set.split('=').next().unwrap_or_default().trim();
            let named = key.split_once('.').map(|(name, _)| name);
            if forked.recipe.stages[..behind].iter().any(|one| Some(one.name.as_str()) == named) {
                return wrong(format!(
                    "{set}: that stage is finished at the fork; set more steps of {stage}, or choose an earlier checkpoint"
                ));
            }
        }
        recipe.stages[..behind].clone_from_slice(&forked.recipe.stages[..behind]);
        if behind == recipe.stages.len() {
            return wrong(format!(
                "nothing is left to train after step {step} of {stage}: set more steps, or choose an earlier checkpoint"
            ));
        }
        Ok(())
    }
}
