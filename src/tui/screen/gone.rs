//! A result that was looked at and cannot be shown any more: it is said so, and none stands in its place.

use super::compare::session;
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::paragraph;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Why a result of the session in front cannot be shown, in one line; nothing where it can, and where
/// the session's results were not read.
pub fn why(shared: &Shared, id: &str) -> Option<String> {
    let results = shared.library.results.get(session(shared)?)?;
    let looked = format!("result {} was looked at here and", text::safe(id));
    match results.iter().find(|result| result.id == id).map(|result| &result.content) {
        None => Some(format!("{looked} is no longer in this session")),
        Some(Err(why)) => Some(format!("{looked} cannot be read: {}", text::safe(why))),
        Some(Ok(_)) => None,
    }
}

/// Says it.
pub fn view(shared: &Shared, words: &str, area: Rect, buffer: &mut Buffer) {
    let inner = Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(1),
    };
    paragraph(shared, buffer, inner, Role::Warn, words);
}

#[cfg(test)]
pub(super) mod tests {
    use crate::session::Time;
    use crate::session::neighbours::NeighbourSet;
    use crate::tui::app::App;
    use crate::tui::app::tests::{app, press, shows};
    use crate::tui::data::library::{LoadedResult, ResultContent, SessionEntry};
    use crate::tui::msg::{Msg, News};
    use serde_json::{Value, json};
    use std::sync::Arc;

    const SESSION: &str = "20261124-100000-night-bbbbbb";

    /// The document of a comparison of two encoders.
    pub fn document(id: &str) -> Value {
        let shares = json!({"recall@1": 0.5, "recall@5": 0.5, "recall@10": 0.5, "mrr": 0.5,
            "median_rank": 1.0});
        let ends = json!([0.1, 0.9]);
        let row = |role: &str| {
            json!({"role": role, "encoder": {"encoder": role, "kind": "clip"},
                "direction": "text-to-image", "metrics": shares,
                "ci95": {"recall@1": ends, "recall@5": ends, "recall@10": ends, "mrr": ends,
                    "median_rank": [1.0, 2.0]},
                "tied_share": 0.0, "mean_cosine": 0.5, "items": 2, "queries": 1,
                "ms_per_item": null, "ms_per_query": null, "index_ms": null,
                "bytes_per_item": null, "truncated": 0})
        };
        json!({"format": "llm2clip.compare/1", "task": "image",
            "protocol": {"dataset": id, "split": null, "split_digest": "00", "pool": null,
                "captions": "any", "judgements": "own", "self_exclusion": "none",
                "tie_rule": "high", "rules": 1},
            "rows": [row("clip"), row(&format!("tuned-for-{id}"))], "differences": []})
    }

    /// That comparison, with one query.
    pub fn result(id: &str) -> LoadedResult {
        let set = |role: &str| NeighbourSet {
            role: role.to_owned(),
            direction: "text-to-image".to_owned(),
            queries: vec![format!("{id}#0")],
            gallery: vec![format!("{id}@0"), "other@0".to_owned()],
            k: 1,
            rank_low: vec![1],
            rank_high: vec![1],
            margin: vec![0.5],
            top_items: vec![0],
            top_scores: vec![0.9],
            ..NeighbourSet::default()
        };
        let sets = Arc::new(vec![set("clip"), set(&format!("tuned-for-{id}"))]);
        let document = serde_json::from_value(document(id)).unwrap();
        LoadedResult {
            id: id.to_owned(),
            content: Ok(ResultContent::Compare(Box::new(document), sets)),
            shown: Arc::default(),
            sweep: Vec::new(),
            judged: Arc::default(),
            made: None,
        }
    }

    fn read(app: &mut App, results: Vec<LoadedResult>) {
        app.update(Msg::News(News::Results(SESSION.parse().unwrap(), results)));
    }

    fn bench(ids: &[&str]) -> App {
        let mut app = app();
        let session = SESSION.parse().unwrap();
        let entry = SessionEntry { id: session, title: "Night".into(), created: Time::EPOCH };
        app.update(Msg::News(News::Sessions(vec![entry])));
        read(&mut app, ids.iter().map(|id| result(id)).collect());
        app
    }

    const GONE: &str = "result image-2 was looked at here and is no longer in this session";

    #[test]
    fn a_chosen_inspection_that_is_gone_is_told_of_and_no_other_stands_in_its_place() {
        let mut app = bench(&["image-1", "image-2"]);
        press(&mut app, "4 d");
        let text = shows(&app, 120, 40);
        assert!(text.contains("image-2#0") && !text.contains("image-1#0"), "{text}");
        read(&mut app, vec![result("image-1")]);
        let text = shows(&app, 120, 40);
        assert!(text.contains(GONE) && !text.contains("image-1#0"), "{text}");
        press(&mut app, "d");
        assert!(shows(&app, 120, 40).contains("image-1#0"));
    }
}
