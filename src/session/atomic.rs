//! Files and folders that are either there whole or not there, also after a power cut.
//!
//! The order is always: write beside, fsync, rename, fsync the parent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes a rename or a new name in this folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder a path lies in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A hidden name beside `path`, of this process alone. Readers pass over names that begin with
/// a dot.
#[must_use]
pub fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    parent(path).join(name)
}

/// Writes a file through `fill`, replacing an older one of that name only when all of it is safe.
/// On an error nothing of it remains.
pub fn write_file(
    path: &Path,
    fill: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_beside(path);
    let written = (|| {
        let mut out = io::BufWriter::new(File::create(&temporary)?);
        fill(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_folder(parent(path))
}

/// Writes `bytes` as a file, as [`write_file`] does.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_file(path, |out| out.write_all(bytes))
}

/// Makes a finished temporary folder the folder `to` with one rename. Its files must be synced by
/// whoever wrote them; an existing, non-empty `to` is an error and stays.
pub fn publish_folder(temporary: &Path, to: &Path) -> io::Result<()> {
    sync_folder(temporary)?;
    fs::rename(temporary, to)?;
    sync_folder(parent(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_older_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_bytes(&path, b"old").unwrap();
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
            let temporary = temporary_beside(&root.path().join(name));
            fs::create_dir(&temporary).unwrap();
            write_bytes(&temporary.join("params.safetensors"), name.as_bytes()).unwrap();
            assert_eq!(publish_folder(&temporary, &to).is_ok(), name == "one");
        }
        assert_eq!(fs::read(to.join("params.safetensors")).unwrap(), b"one");
    }
}
