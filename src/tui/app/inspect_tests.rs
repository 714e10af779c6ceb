//! The Inspect and Compare screens in the model: typed queries, neighbours that become queries, notes,
//! comparisons that are started here.

mod asking;
mod judging;
mod listing;
mod pointing;

use super::tests::{app, press, shows};
use super::*;
use crate::eval::{InspectDocument, SetGiven};
use crate::session::neighbours::NeighbourSet;
use crate::session::sitting::SittingEvent;
use crate::session::thumbnails::ItemsShown;
use crate::tui::data::library::{Heat, LoadedResult, ResultContent, SessionEntry};
use crate::tui::msg::News;
use serde_json::{Value, json};
use std::sync::Arc;

const SESSION: &str = "20261124-100000-pets-bbbbbb";

fn set(role: &str, ranks: [u32; 2]) -> NeighbourSet {
    NeighbourSet {
        role: role.into(),
        direction: "text-to-image".into(),
        queries: ["cat#0", "dog#0"].map(str::to_owned).into(),
        units: Vec::new(),
        gallery: ["cat@0", "dog@0"].map(str::to_owned).into(),
        k: 2,
        rank_low: ranks.into(),
        rank_high: ranks.into(),
        margin: vec![0.1, -0.2],
        top_items: vec![ranks[0] - 1, 2 - ranks[0], 2 - ranks[1], ranks[1] - 1],
        top_scores: vec![0.9, 0.5, 0.8, 0.4],
    }
}

fn document(id: &str, hits: Value) -> Value {
    let list = |role: &str| {
        json!({"role": role, "ms": 2.5, "hits": hits,
        "encoder": {"encoder": format!("s/{role}"), "kind": "clip"}})
    };
    json!({"format": "llm2clip.inspect/1", "id": id, "direction": "text-to-image",
        "protocol": {"dataset": "pets", "split": "test", "split_digest": "00", "captions": "any",
            "judgements": "own", "self_exclusion": "none", "tie_rule": "high", "rules": 1},
        "given": {"dataset": "pets", "split": "test"},
        "lists": [list("clip"), list("llm2clip")]})
}

/// A workbench on a session with one inspection.
pub(super) fn pets() -> App {
    let mut app = app();
    let session: SessionId = SESSION.parse().unwrap();
    let entry = SessionEntry { id: session.clone(), title: "Pets".into(), created: Time::EPOCH };
    app.update(Msg::News(News::Sessions(vec![entry])));
    let inspected: InspectDocument = serde_json::from_value(document("x", json!([]))).unwrap();
    let mut shown = ItemsShown::default();
    for name in ["cat", "dog"] {
        shown.captions.insert(format!("{name}#0"), format!("a drawn {name}"));
    }
    let sets = Arc::new(vec![set("clip", [1, 1]), set("llm2clip", [2, 1])]);
    let heat = |layer: u64, recall| Heat {
        role: "llama".into(),
        layer,
        pooling: "mean".into(),
        recall,
        cosine: None,
    };
    let result = LoadedResult {
        id: "inspect-1".into(),
        content: Ok(ResultContent::Inspect(Box::new(inspected), sets)),
        shown: Arc::new(shown),
        sweep: vec![heat(0, 0.1), heat(5, 0.4)],
        judged: Arc::default(),
        made: None,
    };
    app.update(Msg::News(News::Results(session, vec![result])));
    press(&mut app, "4");
    app
}

pub(super) fn work(commands: Vec<Cmd>) -> Vec<Work> {
    let work = |command| if let Cmd::Work(work) = command { Some(work) } else { None };
    commands.into_iter().filter_map(work).collect()
}

