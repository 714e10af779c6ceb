//! JSON documents with long lists, read element by element; and which document a file is.

use super::super::error::{DataError, Result};
use super::super::format::Format;
use super::surrogates::mend;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// A document larger than this is refused: it would have to lie in memory whole. Bytes.
pub const LARGEST: u64 = 2 << 30;

/// Calls `each` with every element of the document's lists of these names: the list's place in
/// `lists`, the element's place in it, and the element.
///
/// # Errors
/// The file cannot be read or is too large, is not UTF-8 or not JSON, or a list is none.
pub fn for_each_element(
    path: &Path,
    lists: &[&'static str],
    mut each: impl FnMut(usize, usize, Value),
) -> Result<()> {
    let length = std::fs::metadata(path).map_err(DataError::read(path))?.len();
    let not_a_document = |expected: String, found: String| DataError::Unreadable {
        path: path.to_owned(),
        expected,
        found,
    };
    if length > LARGEST {
        let expected = format!("a document of at most {LARGEST} bytes");
        return Err(not_a_document(expected, format!("{length} bytes; use JSON lines or shards")));
    }
    let bytes = std::fs::read(path).map_err(DataError::read(path))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let found = format!("other bytes from byte {}", error.valid_up_to());
        not_a_document("UTF-8".to_owned(), found)
    })?;
    let text = mend(text);
    let mut reader = serde_json::Deserializer::from_str(&text);
    Document { lists, each: &mut each }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|source| DataError::Document { path: path.to_owned(), source })
}

struct Document<'a, F> {
    lists: &'a [&'static str],
    each: &'a mut F,
}

impl<'de, F: FnMut(usize, usize, Value)> DeserializeSeed<'de> for Document<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de, F: FnMut(usize, usize, Value)> Visitor<'de> for Document<'_, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "an object with the lists {}", self.lists.join(" and "))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.lists.iter().position(|list| *list == key) {
                Some(list) => map.next_value_seed(List { list, each: &mut *self.each })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct List<'a, F> {
    list: usize,
    each: &'a mut F,
}

impl<'de, F: FnMut(usize, usize, Value)> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(usize, usize, Value)> Visitor<'de> for List<'_, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        while let Some(element) = list.next_element::<Value>()? {
            (self.each)(self.list, at, element);
            at += 1;
        }
        Ok(())
    }
}

/// What a file that begins with `{` is: Karpathy's or COCO's document, or JSON lines. None where
/// its first value is no JSON at all. Reading stops where it is known.
pub(in super::super) fn recognise(path: &Path) -> Result<Option<Format>> {
    let file = std::fs::File::open(path).map_err(DataError::read(path))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    if reader.fill_buf().map_err(DataError::read(path))?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    let mut found = Found::default();
    let read = Look(&mut found).deserialize(&mut serde_json::Deserializer::from_reader(reader));
    Ok(match found {
        Found { karpathy: true, .. } => Some(Format::Karpathy),
        Found { coco: true, .. } => Some(Format::Coco),
        // A list of pictures, then what could not be read: the document's own reader says what.
        Found { images: true, .. } if read.is_err() => Some(Format::Coco),
        _ => read.is_ok().then_some(Format::JsonLines),
    })
}

#[derive(Default)]
struct Found {
    images: bool,
    karpathy: bool,
    coco: bool,
}

/// Looks at the keys of the document, and of the first element of `images` and `annotations`.
struct Look<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "images" => map.next_value_seed(First(self.0, "sentences"))?,
                "annotations" => map.next_value_seed(First(self.0, "image_id"))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct First<'a>(&'a mut Found, &'static str);

impl<'de> DeserializeSeed<'de> for First<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for First<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if let Some(first) = list.next_element::<Value>()? {
            let marked = first.get(self.1).is_some();
            if self.1 == "sentences" {
                self.0.images = first.is_object();
                self.0.karpathy |= marked;
            } else {
                self.0.coco |= marked;
            }
            if marked {
                return Err(serde::de::Error::custom("known"));
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
