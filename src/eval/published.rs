//! Figures that papers report under a protocol, to stand beside measured ones.
//!
//! A protocol is known by the digest of its split, or of the captions that are asked and answered alone,
//! never by what its file is called: one set comes in several forms, which differ in ids and pictures.

use super::document::{CompareDocument, Protocol, Task};
use crate::ids::Digest;
use serde::{Deserialize, Serialize};

/// A paper's figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The encoder, as the paper calls it.
    pub encoder: String,
    /// Its recall@1.
    #[serde(rename = "recall@1")]
    pub recall_1: f64,
    /// Where it stands.
    pub source: String,
    /// Why it may not say the same as a figure measured here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caveat: String,
}

/// A set that papers report figures of.
struct Known {
    /// What it and its files are called, the name for `--dataset` first.
    names: &'static [&'static str],
    /// The digest of its split: of all ids, captions and names of pictures in their order. Not known
    /// where nobody who wrote this had the set.
    split_digest: Option<&'static str>,
    /// Its [`captions_digest`], likewise.
    captions_digest: Option<&'static str>,
    /// Encoder and recall@1 in percent of the caption task on the first two captions.
    caption_retrieval: &'static [(&'static str, f64)],
    source: &'static str,
}

const KNOWN: &[Known] = &[
    // LLM2CLIP's caption retrieval, as corrected after its first version: caption 0 asks, caption 1
    // of the same image must come first among 5,000.
    Known {
        names: &["coco-5k", "coco-karpathy-test.captions", "dataset_coco"],
        split_digest: Some("163ea5e8131d573c56a3e9f8bcf5e230837256fabac89a433b9d16720f7609eb"),
        // Of captions 0 and 1 of the 5,000 images of MS-COCO's Karpathy test split.
        captions_digest: Some("21308befc85ea802e1602fb8d965648c064db7aa65fcd078ca189c40f6037b6c"),
        caption_retrieval: &[
            ("CLIP ViT-L/14, text tower", 25.2),
            ("EVA02-L/14, text tower", 27.1),
            ("Llama 3 8B, vanilla", 5.2),
            ("Llama 3.2 1B, vanilla", 5.6),
            ("Llama 3 8B, caption contrast", 29.5),
            ("Llama 3.2 1B, caption contrast", 29.4),
        ],
        source: "LLM2CLIP (arXiv 2411.04997), Table A1",
    },
    Known {
        names: &["flickr30k-1k", "flickr30k-karpathy-test.captions", "dataset_flickr30k"],
        split_digest: None,
        captions_digest: None,
        caption_retrieval: &[],
        source: "",
    },
];

/// The test is one, what the encoders were trained on is not.
const CAVEAT: &str = "the protocol is the paper's, the training text may not be: captions of the \
    test's own domain, such as COCO's, raise recall beside encoders that never saw that domain";

impl Known {
    fn is_content_of(&self, protocol: &Protocol) -> bool {
        let captions = protocol.captions_digest.as_deref();
        self.split_digest == Some(protocol.split_digest.as_str())
            || (captions.is_some() && self.captions_digest == captions)
    }

    /// The set whose content a protocol has.
    fn by_content(protocol: &Protocol) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.is_content_of(protocol))
    }

    /// The set whose name a protocol bears.
    fn by_name(protocol: &Protocol) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.names.contains(&protocol.dataset.as_str()))
    }
}

/// The digest of captions that ask and answer, an item's two together: the sha256 of two lines an item,
/// items sorted, so that it does not hang on their order (nor does a rank), with runs of white space as
/// one space, which copies of a set do not agree on.
#[must_use]
pub fn captions_digest<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Digest {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut items: Vec<String> =
        pairs.map(|(query, answer)| format!("{}\n{}\n", plain(query), plain(answer))).collect();
    items.sort_unstable();
    Digest::of(items.concat().as_bytes())
}

/// Whether a comparison is the caption task on the first two captions of a whole test split.
fn is_caption_retrieval(task: Task, protocol: &Protocol) -> bool {
    task == Task::Caption
        && protocol.captions == "first-two"
        && protocol.pool.is_none()
        && protocol.query_language.is_none()
        && protocol.gallery_language.is_none()
        && protocol.split.as_deref().is_none_or(|split| split == "test")
}

/// What papers report of exactly this: the set by its content, its captions, all of it.
#[must_use]
pub fn published(task: Task, protocol: &Protocol) -> Vec<Published> {
    let known = Known::by_content(protocol).filter(|_| is_caption_retrieval(task, protocol));
    let Some(known) = known else { return Vec::new() };
    let row = |&(encoder, percent): &(&str, f64)| Published {
        encoder: encoder.to_owned(),
        recall_1: (percent * 10.0).round() / 1000.0,
        source: known.source.to_owned(),
        caveat: CAVEAT.to_owned(),
    };
    known.caption_retrieval.iter().map(row).collect()
}

