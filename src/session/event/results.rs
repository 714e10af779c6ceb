//! Events beside training: tables, results, commands, warnings.

use crate::ids::Digest;
use crate::session::finite::Finite;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something long that is not training moved on: encoding, evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progressed {
    /// What, in words that stay the same until it is done.
    pub what: String,
    /// Items done.
    pub done: u64,
    /// Items in all.
    pub total: u64,
}

/// An embedding table is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableMade {
    /// The table's digest: its name on disk.
    pub digest: Digest,
    /// Card of the encoder that made it.
    pub card: Value,
    /// Rows.
    pub rows: u64,
    /// Numbers in a row.
    pub dim: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Seconds it took; near zero where it was there already.
    pub seconds: Finite,
    /// Its file, relative to the checkpoints folder.
    pub path: String,
    /// Whether it was there already.
    pub reused: bool,
}

/// A comparison was written to `results/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The result's id: `results/<id>.json`.
    pub id: String,
    /// `caption` or `image`.
    pub task: String,
}

/// An inspection was written to `results/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// The result's id: `results/<id>.json`.
    pub id: String,
}

/// Results were exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The folder, as the user named it, else relative to the session.
    pub dir: String,
}

/// A command from the mailbox was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandApplied {
    /// The command's id: the name of its file.
    pub id: String,
    /// Its kind, such as `pause`.
    pub command: String,
}

/// A command from the mailbox was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRefused {
    /// The command's id: the name of its file.
    pub id: String,
    /// Its kind, as far as it could be read.
    pub command: String,
    /// Why not.
    pub why: String,
}

/// Something the user should know; the run goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warned {
    /// What, in a sentence.
    pub what: String,
}
