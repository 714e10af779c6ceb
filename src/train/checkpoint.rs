//! A checkpoint's folder: `params.safetensors`, `optimizer.safetensors`, `state.json`, `card.json`
//! and, last, `manifest.json` with every file's length and sha256.
//!
//! Written under another name, each file fsynced, the manifest last, then one rename and an fsync
//! of the parent: a folder that bears a checkpoint's name is whole, and the manifest proves it.

use crate::files::{self, FileError};
use crate::ids::Digest;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Why a folder is no valid checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
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
    /// A file differs from the manifest.
    #[error("{name} is not what the manifest says: expected {expected}, found {found}; the checkpoint is torn, take an earlier one")]
    Differs {
        /// The file.
        name: String,
        /// Length and digest in the manifest.
        expected: String,
        /// Length and digest on disk.
        found: String,
    },
    /// The disk cannot hold what is to be written.
    #[error("the disk has {free} bytes free, a checkpoint needs {needed} while it is written; free some space and resume")]
    Full {
        /// Bytes free.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    files: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    sha256: Digest,
}

const FORMAT: &str = "llm2clip.checkpoint/1";

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
}

/// The folder of a step within its stage's folder.
pub fn step_folder(stage: &Path, step: usize) -> PathBuf {
    stage.join(format!("step-{step:06}"))
}

impl<S: Serialize + for<'a> Deserialize<'a>> Checkpoint<S> {
    /// Writes the checkpoint as `folder`; returns the digest of its params file and the bytes it
    /// takes. A checkpoint of that name that verifies is left as it is.
    pub fn save(&self, folder: &Path) -> Result<(Digest, u64), CheckpointError> {
        if let Ok(found) = verify(folder) {
            return Ok(found);
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = folder.with_file_name(format!(".{name}.partial"));
        let at = |act, path: &Path| FileError::at(act, path);
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(at("removing", &temporary))?;
        }
        fs::create_dir_all(&temporary).map_err(at("creating", &temporary))?;
        let written = self.write_files(&temporary).and_then(|found| {
            if folder.exists() {
                fs::remove_dir_all(folder).map_err(at("removing", folder))?;
            }
            fs::rename(&temporary, folder).map_err(at("renaming", folder))?;
            files::sync_parent(folder)?;
            Ok(found)
        });
        if written.is_err() {
            let _ = fs::remove_dir_all(&temporary);
        }
        written
    }

    fn write_files(&self, folder: &Path) -> Result<(Digest, u64), CheckpointError> {
        let json = |path: &Path, cause| CheckpointError::Json { cause, path: path.to_owned() };
        let state = folder.join("state.json");
        let card = folder.join("card.json");
        let contents = [
            ("params.safetensors", tensors_to_bytes(&self.params, folder)?),
            ("optimizer.safetensors", tensors_to_bytes(&self.optimizer, folder)?),
            ("state.json", serde_json::to_vec_pretty(&self.state).map_err(|e| json(&state, e))?),
            ("card.json", serde_json::to_vec_pretty(&self.card).map_err(|e| json(&card, e))?),
        ];
        let mut manifest = Manifest { format: FORMAT.to_owned(), files: Vec::new() };
        let mut total = 0;
        for (name, bytes) in contents {
            files::write_synced(&folder.join(name), &bytes)?;
            let entry = Entry {
                name: name.to_owned(),
                bytes: bytes.len() as u64,
                sha256: Digest::of(&bytes),
            };
            total += entry.bytes;
            manifest.files.push(entry);
        }
        let path = folder.join("manifest.json");
        let bytes = serde_json::to_vec_pretty(&manifest).map_err(|e| json(&path, e))?;
        files::write_synced(&path, &bytes)?;
        files::sync_parent(&path)?;
        Ok((manifest.files[0].sha256.clone(), total + bytes.len() as u64))
    }

    /// Reads a checkpoint whose manifest verifies.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, CheckpointError> {
        verify(folder)?;
        Ok(Self {
            params: read_tensors(&folder.join("params.safetensors"), device)?,
            optimizer: read_tensors(&folder.join("optimizer.safetensors"), device)?,
            state: read_json(&folder.join("state.json"))?,
            card: read_json(&folder.join("card.json"))?,
        })
    }
}

