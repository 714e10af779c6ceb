//! Files that are there whole or not at all: written under another name, fsynced, renamed, and the
//! folder fsynced. Checkpoints, results and exports go through here. [`manifest`] does the same for
//! whole folders and proves them by their digests.

pub mod fault;
pub mod manifest;

use sha2::Digest as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A file operation that failed: which one, where, and the system's reason.
#[derive(Debug, thiserror::Error)]
#[error("{act} failed: {cause} ({})", path.display())]
pub struct FileError {
    act: &'static str,
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl FileError {
    /// Names the act and the place of an I/O error.
    pub fn at(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self { act, path: path.to_owned(), cause }
    }

    /// The system's reason.
    pub fn cause(&self) -> &io::Error {
        &self.cause
    }
}

/// Writes a file atomically: a reader sees the old content or the new, never a part.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = temporary_name(path);
    let written = write_synced(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path).map_err(FileError::at("renaming", path)));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_parent(path)
}

/// Writes a new file and fsyncs it.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = File::create(path).map_err(FileError::at("creating", path))?;
    if fault::is_due(fault::FILE) {
        let _ = file.write_all(&bytes[..bytes.len() / 2]);
        fault::die();
    }
    file.write_all(bytes).map_err(FileError::at("writing", path))?;
    file.sync_all().map_err(FileError::at("syncing", path))
}

/// Fsyncs the folder a path stands in, so that a rename into it outlives a power cut.
pub fn sync_parent(path: &Path) -> Result<(), FileError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(FileError::at("syncing", parent))
}

/// The sha256 of a file, read in pieces.
pub fn digest(path: &Path) -> Result<crate::ids::Digest, FileError> {
    let mut file = File::open(path).map_err(FileError::at("opening", path))?;
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0u8; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(FileError::at("reading", path))? {
            0 => return Ok(crate::ids::Digest::from_raw(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// A name beside `path` that no finished file has.
pub fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.partial", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(digest(&path).unwrap(), crate::ids::Digest::of(b"new"));
    }

    #[test]
    fn an_error_names_the_act_and_the_place() {
        let error = write_atomic(Path::new("no-such-folder/a"), b"").unwrap_err().to_string();
        assert!(
            error.starts_with("creating failed") && error.contains("no-such-folder"),
            "{error}"
        );
    }
}
