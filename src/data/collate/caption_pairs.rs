//! Caption contrast (LLM2CLIP's first stage): two captions of one item belong together, and those
//! of other items do not.

use super::super::corpus::Item;
use super::super::error::{DataError, Result};
use super::super::text::{TextBatch, TextSpec};
use super::super::tokenizer::Tokenizer;
use super::CaptionFilter;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// How pairs are drawn and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairSpec {
    /// The captions to draw from.
    pub captions: CaptionFilter,
    /// How the asking caption is read; carries the instruction, where there is one.
    pub query: TextSpec,
    /// How its answers, right and wrong, are read.
    pub answer: TextSpec,
    /// Draw one wrong answer more a row, beside the other rows' right ones.
    pub hard_negative: bool,
}

/// The captions drawn for one row: numbers within their items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The row's item.
    pub item: usize,
    /// The caption that asks.
    pub query: usize,
    /// The caption that answers.
    pub positive: usize,
    /// Another item and its caption: a wrong answer.
    pub negative: Option<(usize, usize)>,
}

/// Tokens of the pairs of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairBatch {
    /// What was drawn, `[rows]`.
    pub pairs: Vec<Pair>,
    /// `[rows]` packed; `items` are the rows' items.
    pub queries: TextBatch,
    /// `[rows]` packed, each the answer to the query of its row.
    pub positives: TextBatch,
    /// `[rows]` packed, each a wrong answer to the query of its row.
    pub negatives: Option<TextBatch>,
}

/// Draws captions for these rows of `items`. `pool` are the items that wrong answers come from,
/// the same for every step and micro-batch (all that train; see [`CaptionFilter::eligible`]).
///
/// # Errors
/// An item with fewer than two different captions, or no item of another concept in the pool.
pub fn draw(
    items: &[Item],
    rows: &[usize],
    pool: &[usize],
    spec: &PairSpec,
    key: Key,
) -> Result<Vec<Pair>> {
    rows.iter().map(|&item| draw_one(items, item, pool, spec, key)).collect()
}

fn draw_one(
    items: &[Item],
    item: usize,
    pool: &[usize],
    spec: &PairSpec,
    key: Key,
) -> Result<Pair> {
    let captions = spec.captions.at_least(&items[item], 2, "two different captions")?;
    let mut stream = key.named("captions").child(item as u64).stream();
    let query = stream.below(captions.len());
    let other = stream.below(captions.len() - 1);
    let positive = captions[other + usize::from(other >= query)];
    let negative = if spec.hard_negative {
        Some(wrong_answer(items, item, positive, pool, &spec.captions, key)?)
    } else {
        None
    };
    Ok(Pair { item, query: captions[query], positive, negative })
}

/// A caption of another concept, of the positive's kind as far as there is one: the same number
/// and language, else the same language, else any.
fn wrong_answer(
    items: &[Item],
    item: usize,
    positive: usize,
    pool: &[usize],
    filter: &CaptionFilter,
    key: Key,
) -> Result<(usize, usize)> {
    let own = &items[item];
    let mut stream = key.named("negative").child(item as u64).stream();
    let from = if pool.is_empty() { 0 } else { stream.below(pool.len()) };
    let found = (0..pool.len())
        .map(|step| pool[(from + step) % pool.len()])
        .map(|other| (other, filter.of(&items[other])))
        .find(|(other, captions)| items[*other].concept != own.concept && !captions.is_empty());
    let Some((other, captions)) = found else {
        return Err(DataError::ItemLacks {
            id: own.id.clone(),
            expected: "an item of another concept to draw a wrong answer from",
            found: 0,
        });
    };
    let language = |k: usize| items[other].captions[k].language.as_deref();
    let like = own.captions[positive].language.as_deref();
    let spoken: Vec<usize> = captions.iter().copied().filter(|&k| language(k) == like).collect();
    let caption = if spoken.contains(&positive) {
        positive
    } else {
        let kind = if spoken.is_empty() { &captions } else { &spoken };
        kind[stream.below(kind.len())]
    };
    Ok((other, caption))
}

