//! Whom one can ask on Inspect, the way back from a neighbour, and typed queries that are put away.

use super::*;
use crate::eval::CompareDocument;

/// The workbench on a session that was compared and not inspected: its sets hold no queries.
fn compared() -> App {
    let mut app = app();
    let session: SessionId = SESSION.parse().unwrap();
    let entry = SessionEntry { id: session.clone(), title: "Pets".into(), created: Time::EPOCH };
    app.update(Msg::News(News::Sessions(vec![entry])));
    let roles = [("tuned", "llama"), ("clip", "clip"), ("llm2clip", "llm2clip")];
    let row = |(role, kind): (&str, &str)| {
        let ends = json!([0.0, 1.0]);
        json!({"role": role, "encoder": {"encoder": format!("s/{role}"), "kind": kind},
            "direction": "text-to-text", "metrics": {"recall@1": 0.5, "recall@5": 0.5,
                "recall@10": 0.5, "mrr": 0.5, "median_rank": 2.0},
            "ci95": {"recall@1": ends, "recall@5": ends, "recall@10": ends, "mrr": ends,
                "median_rank": [1.0, 9.0]},
            "tied_share": 0.0, "mean_cosine": 0.5, "items": 9, "queries": 9, "ms_per_item": null,
            "ms_per_query": 1.25, "index_ms": null, "bytes_per_item": null, "truncated": 0})
    };
    let document = json!({"format": "llm2clip.compare/1", "task": "caption",
        "protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "captions": "any",
            "judgements": "own", "self_exclusion": "none", "tie_rule": "high", "rules": 1},
        "rows": roles.map(row), "differences": []});
    let document: CompareDocument = serde_json::from_value(document).unwrap();
    let set = |(role, _): (&str, &str)| NeighbourSet {
        role: role.into(),
        direction: "text-to-text".into(),
        ..NeighbourSet::default()
    };
    let result = LoadedResult {
        id: "caption-1".into(),
        content: Ok(ResultContent::Compare(Box::new(document), Arc::new(roles.map(set).into()))),
        shown: Arc::default(),
        sweep: Vec::new(),
        judged: Arc::default(),
        made: None,
    };
    app.update(Msg::News(News::Results(session, vec![result])));
    press(&mut app, "4");
    app
}

#[test]
fn a_file_that_asks_is_shown_once_it_is_at_hand() {
    use crate::ids::Digest;
    use crate::tui::picture::{CELL, Graphics};
    let mut app = pets();
    app.update(Msg::Graphics { graphics: Graphics::Halfblocks, cell: CELL });
    let (_, question) = asks(&mut app, "A", "my/cat.png").unwrap();
    let id = question["id"].as_str().unwrap().to_owned();
    let picture = Digest::of(b"cat");
    let wanted = work(app.update(Msg::News(News::Seen(id, picture.clone()))));
    assert!(
        wanted.iter().any(|work| matches!(work, Work::Pictures(_, keys, ..)
            if keys.iter().any(|key| key.picture == picture))),
        "{wanted:?}"
    );
}

#[test]
fn the_encoders_of_a_comparison_that_kept_no_lists_are_asked() {
    let mut app = compared();
    let text = shows(&app, 80, 24);
    assert!(text.contains("kept no lists"), "{text}");
    for (width, height) in [(60, 16), (61, 17), (120, 40), (200, 60)] {
        shows(&app, width, height);
    }
    let (arguments, question) = asks(&mut app, "A", "a cat").unwrap();
    assert_eq!(question["encoders"], json!(["tuned", "clip"]));
    assert_eq!(question["direction"], "text-to-text");
    let line = arguments.join(" ");
    assert!(line.contains("--dataset=emoji") && line.contains("tuned=s/tuned"), "{line}");
    let mut answer = document("typed-1", json!([]));
    answer["protocol"]["dataset"] = "emoji".into();
    app.update(Msg::News(News::Answered(answer)));
    press(&mut app, "v v v");
    assert!(shows(&app, 80, 24).contains("a cat"));
    // A Llama sees no pictures: the first two that do are asked, unless others were chosen.
    let (_, question) = asks(&mut app, "A", "my/cat.png").unwrap();
    assert_eq!(question["encoders"], json!(["clip", "llm2clip"]));
    press(&mut app, "a a");
    assert!(asks(&mut app, "A", "my/cat.png").is_none());
    assert!(shows(&app, 80, 24).contains("tuned is a Llama"));
}

