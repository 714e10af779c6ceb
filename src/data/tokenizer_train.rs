//! Training a byte-level BPE tokenizer: how `builtin:llama` gets its own.
//!
//! Byte-level, so that every text of every script has ids and nothing is ever unknown; the split
//! into words is Llama 3's, so that other programs read the file as that family's.

use super::error::{DataError, Result, Source};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior};

/// Starts a sequence; id 0.
pub const BOS: &str = "<s>";
/// Ends a sequence; id 1.
pub const EOS: &str = "</s>";

/// How Llama 3 cuts a text into words before byte pairs are merged: contractions, words with one
/// leading mark or space, numbers by three digits, punctuation, line ends, spaces.
const WORDS: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// What a tokenizer is trained with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Training {
    /// Ids in all: two special tokens, 256 bytes, the rest merges.
    pub vocab: usize,
    /// A pair seen less often is never merged.
    pub min_count: u64,
    /// No token is longer, in bytes: scripts without spaces would give whole sentences.
    pub max_bytes: usize,
}

impl Default for Training {
    fn default() -> Self {
        Self { vocab: 8192, min_count: 2, max_bytes: 24 }
    }
}

/// Trains on these texts and returns the bytes of a `tokenizer.json`: the same bytes for the same
/// texts, in whatever order. A text counts as often as it is given, so a language that has few
/// texts is strengthened by giving them several times.
///
/// The file's own post-processor puts [`BOS`] first, as Llama's does.
///
/// # Errors
/// A vocabulary that does not hold the bytes, or a failure inside the trainer.
pub fn train<'a, I>(texts: I, training: &Training) -> Result<Vec<u8>>
where
    I: IntoIterator<Item = &'a str>,
    I::IntoIter: Send,
{
    if training.vocab < 258 {
        return Err(DataError::Range {
            what: "vocabulary size",
            expected: "at least 258, two special tokens and all bytes".to_owned(),
            found: training.vocab,
        });
    }
    build(texts.into_iter(), training).map_err(DataError::TokenizerTraining)
}

fn build<'a>(
    texts: impl Iterator<Item = &'a str> + Send,
    training: &Training,
) -> Result<Vec<u8>, Source> {
    let split =
        Split::new(SplitPattern::Regex(WORDS.to_owned()), SplitDelimiterBehavior::Isolated, false)?;
    let bytes = ByteLevel::new(false, true, false);
    let mut tokenizer = tokenizers::Tokenizer::new(BPE::default());
    tokenizer
        .with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(vec![
            PreTokenizerWrapper::Split(split),
            PreTokenizerWrapper::ByteLevel(bytes),
        ]))))
        .with_decoder(Some(bytes));
    let special = |text: &str| AddedToken::from(text, true);
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(training.vocab)
        .min_frequency(training.min_count)
        .max_token_length(Some(training.max_bytes))
        .special_tokens(vec![special(BOS), special(EOS)])
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    tokenizer.train(&mut TrainerWrapper::BpeTrainer(trainer), texts)?;
    tokenizer.with_post_processor(Some(
        TemplateProcessing::builder()
            .try_single(format!("{BOS} $A"))?
            .try_pair(format!("{BOS} $A {BOS} $B:1"))?
            .special_tokens(vec![(BOS, 0)])
            .build()?,
    ));
    Ok(tokenizer.to_string(false)?.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::tokenizer::Tokenizer;
    use super::*;

    const TEXTS: [&str; 6] = [
        "grinning face with big eyes; a grinning face",
        "활짝 웃는 얼굴, 웃는 얼굴",
        "lachendes Gesicht mit großen Augen und Gesicht",
        "笑っている顔 笑っている顔",
        "visage souriant, visage avec sourire",
        "a face: \"the face\" 12345 's",
    ];

    #[test]
    fn the_same_texts_give_the_same_bytes_in_any_order() {
        let first = train(TEXTS, &Training::default()).unwrap();
        let again = train(TEXTS.into_iter().rev(), &Training::default()).unwrap();
        assert_eq!(first, again);
    }

    #[test]
    fn every_text_comes_back_and_only_bos_is_added_by_the_file() {
        let bytes = train(TEXTS, &Training { vocab: 300, ..Training::default() }).unwrap();
        let tokenizer = Tokenizer::from_bytes(&bytes).unwrap();
        assert_eq!(tokenizer.vocab_size(), 300);
        for text in TEXTS.into_iter().chain(["never seen: ελληνικά \u{1f600} \0 \r\n  x", "_"])
        {
            let ids = tokenizer.ids(text).unwrap();
            assert_eq!(tokenizer.decode(&ids).unwrap(), text);
            let published = tokenizer.published(text).unwrap();
            assert_eq!((published[0], &published[1..]), (0, ids.as_slice()));
        }
        assert_eq!(tokenizer.ids("_").unwrap(), [tokenizer.id_of("_", "the test").unwrap()]);
    }

    #[test]
    fn a_vocabulary_without_room_for_the_bytes_is_refused() {
        assert!(train(TEXTS, &Training { vocab: 257, ..Training::default() }).is_err());
    }
}
