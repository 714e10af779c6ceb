//! One table of several results: what a record of it joins again, what is said where one is gone, and a
//! table that could not be made.

use super::{SESSION, joined, ranked, result, table, tables};
use crate::session::Time;
use crate::tui::app::App;
use crate::tui::app::inspect_tests::work;
use crate::tui::app::tests::{press, shows};
use crate::tui::data::joining::JoinPart;
use crate::tui::data::library::LoadedResult;
use crate::tui::msg::{Msg, News, Work};
use crate::tui::screen::Screen;
use serde_json::{Map, Value, json};

/// Comparisons that may share a table, each of a row of its own.
fn alike(ids: &[&str]) -> Vec<LoadedResult> {
    let one = |id: &&str| ranked(result(id, &format!("row of {id}"), Value::Null), 10);
    ids.iter().map(one).collect()
}

fn read(app: &mut App, ids: &[&str]) {
    app.update(Msg::News(News::Results(SESSION.parse().unwrap(), alike(ids))));
}

/// Looks at what a record says, and returns the tables that are asked for.
fn restored(app: &mut App, with: &Map<String, Value>) -> Vec<Vec<JoinPart>> {
    app.screens.compare.restore(with, &app.shared);
    asked(work(app.update(Msg::Time(Time::EPOCH))))
}

fn asked(work: Vec<Work>) -> Vec<Vec<JoinPart>> {
    let parts = |work| if let Work::Join(parts) = work { Some(parts) } else { None };
    work.into_iter().filter_map(parts).collect()
}

fn named(parts: &[JoinPart]) -> Vec<&str> {
    parts.iter().map(|part| part.result.as_str()).collect()
}

#[test]
fn a_table_is_recorded_with_its_parts_and_joined_again_of_those() {
    let mut app = tables(alike(&["caption-1", "caption-2"]));
    assert_eq!(app.screens.compare.looked_at(&app.shared)["joined"], json!(false));
    joined(&mut app);
    let mut with = app.screens.compare.looked_at(&app.shared);
    let parts = ["caption-1", "caption-2"].map(|id| format!("{SESSION}/{id}"));
    assert_eq!((&with["joined"], &with["parts"]), (&json!(true), &json!(parts)));
    // Another one of the same protocol came after it.
    read(&mut app, &["caption-1", "caption-2", "caption-3"]);
    let again = restored(&mut app, &with);
    assert_eq!(named(&again[0]), ["caption-1", "caption-2"]);
    let table_then = table(&app, &again[0]);
    app.update(Msg::News(News::Joined(again[0].clone(), Ok(table_then))));
    let text = shows(&app, 120, 40);
    assert!(text.contains("caption-1 + caption-2") && text.contains("row of caption-2"), "{text}");
    assert!(!text.contains("caption-3") && !text.contains("J leaves"), "{text}");
    // A record of an earlier version names none: all that are comparable stand for them.
    with.remove("parts");
    let all = restored(&mut app, &with);
    assert_eq!(named(&all[0]), ["caption-1", "caption-2", "caption-3"]);
}

#[test]
fn parts_that_are_gone_are_named_and_the_rest_is_shown() {
    let mut app = tables(alike(&["caption-1", "caption-2"]));
    let mut with = app.screens.compare.looked_at(&app.shared);
    let parts = ["caption-1", "caption-2", "caption-9"].map(|id| format!("{SESSION}/{id}"));
    with.insert("joined".to_owned(), true.into());
    with.insert("parts".to_owned(), json!(parts));
    let asked = restored(&mut app, &with);
    assert_eq!(named(&asked[0]), ["caption-1", "caption-2", "caption-9"]);
    // The worker joins those that are there.
    let rest = table(&app, &asked[0][..2]);
    app.update(Msg::News(News::Joined(asked[0].clone(), Ok(rest))));
    let text = shows(&app, 120, 40);
    assert!(text.contains("not there any more: caption-9; with caption-2"), "{text}");
    assert!(text.contains("caption-1 + caption-2") && text.contains("row of caption-2"), "{text}");
    // Nothing else is there: the main table alone.
    let why = "not there any more: caption-9";
    app.update(Msg::News(News::Joined(asked[0].clone(), Err(why.to_owned()))));
    let text = shows(&app, 120, 40);
    assert!(text.contains("not joined: not there any more: caption-9"), "{text}");
    assert!(text.contains("row of caption-1") && !text.contains("row of caption-2"), "{text}");
}

