//! What the README promises of a clone: the committed encoders and sessions answer at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command's document, with the committed checkpoints and nothing written.
fn document(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_llm2clip"))
        .env("LLM2CLIP_CONFIG", "none")
        .args(arguments)
        .args(["--json", "--quiet"])
        .env("LLM2CLIP_SESSIONS", root().join("sessions"))
        .env("LLM2CLIP_CHECKPOINTS", root().join("checkpoints"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const BOTH: &str = "pocket-1/clip,pocket-1/llm2clip";

#[test]
fn committed_encoders_compare() {
    let found = document(&[
        "compare",
        "--task",
        "image",
        "--language",
        "en",
        "--pool",
        "60",
        "--encoders",
        BOTH,
        "--readonly",
    ]);
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    let image = rows
        .iter()
        .find(|row| row["role"] == "pocket-1/llm2clip" && row["direction"] == "image-to-image");
    // Chance is one in 119.
    assert!(image.unwrap()["metrics"]["recall@1"].as_f64().unwrap() > 0.1);
}

#[test]
fn committed_encoders_find_neighbours_and_choose() {
    let folder = root().join("tests/golden/pictures");
    let picture = folder.join("rgb-64x64.png");
    let (folder, picture) = (folder.to_str().unwrap(), picture.to_str().unwrap());
    let mut arguments = vec!["inspect", "--dataset", folder, "--direction", "image-to-image"];
    arguments.extend(["--image", picture, "-k", "3", "--encoders", BOTH, "--readonly"]);
    let found = document(&arguments);
    // A picture that lies in the gallery is left out of its own list, as it is when asked by its id:
    // the protocol says so of image-to-image.
    assert_eq!(found["query"]["item"], "rgb-64x64.png@0");
    for list in found["lists"].as_array().unwrap() {
        let hits = list["hits"].as_array().unwrap();
        assert_eq!(hits.len(), 3);
        assert!(hits.iter().all(|hit| hit["item"] != "rgb-64x64.png@0"), "{hits:?}");
    }
    let mut arguments = vec!["classify", "--image", picture, "--candidates", "a cat,a flag"];
    arguments.extend(["--encoders", BOTH, "--readonly"]);
    let chosen = document(&arguments);
    assert_eq!(chosen["pictures"][0]["classes"].as_array().unwrap().len(), 2);
}

#[test]
fn the_log_of_a_committed_run_is_told_line_by_line() {
    let found = document(&["log", "causal-lm-1"]);
    assert_eq!(found["format"], "llm2clip.lines/1");
    assert_eq!(found["run"], "20261124-054028-causal-lm-62f551/causal-lm-1");
    let lines = found["lines"].as_array().unwrap();
    assert!(lines.iter().all(|line| line["source"] == "log" && line["level"] != "step"));
    assert!(lines[0]["text"].as_str().unwrap().starts_with("causal-lm-1 began on"));
    let steps = document(&["log", "causal-lm-1", "--level", "step", "--search", "STEP 1,000 "]);
    let steps = steps["lines"].as_array().unwrap();
    assert!(steps.iter().any(|line| line["level"] == "step"), "{steps:?}");
    assert!(steps.iter().all(|line| line["text"].as_str().unwrap().contains("step 1,000 ")));
    let bad = document(&["log", "causal-lm-1", "--level", "error"]);
    assert_eq!(bad["lines"].as_array().map(Vec::len), Some(0));
}

#[test]
fn committed_sessions_are_listed() {
    let found = document(&["runs"]);
    let runs = found["runs"].as_array().unwrap();
    for name in ["tour-1", "pocket-1", "smollm2-1", "smollm2-captions-1", "causal-lm-1"] {
        let of = |run: &&Value| run["run"].as_str().unwrap().ends_with(&format!("/{name}"));
        let run = runs.iter().find(of).unwrap();
        assert_eq!(run["state"], "done", "{name}");
        assert!(run["began"].is_string() && run["device"] == "cpu", "{run}");
        let validated = !name.starts_with("smollm2-captions");
        assert_eq!(run["best"]["value"].is_number(), validated, "{run}");
    }
}
