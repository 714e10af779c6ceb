//! Cards: what a checkpoint is ([`ModelCard`], its `card.json`), and what an encoder was when it made
//! a row ([`EncoderCard`], in tables and results).

use crate::data::text::Template;
use crate::hub;
use crate::ids::Digest;
use crate::model::Pooling;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The kind of model a checkpoint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// A Llama.
    Llama,
    /// Two towers.
    Clip,
    /// An image tower, and an adapter on a language model's rows.
    Llm2clip,
}

impl ModelKind {
    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Clip => "clip",
            Self::Llm2clip => "llm2clip",
        }
    }
}

/// Which tokens see which, in cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionKind {
    /// A token sees itself and those before it.
    Causal,
    /// Every token sees every token.
    Bidirectional,
}

/// A weight file that something stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// `builtin:NAME`, or a checkpoint's place below the checkpoints folder.
    pub source: String,
    /// The digest of its weights.
    pub digest: Digest,
}

/// Low-rank weights: how they are scaled when merged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoraCard {
    /// Rank.
    pub r: usize,
    /// The product is scaled by `alpha / r`.
    pub alpha: f64,
}

/// How a language model turns a text into a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextUse {
    /// Which tokens see which.
    pub attention: AttentionKind,
    /// How token states become one row.
    pub pooling: Pooling,
    /// What stands around the text.
    pub template: Template,
    /// Whether a beginning-of-sequence token is put in front.
    pub bos: bool,
    /// Whether the model's own tokenizer ends every text with its end token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eos: bool,
    /// Longest token sequence.
    pub max_tokens: usize,
}

/// A checkpoint's `card.json`. Nothing in it names a run, a time or an absolute path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// `llm2clip.card/1`.
    pub format: String,
    /// The kind of model.
    pub kind: ModelKind,
    /// The model's configuration, in the shape of its own reader.
    pub config: serde_json::Value,
    /// Where the tokenizer is: `builtin:llama`, or `own` for the file beside this card.
    pub tokenizer: String,
    /// What the stage started from; none for a fresh model.
    pub base: Option<Parent>,
    /// Whether the checkpoint's own tensors are the whole model, so that the base need not be there.
    pub whole: bool,
    /// Present where the checkpoint's tensors are low-rank weights to be merged.
    pub lora: Option<LoraCard>,
    /// How texts are encoded with it, for a Llama.
    pub text: Option<TextUse>,
    /// The encoder whose rows the adapter was trained on, for LLM2CLIP.
    pub table: Option<Parent>,
    /// What was minimised.
    pub objective: String,
    /// The stage's name.
    pub stage: String,
}

/// The format's name and version.
pub const MODEL_CARD_FORMAT: &str = "llm2clip.card/1";

/// What an encoder was when it made a row: everything that changes the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncoderCard {
    /// The encoder as asked for, without its label and options; of an absolute path as `recorded`
    /// leaves it.
    pub encoder: String,
    /// LoRA folders that were merged into it as asked for, in this order; an absolute path likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lora: Vec<String>,
    /// `llama`, `clip`, `llm2clip` or `bm25`.
    pub kind: String,
    /// `text` or `image`.
    pub tower: String,
    /// Columns of a row; 0 for BM25.
    pub dim: usize,
    /// How texts become rows, for text encoders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextUse>,
    /// The layer the states were taken from, where it is not the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
    /// How pictures become patches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureUse>,
    /// Whether rows have unit length.
    pub normalised: bool,
    /// `f32`, `f16` or `int8`.
    pub dtype: String,
    /// The tokenizer's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<Digest>,
    /// The digest of all weights: of the file, or of the chain of checkpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Digest>,
    /// What the weights stand on, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stands_on: Vec<Parent>,
}

/// How pictures become patches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureUse {
    /// Pixels a side after resizing and cropping.
    pub size: usize,
    /// The resampling filter.
    pub resample: String,
    /// Subtracted from each channel after scaling to 0..1.
    pub mean: [f32; 3],
    /// Divides each channel.
    pub std: [f32; 3],
}

impl EncoderCard {
    /// The digest of the card's canonical JSON: part of a table's key.
    pub fn digest(&self) -> Digest {
        // A card is plain data with text keys: turning it into JSON cannot fail.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// An encoder's source as a card names it, so that no card names a folder of the machine it was made
/// on: as it was given, and in the place of an absolute path the model's own name, its name on the hub
/// where it lies in the hub's cache, its way from the current directory, or else the last part of the
/// path. The weights' digest stands beside it.
#[must_use]
pub fn recorded(name: &str, source: &str) -> String {
    let path = Path::new(name);
    if !path.is_absolute() {
        return name.to_owned();
    }
    if !Path::new(source).is_absolute() {
        return source.to_owned();
    }
    if let Some(name) = hub::name_of(path) {
        return name;
    }
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    let inside = inside.filter(|inside| !inside.as_os_str().is_empty());
    let last = || path.file_name().map(PathBuf::from);
    inside.or_else(last).map_or_else(String::new, |kept| kept.to_string_lossy().into_owned())
}

/// What a model stands on, each as a card names it.
#[must_use]
pub fn recorded_parents(parents: &[Parent]) -> Vec<Parent> {
    let kept = |parent: &Parent| Parent {
        source: recorded(&parent.source, &parent.source),
        digest: parent.digest.clone(),
    };
    parents.iter().map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_card_stands_on_names_no_folder_of_this_machine() {
        let digest = Digest::of(b"weights");
        let parent = |source: &str| Parent { source: source.to_owned(), digest: digest.clone() };
        let parents = ["/elsewhere/lora_cc", "s/demo-1/clip/step-000300", "hf:owner/name"];
        let kept = recorded_parents(&parents.map(parent));
        assert_eq!(kept, ["lora_cc", parents[1], parents[2]].map(parent));
    }

    #[test]
    fn a_card_names_no_folder_of_this_machine() {
        let here = std::env::current_dir().unwrap().join("models/x.gguf").display().to_string();
        let cached = hub::folder().join("models--owner--name/snapshots/abc/x.gguf");
        let cached = std::path::absolute(cached).unwrap().display().to_string();
        for (name, source, wanted) in [
            ("builtin:llama", "builtin:llama", "builtin:llama"),
            ("models/x.gguf", "models/x.gguf", "models/x.gguf"),
            (
                "/c/s/demo-1/clip/step-000300",
                "s/demo-1/clip/step-000300",
                "s/demo-1/clip/step-000300",
            ),
            (&here, &here, "models/x.gguf"),
            ("/elsewhere/x.gguf", "/elsewhere/x.gguf", "x.gguf"),
            (&cached, &cached, "hf:owner/name/x.gguf@abc"),
        ] {
            assert_eq!(recorded(name, source), wanted, "{name}");
        }
    }
}
