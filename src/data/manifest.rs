//! Reading the plain files a user can write: JSON lines, lines of text, a folder of pictures.

use super::corpus::{Caption, Corpus, Item, Picture};
use super::error::{DataError, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Endings of picture files, lower case.
const PICTURES: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// One line as it is written.
#[derive(Deserialize)]
struct Line {
    id: Option<Value>,
    concept: Option<String>,
    image: Option<OneOrMore>,
    captions: Option<Vec<Written>>,
    split: Option<String>,
    label: Option<String>,
    base: Option<bool>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(String),
    Spoken { text: String, language: Option<String> },
}

/// Reads JSON lines, one item a line:
/// `{"id": "...", "image": "path", "captions": ["...", {"text": "...", "language": "ko"}],
/// "split": "test", "label": "...", "concept": "..."}`, every key of it optional. `image` may be
/// a list of paths; paths are relative to the file. An item's id is `id` (a string or a number),
/// else its first picture's path, else its line number. Other keys are kept; empty lines are
/// skipped and counted. Half a surrogate pair becomes U+FFFD; a byte order mark is skipped.
///
/// # Errors
/// With file and line: what is not UTF-8, not JSON, not an object of these types, or an id that
/// stood before. Pictures are not looked for.
pub fn json_lines(path: &Path) -> Result<Corpus> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut items: Vec<Item> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for_each_line(path, |line, text| {
        if text.trim().is_empty() {
            return Ok(());
        }
        let written: Line = serde_json::from_str(&mend_surrogates(text))
            .map_err(|source| DataError::Json { path: path.to_owned(), line, source })?;
        let item = written.into_item(folder, line).map_err(|found| DataError::Line {
            path: path.to_owned(),
            line,
            expected: "a string or a number as \"id\"",
            found,
        })?;
        if let Some(&first) = seen.get(&item.id) {
            return Err(DataError::SameId { path: path.to_owned(), line, first, id: item.id });
        }
        seen.insert(item.id.clone(), line);
        items.push(item);
        Ok(())
    })?;
    Ok(Corpus::new(name_of(path), items))
}

/// Reads lines of text: an item a line with that line as its only caption, verbatim, its id the
/// line's number. Empty lines are items too, so that rows stay lines.
pub fn text_lines(path: &Path) -> Result<Corpus> {
    let mut items = Vec::new();
    for_each_line(path, |line, text| {
        let captions = vec![Caption { text: text.to_owned(), language: None }];
        items.push(item(line.to_string(), Vec::new(), captions));
        Ok(())
    })?;
    Ok(Corpus::new(name_of(path), items))
}

/// The pictures of a folder (not of folders in it), by file name: an item each, its id the name.
pub fn folder(path: &Path) -> Result<Corpus> {
    let mut items = Vec::new();
    for entry in std::fs::read_dir(path).map_err(DataError::read(path))? {
        let file = entry.map_err(DataError::read(path))?.path();
        let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if file.is_file() && ending.is_some_and(|ending| PICTURES.contains(&ending.as_str())) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            items.push(item(name, vec![Picture::File(file)], Vec::new()));
        }
    }
    items.sort_by(|one, two| one.id.cmp(&two.id));
    Ok(Corpus::new(name_of(path), items))
}

impl Line {
    /// The item, or how the id was found that is neither text nor number.
    fn into_item(self, folder: &Path, line: usize) -> Result<Item, String> {
        let paths = match self.image {
            None => Vec::new(),
            Some(OneOrMore::One(path)) => vec![path],
            Some(OneOrMore::More(paths)) => paths,
        };
        let id = match self.id {
            None | Some(Value::Null) => paths.first().cloned().unwrap_or(line.to_string()),
            Some(Value::String(id)) => id,
            Some(Value::Number(id)) => id.to_string(),
            Some(other) => return Err(other.to_string().chars().take(40).collect()),
        };
        let captions = self.captions.unwrap_or_default().into_iter().map(|caption| match caption {
            Written::Plain(text) => Caption { text, language: None },
            Written::Spoken { text, language } => Caption { text, language },
        });
        let pictures = paths.iter().map(|path| Picture::File(folder.join(path))).collect();
        Ok(Item {
            concept: self.concept.unwrap_or_else(|| id.clone()),
            split: self.split,
            label: self.label,
            base: self.base.unwrap_or(true),
            extra: self.extra,
            ..item(id, pictures, captions.collect())
        })
    }
}

