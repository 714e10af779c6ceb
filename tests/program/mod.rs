//! The program itself, as a process with folders of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use llm2clip::session::Time;
use llm2clip::session::runs::{RunRow, list_runs};
use llm2clip::soak::SHAPES;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_llm2clip");

/// How long a recipe of a second or so is.
const PLAN: &[&str] =
    &["steps=8", "warmup=1", "batch=6", "max_tokens=24", "checkpoint_every=2", "validate_every=0"];

pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    put_folders(&mut command, folder);
    command
}

/// Folders of its own, and nothing from a configuration file of whoever runs the test.
pub fn put_folders(command: &mut Command, folder: &Path) {
    command.env("LLM2CLIP_CONFIG", "none");
    command.arg("--sessions").arg(folder.join("sessions"));
    command.arg("--checkpoints").arg(folder.join("checkpoints"));
    command.args(["--threads", "1", "--device", "cpu"]).stdin(Stdio::null());
}

pub fn train(command: &mut Command, sets: &[&str]) {
    command.args(["train", "clip"]);
    // Towers alone: `clip` has no language model.
    let towers = SHAPES.iter().take_while(|set| !set.starts_with("llama"));
    for set in PLAN.iter().chain(towers).chain(sets) {
        command.args(["--set", set]);
    }
}

pub fn rows(folder: &Path) -> Vec<RunRow> {
    list_runs(&folder.join("sessions"), Time::now()).unwrap().document.runs
}

/// The one line that a failed command says of itself.
pub fn sentence(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{said}");
    errors[0].to_owned()
}
