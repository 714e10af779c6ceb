//! What can be wrong with data, each with the file and line where there is one.

use super::bad::{BadRows, Policy};
use std::path::{Path, PathBuf};

/// An error of another library whose type says nothing more.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// What was wrong with the data or with what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A published set whose file is not where it was looked for.
    #[error(
        "{name} ({about}) is not in {}: expected {files} there; name the folder that has it with \
         --data",
        folder.display()
    )]
    NoNamedSet {
        /// The protocol.
        name: &'static str,
        /// What it is.
        about: &'static str,
        /// The file names it goes by.
        files: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file that calls itself a published set and has not its size.
    #[error(
        "{name} has {expected} test items, found {found}: figures would not stand beside others'; \
         give the file as --dataset to measure it under its own name"
    )]
    NotTheNamedSet {
        /// The protocol.
        name: &'static str,
        /// Items that it has.
        expected: usize,
        /// Items that the file has.
        found: usize,
    },
    /// One line of a text file does not hold what it should.
    #[error("{}:{line}: expected {expected}, found {found}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// Too many rows of a set are bad.
    #[error(
        "data {spec:?}: {} of {} rows are bad, more than the {allowed} allowed; mend them, or allow \
         more:{rows}",
        rows.count,
        rows.rows
    )]
    TooManyBad {
        /// What was opened.
        spec: String,
        /// The share that may be bad, as people write it.
        allowed: String,
        /// The rows.
        rows: Box<BadRows>,
    },
    /// A document is not JSON, or not the JSON that its format has.
    #[error("cannot read {} as a JSON document", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Where in it, and why.
        #[source]
        source: serde_json::Error,
    },
    /// A table cannot be read on.
    #[error("cannot read {} as a table", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Where in it, and why.
        #[source]
        source: csv::Error,
    },
    /// A file as a whole is not what its reader needs.
    #[error("cannot read {}: expected {expected}, found {found}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What would do.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An archive is torn, lies, or holds what it must not.
    #[error("{}, {member}: expected {expected}, found {found}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Which member.
        member: String,
        /// What would do.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A picture could not be decoded.
    #[error("cannot decode the picture {}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: super::picture::PictureError,
    },
    /// A picture in memory could not be decoded.
    #[error("cannot decode a picture of {bytes} bytes")]
    DecodeBytes {
        /// Its length.
        bytes: usize,
        /// Why.
        #[source]
        source: super::picture::PictureError,
    },
    /// A picture has not the size that what follows needs.
    #[error("picture size: expected {expected}, found {width}x{height} pixels")]
    PictureSize {
        /// What would do.
        expected: String,
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
    },
    /// The tokenizer's file could not be understood.
    #[error("cannot read the tokenizer: expected the text of a tokenizer.json")]
    TokenizerFile(#[source] Source),
    /// The tokenizer failed on a text.
    #[error("the tokenizer failed on a text of {bytes} bytes")]
    Tokenize {
        /// The text's length.
        bytes: usize,
        /// Why.
        #[source]
        source: Source,
    },
    /// Training a tokenizer failed.
    #[error("cannot train the tokenizer")]
    TokenizerTraining(#[source] Source),
    /// The tokenizer has no such token.
    #[error("the tokenizer has no token {token:?}, which {needed_for} needs; name one that it has")]
    NoSuchToken {
        /// The token.
        token: String,
        /// Who asked.
        needed_for: &'static str,
    },
    /// No token of a text is left to pool an embedding from.
    #[error(
        "row {row}: {tokens} tokens, none of them to pool; give a text that is not empty, a larger \
         max_tokens or a shorter instruction"
    )]
    NothingToPool {
        /// The row among the texts given.
        row: usize,
        /// Its tokens, instruction and BOS included.
        tokens: usize,
    },
    /// A number is out of its range.
    #[error("{what}: expected {expected}, found {found}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What would do.
        expected: String,
        /// What was given.
        found: usize,
    },
    /// An item lacks what an objective asks of every item.
    #[error("item {id:?}: expected {expected}, found {found}; leave it out or add what is missing")]
    ItemLacks {
        /// The item.
        id: String,
        /// What is needed.
        expected: &'static str,
        /// How many there are.
        found: usize,
    },
    /// Nothing of that name can be opened as a data set.
    #[error(
        "no data set {spec:?}: expected \"emoji\", a file of JSON lines, Karpathy's or COCO's JSON, \
         CSV, TSV or text, tar shards or a folder of pictures, found {found}; a format's name before \
         the path (jsonl, karpathy, coco, csv, tsv, folder, webdataset, text, wordnet), as in \
         coco:captions.json, forces it"
    )]
    NoSuchSet {
        /// What was asked for.
        spec: String,
        /// What is there.
        found: &'static str,
    },
    /// The data inside the binary could not be read.
    #[error("cannot read the data in the binary")]
    Builtin(#[from] super::builtin::BuiltinError),
}

impl DataError {
    /// More bad rows than `policy` allows.
    pub(crate) fn too_many(spec: &str, policy: Policy, rows: BadRows) -> Self {
        let allowed = format!("{} %", (policy.max_bad * 1e4).round() / 1e2);
        Self::TooManyBad { spec: spec.to_owned(), allowed, rows: Box::new(rows) }
    }

    /// Wraps an input/output error with the path it is about.
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }
}

/// What the functions of this module return.
pub type Result<T, E = DataError> = std::result::Result<T, E>;
