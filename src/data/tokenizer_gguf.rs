//! The tokenizer inside a GGUF file, written as a `tokenizer.json`: what a model's own files have,
//! so that everything else here reads it as it reads those.

use super::tokenizer_pre::pre_tokenizer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A tokenizer in a GGUF file that cannot be built.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GgufTokenizerError {
    /// A kind of tokenizer nobody here has.
    #[error(
        "tokenizer.ggml.model: expected gpt2 (byte-level BPE) or llama (SentencePiece BPE), found \
         {found:?}; use the model's Hugging Face folder"
    )]
    Model {
        /// The name in the file.
        found: String,
    },
    /// A pre-tokenizer nobody here knows.
    #[error(
        "tokenizer.ggml.pre: found {found:?}, expected one of {known}; splitting a text in another \
         way than in training would give other tokens, so use the model's Hugging Face folder"
    )]
    Pre {
        /// The name in the file.
        found: String,
        /// The names that are known.
        known: String,
    },
    /// A list of the wrong length, or without what it needs.
    #[error("{key}: expected {expected}, found {found}")]
    List {
        /// The key.
        key: &'static str,
        /// What would do.
        expected: String,
        /// What stands there.
        found: String,
    },
}

/// The parts of a tokenizer as a GGUF file has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GgufTokenizer {
    /// `gpt2` or `llama`.
    pub model: String,
    /// The pre-tokenizer's name, for `gpt2`.
    pub pre: Option<String>,
    /// `[vocab]`: every token's text.
    pub tokens: Vec<String>,
    /// `[vocab]` or empty: 1 normal, 2 unknown, 3 control, 4 the user's, 5 unused, 6 a byte.
    pub types: Vec<u32>,
    /// `[vocab]` or empty: the higher, the earlier merged, for `llama`.
    pub scores: Vec<f64>,
    /// Pairs with a space between, first merged first, for `gpt2`.
    pub merges: Vec<String>,
    /// The token that starts a text.
    pub bos: Option<u32>,
    /// The token that ends a text.
    pub eos: Option<u32>,
    /// The token for what is unknown.
    pub unknown: Option<u32>,
    /// Whether texts start with `bos`; the default is the kind's.
    pub add_bos: Option<bool>,
    /// Whether texts end with `eos`; by default not.
    pub add_eos: Option<bool>,
    /// Whether a space is put in front of a text, for `llama`; by default so.
    pub add_space_prefix: Option<bool>,
    /// Whether repeated spaces become one, for `llama`; by default not.
    pub remove_extra_spaces: Option<bool>,
}

const UNKNOWN: u32 = 2;
const CONTROL: u32 = 3;
const USERS: u32 = 4;
const BYTE: u32 = 6;

impl GgufTokenizer {
    /// The text of a token.
    #[must_use]
    pub fn token(&self, id: Option<u32>) -> Option<&str> {
        self.tokens.get(id? as usize).map(String::as_str)
    }

    /// Whether texts start with BOS.
    #[must_use]
    pub fn adds_bos(&self) -> bool {
        let usual = match self.model.as_str() {
            "llama" => true,
            _ => self.pre.as_deref().is_some_and(super::tokenizer_pre::starts_with_bos),
        };
        self.token(self.bos).is_some() && self.add_bos.unwrap_or(usual)
    }

    /// Whether texts end with EOS.
    #[must_use]
    pub fn adds_eos(&self) -> bool {
        self.token(self.eos).is_some() && self.add_eos.unwrap_or(false)
    }

    /// The text of a `tokenizer.json` that does the same.
    ///
    /// # Errors
    /// An unknown kind or pre-tokenizer, or lists that do not fit together.
    pub fn to_json(&self) -> Result<Vec<u8>, GgufTokenizerError> {
        for (key, found) in [
            ("tokenizer.ggml.token_type", self.types.len()),
            ("tokenizer.ggml.scores", self.scores.len()),
        ] {
            if found != 0 && found != self.tokens.len() {
                let expected = format!("one of each of the {} tokens", self.tokens.len());
                return Err(GgufTokenizerError::List { key, expected, found: found.to_string() });
            }
        }
        let vocab = self.vocab()?;
        let mut json = match self.model.as_str() {
            "gpt2" => self.byte_level(&vocab)?,
            "llama" => self.sentence_piece(&vocab)?,
            found => return Err(GgufTokenizerError::Model { found: found.to_owned() }),
        };
        json["version"] = json!("1.0");
        json["truncation"] = Value::Null;
        json["padding"] = Value::Null;
        json["added_tokens"] = self.added();
        json["post_processor"] = self.ends();
        json["model"]["vocab"] = json!(vocab);
        // A value with text keys: turning it into JSON cannot fail.
        Ok(serde_json::to_vec(&json).unwrap_or_default())
    }

    fn vocab(&self) -> Result<BTreeMap<String, u32>, GgufTokenizerError> {
        let mut vocab = BTreeMap::new();
        let key = "tokenizer.ggml.tokens";
        for (id, token) in self.tokens.iter().enumerate() {
            let token = if token.is_empty() { format!("[EMPTY_{id}]") } else { token.clone() };
            if let Some(first) = vocab.insert(token.clone(), id as u32) {
                let found = format!("{token:?} at {first} and {id}");
                let expected = "every token once".to_owned();
                return Err(GgufTokenizerError::List { key, expected, found });
            }
        }
        if vocab.is_empty() {
            let (expected, found) = ("the tokens".to_owned(), "none".to_owned());
            return Err(GgufTokenizerError::List { key, expected, found });
        }
        Ok(vocab)
    }

    fn kind(&self, id: usize) -> u32 {
        let named = [self.bos, self.eos].contains(&Some(id as u32));
        self.types.get(id).copied().unwrap_or(if named { CONTROL } else { 1 })
    }

