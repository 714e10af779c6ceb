//! Small pictures beside the log, named by their content: what replay needs to show where the data
//! set is not.
//!
//! `thumbnails/<sha256>.png` or `.jpg`, and for every result what its ids stand for,
//! `thumbnails/<result id>.json`: pictures by their names, captions as they are. Equal pictures are
//! stored once.

use super::error::{LogError, file_error, io_error, json_error};
use super::results::ResultId;
use crate::files::write_atomic;
use crate::ids::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Format of a map.
pub const THUMBNAILS_FORMAT: &str = "llm2clip.thumbnails/1";

/// A picture larger than this is refused: make it smaller. Bytes.
pub const LARGEST_THUMBNAIL: usize = 256 << 10;

/// What the ids of a result's queries and items stand for, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemsShown {
    /// Pictures by id.
    pub pictures: BTreeMap<String, Digest>,
    /// Captions by id. From a file: to be shown escaped.
    pub captions: BTreeMap<String, String>,
}

impl ItemsShown {
    /// The caption of an id; for a picture's, `item@n`, the first caption of its item that is kept.
    #[must_use]
    pub fn caption(&self, id: &str) -> Option<&str> {
        if let Some(own) = self.captions.get(id) {
            return Some(own);
        }
        let (item, _) = id.rsplit_once('@')?;
        let first = format!("{item}#");
        let (other, text) = self.captions.range(first.clone()..).next()?;
        other.starts_with(&first).then_some(text)
    }
}

/// A map's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ThumbnailMap {
    format: String,
    items: BTreeMap<String, Digest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    captions: Vec<CaptionShown>,
}

/// A caption by its id: a list of these can be packed without its texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CaptionShown {
    id: String,
    text: String,
}

/// The thumbnails of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnails {
    folder: PathBuf,
}

/// The ending of a picture's name, by its first bytes.
fn ending(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("jpg")
    } else {
        None
    }
}

impl Thumbnails {
    /// The thumbnails of the session in a folder; there may be none yet.
    #[must_use]
    pub fn of(session: &Path) -> Self {
        Self { folder: session.join("thumbnails") }
    }

    /// Stores a PNG or JPEG of at most [`LARGEST_THUMBNAIL`] bytes, where it is not there already,
    /// and returns its name.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, LogError> {
        let act = "store a thumbnail";
        let malformed = |expected: &str, found: String| LogError::Malformed {
            what: "thumbnail",
            expected: expected.to_owned(),
            found,
            path: self.folder.clone(),
        };
        if bytes.len() > LARGEST_THUMBNAIL {
            let expected = format!("at most {LARGEST_THUMBNAIL} bytes");
            return Err(malformed(&expected, bytes.len().to_string()));
        }
        let Some(ending) = ending(bytes) else {
            let first = bytes.get(..8).unwrap_or(bytes).escape_ascii().to_string();
            return Err(malformed("a PNG or a JPEG", first));
        };
        let digest = Digest::of(bytes);
        let path = self.folder.join(format!("{digest}.{ending}"));
        if !path.exists() {
            fs::create_dir_all(&self.folder).map_err(io_error(act, &self.folder))?;
            write_atomic(&path, bytes).map_err(file_error(act, &path))?;
        }
        Ok(digest)
    }

    /// A picture by its name; nothing where it was left out, or is not what its name says.
    pub fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LogError> {
        for ending in ["png", "jpg"] {
            let path = self.folder.join(format!("{digest}.{ending}"));
            match fs::read(&path) {
                Ok(bytes) => return Ok(Some(bytes).filter(|bytes| Digest::of(bytes) == *digest)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_error("read a thumbnail", &path)(error)),
            }
        }
        Ok(None)
    }

    /// Writes what the ids of a result stand for.
    pub fn write_map(&self, result: &ResultId, shown: &ItemsShown) -> Result<(), LogError> {
        let act = "write the thumbnails of a result";
        let path = self.map_path(result);
        fs::create_dir_all(&self.folder).map_err(io_error(act, &self.folder))?;
        let caption =
            |(id, text): (&String, &String)| CaptionShown { id: id.clone(), text: text.clone() };
        let map = ThumbnailMap {
            format: THUMBNAILS_FORMAT.to_owned(),
            items: shown.pictures.clone(),
            captions: shown.captions.iter().map(caption).collect(),
        };
        let mut text = serde_json::to_vec(&map).map_err(json_error(act, &path))?;
        text.push(b'\n');
        write_atomic(&path, &text).map_err(file_error(act, &path))
    }

    /// What the ids of a result stand for; empty where nothing was kept.
    pub fn read_map(&self, result: &ResultId) -> Result<ItemsShown, LogError> {
        let act = "read the thumbnails of a result";
        let path = self.map_path(result);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(ItemsShown::default());
            }
            read => read.map_err(io_error(act, &path))?,
        };
        let map: ThumbnailMap = serde_json::from_slice(&text).map_err(json_error(act, &path))?;
        if map.format != THUMBNAILS_FORMAT {
            let (expected, found) = (THUMBNAILS_FORMAT, map.format);
            return Err(LogError::Version { path, expected, found });
        }
        let captions = map.captions.into_iter().map(|caption| (caption.id, caption.text)).collect();
        Ok(ItemsShown { pictures: map.items, captions })
    }

    fn map_path(&self, result: &ResultId) -> PathBuf {
        self.folder.join(format!("{result}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_stored_once_and_only_as_what_it_is() {
        let session = tempfile::tempdir().unwrap();
        let thumbnails = Thumbnails::of(session.path());
        let png = b"\x89PNG\r\n\x1a\n and so on".to_vec();
        let digest = thumbnails.put(&png).unwrap();
        assert_eq!(thumbnails.put(&png).unwrap(), digest);
        assert_eq!(fs::read_dir(session.path().join("thumbnails")).unwrap().count(), 1);
        assert_eq!(thumbnails.get(&digest).unwrap(), Some(png.clone()));
        assert_eq!(thumbnails.get(&Digest::of(b"other")).unwrap(), None);
        assert!(thumbnails.put(b"GIF89a").is_err());
        assert!(thumbnails.put(&[png, vec![0; LARGEST_THUMBNAIL]].concat()).is_err());
        let path = session.path().join(format!("thumbnails/{digest}.png"));
        fs::write(path, "torn").unwrap();
        assert_eq!(thumbnails.get(&digest).unwrap(), None);
        let id: ResultId = "inspect-1".parse().unwrap();
        assert_eq!(thumbnails.read_map(&id).unwrap(), ItemsShown::default());
        let map = ItemsShown {
            pictures: BTreeMap::from([("1f600@0".to_owned(), digest)]),
            captions: BTreeMap::from([("1f600#0".to_owned(), "grinning face".to_owned())]),
        };
        assert_eq!(map.caption("1f600@0"), Some("grinning face"));
        assert_eq!((map.caption("1f601@0"), map.caption("1f60@0")), (None, None));
        thumbnails.write_map(&id, &map).unwrap();
        assert_eq!(thumbnails.read_map(&id).unwrap(), map);
    }
}
