//! An encoder is asked again by what its card says, from another working folder too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn ask(folder: &Path, encoder: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_llm2clip"))
        .env("LLM2CLIP_CONFIG", "none")
        .env("HF_HUB_CACHE", folder.join("no-hub"))
        .env_remove("LLM2CLIP_SESSIONS")
        .env_remove("LLM2CLIP_CHECKPOINTS")
        .current_dir(folder)
        .args(["inspect", "--direction", "text-to-image", "--text", "a cat", "--pool", "10"])
        .args(["--language", "en", "--json", "--quiet", "--encoders"])
        .arg(format!("a={encoder},b={encoder}[max_tokens=4]"))
        .output()
        .unwrap()
}

/// The first encoder's card.
fn card(folder: &Path, encoder: &str) -> Value {
    let output = ask(folder, encoder);
    assert!(output.status.success(), "{encoder}: {}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["lists"][0]["encoder"].clone()
}

#[test]
fn a_card_is_asked_from_another_folder_or_says_where_it_was_looked_for() {
    let home = tempfile::tempdir().unwrap();
    let [models, elsewhere] = ["models/clip", "a/b"].map(|name| home.path().join(name));
    for folder in ["sessions", "checkpoints", "models/clip", "a/b"] {
        std::fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encoders/clip");
    for entry in std::fs::read_dir(golden).unwrap() {
        let file = entry.unwrap().path();
        std::fs::copy(&file, models.join(file.file_name().unwrap())).unwrap();
    }
    // By its way from the folder that sessions and checkpoints lie in.
    let first = card(home.path(), "models/clip");
    assert_eq!(first["encoder"], "models/clip");
    assert_eq!(card(&elsewhere, "models/clip"), first);
    // Of a whole path the last part is kept, which has to be found.
    let whole = models.display().to_string();
    let last = card(&elsewhere, &whole);
    assert_eq!((&last["encoder"], &last["weights"]), (&Value::from("clip"), &first["weights"]));
    let output = ask(&elsewhere, "clip");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    let places = ["the working folder, ", "the checkpoints folder, nor in the hub", "NAME=PATH"];
    for part in ["found no clip in "].iter().chain(&places) {
        assert!(error.contains(part), "{part}: {error}");
    }
    std::os::unix::fs::symlink(&models, home.path().join("checkpoints/clip")).unwrap();
    assert_eq!(card(&elsewhere, "clip")["weights"], first["weights"]);
}
