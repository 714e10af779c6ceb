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

    /// The system's reason, for an error that names act and place in its own words.
    #[must_use]
    pub fn into_cause(self) -> io::Error {
        self.cause
    }
}

/// Writes a file atomically: a reader sees the old content or the new, never a part.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_file(path, |out| out.write_all(bytes))
}

/// Writes a file through `fill`, replacing an older one of that name only when all of it is safe.
/// On an error the older one stays and nothing else remains.
pub fn write_file(
    path: &Path,
    fill: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>,
) -> Result<(), FileError> {
    refuse_device(path)?;
    let temporary = temporary_name(path);
    let written = (|| {
        let file = File::create(&temporary).map_err(FileError::at("creating", path))?;
        let mut out = io::BufWriter::new(file);
        fill(&mut out).and_then(|()| out.flush()).map_err(FileError::at("writing", path))?;
        out.get_ref().sync_all().map_err(FileError::at("syncing", path))?;
        fs::rename(&temporary, path).map_err(FileError::at("renaming", path))
    })();
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_parent(path)
}

/// Refuses what a rename would take away from the whole machine, such as `/dev/null`, where one may.
fn refuse_device(path: &Path) -> Result<(), FileError> {
    let is_device = fs::metadata(path).is_ok_and(|data| !data.is_file() && !data.is_dir());
    let is_descriptor = fs::read_link(path).is_ok_and(|to| to.starts_with("/proc/self/fd"));
    if !is_device && !is_descriptor {
        return Ok(());
    }
    let cause = "expected a plain file's name, found a device, a pipe or a socket; name a file";
    Err(FileError::at("writing", path)(io::Error::other(cause)))
}

/// Makes a finished temporary folder the folder `to` with one rename. Its files must be synced by
/// whoever wrote them; an existing, non-empty `to` is an error and stays.
pub fn publish_folder(temporary: &Path, to: &Path) -> Result<(), FileError> {
    sync_folder(temporary)?;
    fs::rename(temporary, to).map_err(FileError::at("renaming", to))?;
    sync_parent(to)
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
    sync_folder(parent.unwrap_or(Path::new(".")))
}

/// Makes a rename or a new name in this folder durable.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(FileError::at("syncing", folder))
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

/// A hidden name beside `path`, of this process alone, that no finished file has. Readers pass over
/// names that begin with a dot.
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
    fn a_failed_write_leaves_the_older_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"old").unwrap();
        let failed = write_file(&path, |out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::Other.into())
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_published_once() {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("step-000400");
        for name in ["one", "two"] {
            let temporary = temporary_name(&root.path().join(name));
            fs::create_dir(&temporary).unwrap();
            write_atomic(&temporary.join("params.safetensors"), name.as_bytes()).unwrap();
            assert_eq!(publish_folder(&temporary, &to).is_ok(), name == "one");
        }
        assert_eq!(fs::read(to.join("params.safetensors")).unwrap(), b"one");
    }

    #[test]
    fn a_device_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (name, to) in [("null", "/dev/null"), ("out", "/proc/self/fd/1")] {
            let path = folder.path().join(name);
            std::os::unix::fs::symlink(to, &path).unwrap();
            let error = write_atomic(&path, b"bytes").unwrap_err().to_string();
            assert!(error.contains("expected a plain file") && error.contains(name), "{error}");
            assert_eq!(fs::read_link(&path).unwrap(), Path::new(to));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
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