#[test]
fn a_table_that_failed_is_asked_for_again_by_the_key_and_not_by_itself() {
    let mut app = tables(alike(&["caption-1", "caption-2"]));
    let parts = asked(work(press(&mut app, "J"))).remove(0);
    let fails = |app: &mut App| {
        let failed = News::Joined(parts.clone(), Err("no room\nleft".to_owned()));
        assert!(asked(work(app.update(Msg::News(failed)))).is_empty());
        assert!(asked(work(app.update(Msg::Time(Time::EPOCH)))).is_empty());
        let text = shows(app, 120, 40);
        assert!(text.contains("not joined (J tries again): no room left"), "{text}");
    };
    fails(&mut app);
    assert_eq!(asked(work(press(&mut app, "J"))), [parts.clone()]);
    assert!(shows(&app, 120, 40).contains("joining again; before: no room left"));
    assert!(asked(work(app.update(Msg::Time(Time::EPOCH)))).is_empty(), "once");
    fails(&mut app);
    // After another result was in front, too.
    press(&mut app, "right left");
    assert!(shows(&app, 120, 40).contains("J joins caption-2"));
    assert_eq!(asked(work(press(&mut app, "J"))), [parts.clone()]);
    let done = table(&app, &parts);
    app.update(Msg::News(News::Joined(parts.clone(), Ok(done))));
    assert!(shows(&app, 120, 40).contains("caption-1 + caption-2"));
}

#[test]
fn while_it_is_asked_for_again_the_key_leaves_the_others_out() {
    let mut app = tables(alike(&["caption-1", "caption-2"]));
    let parts = asked(work(press(&mut app, "J"))).remove(0);
    app.update(Msg::News(News::Joined(parts, Err("no room".to_owned()))));
    assert_eq!(asked(work(press(&mut app, "J J"))).len(), 1);
    let text = shows(&app, 120, 40);
    assert!(text.contains("J joins caption-2") && !text.contains("no room"), "{text}");
}

#[test]
fn a_result_that_disappears_is_told_of_once_and_the_nearest_comes_in_its_place() {
    let mut app = tables(alike(&["caption-1", "caption-2", "caption-3"]));
    press(&mut app, "right");
    assert!(shows(&app, 120, 40).contains("row of caption-2"));
    read(&mut app, &["caption-1", "caption-3"]);
    let text = shows(&app, 120, 40);
    assert!(text.contains("caption-2 is not there any more; caption-3 is in front now"), "{text}");
    assert!(text.contains("row of caption-3"), "{text}");
    press(&mut app, "j");
    read(&mut app, &["caption-1", "caption-3"]);
    assert!(!shows(&app, 120, 40).contains("not there any more"), "once");
    // On another screen, it is said when this one comes to the front.
    press(&mut app, "1");
    read(&mut app, &["caption-1"]);
    assert!(!shows(&app, 120, 40).contains("not there any more"));
    press(&mut app, "3");
    let text = shows(&app, 120, 40);
    assert!(text.contains("caption-3 is not there any more; caption-1 is in front now"), "{text}");
    // One that was never chosen stays in front as well.
    let mut app = tables(alike(&["caption-2", "caption-3"]));
    read(&mut app, &["caption-1", "caption-2", "caption-3"]);
    assert!(shows(&app, 120, 40).contains("row of caption-2"));
    let broken =
        LoadedResult { content: Err("torn".to_owned()), ..alike(&["caption-2"]).remove(0) };
    let mut results = alike(&["caption-1"]);
    results.push(broken);
    app.update(Msg::News(News::Results(SESSION.parse().unwrap(), results)));
    let text = shows(&app, 120, 40);
    assert!(
        text.contains("caption-2 cannot be read any more: torn; caption-1 is in front"),
        "{text}"
    );
    read(&mut app, &[]);
    assert!(
        shows(&app, 120, 40).contains("caption-1 is not there any more; no other result is left")
    );
}

#[test]
fn what_a_replay_looks_at_is_not_changed_by_what_came_later() {
    let mut app = tables(alike(&["caption-1", "caption-2"]));
    press(&mut app, "right");
    let with = app.screens.compare.looked_at(&app.shared);
    press(&mut app, "left");
    app.screens.compare.restore(&with, &app.shared);
    assert_eq!(app.screens.compare.looked_at(&app.shared)["result"], "caption-2");
    read(&mut app, &["caption-1"]);
    assert_eq!(app.screens.compare.looked_at(&app.shared)["result"], "caption-2");
    let text = shows(&app, 120, 40);
    assert!(!text.contains("is in front now") && !text.contains("row of caption-1"), "{text}");
    assert!(
        text.contains("caption-2 was looked at here and is no longer in this session"),
        "{text}"
    );
}
