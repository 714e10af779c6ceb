//! Lists of picture files that were once decoded to the end. Which pictures cannot be decoded is decided
//! before anything is encoded, and encoders decode for themselves, since the times they are given are of
//! reading too: so it is remembered that nothing was wrong, and unchanged files are not decoded for it again.
//!
//! A record is an empty file. Its name is a digest of where each file lies on its disk, how long it is and
//! when it was changed; it can be deleted at any time.

use super::corpus::{Item, Picture};
use crate::files;
use crate::ids::Digest;
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Raised when the decoder refuses what it took before.
const RULES: u32 = 1;

/// A file that was changed so shortly before may be changed again without its times telling. Seconds.
const TICK: i64 = 2;

/// Where lists are remembered.
#[derive(Clone, Debug)]
pub struct Decoded {
    folder: PathBuf,
    keeps: bool,
}

/// The picture files of some items, as they were when they were looked at.
#[derive(Clone, Debug)]
pub struct Files {
    digest: Digest,
    settled: bool,
}

impl Decoded {
    /// Records in this folder, made where its parent is there; new ones only where it `keeps` them.
    #[must_use]
    pub fn new(folder: PathBuf, keeps: bool) -> Self {
        Self { folder, keeps }
    }

    fn record(&self, files: &Files) -> PathBuf {
        self.folder.join(format!("{}.decoded", files.digest))
    }

    /// Whether all of these were decoded as they are now.
    #[must_use]
    pub fn knows(&self, files: &Files) -> bool {
        self.record(files).is_file()
    }

    /// Remembers that all of these were decoded. Where that cannot be written they are decoded again.
    pub fn remember(&self, files: &Files) {
        let there = self.folder.parent().is_some_and(Path::is_dir);
        if self.keeps && files.settled && there && fs::create_dir_all(&self.folder).is_ok() {
            let _ = files::write_atomic(&self.record(files), b"");
        }
    }
}

impl Files {
    /// The files of these items; none where there are none, or one cannot be looked at.
    #[must_use]
    pub fn of(items: &[&Item]) -> Option<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Self::at(items, i64::try_from(since.as_secs()).ok()?)
    }

    fn at(items: &[&Item], now: i64) -> Option<Self> {
        let mut hash = sha2::Sha256::new();
        hash.update(RULES.to_le_bytes());
        hash.update(env!("CARGO_PKG_VERSION"));
        let (mut count, mut newest) = (0, i64::MIN);
        let mut shards: BTreeMap<&Path, String> = BTreeMap::new();
        for picture in items.iter().flat_map(|item| &item.pictures) {
            let line = match picture {
                Picture::Builtin { .. } => continue,
                Picture::File(path) => stamp(path, &mut newest).ok()?,
                Picture::Member { shard, offset, bytes, .. } => {
                    let path = shard.as_path();
                    let known = match shards.get(path) {
                        Some(known) => known.clone(),
                        None => {
                            let own = stamp(path, &mut newest).ok()?;
                            shards.insert(path, own.clone());
                            own
                        }
                    };
                    format!("{known}@{offset}+{bytes}")
                }
            };
            hash.update(line);
            hash.update([b'\n']);
            count += 1;
        }
        let digest = Digest::from_raw(&hash.finalize());
        (count > 0).then(|| Self { digest, settled: newest.saturating_add(TICK) < now })
    }
}

/// What changes with a file's content.
fn stamp(path: &Path, newest: &mut i64) -> io::Result<String> {
    let file = fs::metadata(path)?;
    *newest = (*newest).max(file.ctime()).max(file.mtime());
    Ok(format!(
        "{}:{}:{}:{}.{}:{}.{}",
        file.dev(),
        file.ino(),
        file.len(),
        file.mtime(),
        file.mtime_nsec(),
        file.ctime(),
        file.ctime_nsec()
    ))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::pictures::tests::files;
    use super::*;
    use std::sync::Arc;

    /// These items' files, long after they were last changed.
    pub(in super::super) fn settled(items: &[Item]) -> Files {
        Files::at(&items.iter().collect::<Vec<_>>(), i64::MAX).unwrap()
    }

    #[test]
    fn a_list_is_known_until_one_of_its_files_changes() {
        let (folder, corpus) = files();
        let home = tempfile::tempdir().unwrap();
        let records = Decoded::new(home.path().join("tables"), true);
        let before = settled(&corpus.items);
        assert!(!records.knows(&before));
        records.remember(&before);
        assert!(records.knows(&before) && records.knows(&settled(&corpus.items)));
        assert!(!records.knows(&settled(&corpus.items[..1])), "another list");
        std::fs::write(folder.path().join("c.png"), "another length").unwrap();
        assert!(!records.knows(&settled(&corpus.items)));
        std::fs::remove_file(folder.path().join("c.png")).unwrap();
        assert!(Files::of(&corpus.items.iter().collect::<Vec<_>>()).is_none());
    }

    #[test]
    fn what_has_just_been_changed_and_what_must_not_be_written_is_not_remembered() {
        let (_folder, corpus) = files();
        let home = tempfile::tempdir().unwrap();
        let fresh = Files::of(&corpus.items.iter().collect::<Vec<_>>()).unwrap();
        Decoded::new(home.path().join("tables"), true).remember(&fresh);
        let before = settled(&corpus.items);
        Decoded::new(home.path().join("tables"), false).remember(&before);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        // Nor is a folder of checkpoints made for it.
        Decoded::new(home.path().join("checkpoints/tables"), true).remember(&before);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn members_are_told_apart_by_their_place_and_what_is_built_in_needs_no_record() {
        let home = tempfile::tempdir().unwrap();
        let shard = home.path().join("a.tar");
        fs::write(&shard, "bytes").unwrap();
        let (_folder, mut corpus) = files();
        let shard = Arc::new(shard);
        let mut member = |offset| {
            let shard = Arc::clone(&shard);
            let picture = Picture::Member { shard, name: "x.png".into(), offset, bytes: 1 };
            corpus.items[1].pictures = vec![picture];
            settled(&corpus.items[1..]).digest
        };
        assert_ne!(member(0), member(1));
        corpus.items[1].pictures = vec![Picture::Builtin { vendor: 0, index: 0 }];
        assert!(Files::of(&[&corpus.items[1]]).is_none());
    }
}
