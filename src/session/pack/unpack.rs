//! A packed session back into a folder. The file may come from anyone: nothing in it is believed
//! before it was checked, and the session appears whole or not at all.

use super::{MANIFEST, PACK_FORMAT, PackError, Role, role_of};
use crate::files::manifest::Manifest;
use crate::files::{publish_folder, sync_folder, temporary_name};
use crate::ids::{Digest, SessionId};
use crate::session::error::io_error;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path};

/// A manifest larger than this is refused. Bytes.
const LARGEST_MANIFEST: u64 = 16 << 20;

/// A file larger than this is refused. Bytes.
const LARGEST_FILE: u64 = 16 << 30;

/// Memory set aside for the manifest before its bytes have come. Bytes.
const AHEAD: u64 = 1 << 20;

/// What of a file is in memory at once. Bytes.
const PIECE: usize = 1 << 18;

/// What was unpacked: the document `llm2clip.unpacked/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// `llm2clip.unpacked/1`.
    pub format: String,
    /// The session.
    pub session: SessionId,
    /// Files written.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Unpacks a session below `sessions`, which must exist.
pub fn unpack(packed: &Path, sessions: &Path) -> Result<Unpacked, PackError> {
    let file = File::open(packed).map_err(io_error("open the packed session", packed))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let damaged = |source: io::Error| PackError::Damaged { path: packed.to_owned(), source };
    let mut reader = Reader { packed, session: None, folder: None };
    let done = (|| {
        let mut entries = archive.entries().map_err(damaged)?;
        let first = entries.next().ok_or_else(|| reader.refused("it", "files", "none"))?;
        let manifest = reader.manifest(first.map_err(damaged)?, sessions)?;
        let mut awaited = BTreeMap::new();
        for entry in &manifest.files {
            let odd = role_of(&entry.name) == Role::No || entry.bytes > LARGEST_FILE;
            if odd || awaited.insert(entry.name.clone(), entry.clone()).is_some() {
                return Err(reader.refused("its manifest", "files of a session", &entry.name));
            }
        }
        if !awaited.contains_key("session.json") {
            return Err(reader.refused("its manifest", "session.json", "none"));
        }
        for entry in entries {
            let mut entry = entry.map_err(damaged)?;
            let name = reader.name_of(&entry)?;
            let Some(promised) = awaited.remove(&name) else {
                return Err(reader.refused("a file", "one of its manifest", &name));
            };
            if entry.size() != promised.bytes {
                let (expected, found) = (promised.bytes.to_string(), entry.size().to_string());
                return Err(reader.refused(&format!("size of {name}"), &expected, &found));
            }
            let digest = reader.write(&name, &mut entry, promised.bytes)?;
            if digest != promised.sha256 {
                let what = format!("sha256 of {name}");
                return Err(reader.refused(&what, promised.sha256.as_str(), digest.as_str()));
            }
        }
        if let Some(name) = awaited.keys().next() {
            return Err(reader.refused("its end", name, "nothing"));
        }
        reader.publish(sessions, &manifest)
    })();
    if done.is_err()
        && let Some(folder) = &reader.folder
    {
        // The first error is the one worth telling.
        let _ = fs::remove_dir_all(folder);
    }
    done
}

struct Reader<'a> {
    packed: &'a Path,
    session: Option<SessionId>,
    /// Where files go until all are there.
    folder: Option<std::path::PathBuf>,
}

/// Reads so many bytes, and takes no more memory than have come.
fn read(entry: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(bytes.min(AHEAD) as usize);
    entry.take(bytes).read_to_end(&mut content)?;
    if content.len() as u64 != bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(content)
}

