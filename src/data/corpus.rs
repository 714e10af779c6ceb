//! What every reader produces and everything later consumes: items with pictures and captions.
//!
//! A [`Corpus`] holds references to pictures, never pixels, so that a set of any size is cheap to
//! hold, to split and to look things up in.

use super::bad::BadRows;
use crate::ids::Digest;
use sha2::Digest as _;
use std::path::PathBuf;
use std::sync::Arc;

/// One text that describes an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// The text, verbatim.
    pub text: String,
    /// A BCP 47 tag (`en`, `ko`), where the source says.
    pub language: Option<String>,
}

/// Where a picture is; it is decoded elsewhere, to 8-bit RGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// A file of a format the decoder knows.
    File(PathBuf),
    /// A member of a tar archive, read where it lies.
    Member {
        /// The archive.
        shard: Arc<PathBuf>,
        /// Its path in the archive.
        name: String,
        /// Where its bytes begin.
        offset: u64,
        /// How many there are.
        bytes: u64,
    },
    /// A tile of the built-in set: `vendor` is 0 or 1 (see `builtin::VENDORS`), `index` counts
    /// that set's items.
    Builtin {
        /// Which vendor drew it.
        vendor: u8,
        /// The item's place in the built-in set.
        index: u32,
    },
}

impl Picture {
    /// What tells this picture from another wherever the set lies: a file's name and length (not
    /// its folder, and not its time), or the tile's place.
    pub fn identity(&self) -> String {
        match self {
            Self::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let length = std::fs::metadata(path)
                    .map_or_else(|_| "missing".to_owned(), |data| data.len().to_string());
                format!("file:{name}:{length}")
            }
            Self::Member { name, bytes, .. } => {
                let name = name.rsplit('/').next().unwrap_or_default();
                format!("file:{name}:{bytes}")
            }
            Self::Builtin { vendor, index } => format!("builtin:{vendor}:{index}"),
        }
    }

    /// Whether it is there to be read, as far as can be told without reading it.
    pub fn exists(&self) -> bool {
        match self {
            Self::File(path) => path.is_file(),
            Self::Member { shard, .. } => shard.is_file(),
            Self::Builtin { .. } => true,
        }
    }
}

/// One thing with its pictures and captions.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Unique within its corpus.
    pub id: String,
    /// The unit that repeats, over which intervals resample and splits are drawn: the base
    /// concept of an emoji, else the id.
    pub concept: String,
    /// In file order; the first is the one a plain image task shows.
    pub pictures: Vec<Picture>,
    /// In file order; caption `k` is named `item#k`.
    pub captions: Vec<Caption>,
    /// `train`, `validation`, `test` or any other name; none where the set has no splits, or
    /// where the item belongs to none.
    pub split: Option<String>,
    /// The class, for classification.
    pub label: Option<String>,
    /// A base form, not a variant (skin tone, gender, hair) of one. True where a set knows no
    /// variants.
    pub base: bool,
    /// Other keys of the source, kept as they were.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Item {
    /// The name of caption `k`: `item#k`, counted from 0.
    pub fn caption_id(&self, k: usize) -> String {
        format!("{}#{k}", self.id)
    }
}

/// An ordered set of items.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    /// The name a recipe or `--dataset` gives it.
    pub name: String,
    /// In file order.
    pub items: Vec<Item>,
    /// The sha256 of what results depend on: ids, concepts, captions with their languages,
    /// splits, labels and the identity of every picture, in order. Not `extra`, not folders.
    pub digest: Digest,
    /// The format it was read from (see [`Format`](super::format::Format)), several joined with
    /// `+`; `made` where it was read from none.
    pub format: String,
    /// The rows that were skipped.
    pub bad: BadRows,
}

impl Corpus {
    /// A corpus of these items in this order, with its digest.
    pub fn new(name: impl Into<String>, items: Vec<Item>) -> Self {
        let digest = digest_of(&items);
        let format = "made".to_owned();
        Self { name: name.into(), items, digest, format, bad: BadRows::default() }
    }

    /// The same, read from this format with these rows skipped.
    #[must_use]
    pub fn read_from(self, format: impl Into<String>, bad: BadRows) -> Self {
        Self { format: format.into(), bad, ..self }
    }

    /// Whether its pictures are read from a stream, whose neighbours should be read together.
    pub fn is_streamed(&self) -> bool {
        let first = self.items.iter().find_map(|item| item.pictures.first());
        matches!(first, Some(Picture::Member { .. }))
    }

