//! Compare in little room: what does not fit says so, and what lies below comes into sight.

use super::{result, tables};
use crate::tui::app::App;
use crate::tui::app::tests::{entry, press, shows};
use crate::tui::data::library::ResultContent;
use crate::tui::msg::{Msg, News};
use serde_json::{Value, json};

/// A comparison whose lines are all long.
fn long() -> App {
    let role = "an-encoder-of-a-long-name";
    let mut one = result("caption-1", role, Value::Null);
    let Ok(ResultContent::Compare(document, _)) = &mut one.content else { panic!("none") };
    document.protocol.dataset = "a-data-set-of-a-long-name/".repeat(16);
    let row = &mut document.rows[0];
    (row.tied_share, row.truncated, row.hub_skewness) = (0.471, 1234, Some(5.762));
    let twin = format!("{role}-that-was-trained-once-more");
    document.same_rows = vec![vec![role.to_owned(), twin.clone()]];
    for _ in 0..2 {
        let difference = json!({"a": twin, "b": role, "direction": "text-to-text",
            "metric": "recall@1", "delta": -0.039, "ci95": [-0.471, -0.008], "test": "sign-flip",
            "p": 0.08, "p_holm": 0.08, "n": 380});
        document.differences.push(serde_json::from_value(difference).unwrap());
    }
    tables(vec![one])
}

#[test]
fn what_is_cut_ends_with_the_sign_of_it() {
    let app = long();
    for (width, height) in [(60, 20), (80, 24)] {
        let text = shows(&app, width, height);
        let line = |with: &str| {
            let line = text.lines().find(|line| line.contains(with));
            line.unwrap_or_else(|| panic!("{with}: {text}")).trim_end()
        };
        // What a row's numbers stand on, the rows that are the same, and the protocol's last line.
        assert!(line(": 9 queries").ends_with('…'), "{text}");
        assert!(line("the same rows").ends_with('…'), "{text}");
        let head = text.lines().position(|line| line.contains("R@1 %")).unwrap();
        let protocol = text.lines().nth(head - 1).unwrap().trim_end();
        assert!(protocol.ends_with('…'), "{text}");
        assert!(line(" -3.9 ").ends_with("not told apart"), "{text}");
    }
    // In more room what a row's numbers stand on goes on in a second line.
    let tall = shows(&app, 80, 40);
    assert!(tall.contains("1234 texts cut") && tall.contains("skewness 5.76"), "{tall}");
    let wide = shows(&app, 200, 40);
    assert!(wide.contains("47.1 % tied, 1234 texts cut"), "{wide}");
}

#[test]
fn the_protocol_is_whole_and_rows_out_of_sight_are_told_of() {
    let mut one = result("caption-1", "row 0", Value::Null);
    let Ok(ResultContent::Compare(document, _)) = &mut one.content else { panic!("none") };
    (document.protocol.dataset, document.protocol.captions) =
        ("emoji".repeat(8), "first-two".to_owned());
    document.protocol.self_exclusion = "image-to-image and text-to-text".to_owned();
    document.protocol.tie_rule = "high rank, scores rounded to 2^-20".to_owned();
    for at in 1..12 {
        let mut row = document.rows[0].clone();
        row.role = format!("row {at}");
        document.rows.push(row);
    }
    let mut app = tables(vec![one]);
    let text = shows(&app, 60, 20);
    assert!(text.contains("rules v1 "), "{text}");
    let text = shows(&app, 80, 20);
    let shown = (0..12).filter(|at| text.contains(&format!("row {at} "))).count();
    assert!(shown < 12 && text.contains(&format!("rows 1 to {shown} of 12 · 1 of 1")), "{text}");
    let narrow = shows(&app, 60, 20);
    let shown = (0..12).filter(|at| narrow.contains(&format!("row {at} "))).count();
    assert!(narrow.contains(&format!("rows 1-{shown}/12")), "{narrow}");
    press(&mut app, "G");
    assert!(shows(&app, 80, 20).contains(" to 12 of 12 "));
    assert!(!shows(&app, 80, 40).contains("of 12 "));
}

