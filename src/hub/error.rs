//! What can go wrong with the hub.

use crate::files::FileError;
use std::path::PathBuf;

/// A repository could not be named, found or fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A text that names no repository.
    #[error(
        "{found:?} names no repository: expected owner/name, owner/name@revision or owner/name/FILE"
    )]
    Name {
        /// As asked for.
        found: String,
    },
    /// The repository is not on this machine.
    #[error("{name} is not on this machine (looked in {}); fetch it: llm2clip pull {name}", cache.display())]
    NotPulled {
        /// The repository with its revision.
        name: String,
        /// The cache.
        cache: PathBuf,
    },
    /// A repository without the file that was asked for.
    #[error("{name} has no file {file:?}; it has {has}")]
    NoFile {
        /// The repository.
        name: String,
        /// The file asked for.
        file: String,
        /// The files there are.
        has: String,
    },
    /// The hub could not be asked.
    #[error(
        "the hub at {endpoint} could not be asked for {what}; is there a network? what was pulled before works without one"
    )]
    Ask {
        /// Where the hub is.
        endpoint: String,
        /// What was asked for.
        what: String,
        /// What the client says.
        #[source]
        cause: Box<hf_hub::api::sync::ApiError>,
    },
    /// A fetched file is not what the hub says it is.
    #[error(
        "{file} arrived damaged: expected {expected}, found {found}; it was removed, pull again"
    )]
    Damaged {
        /// The file.
        file: String,
        /// The digest or length the hub names.
        expected: String,
        /// That of what arrived.
        found: String,
    },
    /// There is no room for it.
    #[error("{} has {free} bytes free and {needed} are needed; free some, or name another place in HF_HOME", folder.display())]
    NoRoom {
        /// Where it would go.
        folder: PathBuf,
        /// Bytes free there.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}
