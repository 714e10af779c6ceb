//! What a recipe's keys mean, in the words of their documentation: `docs/recipes.md` says it once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static MEANINGS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| read(include_str!("../../docs/recipes.md")));

/// What a key of a recipe or a stage means, in a line.
#[must_use]
pub fn meaning(key: &str) -> Option<&'static str> {
    MEANINGS.get(key).map(String::as_str)
}

/// The tables of keys: the first column names them, the last one says what they mean.
fn read(page: &str) -> BTreeMap<String, String> {
    let keys = page.split("\n## Keys\n").nth(1).unwrap_or_default();
    let keys = keys.split("\n## ").next().unwrap_or_default();
    let mut meanings = BTreeMap::new();
    for row in keys.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let (Some(names), Some(words)) = (cells.first(), cells.last()) else { continue };
        let mut group = "";
        for name in names.split(',').map(|name| name.trim().trim_matches('`')) {
            let name = if name.starts_with('.') {
                format!("{group}{name}")
            } else {
                group = name.split('.').next().unwrap_or_default();
                name.to_owned()
            };
            meanings.entry(name).or_insert_with(|| plain(words));
        }
    }
    meanings
}

/// Markdown without its marks: of a link, its words.
fn plain(words: &str) -> String {
    let mut text = String::new();
    let mut rest = words;
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.replace(['`', '['], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{names, preset};
    use serde_json::Value;

    fn keys(prefix: &str, value: &Value, found: &mut Vec<String>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            if value.is_object() {
                keys(&path, value, found);
            } else {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_key_of_every_preset_is_explained_in_a_line_without_marks() {
        for name in names() {
            let recipe = serde_json::to_value(preset(name).unwrap()).unwrap();
            let mut found = Vec::new();
            keys("", &recipe, &mut found);
            for stage in recipe["stages"].as_array().unwrap() {
                keys("", stage, &mut found);
            }
            assert!(found.len() > 30);
            for key in found {
                let words = meaning(&key).unwrap_or_else(|| panic!("{name}: {key}"));
                assert!(!words.is_empty() && !words.contains(['`', '[', '\n']), "{key}: {words}");
            }
        }
        assert_eq!(meaning("lr"), Some("peak learning rate"));
        assert_eq!(meaning("vision.heads"), Some("the image tower"));
        assert_eq!(meaning("no such key"), None);
        assert!(meaning("micro_batch").unwrap().ends_with("See Batches larger than memory"));
    }
}
