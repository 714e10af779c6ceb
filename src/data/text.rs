//! Packed rows of tokens: what every text encoder and language model is fed.
//!
//! Rows stand one behind the other without padding; `lengths` says where each ends. Which tokens
//! a row's embedding is pooled from is its embed mask: all of them, or, with LLM2Vec's template,
//! those of the text alone while the instruction before it is attended to only.

use super::error::{DataError, Result};
use super::tokenizer::Tokenizer;
use crate::rng::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What stands around a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Nothing; every token is pooled, BOS and EOS included.
    #[default]
    None,
    /// LLM2Vec's: the instruction, a space, the text. As many tokens at the end are pooled as the
    /// text alone has, EOS with it; BOS and instruction are attended to and not pooled. An empty
    /// instruction leaves the space out, and BOS alone is kept from the pool.
    Llm2vec {
        /// May be empty.
        instruction: String,
    },
}

/// How a text becomes a row of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSpec {
    /// Put the tokenizer's BOS first.
    pub bos: bool,
    /// Put the tokenizer's EOS last; it stays where the text is cut.
    pub eos: bool,
    /// No row is longer; what is over is cut from the end of the text, and counted.
    pub max_tokens: usize,
    /// What stands around the text.
    pub template: Template,
}

impl TextSpec {
    /// BOS, text, EOS: what a CLIP text tower reads.
    pub fn clip(max_tokens: usize) -> Self {
        Self { bos: true, eos: true, max_tokens, template: Template::None }
    }

    /// BOS, text: what a plain Llama reads.
    pub fn llama(max_tokens: usize) -> Self {
        Self { bos: true, eos: false, max_tokens, template: Template::None }
    }

    /// BOS, instruction, text, of which the text is pooled: what LLM2Vec reads.
    pub fn llm2vec(instruction: impl Into<String>, max_tokens: usize) -> Self {
        let template = Template::Llm2vec { instruction: instruction.into() };
        Self { bos: true, eos: false, max_tokens, template }
    }

    /// The ids of BOS and EOS where they are asked for.
    fn ends(&self, tokenizer: &Tokenizer) -> Result<(Option<u32>, Option<u32>)> {
        let need = |asked: bool, id: Option<u32>, token: &str| match (asked, id) {
            (false, _) => Ok(None),
            (true, Some(id)) => Ok(Some(id)),
            (true, None) => Err(DataError::NoSuchToken {
                token: token.to_owned(),
                needed_for: "the text specification",
            }),
        };
        let least = usize::from(self.bos) + usize::from(self.eos) + 1;
        if self.max_tokens < least {
            return Err(DataError::Range {
                what: "max_tokens",
                expected: format!("at least {least}, one token beside BOS and EOS"),
                found: self.max_tokens,
            });
        }
        Ok((need(self.bos, tokenizer.bos(), "BOS")?, need(self.eos, tokenizer.eos(), "EOS")?))
    }
}

/// One text as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRow {
    /// `[tokens]`
    pub ids: Vec<u32>,
    /// How many tokens at the end are pooled: all, or the text's own.
    pub pooled: usize,
    /// Whether something was cut.
    pub truncated: bool,
}

/// The tokens of one text. The row may be empty, and nothing of it may be left to pool: see
/// [`TextBatch::new`] for who minds.
pub fn text_row(tokenizer: &Tokenizer, text: &str, spec: &TextSpec) -> Result<TextRow> {
    let (bos, eos) = spec.ends(tokenizer)?;
    let (mut ids, own) = match &spec.template {
        Template::None => (tokenizer.ids(text)?, None),
        Template::Llm2vec { instruction } => {
            let instruction = instruction.trim();
            let own = tokenizer.ids(text)?;
            if instruction.is_empty() {
                let count = own.len();
                (own, Some(count))
            } else {
                (tokenizer.ids(&format!("{instruction} {text}"))?, Some(own.len()))
            }
        }
    };
    let full = ids.len();
    let room = spec.max_tokens - usize::from(bos.is_some()) - usize::from(eos.is_some());
    ids.truncate(room);
    let pooled = own.map(|own| {
        // A merge across the joint can make the text alone a token longer than it is in place.
        let start = full - own.min(full);
        ids.len().saturating_sub(start)
    });
    let truncated = ids.len() < full;
    if let Some(bos) = bos {
        ids.insert(0, bos);
    }
    let mut pooled = pooled.unwrap_or(ids.len());
    if let Some(eos) = eos {
        ids.push(eos);
        pooled += usize::from(pooled > 0 || matches!(spec.template, Template::None));
    }
    Ok(TextRow { ids, pooled, truncated })
}

/// Rows of tokens, packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextBatch {
    /// `[tokens]`, the rows one behind the other.
    pub ids: Vec<u32>,
    /// `[rows]`, tokens of each; their sum is the length of `ids`.
    pub lengths: Vec<usize>,
    /// `[tokens]`, whether the token is pooled.
    pub embed: Vec<bool>,
    /// `[rows]`, what each row came from: an item, a text or a block, as the maker says. It keys
    /// the row's random numbers.
    pub items: Vec<usize>,
    /// How many rows were cut.
    pub truncated: usize,
}

