//! The Compare screen in the model: what may share a table, which result is in front, what is kept of
//! sessions that are left.

mod joins;
mod room;

use super::inspect_tests::{pets, work};
use super::tests::{app, press, shows};
use super::*;
use crate::eval::bootstrap::RESAMPLES;
use crate::eval::joined::{JoinedResult, KeptRanks, Part, join};
use crate::eval::sweep::{Sweep, SweepChoice};
use crate::eval::{CompareDocument, Direction, Metrics};
use crate::session::neighbours::NeighbourSet;
use crate::tui::data::joining::JoinPart;
use crate::tui::data::library::{Heat, LoadedResult, ResultContent, SessionEntry};
use crate::tui::msg::News;
use serde_json::{Value, json};
use std::sync::Arc;

const SESSION: &str = "20261124-100000-tables-bbbbbb";

/// A comparison of one encoder.
fn result(id: &str, role: &str, pool: Value) -> LoadedResult {
    let shares = json!({"recall@1": 0.021, "recall@5": 0.2, "recall@10": 0.3, "mrr": 0.2,
        "median_rank": 5.0});
    let ends = json!([0.012, 0.03]);
    let task = id.rsplit_once('-').unwrap().0;
    let document = json!({"format": "llm2clip.compare/1", "task": task,
        "protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "pool": pool,
            "captions": "any", "judgements": "own", "self_exclusion": "none", "tie_rule": "high",
            "rules": 1},
        "rows": [{"role": role, "encoder": {"encoder": id, "kind": "llama"},
            "direction": "text-to-text", "metrics": shares,
            "ci95": {"recall@1": ends, "recall@5": ends, "recall@10": ends, "mrr": ends,
                "median_rank": [1.0, 9.0]},
            "tied_share": 0.0, "mean_cosine": 0.5, "items": 9, "queries": 9, "ms_per_item": null,
            "ms_per_query": 1.25, "index_ms": null, "bytes_per_item": null, "truncated": 0}],
        "differences": []});
    let document = serde_json::from_value(document).unwrap();
    LoadedResult {
        id: id.to_owned(),
        content: Ok(ResultContent::Compare(Box::new(document), Arc::default())),
        shown: Arc::default(),
        sweep: Vec::new(),
        judged: Arc::default(),
        made: None,
    }
}

fn entry(id: &str) -> SessionEntry {
    SessionEntry { id: id.parse().unwrap(), title: "Tables".into(), created: Time::EPOCH }
}

/// A workbench on Compare with these results.
fn tables(results: Vec<LoadedResult>) -> App {
    let mut app = app();
    app.update(Msg::News(News::Sessions(vec![entry(SESSION)])));
    app.update(Msg::News(News::Results(SESSION.parse().unwrap(), results)));
    press(&mut app, "3");
    app
}

#[test]
fn comparable_results_share_one_table_and_others_say_why_not() {
    let results = vec![
        result("caption-1", "vanilla", Value::Null),
        result("caption-2", "mntp", Value::Null),
        result("caption-3", "simcse", json!(100)),
        result("image-1", "clip", Value::Null),
    ];
    let mut app = tables(results);
    let text = shows(&app, 120, 40);
    assert!(text.contains("it takes: a query 1.250 ms"), "{text}");
    assert!(!shows(&app, 80, 24).contains("it takes"), "no room");
    assert!(text.contains("J joins caption-2"), "{text}");
    assert!(text.contains("not comparable: caption-3 (pool), image-1 (task)"), "{text}");
    assert!(text.contains("vanilla") && !text.contains("mntp"), "{text}");
    let asked = work(press(&mut app, "J"));
    let parts = asked.iter().find_map(|work| match work {
        Work::Join(parts) => Some(parts.clone()),
        _ => None,
    });
    let parts = parts.unwrap();
    let of = |parts: &[JoinPart]| -> Vec<String> {
        parts
            .iter()
            .map(|part| format!("{}={}/{}", part.label, part.session, part.result))
            .collect()
    };
    let named = |id: &str| format!("{id}={SESSION}/{id}");
    assert_eq!(of(&parts), [named("caption-1"), named("caption-2")]);
    let text = shows(&app, 120, 40);
    assert!(text.contains("joining caption-2") && !text.contains("caption-1 + "), "{text}");
    app.update(Msg::News(News::Joined(parts.clone(), Err("no such\u{1b}[2J file".to_owned()))));
    assert!(shows(&app, 120, 40).contains("not joined (J tries again): no such"));
    app.update(Msg::News(News::Joined(parts.clone(), Ok(table(&app, &parts)))));
    let text = shows(&app, 120, 40);
    assert!(text.contains("caption-1 + caption-2"), "{text}");
    assert!(
        text.contains("vanilla") && text.contains("mntp") && !text.contains("simcse"),
        "{text}"
    );
    let none = "no difference of vanilla, mntp: its result has no file of neighbours";
    assert!(text.contains(none), "{text}");
    // Parted and joined again, it is not asked for again.
    assert!(!work(press(&mut app, "J J")).iter().any(|work| matches!(work, Work::Join(_))));
    assert!(shows(&app, 120, 40).contains("caption-1 + caption-2"));
    press(&mut app, "v v v");
    let text = shows(&app, 120, 40);
    assert!(text.contains("not comparable: pool: all here, 100 there"), "{text}");
    assert!(text.contains("not comparable: task: caption here, image there"), "{text}");
    press(&mut app, "J");
    assert!(!shows(&app, 120, 40).contains(" + caption-2"));
    press(&mut app, "right right J");
    let text = shows(&app, 120, 40);
    assert!(text.contains("caption-3") && !text.contains(" + "), "{text}");
    assert!(text.contains("caption-1: not comparable: pool: 100 here, all there"), "{text}");
    for (width, height) in [(60, 16), (61, 17), (80, 24), (200, 60), (20, 5)] {
        shows(&app, width, height);
    }
}

