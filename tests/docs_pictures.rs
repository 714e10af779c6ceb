//! The pictures in `docs/pictures` are what `scripts/pictures.sh` draws with this program, byte for byte:
//! none hangs on the clock or on the machine, so none is left out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    fs::read_dir(folder).unwrap().map(file).collect()
}

/// Draws into a folder, with the settings of someone who likes it otherwise.
fn draw(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let output = Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/pictures.sh"))
        .arg(env!("CARGO_BIN_EXE_llm2clip"))
        .arg(folder)
        .env("LLM2CLIP_THEME", "light")
        .env("LLM2CLIP_ASCII", "true")
        .env("TZ", "Asia/Seoul")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    files(folder)
}

#[test]
fn the_committed_pictures_are_what_the_program_draws_today() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = draw(folder.path());
    let committed = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures"));
    let names: BTreeSet<&String> = drawn.keys().chain(committed.keys()).collect();
    assert!(names.len() > 5, "{names:?}");
    let other: Vec<&String> =
        names.into_iter().filter(|name| drawn.get(*name) != committed.get(*name)).collect();
    assert!(other.is_empty(), "{other:?} differ; `sh scripts/pictures.sh` draws them again");
}
