//! Karpathy's document: `dataset_coco.json`, `dataset_flickr30k.json` and their like.

use super::super::bad::Place;
use super::super::corpus::{Caption, Item, Picture};
use super::super::error::Result;
use super::{Reading, item, json, object, plain, shown, text};
use serde_json::Value;
use std::path::Path;

/// Reads `{"images": [{"filepath": "val2014", "filename": "a.jpg", "split": "test", "sentences":
/// [{"raw": "...", "tokens": [...]}], ...}]}`. An item's id is its picture's path, `filepath` and
/// `filename` joined, from the document's folder; its captions are the sentences as they were
/// written (`raw`; without it the tokens, joined). The splits are called as elsewhere here: `val`
/// is `validation`, and `restval` belongs to `train`, as the papers use it. Other keys are kept.
pub fn karpathy(path: &Path) -> Result<Reading> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reading = Reading::default();
    json::for_each_element(path, &["images"], |_, at, value| {
        let place = Place::Entry("images", at);
        match read_image(value, folder) {
            Ok(item) => reading.push(path, place, item),
            Err(what) => reading.bad(path, &place, what),
        }
    })?;
    Ok(reading)
}

fn read_image(value: Value, folder: &Path) -> Result<Item, String> {
    let mut map = object(value)?;
    let below = text(map.remove("filepath").as_ref(), "filepath")?;
    let name = text(map.remove("filename").as_ref(), "filename")?
        .ok_or_else(|| "expected a \"filename\", found none".to_owned())?;
    let place = match below.as_deref() {
        None | Some("") => name,
        Some(below) => format!("{}/{name}", below.trim_end_matches('/')),
    };
    let captions = match map.remove("sentences") {
        Some(Value::Array(list)) => list.iter().map(sentence).collect::<Result<_, _>>()?,
        Some(other) => {
            return Err(format!("expected a list as \"sentences\", found {}", shown(&other)));
        }
        None => return Err("expected \"sentences\", found none".to_owned()),
    };
    let split = text(map.get("split"), "split")?.map(|split| match split.as_str() {
        "val" => "validation".to_owned(),
        "restval" => "train".to_owned(),
        _ => split,
    });
    let pictures = vec![Picture::File(folder.join(&place))];
    Ok(Item { split, extra: map, ..item(place, pictures, captions) })
}

fn sentence(value: &Value) -> Result<Caption, String> {
    if let Some(Value::String(raw)) = value.get("raw") {
        return Ok(plain(raw.clone()));
    }
    let tokens: Option<Vec<&str>> = value
        .get("tokens")
        .and_then(Value::as_array)
        .and_then(|tokens| tokens.iter().map(Value::as_str).collect());
    let tokens = tokens.ok_or_else(|| {
        format!("expected \"raw\" or \"tokens\" in a sentence, found {}", shown(value))
    })?;
    Ok(plain(tokens.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_karpathy_document_is_read_and_its_bad_entries_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.json");
        let document = concat!(
            "{\"images\": [",
            "{\"filepath\": \"val2014\", \"sentids\": [1], \"filename\": \"a.jpg\", \"imgid\": 0, ",
            "\"split\": \"restval\", \"cocoid\": 7, \"sentences\": [{\"raw\": \"A \\ud83d b.\"}, ",
            "{\"tokens\": [\"two\", \"words\"]}]},",
            "{\"filename\": \"b.jpg\", \"split\": \"val\", \"sentences\": []},",
            "{\"filename\": \"b.jpg\", \"sentences\": []}, {\"filename\": \"c.jpg\"}, 5,",
            "{\"filename\": \"d.jpg\", \"sentences\": [3]}], \"dataset\": \"coco\"}",
        );
        std::fs::write(&path, document).unwrap();
        let reading = karpathy(&path).unwrap();
        let ids: Vec<&str> = reading.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["val2014/a.jpg", "b.jpg"]);
        let first = &reading.items[0];
        assert_eq!(first.captions, [plain("A \u{fffd} b."), plain("two words")]);
        assert_eq!(first.pictures, [Picture::File(folder.path().join("val2014/a.jpg"))]);
        assert_eq!((first.split.as_deref(), &first.extra["cocoid"]), (Some("train"), &7.into()));
        assert_eq!(reading.items[1].split.as_deref(), Some("validation"));
        let bad: Vec<&str> =
            reading.bad.listed.iter().filter_map(|row| row.entry.as_deref()).collect();
        assert_eq!(bad, ["images[2]", "images[3]", "images[4]", "images[5]"]);
        assert!(reading.bad.listed[0].what.contains("images[1]"));
    }

    #[test]
    fn a_broken_document_is_an_error_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.json");
        for (document, word) in
            [("{\"images\": [\n{\"a\": ", "line 2"), ("{\"images\": 3}", "list"), ("[]", "object")]
        {
            std::fs::write(&path, document).unwrap();
            let error = karpathy(&path).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(error.to_string().contains("dataset.json") && cause.contains(word), "{cause}");
        }
    }
}
