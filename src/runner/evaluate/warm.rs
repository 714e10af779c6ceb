//! Encodings with the time they take: what only a first one pays for is paid before the clock starts, so
//! that encoders that are compared are not told apart by their order.

use crate::data::corpus::Picture;
use crate::data::picture::Exif;
use crate::data::pictures::load;
use crate::encode::{EncodeError, EncodedImages, EncodedTexts, ImageEncoder, TextEncoder};
use crate::runner::{Narrator, RunError};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Items that are encoded beforehand at most; of a short list, an eighth.
const FEW: usize = 8;

/// One item alone that took longer is not encoded again: what only a first one pays for is little of it.
pub(super) const LONG: Duration = Duration::from_secs(2);

/// Hears of items done and items in all, and may end the work there.
type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>;

/// Rows of texts, and the milliseconds a text of encoding them all, once, after a few.
///
/// # Errors
/// A text that cannot be encoded; a narrator that is told to end.
pub fn clocked_texts(
    encoder: &dyn TextEncoder,
    texts: &[&str],
    what: &str,
    narrator: &mut Narrator,
) -> Result<(EncodedTexts, f64), RunError> {
    let encode = |first: usize, progress: Progress<'_>| encoder.encode(&texts[..first], progress);
    warmed(texts.len(), LONG, what, narrator, encode)
}

/// Rows of pictures, and the milliseconds a picture of reading and encoding them all, once, after a few.
///
/// # Errors
/// A picture that cannot be read; a narrator that is told to end.
pub fn clocked_pictures(
    encoder: &dyn ImageEncoder,
    pictures: &[&Picture],
    what: &str,
    narrator: &mut Narrator,
) -> Result<(EncodedImages, f64), RunError> {
    touch(pictures);
    let encode =
        |first: usize, progress: Progress<'_>| encoder.encode(&pictures[..first], progress);
    warmed(pictures.len(), LONG, what, narrator, encode)
}