/// Joins what is in front with all that may share its table, as the worker would.
fn joined(app: &mut App) {
    let asked = work(press(app, "J"));
    let parts = asked.into_iter().find_map(|work| match work {
        Work::Join(parts) => Some(parts),
        _ => None,
    });
    let parts = parts.unwrap();
    let table = table(app, &parts);
    app.update(Msg::News(News::Joined(parts, Ok(table))));
}

/// The table of these results, whose neighbours are in the library.
fn table(app: &App, parts: &[JoinPart]) -> Box<CompareDocument> {
    let read = |part: &JoinPart| {
        let results = &app.shared.library.results[&part.session];
        let found = results.iter().find(|result| result.id == part.result).unwrap();
        let Ok(ResultContent::Compare(document, sets)) = &found.content else { panic!("none") };
        let kept = sets.iter().map(|set| KeptRanks {
            role: set.role.clone(),
            direction: set.direction.parse().unwrap(),
            queries: set.queries.clone(),
            ranks: set.rank_high.clone(),
            units: set.units.clone(),
        });
        let result = format!("{}/{}", part.session, part.result);
        let name = JoinedResult { label: part.label.clone(), result };
        Part { name, document: (**document).clone(), ranks: kept.collect() }
    };
    Box::new(join(parts.iter().map(read).collect(), None, RESAMPLES, 0).unwrap())
}

/// The same with the ranks of its row, forty queries of which the first so many are right.
fn ranked(mut result: LoadedResult, right: usize) -> LoadedResult {
    let ranks: Vec<u32> = (0..40).map(|query| if query < right { 1 } else { 7 }).collect();
    let Ok(ResultContent::Compare(document, sets)) = &mut result.content else { panic!("none") };
    let row = &mut document.rows[0];
    row.ci95.recall_1 = [0.0, 1.0];
    (row.metrics, row.queries, row.units) = (Metrics::of(&ranks), ranks.len(), ranks.len());
    *sets = Arc::new(vec![NeighbourSet {
        role: row.role.clone(),
        direction: Direction::TextToText.name().to_owned(),
        queries: (0..40).map(|query| format!("{query}#0")).collect(),
        rank_high: ranks,
        ..NeighbourSet::default()
    }]);
    result
}