    /// The items of one split, in order.
    pub fn in_split<'a>(&'a self, split: &'a str) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(move |item| item.split.as_deref() == Some(split))
    }

    /// The items of one split as a corpus of the same name with a digest of its own; empty where
    /// there is no such split.
    #[must_use]
    pub fn split(&self, split: &str) -> Self {
        Self::new(self.name.clone(), self.in_split(split).cloned().collect())
            .read_from(self.format.clone(), self.bad.clone())
    }

    /// The names of the splits there are, in order of first appearance.
    pub fn splits(&self) -> Vec<&str> {
        distinct(self.items.iter().filter_map(|item| item.split.as_deref()))
    }

    /// The languages of the captions, in order of first appearance.
    pub fn languages(&self) -> Vec<&str> {
        distinct(
            self.items
                .iter()
                .flat_map(|item| &item.captions)
                .filter_map(|caption| caption.language.as_deref()),
        )
    }

    /// The item of that id and its place.
    pub fn find(&self, id: &str) -> Option<(usize, &Item)> {
        self.items.iter().enumerate().find(|(_, item)| item.id == id)
    }

    /// Every caption in order, with its item's place and its number there.
    pub fn captions(&self) -> impl Iterator<Item = (usize, usize, &Caption)> {
        self.items.iter().enumerate().flat_map(|(at, item)| {
            item.captions.iter().enumerate().map(move |(k, caption)| (at, k, caption))
        })
    }
}

/// What two captions are compared by: trimmed and in lower case.
pub fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// Every field goes in behind its length and every list behind its count, so that no two corpora
/// spell the same bytes.
fn digest_of(items: &[Item]) -> Digest {
    let mut hash = sha2::Sha256::new();
    let count = |hash: &mut sha2::Sha256, n: usize| hash.update((n as u64).to_le_bytes());
    let text = |hash: &mut sha2::Sha256, text: Option<&str>| {
        count(hash, text.map_or(0, |text| text.len() + 1));
        hash.update(text.unwrap_or_default());
    };
    count(&mut hash, items.len());
    for item in items {
        for field in [Some(item.id.as_str()), Some(&item.concept)] {
            text(&mut hash, field);
        }
        text(&mut hash, item.split.as_deref());
        text(&mut hash, item.label.as_deref());
        hash.update([u8::from(item.base)]);
        count(&mut hash, item.pictures.len());
        for picture in &item.pictures {
            text(&mut hash, Some(&picture.identity()));
        }
        count(&mut hash, item.captions.len());
        for caption in &item.captions {
            text(&mut hash, Some(&caption.text));
            text(&mut hash, caption.language.as_deref());
        }
    }
    Digest::from_raw(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, split: Option<&str>, texts: &[(&str, Option<&str>)]) -> Item {
        Item {
            id: id.to_owned(),
            concept: id.to_owned(),
            pictures: vec![Picture::File(PathBuf::from(format!("/nowhere/{id}.png")))],
            captions: texts
                .iter()
                .map(|(text, language)| Caption {
                    text: (*text).to_owned(),
                    language: language.map(str::to_owned),
                })
                .collect(),
            split: split.map(str::to_owned),
            label: None,
            base: true,
            extra: serde_json::Map::new(),
        }
    }

    fn small() -> Vec<Item> {
        vec![
            item("a", Some("train"), &[("one", Some("en")), ("하나", Some("ko"))]),
            item("b", Some("test"), &[("two", Some("en")), ("zwei", Some("de"))]),
            item("c", None, &[("three", None)]),
        ]
    }

    #[test]
    fn splits_and_languages_come_in_order_of_first_appearance() {
        let corpus = Corpus::new("small", small());
        assert_eq!(corpus.splits(), ["train", "test"]);
        assert_eq!(corpus.languages(), ["en", "ko", "de"]);
        let test = corpus.split("test");
        assert_eq!((test.items.len(), test.items[0].id.as_str()), (1, "b"));
        assert_ne!(test.digest, corpus.digest);
        assert!(corpus.split("absent").items.is_empty());
    }

    #[test]
    fn a_caption_is_named_by_its_item_and_its_number() {
        let corpus = Corpus::new("small", small());
        let (at, found) = corpus.find("b").unwrap();
        assert_eq!((at, found.caption_id(1)), (1, "b#1".to_owned()));
        assert_eq!(corpus.captions().map(|(at, k, _)| (at, k)).last(), Some((2, 0)));
    }

    #[test]
    fn the_digest_hangs_on_what_results_hang_on_and_on_nothing_else() {
        let digest = Corpus::new("small", small()).digest;
        let changed = |change: &dyn Fn(&mut Item)| {
            let mut items = small();
            change(&mut items[0]);
            Corpus::new("other name", items).digest
        };
        assert_eq!(changed(&|_| ()), digest);
        assert_eq!(
            changed(&|item| item.pictures = vec![Picture::File("/elsewhere/a.png".into())]),
            digest
        );
        assert_eq!(changed(&|item| drop(item.extra.insert("k".into(), true.into()))), digest);
        for change in [
            &(|item: &mut Item| item.id.push('x')) as &dyn Fn(&mut Item),
            &|item| item.split = None,
            &|item| item.label = Some(String::new()),
            &|item| item.base = false,
            &|item| item.captions[0].text.push('x'),
            &|item| item.captions[0].language = None,
            &|item| item.pictures = vec![Picture::Builtin { vendor: 0, index: 0 }],
            &|item| item.captions.swap(0, 1),
        ] {
            assert_ne!(changed(change), digest);
        }
    }
}
