//! Files as memory: embedding tables of any size are looked at without being read.
#![allow(unsafe_code)] // Mapping a file is unsafe: another process may change it underneath.

use crate::files::FileError;
use memmap2::Mmap;
use std::fs::File;
use std::path::Path;

/// Maps a file for reading.
pub fn map(path: &Path) -> Result<Mmap, FileError> {
    let file = File::open(path).map_err(FileError::at("opening", path))?;
    // SAFETY: tables are written under another name and renamed in, and nothing here writes to a
    // finished one, so the bytes do not change while they are mapped. A foreign process that
    // truncates the file can end this one, as with any mapped file; it cannot make it read
    // outside the mapping.
    unsafe { Mmap::map(&file) }.map_err(FileError::at("mapping", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_has_the_bytes_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"bytes").unwrap();
        assert_eq!(&map(&path).unwrap()[..], b"bytes");
        assert!(map(&folder.path().join("none")).is_err());
    }
}