/// What encoding all `count` items made, and the milliseconds an item. The first few are encoded
/// beforehand for nothing: weights are read and threads started. One alone is the answer at once, and
/// is encoded again, for its time, where it did not take `long`.
fn warmed<T>(
    count: usize,
    long: Duration,
    what: &str,
    narrator: &mut Narrator,
    encode: impl Fn(usize, Progress<'_>) -> Result<T, EncodeError>,
) -> Result<(T, f64), RunError> {
    if count > 1 {
        // What is wrong with one of them is said by the encoding that counts.
        quietly(narrator, |progress| encode(beforehand(count), progress))?;
    }
    let (made, mut time) = clocked(what, narrator, |progress| encode(count, progress))?;
    if count == 1 && time < long {
        let clock = Instant::now();
        if quietly(narrator, |progress| encode(count, progress))?.is_some() {
            time = time.min(clock.elapsed());
        }
    }
    Ok((made, per(time, count)))
}

/// Encodes without a word; nothing where that fails.
///
/// # Errors
/// A narrator that is told to end.
fn quietly<T>(
    narrator: &mut Narrator,
    encode: impl FnOnce(Progress<'_>) -> Result<T, EncodeError>,
) -> Result<Option<T>, RunError> {
    let mut heard = Ok(());
    let made = encode(&mut |_, _| {
        heard = narrator.attend_between();
        if heard.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    heard?;
    Ok(made.ok())
}

/// A question's rows, and the time they took. Of a new encoder the first time is not the one that is
/// told, unless it was `long` anyhow.
///
/// # Errors
/// As `encode`.
pub(super) fn at_once<T>(
    is_new: bool,
    long: Duration,
    encode: impl Fn() -> Result<T, EncodeError>,
) -> Result<(T, Duration), EncodeError> {
    let clock = Instant::now();
    let made = encode()?;
    let mut time = clock.elapsed();
    if is_new && time < long {
        let clock = Instant::now();
        encode()?;
        time = time.min(clock.elapsed());
    }
    Ok((made, time))
}

/// Has the built-in sheets decoded that these pictures are cut from: the first that asks pays for all.
pub(super) fn touch(pictures: &[&Picture]) {
    let mut seen = BTreeSet::new();
    for picture in pictures {
        if let Picture::Builtin { vendor, .. } = picture
            && seen.insert(*vendor)
        {
            let _ = load(picture, Exif::Ignored);
        }
    }
}

/// Milliseconds an item.
pub(super) fn per(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e3 / count.max(1) as f64
}

fn beforehand(count: usize) -> usize {
    count.div_ceil(FEW).min(FEW)
}

/// What an encoding made and how long it took, without the time in which it was talked about: a run may
/// be paused there.
fn clocked<T>(
    what: &str,
    narrator: &mut Narrator,
    encode: impl FnOnce(Progress<'_>) -> Result<T, EncodeError>,
) -> Result<(T, Duration), RunError> {
    let mut talked = Duration::ZERO;
    let clock = Instant::now();
    let made = narrator.encoding(what, |progress| {
        encode(&mut |done, all| {
            let begun = Instant::now();
            let flow = progress(done, all);
            talked += begun.elapsed();
            flow
        })
    })?;
    Ok((made, clock.elapsed().saturating_sub(talked)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Embeddings, EncoderCard, KeptRows};
    use crate::runner::control::Control;
    use crate::runner::{Stop, Voice};
    use std::cell::RefCell;
    use std::thread::sleep;

    const COLD: Duration = Duration::from_millis(400);

    /// Takes long the first time it is asked, and then next to nothing.
    struct Slow {
        card: EncoderCard,
        asked: RefCell<Vec<usize>>,
    }

    impl Slow {
        fn new() -> Self {
            let card = serde_json::json!({"encoder": "slow", "kind": "clip", "tower": "text", "dim": 1,
                "text": null, "layer": null, "picture": null, "normalised": true, "dtype": "f32",
                "tokenizer": null, "weights": null, "stands_on": []});
            Self { card: serde_json::from_value(card).unwrap(), asked: RefCell::default() }
        }

        fn rows(&self, count: usize) -> Embeddings {
            if self.asked.borrow().is_empty() {
                sleep(COLD);
            }
            self.asked.borrow_mut().push(count);
            Embeddings::new(1, vec![1.0; count]).unwrap()
        }
    }

    impl TextEncoder for Slow {
        fn card(&self) -> &EncoderCard {
            &self.card
        }

        fn encode_on(
            &self,
            texts: &[&str],
            _: &mut KeptRows,
            progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
        ) -> Result<EncodedTexts, EncodeError> {
            let (rows, cut) = (self.rows(texts.len()), vec![false; texts.len()]);
            if progress(texts.len(), texts.len()).is_break() {
                return Err(EncodeError::Interrupted);
            }
            Ok(EncodedTexts { rows, tokens: 0, truncated: 0, cut })
        }
    }

    impl ImageEncoder for Slow {
        fn card(&self) -> &EncoderCard {
            &self.card
        }

        fn encode(
            &self,
            pictures: &[&Picture],
            _: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
        ) -> Result<EncodedImages, EncodeError> {
            Ok(EncodedImages { rows: self.rows(pictures.len()), patches: 0 })
        }
    }

    #[test]
    fn what_only_the_first_encoding_pays_for_is_not_in_the_time() {
        let mut narrator = Narrator::new(None, Voice::Quiet);
        let texts = vec!["a"; 100];
        let slow = Slow::new();
        let (made, ms) = clocked_texts(&slow, &texts, "texts", &mut narrator).unwrap();
        assert_eq!((made.rows.rows(), slow.asked.borrow().clone()), (100, vec![8, 100]));
        assert!(ms < 1e3 * COLD.as_secs_f64() / 100.0, "{ms}");
        let picture = Picture::Builtin { vendor: 0, index: 0 };
        let pictures = vec![&picture; 20];
        let slow = Slow::new();
        let (made, ms) = clocked_pictures(&slow, &pictures, "pictures", &mut narrator).unwrap();
        assert_eq!((made.rows.rows(), slow.asked.borrow().clone()), (20, vec![3, 20]));
        assert!(ms < 1e3 * COLD.as_secs_f64() / 20.0, "{ms}");
    }

    #[test]
    fn one_alone_is_encoded_again_for_its_time_and_not_where_it_took_long() {
        let mut narrator = Narrator::new(None, Voice::Quiet);
        let slow = Slow::new();
        let (made, ms) = clocked_texts(&slow, &["a"], "texts", &mut narrator).unwrap();
        assert_eq!((made.rows.rows(), slow.asked.borrow().clone()), (1, vec![1, 1]));
        assert!(ms < 1e3 * COLD.as_secs_f64(), "{ms}");
        let slow = Slow::new();
        let texts = ["a"];
        let encode = |first: usize, progress: Progress<'_>| {
            TextEncoder::encode(&slow, &texts[..first], progress)
        };
        let (_, ms) = warmed(1, COLD, "texts", &mut narrator, encode).unwrap();
        assert_eq!(slow.asked.borrow().clone(), [1]);
        assert!(ms >= 1e3 * COLD.as_secs_f64(), "{ms}");
        let none = clocked_texts(&slow, &[], "texts", &mut narrator).unwrap();
        assert_eq!((none.0.rows.rows(), slow.asked.borrow().clone()), (0, vec![1, 0]));
        for (is_new, long, times) in [(true, LONG, 2), (true, Duration::ZERO, 1), (false, LONG, 1)]
        {
            let asked = RefCell::new(0);
            let encode = || {
                *asked.borrow_mut() += 1;
                Ok(())
            };
            at_once(is_new, long, encode).unwrap();
            assert_eq!(asked.into_inner(), times);
        }
    }

    #[test]
    fn a_run_that_is_told_to_end_ends_in_the_encoding_beforehand() {
        let stop = Stop::new();
        stop.ask(2);
        let folder = tempfile::tempdir().unwrap();
        let mut narrator = Narrator::new(None, Voice::Quiet);
        narrator.control = Some(Control::new(folder.path().join("mailbox"), stop));
        let slow = Slow::new();
        let error = clocked_texts(&slow, &["a"; 100], "texts", &mut narrator).unwrap_err();
        assert!(matches!(error, RunError::Stopped { .. }), "{error}");
        assert_eq!(slow.asked.borrow().clone(), [8]);
    }

    #[test]
    fn few_are_encoded_twice_however_many_there_are() {
        assert_eq!([0, 1, 8, 9, 64, 25_000].map(beforehand), [0, 1, 1, 2, 8, 8]);
    }
}