#[test]
fn the_chosen_row_is_seen_on_the_least_terminals_too() {
    let mut one = result("caption-1", "row 0", Value::Null);
    let Ok(ResultContent::Compare(document, _)) = &mut one.content else { panic!("none") };
    document.protocol.dataset = "a-data-set-of-a-long-name/".repeat(16);
    for at in 1..12 {
        let mut row = document.rows[0].clone();
        row.role = format!("row {at}");
        document.rows.push(row);
    }
    let mut app = tables(vec![one]);
    for (width, height) in [(44, 8), (60, 10), (80, 12)] {
        for (key, row) in [("g", "row 0 "), ("G", "row 11 ")] {
            press(&mut app, key);
            let text = shows(&app, width, height);
            let mut lines = text.lines();
            assert!(lines.any(|line| line.starts_with('▌') && line.contains(row)), "{text}");
        }
    }
}

#[test]
fn a_click_chooses_a_row_and_a_line_below() {
    let mut app = long();
    app.update(Msg::Resize { width: 80, height: 24 });
    let line = |app: &App, with: &str| {
        let text = shows(app, 80, 24);
        text.lines().position(|line| line.contains(with)).unwrap() as u16
    };
    let row = line(&app, " -3.9 ") + 1;
    app.update(Msg::Click { column: 10, row });
    assert_eq!(app.screens.compare.cursor_at(), 2, "behind the one row");
    // The words above the table choose nothing.
    app.update(Msg::Click { column: 10, row: 3 });
    assert_eq!(app.screens.compare.cursor_at(), 2);
    let row = line(&app, "R@1 %") + 1;
    app.update(Msg::Click { column: 10, row });
    assert_eq!(app.screens.compare.cursor_at(), 0);
}

#[test]
fn other_results_scroll_with_the_chosen_one_and_how_many_there_are_is_said() {
    let other = |at: usize| {
        let pool = if at == 0 { Value::Null } else { json!(at) };
        result(&format!("caption-{at:02}"), "x", pool)
    };
    let mut app = tables((0..30).map(other).collect());
    press(&mut app, "v v v");
    let text = shows(&app, 80, 24);
    assert!(text.contains("from 1 of 29") && !text.contains("caption-29  "), "{text}");
    press(&mut app, "G");
    let text = shows(&app, 80, 24);
    let chosen = text.lines().rfind(|line| line.starts_with('▌')).unwrap();
    assert!(chosen.contains("caption-29") && chosen.contains("not comparable"), "{text}");
    press(&mut app, "g");
    assert!(shows(&app, 80, 24).contains("from 1 of 29"));
    for (width, height) in [(20, 5), (60, 16), (61, 17)] {
        press(&mut app, "G");
        shows(&app, width, height);
    }
}

#[test]
fn why_a_comparison_failed_is_kept_for_the_log() {
    let mut app = tables(vec![result("caption-1", "x", Value::Null)]);
    press(&mut app, "n tab tab tab tab tab tab space enter");
    let job = app.shared.jobs[0].id;
    let why = "no such data set: emoji2".to_owned();
    app.update(Msg::News(News::JobEnded(job, Err(why))));
    assert!(shows(&app, 120, 40).contains("failed: no such data set: emoji2"));
    press(&mut app, "j");
    let (_, line) = app.shared.library.printed.back().unwrap();
    assert!(line.contains("failed: no such data set: emoji2"), "{line}");
}

#[test]
fn known_encoders_say_how_many_there_are_where_they_do_not_fit() {
    let mut app = tables(vec![result("caption-1", "x", Value::Null)]);
    let mut run = entry("20261124-100000-tables-bbbbbb/long-1", 5);
    run.saved = (0..30).map(|at| (format!("stage{at}").parse().unwrap(), 1)).collect();
    app.update(Msg::News(News::Run(Box::new(run))));
    press(&mut app, "n");
    let text = shows(&app, 80, 24);
    assert!(text.contains(" of 32, space takes or leaves one"), "{text}");
}