impl Reader<'_> {
    fn refused(&self, what: &str, expected: &str, found: &str) -> PackError {
        PackError::Refused {
            what: what.to_owned(),
            expected: expected.to_owned(),
            found: found.escape_debug().to_string(),
            path: self.packed.to_owned(),
        }
    }

    /// The manifest, which is the first file, and with it the session's name.
    fn manifest<R: Read>(
        &mut self,
        mut entry: tar::Entry<'_, R>,
        sessions: &Path,
    ) -> Result<Manifest, PackError> {
        let name = self.name_of(&entry)?;
        if name != MANIFEST || entry.size() > LARGEST_MANIFEST {
            return Err(self.refused("its first file", MANIFEST, &name));
        }
        let size = entry.size();
        let text = read(&mut entry, size)
            .map_err(|source| PackError::Damaged { path: self.packed.to_owned(), source })?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| self.refused("its manifest", "a manifest", &error.to_string()))?;
        if manifest.format != PACK_FORMAT {
            return Err(self.refused("its format", PACK_FORMAT, &manifest.format));
        }
        let Some(session) = self.session.clone() else {
            return Err(self.refused("its first file", "a session's name", "none"));
        };
        let to = sessions.join(session.as_str());
        if fs::symlink_metadata(&to).is_ok() {
            return Err(PackError::Exists { session });
        }
        let folder = temporary_name(&to);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(io_error("clear a folder", &folder))?;
        }
        fs::create_dir(&folder).map_err(io_error("make the session's folder", &folder))?;
        self.folder = Some(folder);
        Ok(manifest)
    }

    /// A file's name within its session: a plain file, below the one session, that does not climb.
    fn name_of<R: Read>(&mut self, entry: &tar::Entry<'_, R>) -> Result<String, PackError> {
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            let kind = format!("{shown} ({:?})", entry.header().entry_type());
            return Err(self.refused("a file", "plain files alone", &kind));
        }
        let climbs =
            Path::new(&shown).components().any(|part| !matches!(part, Component::Normal(_)));
        let Some((session, name)) = shown.split_once('/').filter(|_| !climbs) else {
            return Err(self.refused("a file's name", "<session>/<file>", &shown));
        };
        let session: SessionId = session.parse()?;
        match &self.session {
            None => self.session = Some(session),
            Some(known) if *known == session => {}
            Some(known) => {
                let known = known.to_string();
                return Err(self.refused("a file's session", &known, session.as_str()));
            }
        }
        Ok(name.to_owned())
    }

    /// Writes so many bytes as a file of the session, piece by piece: it may be larger than the memory.
    /// Tells their digest.
    fn write(
        &self,
        name: &str,
        entry: &mut impl Read,
        mut bytes: u64,
    ) -> Result<Digest, PackError> {
        let Some(folder) = &self.folder else {
            return Err(self.refused("it", "a session", "none"));
        };
        let damaged = |source| PackError::Damaged { path: self.packed.to_owned(), source };
        let path = folder.join(name);
        let act = "write a file of the session";
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io_error(act, parent))?;
        }
        let mut file = File::create(&path).map_err(io_error(act, &path))?;
        let mut hash = sha2::Sha256::new();
        let mut piece = vec![0; PIECE];
        while bytes > 0 {
            let most = bytes.min(PIECE as u64) as usize;
            let count = match entry.read(&mut piece[..most]) {
                Ok(0) => return Err(damaged(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(damaged(error)),
            };
            hash.update(&piece[..count]);
            file.write_all(&piece[..count]).map_err(io_error(act, &path))?;
            bytes -= count as u64;
        }
        file.sync_all().map_err(io_error(act, &path))?;
        Ok(Digest::from_raw(&hash.finalize()))
    }

    fn publish(&self, sessions: &Path, manifest: &Manifest) -> Result<Unpacked, PackError> {
        let (Some(session), Some(folder)) = (&self.session, &self.folder) else {
            return Err(self.refused("it", "a session", "none"));
        };
        for inner in ["results", "thumbnails"].map(|name| folder.join(name)) {
            if inner.is_dir() {
                sync_folder(&inner)?;
            }
        }
        publish_folder(folder, &sessions.join(session.as_str()))?;
        Ok(Unpacked {
            format: "llm2clip.unpacked/1".to_owned(),
            session: session.clone(),
            files: manifest.files.len(),
            bytes: manifest.bytes(),
        })
    }
}
