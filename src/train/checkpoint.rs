//! A checkpoint's folder: `params.safetensors` (trainable tensors only, in name order),
//! `optimizer.safetensors`, `state.json`, `card.json`, and what else a stage's encoder needs, such as
//! a tokenizer of its own. [`crate::files::manifest`] makes it whole. Beside them `asked`, where
//! somebody asked for it: no part of what was trained, so the manifest does not name it.

use crate::files::manifest::{self, CHECKPOINT, Manifest, ManifestError};
use crate::files::{self, FileError};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The empty file that says that a checkpoint was asked for.
const ASKED: &str = "asked";

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder is not whole.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The tensors could not be read or written.
    #[error("tensors of a checkpoint: {cause} ({})", path.display())]
    Tensors {
        /// What candle says.
        #[source]
        cause: candle_core::Error,
        /// The file.
        path: PathBuf,
    },
    /// A JSON file does not parse.
    #[error("{cause} ({})", path.display())]
    Json {
        /// What the parser says.
        #[source]
        cause: serde_json::Error,
        /// The file.
        path: PathBuf,
    },
}

/// What a checkpoint holds.
pub struct Checkpoint<S> {
    /// The stage's trainable tensors.
    pub params: BTreeMap<String, Tensor>,
    /// The optimizer's moments.
    pub optimizer: BTreeMap<String, Tensor>,
    /// Everything else that a resumed step depends on.
    pub state: S,
    /// What it is, and what it stands on.
    pub card: serde_json::Value,
    /// Further files by name.
    pub extra: Vec<(&'static str, Vec<u8>)>,
}

impl<S: Serialize + for<'a> Deserialize<'a>> Checkpoint<S> {
    /// Writes the checkpoint as `folder`.
    pub fn save(&self, folder: &Path) -> Result<Manifest, CheckpointError> {
        let json = |cause| CheckpointError::Json { cause, path: folder.to_owned() };
        let mut contents = vec![
            ("params.safetensors", tensors_to_bytes(&self.params, folder)?),
            ("optimizer.safetensors", tensors_to_bytes(&self.optimizer, folder)?),
            ("state.json", serde_json::to_vec_pretty(&self.state).map_err(json)?),
            ("card.json", serde_json::to_vec_pretty(&self.card).map_err(json)?),
        ];
        contents.extend(self.extra.iter().cloned());
        // A torn one is replaced as a whole.
        let asked = was_asked_for(folder);
        let manifest = manifest::write_folder(folder, CHECKPOINT, &contents)?;
        if asked && !was_asked_for(folder) {
            mark_asked_for(folder)?;
        }
        Ok(manifest)
    }

    /// Reads a checkpoint whose manifest verifies; `extra` stays on disk.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, CheckpointError> {
        manifest::verify(folder)?;
        Ok(Self {
            params: read_tensors(&folder.join("params.safetensors"), device)?,
            optimizer: read_tensors(&folder.join("optimizer.safetensors"), device)?,
            state: read_json(&folder.join("state.json"))?,
            card: read_json(&folder.join("card.json"))?,
            extra: Vec::new(),
        })
    }
}

/// The state in a checkpoint's folder, whose manifest verifies.
pub fn read_state<S: for<'a> Deserialize<'a>>(folder: &Path) -> Result<S, CheckpointError> {
    manifest::verify(folder)?;
    read_json(&folder.join("state.json"))
}

/// Marks a checkpoint as one that somebody asked for.
pub fn mark_asked_for(folder: &Path) -> Result<(), CheckpointError> {
    let mark = folder.join(ASKED);
    files::write_synced(&mark, &[])?;
    Ok(files::sync_parent(&mark)?)
}

/// Whether somebody asked for the checkpoint.
pub fn was_asked_for(folder: &Path) -> bool {
    folder.join(ASKED).exists()
}

/// The bytes a checkpoint of these tensors takes, moments included.
pub fn bytes_needed(params: &BTreeMap<String, Tensor>) -> u64 {
    params.values().map(|tensor| tensor.elem_count() as u64 * 12).sum::<u64>() + (1 << 16)
}

fn tensors_to_bytes(
    tensors: &BTreeMap<String, Tensor>,
    folder: &Path,
) -> Result<Vec<u8>, CheckpointError> {
    safetensors::serialize(tensors, None)
        .map_err(|cause| CheckpointError::Tensors { cause: cause.into(), path: folder.to_owned() })
}

fn read_tensors(path: &Path, device: &Device) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let bytes = fs::read(path).map_err(FileError::at("reading", path))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, device)
        .map_err(|cause| CheckpointError::Tensors { cause, path: path.to_owned() })?;
    Ok(tensors.into_iter().collect())
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, CheckpointError> {
    let bytes = fs::read(path).map_err(FileError::at("reading", path))?;
    serde_json::from_slice(&bytes)
        .map_err(|cause| CheckpointError::Json { cause, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint<u32> {
        let tensor = |value: f32| Tensor::new(&[value, 2.0], &Device::Cpu).unwrap();
        Checkpoint {
            params: BTreeMap::from([("b".to_owned(), tensor(3.0)), ("a".to_owned(), tensor(1.0))]),
            optimizer: BTreeMap::from([("a.first".to_owned(), tensor(0.5))]),
            state: 7,
            card: serde_json::json!({"kind": "llama"}),
            extra: vec![("tokenizer.json", b"{}".to_vec())],
        }
    }

    #[test]
    fn a_checkpoint_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = manifest::step_folder(folder.path(), 40);
        sample().save(&path).unwrap();
        let read = Checkpoint::<u32>::load(&path, &Device::Cpu).unwrap();
        assert_eq!((read.state, &read.card["kind"]), (7, &serde_json::json!("llama")));
        assert_eq!(read.params["a"].to_vec1::<f32>().unwrap(), [1.0, 2.0]);
        assert!(path.join("tokenizer.json").exists());
    }

    #[test]
    fn one_that_was_asked_for_stays_so_when_it_is_made_again_and_is_no_other_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = manifest::step_folder(folder.path(), 40);
        let before = sample().save(&path).unwrap();
        assert!(!was_asked_for(&path));
        mark_asked_for(&path).unwrap();
        assert_eq!(manifest::verify(&path).unwrap(), before);
        assert_eq!(sample().save(&path).unwrap(), before);
        assert!(was_asked_for(&path));
        fs::write(path.join("params.safetensors"), "torn").unwrap();
        assert_eq!(sample().save(&path).unwrap(), before);
        assert!(was_asked_for(&path) && manifest::verify(&path).is_ok());
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let a = sample().save(&folder.path().join("step-000001")).unwrap();
        let b = sample().save(&folder.path().join("step-000002")).unwrap();
        assert_eq!(a, b);
    }
}
