//! The program's commands from outside: how a test starts one, and what it printed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// The program, with nothing from a configuration file of whoever runs the test.
pub fn llm2clip() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm2clip"));
    command.env("LLM2CLIP_CONFIG", "none");
    command
}

/// The path of a committed file.
pub fn golden(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    root.join(name).display().to_string()
}

/// One CLIP, its text tower whole and cut short: two encoders that agree on pictures only.
pub fn clips() -> String {
    let clip = golden("encoders/clip");
    format!("whole={clip},short={clip}[max_tokens=4]")
}

/// The document that a command printed.
pub fn printed(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command said that ended with this code and printed nothing.
pub fn refusal(output: &Output, code: i32) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(output.stdout.is_empty(), "{error}");
    error
}
