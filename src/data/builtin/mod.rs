//! The data inside the binary: the emoji set.
//!
//! Pictures of two vendors, names and tags in seven languages, splits by base concept. What it is,
//! how it is built and under which licences: `docs/data.md` and `THIRD_PARTY_NOTICES.md`.

mod pictures;
mod split;

pub use pictures::{Pixels, asset_bytes as picture_bytes, count, picture};
pub use split::{
    HELD_OUT, SPLIT_SEED, TEST, TEST_CONCEPTS, TRAIN, VALIDATION, VALIDATION_CONCEPTS,
};

use super::bad::BadRows;
use super::corpus::{Caption, Corpus, Item, Picture};
use super::format::Format;
use crate::ids::Digest;
use serde::Deserialize;
use std::sync::{Arc, OnceLock};

/// Who drew the pictures, in the order of an item's pictures.
pub const VENDORS: [&str; 2] = ["google", "twitter"];
/// Height and width of every picture.
pub const PICTURE_SIDE: usize = 64;
/// Languages of the captions, in the order in which an item has them.
pub const LANGUAGES: [&str; 7] = ["en", "ko", "de", "fr", "es", "ja", "zh"];

const ITEMS_NAME: &str = "items.jsonl.gz";
const ITEMS: &[u8] = include_bytes!("assets/items.jsonl.gz");

/// What can be wrong with the data in the binary, or with a question to it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BuiltinError {
    /// A decoder refused the asset.
    #[error(
        "built-in asset {asset}: expected what scripts/build_emoji.py wrote, found damage; build the program again"
    )]
    Unreadable {
        /// Its file name.
        asset: &'static str,
        /// What the decoder said.
        #[source]
        cause: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The asset decodes, but to something else.
    #[error(
        "built-in asset {asset}: expected {expected}, found something else; build the program again"
    )]
    Malformed {
        /// Its file name.
        asset: &'static str,
        /// What should have been there.
        expected: &'static str,
    },
    /// The question names no picture of the set.
    #[error(
        "built-in picture: expected a vendor below 2 and an item of the set, found vendor {vendor}, item {index}"
    )]
    NoSuchPicture {
        /// The vendor that was asked for.
        vendor: u8,
        /// The item that was asked for.
        index: u32,
    },
}

/// A line of the items' asset.
#[derive(Deserialize)]
struct Line {
    id: String,
    concept: String,
    base: bool,
    emoji: String,
    group: String,
    captions: Vec<(String, String)>,
    names: Vec<usize>,
}

/// The emoji set: item `i` has picture `i` of each of [`VENDORS`], captions 0 and 1 are the English
/// name and tags, the label is Unicode's group, `extra` holds the `emoji` itself and in `names` the
/// numbers of the captions that are names (the others are tags). Read once, at first use.
///
/// # Errors
/// Where the asset in the binary is damaged.
pub fn emoji() -> Result<&'static Corpus, BuiltinError> {
    static READ: OnceLock<Result<Corpus, BuiltinError>> = OnceLock::new();
    READ.get_or_init(read).as_ref().map_err(Clone::clone)
}

/// The digest of which item is in which split: ids and splits, in order, nothing else.
///
/// # Errors
/// As [`emoji`].
pub fn split_digest() -> Result<Digest, BuiltinError> {
    use std::fmt::Write as _;
    let text = emoji()?.items.iter().fold(String::new(), |mut text, item| {
        let _ = writeln!(text, "{} {}", item.id, item.split.as_deref().unwrap_or_default());
        text
    });
    Ok(Digest::of(text.as_bytes()))
}

/// Bytes of all assets of the set in the binary.
pub fn asset_bytes() -> usize {
    ITEMS.len() + picture_bytes()
}

fn read() -> Result<Corpus, BuiltinError> {
    let bytes = pictures::gunzip(ITEMS_NAME, ITEMS)?;
    let unreadable = |cause| BuiltinError::Unreadable { asset: ITEMS_NAME, cause: Arc::new(cause) };
    let lines = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice)
        .collect::<Result<Vec<Line>, _>>()
        .map_err(unreadable)?;
    let splits = split::assign(lines.iter().map(|line| line.concept.as_str()));
    let in_split: Vec<&'static str> =
        lines.iter().map(|line| split::of_form(splits[line.concept.as_str()], line.base)).collect();
    let items = lines.into_iter().zip(in_split).enumerate().map(|(at, (line, split))| Item {
        pictures: (0..VENDORS.len())
            .map(|vendor| Picture::Builtin { vendor: vendor as u8, index: at as u32 })
            .collect(),
        captions: line
            .captions
            .into_iter()
            .map(|(language, text)| Caption { text, language: Some(language) })
            .collect(),
        split: Some(split.to_owned()),
        label: Some(line.group),
        base: line.base,
        extra: [("emoji".to_owned(), line.emoji.into()), ("names".to_owned(), line.names.into())]
            .into_iter()
            .collect(),
        id: line.id,
        concept: line.concept,
    });
    let corpus = Corpus::new("emoji", items.collect());
    Ok(corpus.read_from(Format::Emoji.name(), BadRows::default()))
}
