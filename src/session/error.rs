//! What can go wrong around a log and its session.

use crate::files::FileError;
use crate::ids::BadName;
use std::io;
use std::path::{Path, PathBuf};

/// A log, a session folder or a result could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused something.
    #[error("could not {act} ({})", .path.display())]
    Io {
        /// What was tried, as a verb with its object.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No room for one more line. The log still ends with its last whole line.
    #[error("disk full: expected room for one more line of the log, found none; free some space and `resume` the run ({})", .path.display())]
    DiskFull {
        /// The log.
        path: PathBuf,
        /// The system's word for it.
        source: io::Error,
    },
    /// The folder is closed to this user.
    #[error("read-only: expected a folder that this user may write to, found one that is closed ({}); open it, or name another with --sessions", .path.display())]
    Closed {
        /// The folder or file.
        path: PathBuf,
        /// The system's word for it.
        source: io::Error,
    },
    /// Another process writes here.
    #[error("another runner holds this run: expected its log to be free, found it locked; watch it, or stop it first ({})", .path.display())]
    Held {
        /// The log that is held.
        path: PathBuf,
    },
    /// A log of that name is there; a log is never written over.
    #[error("log exists: expected a new file, found an older one; another runner may have started the same segment ({})", .path.display())]
    Exists {
        /// The log that is there.
        path: PathBuf,
    },
    /// The first line is not a log's header.
    #[error("not a log: expected a first line {{\"format\":\"llm2clip.log/1\",..}}, found {found:?} ({})", .path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
        /// The beginning of its first line.
        found: String,
    },
    /// Written in a version of a format that this program does not know.
    #[error("format {found:?} is not known: expected {expected:?}; a newer llm2clip wrote it ({})", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What this program reads.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// Logs only grow.
    #[error("log shrank: expected at least {expected} bytes, found {found}; it was replaced while being read, open it again ({})", .path.display())]
    Shrank {
        /// The log.
        path: PathBuf,
        /// Bytes already read.
        expected: u64,
        /// Bytes there now.
        found: u64,
    },
    /// There is no such run, or none with its first record.
    #[error("not a run: expected a log whose first record is run_started, found none for {run:?} ({})", .path.display())]
    NotARun {
        /// The run's name.
        run: String,
        /// Its session's folder.
        path: PathBuf,
    },
    /// A value that JSON cannot hold, or JSON that is not the value.
    #[error("could not {act} ({})", .path.display())]
    Json {
        /// What was tried.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A tensor file of a result that could not be written or read.
    #[error("could not {act} ({})", .path.display())]
    Tensors {
        /// What was tried.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: safetensors::SafeTensorError,
    },
    /// A file that holds something else than its format says.
    #[error("{what}: expected {expected}, found {found} ({})", .path.display())]
    Malformed {
        /// Which part of the file.
        what: &'static str,
        /// What its format says.
        expected: String,
        /// What stands there.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// A name that would leave its folder.
    #[error(transparent)]
    Name(#[from] BadName),
}

/// Turns an I/O error into a [`LogError`] that says what was tried and where.
pub(crate) fn io_error(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            LogError::DiskFull { path: path.to_owned(), source }
        }
        io::ErrorKind::ReadOnlyFilesystem => LogError::Closed { path: path.to_owned(), source },
        io::ErrorKind::PermissionDenied
            if ["create", "append", "make", "write", "put"]
                .iter()
                .any(|verb| act.starts_with(verb)) =>
        {
            LogError::Closed { path: path.to_owned(), source }
        }
        _ => LogError::Io { act, path: path.to_owned(), source },
    }
}

/// Turns a failed write of a whole file into a [`LogError`] that says what was tried and where.
pub(crate) fn file_error(act: &'static str, path: &Path) -> impl FnOnce(FileError) -> LogError {
    let fail = io_error(act, path);
    move |error| fail(error.into_cause())
}

/// Turns a JSON error into a [`LogError`] that says what was tried and where.
pub(crate) fn json_error(
    act: &'static str,
    path: &Path,
) -> impl FnOnce(serde_json::Error) -> LogError {
    move |source| LogError::Json { act, path: path.to_owned(), source }
}
