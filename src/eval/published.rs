//! Figures that papers report under a protocol, to stand beside measured ones.

use super::document::{Protocol, Task};
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

/// LLM2CLIP's caption retrieval, as corrected after its first version: caption 0 asks, caption 1
/// of the same image must come first among 5,000. Encoder and recall@1 in percent.
const CAPTION_RETRIEVAL: [(&str, f64); 6] = [
    ("CLIP ViT-L/14, text tower", 25.2),
    ("EVA02-L/14, text tower", 27.1),
    ("Llama 3 8B, vanilla", 5.2),
    ("Llama 3.2 1B, vanilla", 5.6),
    ("Llama 3 8B, caption contrast", 29.5),
    ("Llama 3.2 1B, caption contrast", 29.4),
];
const CAPTION_RETRIEVAL_SOURCE: &str = "LLM2CLIP (arXiv 2411.04997), Table A1";

/// The test is one, what the encoders were trained on is not.
const CAVEAT: &str = "the protocol is the paper's, the training text may not be: captions of the \
    test's own domain, such as COCO's, raise recall beside encoders that never saw that domain";

/// What papers report of exactly this: the set, its captions, all of it, in its own judgements.
#[must_use]
pub fn published(task: Task, protocol: &Protocol) -> Vec<Published> {
    let plain = protocol.pool.is_none()
        && protocol.query_language.is_none()
        && protocol.gallery_language.is_none()
        && protocol.split.as_deref().is_none_or(|split| split == "test");
    let caption_retrieval = task == Task::Caption
        && protocol.dataset == "coco-5k"
        && protocol.captions == "first-two"
        && plain;
    if !caption_retrieval {
        return Vec::new();
    }
    let row = |(encoder, percent): (&str, f64)| Published {
        encoder: encoder.to_owned(),
        recall_1: percent / 100.0,
        source: CAPTION_RETRIEVAL_SOURCE.to_owned(),
        caveat: CAVEAT.to_owned(),
    };
    CAPTION_RETRIEVAL.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_their_own_protocol_only() {
        let whole = Protocol::new("coco-5k", None, "d", "first-two");
        let figures = published(Task::Caption, &whole);
        assert_eq!(figures.len(), 6);
        assert!(figures.iter().all(|figure| figure.caveat.contains("training text")));
        let part = Protocol { pool: Some(1_000), ..whole.clone() };
        assert!(published(Task::Caption, &part).is_empty());
        let other = Protocol { captions: "all-pairs".to_owned(), ..whole.clone() };
        assert!(published(Task::Caption, &other).is_empty());
        assert!(published(Task::Image, &whole).is_empty());
        let own = Protocol::new("my-captions", None, "d", "first-two");
        assert!(published(Task::Caption, &own).is_empty());
    }
}
