//! Second judgements on Inspect: everything follows them, and a record brings them back.

use super::*;
use crate::eval::Relevant;
use crate::session::judged::JudgedSet;
use crate::tui::data::judged::Judged;

/// The one result with a second set of judgements, which speaks of the cat alone: the dog answers it.
fn judged_twice(own: bool) -> App {
    let mut app = pets();
    let session: SessionId = SESSION.parse().unwrap();
    let mut results = app.shared.library.results.remove(&session).unwrap();
    let second = JudgedSet {
        judgements: "more.qrels sha256:00".into(),
        direction: "text-to-image".into(),
        queries: vec!["cat#0".into()],
        gallery: ["cat@0", "dog@0"].map(str::to_owned).into(),
        relevant: Relevant::from_lists([vec![1u32]]),
    };
    let list = |role: &str, rank: u32| NeighbourSet {
        queries: second.queries.clone(),
        rank_low: vec![rank],
        rank_high: vec![rank],
        margin: vec![0.3],
        top_items: vec![2 - rank, rank - 1],
        top_scores: vec![0.9, 0.5],
        ..set(role, [1, 1])
    };
    let lists = vec![list("clip", 2), list("llm2clip", 1)];
    results[0].judged = Arc::new(Judged::new(Vec::new(), vec![second], lists));
    if !own {
        let Ok(ResultContent::Inspect(_, sets)) = &mut results[0].content else { panic!("none") };
        Arc::make_mut(sets).clear();
    }
    app.update(Msg::News(News::Results(session, results)));
    app
}

#[test]
fn second_judgements_bring_their_own_ranks_slices_and_marks() {
    let mut app = judged_twice(true);
    app.update(Msg::Resize { width: 120, height: 40 });
    let text = shows(&app, 120, 40);
    assert!(text.contains("inspect-1 · judged by its own"), "{text}");
    assert!(text.contains("all 2") && text.contains("cat#0  broke"), "{text}");
    press(&mut app, "s");
    let text = shows(&app, 120, 40);
    assert!(
        text.contains("inspect-1 · judged by more.qrels") && !text.contains("sha256"),
        "{text}"
    );
    assert!(text.contains("all 1") && text.contains("+fixed 1"), "{text}");
    assert!(text.contains("cat#0  fixed") && text.contains("rank 2, +0.300"), "{text}");
    // The dog is right now, in both lists and in all scores.
    let tick = app.shared.glyphs.tick().to_owned();
    let ticked: Vec<&str> = text.lines().filter(|line| line.contains(&tick)).collect();
    assert!(ticked.iter().all(|line| line.contains("a drawn dog")) && !ticked.is_empty(), "{text}");
    press(&mut app, "v");
    assert!(shows(&app, 120, 40).contains("1 better, 0 worse, 0 equal"));
    press(&mut app, "v");
    assert!(shows(&app, 120, 40).contains("1 query, top 2"));
    press(&mut app, "v ] s");
    // The slice stays; under its own judgements nothing was fixed.
    assert!(shows(&app, 120, 40).contains("no query is so"));
    press(&mut app, "esc j s");
    let with = app.screens.inspect.looked_at(&app.shared);
    assert_eq!(
        (&with["query"], &with["judgements"]),
        (&json!("cat#0"), &json!("more.qrels sha256:00"))
    );
    press(&mut app, "s");
    assert!(!app.screens.inspect.looked_at(&app.shared).contains_key("judgements"));
}

#[test]
fn a_record_brings_the_judgements_back_and_so_does_the_way_back() {
    let mut app = judged_twice(true);
    press(&mut app, "s");
    let (with, before) = (app.screens.inspect.looked_at(&app.shared), shows(&app, 80, 24));
    press(&mut app, "s");
    assert_ne!(shows(&app, 80, 24), before);
    app.screens.inspect.restore(&with, &app.shared);
    assert_eq!(app.screens.inspect.looked_at(&app.shared), with);
    assert!(shows(&app, 80, 24).contains("judged by more.qrels"));
    let acted = work(press(&mut app, "s s"));
    let says = |work: &Work| {
        matches!(work, Work::Record(_, event) if matches!(&**event, SittingEvent::Acted(acted)
            if acted.action == "judgements" && acted.with.contains_key("judgements")))
    };
    assert_eq!(acted.iter().filter(|work| says(work)).count(), 1, "{acted:?}");
}

#[test]
fn where_there_is_one_set_of_judgements_the_key_says_so() {
    let mut app = pets();
    assert!(!shows(&app, 120, 40).contains("judged by"));
    press(&mut app, "s");
    assert!(shows(&app, 120, 40).contains("there is one set of judgements here"));
    // A set that says nothing of what answers what is judged by the file alone.
    let mut app = judged_twice(false);
    assert!(shows(&app, 120, 40).contains("judged by more.qrels"));
    press(&mut app, "s");
    assert!(shows(&app, 120, 40).contains("there is one set of judgements here"));
    assert!(shows(&app, 120, 40).contains("cat#0  fixed"));
}
