//! Reading a log that someone may still be writing.
//!
//! Wait: a last line without its newline, a file without its first line. Broken: a middle line
//! that is no record (skipped, counted, its place kept), a first line that is no header.

use super::error::{LogError, io_error};
use super::event::{Event, LogEvent};
use super::header::{Header, LOG_FORMAT};
use super::record::{BadRecord, Record};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How much one call may read, so that a frame is never starved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Lines.
    pub records: usize,
    /// Time.
    pub time: Duration,
}

impl Budget {
    /// While catching up with a log just opened: 1,000 records or 100 ms.
    pub const FIRST: Self = Self { records: 1000, time: Duration::from_millis(100) };
    /// While following a live run: 2,000 records or 50 ms.
    pub const LIVE: Self = Self { records: 2000, time: Duration::from_millis(50) };
    /// Everything there is.
    pub const ALL: Self = Self { records: usize::MAX, time: Duration::MAX };
}

/// A line that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Which line of the file, from 1; the header is line 1.
    pub line: u64,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// What is wrong with it.
    pub why: String,
}

/// What a reader met that was not plain records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oddities {
    /// Lines that were skipped.
    pub bad_lines: u64,
    /// The first [`BAD_LINES_KEPT`] of them.
    pub bad: Vec<BadLine>,
    /// Records of a kind this version does not know.
    pub unknown_kinds: u64,
    /// Keys this version does not know, in known kinds.
    pub unknown_keys: u64,
}

impl Oddities {
    /// Counts another reader's in.
    pub fn add(&mut self, other: &Self) {
        self.bad_lines += other.bad_lines;
        self.unknown_kinds += other.unknown_kinds;
        self.unknown_keys += other.unknown_keys;
        self.bad.extend(other.bad.iter().cloned());
        self.bad.truncate(BAD_LINES_KEPT);
    }
}

/// How many skipped lines are kept with their place; all are counted.
pub const BAD_LINES_KEPT: usize = 100;

/// A line longer than this is skipped, so that a damaged file cannot fill the memory. Bytes.
pub const LONGEST_LINE: usize = 16 << 20;

/// Bytes asked of the file at a time.
const CHUNK: usize = 256 << 10;

/// Whether there may be more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The budget was used up.
    Budget,
    /// The last whole line.
    End,
}

/// Parses one line of a log of a version.
type Parser<E> = fn(&[u8]) -> Result<Record<E>, BadRecord>;

/// An incremental reader of one log. `E` is what its kind of log says.
#[derive(Debug)]
pub struct LogTail<E = Event> {
    path: PathBuf,
    file: File,
    /// Where the first line not yet read begins. Nothing beyond it is remembered: the writer may
    /// take a torn line back.
    offset: u64,
    lines: u64,
    header: Option<(Header, Parser<E>)>,
    /// Inside a line longer than [`LONGEST_LINE`]: where it began.
    skipping: Option<u64>,
    /// Where to stop; none at the log's end.
    until: Option<u64>,
    oddities: Oddities,
}

impl LogTail {
    /// Opens a runner's log to be read from its beginning.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        Self::open_as(path)
    }
}

impl<E: LogEvent> LogTail<E> {
    /// Opens a log to be read from its beginning.
    pub fn open_as(path: &Path) -> Result<Self, LogError> {
        let file = File::open(path).map_err(io_error("open the log", path))?;
        let path = path.to_owned();
        let oddities = Oddities::default();
        let (offset, lines) = (0, 0);
        let (header, skipping, until) = (None, None, None);
        Ok(Self { path, file, offset, lines, header, skipping, until, oddities })
    }

    /// Opens a log whose first `bytes`, of `lines` lines with these oddities, were read before.
    pub(super) fn open_at(
        path: &Path,
        bytes: u64,
        lines: u64,
        oddities: Oddities,
    ) -> Result<Self, LogError> {
        let mut tail = Self::open_as(path)?;
        // The header chooses the parser.
        tail.poll(Budget { records: 1, ..Budget::ALL }, |_| {})?;
        (tail.offset, tail.lines, tail.oddities) = (bytes, lines, oddities);
        Ok(tail)
    }

    /// Opens a log at the first whole line at or after byte `from`, to be read to byte `to`, where a
    /// line ends, or to its end. Lines are counted from there.
    pub(super) fn open_within(path: &Path, from: u64, to: Option<u64>) -> Result<Self, LogError> {
        let mut tail = Self::open_at(path, from, 1, Oddities::default())?;
        tail.until = to;
        if from > 0 {
            // What begins before is half a line, or the end of a line and nothing.
            tail.offset = from - 1;
            let mut window = vec![0; LONGEST_LINE.min(CHUNK)];
            let got = tail
                .file
                .read_at(&mut window, tail.offset)
                .map_err(io_error("read the log", path))?;
            let end = window[..got].iter().position(|byte| *byte == b'\n');
            // A longer line is skipped and counted.
            tail.offset = end.map_or(from, |end| from + end as u64);
        }
        Ok(tail)
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Lines read so far, the header among them.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether it stands within a line that is too long.
    pub(super) fn is_skipping(&self) -> bool {
        self.skipping.is_some()
    }

    /// The log's first line; nothing while it is not there whole.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref().map(|(header, _)| header)
    }

