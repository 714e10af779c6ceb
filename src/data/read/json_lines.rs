//! The plainest file a user can write: JSON lines, one item a line.

use super::super::bad::Place;
use super::super::corpus::{Item, Picture};
use super::super::error::Result;
use super::surrogates::mend;
use super::{Reading, captions, item, lines, name, object, shown, text};
use serde_json::{Map, Value};
use std::path::Path;

/// Keys that hold a picture's path, the first that is there.
const PICTURE: [&str; 3] = ["image", "file_name", "filepath"];

/// Keys that hold one caption where there is no list of them, the first that is there.
const CAPTION: [&str; 3] = ["caption", "text", "title"];

/// Reads JSON lines:
/// `{"id": "...", "image": "path", "captions": ["...", {"text": "...", "language": "ko"}],
/// "split": "test", "label": "...", "concept": "..."}`, every key of it optional. `image` may be
/// a list of paths; paths are relative to the file. In the place of `image` stands `file_name` or
/// `filepath`, in that of `captions` one `caption`, `text` or `title`, as other programs write
/// them. An item's id is `id` (a string or a number), else its first picture's path, else its line
/// number. Other keys are kept; empty lines are skipped and counted. Half a surrogate pair becomes
/// U+FFFD; a byte order mark is skipped.
///
/// A line is bad that is not UTF-8, not JSON, not an object of these types, or whose id stood
/// before. Pictures are not looked for.
pub fn json_lines(path: &Path) -> Result<Reading> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reading = Reading::default();
    lines::for_each(path, |line, text| {
        let place = Place::Line(line);
        match text.and_then(|text| read_line(text, folder, line)) {
            Ok(Some(item)) => reading.push(path, place, item),
            Ok(None) => {}
            Err(what) => reading.bad(path, &place, what),
        }
    })?;
    Ok(reading)
}

fn read_line(line: &str, folder: &Path, number: usize) -> Result<Option<Item>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(&mend(line))
        .map_err(|error| format!("expected a line of JSON: {error}"))?;
    written(object(value)?, number, |path| Picture::File(folder.join(path))).map(Some)
}

