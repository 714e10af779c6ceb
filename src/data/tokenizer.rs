//! Text to token ids and back: a plain face over the `tokenizers` crate.
//!
//! Whether a sequence starts with BOS or ends with EOS is decided here and not by the file's
//! post-processor, because the same tokenizer serves a language model (BOS only), a text tower
//! (both) and the half of a text that is counted alone (none). What the file itself would add is
//! [`Tokenizer::published`].

use super::error::{DataError, Result};
use crate::ids::Digest;
use std::collections::BTreeSet;

/// Names by which published tokenizers call the token that starts a sequence, then the one that
/// ends it. A file does not say which is which; the first that it has wins.
const BOS_NAMES: [&str; 6] =
    ["<s>", "<|begin_of_text|>", "<|startoftext|>", "<bos>", "[CLS]", "<|im_start|>"];
const EOS_NAMES: [&str; 6] =
    ["</s>", "<|end_of_text|>", "<|endoftext|>", "<eos>", "[SEP]", "<|im_end|>"];

/// A loaded tokenizer. Cheap to share between threads, not cheap to clone.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    bos: Option<u32>,
    eos: Option<u32>,
    special: BTreeSet<u32>,
    digest: Digest,
}

impl Tokenizer {
    /// Reads the text of a `tokenizer.json`. Truncation and padding that the file asks for are
    /// dropped: both are the caller's business here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(DataError::TokenizerFile)?;
        Self::wrap(inner, Digest::of(bytes))
    }

    fn wrap(mut inner: tokenizers::Tokenizer, digest: Digest) -> Result<Self> {
        inner.with_truncation(None).map_err(DataError::TokenizerFile)?;
        inner.with_padding(None);
        let special = inner
            .get_added_tokens_decoder()
            .iter()
            .filter(|(_, token)| token.special)
            .map(|(&id, _)| id)
            .collect();
        let known = |names: [&str; 6]| names.iter().find_map(|name| inner.token_to_id(name));
        let (bos, eos) = (known(BOS_NAMES), known(EOS_NAMES));
        Ok(Self { inner, bos, eos, special, digest })
    }

    /// Says which tokens start and end a sequence, where the model's configuration names them.
    /// `None` keeps what was found by name.
    pub fn with_ends(mut self, bos: Option<&str>, eos: Option<&str>) -> Result<Self> {
        if let Some(token) = bos {
            self.bos = Some(self.id_of(token, "the start of a sequence")?);
        }
        if let Some(token) = eos {
            self.eos = Some(self.id_of(token, "the end of a sequence")?);
        }
        Ok(self)
    }

    /// How many ids there are, added tokens included: the least number of embedding rows.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The id of one token, spelt as in the vocabulary; `needed_for` ends the error's sentence.
    pub fn id_of(&self, token: &str, needed_for: &'static str) -> Result<u32> {
        self.inner
            .token_to_id(token)
            .ok_or_else(|| DataError::NoSuchToken { token: token.to_owned(), needed_for })
    }

    /// The token that starts a sequence.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The token that ends a sequence.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// Whether this id is a special token (BOS, EOS and what else the file marks so).
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// The sha256 of the file's bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The ids of a text, nothing added.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>> {
        self.run(text, false)
    }

    /// The ids of a text with whatever the file's own post-processor adds.
    pub fn published(&self, text: &str) -> Result<Vec<u32>> {
        self.run(text, true)
    }

    /// Whether the file's own post-processor puts BOS in front of a text.
    pub fn adds_bos(&self) -> Result<bool> {
        let (plain, published) = (self.ids("a")?, self.published("a")?);
        let first = published.first().copied();
        Ok(self.bos.is_some() && first == self.bos && plain.first().copied() != first)
    }

    /// Whether the file's own post-processor puts EOS behind a text.
    pub fn adds_eos(&self) -> Result<bool> {
        let (plain, published) = (self.ids("a")?, self.published("a")?);
        let last = published.last().copied();
        Ok(self.eos.is_some() && last == self.eos && plain.last().copied() != last)
    }

    fn run(&self, text: &str, add_special_tokens: bool) -> Result<Vec<u32>> {
        self.inner
            .encode_fast(text, add_special_tokens)
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|source| DataError::Tokenize { bytes: text.len(), source })
    }

    /// One token as the vocabulary spells it (byte-level pieces stay so: a space is `Ġ`).
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The text of some ids, special tokens kept.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, false).map_err(|source| DataError::Tokenize { bytes: 0, source })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokenizer_train::{Training, train};
    use super::*;

    #[test]
    fn ends_are_found_by_name_and_can_be_named() {
        let bytes = train(["a b c", "a b"], &Training::default()).unwrap();
        let tokenizer = Tokenizer::from_bytes(&bytes).unwrap();
        assert_eq!((tokenizer.bos(), tokenizer.eos()), (Some(0), Some(1)));
        assert!(tokenizer.is_special(0) && !tokenizer.is_special(40));
        let b = tokenizer.id_of("b", "the test").unwrap();
        let tokenizer = tokenizer.with_ends(None, Some("b")).unwrap();
        assert_eq!((tokenizer.bos(), tokenizer.eos()), (Some(0), Some(b)));
        let error = tokenizer.with_ends(Some("<absent>"), None).unwrap_err().to_string();
        assert!(error.contains("\"<absent>\""), "{error}");
    }

    #[test]
    fn bytes_that_are_no_tokenizer_are_an_error() {
        assert!(matches!(Tokenizer::from_bytes(b"{}"), Err(DataError::TokenizerFile(_))));
    }
}