#[test]
fn texts_are_chosen_for_the_neighbour_of_a_typed_text_and_a_refused_line_is_kept() {
    let mut app = pets();
    asks(&mut app, "A", "a cat").unwrap();
    app.update(Msg::News(News::Scanned));
    // Nothing is known of it yet: no picture, and the line is not lost.
    assert!(asks(&mut app, "c", "x, y").is_none());
    assert!(shows(&app, 80, 24).contains("no picture to choose for"));
    let hit = |item: &str| json!([{"item": item, "rank": 1, "rank_high": 1, "score": 0.7, "relevant": null}]);
    let mut answer = document("typed-1", hit("dog@0"));
    answer["lists"][1]["hits"] = hit("cat@0");
    app.update(Msg::News(News::Answered(answer)));
    let (_, question) = asks(&mut app, "c", "z").unwrap();
    assert_eq!(question["query_id"], "cat@0");
    assert_eq!(question["candidates"], json!(["x", "yz"]));
    app.update(Msg::News(News::Scanned));
    press(&mut app, "j left");
    let (_, question) = asks(&mut app, "c", "x, y").unwrap();
    assert_eq!(question["query_id"], "dog@0");
}

#[test]
fn without_lists_nothing_is_counted_and_keys_about_them_say_so() {
    let mut app = compared();
    for (width, height) in [(80, 24), (120, 40), (60, 16)] {
        let text = shows(&app, width, height);
        assert!(text.contains("slices are not known"), "{text}");
        assert!(!text.contains("+fixed") && !text.contains("+0"), "{text}");
    }
    let offered = shows(&app, 120, 40).lines().last().unwrap().trim().to_owned();
    assert!(offered.starts_with("A ask  c choose"), "{offered}");
    assert!(!offered.contains("slice") && !offered.contains("follow"), "{offered}");
    let before = app.screens.inspect.looked_at(&app.shared);
    for key in ["]", "[", "v"] {
        press(&mut app, key);
        assert!(shows(&app, 80, 24).contains("no lists of the same queries were kept"), "{key}");
        assert_eq!(app.screens.inspect.looked_at(&app.shared), before, "{key}");
    }
    // A typed query stays seen.
    asks(&mut app, "A", "a cat").unwrap();
    press(&mut app, "]");
    assert!(shows(&app, 80, 24).contains("a cat"));
}

#[test]
fn lists_that_were_kept_come_before_encoders_that_can_only_be_asked() {
    let mut app = pets();
    let bare = compared();
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = bare.shared.library.results[&session].clone();
    results.extend(app.shared.library.results[&session].clone());
    app.update(Msg::News(News::Results(session, results)));
    assert!(shows(&app, 80, 24).contains("inspect-1"));
    press(&mut app, "d");
    assert!(shows(&app, 80, 24).contains("inspect-1"), "there is no other set of lists");
}

#[test]
fn each_query_stands_with_its_ranks_signs_and_margin_and_the_signs_are_explained() {
    let mut app = pets();
    let line = |app: &App, width, height| {
        let text = shows(app, width, height);
        let row = |line: &&str| line.contains("a drawn cat") && line.contains("-1 -");
        let found = text.lines().find(row).map(str::to_owned);
        found.unwrap_or(text)
    };
    let text = shows(&app, 80, 24);
    assert!(text.contains("-broke 1") && text.contains("=both-right 1"), "{text}");
    assert!(line(&app, 80, 24).contains("1   2   -1 -"), "{}", line(&app, 80, 24));
    app.update(Msg::Resize { width: 120, height: 40 });
    assert!(line(&app, 120, 40).contains("+0.100"), "{}", line(&app, 120, 40));
    assert!(shows(&app, 120, 40).contains(" margin"));
}