#[test]
fn a_typed_query_is_asked_answered_and_recorded() {
    let mut app = pets();
    assert!(shows(&app, 80, 24).contains("a drawn cat"));
    press(&mut app, "A b i g space c a t");
    let asked = work(press(&mut app, "enter"));
    let Some(Work::Ask { arguments, question }) = asked.first() else { panic!("{asked:?}") };
    assert_eq!(
        arguments.join(" "),
        "inspect --serve --lazy --dataset=pets --split=test --encoders clip=s/clip,llm2clip=s/llm2clip"
    );
    let expected = json!({"id": "typed-1", "text": "big cat", "k": 10,
        "direction": "text-to-image", "encoders": ["clip", "llm2clip"]});
    assert_eq!(*question, expected);
    let text = shows(&app, 80, 24);
    assert!(text.contains("big cat") && text.contains("asked"), "{text}");
    let hit = json!([{"item": "dog@0", "rank": 1, "rank_high": 1, "score": 0.7, "relevant": null}]);
    let answer = document("typed-1", hit);
    let recorded = work(app.update(Msg::News(News::Answered(answer.clone()))));
    let is_answer = |work: &Work| {
        matches!(work, Work::Record(_, event) if matches!(&**event,
            SittingEvent::Answered(event) if event.id == "typed-1" && event.answer == answer))
    };
    assert!(recorded.iter().any(is_answer), "{recorded:?}");
    let text = shows(&app, 80, 24);
    assert!(
        text.contains("typed") && text.contains("2.5 ms") && text.contains("a drawn dog"),
        "{text}"
    );
    // Its neighbour becomes the next query, and there is a way back.
    press(&mut app, "enter");
    assert!(shows(&app, 80, 24).contains("dog#0  both-right"));
    press(&mut app, "u");
    assert!(shows(&app, 80, 24).contains("typed, text-to-image"));
    // The same child cannot be asked when it is gone, and says so once.
    press(&mut app, "A x enter");
    let waits = vec!["typed-2".to_owned()];
    app.update(Msg::News(News::Unanswered(waits, "the encoders are gone".into())));
    assert!(shows(&app, 80, 24).contains("There is no answer: the encoders are gone"));
}

/// The one result of the workbench, changed.
fn with_result(app: &mut App, change: impl FnOnce(&mut InspectDocument)) {
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = app.shared.library.results.remove(&session).unwrap();
    let Ok(ResultContent::Inspect(document, _)) = &mut results[0].content else {
        panic!("no inspection");
    };
    change(document);
    app.update(Msg::News(News::Results(session, results)));
}

#[test]
fn the_data_set_is_asked_for_again_as_it_was_given() {
    let mut app = pets();
    with_result(&mut app, |document| {
        document.given = Some(SetGiven {
            dataset: "shots/lines.txt".into(),
            data: Some("/data".into()),
            split: "validation".into(),
            ..SetGiven::default()
        });
    });
    let (arguments, _) = asks(&mut app, "A", "a cat").unwrap();
    let expected = "inspect --serve --lazy --dataset=shots/lines.txt --data=/data \
                    --split=validation --encoders clip=s/clip,llm2clip=s/llm2clip";
    assert_eq!(arguments.join(" "), expected);
    // An older result says the file's name only, which may stand for anything here.
    with_result(&mut app, |document| document.given = None);
    assert!(asks(&mut app, "A", "a cat").is_none());
    let text = shows(&app, 120, 40);
    assert!(text.contains("inspect-1 is older than the record of how its data set pets"), "{text}");
    // Another result on the same items knows it.
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = app.shared.library.results.remove(&session).unwrap();
    let mut twin = results[0].clone();
    twin.id = "inspect-2".into();
    let Ok(ResultContent::Inspect(document, _)) = &mut twin.content else { panic!("none") };
    let given = SetGiven { dataset: "elsewhere".into(), ..SetGiven::default() };
    (document.given, document.protocol.captions) = (Some(given), "first-two".into());
    results.push(twin);
    app.update(Msg::News(News::Results(session, results)));
    let (arguments, _) = asks(&mut app, "A", "a cat").unwrap();
    assert!(arguments.contains(&"--dataset=elsewhere".to_owned()), "{arguments:?}");
    // The set inside the program is what its name says.
    let mut app = pets();
    with_result(&mut app, |document| {
        document.given = None;
        document.protocol.dataset = "emoji".into();
    });
    assert!(asks(&mut app, "A", "a cat").is_some());
}