    /// The log's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Skipped lines and unknown things so far.
    #[must_use]
    pub fn oddities(&self) -> &Oddities {
        &self.oddities
    }

    /// Bytes read so far, and bytes in the file: for showing how far catching up has come.
    pub fn progress(&self) -> Result<(u64, u64), LogError> {
        let total = self.file.metadata().map_err(io_error("look at the log", &self.path))?.len();
        Ok((self.offset, total))
    }

    /// Hands new records to `take`, as many as the budget allows. Errors are about the whole
    /// file; the same call made again gives the same error.
    pub fn poll(
        &mut self,
        budget: Budget,
        mut take: impl FnMut(Record<E>),
    ) -> Result<Reached, LogError> {
        let began = Instant::now();
        let mut lines = 0;
        // Bytes of the file from `offset` on.
        let mut window = Vec::new();
        loop {
            let had = window.len();
            window.resize(had + CHUNK, 0);
            let got = self
                .file
                .read_at(&mut window[had..], self.offset + had as u64)
                .map_err(io_error("read the log", &self.path))?;
            window.truncate(had + got);
            if self.until.is_some_and(|until| self.offset >= until) {
                return Ok(Reached::End);
            }
            if got == 0 {
                self.check_length()?;
                return Ok(Reached::End);
            }
            let mut used = 0;
            while let Some(length) = window[used..].iter().position(|byte| *byte == b'\n') {
                self.line(&window[used..used + length], &mut take)?;
                used += length + 1;
                self.offset += length as u64 + 1;
                lines += 1;
                if self.until.is_some_and(|until| self.offset >= until) {
                    return Ok(Reached::End);
                }
                if lines >= budget.records || began.elapsed() >= budget.time {
                    return Ok(Reached::Budget);
                }
            }
            window.drain(..used);
            if window.len() > LONGEST_LINE {
                self.skipping.get_or_insert(self.offset);
                self.offset += window.len() as u64;
                window.clear();
            }
        }
    }

    fn check_length(&self) -> Result<(), LogError> {
        let (expected, found) = self.progress()?;
        if found < expected {
            return Err(LogError::Shrank { path: self.path.clone(), expected, found });
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], take: &mut impl FnMut(Record<E>)) -> Result<(), LogError> {
        let Some((_, parser)) = &self.header else {
            self.header = Some(read_header(&self.path, line)?);
            self.lines = 1;
            return Ok(());
        };
        let parser = *parser;
        self.lines += 1;
        if let Some(began) = self.skipping.take() {
            let bytes = self.offset + line.len() as u64 - began;
            self.bad(began, bytes, format!("longer than {LONGEST_LINE} bytes"));
            return Ok(());
        }
        match parser(line) {
            Ok(record) => {
                self.oddities.unknown_kinds += u64::from(record.event.is_unknown());
                self.oddities.unknown_keys += record.unknown_keys();
                take(record);
            }
            Err(error) => {
                let cause = std::error::Error::source(&error);
                let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
                self.bad(self.offset, line.len() as u64, why);
            }
        }
        Ok(())
    }

    fn bad(&mut self, offset: u64, bytes: u64, why: String) {
        self.oddities.bad_lines += 1;
        if self.oddities.bad.len() < BAD_LINES_KEPT {
            self.oddities.bad.push(BadLine { line: self.lines, offset, bytes, why });
        }
    }
}

/// The version comes first and chooses the parser, so that a wrong line of a known version is
/// told apart from a version that is not known.
fn read_header<E: LogEvent>(path: &Path, line: &[u8]) -> Result<(Header, Parser<E>), LogError> {
    #[derive(Deserialize)]
    struct Format {
        format: String,
    }
    let not_a_log = || LogError::NotALog {
        path: path.to_owned(),
        found: String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned(),
    };
    let Format { format } = serde_json::from_slice(line).map_err(|_| not_a_log())?;
    match format.as_str() {
        LOG_FORMAT => {
            let header = serde_json::from_slice(line).map_err(|_| not_a_log())?;
            Ok((header, Record::<E>::read))
        }
        other if other.starts_with("llm2clip.log/") => Err(LogError::Version {
            path: path.to_owned(),
            expected: LOG_FORMAT,
            found: other.to_owned(),
        }),
        _ => Err(not_a_log()),
    }
}
