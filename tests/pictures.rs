//! Holds decoding, resizing and cropping to what Pillow does, byte for byte. The files are made by
//! `scripts/goldens/pillow.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::data::normalise::{CLIP_MEAN, CLIP_STD, Normalise};
use llm2clip::data::picture::{Exif, Rgb8, decode_file};
use llm2clip::data::processor::{Centre, Processor, Resize};
use llm2clip::data::resize::{Filter, resize};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    what: String,
    source: String,
    width: usize,
    height: usize,
    offset: usize,
    filter: Option<Filter>,
    size: Option<usize>,
    crop: Option<usize>,
    centre: Option<Centre>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures")
}

/// Runs `make` on every case of a kind and compares with what Pillow made.
fn hold(what: &str, make: impl Fn(&Rgb8, &Case) -> Rgb8) {
    let text = std::fs::read_to_string(folder().join("cases.json")).unwrap();
    let cases: Cases = serde_json::from_str(&text).unwrap();
    let expected = std::fs::read(folder().join("expected.rgb")).unwrap();
    let mut count = 0;
    for case in cases.cases.iter().filter(|case| case.what == what) {
        let source = decode_file(&folder().join(&case.source), Exif::Ignored).unwrap();
        let made = make(&source, case);
        assert_eq!((made.width, made.height), (case.width, case.height), "{}", case.source);
        let expected = &expected[case.offset..][..case.width * case.height * 3];
        let different = made.pixels.iter().zip(expected).filter(|(a, b)| a != b).count();
        assert_eq!(
            different, 0,
            "{} to {}x{} {:?}: {different} bytes differ",
            case.source, case.width, case.height, case.filter
        );
        count += 1;
    }
    assert!(count > 7, "only {count} cases of {what}");
}

#[test]
fn decoding_gives_the_bytes_that_pillow_gives() {
    hold("decode", |source, _| source.clone());
}

/// The largest difference of a channel between our decoder's pixels and those of libjpeg-turbo and
/// libwebp, as `docs/data.md` states it, by the beginning of the file's name.
const LOSSY: [(&str, u8); 7] = [
    ("jpeg-444", 2),
    ("jpeg-noise-444", 2),
    ("jpeg-noise-420", 6),
    ("jpeg-grey", 1),
    ("jpeg-cmyk", 1),
    ("jpeg", 4),
    ("webp", 0),
];

#[test]
fn lossy_pictures_differ_by_no_more_than_is_stated() {
    let text = std::fs::read_to_string(folder().join("cases.json")).unwrap();
    let cases: Cases = serde_json::from_str(&text).unwrap();
    let expected = std::fs::read(folder().join("expected.rgb")).unwrap();
    let mut too_large = Vec::new();
    for case in cases.cases.iter().filter(|case| case.what == "lossy") {
        let made = decode_file(&folder().join(&case.source), Exif::Ignored).unwrap();
        assert_eq!((made.width, made.height), (case.width, case.height), "{}", case.source);
        let expected = &expected[case.offset..][..case.width * case.height * 3];
        let differences = made.pixels.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
        let largest = differences.clone().max().unwrap();
        let differ = differences.filter(|difference| *difference > 0).count();
        println!("{}: at most {largest}, {differ} of {} bytes", case.source, expected.len());
        let (_, stated) = LOSSY.iter().find(|(name, _)| case.source.starts_with(name)).unwrap();
        if largest > *stated {
            too_large.push(format!("{}: {largest}", case.source));
        }
    }
    assert!(too_large.is_empty(), "{too_large:?}");
}

#[test]
fn resizing_gives_the_bytes_that_pillow_gives() {
    hold("resize", |source, case| {
        resize(source, case.width, case.height, case.filter.unwrap_or_default())
    });
}

#[test]
fn shortest_edge_and_centre_crop_give_the_bytes_that_pillow_gives() {
    hold("square", |source, case| {
        let processor = Processor {
            resize: Resize::ShortestEdge(case.size.unwrap()),
            crop: case.crop.unwrap(),
            centre: case.centre.unwrap(),
            filter: Filter::Bicubic,
            normalise: Normalise { mean: CLIP_MEAN, std: CLIP_STD },
        };
        processor.square(source).unwrap()
    });
}
