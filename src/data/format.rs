//! The formats a data set can have: their names, and which one a file's content shows.

use super::error::{DataError, Result};
use super::read::{braces, folder, json, table, tar};
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What a data set is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The set in the binary.
    Emoji,
    /// A folder of WordNet's `data.*` files.
    Wordnet,
    /// JSON lines, one item a line.
    JsonLines,
    /// Karpathy's split of COCO and Flickr: `dataset_coco.json`.
    Karpathy,
    /// COCO's captions: `images` and `annotations`.
    Coco,
    /// Values separated by commas, with a header.
    Csv,
    /// Values separated by tabs, with a header.
    Tsv,
    /// A folder of pictures, with or without texts beside them.
    Folder,
    /// webdataset's tar shards.
    Webdataset,
    /// Lines of text.
    Text,
}

impl Format {
    /// Those that can stand before a path, `coco:captions.json`.
    pub const ALL: [Self; 9] = [
        Self::JsonLines,
        Self::Karpathy,
        Self::Coco,
        Self::Csv,
        Self::Tsv,
        Self::Folder,
        Self::Webdataset,
        Self::Text,
        Self::Wordnet,
    ];

    /// The name in logs and before a path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Emoji => "emoji",
            Self::Wordnet => "wordnet",
            Self::JsonLines => "jsonl",
            Self::Karpathy => "karpathy",
            Self::Coco => "coco",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Folder => "folder",
            Self::Webdataset => "webdataset",
            Self::Text => "text",
        }
    }

    /// The format that a spec forces, and the path behind it; none where it forces none.
    pub fn forced(spec: &str) -> Option<(Self, &str)> {
        let (name, path) = spec.split_once(':')?;
        Self::ALL.into_iter().find(|format| format.name() == name).map(|format| (format, path))
    }
}

/// Bytes of a file's beginning that are looked at.
const BEGINNING: usize = 64 << 10;

/// What is said of what can be read once: its beginning is gone when it was looked at.
const PIPE: &str = "a pipe or a device; write it into a file first";

/// The format of what lies at `path`, by its content; a name's ending decides only where the
/// content fits several or none, as in an empty file.
///
/// # Errors
/// Nothing is there, it cannot be read, or it is nothing that can be a data set.
pub fn recognise(spec: &str, path: &Path) -> Result<Format> {
    let unfit = |found| Err(DataError::NoSuchSet { spec: spec.to_owned(), found });
    if path.is_dir() {
        return match folder::holds(path)? {
            folder::Holds::Pictures => Ok(Format::Folder),
            folder::Holds::Shards => Ok(Format::Webdataset),
            folder::Holds::Wordnet => Ok(Format::Wordnet),
            folder::Holds::Nothing => unfit("a folder without pictures or tar shards"),
        };
    }
    if !path.exists() {
        return if braces::is_list(path) { Ok(Format::Webdataset) } else { unfit("nothing") };
    }
    if !path.is_file() {
        return unfit(PIPE);
    }
    let file = std::fs::File::open(path).map_err(DataError::read(path))?;
    let mut reader = BufReader::with_capacity(BEGINNING, file);
    let start = reader.fill_buf().map_err(DataError::read(path))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return unfit(tar::PACKED);
    }
    if image::guess_format(start).is_ok() {
        return unfit("a single picture; name its folder");
    }
    if tar::is_header(start) {
        return Ok(Format::Webdataset);
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let named = match ending.as_deref() {
        Some("jsonl" | "ndjson") => Some(Format::JsonLines),
        Some("csv") => Some(Format::Csv),
        Some("tsv" | "tab") => Some(Format::Tsv),
        Some("txt") => Some(Format::Text),
        Some("tar") => Some(Format::Webdataset),
        _ => None,
    };
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => named.map_or_else(|| unfit("an empty file"), Ok),
        Some(b'{') => match json::recognise(path)? {
            Some(format) => Ok(format),
            None => Ok(named.unwrap_or(Format::Text)),
        },
        Some(b'[') if ending.as_deref() == Some("json") => {
            unfit("a JSON list; write its elements one a line")
        }
        Some(_) => {
            let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
            match (table::recognise(&line, named), named) {
                (Some(format), _) | (None, Some(format)) => Ok(format),
                (None, None) if looks_like_text(text) => Ok(Format::Text),
                (None, None) => unfit("bytes of another kind"),
            }
        }
    }
}

/// UTF-8, but for a character cut at the end, without NUL.
fn looks_like_text(bytes: &[u8]) -> bool {
    let whole = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    whole && !bytes.contains(&0)
}
