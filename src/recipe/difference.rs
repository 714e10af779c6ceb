//! What differs between two recipes, key by key.

use super::Recipe;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One key with two values; `null` where a side does not have the key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `STAGE.KEY`, or a key of the recipe itself.
    pub key: String,
    /// The first recipe's value.
    pub a: Value,
    /// The second recipe's value.
    pub b: Value,
}

/// All keys whose values differ, in the order of their names.
pub fn difference(a: &Recipe, b: &Recipe) -> Vec<Difference> {
    let (a, b) = (flatten(a), flatten(b));
    let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    keys.into_iter()
        .map(|key| Difference {
            key: key.clone(),
            a: a.get(key).cloned().unwrap_or_default(),
            b: b.get(key).cloned().unwrap_or_default(),
        })
        .filter(|row| row.a != row.b)
        .collect()
}

fn flatten(recipe: &Recipe) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::from([
        ("name".to_owned(), Value::from(recipe.name.clone())),
        ("seed".to_owned(), Value::from(recipe.seed)),
    ]);
    for stage in &recipe.stages {
        // A recipe is plain data with text keys: turning it into JSON cannot fail.
        let json = serde_json::to_value(stage).unwrap_or_default();
        add(&mut flat, stage.name.as_str(), &json);
    }
    flat
}

fn add(flat: &mut BTreeMap<String, Value>, path: &str, value: &Value) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                add(flat, &format!("{path}.{key}"), value);
            }
        }
        other => {
            flat.insert(path.to_owned(), other.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{apply_set, preset};
    use super::*;

    #[test]
    fn equal_recipes_differ_in_nothing_and_a_set_key_shows_alone() {
        let a = preset("clip").unwrap();
        assert!(difference(&a, &a).is_empty());
        let rows = difference(&a, &apply_set(&a, "vision.width=64").unwrap());
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].key, "clip.vision.width");
    }
}
