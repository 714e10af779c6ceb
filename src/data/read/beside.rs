//! What stands beside pictures, in a folder or an archive: texts, classes, JSON.

use super::super::corpus::{Item, Picture};
use super::json_lines::written;
use super::lines::utf8;
use super::surrogates::mend;
use super::{item, object, plain};

/// Texts larger than this make their sample bad. Bytes.
pub const LARGEST: u64 = 64 << 20;

/// What was found beside a sample's pictures.
#[derive(Debug, Default)]
pub struct Beside {
    item: Option<Item>,
    texts: Vec<String>,
    label: Option<String>,
}

impl Beside {
    /// Whether a file of this ending is taken.
    pub fn takes(ending: &str) -> bool {
        matches!(ending, "txt" | "cls" | "json")
    }

    /// Takes a file's content. Its `ending` says what it is: `txt` captions, a line each, empty
    /// ones passed over; `cls` the label; `json` an object with the keys of a line of JSON lines.
    ///
    /// # Errors
    /// What was expected and found.
    pub fn take(&mut self, ending: &str, bytes: &[u8], key: &str) -> Result<(), String> {
        let text = utf8(bytes)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match ending {
            "txt" => {
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                self.texts.extend(lines.map(str::to_owned));
            }
            "cls" => self.label = Some(text.trim().to_owned()),
            _ => {
                let value = serde_json::from_str(&mend(text))
                    .map_err(|error| format!("expected JSON: {error}"))?;
                let mut map = object(value)?;
                // The pictures are those beside it, whatever it says of where they were.
                for path in ["image", "file_name", "filepath"] {
                    map.remove(path);
                }
                if map.get("id").is_none_or(serde_json::Value::is_null) {
                    map.insert("id".to_owned(), key.into());
                }
                self.item = Some(written(map, 0, |path| Picture::File(path.into()))?);
            }
        }
        Ok(())
    }

    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.item.is_none() && self.texts.is_empty()
    }

    /// The item of these pictures. Captions that stand in the text and in the JSON count once.
    pub fn finish(self, key: &str, pictures: Vec<Picture>) -> Item {
        let own = self.item.unwrap_or_else(|| item(key.to_owned(), Vec::new(), Vec::new()));
        let mut captions = own.captions;
        for text in self.texts {
            if captions.iter().all(|caption| caption.text != text) {
                captions.push(plain(text));
            }
        }
        Item { pictures, captions, label: own.label.or(self.label), ..own }
    }
}
