//! Which checkpoints something else stands on: they are never pruned.

use super::Workspace;
use crate::encode::ModelCard;
use crate::files::manifest;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Lines of a log in which its recipe must have come.
const HEAD: usize = 3;

/// The places below the checkpoints folder of all checkpoints that a checkpoint's card, a run's recipe
/// or a segment's beginning names. Unreadable files name nothing.
pub(super) fn stands_on(workspace: &Workspace) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    for session in folders(&workspace.checkpoints) {
        for stage in folders(&session).iter().flat_map(|run| folders(run)) {
            for step in manifest::steps(&stage) {
                needed.extend(named_by_card(&manifest::step_folder(&stage, step)));
            }
        }
    }
    for session in folders(&workspace.sessions) {
        for log in entries(&session) {
            let name = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(".jsonl") && !name.ends_with(".system.jsonl") {
                needed.extend(named_by_log(workspace, &log));
            }
        }
    }
    needed
}

fn named_by_card(checkpoint: &Path) -> Vec<String> {
    let card = fs::read(checkpoint.join("card.json")).unwrap_or_default();
    let Ok(card) = serde_json::from_slice::<ModelCard>(&card) else { return Vec::new() };
    [card.base, card.table].into_iter().flatten().map(|parent| parent.source).collect()
}

/// What a run's recipe starts from, and what a segment resumed.
fn named_by_log(workspace: &Workspace, log: &Path) -> Vec<String> {
    let Ok(file) = fs::File::open(log) else { return Vec::new() };
    let mut found = Vec::new();
    for line in BufReader::new(file).lines().take(HEAD).map_while(Result::ok) {
        let Ok(record) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        found.extend(record["resumed_from"]["path"].as_str().map(str::to_owned));
        let stages = record["recipe"]["stages"].as_array();
        for stage in stages.into_iter().flatten() {
            for key in ["init", "table"] {
                let Some(source) = stage[key].as_str() else { continue };
                let other = source == "fresh" || source.contains(':');
                if let (false, Ok(folder)) = (other, workspace.sources().find(source)) {
                    found.push(workspace.sources().name_of(&folder));
                }
            }
        }
    }
    found
}

fn entries(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    entries(parent).into_iter().filter(|path| path.is_dir()).collect()
}