#[test]
fn a_joined_table_tests_rows_of_different_results_and_corrects_over_all_of_them() {
    let results = vec![
        ranked(result("caption-1", "vanilla", Value::Null), 10),
        ranked(result("caption-2", "vanilla", Value::Null), 12),
        ranked(result("caption-3", "mntp", Value::Null), 40),
    ];
    let mut app = tables(results);
    let text = shows(&app, 120, 40);
    assert!(!text.contains(" less "), "{text}");
    joined(&mut app);
    let text = shows(&app, 120, 40);
    for label in ["caption-1/vanilla ", "caption-2/vanilla "] {
        assert!(text.contains(label), "{label}: {text}");
    }
    let line = |names: &str| text.lines().find(|line| line.contains(names)).unwrap();
    // Two queries of forty more: p 0.5, and so after Holm's correction over three tests.
    let even = line("caption-2/vanilla less caption-1/vanilla");
    assert!(even.contains("+5.0") && even.contains("p 0.500 "), "{even}");
    for names in ["mntp less caption-1/vanilla", "mntp less caption-2/vanilla"] {
        assert!(line(names).contains("p <.001") && line(names).contains("better"), "{text}");
    }
    assert!(shows(&app, 200, 40).contains("in all directions: 3 tests"));
    // Another result came: the table is made again, with it.
    let more = vec![
        ranked(result("caption-1", "vanilla", Value::Null), 10),
        ranked(result("caption-4", "simcse", Value::Null), 20),
    ];
    let asked = work(app.update(Msg::News(News::Results(SESSION.parse().unwrap(), more))));
    let again = asked.iter().any(|work| {
        matches!(work, Work::Join(parts) if parts.len() == 2 && parts[1].result == "caption-4")
    });
    assert!(again, "{asked:?}");
}

#[test]
fn a_table_of_other_results_is_joined_with_none_of_them() {
    let first = result("caption-1", "vanilla", Value::Null);
    let mut other = result("caption-2", "vanilla", Value::Null);
    let Ok(ResultContent::Compare(document, _)) = &mut other.content else { panic!("none") };
    document.joined = Some(crate::eval::joined::Joined::default());
    let mut app = tables(vec![first, other]);
    press(&mut app, "J");
    let text = shows(&app, 120, 40);
    assert!(text.contains("rows: measured here, of other results there"), "{text}");
}

#[test]
fn results_of_marked_runs_sessions_may_share_the_table() {
    let mut app = tables(vec![result("caption-1", "vanilla", Value::Null)]);
    let (other, third) = ("20261124-110000-other-cccccc", "20261124-120000-third-dddddd");
    app.update(Msg::News(News::Sessions([SESSION, other, third].map(entry).into())));
    app.shared.session = Some(SESSION.parse().unwrap());
    for session in [other, third] {
        let run = "simcse-1".parse().unwrap();
        app.shared.marks.push(RunId { session: session.parse().unwrap(), run });
    }
    let asked = work(press(&mut app, "1 3"));
    assert!(asked.contains(&Work::Results(other.parse().unwrap())), "{asked:?}");
    for (session, role) in [(other, "simcse"), (third, "mntp")] {
        let results = vec![result("caption-1", role, Value::Null)];
        app.update(Msg::News(News::Results(session.parse().unwrap(), results)));
    }
    joined(&mut app);
    let text = shows(&app, 120, 40);
    assert!(text.contains("caption-1 + Tables/caption-1") && text.contains("simcse"), "{text}");
    // The ends of the sessions' ids name their rows.
    let parts = app.screens.compare.joins(&app.shared).unwrap();
    let labels: Vec<String> = parts.into_iter().map(|part| part.label).collect();
    assert_eq!(labels, ["caption-1", "cccccc", "dddddd"]);
}

#[test]
fn the_result_in_front_stays_in_front_and_one_started_here_comes_to_it() {
    let of = |ids: &[&str]| -> Vec<LoadedResult> {
        ids.iter().map(|id| result(id, &format!("row of {id}"), Value::Null)).collect()
    };
    let mut app = tables(of(&["caption-1", "image-1"]));
    press(&mut app, "right");
    assert!(shows(&app, 80, 24).contains("row of image-1"));
    let read = |app: &mut App, ids: &[&str]| {
        app.update(Msg::News(News::Results(SESSION.parse().unwrap(), of(ids))));
    };
    // Made elsewhere: the one in front stays.
    read(&mut app, &["caption-1", "caption-2", "image-1"]);
    assert!(shows(&app, 80, 24).contains("row of image-1"));
    press(&mut app, "n tab tab tab tab tab tab space enter");
    let job = app.shared.jobs[0].id;
    read(&mut app, &["caption-1", "caption-2", "caption-3", "image-1"]);
    assert!(shows(&app, 80, 24).contains("row of caption-3"));
    app.update(Msg::News(News::JobEnded(job, Ok(None))));
    press(&mut app, "left");
    assert!(shows(&app, 80, 24).contains("row of caption-2"));
    // Nothing more comes of that job.
    read(&mut app, &["caption-1", "caption-2", "caption-3", "caption-4", "image-1"]);
    assert!(shows(&app, 80, 24).contains("row of caption-2"));
}

