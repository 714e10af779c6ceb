//! An encoder looked into: what `encoder --json` says of it, as far as it is shown.

use crate::ids::Digest;
use serde::Deserialize;
use serde_json::Value;

/// A question about an encoder, and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// Its number.
    pub id: u64,
    /// The encoder, as `--encoders` takes it.
    pub encoder: String,
    /// The text or the picture's path; may be empty.
    pub asked: String,
    /// The answer, or why there is none; nothing yet while it is on its way.
    pub answer: Option<Result<Box<LookShown>, String>>,
}

/// What `llm2clip.encoder/1` holds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LookShown {
    /// The encoder's source.
    pub source: String,
    /// One a tower.
    pub cards: Vec<Value>,
    /// Low-rank weights, in the order they were merged in.
    #[serde(default)]
    pub loras: Vec<LoraShown>,
    /// A text as it reads it.
    pub text: Option<TextShown>,
    /// A picture as it sees it.
    pub picture: Option<PictureShown>,
    /// Whether it does what its card says.
    #[serde(default)]
    pub self_test: Vec<FindingShown>,
}

/// A LoRA that was merged.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LoraShown {
    /// Its folder.
    pub source: String,
    /// Rank.
    pub r: usize,
    /// What the product is scaled by, before it is divided by the rank.
    pub alpha: f64,
    /// What it did to each weight.
    pub norms: Vec<NormShown>,
}

/// What a LoRA did to one weight.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NormShown {
    /// The weight's name.
    pub path: String,
    /// Norm of what was added.
    pub update: f64,
    /// Norm of the weight before.
    pub weight: f64,
}

/// A text's tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TextShown {
    /// `causal` or `bidirectional`.
    pub attention: String,
    /// How states become a row.
    pub pooling: String,
    /// Its tokens, in order.
    pub tokens: Vec<TokenShown>,
    /// Whether something was cut.
    pub truncated: bool,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TokenShown {
    /// Its place, from 0.
    pub at: usize,
    /// Its id.
    pub id: u32,
    /// As the vocabulary spells it.
    pub token: String,
    /// It sees the first so many tokens.
    pub attends: usize,
    /// Whether it may be pooled.
    pub embed: bool,
    /// Its share of the text's row.
    pub weight: f64,
}

/// A picture as the tower sees it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PictureShown {
    /// Its size in pixels, width first.
    pub size: [usize; 2],
    /// Pixels an edge that the tower reads.
    pub edge: usize,
    /// Patches.
    pub patches: usize,
    /// Of each channel, after normalising: least value, mean, greatest.
    pub channels: [[f32; 3]; 3],
    /// The name of its pixels.
    #[serde(skip)]
    pub digest: Option<Digest>,
}

/// What a test found.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct FindingShown {
    /// What was tried.
    pub test: String,
    /// Whether it came out as it should.
    pub passed: bool,
    /// What should come out.
    pub expected: String,
    /// What came out.
    pub found: String,
}

impl LookShown {
    /// Reads the document; the picture's file comes apart from it, and its name stays.
    ///
    /// # Errors
    /// Another document.
    pub fn read(document: Value) -> Result<(Self, Option<Vec<u8>>), String> {
        if document["format"] != "llm2clip.encoder/1" {
            let found = &document["format"];
            return Err(format!("expected a document llm2clip.encoder/1, found {found}"));
        }
        let bytes = document["picture"]["png"].as_str().and_then(from_base64);
        let mut shown: Self = serde_json::from_value(document)
            .map_err(|error| format!("an encoder's document that is none: {error}"))?;
        if let (Some(picture), Some(bytes)) = (&mut shown.picture, &bytes) {
            picture.digest = Some(Digest::of(bytes));
        }
        Ok((shown, bytes))
    }
}

