//! The form of a new run under keys.

use super::*;
use crate::recipe::{names, preset};
use crate::session::pace::Took;
use crate::tui::app::App;
use crate::tui::app::tests::{app, entry};
use crate::tui::msg::{Cmd, Work};
use std::sync::Arc;

fn key(form: &mut NewRun, shared: &Shared, text: &str) {
    for text in text.split(' ') {
        let key = Key::parse(text).unwrap();
        let action = crate::tui::keys::action_of(key, &[crate::tui::keys::Context::Overlay]);
        form.key(key, action, shared);
    }
}

/// What is started, and as what, after the question that comes first.
fn started(form: &mut NewRun, shared: &Shared) -> (Vec<String>, String) {
    let (stays, effects) = form.start(shared);
    assert!(stays && effects.is_empty() && form.asking, "{effects:?}");
    let (stays, effects) = form.answered(Key::parse("y").unwrap(), shared).unwrap();
    let [Effect::Do(Cmd::Work(Work::Launch { arguments, what }))] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(!stays);
    (arguments.clone(), what.clone())
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
    let (stays, effects) = form.start(&app.shared);
    assert!(stays && matches!(&effects[..], [Effect::Fail(why)] if why.contains("batch")));
    key(&mut form, &app.shared, "6");
    assert_eq!(form.changes(), ["clip.batch: 128 becomes 16"]);
    let mut same = form.clone();
    let (arguments, _) = started(&mut same, &app.shared);
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
    let mut same = form.clone();
    assert!(same.question(&app.shared).contains("simcse@30? 170 steps"));
    let (arguments, _) = started(&mut same, &app.shared);
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
    let (arguments, what) = started(&mut form, &app.shared);
    assert_eq!(arguments[2..].join(" "), "--after 20261124-100000-night-bbbbbb/llm2vec-1 --detach");
    assert_eq!(what, "demo starts after llm2vec-1");
}

#[test]
fn enter_goes_from_line_to_line_and_starts_on_the_last_one_alone() {
    let (app, mut form) = clip();
    let lines = FIXED.len() + form.keys().len();
    for at in 0..lines {
        assert_eq!(form.at, at);
        assert_eq!(form.accept(&app.shared), (true, Vec::new()), "line {at} starts nothing");
    }
    assert_eq!(form.row(), Row::Start);
    key(&mut form, &app.shared, "down tab");
    assert_eq!(form.row(), Row::Start, "another stage's keys leave it in front");
    form.accept(&app.shared);
    assert!(form.asking, "how long it takes is not known");
    let words = form.question(&app.shared);
    assert!(words.starts_with("Start clip? 300 steps, its device still"), "{words}");
    assert!(words.contains("how long is not known yet"), "{words}");
    // While it is asked nothing else is heard.
    form.paste("x");
    key(&mut form, &app.shared, "enter tab up x");
    assert!(form.asking && form.row() == Row::Start && form.changes().is_empty());
    key(&mut form, &app.shared, "n");
    assert!(!form.asking);
    // The first line and the last one are neighbours, for keys and not for the wheel.
    key(&mut form, &app.shared, "home pageup pageup pageup pageup pageup pageup pageup up");
    assert_eq!(form.row(), Row::Start);
    key(&mut form, &app.shared, "pageup pageup pageup pageup pageup pageup pageup");
    form.wheel(-1);
    assert_eq!(form.row(), Row::Origin);
}

#[test]
fn what_is_known_to_be_short_starts_at_once_from_any_line() {
    let (mut app, mut form) = clip();
    let recipe = preset("clip").unwrap();
    let took = |step: f64| vec![(recipe.stages[0].name.clone(), Took { step, ..Took::default() })];
    let mut run = entry("20261124-100000-night-bbbbbb/clip-1", 5);
    (run.pace, run.recipe) = (took(0.1), Some(Arc::new(recipe.clone())));
    app.shared.library.put(run.clone());
    let (stays, effects) = form.start(&app.shared);
    assert!(!stays && !form.asking && effects.len() == 1);
    run.pace = took(2.0);
    app.shared.library.put(run);
    form.start(&app.shared);
    assert!(form.asking && form.question(&app.shared).contains("about 10 m 00 s."));
}
