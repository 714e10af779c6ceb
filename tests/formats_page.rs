//! The documents written out in `docs/formats.md` are what the program reads and writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::eval::classify::ClassifyDocument;
use llm2clip::session::overview::SessionsDocument;
use llm2clip::session::pack::{Packed, Unpacked};
use llm2clip::session::remove::Removed;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::Path;

fn again<T: Serialize + DeserializeOwned>(text: &str) -> Value {
    serde_json::to_value(serde_json::from_str::<T>(text).unwrap()).unwrap()
}

#[test]
fn every_json_document_of_the_formats_page_reads_and_is_written_the_same() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut seen = 0;
    for block in page.split("```json\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        let read = match value["format"].as_str().unwrap() {
            "llm2clip.sessions/1" => again::<SessionsDocument>(text),
            "llm2clip.session-removed/1" => again::<Removed>(text),
            "llm2clip.packed/1" => again::<Packed>(text),
            "llm2clip.unpacked/1" => again::<Unpacked>(text),
            "llm2clip.classify/1" => again::<ClassifyDocument>(text),
            other => panic!("{other} is written out in docs/formats.md and not tested here"),
        };
        assert_eq!(read, value);
        seen += 1;
    }
    assert!(seen >= 5);
}
