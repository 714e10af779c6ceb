//! Masked next-token prediction (LLM2Vec's second stage): some tokens are hidden, and each is
//! predicted from the position before it, which is where a causal model learned to predict it.

use super::super::error::{DataError, Result};
use super::super::text::TextBatch;
use super::super::tokenizer::Tokenizer;
use super::TokenBatch;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// What stands in the place of a chosen token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replace {
    /// BERT's way: the mask token in 80 %, a random token in 10 %, the token itself in 10 %.
    #[default]
    Bert,
    /// The mask token always.
    AllMask,
}

/// How tokens are hidden. The defaults are LLM2Vec's for Llama.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskSpec {
    /// The chance of a token that is not special to be chosen.
    pub probability: f32,
    /// What stands in its place.
    pub replace: Replace,
    /// The token that hides others, spelt as in the vocabulary.
    pub token: String,
}

impl Default for MaskSpec {
    fn default() -> Self {
        Self { probability: 0.2, replace: Replace::Bert, token: "_".to_owned() }
    }
}

/// A [`MaskSpec`] with its token looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Masker {
    probability: f32,
    replace: Replace,
    token: u32,
    vocab: usize,
}

impl Masker {
    /// # Errors
    /// The tokenizer has no such token, or the probability is not in 0..=1.
    pub fn new(spec: &MaskSpec, tokenizer: &Tokenizer) -> Result<Self> {
        if !(0.0..=1.0).contains(&spec.probability) {
            return Err(DataError::Range {
                what: "mask probability, in percent",
                expected: "0 to 100".to_owned(),
                found: (spec.probability * 100.0) as usize,
            });
        }
        Ok(Self {
            probability: spec.probability,
            replace: spec.replace,
            token: tokenizer.id_of(&spec.token, "hiding tokens")?,
            vocab: tokenizer.vocab_size(),
        })
    }

    /// Hides tokens of each row, keyed by the row's item below `key` (one a step). Special tokens
    /// are never chosen. A chosen token at a row's start is hidden and not predicted: nothing
    /// stands before it.
    pub fn mask(&self, mut text: TextBatch, tokenizer: &Tokenizer, key: Key) -> TokenBatch {
        let keys = text.keys(key.named("mask"), 0);
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for ((start, &length), key) in text.starts().into_iter().zip(&text.lengths).zip(keys) {
            for at in 0..length {
                let id = text.ids[start + at];
                let mut stream = key.child(at as u64).stream();
                if tokenizer.is_special(id) || stream.uniform() >= self.probability {
                    continue;
                }
                if at > 0 {
                    rows.push(start + at - 1);
                    targets.push(id);
                }
                let draw = stream.uniform();
                text.ids[start + at] = match self.replace {
                    Replace::Bert if draw >= 0.9 => id,
                    Replace::Bert if draw >= 0.8 => stream.below(self.vocab) as u32,
                    Replace::Bert | Replace::AllMask => self.token,
                };
            }
        }
        TokenBatch { text, rows, targets }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::text::TextSpec;
    use super::super::super::text::tests::bytes_only;
    use super::super::causal_lm::{BlockSpec, Blocks, Rest};
    use super::*;

    fn masked(blocks: &Blocks, rows: &[usize], replace: Replace) -> TokenBatch {
        let tokenizer = bytes_only();
        let masker = Masker::new(&MaskSpec { replace, ..MaskSpec::default() }, &tokenizer).unwrap();
        masker.mask(blocks.batch(rows), &tokenizer, Key::new(5).child(11))
    }

    fn blocks() -> Blocks {
        let texts: Vec<String> = (0..2000).map(|n| format!("text number {n}")).collect();
        let spec = BlockSpec { max_tokens: 64, bos: true, eos: true, rest: Rest::Drop };
        Blocks::pack(&bytes_only(), &texts, spec, None).unwrap()
    }

    #[test]
    fn a_fifth_of_the_plain_tokens_is_chosen_and_no_special_one() {
        let (blocks, tokenizer) = (blocks(), bytes_only());
        let rows: Vec<usize> = (0..blocks.len()).collect();
        let before = blocks.batch(&rows);
        let batch = masked(&blocks, &rows, Replace::Bert);
        let plain = before.ids.iter().filter(|&&id| !tokenizer.is_special(id)).count();
        let share = batch.targets.len() as f64 / plain as f64;
        assert!((share - 0.2).abs() < 0.01, "{share}");
        let mask = tokenizer.id_of("_", "the test").unwrap();
        let mut counts = [0.0; 3];
        for (&row, &target) in batch.rows.iter().zip(&batch.targets) {
            assert_eq!(before.ids[row + 1], target);
            assert!(!tokenizer.is_special(target));
            let now = batch.text.ids[row + 1];
            counts[if now == mask { 0 } else { 1 + usize::from(now == target) }] += 1.0;
        }
        let shares = counts.map(|count: f64| count / batch.targets.len() as f64);
        assert!(
            shares.iter().zip([0.8, 0.1, 0.1]).all(|(share, want)| (share - want).abs() < 0.02),
            "{shares:?}"
        );
        for (at, (&was, &now)) in before.ids.iter().zip(&batch.text.ids).enumerate() {
            let starts_a_row = at % 64 == 0;
            assert!(was == now || starts_a_row || batch.rows.binary_search(&(at - 1)).is_ok());
        }
    }

    #[test]
    fn all_mask_leaves_no_chosen_token_in_sight() {
        let (blocks, tokenizer) = (blocks(), bytes_only());
        let mask = tokenizer.id_of("_", "the test").unwrap();
        let batch = masked(&blocks, &[0, 3], Replace::AllMask);
        assert!(batch.rows.iter().all(|&row| batch.text.ids[row + 1] == mask));
    }

    #[test]
    fn micro_batches_hold_what_the_whole_batch_holds() {
        let blocks = blocks();
        let whole = masked(&blocks, &[4, 9, 2], Replace::Bert);
        let (first, second) =
            (masked(&blocks, &[4], Replace::Bert), masked(&blocks, &[9, 2], Replace::Bert));
        assert_eq!(whole.text.ids, [first.text.ids, second.text.ids].concat());
        assert_eq!(whole.targets, [first.targets, second.targets].concat());
    }

    #[test]
    fn the_first_token_of_a_row_is_never_predicted() {
        let tokenizer = bytes_only();
        let spec = MaskSpec { probability: 1.0, ..MaskSpec::default() };
        let masker = Masker::new(&spec, &tokenizer).unwrap();
        let spec = TextSpec { bos: false, ..TextSpec::llama(8) };
        let text = TextBatch::new(&tokenizer, &["abc", "x"], &[0, 1], &spec).unwrap();
        let batch = masker.mask(text, &tokenizer, Key::new(0));
        assert_eq!(batch.rows, [0, 1]);
    }
}
