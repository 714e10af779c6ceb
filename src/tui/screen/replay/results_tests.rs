//! Compare and Inspect as someone looked at them, in a replay and in a film: with the results, the typed
//! queries and the notes of then.

use super::tests::{SESSION, acted, at, begun, seen};
use crate::ids::{RunName, SessionId};
use crate::session::header::Header;
use crate::session::names::log_name;
use crate::session::results::results_of;
use crate::session::sitting::{
    Answered, Noted, SittingEvent, Subject, Tagged, Untagged, read_sittings, sitting_name,
};
use crate::session::{LogWriter, Time};
use crate::tui::app::App;
use crate::tui::app::tests::{app, press};
use crate::tui::data::library::{LoadedResult, SessionEntry};
use crate::tui::film::{Film, Look, Moment, text};
use crate::tui::msg::{Msg, News};
use crate::tui::screen::ScreenId;
use crate::tui::screen::gone::tests::{document, result};
use crate::tui::worker::reel::Playing;
use serde_json::json;
use std::path::Path;

fn answered(id: &str, text: &str) -> SittingEvent {
    let question = json!({"id": id, "text": text, "direction": "text-to-image"});
    let answer = json!({"id": id, "error": "no such file"});
    Answered { id: id.into(), question, answer }.into()
}

/// A run that began, and a day at Compare and Inspect.
fn session(sessions: &Path) -> SessionId {
    let id: SessionId = SESSION.parse().unwrap();
    let folder = sessions.join(SESSION);
    std::fs::create_dir(&folder).unwrap();
    let run: RunName = "tiny-1".parse().unwrap();
    let header = Header::of_run(id.clone(), run.clone(), 1);
    let mut log = LogWriter::create(&folder.join(log_name(&run, 1)), &header, 1).unwrap();
    log.append_at(at(1000), begun("tiny-1")).unwrap();
    let header = Header::of_sitting(id.clone());
    let mut sitting = LogWriter::create(&folder.join(sitting_name(1)), &header, 1).unwrap();
    let compare =
        |result: &str| json!({"result": result, "direction": "text-to-image", "now": "compare"});
    let inspect = |result: &str, query: &str| {
        json!({"result": result, "direction": "text-to-image", "query": query,
            "encoders": ["clip", format!("tuned-for-{result}")], "now": "inspect"})
    };
    let (on, of) = (Subject::run("tiny-1"), Subject::query("image-1#0"));
    let events: [(i64, SittingEvent); 13] = [
        (4000, acted("show-compare", "runs", compare("image-1"))),
        (4050, Tagged { on: on.clone(), tag: "tag-a".into() }.into()),
        (4200, acted("ask", "inspect", inspect("image-1", "typed-1"))),
        (4500, answered("typed-1", "a big cat")),
        (5500, acted("result-next", "compare", compare("image-2"))),
        (6000, acted("down", "inspect", inspect("image-1", "image-1#0"))),
        (6500, answered("typed-2", "a small dog")),
        (7000, Noted { on: of, text: "odd one".into() }.into()),
        (7100, Untagged { on: on.clone(), tag: "tag-a".into() }.into()),
        (7110, Tagged { on, tag: "tag-b".into() }.into()),
        (7500, acted("up", "inspect", inspect("image-1", "image-1#0"))),
        (8000, acted("result-next", "compare", compare("gone-1"))),
        (8500, acted("pair", "inspect", inspect("gone-1", "gone-1#0"))),
    ];
    for (millis, event) in events {
        sitting.append_as(at(millis), event).unwrap();
    }
    id
}

fn made(id: &str, made: Option<Time>) -> LoadedResult {
    LoadedResult { made, ..result(id) }
}

/// A workbench on the Replay screen with what there is today: an older result, one made meanwhile, one
/// made afterwards, and everything that was typed.
fn bench(sessions: &Path, id: &SessionId) -> (App, Playing) {
    let mut app = app();
    let entry = SessionEntry { id: id.clone(), title: "Night".into(), created: Time::EPOCH };
    app.update(Msg::News(News::Sessions(vec![entry])));
    let results = vec![
        made("image-1", None),
        made("image-2", Some(at(5000))),
        made("image-3", Some(at(20_000))),
    ];
    app.update(Msg::News(News::Results(id.clone(), results)));
    let sittings = read_sittings(&sessions.join(SESSION)).unwrap();
    app.update(Msg::News(News::Sittings(id.clone(), Box::new(sittings))));
    press(&mut app, "5");
    (app, Playing::open(sessions, id).unwrap())
}

