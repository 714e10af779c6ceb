//! The documents written out in `docs/formats.md` are what the program reads and writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::eval::CompareDocument;
use llm2clip::eval::classify::ClassifyDocument;
use llm2clip::runner::client::AnswerDocument;
use llm2clip::session::Finite;
use llm2clip::session::overview::SessionsDocument;
use llm2clip::session::pack::{Packed, Unpacked};
use llm2clip::session::remove::Removed;
use llm2clip::session::system::{GpuSampled, Sampled};
use llm2clip::soak::SoakDocument;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeSet;
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
            "llm2clip.compare/1" => again::<CompareDocument>(text),
            "llm2clip.classify/1" => again::<ClassifyDocument>(text),
            "llm2clip.answer/1" => again::<AnswerDocument>(text),
            "llm2clip.soak/1" => again::<SoakDocument>(text),
            other => panic!("{other} is written out in docs/formats.md and not tested here"),
        };
        assert_eq!(read, value);
        seen += 1;
    }
    assert!(seen >= 8);
}

/// Names such as `llm2clip.log/1` in a text.
fn formats(text: &str) -> BTreeSet<String> {
    let names = text.split("llm2clip.").skip(1).filter_map(|rest| {
        let (name, version) = rest.split_once('/')?;
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let version = version.bytes().next().filter(u8::is_ascii_digit)?;
        plain.then(|| format!("llm2clip.{name}/{}", version as char))
    });
    names.collect()
}

#[test]
fn every_format_in_the_source_stands_on_the_formats_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = formats(&std::fs::read_to_string(root.join("docs/formats.md")).unwrap());
    let mut folders = vec![root.join("src")];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.extend(formats(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 20);
    let missing: Vec<&String> = found.difference(&page).collect();
    assert!(missing.is_empty(), "docs/formats.md lacks {missing:?}");
}

/// The keys of a kind of log stand in its section.
#[test]
fn every_key_of_a_sample_stands_on_the_formats_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("\n## Samples of the machine").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let gpu = GpuSampled {
        name: "GPU".into(),
        utilisation: Finite::new(0.5),
        memory_used: Some(1),
        memory_total: Some(2),
        watts: Finite::new(1.0),
        celsius: Finite::new(1.0),
    };
    let sampled = Sampled {
        cores_used: Finite::ZERO,
        busiest_core: Finite::ZERO,
        cores: 1,
        memory_used: 1,
        memory_total: 1,
        process_bytes: 1,
        disk_free: [("sessions".to_owned(), 1)].into(),
        gpus: vec![gpu],
    };
    let value = serde_json::to_value(&sampled).unwrap();
    let gpu = value["gpus"][0].as_object().unwrap();
    for key in value.as_object().unwrap().keys().chain(gpu.keys()) {
        assert!(section.contains(&format!("`{key}`")), "docs/formats.md: sampled.{key}");
    }
}

/// Documents from before a key was there.
#[test]
fn a_comparison_without_the_newer_keys_reads() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap());
    let compare = blocks.map(|text| serde_json::from_str::<Value>(text).unwrap());
    let mut old = compare.into_iter().find(|one| one["format"] == "llm2clip.compare/1").unwrap();
    for key in ["replicates", "replicate_differences", "same_rows", "family", "resamples"] {
        old.as_object_mut().unwrap().remove(key);
    }
    let read: CompareDocument = serde_json::from_value(old).unwrap();
    assert!(read.replicates.is_empty() && read.same_rows.is_empty());
    assert_eq!(read.rows.len(), 4);
}
