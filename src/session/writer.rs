//! The one writer of a log.
//!
//! A line is one `write(2)` on an appending descriptor, so a reader sees it whole or torn at its
//! end, never mixed. The lock on the file is held until the writer is dropped or its process
//! dies: it is how others know that the run lives.

use super::error::{LogError, io_error, json_error};
use super::event::{Event, LogEvent};
use super::header::Header;
use super::record::Record;
use super::time::Time;
use crate::files::fault;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a new writer waits for a lock: whoever asks whether a log is held takes the lock
/// itself for an instant.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// Appends records to a log it alone writes.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    path: PathBuf,
    /// The lock on the run's first log, which a later segment holds as well.
    _first: Option<File>,
    next_seq: u64,
    /// Bytes of whole lines in the file.
    end: u64,
    /// Part of a line stands after `end` and could not be taken back.
    torn: bool,
    locked: bool,
}

/// Takes a log's lock, waiting a moment. False where the file system has no locks.
pub(super) fn lock(file: &File, path: &Path) -> Result<bool, LogError> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => return Err(LogError::Held { path: path.to_owned() }),
            Err(TryLockError::Error(_)) => return Ok(false),
        }
    }
}

impl LogWriter {
    /// Begins a new log: creates the file, locks it, writes the header. Never opens an older log.
    /// `next_seq` is the first record's number: 1, or one more than the last segment's last.
    pub fn create(path: &Path, header: &Header, next_seq: u64) -> Result<Self, LogError> {
        Self::create_with(path, header, next_seq, None)
    }

    /// As [`LogWriter::create`], for a later segment: `first` is the locked log of the run's
    /// first segment, held as long as this one.
    pub(super) fn create_with(
        path: &Path,
        header: &Header,
        next_seq: u64,
        first: Option<File>,
    ) -> Result<Self, LogError> {
        let file = match OpenOptions::new().append(true).create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(LogError::Exists { path: path.to_owned() });
            }
            opened => opened.map_err(io_error("create the log", path))?,
        };
        let locked = lock(&file, path)?;
        let path = path.to_owned();
        let mut writer = Self { file, path, _first: first, next_seq, end: 0, torn: false, locked };
        let mut line = serde_json::to_vec(header)
            .map_err(json_error("write the log's header", &writer.path))?;
        line.push(b'\n');
        if let Err(error) = writer.write_line(&line) {
            // A log without a header is nobody's, and its name would be taken for good.
            let _ = std::fs::remove_file(&writer.path);
            return Err(error);
        }
        Ok(writer)
    }

    /// Appends an event with the next number and this moment, and returns its number. A
    /// checkpoint and the end of the run are synced to disk. After an error the number is free
    /// again and the log still ends with a whole line.
    pub fn append(&mut self, event: impl Into<Event>) -> Result<u64, LogError> {
        self.append_at(Time::now(), event)
    }

    /// As [`LogWriter::append`], at a given moment.
    pub fn append_at(&mut self, time: Time, event: impl Into<Event>) -> Result<u64, LogError> {
        self.append_as(time, event.into())
    }

    /// As [`LogWriter::append_at`], for a log of any kind. Some kinds of events are synced to disk.
    pub fn append_as<E: LogEvent>(&mut self, time: Time, event: E) -> Result<u64, LogError> {
        let record = Record::of(self.next_seq, time, event);
        let line = record.encode().map_err(json_error("write a record", &self.path))?;
        self.write_line(&line)?;
        self.next_seq += 1;
        if record.event.is_durable() {
            self.sync()?;
        }
        Ok(record.seq)
    }

    /// Makes everything written so far durable.
    pub fn sync(&self) -> Result<(), LogError> {
        self.file.sync_data().map_err(io_error("sync the log", &self.path))
    }

    /// The number the next record will have.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The log's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file system gave a lock; without one, readers judge by the age of the last
    /// record, and the runner should say so.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    fn write_line(&mut self, line: &[u8]) -> Result<(), LogError> {
        if self.torn {
            // Ends the torn line, which readers then skip and count.
            write_once(&mut self.file, b"\n").map_err(io_error("append to the log", &self.path))?;
            self.end = self.file.metadata().map_or(self.end, |file| file.len());
            self.torn = false;
        }
        if fault::is_due(fault::LOG_LINE) {
            let _ = write_once(&mut self.file, &line[..line.len() / 2]);
            fault::die();
        }
        let short = match write_once(&mut self.file, line) {
            Ok(written) if written == line.len() => {
                self.end += line.len() as u64;
                fault::here(fault::LOG_WRITTEN);
                return Ok(());
            }
            Ok(written) => written,
            Err(error) => return Err(io_error("append to the log", &self.path)(error)),
        };
        // Only a full disk or a limit cuts a write to a file. Taking the piece back leaves a log
        // that ends with a whole line.
        self.torn = short > 0 && self.file.set_len(self.end).is_err();
        Err(LogError::DiskFull {
            path: self.path.clone(),
            source: io::Error::new(
                io::ErrorKind::StorageFull,
                format!("wrote {short} of {} bytes", line.len()),
            ),
        })
    }
}

fn write_once(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Heartbeat;
    use super::*;
    use std::fs;

    fn header() -> Header {
        Header::of_run("s".parse().unwrap(), "tiny-1".parse().unwrap(), 1)
    }

    #[test]
    fn a_full_disk_is_said_and_the_number_is_free_again() {
        // Linux has a file that is always full.
        let path = Path::new("/dev/full");
        let Ok(file) = OpenOptions::new().append(true).open(path) else { return };
        let path = path.to_owned();
        let (end, torn, locked) = (0, false, false);
        let mut log = LogWriter { file, path, _first: None, next_seq: 7, end, torn, locked };
        let error = log.append(Heartbeat {}).unwrap_err();
        assert!(matches!(error, LogError::DiskFull { .. }), "{error}");
        assert_eq!(log.next_seq(), 7);
    }

    #[test]
    fn after_a_torn_line_that_stays_the_next_one_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny-1.1.jsonl");
        let mut log = LogWriter::create(&path, &header(), 1).unwrap();
        log.append(Heartbeat {}).unwrap();
        log.file.write_all(b"{\"seq\":2").unwrap();
        log.torn = true;
        log.append(Heartbeat {}).unwrap();
        assert_eq!(log.end, fs::metadata(&path).unwrap().len());
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[2]), (4, "{\"seq\":2"));
        assert!(lines[3].starts_with("{\"seq\":2,\"time\":"));
    }

    #[test]
    fn a_reader_that_asks_for_the_lock_does_not_turn_a_writer_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny-1.1.jsonl");
        let reader = File::create(&path).unwrap();
        reader.lock_shared().unwrap();
        let asks = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            drop(reader);
        });
        let file = OpenOptions::new().append(true).open(&path).unwrap();
        assert!(lock(&file, &path).unwrap());
        asks.join().unwrap();
    }
}
