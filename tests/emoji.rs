//! The emoji set in the binary keeps its promises: what is in it, how it is split, that nothing
//! held out leaks into training.
#![allow(clippy::unwrap_used)]

use llm2clip::data::builtin::{
    self, HELD_OUT, LANGUAGES, PICTURE_SIDE, TEST, TEST_CONCEPTS, TRAIN, VALIDATION,
    VALIDATION_CONCEPTS, VENDORS,
};
use llm2clip::data::corpus::{Corpus, Item, Picture, fold};
use llm2clip::ids::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// Changes whenever results of another build could no longer be compared.
const CORPUS_DIGEST: &str = "417a2ea4d7e266e427ac55d76e514846487d95b4e4a1d5a2c7532ba072f0286f";
const SPLIT_DIGEST: &str = "4eff4a9e47ae49173c49af1d666014d19b90d68cbb3b01e24f2b69ac5e7e9d8f";
/// Of all pixels of a vendor, as a decoder in Python reads them by the format of `docs/data.md`.
const PIXEL_DIGESTS: [&str; 2] = [
    "5c461a7bcd72c4ffb0a09e383625ef8ab26bc958acfa0f96bcce84d9b8b2b3aa",
    "adc752d171fe0862660385adfd545b7097eaa671713d6c85cc6b899e2093bcbb",
];

fn corpus() -> &'static Corpus {
    builtin::emoji().unwrap()
}

fn folded(items: impl Iterator<Item = &'static Item>) -> BTreeSet<String> {
    items.flat_map(|item| &item.captions).map(|caption| fold(&caption.text)).collect()
}

/// The folded names in all languages, without the tags.
fn names(items: impl Iterator<Item = &'static Item>) -> BTreeSet<String> {
    let name = |item: &'static Item, k: &serde_json::Value| {
        fold(&item.captions[k.as_u64().unwrap() as usize].text)
    };
    items
        .flat_map(|item| item.extra["names"].as_array().unwrap().iter().map(move |k| name(item, k)))
        .collect()
}

#[test]
fn the_set_is_the_one_that_results_are_of() {
    assert_eq!(corpus().digest.as_str(), CORPUS_DIGEST);
    assert_eq!(builtin::split_digest().unwrap().as_str(), SPLIT_DIGEST);
    assert_eq!(corpus().items.len(), 3785);
    assert_eq!(corpus().languages(), LANGUAGES);
}

#[test]
fn the_set_fits_the_size_it_was_given() {
    let bytes = builtin::asset_bytes();
    assert!(bytes < 8_000_000, "{bytes}");
}

#[test]
fn captions_0_and_1_are_english_and_none_stands_twice_in_one_item() {
    let mut ids = BTreeSet::new();
    for item in &corpus().items {
        assert!(ids.insert(&item.id), "{} stands twice", item.id);
        let languages: Vec<&str> =
            item.captions.iter().filter_map(|caption| caption.language.as_deref()).collect();
        assert_eq!(languages[..2], ["en", "en"], "{}", item.id);
        let order: Vec<usize> = languages
            .iter()
            .map(|language| LANGUAGES.iter().position(|known| known == language).unwrap())
            .collect();
        assert!(order.is_sorted(), "{}: {languages:?}", item.id);
        let texts: BTreeSet<String> =
            item.captions.iter().map(|caption| fold(&caption.text)).collect();
        assert_eq!(texts.len(), item.captions.len(), "{}", item.id);
        assert!(!texts.contains(""), "{}", item.id);
    }
}

#[test]
fn every_item_has_two_pictures_that_decode_and_are_not_blank() {
    for (at, item) in corpus().items.iter().enumerate() {
        assert_eq!(item.pictures.len(), VENDORS.len());
        for (vendor, picture) in item.pictures.iter().enumerate() {
            let expected = Picture::Builtin { vendor: vendor as u8, index: at as u32 };
            assert_eq!(picture, &expected);
            let pixels = builtin::picture(vendor as u8, at as u32).unwrap();
            assert_eq!(pixels.len(), PICTURE_SIDE * PICTURE_SIDE * 3);
            let ink = pixels.iter().filter(|&&value| value < 250).count();
            assert!(ink > 100, "{} of {}: {ink}", item.id, VENDORS[vendor]);
        }
    }
    for vendor in 0..VENDORS.len() {
        assert_eq!(builtin::count(vendor as u8).unwrap(), corpus().items.len());
    }
}

