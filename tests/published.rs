//! The committed comparisons on COCO's 5,000 images: one protocol, with the paper's figures beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::data::open::open;
use llm2clip::eval::{CompareDocument, Protocol, Task};
use llm2clip::runner::evaluate::{Captions, Probe, ProbeRequest};
use serde_json::json;
use std::path::Path;

fn committed() -> Vec<CompareDocument> {
    let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions");
    let ids = [
        "20261124-152342-smollm2-captions-180098",
        "20261124-184419-smollm2-captions-b08edd",
        "20261128-194251-smollm2-layers-11f0ae",
    ];
    let read = |id: &str| {
        let text = std::fs::read(sessions.join(id).join("results/caption-1.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    ids.into_iter().map(read).collect()
}

#[test]
fn committed_results_on_one_split_are_comparable_under_any_name() {
    let all = committed();
    let names: Vec<&str> = all.iter().map(|one| one.protocol.dataset.as_str()).collect();
    assert_ne!(names[0], names[2]);
    for one in &all {
        assert_eq!(all[0].protocol.differing_keys(&one.protocol), vec![]);
    }
}

#[test]
fn each_has_the_papers_figures_with_their_caveat_whichever_version_wrote_it() {
    for one in committed() {
        let papers = one.beside();
        assert_eq!(papers.len(), 6, "{}", one.protocol.dataset);
        assert!(papers.iter().all(|paper| paper.caveat.contains("training text")));
        assert_eq!(one.why_nothing_beside(), None);
    }
}

#[test]
fn figures_that_stand_in_a_document_of_another_content_are_not_shown() {
    let mut one = committed().remove(0);
    assert_eq!(one.published.len(), 6);
    one.protocol.split_digest = "00".to_owned();
    assert!(one.beside().is_empty());
    assert!(one.why_nothing_beside().unwrap().contains("coco-5k"));
    // A set that this program does not know keeps what its document says.
    one.protocol.dataset = "of-tomorrow".to_owned();
    assert_eq!(one.beside(), one.published);
}

/// What the caption task on the first two captions says of a set in a file.
fn asked(path: &Path) -> Protocol {
    let corpus = open(&path.display().to_string(), None).unwrap();
    let request = ProbeRequest {
        task: Task::Caption,
        captions: Captions::FirstTwo,
        split: "test".to_owned(),
        pool: None,
        query_language: None,
        gallery_language: None,
        whole: false,
    };
    Probe::new(&corpus, &request).unwrap().protocol
}

#[test]
fn karpathys_document_and_its_captions_alone_are_one_set() {
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        ["A kite.", "A red  kite in the sky.", "Something else."],
        ["Two dogs.", "Dogs at play.", "A third."],
        ["A boat.", "A boat at sea.", "A fourth."],
    ];
    let image = |at: usize, split: &str, captions: &[&str]| {
        let sentences: Vec<_> = captions.iter().map(|raw| json!({"raw": raw})).collect();
        json!({"filepath": "val2014", "filename": format!("{at}.jpg"), "split": split, "sentences": sentences})
    };
    // In another order, with items of other splits, and ends of lines as its author left them.
    let images = [
        image(2, "test", &["A boat.", "A boat at sea.\n"]),
        image(7, "train", &["A train.", "Its second."]),
        image(0, "test", &texts[0]),
        image(1, "test", &texts[1]),
    ];
    let whole = folder.path().join("dataset_coco.json");
    std::fs::write(&whole, json!({"images": images, "dataset": "coco"}).to_string()).unwrap();
    let lines: String = texts
        .iter()
        .enumerate()
        .map(|(at, texts)| {
            format!("{}\n", json!({"image": format!("{at}.jpg"), "captions": texts}))
        })
        .collect();
    let alone = folder.path().join("captions.jsonl");
    std::fs::write(&alone, &lines).unwrap();
    let (whole, alone) = (asked(&whole), asked(&alone));
    assert_ne!(whole.split_digest, alone.split_digest);
    assert!(whole.captions_digest.is_some());
    assert_eq!(whole.captions_digest, alone.captions_digest);
    let other = folder.path().join("other.jsonl");
    std::fs::write(&other, lines.replace("Two dogs.", "Two cats.")).unwrap();
    assert_ne!(asked(&other).captions_digest, alone.captions_digest);
}