#[test]
fn the_wheel_stops_at_the_last_row() {
    let mut app = tables(vec![result("caption-1", "vanilla", Value::Null)]);
    for _ in 0..5 {
        app.update(Msg::Wheel { column: 5, row: 5, lines: 3 });
    }
    assert_eq!(app.screens.compare.cursor_at(), 0);
}

#[test]
fn a_filter_of_queries_holds_until_it_is_cleared_and_says_what_is_wrong() {
    let mut app = pets();
    press(&mut app, "/");
    app.update(Msg::Paste("gain<0".to_owned()));
    press(&mut app, "enter");
    let text = shows(&app, 80, 24);
    assert!(text.contains("1 match gain<0"), "{text}");
    press(&mut app, "/");
    app.update(Msg::Paste(" gian>1".to_owned()));
    press(&mut app, "enter");
    assert!(shows(&app, 120, 40).contains("filter: no field \"gian\""));
    press(&mut app, "esc");
    assert!(shows(&app, 80, 24).contains("all 2"));
}

#[test]
fn places_do_not_outlive_their_session() {
    let mut app = pets();
    let pets = app.shared.library.sessions[0].clone();
    app.update(Msg::News(News::Sessions(vec![pets.clone(), entry(SESSION)])));
    app.shared.session = Some(pets.id.clone());
    press(&mut app, "/");
    app.update(Msg::Paste("gain<0".to_owned()));
    press(&mut app, "enter a enter }");
    app.update(Msg::News(News::Results(SESSION.parse().unwrap(), Vec::new())));
    press(&mut app, "u {");
    let text = shows(&app, 80, 24);
    assert!(text.contains("clip → llm2clip") && !text.contains("match"), "{text}");
    assert!(text.contains("[all 2]"), "{text}");
}

#[test]
fn results_of_two_sessions_are_kept_and_those_before_are_put_away() {
    let ids = ["20261124-100000-a-aaaaaa", "20261124-110000-b-bbbbbb", "20261124-120000-c-cccccc"];
    let mut app = app();
    app.update(Msg::News(News::Sessions(ids.map(entry).into())));
    press(&mut app, "3");
    let read = |app: &mut App, at: usize| {
        let results = vec![result("caption-1", "x", Value::Null)];
        work(app.update(Msg::News(News::Results(ids[at].parse().unwrap(), results))))
    };
    assert!(read(&mut app, 0).is_empty());
    press(&mut app, "}");
    assert!(read(&mut app, 1).is_empty());
    press(&mut app, "}");
    let forgotten = read(&mut app, 2);
    let kept: Vec<&str> = app.shared.library.results.keys().map(SessionId::as_str).collect();
    assert_eq!(kept, ids[1..]);
    assert_eq!(forgotten, [Work::Forget(ids[0].parse().unwrap())]);
    press(&mut app, "{");
    assert_eq!(app.shared.library.results.len(), 2);
    // One that is put away is read again when it comes to the front.
    let asked = work(press(&mut app, "{"));
    assert!(asked.contains(&Work::Results(ids[0].parse().unwrap())), "{asked:?}");
    let forgotten = read(&mut app, 0);
    assert_eq!(forgotten, [Work::Forget(ids[2].parse().unwrap())]);
}

#[test]
fn a_papers_rows_stand_among_the_measured_ones_and_beside_its_own_set_only() {
    let on = |digest: &str| {
        let mut one = result("caption-1", "vanilla", Value::Null);
        let Ok(ResultContent::Compare(document, _)) = &mut one.content else { unreachable!() };
        document.protocol.dataset = "coco-5k".to_owned();
        document.protocol.split = None;
        document.protocol.split_digest = digest.to_owned();
        document.protocol.captions = "first-two".to_owned();
        tables(vec![one])
    };
    let mut app = on("163ea5e8131d573c56a3e9f8bcf5e230837256fabac89a433b9d16720f7609eb");
    let text = shows(&app, 120, 40);
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    // By recall@1: 29.5, 27.1, 25.2, 5.2; what was measured, 2.1, stands last.
    let names = ["Llama 3 8B, c", "EVA02-L", "CLIP ViT-L/14", "Llama 3 8B, v"];
    let places: Vec<usize> = names.iter().map(|name| place(name)).collect();
    assert!(places.is_sorted(), "{places:?} {text}");
    assert!(text.contains("29.4") && text.contains("the paper's rows: the protocol"), "{text}");
    press(&mut app, "down down down down down");
    let text = shows(&app, 120, 40);
    assert!(text.contains("Llama 3 8B, vanilla: reported in LLM2CLIP"), "{text}");
    press(&mut app, "down");
    assert!(shows(&app, 120, 40).contains("vanilla: 9 queries, 9 items"));
    let text = shows(&on("77"), 120, 40);
    assert!(text.contains("no figures of papers") && !text.contains("ViT-L"), "{text}");
}