/// The line above a comparison.
fn head(text: &str) -> &str {
    text.lines().find(|line| line.contains("image retrieval")).unwrap_or_default()
}

/// What stands above the list of what was done.
fn above(text: &str) -> &str {
    text.split("done at the terminal").next().unwrap_or_default()
}

#[test]
fn a_comparison_is_shown_among_the_results_of_then() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let (mut app, mut playing) = bench(sessions.path(), &id);
    // The first record that tells of the older result is this look at it.
    let text = seen(&mut app, &mut playing, 4000);
    assert!(head(&text).contains("image-1") && head(&text).contains("1 of 1"), "{text}");
    assert!(!text.contains("not comparable"), "{text}");
    let text = seen(&mut app, &mut playing, 5500);
    assert!(head(&text).contains("image-2") && head(&text).contains("2 of 2"), "{text}");
    assert!(text.contains("not comparable: image-1 (data set)"), "{text}");
    assert!(!text.contains("image-3"), "{text}");
    // Results that are read again, and fewer of them, are those of then as well.
    let results = vec![made("image-2", Some(at(5000))), made("image-3", Some(at(20_000)))];
    app.update(Msg::News(News::Results(id, results)));
    let text = seen(&mut app, &mut playing, 5500);
    assert!(head(&text).contains("image-2") && head(&text).contains("1 of 1"), "{text}");
    let text = seen(&mut app, &mut playing, 4000);
    assert!(text.contains("image-1 was looked at here") && !text.contains("tuned-for"), "{text}");
}

#[test]
fn a_result_that_is_gone_is_told_of_where_it_was_looked_at() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let (mut app, mut playing) = bench(sessions.path(), &id);
    let text = seen(&mut app, &mut playing, 8000);
    assert!(text.contains("gone-1 was looked at here"), "{text}");
    assert!(!above(&text).contains("tuned-for"), "{text}");
    let text = seen(&mut app, &mut playing, 8500);
    let gone = "result gone-1 was looked at here and is no longer in this session";
    assert!(text.contains(gone) && !above(&text).contains("tuned-for"), "{text}");
}

#[test]
fn typed_queries_and_notes_are_shown_once_they_were_recorded() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let (mut app, mut playing) = bench(sessions.path(), &id);
    let text = seen(&mut app, &mut playing, 4200);
    let missing = "query typed-1 was looked at here; nothing recorded by then tells of it";
    assert!(text.contains(missing) && !above(&text).contains("a big cat"), "{text}");
    // Its answer comes while it is looked at.
    let text = seen(&mut app, &mut playing, 4600);
    assert!(above(&text).contains("a big cat") && text.contains("There is no answer"), "{text}");
    let text = seen(&mut app, &mut playing, 6000);
    assert!(above(&text).contains("a big cat"), "{text}");
    for later in ["a small dog", "note: odd one"] {
        assert!(!above(&text).contains(later), "{later}\n{text}");
    }
    let text = seen(&mut app, &mut playing, 7500);
    for part in ["a big cat", "a small dog", "note: odd one"] {
        assert!(above(&text).contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_film_from_a_moment_shows_results_queries_and_tags_of_then() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let results = results_of(&sessions.path().join(SESSION));
    for (name, made) in [("image-1", 3000), ("image-2", 5000)] {
        results.write_at(&name.parse().unwrap(), &document(name), at(made)).unwrap();
    }
    let frame = |screen, millis| {
        let look = Look {
            theme: "dark".into(),
            ascii: false,
            size: (120, 44),
            screen,
            at: Some(Moment::Time(at(millis))),
            keys: Vec::new(),
        };
        text(&Film::open(sessions.path(), &id, &look).unwrap().frame())
    };
    for (millis, of) in [(4600, "1 of 1"), (6000, "1 of 2")] {
        let compare = frame(ScreenId::Compare, millis);
        assert!(head(&compare).contains(of), "{of}\n{compare}");
    }
    let inspect = frame(ScreenId::Inspect, 4600);
    assert!(inspect.contains("a big cat") && !inspect.contains("a small dog"), "{inspect}");
    assert!(frame(ScreenId::Inspect, 7500).contains("a small dog"));
    let runs = frame(ScreenId::Runs, 4600);
    assert!(runs.contains("tag-a") && !runs.contains("tag-b"), "{runs}");
    let runs = frame(ScreenId::Runs, 7500);
    assert!(runs.contains("tag-b") && !runs.contains("tag-a"), "{runs}");
}
