//! What a stage keeps: validations, checkpoints, and which of them stay.

use super::RunError;
use super::run::{Running, finite};
use super::stands::stands_on;
use crate::eval::{Judgements, Metric, Metrics, Products, Relevant, rank};
use crate::files::FileError;
use crate::files::manifest::{self, Manifest};
use crate::ids::Digest;
use crate::machine;
use crate::recipe::{Stage, Watched};
use crate::session::Finite;
use crate::session::event::{CheckpointRemoved, CheckpointSaved, Validated};
use crate::train::{Pairs, TrainState, Trainer, mark_asked_for, was_asked_for};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

impl Running<'_> {
    /// Measures what is due, and says whether it is the best so far. One record a step, whatever is
    /// measured; what is watched moves the trainer's patience.
    pub(super) fn validate(
        &mut self,
        stage: &Stage,
        trainer: &mut Trainer,
        due: Due,
    ) -> Result<bool, RunError> {
        let clock = Instant::now();
        let (mut loss, mut metrics) = (None, BTreeMap::new());
        let validated = if due.loss { trainer.validate()? } else { None };
        if let Some(found) = validated {
            loss = Some(f64::from(found.loss));
            metrics.extend(found.metrics);
        }
        if due.retrieval
            && let Some(pairs) = trainer.retrieval()?
        {
            metrics.extend(retrieval(&pairs, stage)?);
        }
        if loss.is_none() && metrics.is_empty() {
            return Ok(false);
        }
        let watched = match stage.keep_best.name() {
            "loss" => loss,
            name => metrics.get(name).copied(),
        };
        let best = watched.map(|value| trainer.observe(value));
        self.narrator.tell(Validated {
            stage: stage.name.clone(),
            step: trainer.state().step as u64,
            loss: loss.and_then(Finite::new),
            metrics: metrics
                .into_iter()
                .filter_map(|(name, value)| Some((name, Finite::new(value)?)))
                .collect(),
            seconds: finite(clock.elapsed().as_secs_f64()),
            best,
        })?;
        Ok(best == Some(true))
    }

    pub(super) fn save(
        &mut self,
        stage: &Stage,
        trainer: &Trainer,
        keeper: &mut Keeper,
    ) -> Result<(), RunError> {
        let clock = Instant::now();
        let step = trainer.state().step;
        let folder = manifest::step_folder(&keeper.folder, step);
        let mut checkpoint = trainer.checkpoint(keeper.card.clone());
        checkpoint.extra.extend(keeper.own_tokenizer.iter().cloned());
        // After a power cut no checkpoint may be ahead of the steps that the log has.
        self.narrator.sync()?;
        let manifest = checkpoint.save(&folder)?;
        // The checkpoint is on the disk before the log speaks of it.
        self.narrator.tell(CheckpointSaved {
            stage: stage.name.clone(),
            step: step as u64,
            path: self.workspace.sources().name_of(&folder),
            digest: params_digest(&manifest)?,
            bytes: manifest.bytes(),
            seconds: finite(clock.elapsed().as_secs_f64()),
        })?;
        self.narrator.sync()?;
        self.prune(stage, trainer.state(), keeper)
    }

    /// Keeps the newest checkpoint, the best one, those at multiples of `keep_every`, those that were
    /// asked for, `keep` more of the stage, and whatever something stands on.
    fn prune(&mut self, stage: &Stage, now: &TrainState, keeper: &Keeper) -> Result<(), RunError> {
        let best = now.best.filter(|_| stage.keep_best != Watched::None).map(|best| best.step);
        let mut older = manifest::steps(&keeper.folder);
        older.retain(|&step| {
            let stays = stage.keep_every > 0 && step.is_multiple_of(stage.keep_every);
            step < now.step && !stays && Some(step) != best && !keeper.was_asked_for(step)
        });
        let surplus = older.len().saturating_sub(stage.keep);
        let needed = if surplus > 0 { stands_on(self.workspace) } else { BTreeSet::new() };
        for &step in &older[..surplus] {
            let folder = manifest::step_folder(&keeper.folder, step);
            if needed.contains(&self.workspace.sources().name_of(&folder)) {
                continue;
            }
            fs::remove_dir_all(&folder).map_err(FileError::at("removing", &folder))?;
            self.narrator.tell(CheckpointRemoved {
                stage: stage.name.clone(),
                step: step as u64,
                path: self.workspace.sources().name_of(&folder),
            })?;
        }
        Ok(())
    }

    /// Refuses early where the disk cannot hold two checkpoints.
    pub(super) fn check_disk(&self, one: u64) -> Result<(), RunError> {
        let place = &self.workspace.checkpoints;
        fs::create_dir_all(place).map_err(FileError::at("creating", place))?;
        let Ok(free) = machine::disk_free(place) else { return Ok(()) };
        if free >= 2 * one {
            return Ok(());
        }
        Err(RunError::DiskFull {
            place: place.display().to_string(),
            free: megabytes(free),
            needed: megabytes(2 * one),
        })
    }
}

