//! The fold of a long run as far as it was read, kept beside its logs, so that opening them again
//! reads only what came since.
//!
//! It can be thrown away at any time: what is missing, damaged, of another program or does not fit
//! the logs is passed over, and the logs are read from their beginning. Logs are only ever appended
//! to, so a digest of pieces of what was read tells whether they are still the same.

use super::error::{LogError, io_error};
use super::fold::RunState;
use super::header::GIT_REVISION;
use super::tail::Oddities;
use crate::files::write_atomic;
use crate::ids::{Digest, RunName};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Format of an index.
pub const INDEX_FORMAT: &str = "llm2clip.index/1";

/// Which fold an index holds. To be raised whenever the same records give another
/// [`RunState`] than before.
pub const FOLD: u32 = 2;

/// Bytes of logs read since the last index, from which on another one is worth its writing.
pub const WORTH: u64 = 4 << 20;

/// Pieces of a log that are looked at, and bytes of each.
const PIECES: u64 = 16;
const PIECE: u64 = 4096;

static SILENT: AtomicBool = AtomicBool::new(false);

/// From here on this process writes no index.
pub fn write_none() {
    SILENT.store(true, Ordering::Relaxed);
}

/// How far one segment's log was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ReadSegment {
    /// The segment.
    pub segment: u32,
    /// Bytes of whole lines that were read.
    pub bytes: u64,
    /// Those lines, the header among them.
    pub lines: u64,
    /// What was odd in them.
    pub oddities: Oddities,
    /// Digest of pieces of what was read.
    pub marks: Digest,
}

/// An index that fits its logs.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    /// By segment, oldest first.
    pub segments: Vec<ReadSegment>,
    /// What those lines say.
    pub state: RunState,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    fold: u32,
    program: String,
    sha256: Digest,
}

fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), GIT_REVISION.unwrap_or("-"))
}

/// `.index/<run>.json` of a session's folder.
#[must_use]
pub fn index_path(folder: &Path, run: &RunName) -> PathBuf {
    folder.join(".index").join(format!("{run}.json"))
}

/// A digest of pieces of the first `bytes` of a log: both its ends, and some between.
///
/// # Errors
/// A log that cannot be read, or is shorter.
pub fn marks_of(log: &Path, bytes: u64) -> Result<Digest, LogError> {
    let fail = || io_error("read the log", log);
    let file = File::open(log).map_err(fail())?;
    let mut read = Vec::new();
    let last = bytes.saturating_sub(PIECE);
    for piece in 0..=PIECES {
        let from = last / PIECES * piece;
        let from = if piece == PIECES { last } else { from };
        let mut buffer = vec![0; (bytes - from).min(PIECE) as usize];
        file.read_exact_at(&mut buffer, from).map_err(fail())?;
        read.extend(buffer);
    }
    Ok(Digest::of(&read))
}

/// The index of a run whose logs, by segment, are these; nothing where there is none that fits.
pub(super) fn load(
    folder: &Path,
    run: &RunName,
    logs: &std::collections::BTreeMap<u32, PathBuf>,
) -> Option<Index> {
    let bytes = fs::read(index_path(folder, run)).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = (&bytes[..end], &bytes[end + 1..]);
    let head: Head = serde_json::from_slice(head).ok()?;
    let known = head.format == INDEX_FORMAT && head.fold == FOLD && head.program == program();
    if !known || head.sha256 != Digest::of(body) {
        return None;
    }
    let index: Index = serde_json::from_slice(body).ok()?;
    let mut segments = logs.iter();
    let fits = index.segments.iter().all(|read| {
        segments.next().is_some_and(|(segment, log)| {
            *segment == read.segment
                && marks_of(log, read.bytes).is_ok_and(|marks| marks == read.marks)
        })
    });
    (fits && !index.segments.is_empty()).then_some(index)
}

/// A whole index file of this program: its second line, below the first one that fits it.
#[must_use]
pub fn headed(body: &[u8]) -> Option<Vec<u8>> {
    let head = Head {
        format: INDEX_FORMAT.to_owned(),
        fold: FOLD,
        program: program(),
        sha256: Digest::of(body),
    };
    let mut text = serde_json::to_vec(&head).ok()?;
    text.push(b'\n');
    text.extend(body);
    Some(text)
}

/// Keeps an index, replacing an older one. A folder that cannot be written to keeps none.
pub(super) fn keep(folder: &Path, run: &RunName, index: &Index) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    let Ok(mut body) = serde_json::to_vec(index) else { return };
    body.push(b'\n');
    let Some(text) = headed(&body) else { return };
    let path = index_path(folder, run);
    if let Some(parent) = path.parent()
        && (parent.is_dir() || fs::create_dir(parent).is_ok())
    {
        // It is made again the next time.
        let _ = write_atomic(&path, &text);
    }
}