/// Why a set that bears a published set's name has no figures beside it; nothing where it has some,
/// and where papers report none of what was compared.
#[must_use]
pub fn why_none(task: Task, protocol: &Protocol) -> Option<String> {
    let known = Known::by_name(protocol).filter(|_| Known::by_content(protocol).is_none())?;
    if !is_caption_retrieval(task, protocol) {
        return None;
    }
    let (name, short) =
        (known.names[0], |digest: &str| digest.chars().take(12).collect::<String>());
    let found = short(&protocol.split_digest);
    if let (Some(digest), Some(own)) = (known.captions_digest, &protocol.captions_digest) {
        return Some(format!(
            "no figures of papers: the set is called {} and is not the {name} that they report: expected captions digest {}, that of the first two captions of every item, found {}",
            protocol.dataset,
            short(digest),
            short(own)
        ));
    }
    Some(match known.split_digest {
        Some(digest) => format!(
            "no figures of papers: the set is called {} and is not the {name} that they report: expected split digest {}, that of its captions in order with no pictures beside them, found {found}",
            protocol.dataset,
            short(digest)
        ),
        None => format!(
            "no figures of papers are known here for {name}, and whether {} is that set could not be verified: its split digest is not known here, found {found}",
            protocol.dataset
        ),
    })
}

impl CompareDocument {
    /// What papers report under this document's protocol. Where this program knows the set, by its
    /// own table, so that a document of an earlier version has its figures with their caveat; nothing
    /// where a set only bears a published one's name; else what the document itself says.
    #[must_use]
    pub fn beside(&self) -> Vec<Published> {
        let own = published(self.task, &self.protocol);
        let stored = own.is_empty()
            && Known::by_content(&self.protocol).is_none()
            && Known::by_name(&self.protocol).is_none();
        if stored { self.published.clone() } else { own }
    }

    /// Why nothing stands [`beside`](Self::beside) it, where its set's name promises something.
    #[must_use]
    pub fn why_nothing_beside(&self) -> Option<String> {
        why_none(self.task, &self.protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COCO: &str = "163ea5e8131d573c56a3e9f8bcf5e230837256fabac89a433b9d16720f7609eb";

    #[test]
    fn figures_stand_beside_their_own_protocol_only() {
        let whole = Protocol::new("coco-5k", None, COCO, "first-two");
        let figures = published(Task::Caption, &whole);
        assert_eq!(figures.len(), 6);
        assert!(figures.iter().all(|figure| figure.caveat.contains("training text")));
        assert_eq!(why_none(Task::Caption, &whole), None);
        let part = Protocol { pool: Some(1_000), ..whole.clone() };
        assert!(published(Task::Caption, &part).is_empty());
        let other = Protocol { captions: "all-pairs".to_owned(), ..whole.clone() };
        assert!(published(Task::Caption, &other).is_empty());
        assert!(published(Task::Image, &whole).is_empty());
        let own = Protocol::new("my-captions", None, "d", "first-two");
        assert!(published(Task::Caption, &own).is_empty());
        assert_eq!(why_none(Task::Caption, &own), None);
    }

    #[test]
    fn a_set_is_known_by_its_content_and_not_by_its_name() {
        let renamed = Protocol::new("anything", None, COCO, "first-two");
        assert_eq!(published(Task::Caption, &renamed).len(), 6);
        assert_eq!(why_none(Task::Caption, &renamed), None);
        for name in ["coco-5k", "coco-karpathy-test.captions"] {
            let made_up = Protocol::new(name, None, "0123456789abcdef", "first-two");
            assert!(published(Task::Caption, &made_up).is_empty());
            let why = why_none(Task::Caption, &made_up).unwrap();
            for part in [name, "163ea5e8131d", "0123456789ab"] {
                assert!(why.contains(part), "{why}");
            }
            assert!(!why.contains('\n') && !why.contains("0123456789abc"), "{why}");
            let part = Protocol { pool: Some(10), ..made_up };
            assert_eq!(why_none(Task::Caption, &part), None);
        }
        let flickr = Protocol::new("flickr30k-1k", None, "00", "first-two");
        assert!(why_none(Task::Caption, &flickr).unwrap().contains("could not be verified"));
    }

    #[test]
    fn one_sets_captions_are_known_in_any_order_and_whatever_stands_beside_them() {
        let pairs = [("a red kite", "a kite"), ("two dogs", "dogs  at play\n")];
        let digest = captions_digest(pairs.into_iter());
        let other = [("two dogs ", "dogs at play"), ("a red kite", "a kite")];
        assert_eq!(captions_digest(other.into_iter()), digest);
        for changed in [
            vec![("a kite", "a red kite"), ("two dogs", "dogs at play")],
            vec![("a red kite", "dogs at play"), ("two dogs", "a kite")],
            vec![("a red kite", "a kite")],
        ] {
            assert_ne!(captions_digest(changed.into_iter()), digest);
        }
        let text = "a red kite\na kite\ntwo dogs\ndogs at play\n";
        assert_eq!(digest, Digest::of(text.as_bytes()));
    }

    #[test]
    fn figures_stand_beside_another_form_of_the_same_captions_and_no_other() {
        let coco = KNOWN[0].captions_digest.unwrap();
        let with = |digest: &str| Protocol {
            captions_digest: Some(digest.to_owned()),
            ..Protocol::new("dataset_coco", Some("test"), "of its pictures too", "first-two")
        };
        assert_eq!(published(Task::Caption, &with(coco)).len(), 6);
        assert_eq!(why_none(Task::Caption, &with(coco)), None);
        let other = with("0123456789abcdef");
        assert!(published(Task::Caption, &other).is_empty());
        let why = why_none(Task::Caption, &other).unwrap();
        assert!(why.contains("21308befc85e") && why.contains("0123456789ab"), "{why}");
        // A set that nobody had is not known by saying nothing.
        let flickr = Protocol::new("x", None, "d", "first-two");
        assert!(published(Task::Caption, &flickr).is_empty());
    }
}