/// What of a validation is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// The stage's own loss.
    pub(super) loss: bool,
    /// Retrieval among the split's pairs.
    pub(super) retrieval: bool,
}

/// Metrics of first sides asking for their second sides; with pictures, of both directions under the
/// direction's name, and their mean under the metric's own.
fn retrieval(pairs: &Pairs, stage: &Stage) -> Result<BTreeMap<String, f64>, RunError> {
    let of = |queries: &[f32], gallery: &[f32]| -> Result<Metrics, RunError> {
        let count = queries.len() / pairs.dim;
        let judgements = Judgements {
            relevant: Relevant::diagonal(count),
            units: (0..count as u32).collect(),
            itself: None,
        };
        let ranked = rank(&Products::new(queries, gallery, pairs.dim)?, &judgements)?;
        Ok(Metrics::of(&ranked.iter().map(|ranked| ranked.high).collect::<Vec<_>>()))
    };
    let forth = of(&pairs.first, &pairs.second)?;
    let mut found = BTreeMap::new();
    let mut mean = forth;
    if !stage.objective.is_language() {
        let back = of(&pairs.second, &pairs.first)?;
        mean = Metrics::from_fn(|metric| f64::midpoint(*forth.get(metric), *back.get(metric)));
        for (direction, metrics) in [("image-to-text", &forth), ("text-to-image", &back)] {
            let named = |metric: Metric| (format!("{direction}/{metric}"), *metrics.get(metric));
            found.extend(Metric::ALL.map(named));
        }
    }
    found.extend(Metric::ALL.map(|metric| (metric.to_string(), *mean.get(metric))));
    Ok(found)
}

/// Where a stage's checkpoints go, and what goes into each beside its tensors.
pub(super) struct Keeper {
    pub(super) folder: PathBuf,
    pub(super) card: serde_json::Value,
    pub(super) own_tokenizer: Vec<(&'static str, Vec<u8>)>,
}

impl Keeper {
    pub(super) fn digest(&self, step: usize) -> Result<Digest, RunError> {
        params_digest(&manifest::verify(&manifest::step_folder(&self.folder, step))?)
    }

    /// Has a step's checkpoint stay for good.
    pub(super) fn asked_for(&self, step: usize) -> Result<(), RunError> {
        Ok(mark_asked_for(&manifest::step_folder(&self.folder, step))?)
    }

    fn was_asked_for(&self, step: usize) -> bool {
        was_asked_for(&manifest::step_folder(&self.folder, step))
    }
}

fn params_digest(manifest: &Manifest) -> Result<Digest, RunError> {
    let digest = manifest.digest("params.safetensors").cloned();
    digest.ok_or_else(|| RunError::Unfit("a checkpoint without parameters".to_owned()))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