#[test]
fn what_a_query_takes_stands_above_recorded_lists_too() {
    let app = pets();
    // As the inspection measured it.
    let text = shows(&app, 80, 24);
    assert!(text.contains("rank 1, margin +0.100, 2.50 ms"), "{text}");
}

#[test]
fn the_way_back_leads_to_the_slice_the_search_and_the_query_that_were_left() {
    let mut app = pets();
    // The second slice is what broke; of it only what the search finds.
    press(&mut app, "] ] /");
    app.update(Msg::Paste("cat".to_owned()));
    press(&mut app, "enter right");
    let before = shows(&app, 80, 24);
    let with = app.screens.inspect.looked_at(&app.shared);
    assert_eq!((&with["slice"], &with["search"]), (&json!("broke"), &json!("cat")));
    press(&mut app, "space");
    let there = app.screens.inspect.looked_at(&app.shared);
    assert!(!there.contains_key("slice") && !there.contains_key("search"), "{there:?}");
    press(&mut app, "u");
    assert_eq!(app.screens.inspect.looked_at(&app.shared), with);
    assert_eq!(shows(&app, 80, 24), before);
    // With nothing before it, it stays.
    press(&mut app, "u");
    assert_eq!(app.screens.inspect.looked_at(&app.shared), with);
}

/// The workbench on a session whose first encoder is of a run that came without its weights.
fn without_weights(mut app: App, here: &[&str]) -> App {
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = app.shared.library.results.remove(&session).unwrap();
    let roles = ["tuned", "clip", "llm2clip"];
    for result in &mut results {
        let Ok(ResultContent::Compare(document, _)) = &mut result.content else { continue };
        for row in &mut document.rows {
            let own = roles.iter().position(|role| *role == row.role).unwrap();
            row.encoder["encoder"] = format!("{SESSION}/run-{own}/clip").into();
        }
    }
    app.update(Msg::News(News::Results(session, results)));
    let run = |role: &str| {
        let own = roles.iter().position(|known| *known == role).unwrap();
        super::super::tests::entry(&format!("{SESSION}/run-{own}"), 1)
    };
    for role in roles {
        app.update(Msg::News(News::Run(Box::new(run(role)))));
    }
    let here = here.iter().map(|role| run(role).id).collect();
    app.update(Msg::News(News::Weights(here)));
    app
}

#[test]
fn where_an_encoder_in_front_has_no_weights_here_others_of_the_result_are_asked() {
    let mut app = without_weights(compared(), &["clip", "llm2clip"]);
    press(&mut app, "4");
    let (_, question) = asks(&mut app, "A", "a cat").unwrap();
    assert_eq!(question["encoders"], json!(["llm2clip", "clip"]));
    let text = shows(&app, 120, 40);
    assert!(
        text.contains("the weights of tuned are not here: llm2clip and clip are asked"),
        "{text}"
    );
    // Whoever is not known to be away is asked as ever.
    let mut app = without_weights(compared(), &["tuned", "clip", "llm2clip"]);
    press(&mut app, "4");
    let (_, question) = asks(&mut app, "A", "a cat").unwrap();
    assert_eq!(question["encoders"], json!(["tuned", "clip"]));
}

#[test]
fn what_cannot_be_asked_is_not_offered() {
    let mut app = without_weights(compared(), &["clip"]);
    press(&mut app, "4");
    let text = shows(&app, 200, 60);
    assert!(text.contains("weights are not here") && !text.contains("types a text"), "{text}");
}
