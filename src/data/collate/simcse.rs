//! SimCSE without labels: every text twice, told apart by dropout alone, others are negatives.

use super::super::error::Result;
use super::super::text::{TextBatch, TextSpec};
use super::super::tokenizer::Tokenizer;
use crate::rng::Key;

/// Both views of some texts: equal tokens, different random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewBatch {
    /// The texts once; each view is a forward of these.
    pub text: TextBatch,
    /// `[rows]` of each view: the keys of the rows' dropout.
    pub keys: [Vec<Key>; 2],
}

impl ViewBatch {
    /// Both views as one batch of twice the rows, the first view's rows first, with their keys.
    pub fn stacked(&self) -> (TextBatch, Vec<Key>) {
        let twice = |values: &[usize]| values.repeat(2);
        let text = TextBatch {
            ids: self.text.ids.repeat(2),
            lengths: twice(&self.text.lengths),
            embed: self.text.embed.repeat(2),
            items: twice(&self.text.items),
            truncated: 2 * self.text.truncated,
        };
        (text, self.keys.concat())
    }
}

/// The texts of these rows in both views. `texts` are those of `rows`, which key the draws.
pub fn simcse<S: AsRef<str> + Sync>(
    tokenizer: &Tokenizer,
    texts: &[S],
    rows: &[usize],
    spec: &TextSpec,
    key: Key,
) -> Result<ViewBatch> {
    let text = TextBatch::new(tokenizer, texts, rows, spec)?;
    let keys = [text.keys(key, 0), text.keys(key, 1)];
    Ok(ViewBatch { text, keys })
}

#[cfg(test)]
mod tests {
    use super::super::super::text::tests::bytes_only;
    use super::*;

    #[test]
    fn views_have_equal_tokens_and_different_keys() {
        let (tokenizer, key) = (bytes_only(), Key::new(1).child(2));
        let make = |texts: &[&str], rows: &[usize]| {
            simcse(&tokenizer, texts, rows, &TextSpec::llama(8), key).unwrap()
        };
        let whole = make(&["ab", "c", "d"], &[5, 6, 7]);
        assert!(whole.keys[0].iter().zip(&whole.keys[1]).all(|(one, two)| one != two));
        let part = make(&["c", "d"], &[6, 7]);
        assert_eq!(
            (&whole.keys[0][1..], &whole.keys[1][1..]),
            (&part.keys[0][..], &part.keys[1][..])
        );
        let (stacked, keys) = whole.stacked();
        assert_eq!((stacked.rows(), keys.len()), (6, 6));
        assert_eq!(stacked.ids[..whole.text.tokens()], stacked.ids[whole.text.tokens()..]);
    }
}
