//! What is looked at otherwise than before an action, in words.

use crate::tui::format;
use serde_json::{Map, Value};

/// What says where one is when a screen comes to the front.
const SUBJECTS: [&str; 6] = ["measure", "query", "result", "run", "selected", "stage"];

/// A value as people read it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Number(number) if number.is_f64() => {
            format::number(number.as_f64().unwrap_or_default())
        }
        other => other.to_string(),
    }
}

/// What a key of a record says; nothing for one that only says where the record stands.
fn phrase(key: &str, value: &Value) -> Option<String> {
    let (said, name) = (plain(value), key.replace('_', " "));
    Some(match (key, value) {
        ("now" | "at", _) => return None,
        ("text" | "question", _) => format!("{said:?}"),
        ("taken", Value::Bool(false)) => "and left".to_owned(),
        ("filter" | "search", _) => format!("only what matches {said:?}"),
        ("selected", _) => format!("on {said}"),
        ("sort", _) => format!("by {said}"),
        ("by", _) => format!("with the {said}"),
        ("x", _) => format!("over {said}"),
        ("log_y", _) => "logarithmic values".to_owned(),
        ("reverse", _) => "the other way round".to_owned(),
        ("crosshair", _) => format!("crosshair at {said}"),
        ("dismissed", _) => format!("{said} put away"),
        ("window", Value::Array(ends)) => {
            format!("from {}", ends.iter().map(plain).collect::<Vec<_>>().join(" to "))
        }
        ("encoders", Value::Array(names)) => {
            format!("encoders {}", names.iter().map(plain).collect::<Vec<_>>().join(" and "))
        }
        ("joined", Value::Bool(true)) => "in one table with others".to_owned(),
        ("joined", Value::Bool(false)) => "in a table of its own".to_owned(),
        // Counted from 1, as on the screen.
        ("row" | "line", Value::Number(at)) => format!("{name} {}", at.as_u64()? + 1),
        (_, Value::Bool(true)) => name,
        (_, Value::Bool(false)) => format!("no {name}"),
        _ => format!("{name} {said}"),
    })
}

/// What it says that a key is no longer there.
fn gone(key: &str) -> Option<&'static str> {
    Some(match key {
        "crosshair" => "no crosshair",
        "filter" => "all runs",
        "log_y" => "linear values",
        "marked" => "no run marked",
        "record" => "at the end",
        "reverse" => "in order",
        "search" => "no search",
        "slice" => "all slices",
        "stage" => "all stages",
        "window" => "all of the axis",
        _ => return None,
    })
}

/// What is otherwise than it was.
pub fn changes(with: &Map<String, Value>, before: &Map<String, Value>) -> Vec<String> {
    let other = with.iter().filter(|(key, value)| before.get(key.as_str()) != Some(*value));
    let mut said: Vec<String> = other.filter_map(|(key, value)| phrase(key, value)).collect();
    let lost = before.keys().filter(|key| !with.contains_key(key.as_str()));
    said.extend(lost.filter_map(|key| gone(key)).map(str::to_owned));
    said
}

/// What is looked at on a screen that comes to the front.
pub fn subjects(with: &Map<String, Value>) -> Vec<String> {
    let known = SUBJECTS.iter().filter_map(|key| phrase(key, with.get(*key)?));
    known.collect()
}

/// All that is looked at.
pub fn all(with: &Map<String, Value>) -> Vec<String> {
    let set = with.iter().filter(|(_, value)| **value != Value::Bool(false));
    set.filter_map(|(key, value)| phrase(key, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!() };
        map
    }

    #[test]
    fn only_what_is_otherwise_is_told_also_where_it_is_no_longer_there() {
        let loss = map(json!({"measure": "loss", "x": "step", "smoothing": 0.9}));
        let mut log = loss.clone();
        log.insert("log_y".to_owned(), true.into());
        assert!(changes(&loss, &loss).is_empty());
        assert_eq!(changes(&log, &loss), ["logarithmic values"]);
        assert_eq!(changes(&loss, &log), ["linear values"]);
        let zoomed = map(json!({"measure": "loss", "window": [0.25, 0.5], "x": "clock"}));
        assert_eq!(changes(&zoomed, &loss), ["from 0.2500 to 0.5000", "over clock"]);
        let row = |row: u64, joined: bool| map(json!({"joined": joined, "row": row}));
        let moved = changes(&row(2, true), &row(1, false));
        assert_eq!(moved, ["in one table with others", "row 3"]);
        assert_eq!(all(&row(0, false)), ["row 1"]);
        let led = map(json!({"now": "train", "run": "tiny-1", "measure": "loss", "x": "step"}));
        assert_eq!(subjects(&led), ["measure loss", "run tiny-1"]);
    }
}
