//! Which concepts train and which are held out.

use crate::rng::Key;
use std::collections::BTreeMap;

/// The seed of the one split there is. Another seed would be another data set.
pub const SPLIT_SEED: u64 = 20_240_924;
/// Concepts whose base form is a test item.
pub const TEST_CONCEPTS: usize = 380;
/// Concepts whose base form is a validation item.
pub const VALIDATION_CONCEPTS: usize = 150;

/// The split that trains: every form of its concepts.
pub const TRAIN: &str = "train";
/// The split that training watches: base forms only.
pub const VALIDATION: &str = "validation";
/// The split that results are of: base forms only.
pub const TEST: &str = "test";
/// Variants of test and validation concepts: in no training and in no evaluation.
pub const HELD_OUT: &str = "held-out";

/// The split of each of these concepts: sorted, shuffled by [`SPLIT_SEED`], the first
/// [`TEST_CONCEPTS`] test, the next [`VALIDATION_CONCEPTS`] validation, all others training. A pure
/// function of the set of names, whatever their order and however often one comes.
pub fn assign<'a>(concepts: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, &'static str> {
    let mut names: Vec<&str> = concepts.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    Key::new(SPLIT_SEED).named("emoji").named("split").stream().shuffle(&mut names);
    let split = |place: usize| match place {
        place if place < TEST_CONCEPTS => TEST,
        place if place < TEST_CONCEPTS + VALIDATION_CONCEPTS => VALIDATION,
        _ => TRAIN,
    };
    names.into_iter().enumerate().map(|(place, name)| (name, split(place))).collect()
}

/// The split of one form of a concept that is in `split`.
pub fn of_form(split: &'static str, base: bool) -> &'static str {
    if base || split == TRAIN { split } else { HELD_OUT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_hangs_on_the_set_of_names_alone() {
        let names: Vec<String> = (0..1000).map(|n| format!("concept {n}")).collect();
        let forward = assign(names.iter().map(String::as_str));
        let again = assign(names.iter().rev().chain(&names).map(String::as_str));
        assert_eq!(forward, again);
        let count = |split| forward.values().filter(|found| **found == split).count();
        assert_eq!(count(TEST), TEST_CONCEPTS);
        assert_eq!(count(VALIDATION), VALIDATION_CONCEPTS);
        assert_eq!(count(TRAIN), 1000 - TEST_CONCEPTS - VALIDATION_CONCEPTS);
    }

    #[test]
    fn variants_of_held_out_concepts_are_in_no_training_and_no_evaluation() {
        assert_eq!(of_form(TRAIN, false), TRAIN);
        assert_eq!(of_form(TEST, true), TEST);
        assert_eq!(of_form(TEST, false), HELD_OUT);
        assert_eq!(of_form(VALIDATION, false), HELD_OUT);
    }
}
