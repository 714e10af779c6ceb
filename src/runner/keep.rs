//! What a stage keeps: validations, checkpoints, and which of them stay.

use super::RunError;
use super::run::{Running, finite};
use crate::files::FileError;
use crate::files::manifest;
use crate::ids::Digest;
use crate::machine;
use crate::recipe::Stage;
use crate::session::event::{CheckpointRemoved, CheckpointSaved, Validated};
use crate::session::{Finite, FiniteMap};
use crate::train::Trainer;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

impl Running<'_> {
    pub(super) fn validate(&mut self, stage: &Stage, trainer: &Trainer) -> Result<(), RunError> {
        let clock = Instant::now();
        let Some(found) = trainer.validate()? else { return Ok(()) };
        let metrics: FiniteMap = found
            .metrics
            .into_iter()
            .filter_map(|(name, value)| Some((name, Finite::new(value)?)))
            .collect();
        self.narrator.tell(Validated {
            stage: stage.name.clone(),
            step: trainer.state().step as u64,
            loss: Finite::new(found.loss),
            metrics,
            seconds: finite(clock.elapsed().as_secs_f64()),
            best: None,
        })
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
        if let Some(bytes) = &keeper.own_tokenizer {
            checkpoint.extra.push(("tokenizer.json", bytes.clone()));
        }
        let manifest = checkpoint.save(&folder)?;
        // The checkpoint is on the disk before the log speaks of it.
        self.narrator.tell(CheckpointSaved {
            stage: stage.name.clone(),
            step: step as u64,
            path: self.workspace.sources().name_of(&folder),
            digest: keeper.digest(step)?,
            bytes: manifest.bytes(),
            seconds: finite(clock.elapsed().as_secs_f64()),
        })?;
        self.narrator.sync()?;
        self.prune(stage, step, keeper)
    }

    /// Keeps the newest checkpoint and `keep` more of the stage.
    fn prune(&mut self, stage: &Stage, newest: usize, keeper: &Keeper) -> Result<(), RunError> {
        let mut older = manifest::steps(&keeper.folder);
        older.retain(|&step| step < newest);
        let surplus = older.len().saturating_sub(stage.keep);
        for &step in &older[..surplus] {
            let folder = manifest::step_folder(&keeper.folder, step);
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

/// Where a stage's checkpoints go, and what goes into each beside its tensors.
pub(super) struct Keeper {
    pub(super) folder: PathBuf,
    pub(super) card: serde_json::Value,
    pub(super) own_tokenizer: Option<Vec<u8>>,
}

impl Keeper {
    pub(super) fn digest(&self, step: usize) -> Result<Digest, RunError> {
        let manifest = manifest::verify(&manifest::step_folder(&self.folder, step))?;
        let digest = manifest.digest("params.safetensors").cloned();
        digest.ok_or_else(|| RunError::Unfit("a checkpoint without parameters".to_owned()))
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
