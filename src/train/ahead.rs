//! One batch made on a thread of its own while a step computes.

use super::TrainError;
use super::batch::Batch;
use crate::rng::Key;
use std::thread::JoinHandle;

/// A batch in the making.
struct Pending {
    rows: Vec<usize>,
    key: Key,
    made: JoinHandle<Result<Batch, TrainError>>,
}

/// At most one batch that is made ahead. What it gives is what making it in place would give: a
/// batch is a function of its rows and its key.
#[derive(Default)]
pub struct Ahead(Option<Pending>);

impl Ahead {
    /// Begins to make the batch of these rows. Where no thread can be had, nothing is made ahead.
    pub fn begin(
        &mut self,
        rows: Vec<usize>,
        key: Key,
        make: impl FnOnce() -> Result<Batch, TrainError> + Send + 'static,
    ) {
        let thread = std::thread::Builder::new().name("next batch".to_owned());
        self.0 = thread.spawn(make).ok().map(|made| Pending { rows, key, made });
    }

    /// The batch of these rows and this key, waited for; none where another or none was begun, or
    /// where its thread broke down.
    pub fn take(&mut self, rows: &[usize], key: Key) -> Option<Result<Batch, TrainError>> {
        let pending = self.0.take()?;
        // Even one that is not wanted is waited for: two would be made at once otherwise.
        let made = pending.made.join();
        if pending.rows == rows && pending.key == key { made.ok() } else { None }
    }
}

impl Drop for Ahead {
    /// Waits, so that no thread outlives its stage.
    fn drop(&mut self) {
        if let Some(pending) = self.0.take() {
            let _ = pending.made.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(number: usize) -> Result<Batch, TrainError> {
        Ok(Batch::ImageText {
            patches: Vec::new(),
            patch_numbers: 0,
            images: number,
            text: crate::data::text::TextBatch::default(),
            rows: Vec::new(),
            items: Vec::new(),
        })
    }

    #[test]
    fn only_the_batch_that_was_begun_is_taken() {
        let images = |made: Option<Result<Batch, TrainError>>| match made {
            Some(Ok(Batch::ImageText { images, .. })) => Some(images),
            _ => None,
        };
        let mut ahead = Ahead::default();
        assert!(ahead.take(&[1], Key::new(1)).is_none());
        for (rows, key, expected) in
            [([1], Key::new(1), Some(7)), ([2], Key::new(1), None), ([1], Key::new(2), None)]
        {
            ahead.begin(vec![1], Key::new(1), || batch(7));
            assert_eq!(images(ahead.take(&rows, key)), expected);
            assert!(ahead.take(&rows, key).is_none());
        }
        ahead.begin(vec![1], Key::new(1), || panic!("on purpose"));
        assert!(ahead.take(&[1], Key::new(1)).is_none());
    }
}
