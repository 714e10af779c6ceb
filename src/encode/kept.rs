//! Rows of a long encoding kept batch by batch, so that one that was interrupted goes on where it
//! was: batching is a pure function of the texts, so the batches that are there come first.

use crate::files::FileError;
use crate::ids::Digest;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of the digest behind every batch.
const DIGEST: usize = 64;

/// Batches that were made before, and those that are being made. Each is its numbers in their order,
/// little-endian f32, and their sha256: what is torn or lies ends what is taken back.
#[derive(Debug)]
pub struct KeptRows {
    file: Option<(File, PathBuf)>,
    /// Bytes of batches taken back or written.
    offset: u64,
}

impl KeptRows {
    /// Keeps nothing.
    pub fn nowhere() -> Self {
        Self { file: None, offset: 0 }
    }

    /// Keeps batches in a file, which is made where it is missing. One that another process is
    /// writing is left to it.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(FileError::at("opening", path))?;
        let file = file.try_lock().is_ok().then(|| (file, path.to_owned()));
        Ok(Self { file, offset: 0 })
    }

    /// The next batch, of so many numbers, where it was made before.
    pub(super) fn next(&mut self, numbers: usize) -> Option<Vec<f32>> {
        let (file, _) = self.file.as_ref()?;
        let mut bytes = vec![0; numbers * 4 + DIGEST];
        let whole = file.read_exact_at(&mut bytes, self.offset).is_ok();
        let (values, digest) = bytes.split_at(numbers * 4);
        if !whole || Digest::of(values).as_str().as_bytes() != digest {
            // Nothing behind it counts: from here on batches are made.
            if file.set_len(self.offset).is_err() {
                self.file = None;
            }
            return None;
        }
        self.offset += bytes.len() as u64;
        let number = |bytes: &[u8]| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
        Some(values.chunks_exact(4).map(number).collect())
    }

    /// Keeps a batch that was just made. Where it cannot be written none is kept from here on.
    pub(super) fn keep(&mut self, values: &[f32]) {
        let Some((file, _)) = &self.file else { return };
        let mut bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let digest = Digest::of(&bytes);
        bytes.extend(digest.as_str().as_bytes());
        if file.write_all_at(&bytes, self.offset).is_ok() {
            self.offset += bytes.len() as u64;
        } else {
            let _ = file.set_len(self.offset);
            self.file = None;
        }
    }

    /// Removes the file: all rows are where they belong.
    pub fn done(self) {
        if let Some((_, path)) = self.file {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_taken_back_up_to_the_first_that_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".rows.partial");
        let batches = [vec![1.0, -0.0, f32::MIN_POSITIVE], vec![2.5; 5], vec![3.0]];
        let mut kept = KeptRows::open(&path).unwrap();
        assert_eq!(kept.next(3), None);
        for batch in &batches {
            kept.keep(batch);
        }
        // Whoever comes while it is written keeps nothing and harms nothing.
        let mut other = KeptRows::open(&path).unwrap();
        assert_eq!(other.next(3), None);
        other.keep(&[9.0]);
        other.done();
        drop(kept);
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut kept = KeptRows::open(&path).unwrap();
            let found: Vec<Vec<f32>> =
                batches.iter().map_while(|batch| kept.next(batch.len())).collect();
            assert_eq!(found, batches[..found.len()]);
            for batch in &batches[found.len()..] {
                kept.keep(batch);
            }
            drop(kept);
            assert_eq!(fs::read(&path).unwrap(), whole, "cut at {cut}");
        }
        let mut torn = whole.clone();
        torn[3 * 4 + DIGEST + 2] ^= 1;
        fs::write(&path, torn).unwrap();
        let mut kept = KeptRows::open(&path).unwrap();
        assert_eq!((kept.next(3), kept.next(5)), (Some(batches[0].clone()), None));
        kept.done();
        assert!(!path.exists());
    }
}
