//! What is folded of each run up to a place among a session's entries, going both ways.

use crate::ids::RunName;
use crate::session::replay::{Entries, Entry, Kind};
use std::collections::BTreeMap;

/// Entries taken in between two moments that are kept.
const EVERY: usize = 512;
/// Moments kept; when there are more, every second one is let go.
const KEPT: usize = 64;

/// What is known of each run.
pub type Known<T> = BTreeMap<RunName, T>;

/// What is made of a run's entries.
pub trait Fold: Clone + Default {
    /// Whether entries of a kind may tell it anything.
    fn wants(kind: Kind) -> bool;

    /// Takes one more entry in; whether it told anything.
    fn apply(&mut self, entry: &Entry) -> bool;
}

/// The folds of all runs up to a place.
#[derive(Debug)]
pub struct Upto<T> {
    position: usize,
    taken: usize,
    every: usize,
    known: Known<T>,
    /// Moments gone through, in order: going back begins at one of them.
    kept: Vec<(usize, Known<T>)>,
}

impl<T> Default for Upto<T> {
    fn default() -> Self {
        Self { position: 0, taken: 0, every: EVERY, known: Known::new(), kept: Vec::new() }
    }
}

impl<T: Fold> Upto<T> {
    /// Entries from a place on are others now.
    pub fn forget(&mut self, from: usize) {
        self.kept.retain(|(at, _)| *at <= from);
        if self.position > from {
            self.back(from);
        }
    }

    fn back(&mut self, position: usize) {
        let at = self.kept.partition_point(|(at, _)| *at <= position);
        let kept = at.checked_sub(1).and_then(|at| self.kept.get(at)).cloned();
        (self.position, self.known) = kept.unwrap_or_default();
    }

    /// Goes to a place.
    pub fn seek(&mut self, entries: &impl Entries, position: usize) -> &Known<T> {
        if position < self.position {
            self.back(position);
        }
        while self.position < position {
            let at = self.position;
            self.position += 1;
            if !T::wants(entries.kind(at)) {
                continue;
            }
            let Some(entry) = entries.entry(at) else { continue };
            let (Entry::Run(run, _) | Entry::System(run, _)) = &entry else { continue };
            if self.known.entry(run.clone()).or_default().apply(&entry) {
                self.taken += 1;
                self.keep();
            }
        }
        &self.known
    }

    /// Keeps this moment, where it is time to.
    fn keep(&mut self) {
        let further = self.kept.last().is_none_or(|(at, _)| *at < self.position);
        if !further || !self.taken.is_multiple_of(self.every) {
            return;
        }
        self.kept.push((self.position, self.known.clone()));
        if self.kept.len() > KEPT {
            self.every *= 2;
            let mut second = true;
            self.kept.retain(|_| {
                second = !second;
                second
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Time;
    use crate::session::event::Warned;
    use crate::session::record::Record;

    /// Counts warnings.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Count(usize);

    impl Fold for Count {
        fn wants(kind: Kind) -> bool {
            kind == Kind::Landmark
        }

        fn apply(&mut self, _entry: &Entry) -> bool {
            self.0 += 1;
            true
        }
    }

    fn warned(at: usize) -> Entry {
        let time = Time::from_millis(at as i64).unwrap();
        let warned = Warned { what: "hot".to_owned() };
        Entry::Run("tiny-1".parse().unwrap(), Record::new(at as u64, time, warned))
    }

    #[test]
    fn every_place_is_reached_both_ways_and_few_moments_are_kept() {
        let entries: Vec<Entry> = (1..=200_000).map(warned).collect();
        let run: RunName = "tiny-1".parse().unwrap();
        let mut upto = Upto::<Count>::default();
        for position in [0, 3, 200_000, 100_001, 600, 199_999, 1, 0] {
            let known = upto.seek(&entries, position);
            assert_eq!(known.get(&run).map_or(0, |count| count.0), position);
        }
        assert!(upto.kept.len() <= KEPT && upto.kept.len() > KEPT / 4, "{}", upto.kept.len());
        upto.forget(10);
        assert!(upto.kept.is_empty());
        assert_eq!(upto.seek(&entries, 12)[&run], Count(12));
    }
}
