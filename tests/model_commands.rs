//! `encoder`, `doctor` and `completions` from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use command::{golden, llm2clip, printed};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    llm2clip().args(arguments).output().unwrap()
}

fn document(arguments: &[&str]) -> Value {
    printed(&run(arguments))
}

#[test]
fn an_encoder_shows_its_tokens_with_both_masks_and_passes_its_test() {
    let stack = format!(
        "{}[lora={}+{}]",
        golden("encoders/llama"),
        golden("encoders/lora_mntp"),
        golden("encoders/lora_cc")
    );
    let shown = document(&["encoder", &stack, "--text", "a dog\u{1b}[2J", "--self-test", "--json"]);
    assert_eq!(shown["format"], "llm2clip.encoder/1");
    let tokens = shown["text"]["tokens"].as_array().unwrap();
    assert_eq!(
        (&tokens[0]["embed"], tokens[0]["weight"].as_f64()),
        (&Value::Bool(false), Some(0.0))
    );
    let sum: f64 = tokens.iter().map(|token| token["weight"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9 && tokens[0]["attends"] == tokens.len());
    let loras = shown["loras"].as_array().unwrap();
    assert!(loras[0]["source"].as_str().unwrap().ends_with("lora_mntp"));
    assert_eq!(loras[1]["norms"].as_array().unwrap().len(), 14);
    assert!(loras[1]["norms"][0]["update"].as_f64().unwrap() > 0.0);
    let tests = shown["self_test"].as_array().unwrap();
    assert!(tests.len() >= 5 && tests.iter().all(|test| test["passed"] == true), "{tests:?}");
    let text = run(&["encoder", &stack, "--text", "a dog\u{1b}[2J", "--self-test"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("LoRA 2") && text.contains("ok") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_picture_is_shown_as_the_tower_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("seen.png");
    let (clip, picture) = (golden("encoders/clip"), golden("pictures/rgb-37x23.png"));
    let arguments = [
        "encoder",
        &clip,
        "--image",
        &picture,
        "--out",
        out.to_str().unwrap(),
        "--self-test",
        "--json",
    ];
    let shown = document(&arguments);
    assert_eq!(shown["picture"]["size"], serde_json::json!([37, 23]));
    assert_eq!((&shown["picture"]["edge"], &shown["picture"]["patches"]), (&24.into(), &9.into()));
    let seen = image::open(&out).unwrap().to_rgb8();
    assert_eq!(seen.dimensions(), (24, 24));
    let png = llm2clip::tui::osc::base64(&std::fs::read(&out).unwrap());
    assert_eq!(shown["picture"]["png"], png);
    assert!(shown["self_test"].as_array().unwrap().iter().all(|test| test["passed"] == true));
    let both = document(&["encoder", &clip, "--json"]);
    let towers: Vec<_> =
        both["cards"].as_array().unwrap().iter().map(|card| &card["tower"]).collect();
    assert_eq!(towers, ["text", "image"]);
}

#[test]
fn what_has_no_model_is_a_wrong_request_and_what_is_not_there_is_failed_work() {
    assert_eq!(run(&["encoder", "bm25"]).status.code(), Some(2));
    let output = run(&["encoder", "no-such-model"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(".gguf"));
}

#[test]
fn the_doctor_looks_at_everything_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (sessions, checkpoints) = (at("sessions"), at("checkpoints"));
    let examined =
        document(&["doctor", "--json", "--sessions", &sessions, "--checkpoints", &checkpoints]);
    assert_eq!(examined["format"], "llm2clip.doctor/1");
    for check in examined["checks"].as_array().unwrap() {
        let done = check["state"] == "ok";
        assert_eq!(done, check["advice"] == "", "{check}");
    }
    let cores = examined["machine"]["cores"].as_array().unwrap();
    assert!(!cores.is_empty() && cores.iter().all(|core| core.as_f64().is_some()), "{cores:?}");
    assert!(examined["machine"]["memory_used"].as_u64().unwrap() > 0);
    assert_eq!(examined["runners"].as_array().map(Vec::len), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let lost = PathBuf::from("/proc/no/such/place").display().to_string();
    let output = run(&["doctor", "--sessions", &lost, "--checkpoints", &lost]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("doctor") && script.contains("llm2clip"), "{shell}");
    }
    assert_eq!(run(&["completions", "dosshell"]).status.code(), Some(2));
}