fn item(id: String, pictures: Vec<Picture>, captions: Vec<Caption>) -> Item {
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

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Calls `each` with every line's number, from 1, and its text without the line's end (`\n` or
/// `\r\n`). Other control characters, NUL among them, stay.
fn for_each_line(path: &Path, mut each: impl FnMut(usize, &str) -> Result<()>) -> Result<()> {
    let file = std::fs::File::open(path).map_err(DataError::read(path))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(DataError::read(path))? == 0 {
            break;
        }
        let mut text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        text = text.strip_suffix(b"\r").unwrap_or(text);
        if line == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let text = std::str::from_utf8(text).map_err(|error| DataError::Line {
            path: path.to_owned(),
            line,
            expected: "UTF-8",
            found: format!("other bytes from column {}", error.valid_up_to() + 1),
        })?;
        each(line, text)?;
    }
    Ok(())
}

/// JSON with every `\u` escape of half a surrogate pair replaced by `\ufffd`: files written by
/// other programs hold them, no Rust string can.
fn mend_surrogates(json: &str) -> std::borrow::Cow<'_, str> {
    let unit = |at: usize| -> Option<u16> {
        let escape = json.as_bytes().get(at..at + 6)?;
        let digits = escape.strip_prefix(b"\\u")?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut halves = Vec::new();
    let mut at = 0;
    while let Some(step) = json[at..].find('\\') {
        at += step;
        match (unit(at), unit(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 12,
            (Some(0xD800..=0xDFFF), _) => {
                halves.push(at);
                at += 6;
            }
            (Some(_), _) => at += 6,
            // Past the backslash and the character it escapes, which may be a backslash.
            (None, _) => at += 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if halves.is_empty() {
        return json.into();
    }
    let mut mended = String::with_capacity(json.len());
    let mut from = 0;
    for half in halves {
        mended.push_str(&json[from..half]);
        mended.push_str("\\ufffd");
        from = half + 6;
    }
    mended.push_str(&json[from..]);
    mended.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Corpus> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.jsonl");
        std::fs::write(&path, bytes).unwrap();
        json_lines(&path)
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let corpus = read(
            b"\xef\xbb\xbf{\"id\": \"a\", \"image\": \"sub/a.png\", \"captions\": [\"one\", {\"text\": \"\xed\x95\x9c\", \
              \"language\": \"ko\"}], \"split\": \"test\", \"label\": \"cat\", \"url\": [1, null]}\r\n\
              \n{\"image\": [\"b.png\", \"c.png\"]}\n{\"captions\": []}\n{\"id\": 7}",
        )
        .unwrap();
        let ids: Vec<&str> = corpus.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!((corpus.name.as_str(), ids), ("set", vec!["a", "b.png", "4", "7"]));
        let first = &corpus.items[0];
        assert!(
            matches!(&first.pictures[..], [Picture::File(path)] if path.ends_with("sub/a.png"))
        );
        assert_eq!(first.captions[1].language.as_deref(), Some("ko"));
        assert_eq!((first.split.as_deref(), first.label.as_deref()), (Some("test"), Some("cat")));
        assert_eq!(first.extra["url"], serde_json::json!([1, null]));
        assert_eq!(corpus.items[1].pictures.len(), 2);
    }

    #[test]
    fn lone_surrogates_nul_and_huge_lines_survive() {
        let huge = "x".repeat(3 << 20);
        let line = format!(
            r#"{{"captions": ["a\ud83d!", "\udc00\ud800\ud83d\ude00", "\\ud800", "\u0000", "{huge}"]}}"#
        );
        let corpus = read(line.as_bytes()).unwrap();
        let texts: Vec<&str> =
            corpus.items[0].captions.iter().map(|caption| caption.text.as_str()).collect();
        let expected = ["a\u{fffd}!", "\u{fffd}\u{fffd}\u{1f600}", "\\ud800", "\0", huge.as_str()];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_file_and_number() {
        for (bytes, line, word) in [
            (&b"{}\n{\"captions\": \"text\"}"[..], 2, "JSON"),
            (b"{}\n\n{\"id\": ", 3, "JSON"),
            (b"{\"id\": [1]}", 1, "[1]"),
            (b"{}\n\xff", 2, "UTF-8"),
            (b"{\"id\": \"a\"}\n{}\n{\"id\": \"a\"}", 3, "line 1"),
            (b"[]", 1, "JSON"),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(
                error.contains(&format!("set.jsonl:{line}:")) && error.contains(word),
                "{error}"
            );
        }
    }

    #[test]
    fn lines_of_text_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.txt");
        std::fs::write(&path, "  one \r\n\ntwo\0\tx\n").unwrap();
        let corpus = text_lines(&path).unwrap();
        let texts: Vec<&str> =
            corpus.items.iter().map(|item| item.captions[0].text.as_str()).collect();
        assert_eq!(texts, ["  one ", "", "two\0\tx"]);
        assert_eq!(corpus.items[2].id, "3");
    }

    #[test]
    fn a_folder_is_its_pictures_by_name() {
        let home = tempfile::tempdir().unwrap();
        for name in ["b.PNG", "a.jpeg", "notes.txt", "10.webp", "9.webp"] {
            std::fs::write(home.path().join(name), "").unwrap();
        }
        std::fs::create_dir(home.path().join("c.png")).unwrap();
        let corpus = folder(home.path()).unwrap();
        let ids: Vec<&str> = corpus.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["10.webp", "9.webp", "a.jpeg", "b.PNG"]);
        assert!(matches!(folder(&home.path().join("absent")), Err(DataError::Read { .. })));
    }
}
