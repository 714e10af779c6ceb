//! Small recipes on the built-in data, run without a terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use candle_core::Device;
use llm2clip::recipe::{Recipe, apply_set, preset};
use llm2clip::runner::{Narrator, Outcome, RunError, Stop, Voice, Wait, Workspace, start_run};
use llm2clip::session::folder::{Session, SessionCard};
use llm2clip::soak::SHAPES;
use std::path::Path;

/// A preset made small: a few steps of a few examples, towers of one block.
pub fn small(name: &str, sets: &[&str]) -> Recipe {
    let mut recipe = preset(name).unwrap();
    let all = [
        "steps=4",
        "warmup=1",
        "batch=6",
        "max_tokens=24",
        "checkpoint_every=2",
        "validate_every=2",
        "keep=9",
    ];
    for set in all {
        recipe = apply_set(&recipe, set).unwrap();
    }
    // Not every recipe has towers, or a fresh Llama.
    for set in SHAPES.iter().chain(&["llama.mlp=48"]) {
        recipe = apply_set(&recipe, set).unwrap_or(recipe);
    }
    for set in sets {
        recipe = apply_set(&recipe, set).unwrap();
    }
    recipe
}

pub fn workspace(folder: &Path) -> Workspace {
    Workspace {
        sessions: folder.join("sessions"),
        checkpoints: folder.join("checkpoints"),
        device: Device::Cpu,
        device_name: "cpu".to_owned(),
        threads: rayon::current_num_threads(),
        memory_limit: None,
    }
}

pub fn session(workspace: &Workspace) -> Session {
    let card = SessionCard::new("test", None, "host".to_owned(), "cpu".to_owned(), 1);
    Session::create(&workspace.sessions, card).unwrap()
}

pub fn run(workspace: &Workspace, session: &Session, recipe: &Recipe) -> Result<Outcome, RunError> {
    let narrator = |log| Narrator::new(Some(log), Voice::Quiet);
    start_run(workspace, session, recipe, narrator, &Stop::new(), Wait::No)
}
