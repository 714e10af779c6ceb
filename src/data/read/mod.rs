//! The readers: one file a format, all of them filling a [`Reading`].
//!
//! A row that is not what it should be never ends a reading; it is counted and listed, and whoever
//! opened the set decides by a [`Policy`](super::bad::Policy) whether too many were. What makes the
//! rest unreadable (a broken document, a torn archive) is an error.

pub mod beside;
pub mod braces;
pub mod coco;
pub mod folder;
pub mod json;
pub mod json_lines;
pub mod karpathy;
pub mod lines;
pub mod shards;
pub mod surrogates;
pub mod table;
pub mod tar;

use super::bad::{BadRow, BadRows, Place};
use super::corpus::{Caption, Item, Picture};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What a reader found.
#[derive(Debug, Default)]
pub struct Reading {
    /// The good items, in file order.
    pub items: Vec<Item>,
    /// The bad rows.
    pub bad: BadRows,
    seen: BTreeMap<String, Place>,
}

impl Reading {
    /// Takes an item, or lists it where its id stood before: ids name one item.
    pub fn push(&mut self, file: &Path, place: Place, item: Item) {
        if let Some(first) = self.seen.get(&item.id) {
            let id = crate::shown::excerpt(&item.id, 60);
            let what = format!("the id \"{id}\" stands already in {first}; ids name one item");
            return self.bad(file, &place, what);
        }
        self.seen.insert(item.id.clone(), place);
        self.bad.good();
        self.items.push(item);
    }

    /// Whether an item of this id was taken.
    pub fn knows(&self, id: &str) -> bool {
        self.seen.contains_key(id)
    }

    /// Lists a row that is skipped.
    pub fn bad(&mut self, file: &Path, place: &Place, what: impl Into<String>) {
        self.bad.bad(BadRow::new(file, place, what));
    }
}

/// An item with nothing but these.
pub(super) fn item(id: String, pictures: Vec<Picture>, captions: Vec<Caption>) -> Item {
    Item {
        concept: id.clone(),
        id,
        pictures,
        captions,
        split: None,
        label: None,
        base: true,
        extra: Map::new(),
    }
}

/// A caption whose language the source does not say.
fn plain(text: impl Into<String>) -> Caption {
    Caption { text: text.into(), language: None }
}

/// A value as a message shows it.
fn shown(value: &Value) -> String {
    crate::shown::excerpt(&value.to_string(), 40)
}

/// An id or a class: text, or a number as it is written.
fn name(value: Option<&Value>, key: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => {
            Err(format!("expected a string or a number as {key:?}, found {}", shown(other)))
        }
    }
}

/// Text, or nothing.
fn text(value: Option<&Value>, key: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("expected a string as {key:?}, found {}", shown(other))),
    }
}

/// One caption: a string, or `{"text": "...", "language": "ko"}`.
fn caption(value: &Value, key: &str) -> Result<Caption, String> {
    match value {
        Value::String(text) => Ok(plain(text.clone())),
        Value::Object(map) => match text(map.get("text"), "text")? {
            Some(found) => {
                Ok(Caption { text: found, language: text(map.get("language"), "language")? })
            }
            None => Err(format!("expected \"text\" in {key:?}, found {}", shown(value))),
        },
        other => Err(format!("expected texts as {key:?}, found {}", shown(other))),
    }
}

/// A list of captions.
fn captions(value: Option<&Value>, key: &str) -> Result<Vec<Caption>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(|value| caption(value, key)).collect(),
        Some(other) => Err(format!("expected a list as {key:?}, found {}", shown(other))),
    }
}

/// What stands at `key`, an object expected.
fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(format!("expected an object, found {}", shown(&other))),
    }
}

/// The name a set has from its file: without its ending.
pub(super) fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