impl TextBatch {
    /// Tokenises one text a row, on all threads; `items` names each row.
    ///
    /// # Errors
    /// A row that has no token to pool is an error: its mean would be 0/0.
    pub fn new<S: AsRef<str> + Sync>(
        tokenizer: &Tokenizer,
        texts: &[S],
        items: &[usize],
        spec: &TextSpec,
    ) -> Result<Self> {
        let rows: Vec<Result<TextRow>> =
            texts.par_iter().map(|text| text_row(tokenizer, text.as_ref(), spec)).collect();
        let mut batch = Self::default();
        for (at, (row, &item)) in rows.into_iter().zip(items).enumerate() {
            let row = row?;
            if row.pooled == 0 {
                return Err(DataError::NothingToPool { row: at, tokens: row.ids.len() });
            }
            batch.push(&row, item);
        }
        Ok(batch)
    }

    /// Puts one more row at the end.
    pub fn push(&mut self, row: &TextRow, item: usize) {
        self.ids.extend(&row.ids);
        self.lengths.push(row.ids.len());
        self.embed.extend((0..row.ids.len()).map(|at| at + row.pooled >= row.ids.len()));
        self.items.push(item);
        self.truncated += usize::from(row.truncated);
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// How many tokens in all.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Where each row starts in `ids`: `[rows]`.
    pub fn starts(&self) -> Vec<usize> {
        self.lengths
            .iter()
            .scan(0, |next, length| {
                let start = *next;
                *next += length;
                Some(start)
            })
            .collect()
    }

    /// The key of each row's random numbers, `[rows]`: below `key` (one a step), by item and
    /// view, so that it does not depend on how a batch is cut into micro-batches.
    pub fn keys(&self, key: Key, view: u64) -> Vec<Key> {
        self.items.iter().map(|&item| key.child(item as u64).child(view)).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::tokenizer_train::{Training, train};
    use super::*;

    /// A tokenizer that knows no merges: one id a byte.
    pub(crate) fn bytes_only() -> Tokenizer {
        let bytes = train(["a"], &Training { vocab: 258, ..Training::default() }).unwrap();
        Tokenizer::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn the_instruction_is_attended_and_not_pooled() {
        let tokenizer = bytes_only();
        let spec = TextSpec::llm2vec("find: ", 64);
        let batch = TextBatch::new(&tokenizer, &["abc"], &[7], &spec).unwrap();
        assert_eq!(batch.ids.len(), 1 + "find: abc".len());
        let pooled = batch.embed.iter().filter(|&&pooled| pooled).count();
        assert_eq!((pooled, &batch.embed[7..]), (3, &[true; 3][..]));
        assert_eq!(batch.items, [7]);
        let plain = TextBatch::new(&tokenizer, &["abc"], &[7], &TextSpec::llama(64)).unwrap();
        assert_eq!(plain.embed, [true; 4]);
        let bare = TextBatch::new(&tokenizer, &["abc"], &[7], &TextSpec::llm2vec("", 64)).unwrap();
        assert_eq!(bare.embed, [false, true, true, true]);
    }

    #[test]
    fn a_cut_row_keeps_its_eos_and_is_counted() {
        let tokenizer = bytes_only();
        let batch =
            TextBatch::new(&tokenizer, &["abcdef", "ab"], &[0, 1], &TextSpec::clip(5)).unwrap();
        assert_eq!((batch.lengths.as_slice(), batch.truncated), (&[5, 4][..], 1));
        assert_eq!((batch.ids[0], batch.ids[4]), (0, 1));
        assert_eq!(batch.starts(), [0, 5]);
        let spec = TextSpec { eos: true, ..TextSpec::llm2vec("in", 7) };
        let row = text_row(&tokenizer, "abcdef", &spec).unwrap();
        assert_eq!((row.ids.len(), row.pooled, row.truncated), (7, 3, true));
    }

    #[test]
    fn a_row_with_nothing_to_pool_is_an_error_with_its_number() {
        let tokenizer = bytes_only();
        for (texts, spec, row) in [
            (["a", ""], TextSpec::llm2vec("", 8), 1),
            (["a", ""], TextSpec { bos: false, ..TextSpec::llama(8) }, 1),
            (["a", "b"], TextSpec::llm2vec("a long instruction", 8), 0),
            (["a", ""], TextSpec { eos: true, ..TextSpec::llm2vec("", 8) }, 1),
        ] {
            let error = TextBatch::new(&tokenizer, &texts, &[0, 1], &spec).unwrap_err();
            assert!(matches!(error, DataError::NothingToPool { row: at, .. } if at == row));
        }
        assert!(TextBatch::new(&tokenizer, &[""], &[0], &TextSpec::llama(8)).is_ok());
        assert!(TextBatch::new(&tokenizer, &["a"], &[0], &TextSpec::clip(2)).is_err());
    }

    #[test]
    fn a_rows_key_hangs_on_its_item_and_view_and_not_on_its_place() {
        let tokenizer = bytes_only();
        let batch = |texts: &[&str], items: &[usize]| {
            TextBatch::new(&tokenizer, texts, items, &TextSpec::llama(8)).unwrap()
        };
        let key = Key::new(1).named("stage").child(4);
        let (whole, part) = (batch(&["a", "b"], &[3, 9]), batch(&["b"], &[9]));
        assert_eq!(whole.keys(key, 0)[1], part.keys(key, 0)[0]);
        assert_ne!(part.keys(key, 0), part.keys(key, 1));
    }
}