#[test]
fn a_sweeps_cells_have_its_protocol_and_what_was_chosen_that_of_the_test() {
    let mut swept = result("caption-1", "smol-best", Value::Null);
    let heat = |layer: u64| Heat {
        role: "smol".into(),
        layer,
        pooling: "mean".into(),
        recall: 0.1 + layer as f64 * 0.01,
        cosine: None,
    };
    swept.sweep = (0..31).map(heat).collect();
    let Ok(ResultContent::Compare(document, _)) = &mut swept.content else { panic!("none") };
    document.rows[0].encoder["layer"] = 30.into();
    document.rows[0].encoder["text"] = json!({"pooling": "mean"});
    let mut protocol = document.protocol.clone();
    (protocol.split, protocol.pool) = (Some("validation".into()), Some(1000));
    let chosen = SweepChoice {
        role: "smol".into(),
        label: "smol-best".into(),
        layer: 30,
        pooling: "mean".into(),
        bos: true,
    };
    document.sweep = Some(Sweep {
        over: "layers".into(),
        protocol,
        rule: String::new(),
        dropped: 0,
        rows: Vec::new(),
        chosen: vec![chosen],
    });
    let mut app = tables(vec![swept]);
    press(&mut app, "v v");
    for (width, height) in [(80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        for words in [
            "tried on data emoji, split validation, first 1,000 items, text-to-text",
            "chosen, on the test (data emoji, split test, all items, text-to-text):",
            "smol-best 2.1 % (layer 30, mean)",
            // The test's 2.1 % is no end of the cells' scale.
            "shade from 10.0 to 40.0",
            "40.0 at 30 ✓",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains(" layers 0-"), "{text}");
    }
    // The cursor goes on from the table into the map.
    press(&mut app, "j");
    let text = shows(&app, 80, 24);
    assert!(text.contains(" layers 0-") && text.matches(" 40.0").count() >= 2, "{text}");
    press(&mut app, "j k");
    assert!(!shows(&app, 80, 24).contains(" layers 0-"));
    for (width, height) in [(60, 16), (200, 60), (20, 5), (1, 1)] {
        shows(&app, width, height);
    }
}

#[test]
fn differences_are_of_the_metric_that_is_looked_at_and_the_list_keys_go_on_into_them() {
    let mut many = result("caption-1", "vanilla", Value::Null);
    let Ok(ResultContent::Compare(document, _)) = &mut many.content else { panic!("none") };
    "recall@1 of each row against the first: 15 tests".clone_into(&mut document.family);
    for (at, metric) in (0..15).flat_map(|at| ["recall@1", "recall@10"].map(|name| (at, name))) {
        let mut difference = json!({"a": format!("row {at:02}"), "b": "clip",
            "direction": "text-to-text", "metric": metric, "delta": 0.1, "ci95": [0.07, 0.13],
            "n": 380});
        if metric == "recall@1" {
            difference["test"] = "mcnemar".into();
            (difference["p"], difference["p_holm"]) = (json!(0.001), json!(0.015));
        }
        document.differences.push(serde_json::from_value(difference).unwrap());
    }
    let mut app = tables(vec![many]);
    let text = shows(&app, 80, 24);
    assert!(text.contains("p: exact McNemar test, n 380; Holm's correction"), "{text}");
    assert!(text.contains(" of 15") && !text.contains("row 14"), "{text}");
    press(&mut app, "G");
    let text = shows(&app, 80, 24);
    assert!(text.contains("▌row 14 less clip") && text.contains("vanilla"), "{text}");
    press(&mut app, "M M");
    let text = shows(&app, 80, 24);
    assert!(text.contains("differences in recall@10") && text.contains("R@10 %"), "{text}");
    assert!(text.contains("p is of recall@1 alone"), "{text}");
    press(&mut app, "g");
    assert!(!shows(&app, 80, 24).contains("▌row"));
}
