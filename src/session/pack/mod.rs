//! A session as one file: the same session gives the same bytes, wherever and whenever.
//!
//! A gzipped tar of what a session is made of, in name order, without times or owners. Its first
//! file, `pack.json`, is a manifest: name, length and sha256 of every other one. What can be made
//! again (`export/`, indexes) or is of the moment (`control/`) stays behind.

mod scrub;
mod unpack;

pub use unpack::{Unpacked, unpack};

use super::error::{LogError, io_error, json_error};
use super::folder::Session;
use super::names::parse_log_name;
use super::sitting::parse_sitting_name;
use crate::files::manifest::{Entry, Manifest};
use crate::files::write_file;
use crate::ids::{BadName, Digest, SessionId};
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Format of the manifest, and so of the file.
pub const PACK_FORMAT: &str = "llm2clip.pack/1";

/// Name of the manifest within the file.
pub(super) const MANIFEST: &str = "pack.json";

/// A session that could not be packed, or a file that is not a session's.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Reading the session, or writing.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Writing the packed file.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// The file is not what this program packs, or was damaged.
    #[error("not a packed session: {what}: expected {expected}, found {found} ({})", .path.display())]
    Refused {
        /// Which part.
        what: String,
        /// What stands there in a packed session.
        expected: String,
        /// What stands there.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read to its end.
    #[error("could not read the packed session: it is cut short or damaged; copy it again ({})", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The session is there already.
    #[error(
        "{session} is there already: expected a session that is not; remove that one first, or unpack below another --sessions"
    )]
    Exists {
        /// Its name.
        session: SessionId,
    },
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] BadName),
}

/// What is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leave {
    /// Captions, queries and notes: each is replaced by its digest, in every document.
    pub texts: bool,
    /// `thumbnails/`.
    pub pictures: bool,
}

/// What was packed: the document `llm2clip.packed/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// `llm2clip.packed/1`.
    pub format: String,
    /// The session.
    pub session: SessionId,
    /// The file that was written.
    pub out: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its sha256.
    pub digest: Digest,
    /// Files in it, the manifest aside.
    pub files: usize,
    /// Files of the session that stayed behind, by name within it.
    pub left_out: Vec<String>,
}

/// Packs a session into one file, whole or not at all. A log that is being written is packed up to
/// its last whole line.
pub fn pack(session: &Session, out: &Path, leave: Leave) -> Result<Packed, PackError> {
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    for name in names_below(session.folder(), "")? {
        match role_of(&name) {
            Role::Text if leave.texts => left_out.push(name),
            Role::Picture if leave.pictures => left_out.push(name),
            Role::No => left_out.push(name),
            role => names.push((name, role)),
        }
    }
    let mut contents = Vec::new();
    for (name, role) in names {
        let path = session.folder().join(&name);
        let mut bytes = fs::read(&path).map_err(io_error("read a file of the session", &path))?;
        if role == Role::Log {
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            bytes.truncate(whole);
        }
        if leave.texts {
            bytes = match role {
                Role::Log => scrub::log(&bytes),
                Role::Document => scrub::document(&bytes)
                    .map_err(json_error("replace the texts of a document", &path))?,
                _ => bytes,
            };
        }
        contents.push((name, bytes));
    }
    let entries = contents.iter().map(|(name, bytes)| Entry {
        name: name.clone(),
        bytes: bytes.len() as u64,
        sha256: Digest::of(bytes),
    });
    let manifest = Manifest { format: PACK_FORMAT.to_owned(), files: entries.collect() };
    let json = serde_json::to_vec(&manifest).map_err(json_error("write the manifest", out))?;
    let files = contents.len();
    contents.insert(0, (MANIFEST.to_owned(), json));
    write_file(out, |file| {
        let zip = GzBuilder::new().mtime(0).operating_system(255).write(file, Compression::new(6));
        let mut tar = tar::Builder::new(zip);
        for (name, bytes) in &contents {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(tar::EntryType::Regular);
            tar.append_data(&mut header, format!("{}/{name}", session.id()), bytes.as_slice())?;
        }
        tar.into_inner()?.finish()?.flush()
    })?;
    let digest = crate::files::digest(out)?;
    let bytes = fs::metadata(out).map_err(io_error("look at the packed session", out))?.len();
    Ok(Packed {
        format: "llm2clip.packed/1".to_owned(),
        session: session.id().clone(),
        out: out.to_owned(),
        bytes,
        digest,
        files,
        left_out,
    })
}

/// What a file is to packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// JSON lines.
    Log,
    /// One JSON document.
    Document,
    /// Free text that may say anything.
    Text,
    /// A small picture.
    Picture,
    /// Numbers and ids.
    Table,
    /// Nothing of a session's own.
    No,
}

/// Goes by the name within the session. Only what the formats page names is packed.
fn role_of(name: &str) -> Role {
    let is_slug = |text: &str| text.parse::<crate::ids::RunName>().is_ok();
    match name.split_once('/') {
        None if name == "session.json" => Role::Document,
        None if name.ends_with(".console.log") && is_slug(name) => Role::Text,
        None if parse_sitting_name(name).is_some() => Role::Log,
        None => {
            let run = name.strip_suffix(".system.jsonl").map(|stem| format!("{stem}.jsonl"));
            let is_log = parse_log_name(run.as_deref().unwrap_or(name)).is_some();
            if is_log { Role::Log } else { Role::No }
        }
        Some(("results", file)) if is_slug(file) && file.ends_with(".json") => Role::Document,
        Some(("results", file)) if is_slug(file) && file.ends_with(".safetensors") => Role::Table,
        Some(("thumbnails", file)) if is_slug(file) && file.ends_with(".json") => Role::Document,
        Some(("thumbnails", file)) if is_slug(file) => Role::Picture,
        Some(_) => Role::No,
    }
}

/// Names of all regular files below a folder, `/` between parts, in byte order. What begins with a
/// dot is being written; links are nobody's.
fn names_below(folder: &Path, prefix: &str) -> Result<Vec<String>, LogError> {
    let act = "list the session's files";
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error(act, folder))? {
        let entry = entry.map_err(io_error(act, folder))?;
        let kind = entry.file_type().map_err(io_error(act, folder))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let full = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if kind.is_dir() {
            names.extend(names_below(&entry.path(), &full)?);
        } else if kind.is_file() {
            names.push(full);
        }
    }
    names.sort();
    Ok(names)
}