/// The item that an object of these keys is. `number` is its id where it has no other.
pub(super) fn written(
    mut map: Map<String, Value>,
    number: usize,
    picture: impl Fn(&str) -> Picture,
) -> Result<Item, String> {
    let key = PICTURE.into_iter().find(|key| map.contains_key(*key));
    let paths = match key.and_then(|key| map.remove(key)) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(path)) => vec![path],
        Some(Value::Array(list)) => list
            .iter()
            .map(|path| match path {
                Value::String(path) => Ok(path.clone()),
                other => Err(format!("expected paths as \"image\", found {}", shown(other))),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return Err(format!("expected a path as \"image\", found {}", shown(&other)));
        }
    };
    let id = name(map.remove("id").as_ref(), "id")?;
    let id = id.unwrap_or_else(|| paths.first().cloned().unwrap_or(number.to_string()));
    let captions = match map.remove("captions") {
        Some(list) => captions(Some(&list), "captions")?,
        None => match CAPTION.into_iter().find(|key| map.contains_key(*key)) {
            Some(key) => {
                let found = map.remove(key).unwrap_or_default();
                match found {
                    Value::Null => Vec::new(),
                    Value::Array(_) => captions(Some(&found), key)?,
                    one => vec![super::caption(&one, key)?],
                }
            }
            None => Vec::new(),
        },
    };
    let base = match map.remove("base") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(base)) => base,
        Some(other) => {
            return Err(format!("expected true or false as \"base\", found {}", shown(&other)));
        }
    };
    Ok(Item {
        concept: text(map.remove("concept").as_ref(), "concept")?.unwrap_or_else(|| id.clone()),
        split: text(map.remove("split").as_ref(), "split")?,
        label: name(map.remove("label").as_ref(), "label")?,
        base,
        extra: map,
        ..item(id, paths.iter().map(|path| picture(path)).collect(), captions)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Reading {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.jsonl");
        std::fs::write(&path, bytes).unwrap();
        json_lines(&path).unwrap()
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let reading = read(
            b"\xef\xbb\xbf{\"id\": \"a\", \"image\": \"sub/a.png\", \"captions\": [\"one\", {\"text\": \"\xed\x95\x9c\", \
              \"language\": \"ko\"}], \"split\": \"test\", \"label\": \"cat\", \"url\": [1, null]}\r\n\
              \n{\"image\": [\"b.png\", \"c.png\"]}\n{\"captions\": []}\n{\"id\": 7}\n\
              {\"file_name\": \"d.png\", \"text\": \"d\", \"label\": 3}",
        );
        assert_eq!((reading.bad.rows, reading.bad.count), (5, 0));
        let ids: Vec<&str> = reading.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["a", "b.png", "4", "7", "d.png"]);
        let first = &reading.items[0];
        assert!(
            matches!(&first.pictures[..], [Picture::File(path)] if path.ends_with("sub/a.png"))
        );
        assert_eq!(first.captions[1].language.as_deref(), Some("ko"));
        assert_eq!((first.split.as_deref(), first.label.as_deref()), (Some("test"), Some("cat")));
        assert_eq!(first.extra["url"], serde_json::json!([1, null]));
        assert_eq!(reading.items[1].pictures.len(), 2);
        let last = &reading.items[4];
        assert_eq!((last.captions[0].text.as_str(), last.label.as_deref()), ("d", Some("3")));
    }

    #[test]
    fn lone_surrogates_nul_and_huge_lines_survive() {
        let huge = "x".repeat(3 << 20);
        let line = format!(
            r#"{{"captions": ["a\ud83d!", "\udc00\ud800\ud83d\ude00", "\\ud800", "\u0000", "{huge}"]}}"#
        );
        let reading = read(line.as_bytes());
        let texts: Vec<&str> =
            reading.items[0].captions.iter().map(|caption| caption.text.as_str()).collect();
        let expected = ["a\u{fffd}!", "\u{fffd}\u{fffd}\u{1f600}", "\\ud800", "\0", huge.as_str()];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_bad_line_is_listed_with_its_file_and_number() {
        for (bytes, line, word) in [
            (&b"{}\n{\"captions\": \"text\"}"[..], 2, "list"),
            (b"{}\n\n{\"id\": ", 3, "JSON"),
            (b"{\"id\": [1]}", 1, "[1]"),
            (b"{}\n\xff", 2, "UTF-8"),
            (b"{\"id\": \"a\"}\n{}\n{\"id\": \"a\"}", 3, "line 1"),
            (b"[]", 1, "object"),
            (b"{\"captions\": [3]}", 1, "texts"),
            (b"{\"captions\": [{\"language\": \"ko\"}]}", 1, "text"),
            (b"{\"split\": 3, \"image\": null}", 1, "split"),
        ] {
            let bad = read(bytes).bad;
            assert_eq!(bad.count, 1, "{bytes:?}");
            let error = bad.listed[0].to_string();
            assert!(
                error.contains(&format!("set.jsonl:{line}:")) && error.contains(word),
                "{error}"
            );
        }
    }

    #[test]
    fn captions_that_would_steer_a_terminal_are_read_whole_and_shown_spelled_out() {
        let long = "word ".repeat(100_000);
        let captions = ["\u{1b}[2J\0", "\u{202e}olleh", &long];
        let line = serde_json::json!({ "captions": captions }).to_string();
        let reading = read(line.as_bytes());
        let texts: Vec<&str> =
            reading.items[0].captions.iter().map(|caption| caption.text.as_str()).collect();
        assert_eq!(texts, captions);
        let bad = read("{\"id\": [\"\u{1b}[2J\u{202e}\"]}".replace('\u{1b}', "\\u001b").as_bytes());
        let message = bad.bad.listed[0].to_string();
        assert!(!message.chars().any(crate::shown::steers), "{message:?}");
    }
}