    /// Tokens that are found in a text before anything else is done to it.
    fn added(&self) -> Value {
        let added = self.tokens.iter().enumerate().filter_map(|(id, token)| {
            let special = match self.kind(id) {
                UNKNOWN | CONTROL => true,
                USERS => false,
                _ => return None,
            };
            Some(json!({
                "id": id, "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": special,
            }))
        });
        added.collect()
    }

    /// What is put around a text.
    fn ends(&self) -> Value {
        let bos = self.token(self.bos).filter(|_| self.adds_bos());
        let eos = self.token(self.eos).filter(|_| self.adds_eos());
        if bos.is_none() && eos.is_none() {
            return Value::Null;
        }
        let special = |token: &str| json!({"SpecialToken": {"id": token, "type_id": 0}});
        let row = |names: &[&str]| -> Value {
            let texts = names.iter().map(|name| json!({"Sequence": {"id": name, "type_id": 0}}));
            bos.map(special).into_iter().chain(texts).chain(eos.map(special)).collect()
        };
        let tokens = [(bos, self.bos), (eos, self.eos)].into_iter().filter_map(|(token, id)| {
            let token = token?;
            Some((token.to_owned(), json!({"id": token, "ids": [id], "tokens": [token]})))
        });
        json!({
            "type": "TemplateProcessing",
            "single": row(&["A"]),
            "pair": row(&["A", "B"]),
            "special_tokens": tokens.collect::<serde_json::Map<_, _>>(),
        })
    }

    fn byte_level(&self, vocab: &BTreeMap<String, u32>) -> Result<Value, GgufTokenizerError> {
        let pre = pre_tokenizer(self.pre.as_deref().unwrap_or("default"))?;
        let mut merges = Vec::with_capacity(self.merges.len());
        let key = "tokenizer.ggml.merges";
        for merge in &self.merges {
            // The first part may itself begin with a space.
            let start = merge.chars().next().map_or(0, char::len_utf8);
            let pair = merge[start..].find(' ').map(|at| merge.split_at(start + at));
            let pair = pair.map(|(left, right)| (left, &right[1..]));
            let known = |(left, right): &(&str, &str)| {
                [*left, *right].iter().all(|part| vocab.contains_key(*part))
                    && vocab.contains_key(&format!("{left}{right}"))
            };
            let Some((left, right)) = pair.filter(known) else {
                let expected =
                    "two tokens with a space between, and their union a token".to_owned();
                return Err(GgufTokenizerError::List {
                    key,
                    expected,
                    found: format!("{merge:?}"),
                });
            };
            merges.push([left, right]);
        }
        if merges.is_empty() {
            let (expected, found) = ("the merges".to_owned(), "none".to_owned());
            return Err(GgufTokenizerError::List { key, expected, found });
        }
        let level = json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": false,
        });
        let splits = pre.patterns.iter().map(|pattern| {
            json!({
                "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated",
                "invert": false,
            })
        });
        let steps: Vec<Value> = splits.chain([level.clone()]).collect();
        Ok(json!({
            "normalizer": if pre.nfc { json!({"type": "NFC"}) } else { Value::Null },
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
            "decoder": level,
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null,
                "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": pre.ignore_merges, "merges": merges,
            },
        }))
    }

    fn sentence_piece(&self, vocab: &BTreeMap<String, u32>) -> Result<Value, GgufTokenizerError> {
        if self.scores.is_empty() {
            let (key, expected) = ("tokenizer.ggml.scores", "a score a token".to_owned());
            return Err(GgufTokenizerError::List { key, expected, found: "none".to_owned() });
        }
        let mut steps = Vec::new();
        if self.remove_extra_spaces == Some(true) {
            let pattern = json!({"Regex": " {2,}"});
            steps.push(json!({"type": "Replace", "pattern": pattern, "content": " "}));
        }
        if self.add_space_prefix.unwrap_or(true) {
            steps.push(json!({"type": "Prepend", "prepend": "▁"}));
        }
        let space = json!({"String": " "});
        steps.push(json!({"type": "Replace", "pattern": space, "content": "▁"}));
        let mut decoders = vec![
            json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
            json!({"type": "ByteFallback"}),
            json!({"type": "Fuse"}),
        ];
        if self.add_space_prefix.unwrap_or(true) {
            decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        let unknown = self.token(self.unknown.or(Some(0)));
        Ok(json!({
            "normalizer": {"type": "Sequence", "normalizers": steps},
            "pre_tokenizer": null,
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {
                "type": "BPE", "dropout": null, "unk_token": unknown,
                "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "fuse_unk": true, "byte_fallback": self.types.contains(&BYTE),
                "ignore_merges": false, "merges": self.merges_by_score(vocab),
            },
        }))
    }

    /// SentencePiece merges the two neighbours whose union scores highest. As a list: every way to
    /// cut a token into two tokens, highest score first.
    fn merges_by_score(&self, vocab: &BTreeMap<String, u32>) -> Vec<[&str; 2]> {
        let plain = |id: usize| !matches!(self.kind(id), UNKNOWN | CONTROL | BYTE);
        let mut merges = Vec::new();
        for (id, token) in self.tokens.iter().enumerate().filter(|(id, _)| plain(*id)) {
            for (at, _) in token.char_indices().skip(1) {
                let (left, right) = token.split_at(at);
                let part = |text: &str| vocab.get(text).is_some_and(|&id| plain(id as usize));
                if part(left) && part(right) {
                    merges.push((self.scores[id], id, at, [left, right]));
                }
            }
        }
        merges.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(b.2.cmp(&a.2)));
        merges.into_iter().map(|(_, _, _, pair)| pair).collect()
    }
}
