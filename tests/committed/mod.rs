//! The committed sessions, alone: what this machine has made beside them does not belong to them.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// Copies a committed session into a folder of sessions.
pub fn session(name: &str, sessions: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions").join(name);
    copy(&from, &sessions.join(name));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name().to_string_lossy().starts_with("ui-") {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}