fn tensors_to_bytes(
    tensors: &BTreeMap<String, Tensor>,
    folder: &Path,
) -> Result<Vec<u8>, CheckpointError> {
    let wrong = |cause| CheckpointError::Tensors { cause, path: folder.to_owned() };
    safetensors::serialize(tensors.iter(), None).map_err(|cause| wrong(cause.into()))
}

/// Reads a safetensors file.
pub fn read_tensors(
    path: &Path,
    device: &Device,
) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
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

/// Checks every file against the manifest; returns the digest of the params file and the bytes of
/// all files.
pub fn verify(folder: &Path) -> Result<(Digest, u64), CheckpointError> {
    let path = folder.join("manifest.json");
    let manifest: Manifest = read_json(&path)?;
    let mut total = fs::metadata(&path).map_err(FileError::at("reading", &path))?.len();
    let mut params = None;
    for entry in &manifest.files {
        let file = folder.join(&entry.name);
        let bytes = fs::metadata(&file).map_err(FileError::at("reading", &file))?.len();
        let sha256 = files::digest(&file)?;
        if bytes != entry.bytes || sha256 != entry.sha256 {
            return Err(CheckpointError::Differs {
                name: entry.name.clone(),
                expected: format!("{} bytes, sha256 {}", entry.bytes, entry.sha256.short()),
                found: format!("{bytes} bytes, sha256 {}", sha256.short()),
            });
        }
        total += bytes;
        if entry.name == "params.safetensors" {
            params = Some(sha256);
        }
    }
    let missing = || CheckpointError::Differs {
        name: "params.safetensors".to_owned(),
        expected: "an entry in the manifest".to_owned(),
        found: "none".to_owned(),
    };
    params.map(|digest| (digest, total)).ok_or_else(missing)
}

/// The highest step below a stage's folder whose checkpoint verifies.
pub fn newest_valid(stage: &Path) -> Option<(usize, PathBuf)> {
    let mut steps: Vec<usize> = fs::read_dir(stage)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("step-")?.parse().ok())
        .collect();
    steps.sort_unstable();
    let folders = steps.into_iter().rev().map(|step| (step, step_folder(stage, step)));
    folders.into_iter().find(|(_, folder)| verify(folder).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint<u32> {
        let tensor = |value: f32| Tensor::new(&[value, 2.0], &Device::Cpu).unwrap();
        Checkpoint {
            params: BTreeMap::from([("a".to_owned(), tensor(1.0))]),
            optimizer: BTreeMap::from([("a.first".to_owned(), tensor(0.5))]),
            state: 7,
            card: serde_json::json!({"kind": "llama"}),
        }
    }

    #[test]
    fn a_checkpoint_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = step_folder(folder.path(), 40);
        let (digest, bytes) = sample().save(&path).unwrap();
        let read = Checkpoint::<u32>::load(&path, &Device::Cpu).unwrap();
        assert_eq!(read.state, 7);
        assert_eq!(read.card["kind"], "llama");
        assert_eq!(read.params["a"].to_vec1::<f32>().unwrap(), [1.0, 2.0]);
        assert_eq!(verify(&path).unwrap(), (digest, bytes));
        assert_eq!(newest_valid(folder.path()), Some((40, path)));
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let a = sample().save(&folder.path().join("step-000001")).unwrap();
        let b = sample().save(&folder.path().join("step-000002")).unwrap();
        assert_eq!(a, b);
    }

    #[test]
    fn a_torn_checkpoint_is_passed_over_for_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        sample().save(&step_folder(folder.path(), 1)).unwrap();
        let torn = step_folder(folder.path(), 2);
        sample().save(&torn).unwrap();
        let file = torn.join("optimizer.safetensors");
        let mut bytes = fs::read(&file).unwrap();
        bytes.truncate(bytes.len() - 3);
        fs::write(&file, bytes).unwrap();
        let error = verify(&torn).unwrap_err().to_string();
        assert!(error.contains("optimizer.safetensors"), "{error}");
        assert_eq!(newest_valid(folder.path()).unwrap().0, 1);
        fs::remove_file(step_folder(folder.path(), 1).join("manifest.json")).unwrap();
        assert_eq!(newest_valid(folder.path()), None);
    }
}