/// An answer to the first question in which one key of its first encoder or of its protocol is another.
fn answer_with(place: &str, key: &str, value: &str) -> Value {
    let hit = json!([{"item": "dog@0", "rank": 1, "rank_high": 1, "score": 0.7, "relevant": null}]);
    let mut answer = document("typed-1", hit);
    answer["lists"][0]["encoder"]["weights"] = "aa".into();
    answer.pointer_mut(place).unwrap()[key] = value.into();
    answer
}

#[test]
fn an_answer_from_another_set_is_refused_and_recorded_so() {
    let mut app = pets();
    asks(&mut app, "A", "a cat").unwrap();
    let answer = answer_with("/protocol", "split_digest", "77");
    let recorded = work(app.update(Msg::News(News::Answered(answer))));
    let is_refusal = |work: &Work| {
        matches!(work, Work::Record(_, event) if matches!(&**event,
            SittingEvent::Answered(event) if event.answer["error"].as_str()
                .is_some_and(|why| why.contains("split_digest") && why.contains("77"))))
    };
    assert!(recorded.iter().any(is_refusal), "{recorded:?}");
    let text = shows(&app, 120, 40);
    assert!(text.contains("There is no answer") && text.contains("split_digest"), "{text}");
}

#[test]
fn an_answer_with_other_weights_stands_and_says_so() {
    for (width, height) in [(80, 24), (120, 40), (60, 16)] {
        let mut app = pets();
        app.update(Msg::Resize { width, height });
        with_result(&mut app, |document| document.lists[0].encoder["weights"] = "aa".into());
        asks(&mut app, "A", "a cat").unwrap();
        let answer = answer_with("/lists/0/encoder", "weights", "bb");
        let recorded = work(app.update(Msg::News(News::Answered(answer.clone()))));
        let is_answer = |work: &Work| {
            matches!(work, Work::Record(_, event) if matches!(&**event,
                SittingEvent::Answered(event) if event.answer == answer))
        };
        assert!(recorded.iter().any(is_answer), "{recorded:?}");
        let text = shows(&app, width, height);
        assert!(text.contains("asked with today's"), "{text}");
        assert!(width < 80 || (text.contains("bb (was aa)") && text.contains("a drawn dog")));
        // Of the result's own queries there is nothing to say.
        press(&mut app, "j");
        assert!(!shows(&app, width, height).contains("asked with today's"));
    }
}

#[test]
fn an_answer_and_an_end_concern_only_the_questions_they_name() {
    let mut app = pets();
    asks(&mut app, "A", "one").unwrap();
    // The same result in another session: its question has an id of its own.
    let other: SessionId = "20261124-090000-alone-cccccc".parse().unwrap();
    let results = app.shared.library.results[&SESSION.parse().unwrap()].clone();
    let entry = SessionEntry { id: other.clone(), title: "Alone".into(), created: Time::EPOCH };
    let mut sessions = app.shared.library.sessions.clone();
    sessions.push(entry);
    app.update(Msg::News(News::Sessions(sessions)));
    app.update(Msg::News(News::Results(other.clone(), results)));
    press(&mut app, "}");
    let (_, question) = asks(&mut app, "A", "two").unwrap();
    assert_eq!(question["id"], "typed-2");
    app.update(Msg::News(News::Unanswered(vec!["typed-1".into()], "given up".into())));
    let answers = |app: &App| -> Vec<Option<bool>> {
        app.shared.asked.iter().map(|asked| Some(asked.answer.as_ref()?.is_ok())).collect()
    };
    assert_eq!(answers(&app), [Some(false), None]);
    let recorded = work(app.update(Msg::News(News::Answered(document("typed-2", json!([]))))));
    assert!(
        recorded.iter().any(|work| matches!(work, Work::Record(session, _) if *session == other)),
        "{recorded:?}"
    );
    assert_eq!(answers(&app), [Some(false), Some(true)]);
}

