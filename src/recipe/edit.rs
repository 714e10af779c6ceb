//! `--set [STAGE.]KEY=VALUE` and TOML files: both go through a recipe's JSON form, so that a key is
//! known exactly when the resolved recipe shows it.

use super::wanted::refusal;
use super::{Recipe, preset};
use serde_json::Value;

/// Why an edit or a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The text is not of the form `[STAGE.]KEY=VALUE`.
    #[error("--set takes [STAGE.]KEY=VALUE, found {0:?}")]
    Form(String),
    /// No stage has that key.
    #[error("no stage has the key {key:?}; near ones: {near}")]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// The most similar keys there are.
        near: String,
    },
    /// The value does not fit the key.
    #[error("{}", refusal(key, value, cause))]
    Value {
        /// The key.
        key: String,
        /// The value as given.
        value: String,
        /// What the recipe's type says.
        cause: serde_json::Error,
    },
    /// The file is not TOML, or not a recipe.
    #[error("the recipe file does not parse: {0}")]
    Toml(#[from] toml::de::Error),
    /// The file is TOML, but not a recipe.
    #[error("the recipe file is no recipe: {0}")]
    Shape(#[from] serde_json::Error),
    /// The file names a preset to start from that is not there.
    #[error("no preset is called {0:?}; `llm2clip recipes` lists them")]
    UnknownPreset(String),
}

/// Sets one key in every stage that has it, or in the one stage named before the dot. `seed`, `name`
/// and `report` are the recipe's own. A key of a nested table is written with a dot: `vision.width=192`.
pub fn apply_set(recipe: &Recipe, text: &str) -> Result<Recipe, EditError> {
    let Some((path, raw)) = text.split_once('=') else {
        return Err(EditError::Form(text.to_owned()));
    };
    let path = path.trim();
    let value = parse_value(raw.trim());
    let mut json = serde_json::to_value(recipe)?;
    let wanted = path
        .split_once('.')
        .filter(|(stage, _)| recipe.stages.iter().any(|known| known.name.as_str() == *stage));
    let (only, key) = wanted.map_or((None, path), |(stage, key)| (Some(stage), key));
    let mut known = Vec::new();
    let mut hits = 0;
    let own = only.is_none() && ["seed", "name", "report"].contains(&key);
    if own {
        json[key] = value.clone();
        hits = 1;
    }
    for stage in json["stages"].as_array_mut().into_iter().flatten() {
        collect_keys(stage, "", &mut known);
        if own || only.is_some_and(|name| stage["name"] != name) {
            continue;
        }
        if let Some(slot) = stage.pointer_mut(&format!("/{}", key.replace('.', "/"))) {
            *slot = value.clone();
            hits += 1;
        }
    }
    if hits == 0 {
        return Err(EditError::UnknownKey { key: key.to_owned(), near: near(key, known) });
    }
    serde_json::from_value(json).map_err(|cause| EditError::Value {
        key: key.to_owned(),
        value: raw.trim().to_owned(),
        cause,
    })
}

/// Reads a recipe file. `from = "PRESET"` starts from a preset and changes the stages that the file
/// names; without it the file holds the whole recipe.
pub fn from_toml(text: &str) -> Result<Recipe, EditError> {
    let mut file: Value = toml::from_str(text)?;
    let Some(base) = file.as_object_mut().and_then(|table| table.remove("from")) else {
        return Ok(serde_json::from_value(file)?);
    };
    let name = base.as_str().unwrap_or_default();
    let mut recipe = preset(name).ok_or_else(|| EditError::UnknownPreset(name.to_owned()))?;
    for key in ["name", "seed", "report"] {
        if let Some(value) = file.get(key) {
            recipe = apply_set(&recipe, &format!("{key}={}", plain(value)))?;
        }
    }
    for stage in file["stages"].as_array().into_iter().flatten() {
        let stage_name = stage["name"].as_str().unwrap_or_default();
        let mut keys = Vec::new();
        collect_keys(stage, "", &mut keys);
        for key in keys.iter().filter(|key| *key != "name") {
            if let Some(value) = stage.pointer(&format!("/{}", key.replace('.', "/"))) {
                recipe = apply_set(&recipe, &format!("{stage_name}.{key}={}", plain(value)))?;
            }
        }
    }
    Ok(recipe)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn parse_value(raw: &str) -> Value {
    match serde_json::from_str(raw) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::String(raw.to_owned()),
    }
}

fn collect_keys(value: &Value, prefix: &str, keys: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if value.is_object() {
            collect_keys(value, &path, keys);
        } else {
            keys.push(path);
        }
    }
}

/// The four known keys that look most like this one.
#[must_use]
pub fn near(key: &str, mut known: Vec<String>) -> String {
    known.sort_unstable();
    known.dedup();
    known.sort_by_key(|candidate| distance(key, candidate));
    known.truncate(4);
    known.join(", ")
}

/// Levenshtein's distance, over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reaches_every_stage_that_has_it_and_a_named_stage_alone() {
        let recipe = preset("demo").unwrap();
        let all = apply_set(&recipe, "steps=3").unwrap();
        assert!(all.stages.iter().all(|stage| stage.steps == 3));
        let one = apply_set(&recipe, "mntp.steps=3").unwrap();
        let changed: Vec<_> = one
            .stages
            .iter()
            .zip(&recipe.stages)
            .filter(|(a, b)| a != b)
            .map(|(a, _)| a.name.as_str())
            .collect();
        assert_eq!(changed, ["mntp"]);
    }

    #[test]
    fn nested_keys_and_words_are_set() {
        let recipe = preset("clip").unwrap();
        let recipe = apply_set(&recipe, "vision.width=64").unwrap();
        let recipe = apply_set(&recipe, "schedule=linear").unwrap();
        let json = serde_json::to_value(&recipe.stages[0]).unwrap();
        assert_eq!(json["vision"]["width"], 64);
        assert_eq!(json["schedule"], "linear");
    }

    #[test]
    fn an_unknown_key_lists_the_near_ones() {
        let error = apply_set(&preset("clip").unwrap(), "stesp=3").unwrap_err().to_string();
        assert!(error.contains("steps"), "{error}");
        assert!(apply_set(&preset("clip").unwrap(), "steps=many").is_err());
    }

    #[test]
    fn a_file_starts_from_a_preset_or_holds_everything() {
        let file = "from = \"simcse\"\nseed = 5\n[[stages]]\nname = \"simcse\"\nbatch = 8\n";
        let recipe = from_toml(file).unwrap();
        assert_eq!((recipe.seed, recipe.stages[0].batch), (5, 8));
        let named =
            "from = \"llm2clip\"\nname = \"wide\"\n[[stages]]\nname = \"clip\"\nsteps = 7\n";
        let named = from_toml(named).unwrap();
        assert_eq!((named.name.as_str(), named.stages[0].name.as_str()), ("wide", "clip"));
        assert_eq!(named.stages[0].steps, 7);
        let whole = toml::to_string(&recipe).unwrap();
        assert_eq!(from_toml(&whole).unwrap(), recipe);
    }
}
