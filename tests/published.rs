//! The committed comparisons on COCO's 5,000 images: one protocol, with the paper's figures beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::eval::CompareDocument;
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
