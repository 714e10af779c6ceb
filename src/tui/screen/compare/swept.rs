//! Whose numbers the cells of a heat map are, and, apart from them, how what was chosen did on the test.

use super::heat::percent;
use crate::eval::sweep::Sweep;
use crate::eval::{CompareDocument, CompareRow, Direction};
use crate::tui::data::library::Heat;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use serde_json::Value;

/// The items a protocol asks.
fn items(pool: Option<usize>) -> String {
    pool.map_or_else(
        || "all items".to_owned(),
        |pool| format!("first {} items", format::count(pool as u64)),
    )
}

/// Whose numbers the cells are; then, with the protocol of the test, what was chosen by them.
pub fn words(
    sweep: &Sweep,
    document: &CompareDocument,
    direction: Direction,
) -> Vec<(Role, String)> {
    let said = |value: &Value| match value {
        Value::String(words) => words.clone(),
        other => other.to_string(),
    };
    let tried = &sweep.protocol;
    let mut parts = vec![format!("tried on data {}", tried.dataset)];
    parts.extend(tried.split.as_ref().map(|split| format!("split {split}")));
    parts.push(items(tried.pool));
    parts.push(Direction::TextToText.to_string());
    for (key, [_, here]) in document.protocol.differing_keys(tried) {
        if !["dataset", "split", "split_digest", "pool"].contains(&key) {
            parts.push(format!("{} {}", key.replace('_', " "), said(&here)));
        }
    }
    if sweep.dropped > 0 {
        parts.push(format!(
            "without {} that stand in the test",
            format::count(sweep.dropped as u64)
        ));
    }
    let mut words = vec![(Role::Dim, text::safe(&parts.join(", ")))];
    let found = sweep.chosen.iter().filter_map(|choice| {
        let mut rows = document.rows.iter().filter(|row| row.direction == direction);
        let row = rows.find(|row| row.role == choice.label)?;
        let bos = if choice.bos { "" } else { ", no bos" };
        let recall = percent(row.metrics.recall_1);
        let (label, layer, pooling) = (&choice.label, choice.layer, &choice.pooling);
        Some(format!("{label} {recall} % (layer {layer}, {pooling}{bos})"))
    });
    let found: Vec<String> = found.collect();
    if !found.is_empty() {
        let test = &document.protocol;
        let split =
            test.split.as_ref().map_or_else(String::new, |split| format!(", split {split}"));
        let place = format!("data {}{split}, {}, {direction}", test.dataset, items(test.pool));
        let found = found.join(", ");
        words.push((Role::Text, text::safe(&format!("chosen, on the test ({place}): {found}"))));
    }
    words
}

/// Layers and poolings that a document's rows tell of, by their cards.
pub fn of_rows(document: &CompareDocument, direction: Direction) -> Vec<Heat> {
    let heat = |row: &CompareRow| {
        Some(Heat {
            role: row.encoder["encoder"].as_str().unwrap_or(&row.role).to_owned(),
            layer: row.encoder["layer"].as_u64()?,
            pooling: row.encoder["text"]["pooling"].as_str()?.to_owned(),
            recall: row.metrics.recall_1,
            cosine: row.mean_cosine,
        })
    };
    document.rows.iter().filter(|row| row.direction == direction).filter_map(heat).collect()
}
