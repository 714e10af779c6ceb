//! Folders that are there whole or not at all, proved by a manifest: every file's name, length and
//! sha256. A checkpoint is such a folder.
//!
//! Written under another name, each file fsynced, the manifest last, then one rename and an fsync
//! of the parent: a folder that bears its name is whole, and the manifest tells when the disk has
//! lost something since.

use super::{FileError, fault};
use crate::ids::Digest;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The format of a checkpoint's folder.
pub const CHECKPOINT: &str = "llm2clip.checkpoint/1";

/// Why a folder is not what its manifest says.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest does not parse.
    #[error("the manifest does not parse: {cause} ({})", path.display())]
    Json {
        /// What the parser says.
        #[source]
        cause: serde_json::Error,
        /// The file.
        path: PathBuf,
    },
    /// The manifest names what does not lie in the folder.
    #[error("the manifest names {name:?}; expected the name of a file in its folder")]
    Outside {
        /// The name.
        name: String,
    },
    /// A file differs from the manifest.
    #[error("{name} is torn: the manifest says {expected}, found {found}; take an earlier one")]
    Differs {
        /// The file.
        name: String,
        /// Length and digest in the manifest.
        expected: String,
        /// Length and digest on disk.
        found: String,
    },
}

/// One file of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name within the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A folder's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name and version of what the folder is.
    pub format: String,
    /// Its files, in the order they were written.
    pub files: Vec<Entry>,
}

impl Manifest {
    /// The digest of one file.
    pub fn digest(&self, name: &str) -> Option<&Digest> {
        self.files.iter().find(|entry| entry.name == name).map(|entry| &entry.sha256)
    }

    /// Bytes of all files, the manifest aside.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.bytes).sum()
    }
}

/// Writes `folder` with these files. One of that name that verifies with the same digests is left as
/// it is; a torn one is replaced.
pub fn write_folder(
    folder: &Path,
    format: &str,
    contents: &[(&str, Vec<u8>)],
) -> Result<Manifest, ManifestError> {
    let files = contents.iter().map(|(name, bytes)| Entry {
        name: (*name).to_owned(),
        bytes: bytes.len() as u64,
        sha256: Digest::of(bytes),
    });
    let manifest = Manifest { format: format.to_owned(), files: files.collect() };
    if verify(folder).is_ok_and(|found| found == manifest) {
        return Ok(manifest);
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.with_file_name(format!(".{name}.partial"));
    let written = write_beside(&temporary, folder, contents, &manifest);
    if written.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    written.map(|()| manifest)
}

fn write_beside(
    temporary: &Path,
    folder: &Path,
    contents: &[(&str, Vec<u8>)],
    manifest: &Manifest,
) -> Result<(), ManifestError> {
    if temporary.exists() {
        fs::remove_dir_all(temporary).map_err(FileError::at("removing", temporary))?;
    }
    fs::create_dir_all(temporary).map_err(FileError::at("creating", temporary))?;
    for (name, bytes) in contents {
        super::write_synced(&temporary.join(name), bytes)?;
    }
    fault::here(fault::BEFORE_MANIFEST);
    let path = temporary.join("manifest.json");
    let json = serde_json::to_vec_pretty(manifest)
        .map_err(|cause| ManifestError::Json { cause, path: path.clone() })?;
    super::write_synced(&path, &json)?;
    super::sync_parent(&path)?;
    fault::here(fault::BEFORE_RENAME);
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(FileError::at("removing", folder))?;
    }
    fs::rename(temporary, folder).map_err(FileError::at("renaming", folder))?;
    fault::here(fault::AFTER_RENAME);
    Ok(super::sync_parent(folder)?)
}

/// Checks every file of a folder against its manifest.
pub fn verify(folder: &Path) -> Result<Manifest, ManifestError> {
    let path = folder.join("manifest.json");
    let bytes = fs::read(&path).map_err(FileError::at("reading", &path))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|cause| ManifestError::Json { cause, path })?;
    for entry in &manifest.files {
        let mut parts = Path::new(&entry.name).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            return Err(ManifestError::Outside { name: entry.name.clone() });
        }
        let file = folder.join(&entry.name);
        let bytes = fs::metadata(&file).map_err(FileError::at("reading", &file))?.len();
        let differs = |found: String| ManifestError::Differs {
            name: entry.name.clone(),
            expected: format!("{} bytes, sha256 {}", entry.bytes, entry.sha256.short()),
            found,
        };
        // The length first: what is no plain file may never end.
        if bytes != entry.bytes || !file.is_file() {
            return Err(differs(format!("{bytes} bytes")));
        }
        let sha256 = super::digest(&file)?;
        if sha256 != entry.sha256 {
            return Err(differs(format!("{bytes} bytes, sha256 {}", sha256.short())));
        }
    }
    Ok(manifest)
}

/// The folder of a step within its stage's folder.
pub fn step_folder(stage: &Path, step: usize) -> PathBuf {
    stage.join(format!("step-{step:06}"))
}

/// The steps below a stage's folder that have a checkpoint's name, valid or not, lowest first.
pub fn steps(stage: &Path) -> Vec<usize> {
    let entries = fs::read_dir(stage).into_iter().flatten();
    let mut steps: Vec<usize> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("step-")?.parse().ok())
        .collect();
    steps.sort_unstable();
    steps
}

/// The highest step below a stage's folder whose manifest verifies.
pub fn newest_valid(stage: &Path) -> Option<(usize, PathBuf)> {
    let mut folders = steps(stage).into_iter().rev().map(|step| (step, step_folder(stage, step)));
    folders.find(|(_, folder)| verify(folder).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, text: &str) -> Manifest {
        let contents = [("a.bin", text.as_bytes().to_vec()), ("b.json", b"{}".to_vec())];
        write_folder(folder, "test/1", &contents).unwrap()
    }

    #[test]
    fn a_folder_verifies_after_it_was_written_and_replaces_a_torn_one() {
        let root = tempfile::tempdir().unwrap();
        let folder = step_folder(root.path(), 40);
        let manifest = write(&folder, "content");
        assert_eq!(verify(&folder).unwrap(), manifest);
        assert_eq!(newest_valid(root.path()), Some((40, folder.clone())));
        fs::write(folder.join("a.bin"), "torn").unwrap();
        let error = verify(&folder).unwrap_err().to_string();
        assert!(error.contains("a.bin is torn"), "{error}");
        assert_eq!(write(&folder, "content"), manifest);
        assert!(verify(&folder).is_ok());
    }

    #[test]
    fn a_manifest_names_files_of_its_folder_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = step_folder(root.path(), 1);
        write(&folder, "content");
        let whole = fs::read_to_string(folder.join("manifest.json")).unwrap();
        for name in ["/dev/zero", "../../x", "a/b", "..", ""] {
            fs::write(folder.join("manifest.json"), whole.replace("a.bin", name)).unwrap();
            let error = verify(&folder).unwrap_err();
            assert!(matches!(error, ManifestError::Outside { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn a_torn_folder_is_passed_over_for_an_earlier_one() {
        let root = tempfile::tempdir().unwrap();
        write(&step_folder(root.path(), 1), "one");
        write(&step_folder(root.path(), 2), "two");
        fs::remove_file(step_folder(root.path(), 2).join("b.json")).unwrap();
        assert_eq!(newest_valid(root.path()).unwrap().0, 1);
        fs::write(step_folder(root.path(), 1).join("manifest.json"), "{").unwrap();
        assert_eq!(newest_valid(root.path()), None);
    }
}
