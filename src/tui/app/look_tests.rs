//! An encoder looked into, and a session exported, in the model.

use super::inspect_tests::{pets, work};
use super::tests::{app, entry, press, shows};
use super::*;
use crate::session::sitting::SittingEvent;
use crate::tui::data::looked::LookShown;
use crate::tui::data::looked::tests::document;
use crate::tui::msg::News;
use crate::tui::picture::CELL;
use std::sync::Arc;

#[test]
fn an_encoder_is_looked_into_recorded_and_shown_with_its_tests_masks_weights_and_loras() {
    let mut app = pets();
    press(&mut app, "e");
    assert!(shows(&app, 80, 24).contains("An encoder looked into"));
    // The encoders of the results stand first; down takes the second.
    press(&mut app, "down");
    assert!(shows(&app, 80, 24).contains("llm2clip, 2 of 3 known"));
    press(&mut app, "down ctrl-u");
    app.update(Msg::Paste("-a dog".to_owned()));
    let asked = work(press(&mut app, "enter"));
    let line = "encoder builtin:llama --text=-a dog --self-test --json --quiet";
    assert!(
        asked.iter().any(|work| matches!(work, Work::Look(1, arguments)
        if arguments.join(" ") == line)),
        "{asked:?}"
    );
    assert!(asked.iter().any(|work| matches!(work, Work::Record(_, event)
        if matches!(&**event, SittingEvent::Acted(acted) if acted.action == "encoder"
            && acted.with["asked"] == "-a dog"))));
    assert!(shows(&app, 80, 24).contains("it is being loaded"));
    let (shown, _) = LookShown::read(document(b"png")).unwrap();
    // What was asked before counts no longer.
    app.update(Msg::News(News::Looked(7, Err("late".to_owned()))));
    app.update(Msg::Graphics { graphics: Graphics::Halfblocks, cell: CELL });
    app.update(Msg::Resize { width: 120, height: 50 });
    let wanted = work(app.update(Msg::News(News::Looked(1, Ok(Box::new(shown))))));
    let digest = crate::ids::Digest::of(b"png");
    assert!(
        wanted.iter().any(|work| matches!(work, Work::Pictures(_, keys, ..)
        if keys.iter().any(|key| key.picture == digest))),
        "{wanted:?}"
    );
    let text = shows(&app, 120, 50);
    for words in [
        "a TEST FAILED",
        "✓ the first token's state when the last token changes",
        "FAILED alone equals in a batch: 2e-3",
        "37x23 pixels, read as 24x24 in 9 patches",
        "3 tokens, pooled by mean",
        "causal: a token sees itself",
        "a\\u{1b}[2J",
        "0 to 2",
        "LoRA 1: lora\\u{1b}_mntp",
        "7.50 %",
        "model.layers.10",
        "text tower",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // A page on, and the form comes back as it was.
    press(&mut app, "pagedown esc");
    assert!(!shows(&app, 80, 24).contains("An encoder"));
    press(&mut app, "e");
    assert!(shows(&app, 120, 50).contains("-a dog"));
    for (width, height) in [(60, 16), (61, 17), (80, 24), (200, 60)] {
        app.update(Msg::Resize { width, height });
        shows(&app, width, height);
    }
    app.update(Msg::Resize { width: 80, height: 24 });
    press(&mut app, "tab ctrl-u enter");
    assert!(shows(&app, 80, 24).contains("no encoder yet"));
}

#[test]
fn a_look_shows_its_picture_where_there_is_no_session_yet() {
    let mut app = app();
    app.update(Msg::Graphics { graphics: Graphics::Halfblocks, cell: CELL });
    press(&mut app, "e enter");
    let (shown, _) = LookShown::read(document(b"png")).unwrap();
    let wanted = work(app.update(Msg::News(News::Looked(1, Ok(Box::new(shown))))));
    let digest = crate::ids::Digest::of(b"png");
    assert!(
        wanted.iter().any(|work| matches!(work, Work::Pictures(None, keys, ..)
            if keys.iter().any(|key| key.picture == digest))),
        "{wanted:?}"
    );
}

#[test]
fn an_answer_says_whose_it_is_once_something_else_stands_in_the_form() {
    let mut app = pets();
    press(&mut app, "e enter");
    let (shown, _) = LookShown::read(document(b"png")).unwrap();
    app.update(Msg::News(News::Looked(1, Ok(Box::new(shown)))));
    let still = "enter looks into this; below is still ";
    assert!(!shows(&app, 120, 40).contains(still));
    for (there, back) in [("down", "up"), ("x", "backspace")] {
        press(&mut app, there);
        assert!(shows(&app, 120, 40).contains(still), "{there}");
        press(&mut app, back);
        assert!(!shows(&app, 120, 40).contains(still), "{back}");
    }
}

#[test]
fn the_picture_of_a_look_goes_the_terminals_way_over_the_screen() {
    use crate::tui::picture::{Drawn, Key as PictureKey};
    for graphics in [Graphics::Sixel, Graphics::Iterm2, Graphics::Halfblocks] {
        let mut app = pets();
        app.update(Msg::Graphics { graphics, cell: CELL });
        press(&mut app, "e enter");
        let (shown, _) = LookShown::read(document(b"png")).unwrap();
        let wanted = work(app.update(Msg::News(News::Looked(1, Ok(Box::new(shown))))));
        let picture = crate::ids::Digest::of(b"png");
        let keys: Vec<PictureKey> = wanted
            .into_iter()
            .flat_map(|work| if let Work::Pictures(_, keys, ..) = work { keys } else { vec![] })
            .collect();
        let key = keys.into_iter().find(|key| key.picture == picture).unwrap();
        let cells = usize::from(key.columns) * usize::from(key.rows);
        let drawn = Drawn {
            key: key.clone(),
            number: 1,
            halves: vec![[Some([1, 2, 3]); 2]; cells],
            offset: (0, 0),
            sent: b"<picture>".to_vec(),
        };
        app.update(Msg::News(News::Picture(key.clone(), Some(Arc::new(drawn)))));
        let laid = graphics.is_laid_over();
        assert_eq!(shows(&app, 80, 24).contains("▀▀▀▀"), !laid, "{graphics:?}");
        let places = app.placements();
        assert_eq!(places.len(), usize::from(laid), "{graphics:?}");
        if let Some((place, drawn)) = places.first() {
            assert_eq!((place.width, place.height), (key.columns, key.rows));
            assert_eq!(drawn.sent, b"<picture>");
        }
        press(&mut app, "esc");
        assert!(app.placements().is_empty());
    }
}

#[test]
fn a_session_is_exported_where_the_form_says_and_its_end_is_told() {
    let mut app = pets();
    app.shared.here = "/home/ada".into();
    press(&mut app, "E");
    let text = shows(&app, 100, 30);
    let folder = "export/20261124-100000-pets-bbbbbb";
    assert!(text.contains(&format!("/home/ada/{folder}")) && text.contains("TREC"), "{text}");
    press(&mut app, "ctrl-u");
    assert!(shows(&app, 80, 24).contains("no folder"));
    assert!(work(press(&mut app, "enter")).is_empty());
    app.update(Msg::Paste("out".to_owned()));
    let asked = work(press(&mut app, "enter"));
    let Some(Work::Job(id, arguments)) = asked.first() else { panic!("{asked:?}") };
    let session = "20261124-100000-pets-bbbbbb";
    let expected = format!("export {session} --out=out --session {session} --json");
    assert_eq!(arguments.join(" "), expected);
    let text = shows(&app, 80, 24);
    assert!(text.contains("asked for") && text.contains("export of Pets: requested"), "{text}");
    assert!(work(press(&mut app, "enter")).is_empty(), "it is being written");
    app.update(Msg::News(News::JobEnded(*id, Ok(Some("12 files in out".to_owned())))));
    let text = shows(&app, 80, 24);
    assert!(text.contains("✓ 12 files in out") && text.contains("export of Pets: 12 files"));
}

#[test]
fn an_export_holds_the_formats_that_are_left_in() {
    let mut app = pets();
    press(&mut app, "E tab space down down space");
    let text = shows(&app, 80, 24);
    assert!(text.contains("✓ csv") && !text.contains("✓ json") && !text.contains("✓ trec"));
    let asked = work(press(&mut app, "enter"));
    assert!(
        matches!(asked.first(), Some(Work::Job(_, arguments))
        if arguments.contains(&"--formats=csv,svg,png".to_owned())),
        "{asked:?}"
    );
    // Another choice is another export, also while the first is on its way.
    press(&mut app, "up space down down space down space");
    assert!(shows(&app, 80, 24).contains("no format"));
    assert!(work(press(&mut app, "enter")).is_empty());
    // Up from the first format lies the folder, above it the session; the only one stays.
    press(&mut app, "space up up up up up up");
    assert!(shows(&app, 80, 24).contains("left and right choose"));
    press(&mut app, "right");
    let asked = work(press(&mut app, "enter"));
    assert!(
        matches!(asked.first(), Some(Work::Job(2, arguments))
        if arguments.contains(&"--formats=png".to_owned())),
        "{asked:?}"
    );
    for (width, height) in [(60, 16), (61, 17), (120, 40)] {
        app.update(Msg::Resize { width, height });
        assert!(shows(&app, width, height).contains("over files of the same"));
    }
}

#[test]
fn nothing_is_exported_without_a_session_or_where_nothing_may_be_written() {
    let mut app = app();
    press(&mut app, "E");
    assert!(shows(&app, 80, 24).contains("no session to export"));
    let mut app = pets();
    app.shared.readonly = true;
    press(&mut app, "E");
    assert!(shows(&app, 80, 24).contains("--readonly"));
    // Looking writes nothing, and says so to the program it starts.
    press(&mut app, "e");
    let asked = work(press(&mut app, "enter"));
    assert!(
        matches!(&asked[..], [Work::Look(_, arguments)]
        if arguments.last().is_some_and(|last| last == "--readonly")),
        "{asked:?}"
    );
}

#[test]
fn on_runs_the_encoder_of_the_selected_run_is_looked_into_and_one_without_weights_is_not_asked() {
    let mut app = app();
    let stage = |name: &str| name.parse().unwrap();
    let mut here = entry("20261124-100000-night-bbbbbb/llm2clip-1", 5);
    here.saved = vec![(stage("clip"), 100), (stage("llm2clip"), 50)];
    let mut gone = entry("20261124-110000-day-cccccc/clip-1", 6);
    gone.saved = vec![(stage("clip"), 100)];
    for run in [&here, &gone] {
        app.update(Msg::News(News::Run(Box::new(run.clone()))));
    }
    let encoder = |app: &App| {
        let Some(Overlay::Look(form)) = &app.overlay else { panic!() };
        form.encoder.text().to_owned()
    };
    // Nobody has looked yet which weights are here.
    press(&mut app, "e");
    assert_eq!(encoder(&app), format!("{}/clip", gone.id));
    press(&mut app, "esc");
    app.update(Msg::News(News::Weights(BTreeSet::from([here.id.clone()]))));
    press(&mut app, "e");
    assert_eq!(encoder(&app), format!("{}/clip", here.id));
    assert!(shows(&app, 80, 24).contains("the weights of clip-1 are not here: another encoder"));
    press(&mut app, "tab ctrl-u");
    app.update(Msg::Paste("clip-1/clip".to_owned()));
    assert!(work(press(&mut app, "enter")).is_empty());
    assert!(shows(&app, 80, 24).contains("the weights of clip-1/clip are not here"));
    press(&mut app, "esc down e");
    assert_eq!(encoder(&app), format!("{}/llm2clip", here.id), "its newest");
    assert!(work(press(&mut app, "enter")).iter().any(|work| matches!(work, Work::Look(..))));
}