#[test]
fn every_pixel_is_the_one_that_results_are_of() {
    for (vendor, expected) in PIXEL_DIGESTS.iter().enumerate() {
        let all: Vec<u8> = (0..corpus().items.len())
            .flat_map(|at| builtin::picture(vendor as u8, at as u32).unwrap())
            .collect();
        assert_eq!(Digest::of(&all).as_str(), *expected, "{}", VENDORS[vendor]);
    }
}

#[test]
fn known_pictures_have_their_colours() {
    let mean = |id: &str, vendor| {
        let (at, _) = corpus().find(id).unwrap();
        let pixels = builtin::picture(vendor, at as u32).unwrap();
        let ink: Vec<&[u8]> = pixels.chunks(3).filter(|rgb| rgb != &[255; 3]).collect();
        let sum = |c: usize| ink.iter().map(|rgb| usize::from(rgb[c])).sum::<usize>() / ink.len();
        [sum(0), sum(1), sum(2)]
    };
    for vendor in [0, 1] {
        let [r, g, b] = mean("2764-fe0f", vendor); // red heart
        assert!(r > 200 && g < 120 && b < 120, "{r} {g} {b}");
        let [r, g, b] = mean("1f7e9", vendor); // green square
        assert!(g > r && g > b, "{r} {g} {b}");
        let [r, g, b] = mean("1f535", vendor); // blue circle
        assert!(b > r && b > g, "{r} {g} {b}");
        let [r, g, b] = mean("1f600", vendor); // grinning face
        assert!(r > 180 && g > 140 && b < 150, "{r} {g} {b}");
    }
}

#[test]
fn no_concept_is_in_two_splits_and_evaluation_holds_base_forms_only() {
    let mut splits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for item in &corpus().items {
        let split = item.split.as_deref().unwrap();
        let of_variants = if split == HELD_OUT { HELD_OUT } else { TRAIN };
        assert!(item.base || split == of_variants, "{} in {split}", item.id);
        splits.entry(&item.concept).or_default().insert(split);
    }
    for (concept, found) in &splits {
        let kinds: BTreeSet<_> = found.iter().filter(|split| **split != HELD_OUT).collect();
        assert_eq!(kinds.len(), 1, "{concept}: {found:?}");
        assert!(!found.contains(TRAIN) || found.len() == 1, "{concept}: {found:?}");
    }
    assert_eq!(corpus().in_split(TEST).count(), TEST_CONCEPTS);
    assert_eq!(corpus().in_split(VALIDATION).count(), VALIDATION_CONCEPTS);
}

#[test]
fn a_concept_has_one_base_form_that_it_is_named_after() {
    let mut bases = BTreeSet::new();
    for item in &corpus().items {
        if item.base {
            assert_eq!(item.id, item.concept);
            assert!(bases.insert(&item.concept), "{}", item.id);
        }
    }
    assert!(corpus().items.iter().all(|item| bases.contains(&item.concept)));
}