#[test]
fn both_encoders_choose_among_typed_texts_for_the_querys_picture() {
    let mut app = pets();
    press(&mut app, "c");
    assert!(shows(&app, 80, 24).contains("choose among"));
    app.update(Msg::Paste("a cat".to_owned()));
    assert!(work(press(&mut app, "enter")).is_empty(), "one text is no choice");
    assert!(shows(&app, 80, 24).contains("two texts or more"));
    // What was typed is still there.
    press(&mut app, "c");
    app.update(Msg::Paste(", a dog\u{1b}".to_owned()));
    let asked = work(press(&mut app, "enter"));
    let Some(Work::Ask { arguments, question }) = asked.first() else { panic!("{asked:?}") };
    assert!(!arguments.contains(&"--direction".to_owned()), "{arguments:?}");
    let expected = json!({"id": "typed-1", "query_id": "cat#0", "candidates": ["a cat", "a dog"],
        "encoders": ["clip", "llm2clip"]});
    assert_eq!(*question, expected);
    let row = |role: &str, from: &str| {
        json!({"role": role, "encoder": {}, "text_encoder": {}, "scale": 100.0, "scale_from": from,
        "metrics": null, "ci95": null, "tied_share": 0.0, "ms_per_item": 1.0,
        "ms_per_candidate": 0.5, "truncated": 0})
    };
    let hits = |first: usize, share: f64| {
        json!([{"candidate": first, "probability": share, "cosine": 0.3},
        {"candidate": 1 - first, "probability": 1.0 - share, "cosine": 0.1}])
    };
    let answer = json!({"format": "llm2clip.classify/1", "id": "typed-1",
        "protocol": {"dataset": "pets", "split": "test", "split_digest": "00", "pool": null,
            "tie_rule": "high", "rules": 1},
        "candidates": ["a cat", "a dog"], "texts": ["a cat", "a dog"], "templates": ["{}"],
        "rows": [row("clip", "model"), row("llm2clip", "default")], "differences": [],
        "family": "", "labelled": {"pictures": 0, "units": 0, "without": 1, "unknown": 0,
            "unknown_labels": []},
        "pictures": [{"item": "cat@0", "label": null,
            "classes": [hits(0, 0.75), hits(1, 0.9)]}],
        "resamples": 10000, "seed": 0, "program": "0"});
    let recorded = work(app.update(Msg::News(News::Answered(answer))));
    assert!(recorded.iter().any(|work| matches!(work, Work::Record(_, event)
        if matches!(&**event, SittingEvent::Answered(event) if event.id == "typed-1"))));
    for (width, height) in [(80, 24), (120, 40), (200, 60), (60, 16)] {
        app.update(Msg::Resize { width, height });
        let text = shows(&app, width, height);
        assert!(text.contains("zero-shot") && text.contains("75.0 %"), "{text}");
        assert!(text.contains("90.0 %") && text.contains("choice"), "{text}");
    }
    // A choice can be asked again of the picture it was about.
    press(&mut app, "c");
    app.update(Msg::Paste("x; y".to_owned()));
    let asked = work(press(&mut app, "enter"));
    assert!(
        matches!(asked.first(), Some(Work::Ask { question, .. })
        if question["query_id"] == "cat#0" && question["id"] == "typed-2"),
        "{asked:?}"
    );
}

/// What is asked when a line is typed after a key.
fn asks(app: &mut App, key: &str, line: &str) -> Option<(Vec<String>, Value)> {
    press(app, key);
    app.update(Msg::Paste(line.to_owned()));
    let asked = work(press(app, "enter")).into_iter();
    asked.into_iter().find_map(|work| match work {
        Work::Ask { arguments, question } => Some((arguments, question)),
        _ => None,
    })
}