impl LoraShown {
    /// By layer, in order: its name, and of each weight the name and the share of its norm that was
    /// added.
    #[must_use]
    pub fn layers(&self) -> Vec<(String, Vec<(String, f64)>)> {
        let mut layers: Vec<(String, Vec<(String, f64)>)> = Vec::new();
        for norm in &self.norms {
            let (place, linear) = norm.path.rsplit_once('.').unwrap_or(("", &norm.path));
            let place = place.trim_end_matches(".self_attn").trim_end_matches(".mlp");
            let linear = linear.trim_end_matches("_proj").to_owned();
            let share = norm.update / norm.weight.max(f64::MIN_POSITIVE);
            match layers.iter_mut().find(|(name, _)| name == place) {
                Some((_, weights)) => weights.push((linear, share)),
                None => layers.push((place.to_owned(), vec![(linear, share)])),
            }
        }
        // By number where they have one: `layers.10` stands behind `layers.9`.
        let number = |name: &str| -> Option<u64> { name.rsplit('.').next()?.parse().ok() };
        layers.sort_by_key(|(name, _)| number(name).unwrap_or(u64::MAX));
        layers
    }

    /// The norm of all it added, and the norm of all the weights it was added to.
    #[must_use]
    pub fn whole(&self) -> [f64; 2] {
        let root = |of: &dyn Fn(&NormShown) -> f64| {
            self.norms.iter().map(|norm| of(norm).powi(2)).sum::<f64>().sqrt()
        };
        [root(&|norm| norm.update), root(&|norm| norm.weight)]
    }
}

/// The bytes of a text in base64, as RFC 4648 has it.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xfff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::tui::osc::base64;
    use serde_json::json;

    /// A document with everything in it.
    pub fn document(png: &[u8]) -> Value {
        let token = |at: usize, token: &str, embed: bool, weight: f64| {
            json!({"at": at, "id": at + 5, "token": token, "attends": at + 1, "embed": embed,
                "weight": weight})
        };
        let norm = |path: &str| json!({"path": path, "update": 0.3, "weight": 4.0});
        json!({"format": "llm2clip.encoder/1", "source": "builtin:llama",
        "cards": [{"encoder": "builtin:llama", "kind": "llama", "tower": "text", "dim": 64,
            "text": {"attention": "causal", "pooling": "mean", "template": "none", "bos": true,
                "max_tokens": 256}}],
        "model": {}, "loras": [{"source": "lora\u{1b}_mntp", "digest": "00", "r": 4, "alpha": 8.0,
            "rank_stabilised": false, "norms": [
                norm("model.layers.10.self_attn.q_proj"), norm("model.layers.2.self_attn.q_proj"),
                norm("model.layers.2.mlp.up_proj")]}],
        "text": {"text": "a dog", "attention": "causal", "pooling": "mean", "truncated": false,
            "tokens": [token(0, "<s>", false, 0.0), token(1, "a\u{1b}[2J", true, 0.5),
                token(2, " dog", true, 0.5)]},
        "picture": {"size": [37, 23], "edge": 24, "patches": 9,
            "channels": [[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]], "png": base64(png)},
        "self_test": [
            {"test": "the first token's state when the last token changes (causal)",
                "passed": true, "expected": "stays", "found": "stays"},
            {"test": "alone equals in a batch", "passed": false, "expected": "at most 1e-5",
                "found": "2e-3"}]})
    }

    #[test]
    fn a_document_is_read_and_its_picture_comes_apart_from_it() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in [0, 1, 2, 3, 256] {
            assert_eq!(from_base64(&base64(&bytes[..length])).unwrap(), bytes[..length]);
        }
        assert_eq!(from_base64("a b"), None);
        let (shown, png) = LookShown::read(document(&bytes)).unwrap();
        assert_eq!(png.as_deref(), Some(&bytes[..]));
        assert_eq!(shown.picture.unwrap().digest, Some(Digest::of(&bytes)));
        let layers = shown.loras[0].layers();
        assert_eq!(layers[0].0, "model.layers.2");
        assert_eq!(layers[0].1.len(), 2);
        assert!((shown.loras[0].whole()[0] / shown.loras[0].whole()[1] - 0.075).abs() < 1e-12);
        assert!(LookShown::read(json!({"format": "llm2clip.runs/1"})).is_err());
    }
}
