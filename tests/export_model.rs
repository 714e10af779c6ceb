//! A trained checkpoint written for others gives the rows it gave here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Home(tempfile::TempDir);

impl Home {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_llm2clip"))
            .env("LLM2CLIP_CONFIG", "none")
            .args(["--threads", "1"])
            .args(arguments)
            .env("LLM2CLIP_SESSIONS", self.path("sessions"))
            .env("LLM2CLIP_CHECKPOINTS", self.path("checkpoints"))
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    fn done(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Rows of the texts under an encoder.
    fn rows(&self, encoder: &str) -> Vec<f32> {
        self.done(&["embed", "--encoder", encoder, "--texts", "texts.txt", "--out", "rows.st"]);
        let bytes = std::fs::read(self.path("rows.st")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let data = tensors.tensor("embeddings").unwrap().data().to_vec();
        data.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }
}

fn base() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encoders/llama");
    root.display().to_string()
}

/// A home in which two steps of caption contrast were made.
fn trained() -> Home {
    let home = Home(tempfile::tempdir().unwrap());
    let mut items = String::new();
    for item in 0..12 {
        writeln!(items, r#"{{"captions": ["a thing {item}", "thing number {item}"]}}"#).unwrap();
    }
    std::fs::write(home.path("items.jsonl"), items).unwrap();
    std::fs::write(home.path("texts.txt"), "a red kite\ntwo dogs\nthing 4\n").unwrap();
    let init = format!("init={}", base());
    let mut arguments = vec!["train", "caption-contrastive"];
    for set in [
        init.as_str(),
        "data=items.jsonl",
        "captions=all",
        "steps=2",
        "batch=6",
        "warmup=1",
        "lr=0.05",
        "validate_every=0",
    ] {
        arguments.extend(["--set", set]);
    }
    home.done(&arguments);
    home
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_layout_gives_the_rows_of_the_checkpoint() {
    let home = trained();
    let stage = "caption-contrastive-1/caption-contrastive";
    let own = home.rows(stage);
    let causal = home.rows(&base());
    assert!(largest_difference(&own, &causal) > 0.01, "training and attention show");
    home.done(&["export-model", stage, "--format", "peft", "--out", "peft"]);
    home.done(&["export-model", stage, "--format", "hf", "--out", "hf"]);
    home.done(&["export-model", stage, "--format", "checkpoint", "--out", "to/same"]);
    home.done(&[
        "export-model",
        stage,
        "--format",
        "checkpoint",
        "--dtype",
        "f16",
        "--out",
        "half",
    ]);
    assert!(largest_difference(&own, &home.rows("peft")) < 1e-6, "the base is named in it");
    let stacked = format!("{}[lora=peft]", base());
    assert!(largest_difference(&own, &home.rows(&stacked)) < 1e-6);
    assert!(largest_difference(&own, &home.rows("hf")) < 5e-3);
    assert!(largest_difference(&own, &home.rows("to/same")) == 0.0);
    let half = largest_difference(&own, &home.rows("half"));
    assert!(half > 0.0 && half < 5e-3, "{half}");
    assert!(!home.path("half/optimizer.safetensors").exists());
}

#[test]
fn what_a_checkpoints_low_rank_weights_added_is_told_as_of_a_lora_folder() {
    let home = trained();
    let stage = "caption-contrastive-1/caption-contrastive";
    home.done(&["export-model", stage, "--format", "peft", "--out", "peft"]);
    let loras = |encoder: &str| {
        let output = home.run(&["encoder", encoder, "--json"]);
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        shown["loras"].clone()
    };
    let (own, folder) = (loras(stage), loras("peft"));
    assert_eq!(own.as_array().unwrap().len(), 1);
    assert!(own[0]["source"].as_str().unwrap().contains(stage));
    assert_eq!(own[0]["r"], folder[0]["r"]);
    let (own, folder) =
        (own[0]["norms"].as_array().unwrap(), folder[0]["norms"].as_array().unwrap());
    assert!(!own.is_empty() && own.len() == folder.len());
    for (own, folder) in own.iter().zip(folder) {
        assert_eq!(own["path"], folder["path"]);
        for key in ["update", "weight"] {
            let (a, b) = (own[key].as_f64().unwrap(), folder[key].as_f64().unwrap());
            assert!(a > 0.0 && (a - b).abs() < 1e-4 * a, "{key}: {a} and {b}");
        }
    }
}

#[test]
fn what_has_no_low_rank_weights_is_no_lora() {
    let home = trained();
    let output = home.run(&["export-model", "builtin:llama", "--format", "peft", "--out", "p"]);
    assert!(!output.status.success());
    let text = "export-model builtin:llama --format hf --dtype f16 --out h";
    let output = home.run(&text.split(' ').collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