#[test]
fn a_pasted_query_is_asked_whole_and_without_its_control_characters() {
    let mut app = pets();
    let (_, question) = asks(&mut app, "A", "a red\nkite\u{1b}[2J\0, or 얼굴").unwrap();
    assert_eq!(question["text"], "a red kite[2J, or 얼굴");
}

#[test]
fn one_child_serves_other_directions_other_columns_and_choices() {
    let mut app = pets();
    let (first, _) = asks(&mut app, "A", "a cat").unwrap();
    // A picture asks in another direction; the columns change sides.
    let (second, question) = asks(&mut app, "A", "my/cat.png").unwrap();
    assert_eq!(question["direction"], "image-to-image");
    press(&mut app, "a b");
    let (third, question) = asks(&mut app, "A", "a cat").unwrap();
    assert_eq!(question["encoders"], json!(["llm2clip", "clip"]));
    let (fourth, question) = asks(&mut app, "c", "my/cat.png, a cat, a dog").unwrap();
    assert_eq!(question["image"], "my/cat.png");
    assert!(first == second && second == third && third == fourth, "{first:?}");
}

#[test]
fn a_typed_query_is_asked_and_not_recorded_where_nothing_may_be_written() {
    let mut app = pets();
    app.shared.readonly = true;
    let (arguments, _) = asks(&mut app, "A", "a cat").unwrap();
    assert_eq!(arguments.last().unwrap(), "--readonly");
    let answered = app.update(Msg::News(News::Answered(document("typed-1", json!([])))));
    assert!(!work(answered).iter().any(|work| matches!(work, Work::Record(..))));
    assert!(asks(&mut app, "c", "my/cat.png, a cat, a dog").is_some());
    // A note would be written.
    assert!(asks(&mut app, "w", "ok").is_none());
    assert!(shows(&app, 80, 24).contains("--readonly"));
}

#[test]
fn a_choice_is_asked_of_captions_too_and_says_who_has_no_image_tower() {
    let captions = |kind: &str| {
        let mut app = pets();
        let session: SessionId = SESSION.parse().unwrap();
        let mut results = app.shared.library.results.remove(&session).unwrap();
        let ResultContent::Inspect(document, sets) = results[0].content.as_mut().unwrap() else {
            panic!("no inspection");
        };
        document.lists[1].encoder["kind"] = kind.into();
        for set in Arc::make_mut(sets) {
            set.direction = "text-to-text".to_owned();
        }
        app.update(Msg::News(News::Results(session, results)));
        app
    };
    let mut app = captions("clip");
    let (arguments, question) = asks(&mut app, "c", "my/cat.png; a cat; a dog").unwrap();
    assert_eq!(question["image"], "my/cat.png");
    assert!(!arguments.join(" ").contains("direction"));
    let mut app = captions("llama");
    assert!(asks(&mut app, "c", "my/cat.png; a cat; a dog").is_none());
    assert!(shows(&app, 80, 24).contains("llm2clip is a Llama and has no image tower"));
}

#[test]
fn a_note_stands_beside_its_query_until_it_is_taken_back() {
    let mut app = pets();
    let recorded = work(press(&mut app, "w o k enter"));
    assert!(matches!(&recorded[..], [Work::Record(_, event)]
        if matches!(&**event, SittingEvent::Noted(noted) if noted.text == "ok")));
    assert!(shows(&app, 80, 24).contains("note: ok"));
    press(&mut app, "w backspace backspace enter");
    assert!(!shows(&app, 80, 24).contains("note: ok"));
}

#[test]
fn what_is_looked_at_is_recorded_by_name() {
    let app = pets();
    let with = app.screens.inspect.looked_at(&app.shared);
    assert_eq!(with["query"], "cat#0");
    assert_eq!(with["encoders"], json!(["clip", "llm2clip"]));
}

