//! The configuration file beside flags and environment, as the program reads it; and that no test
//! reads the file of whoever runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;

use llm2clip::session::RunStatus;
use program::{PROGRAM, program, rows, train};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A project with a file beside its sessions and checkpoints.
fn project(file: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sessions", "checkpoints", "deep"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("llm2clip.toml"), file).unwrap();
    folder
}

/// The program in that project with nothing in its environment but these.
fn go(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder.join("home"));
    command.envs(environment.iter().copied()).current_dir(folder.join("deep"));
    command.args(arguments).output().unwrap()
}

/// What `doctor` says of the configuration.
fn settings(
    folder: &Path,
    environment: &[(&str, &str)],
    arguments: &[&str],
) -> BTreeMap<String, String> {
    let output = go(folder, environment, arguments);
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let checks = document["checks"].as_array().unwrap().iter();
    let ours = checks.filter(|check| check["group"] == "configuration");
    let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    ours.map(|check| (word(check, "name"), word(check, "found"))).collect()
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let folder = project(
        "sessions = \"elsewhere\"\nthreads = 3\nseed = 7\nascii = true\nquiet = true\n\
         theme = \"light\"\ngraphics = \"off\"\nmemory-limit = \"2G\"\n",
    );
    let folder = folder.path();
    let said = settings(folder, &[], &["doctor", "--json"]);
    let has = |name: &str, expected: &str| assert_eq!(said[name], expected, "{name}");
    let file = fs::canonicalize(folder).unwrap().join("llm2clip.toml");
    assert_eq!(fs::canonicalize(&said["file"]).unwrap(), file);
    assert!(said["sessions"].ends_with("elsewhere (the configuration file)"), "{said:?}");
    assert!(said["checkpoints"].ends_with("checkpoints (default)"), "{said:?}");
    has("threads", "3 (the configuration file)");
    has("seed", "7 (the configuration file)");
    has("ascii", "true (the configuration file)");
    has("theme", "light (the configuration file)");
    has("graphics", "off (the configuration file)");
    has("memory-limit", "2147483648 bytes (the configuration file)");
    has("device", "auto (default)");
    has("readonly", "false (default)");

    let environment = [
        ("LLM2CLIP_THREADS", "4"),
        ("LLM2CLIP_SEED", "8"),
        ("LLM2CLIP_ASCII", "0"),
        ("LLM2CLIP_THEME", "mono"),
    ];
    for arguments in [
        ["--threads", "5", "--graphics", "auto", "doctor", "--json"],
        ["doctor", "--json", "--threads", "5", "--graphics", "auto"],
    ] {
        let said = settings(folder, &environment, &arguments);
        let has = |name: &str, expected: &str| assert_eq!(said[name], expected, "{name}");
        has("threads", "5 (--threads)");
        has("graphics", "auto (--graphics)");
        has("seed", "8 (LLM2CLIP_SEED)");
        has("ascii", "false (LLM2CLIP_ASCII)");
        has("theme", "mono (LLM2CLIP_THEME)");
        has("quiet", "true (the configuration file)");
    }
    let said = settings(folder, &[("LLM2CLIP_CONFIG", "none")], &["doctor", "--json"]);
    assert_eq!((said["file"].as_str(), said["threads"].as_str()), ("none", "all cores (default)"));
}

#[test]
fn the_file_at_home_counts_where_the_project_has_none_and_neither_is_written() {
    let folder = project("");
    let folder = folder.path();
    fs::remove_file(folder.join("llm2clip.toml")).unwrap();
    let home = folder.join("home/.config/llm2clip");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("config.toml"), "readonly = true\n").unwrap();
    let said = settings(folder, &[], &["doctor", "--json"]);
    assert_eq!(said["readonly"], "true (the configuration file)");
    let refused = go(folder, &[], &["train", "clip"]);
    assert_eq!(refused.status.code(), Some(2));
    let why = program::sentence(&refused);
    assert!(why.contains("readonly = true"), "{why}");
    assert!(why.contains("config.toml"), "{why}");
    let xdg = folder.join("xdg");
    let moved = [("XDG_CONFIG_HOME", xdg.to_str().unwrap())];
    assert_eq!(settings(folder, &moved, &["doctor", "--json"])["file"], "none");
    assert_eq!(fs::read_to_string(home.join("config.toml")).unwrap(), "readonly = true\n");
    assert!(!xdg.exists());
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_line() {
    let folder = project("threads = 2\nsesions = \"a\"\n");
    for command in [&["runs"][..], &["doctor"], &["train", "clip"]] {
        let refused = go(folder.path(), &[], command);
        assert_eq!(refused.status.code(), Some(2), "{command:?}");
        let why = program::sentence(&refused);
        assert!(why.contains("llm2clip.toml:2: ") && why.contains("sessions"), "{why}");
    }
    let absent = [("LLM2CLIP_CONFIG", "no-such.toml")];
    let why = program::sentence(&go(folder.path(), &absent, &["runs"]));
    assert!(why.contains("no-such.toml could not be read"), "{why}");
    let none = go(folder.path(), &[("LLM2CLIP_CONFIG", "none")], &["runs"]);
    assert!(none.status.success());
}

#[test]
fn what_is_asked_and_what_a_run_has_recorded_win_over_the_files_seed_and_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("mine.toml");
    fs::write(&file, "seed = 7\nthreads = 1\n").unwrap();
    let mut command = program(folder);
    command.env("LLM2CLIP_CONFIG", &file);
    train(&mut command, &["seed=5"]);
    let killed = command.env("LLM2CLIP_FAULT", "after-rename:2").output().unwrap();
    assert_eq!(rows(folder).len(), 1, "{}", String::from_utf8_lossy(&killed.stderr));
    fs::write(&file, "seed = 9\nthreads = 2\ndevice = \"auto\"\n").unwrap();
    let mut command = Command::new(PROGRAM);
    command.env("LLM2CLIP_CONFIG", &file).env("LLM2CLIP_SEED", "11");
    command.arg("--sessions").arg(folder.join("sessions"));
    command.arg("--checkpoints").arg(folder.join("checkpoints"));
    let resumed = command.args(["resume", "clip-1"]).output().unwrap();
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert_eq!(rows(folder)[0].state, RunStatus::Done);
    let seed = |arguments: &[&str]| {
        let mut command = program(folder);
        command.env("LLM2CLIP_CONFIG", &file).args(["recipes", "clip", "--json"]);
        let output = command.args(arguments).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["seed"].as_u64()
    };
    assert_eq!(seed(&[]), Some(9));
    assert_eq!(seed(&["--set", "seed=5"]), Some(5));
    assert_eq!(seed(&["--set", "seed=5", "--seed", "3"]), Some(3));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// A terminal of a test has a cleared environment and a home that is not there.
#[test]
fn every_test_that_starts_the_program_says_which_file_it_reads() {
    for path in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")) {
        let text = fs::read_to_string(&path).unwrap();
        let starts = ["Command::new(env!(\"CARGO_BIN_EXE", "Command::new(PROGRAM)"];
        let starts: usize = starts.iter().map(|way| text.matches(way).count()).sum();
        let says = text.matches("LLM2CLIP_CONFIG").count();
        assert!(
            says >= starts,
            "{} starts the program without .env(\"LLM2CLIP_CONFIG\", \"none\")",
            path.display()
        );
    }
}