#[test]
fn variants_share_the_concept_of_what_they_are_variants_of() {
    let concept = |id: &str| corpus().find(id).unwrap().1.concept.as_str();
    for (variant, base) in [
        ("270b-1f3fd", "270b"),                                   // raised hand: tone
        ("1f3c3-200d-2640-fe0f", "1f3c3"),                        // woman running
        ("1f3c3-1f3fd-200d-2642-fe0f-200d-27a1-fe0f", "1f3c3"),   // man, tone, facing right
        ("1f469-1f3fb-200d-1f9b0", "1f9d1"),                      // woman: tone, red hair
        ("1f471-200d-2642-fe0f", "1f9d1"),                        // man: blond hair
        ("1f468-200d-1f52c", "1f9d1-200d-1f52c"),                 // man scientist
        ("1f478", "1fac5"),                                       // princess
        ("1f468-200d-1f469-200d-1f466", "1f46a"),                 // family: man, woman, boy
        ("1faf1-1f3fb-200d-1faf2-1f3ff", "1f91d"),                // handshake of two tones
        ("1f469-1f3fb-200d-2764-fe0f-200d-1f468-1f3ff", "1f491"), // couple with heart
        ("1f46d", "1f9d1-200d-1f91d-200d-1f9d1"),                 // women holding hands
        ("1f91b", "1f91c"),                                       // left-facing fist
        ("1f1e7-1f1fb", "1f1f3-1f1f4"),                           // the same flag
    ] {
        assert_eq!(concept(variant), base, "{variant}");
    }
    for own in ["0031-fe0f-20e3", "1f1f0-1f1f7", "2764-fe0f-200d-1f525", "1f408-200d-2b1b"] {
        assert_eq!(concept(own), own);
    }
}

#[test]
fn no_picture_of_an_evaluation_split_is_in_another() {
    let mut owners: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for (at, item) in corpus().items.iter().enumerate() {
        for vendor in 0..VENDORS.len() {
            let pixels = builtin::picture(vendor as u8, at as u32).unwrap().to_vec();
            let owner = owners.entry(pixels).or_insert(&item.concept);
            assert_eq!(*owner, item.concept, "{}", item.id);
        }
    }
}

#[test]
fn no_name_of_a_test_or_validation_item_is_a_training_caption() {
    let training = folded(corpus().in_split(TRAIN));
    for split in [TEST, VALIDATION] {
        let leaked: Vec<String> =
            names(corpus().in_split(split)).intersection(&training).cloned().collect();
        println!("{split}: {leaked:?}");
        assert!(leaked.is_empty(), "{split}: {leaked:?}");
    }
}

/// Tags such as "fruit" stand at several items; `docs/data.md` gives these numbers.
#[test]
fn few_tags_of_held_out_items_are_training_captions_too() {
    let training = folded(corpus().in_split(TRAIN));
    let count = |split| folded(corpus().in_split(split)).intersection(&training).count();
    assert_eq!((count(TEST), count(VALIDATION)), (64, 32));

    let mut askers: BTreeMap<String, usize> = BTreeMap::new();
    for item in corpus().in_split(TEST) {
        *askers.entry(fold(&item.captions[1].text)).or_default() += 1;
    }
    assert_eq!(askers.values().filter(|&&count| count > 1).sum::<usize>(), 2);
}

/// The table of `docs/data.md`.
fn table() -> String {
    use std::fmt::Write as _;
    let mut text = format!("| split | items | concepts | pictures | {} |\n", LANGUAGES.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(4 + LANGUAGES.len()));
    for split in [TRAIN, VALIDATION, TEST, HELD_OUT, "all"] {
        let items: Vec<&Item> = corpus()
            .items
            .iter()
            .filter(|item| split == "all" || item.split.as_deref() == Some(split))
            .collect();
        let concepts: BTreeSet<_> = items.iter().map(|item| &item.concept).collect();
        let pictures: usize = items.iter().map(|item| item.pictures.len()).sum();
        let _ = write!(text, "| {split} | {} | {} | {pictures} |", items.len(), concepts.len());
        for language in LANGUAGES {
            let captions = items
                .iter()
                .flat_map(|item| &item.captions)
                .filter(|caption| caption.language.as_deref() == Some(language))
                .count();
            let _ = write!(text, " {captions} |");
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_documentation_gives_the_counts_of_the_set() {
    let page = include_str!("../docs/data.md");
    assert!(page.contains(&table()), "docs/data.md should have this table:\n{}", table());
    for digest in [CORPUS_DIGEST, SPLIT_DIGEST] {
        assert!(page.contains(digest), "docs/data.md should give {digest}");
    }
}
