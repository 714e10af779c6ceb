//! What slice and filter let through is kept, and found again when one of them or the results change.

use super::*;
use ratatui::buffer::Buffer;

/// Which of the two are listed.
fn listed(app: &App) -> Vec<&'static str> {
    let area = Rect::new(0, 0, 120, 40);
    let mut buffer = Buffer::empty(area);
    app.view(area, &mut buffer);
    let row = |y| (0..46).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let lines: Vec<String> = (4..39).map(row).collect();
    let there = |name: &&&str| lines.iter().any(|line| line.contains(&format!("a drawn {name}")));
    ["cat", "dog"].iter().filter(there).copied().collect()
}

#[test]
fn the_list_follows_the_slice_the_filter_and_what_is_compared() {
    let mut app = pets();
    assert_eq!(listed(&app), ["cat", "dog"]);
    // While a filter is typed it already counts.
    press(&mut app, "/ d o");
    assert_eq!(listed(&app), ["dog"]);
    press(&mut app, "backspace backspace r a n k _ a");
    assert_eq!(listed(&app), Vec::<&str>::new(), "no caption has that word");
    press(&mut app, "< 2");
    assert_eq!(listed(&app), ["cat", "dog"]);
    press(&mut app, "backspace backspace > x");
    let text = shows(&app, 120, 40);
    assert!(text.contains("rank_a: expected a number") && !text.contains(" match "), "{text}");
    assert_eq!(listed(&app), ["cat", "dog"], "a filter that cannot be read hides nothing");
    press(&mut app, "enter esc");
    assert!(!shows(&app, 120, 40).contains("expected a number"));
    // What broke from left to right was mended from right to left.
    press(&mut app, "] ]");
    assert_eq!(listed(&app), ["cat"]);
    assert!(shows(&app, 120, 40).contains("broke: 50 % of 2"));
    press(&mut app, "a b");
    assert_eq!(listed(&app), Vec::<&str>::new());
    press(&mut app, "[");
    assert_eq!(listed(&app), ["cat"]);
    press(&mut app, "esc");
    assert_eq!(listed(&app), ["cat", "dog"]);
}

#[test]
fn a_filter_holds_for_all_ranks_and_all_scores_too() {
    let mut app = pets();
    app.update(Msg::Resize { width: 120, height: 40 });
    press(&mut app, "v");
    assert!(shows(&app, 120, 40).contains("0 better, 1 worse, 1 equal"));
    press(&mut app, "/ d o g");
    assert!(shows(&app, 120, 40).contains("0 better, 0 worse, 1 equal"));
    press(&mut app, "enter v");
    let text = shows(&app, 120, 40);
    assert!(text.contains("1 query, top 2") && text.contains("right answers: 1"), "{text}");
    press(&mut app, "esc");
    let text = shows(&app, 120, 40);
    assert!(text.contains("2 queries, top 2") && text.contains("right answers: 2"), "{text}");
}

#[test]
fn what_is_counted_over_all_queries_is_right_under_other_encoders_too() {
    let mut app = pets();
    app.update(Msg::Resize { width: 120, height: 40 });
    let counted = |app: &App| {
        let text = shows(app, 120, 40);
        let lines = text.lines().filter(|line| line.contains("right answers"));
        lines.map(str::to_owned).collect::<String>()
    };
    press(&mut app, "v v / d r a w n enter");
    let before = counted(&app);
    assert!(before.contains("right answers: 2"), "{before}");
    // The left one changes, then the right one: the columns have changed sides.
    press(&mut app, "a b");
    let turned = counted(&app);
    assert_ne!(turned, before);
    assert_eq!(listed(&app), ["cat", "dog"], "the filter's words are still known");
    press(&mut app, "a b");
    assert_eq!(counted(&app), before);
}

#[test]
fn an_item_without_a_common_word_is_no_neighbour() {
    let mut app = pets();
    app.update(Msg::Resize { width: 120, height: 40 });
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = app.shared.library.results.remove(&session).unwrap();
    let Ok(ResultContent::Inspect(document, sets)) = &mut results[0].content else {
        panic!("no inspection");
    };
    document.lists[0].encoder["kind"] = "bm25".into();
    Arc::make_mut(sets)[0].top_scores = vec![0.0, 0.0, 3.5, 0.0];
    app.update(Msg::News(News::Results(session, results)));
    let text = shows(&app, 120, 40);
    assert!(text.contains("no word in common") && !text.contains("0.000"), "{text}");
    press(&mut app, "j");
    let text = shows(&app, 120, 40);
    assert!(text.contains("3.500") && !text.contains("0.000"), "{text}");
    assert!(!text.contains("no word in common"), "{text}");
}

#[test]
fn results_that_are_read_again_are_listed_again() {
    let mut app = pets();
    press(&mut app, "/ d o g enter");
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = app.shared.library.results.remove(&session).unwrap();
    let mut newer = results[0].clone();
    newer.id = "inspect-2".into();
    results.insert(0, newer);
    app.update(Msg::News(News::Results(session.clone(), results)));
    assert_eq!(listed(&app), ["dog"]);
    app.update(Msg::News(News::Results(session, Vec::new())));
    assert!(shows(&app, 120, 40).contains("has no inspected queries yet"));
}

#[test]
fn another_result_of_the_same_name_is_paired_anew() {
    let mut app = pets();
    assert!(shows(&app, 120, 40).contains("-broke 1 "));
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = app.shared.library.results.remove(&session).unwrap();
    let Ok(ResultContent::Inspect(_, sets)) = &mut results[0].content else {
        panic!("no inspection");
    };
    Arc::make_mut(sets)[1] = set("llm2clip", [1, 1]);
    results[0].shown = Arc::new((*results[0].shown).clone());
    app.update(Msg::News(News::Results(session, results)));
    assert!(shows(&app, 120, 40).contains("-broke 0 "));
}