#[test]
fn every_view_of_inspect_can_be_drawn_at_any_size() {
    let mut app = pets();
    for _ in 0..3 {
        press(&mut app, "v");
        for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60), (61, 17)] {
            app.update(Msg::Resize { width, height });
            shows(&app, width, height);
        }
    }
    app.update(Msg::Resize { width: 80, height: 24 });
    press(&mut app, "v");
    assert!(shows(&app, 80, 24).contains("rank against rank"));
    press(&mut app, "v");
    assert!(shows(&app, 80, 24).contains("right answers"));
}

#[test]
fn a_typed_query_has_no_mark_among_the_ranks() {
    let mut app = pets();
    app.update(Msg::Resize { width: 120, height: 40 });
    let mark = app.shared.glyphs.mark();
    let marked = |app: &App| {
        let text = shows(app, 120, 40);
        let plot = text.split_once("rank against rank").unwrap().1;
        plot.contains(mark)
    };
    press(&mut app, "v");
    assert!(marked(&app));
    asks(&mut app, "A", "a cat").unwrap();
    press(&mut app, "v");
    assert!(!marked(&app), "the typed query is chosen, and has no ranks");
    press(&mut app, "j");
    assert!(marked(&app));
}

#[test]
fn a_comparison_is_requested_until_the_program_says_it_is_done() {
    let mut app = pets();
    press(&mut app, "3 n");
    assert!(shows(&app, 80, 24).contains("A new comparison"));
    press(&mut app, "tab tab tab tab tab tab space down space");
    let started = work(press(&mut app, "enter"));
    let Some(Work::Job(id, arguments)) = started.first() else { panic!("{started:?}") };
    assert!(arguments.join(" ").contains("--encoders llama=builtin:llama,bm25"), "{arguments:?}");
    let id = *id;
    press(&mut app, "j");
    assert!(shows(&app, 80, 24).contains("caption comparison of 2 on emoji: requested"));
    assert!(app.ticks());
    app.update(Msg::News(News::JobSaid(id, "llama: encoding texts 3/9".into())));
    let text = shows(&app, 80, 24);
    assert!(text.contains("encoding texts 3/9") && !text.contains("requested"), "{text}");
    let ended = work(app.update(Msg::News(News::JobEnded(id, Ok(None)))));
    assert!(ended.iter().any(|work| matches!(work, Work::Results(_))));
    assert!(shows(&app, 80, 24).contains(": done"));
    assert!(!app.ticks());
}

#[test]
fn a_session_without_runs_is_reached_and_what_is_done_there_is_recorded_there() {
    let mut app = pets();
    let entry = |id: &str, title: &str| {
        let id: SessionId = id.parse().unwrap();
        SessionEntry { id, title: title.into(), created: Time::EPOCH }
    };
    let alone = entry("20261124-090000-alone-cccccc", "Alone");
    let sessions = vec![entry(SESSION, "Pets"), alone.clone()];
    app.update(Msg::News(News::Sessions(sessions.clone())));
    assert!(shows(&app, 80, 24).contains("a drawn cat"));
    let asked = work(press(&mut app, "}"));
    assert!(asked.contains(&Work::Results(alone.id.clone())), "{asked:?}");
    assert!(shows(&app, 80, 24).contains("session Alone, 2 of 2"));
    app.update(Msg::News(News::Results(alone.id.clone(), Vec::new())));
    assert!(shows(&app, 80, 24).contains("Alone has no inspected queries yet"));
    let recorded = work(press(&mut app, "d"));
    assert!(matches!(&recorded[..], [Work::Record(id, _)] if *id == alone.id), "{recorded:?}");
    press(&mut app, "{");
    assert!(shows(&app, 80, 24).contains("a drawn cat"));
    // A session that is gone is not shown any longer.
    press(&mut app, "}");
    app.update(Msg::News(News::Sessions(sessions[..1].to_vec())));
    assert!(shows(&app, 80, 24).contains("a drawn cat"));
}