/// Draws and tokenises the pairs of one step. See [`draw`]; `items` of each batch name the row's
/// item, so a row's three texts are told apart by view: 0 asks, 1 answers, 2 is wrong.
pub fn caption_pairs(
    tokenizer: &Tokenizer,
    items: &[Item],
    rows: &[usize],
    pool: &[usize],
    spec: &PairSpec,
    key: Key,
) -> Result<PairBatch> {
    let pairs = draw(items, rows, pool, spec, key)?;
    let text = |item: usize, caption: usize| items[item].captions[caption].text.as_str();
    let read = |texts: Vec<&str>, spec| TextBatch::new(tokenizer, &texts, rows, spec);
    let queries =
        read(pairs.iter().map(|pair| text(pair.item, pair.query)).collect(), &spec.query)?;
    let answers = pairs.iter().map(|pair| text(pair.item, pair.positive)).collect();
    let positives = read(answers, &spec.answer)?;
    let wrong: Vec<&str> =
        pairs.iter().filter_map(|pair| pair.negative).map(|(other, k)| text(other, k)).collect();
    let negatives = if spec.hard_negative { Some(read(wrong, &spec.answer)?) } else { None };
    Ok(PairBatch { pairs, queries, positives, negatives })
}

#[cfg(test)]
mod tests {
    use super::super::super::text::tests::bytes_only;
    use super::super::tests::corpus;
    use super::*;

    fn spec(hard_negative: bool) -> PairSpec {
        PairSpec {
            captions: CaptionFilter::default(),
            query: TextSpec::llm2vec("find", 64),
            answer: TextSpec::llm2vec("", 64),
            hard_negative,
        }
    }

    #[test]
    fn a_pair_is_two_different_captions_of_one_item() {
        let corpus = corpus(20);
        let rows: Vec<usize> = (0..20).collect();
        let mut seen = std::collections::BTreeSet::new();
        for step in 0..50 {
            let pairs =
                draw(&corpus.items, &rows, &rows, &spec(true), Key::new(1).child(step)).unwrap();
            for pair in pairs {
                assert_ne!(pair.query, pair.positive);
                seen.insert((pair.query, pair.positive));
                let (other, caption) = pair.negative.unwrap();
                assert_ne!(corpus.items[other].concept, corpus.items[pair.item].concept);
                assert_eq!(caption, pair.positive);
            }
        }
        assert_eq!(seen.len(), 6, "all ordered pairs of three captions are drawn");
    }

    #[test]
    fn micro_batches_hold_what_the_whole_batch_holds() {
        let (corpus, tokenizer) = (corpus(20), bytes_only());
        let pool: Vec<usize> = (0..20).collect();
        let make = |rows: &[usize]| {
            let key = Key::new(3).child(8);
            caption_pairs(&tokenizer, &corpus.items, rows, &pool, &spec(true), key).unwrap()
        };
        let (whole, first, second) = (make(&[7, 1, 12]), make(&[7]), make(&[1, 12]));
        assert_eq!(whole.pairs, [first.pairs, second.pairs].concat());
        assert_eq!(whole.queries.ids, [first.queries.ids, second.queries.ids].concat());
        let negatives = |batch: Option<TextBatch>| batch.unwrap().ids;
        assert_eq!(
            negatives(whole.negatives),
            [negatives(first.negatives), negatives(second.negatives)].concat()
        );
        assert!(whole.queries.embed.iter().filter(|&&pooled| !pooled).count() == 3 * 6);
    }

    #[test]
    fn what_cannot_be_paired_is_an_error_with_its_id() {
        let corpus = corpus(2);
        let mut one = spec(false);
        one.captions.first = Some(1);
        let error = draw(&corpus.items, &[1], &[0, 1], &one, Key::new(0)).unwrap_err();
        assert!(error.to_string().contains("\"i1\""), "{error}");
        assert!(draw(&corpus.items, &[0], &[0, 1], &spec(true), Key::new(0)).is_err());
        assert!(draw(&corpus.items, &[0], &[], &spec(true), Key::new(0)).is_err());
    }
}
