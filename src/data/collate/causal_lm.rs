//! Next-token prediction: texts one behind the other, cut into blocks.

use super::super::error::{DataError, Result};
use super::super::text::{TextBatch, TextRow};
use super::super::tokenizer::Tokenizer;
use super::TokenBatch;
use crate::rng::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What becomes of the tokens after the last whole block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// A last, shorter block, where it has at least two tokens.
    Keep,
    /// Left out, as LLM2Vec and Hugging Face's scripts do.
    #[default]
    Drop,
}

/// How texts are cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSpec {
    /// Tokens in a block.
    pub max_tokens: usize,
    /// Put BOS before every text.
    pub bos: bool,
    /// Put EOS behind every text.
    pub eos: bool,
    /// What becomes of what is over.
    pub rest: Rest,
}

/// Many texts as one stream of tokens in blocks of one length. Four bytes a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    ids: Vec<u32>,
    block: usize,
}

impl Blocks {
    /// Tokenises the texts and sets them one behind the other, in the order given or, with a key,
    /// shuffled. A text may be cut by a block's end and a block may hold several texts, which see
    /// each other: the plain concatenation of the published recipes.
    ///
    /// # Errors
    /// Fewer tokens than one block, blocks of fewer than two tokens, a tokenizer without the BOS
    /// or EOS asked for.
    pub fn pack<S: AsRef<str> + Sync>(
        tokenizer: &Tokenizer,
        texts: &[S],
        spec: BlockSpec,
        shuffle: Option<Key>,
    ) -> Result<Self> {
        if spec.max_tokens < 2 {
            return Err(DataError::Range {
                what: "max_tokens",
                expected: "at least 2, a token and the next".to_owned(),
                found: spec.max_tokens,
            });
        }
        let need = |asked: bool, id: Option<u32>, token: &str| match (asked, id) {
            (true, None) => Err(DataError::NoSuchToken {
                token: token.to_owned(),
                needed_for: "packing texts into blocks",
            }),
            (asked, id) => Ok(id.filter(|_| asked)),
        };
        let bos = need(spec.bos, tokenizer.bos(), "BOS")?;
        let eos = need(spec.eos, tokenizer.eos(), "EOS")?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        if let Some(key) = shuffle {
            key.named("documents").stream().shuffle(&mut order);
        }
        let parts: Vec<Result<Vec<u32>>> = order
            .par_chunks(512)
            .map(|chunk| {
                let mut ids = Vec::new();
                for &text in chunk {
                    ids.extend(bos);
                    ids.extend(tokenizer.ids(texts[text].as_ref())?);
                    ids.extend(eos);
                }
                Ok(ids)
            })
            .collect();
        let mut ids = Vec::new();
        for part in parts {
            ids.extend(part?);
        }
        let over = ids.len() % spec.max_tokens;
        if spec.rest == Rest::Drop || over < 2 {
            ids.truncate(ids.len() - over);
        }
        if ids.is_empty() {
            return Err(DataError::Range {
                what: "tokens of all texts",
                expected: format!("at least one block of {}", spec.max_tokens),
                found: over,
            });
        }
        Ok(Self { ids, block: spec.max_tokens })
    }

    /// How many blocks.
    pub fn len(&self) -> usize {
        self.ids.len().div_ceil(self.block)
    }

    /// Never true of packed blocks.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many tokens in all blocks.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// One block, `[max_tokens]` or, kept at the end, shorter. Empty beyond the last.
    pub fn block(&self, at: usize) -> &[u32] {
        let start = (at * self.block).min(self.ids.len());
        &self.ids[start..(start + self.block).min(self.ids.len())]
    }

    /// These blocks as rows; `items` are the blocks' numbers.
    pub fn batch(&self, blocks: &[usize]) -> TextBatch {
        let mut batch = TextBatch::default();
        for &at in blocks {
            let ids = self.block(at).to_vec();
            batch.push(&TextRow { pooled: ids.len(), ids, truncated: false }, at);
        }
        batch
    }
}

/// Every token but a row's first is predicted from the position before it. With `across` false no
/// BOS is a target, so that no text is asked to predict that another one follows; attention still
/// reaches across.
pub fn causal_lm(text: TextBatch, across: bool, bos: Option<u32>) -> TokenBatch {
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    for (start, &length) in text.starts().into_iter().zip(&text.lengths) {
        for at in start + 1..start + length {
            let target = text.ids[at];
            if across || Some(target) != bos {
                rows.push(at - 1);
                targets.push(target);
            }
        }
    }
    TokenBatch { text, rows, targets }
}

#[cfg(test)]
mod tests {
    use super::super::super::text::tests::bytes_only;
    use super::*;

    const SPEC: BlockSpec = BlockSpec { max_tokens: 4, bos: true, eos: false, rest: Rest::Drop };

    #[test]
    fn blocks_are_the_texts_one_behind_the_other() {
        let tokenizer = bytes_only();
        let (a, b) = (tokenizer.ids("a").unwrap()[0], tokenizer.ids("b").unwrap()[0]);
        let texts = ["aa", "bbb", "a"];
        let dropped = Blocks::pack(&tokenizer, &texts, SPEC, None).unwrap();
        assert_eq!((dropped.len(), dropped.tokens()), (2, 8));
        assert_eq!((dropped.block(0), dropped.block(1)), (&[0, a, a, 0][..], &[b, b, b, 0][..]));
        let kept = BlockSpec { rest: Rest::Keep, eos: true, ..SPEC };
        let kept = Blocks::pack(&tokenizer, &texts, kept, None).unwrap();
        assert_eq!(kept.batch(&[0, 2]).ids, [0, a, a, 1, 1, 0, a, 1]);
        assert!(kept.block(99).is_empty());
    }

    #[test]
    fn each_position_predicts_the_next_token_of_its_row() {
        let tokenizer = bytes_only();
        let blocks = Blocks::pack(&tokenizer, &["aa", "bbb", "a"], SPEC, None).unwrap();
        let batch = causal_lm(blocks.batch(&[1, 0]), true, tokenizer.bos());
        assert_eq!(batch.rows, [0, 1, 2, 4, 5, 6]);
        for (&row, &target) in batch.rows.iter().zip(&batch.targets) {
            assert_eq!(batch.text.ids[row + 1], target);
        }
        let within = causal_lm(blocks.batch(&[1, 0]), false, tokenizer.bos());
        assert_eq!(within.rows, [0, 1, 4, 5]);
    }

    #[test]
    fn shuffling_texts_keeps_every_token() {
        let tokenizer = bytes_only();
        let texts: Vec<String> = (0..3000).map(|n| format!("text {n}")).collect();
        let spec = BlockSpec { rest: Rest::Keep, ..SPEC };
        let pack = |key| Blocks::pack(&tokenizer, &texts, spec, key).unwrap().ids;
        let (plain, shuffled) = (pack(None), pack(Some(Key::new(1))));
        assert_eq!(shuffled, pack(Some(Key::new(1))));
        assert_ne!(plain, shuffled);
        let sorted = |mut ids: Vec<u32>| {
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(plain), sorted(shuffled));
    }

    #[test]
    fn too_few_tokens_for_a_block_are_an_error() {
        let tokenizer = bytes_only();
        assert!(Blocks::pack(&tokenizer, &["a"], SPEC, None).is_err());
        assert!(
            Blocks::pack(&tokenizer, &["abc"], BlockSpec { max_tokens: 1, ..SPEC }, None).is_err()
        );
    }
}
