//! Compare in little room: what does not fit says so, and what lies below comes into sight.

use super::{result, tables};
use crate::tui::app::App;
use crate::tui::app::tests::{press, shows};
use crate::tui::data::library::ResultContent;
use serde_json::{Value, json};

/// A comparison whose lines are all long.
fn long() -> App {
    let role = "an-encoder-of-a-long-name";
    let mut one = result("caption-1", role, Value::Null);
    let Ok(ResultContent::Compare(document, _)) = &mut one.content else { panic!("none") };
    document.protocol.dataset = "a-data-set-of-a-long-name/".repeat(8);
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
        // What a row's numbers stand on, the rows that are the same, and the protocol's third line.
        assert!(line(": 9 queries").ends_with('…'), "{text}");
        assert!(line("the same rows").ends_with('…'), "{text}");
        assert!(text.lines().nth(4).unwrap().trim_end().ends_with('…'), "{text}");
        assert!(line(" -3.9 ").ends_with("not told apart"), "{text}");
    }
    let wide = shows(&app, 200, 40);
    assert!(wide.contains("47.1 % tied, 1234 texts cut"), "{wide}");
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
