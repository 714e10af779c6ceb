//! The form of a new run under keys.

use super::*;
use crate::recipe::{names, preset};
use crate::tui::app::App;
use crate::tui::app::tests::{app, entry};
use std::sync::Arc;

fn key(form: &mut NewRun, shared: &Shared, text: &str) {
    for text in text.split(' ') {
        let key = Key::parse(text).unwrap();
        let action = crate::tui::keys::action_of(key, &[crate::tui::keys::Context::Overlay]);
        form.key(key, action, shared);
    }
}

/// A form on the preset `clip`.
fn clip() -> (App, NewRun) {
    let app = app();
    let mut form = NewRun::new(&app.shared, None);
    let place = names().iter().position(|name| *name == "clip").unwrap();
    for _ in 0..place {
        key(&mut form, &app.shared, "right");
    }
    (app, form)
}

#[test]
fn a_form_is_checked_while_it_is_typed() {
    let (app, mut form) = clip();
    assert!(form.recipe().is_ok() && form.changes().is_empty());
    key(&mut form, &app.shared, "down");
    form.paste("steps=30 vision.width=96");
    assert_eq!(form.changes().len(), 2, "{:?}", form.changes());
    form.paste(" stesp=3");
    assert!(form.recipe().unwrap_err().words.contains("steps"));
}

#[test]
fn every_key_has_a_line_and_its_value_is_checked_while_it_is_typed() {
    let (app, mut form) = clip();
    let keys: Vec<String> = form.keys().into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys[..3], ["steps", "batch", "lr"]);
    for key in ["vision.width", "beta2", "keep_best", "draws"] {
        assert!(keys.iter().any(|known| known == key), "{key}");
    }
    key(&mut form, &app.shared, "down down down down down ctrl-u 1");
    assert_eq!(form.row(), Row::Key(1));
    assert_eq!(form.recipe().unwrap_err().place, "clip.batch");
    assert!(form.accept(&app.shared).0, "a recipe that cannot run should not be started");
    key(&mut form, &app.shared, "6");
    assert_eq!(form.changes(), ["clip.batch: 128 becomes 16"]);
    let (stays, effects) = form.accept(&app.shared);
    let Effect::Do(Cmd::Work(Work::Launch { arguments, .. })) = &effects[0] else { panic!() };
    assert!(!stays);
    assert_eq!(arguments.join(" "), "train clip --set clip.batch=16 --detach");
    key(&mut form, &app.shared, "ctrl-u 1 2 8");
    assert!(form.changes().is_empty() && form.sets().is_empty());
    key(&mut form, &app.shared, "tab");
    assert_eq!(form.keys()[0].1, "seed");
    key(&mut form, &app.shared, "pagedown pagedown up up down");
    assert!(matches!(form.row(), Row::Key(_)));
}

#[test]
fn an_estimate_is_asked_for_once_a_change_and_only_of_what_can_run() {
    let (app, mut form) = clip();
    let first = form.ask().unwrap();
    assert_eq!(first.join(" "), "recipes clip --estimate --json");
    assert_eq!(form.ask(), None);
    key(&mut form, &app.shared, "down");
    form.paste("steps=0");
    assert_eq!(form.ask(), None);
    key(&mut form, &app.shared, "backspace 5 0");
    assert!(form.ask().is_some());
    form.estimated(&first, Err("late".to_owned()));
    assert_eq!(form.estimate, None);
}

fn trained() -> RunEntry {
    let mut run = entry("20261124-100000-night-bbbbbb/llm2vec-1", 5);
    let recipe = preset("llm2vec").unwrap();
    let name = |at: usize| recipe.stages[at].name.clone();
    run.saved = vec![(name(0), 50), (name(0), 100), (name(1), 30)];
    run.recipe = Some(Arc::new(recipe));
    run
}

#[test]
fn a_fork_starts_at_the_newest_checkpoint_and_changes_what_is_still_to_be_trained() {
    let app = app();
    let mut form = NewRun::fork(&app.shared, &trained()).unwrap();
    assert_eq!(form.tabs().1, ["simcse", "recipe"]);
    assert!(form.recipe().is_ok());
    key(&mut form, &app.shared, "down down down down ctrl-u 2 0");
    assert!(form.recipe().unwrap_err().words.contains("after step 30"));
    key(&mut form, &app.shared, "0");
    let (_, effects) = form.accept(&app.shared);
    let Effect::Do(Cmd::Work(Work::Launch { arguments, .. })) = &effects[0] else { panic!() };
    assert_eq!(
        arguments.join(" "),
        "fork 20261124-100000-night-bbbbbb/llm2vec-1/simcse@30 --set simcse.steps=200 --detach"
    );
    key(&mut form, &app.shared, "pageup right");
    assert_eq!((form.tabs().1.len(), form.changes().len()), (3, 0));
    key(&mut form, &app.shared, "down");
    form.paste("mntp.lr=1");
    assert!(form.recipe().unwrap_err().words.contains("finished at the fork"));
    let mut bare = trained();
    bare.saved.clear();
    assert!(NewRun::fork(&app.shared, &bare).unwrap_err().contains("no checkpoint"));
}

#[test]
fn a_run_can_wait_for_one_that_is_at_work() {
    let mut app = app();
    app.shared.library.put(trained());
    let mut form = NewRun::new(&app.shared, Some(&trained()));
    key(&mut form, &app.shared, "down down right");
    let (_, effects) = form.accept(&app.shared);
    let Effect::Do(Cmd::Work(Work::Launch { arguments, what })) = &effects[0] else { panic!() };
    assert_eq!(arguments[2..].join(" "), "--after 20261124-100000-night-bbbbbb/llm2vec-1 --detach");
    assert_eq!(what, "demo starts after llm2vec-1");
}
