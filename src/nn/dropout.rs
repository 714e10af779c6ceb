//! Keyed dropout: nothing is stored, backward draws the same mask again.

use super::Packing;
use crate::rng::Key;
use std::sync::Arc;

/// One key a sequence of the batch. An item's key does not depend on the batch around it, so a
/// micro-batch drops what the whole batch would have dropped.
#[derive(Clone, Debug)]
pub struct DropKeys {
    keys: Arc<[Key]>,
}

impl DropKeys {
    /// Keys of sequences 0, 1, ...
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys: keys.into() }
    }

    /// The number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no sequence.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of sequence `s`, which must be below [`DropKeys::len`].
    #[must_use]
    pub fn key(&self, s: usize) -> Key {
        self.keys[s]
    }
}

/// Dropout with probability `p` at one place of a model.
#[derive(Clone, Debug)]
pub struct Dropout {
    /// The probability of dropping, in 0..1.
    pub p: f32,
    /// One key a sequence.
    pub keys: DropKeys,
    /// Numbers the place: layer and site.
    pub site: u64,
}

impl Dropout {
    /// Random bits below this are dropped.
    pub(crate) fn threshold(&self) -> u32 {
        (f64::from(self.p) * 4_294_967_296.0) as u32
    }

    /// What the kept numbers are multiplied by.
    pub(crate) fn scale(&self) -> f32 {
        1.0 / (1.0 - self.p)
    }

    /// The stream of sequence `s` at this place.
    pub(crate) fn stream(&self, s: usize) -> Key {
        self.keys.key(s).child(self.site)
    }
}

/// Where a LoRA linear drops: the keys of the batch, the place, and which rows form a sequence.
/// The probability is the LoRA's own.
#[derive(Clone, Copy, Debug)]
pub struct DropAt<'a> {
    /// One key a sequence.
    pub keys: &'a DropKeys,
    /// Numbers the place: layer and site.
    pub site: u64,
    /// The sequences of the rows.
    pub packing: &'a Packing,
}
