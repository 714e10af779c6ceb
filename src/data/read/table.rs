//! Tables: values separated by commas or tabs, with a header, as open_clip and spreadsheets have.

use super::super::bad::Place;
use super::super::corpus::{Caption, Item, Picture};
use super::super::error::{DataError, Result};
use super::super::format::Format;
use super::lines::{LONGEST, utf8};
use super::{Reading, item};
use csv::ByteRecord;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;
use std::rc::Rc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Picture,
    Caption,
    Language,
    Id,
    Label,
    Split,
    Concept,
    Other,
}

impl Column {
    /// By its header, whatever its case.
    fn named(header: &str) -> Self {
        match header.trim().to_lowercase().as_str() {
            "filepath" | "image" | "image_path" | "file_name" | "filename" | "path" | "picture" => {
                Self::Picture
            }
            "title" | "caption" | "captions" | "text" | "sentence" => Self::Caption,
            "language" | "lang" => Self::Language,
            "id" | "image_id" | "cocoid" | "key" => Self::Id,
            "label" | "class" | "category" => Self::Label,
            "split" => Self::Split,
            "concept" => Self::Concept,
            _ => Self::Other,
        }
    }
}

/// Whether this first line is a table's header. With a table's ending one column that is known
/// suffices; otherwise it takes two, one of them pictures or captions, because a sentence may well
/// begin "Text, title".
pub(in super::super) fn recognise(line: &str, named: Option<Format>) -> Option<Format> {
    let is_table = matches!(named, Some(Format::Csv | Format::Tsv));
    [('\t', Format::Tsv), (',', Format::Csv)].into_iter().find_map(|(separator, format)| {
        let columns: Vec<Column> =
            line.split(separator).map(|name| Column::named(name.trim_matches('"'))).collect();
        let known = columns.iter().filter(|column| **column != Column::Other).count();
        let content = columns.contains(&Column::Caption) || columns.contains(&Column::Picture);
        let tight = !line.contains(", ") && line.len() < 4096;
        let enough = if is_table { known >= 1 } else { known >= 2 && columns.len() >= 2 && tight };
        // One column has no separator to see: then the ending says which.
        (content && enough && (columns.len() >= 2 || named == Some(format))).then_some(format)
    })
}

/// Reads a table whose columns are named by its header, in any order and case:
/// `filepath` (or `image`, `image_path`, `file_name`, `filename`, `path`, `picture`), relative to
/// the file; `title` (`caption`, `captions`, `text`, `sentence`), as many such columns as there
/// are; `language` of the row's captions; `id` (`image_id`, `cocoid`, `key`); `label` (`class`,
/// `category`); `split`; `concept`. Other columns are kept. Rows of one id, or without ids of one
/// picture, are one item, their captions in file order, so that a picture may have several. A row
/// without either is an item of its own, its id the line's number. Values in double quotes may hold
/// separators and ends of lines.
///
/// # Errors
/// The file cannot be read, or its header names neither pictures nor captions.
pub fn table(path: &Path, format: Format) -> Result<Reading> {
    let file = std::fs::File::open(path).map_err(DataError::read(path))?;
    let since = Rc::new(Cell::new(0));
    let metered = Metered { inner: BufReader::new(file), since: Rc::clone(&since) };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if format == Format::Tsv { b'\t' } else { b',' })
        .flexible(true)
        .from_reader(metered);
    let unreadable = |source: csv::Error| DataError::Table { path: path.to_owned(), source };
    let header = reader.byte_headers().map_err(unreadable)?.clone();
    let names: Vec<String> =
        header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let columns: Vec<Column> = names.iter().map(|name| Column::named(name)).collect();
    if !columns.contains(&Column::Caption) && !columns.contains(&Column::Picture) {
        return Err(DataError::Unreadable {
            path: path.to_owned(),
            expected: "a header with a column \"filepath\" or \"title\"".to_owned(),
            found: crate::shown::excerpt(&names.join(" "), 60),
        });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let rows = Rows { path, folder, names, columns };
    let (mut reading, mut places) = (Reading::default(), BTreeMap::new());
    let mut record = ByteRecord::new();
    loop {
        since.set(0);
        if !reader.read_byte_record(&mut record).map_err(unreadable)? {
            return Ok(reading);
        }
        let line = record.position().map_or(0, |at| at.line() as usize);
        rows.take(&record, line, &mut reading, &mut places);
    }
}

struct Rows<'a> {
    path: &'a Path,
    folder: &'a Path,
    names: Vec<String>,
    columns: Vec<Column>,
}

impl Rows<'_> {
    fn take(
        &self,
        record: &ByteRecord,
        line: usize,
        reading: &mut Reading,
        places: &mut BTreeMap<String, usize>,
    ) {
        let place = Place::Line(line);
        match self.read(record, line) {
            Err(what) => reading.bad(self.path, &place, what),
            Ok(row) => match places.get(&row.id) {
                None => {
                    places.insert(row.id.clone(), reading.items.len());
                    reading.push(self.path, place, row);
                }
                Some(&at) => match join(&mut reading.items[at], row) {
                    Ok(()) => reading.bad.good(),
                    Err(what) => reading.bad(self.path, &place, what),
                },
            },
        }
    }

    fn read(&self, record: &ByteRecord, line: usize) -> Result<Item, String> {
        if record.len() != self.columns.len() {
            let (expected, found) = (self.columns.len(), record.len());
            return Err(format!("expected {expected} values as in the header, found {found}"));
        }
        let mut row = item(String::new(), Vec::new(), Vec::new());
        let (mut id, mut path, mut language, mut concept) = (None, None, None, None);
        for ((value, column), name) in record.iter().zip(&self.columns).zip(&self.names) {
            let value = utf8(value)?;
            let given = || (!value.is_empty()).then(|| value.to_owned());
            match column {
                Column::Picture => {
                    path = path.or_else(given);
                    row.pictures.extend(given().map(|at| Picture::File(self.folder.join(at))));
                }
                Column::Caption => {
                    row.captions.extend(given().map(|text| Caption { text, language: None }));
                }
                Column::Language => language = given(),
                Column::Id => id = id.or_else(given),
                Column::Label => row.label = given(),
                Column::Split => row.split = given(),
                Column::Concept => concept = given(),
                Column::Other => {
                    row.extra.insert(name.clone(), value.into());
                }
            }
        }
        if row.pictures.is_empty() && row.captions.is_empty() {
            return Err("expected a picture or a caption, found neither".to_owned());
        }
        for caption in &mut row.captions {
            caption.language.clone_from(&language);
        }
        row.id = id.or(path).unwrap_or_else(|| line.to_string());
        row.concept = concept.unwrap_or_else(|| row.id.clone());
        Ok(row)
    }
}

/// Adds a later row of the same item.
fn join(item: &mut Item, row: Item) -> Result<(), String> {
    let differs = |what: &str, had: &Option<String>, has: &Option<String>| match (had, has) {
        (Some(had), Some(has)) if had != has => {
            let (had, has) = (crate::shown::excerpt(had, 40), crate::shown::excerpt(has, 40));
            Err(format!("expected the {what} {had:?} of this item's rows before, found {has:?}"))
        }
        _ => Ok(()),
    };
    differs("split", &item.split, &row.split)?;
    differs("label", &item.label, &row.label)?;
    item.split = item.split.take().or(row.split);
    item.label = item.label.take().or(row.label);
    for picture in row.pictures {
        if !item.pictures.contains(&picture) {
            item.pictures.push(picture);
        }
    }
    item.captions.extend(row.captions);
    Ok(())
}

/// Refuses to go on when one record has taken too many bytes, as behind a quote that never ends.
struct Metered<R> {
    inner: R,
    since: Rc<Cell<usize>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.since.get() > LONGEST {
            return Err(std::io::Error::other(format!(
                "expected rows of at most {LONGEST} bytes, found more; is a quote missing?"
            )));
        }
        let read = self.inner.read(buffer)?;
        self.since.set(self.since.get() + read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, bytes: &[u8]) -> Result<Reading> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set");
        std::fs::write(&path, bytes).unwrap();
        table(&path, format)
    }

    fn texts(item: &Item) -> Vec<&str> {
        item.captions.iter().map(|caption| caption.text.as_str()).collect()
    }

    #[test]
    fn rows_of_one_picture_are_one_item() {
        let reading = read(
            Format::Tsv,
            b"filepath\ttitle\na.jpg\tone, two\nb.jpg\t\"q \"\"x\"\"\nnext\"\na.jpg\tthree\n",
        )
        .unwrap();
        let ids: Vec<&str> = reading.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["a.jpg", "b.jpg"]);
        assert_eq!(texts(&reading.items[0]), ["one, two", "three"]);
        assert_eq!(texts(&reading.items[1]), ["q \"x\"\nnext"]);
        assert_eq!((reading.bad.rows, reading.bad.count), (3, 0));
    }

    #[test]
    fn other_headers_are_understood_and_other_columns_kept() {
        let reading = read(
            Format::Csv,
            "\u{feff}ID,Image,Caption,Text,lang,split,label,url\n\
             7,a.jpg,one,two,ko,test,cat,u\n7,a.jpg,three,,en,,,v\n,b.jpg,x,,,,,\n"
                .as_bytes(),
        )
        .unwrap();
        let first = &reading.items[0];
        assert_eq!((first.id.as_str(), first.pictures.len()), ("7", 1));
        assert_eq!(texts(first), ["one", "two", "three"]);
        let languages: Vec<_> = first.captions.iter().map(|c| c.language.as_deref()).collect();
        assert_eq!(languages, [Some("ko"), Some("ko"), Some("en")]);
        assert_eq!((first.split.as_deref(), first.label.as_deref()), (Some("test"), Some("cat")));
        assert_eq!(first.extra["url"], "u");
        assert_eq!(reading.items[1].id, "b.jpg");
    }

    #[test]
    fn bad_rows_are_listed_with_their_line() {
        let reading = read(
            Format::Csv,
            b"image,caption,split\na,\"x\ny\",t\nb,y\nc,\xff,t\na,z,u\n,,\nd,w,t\n",
        )
        .unwrap();
        assert_eq!(reading.items.len(), 2);
        let found: Vec<_> = reading.bad.listed.iter().map(|row| row.line).collect();
        assert_eq!(found, [Some(4), Some(5), Some(6), Some(7)]);
        let words = ["3 values", "UTF-8", "split", "neither"];
        for (row, word) in reading.bad.listed.iter().zip(words) {
            assert!(row.what.contains(word), "{row}");
        }
        let error = read(Format::Csv, b"a,b\n1,2\n").unwrap_err().to_string();
        assert!(error.contains("filepath") && error.contains("a b"), "{error}");
    }

    #[test]
    fn a_header_is_told_from_a_sentence() {
        for (line, named, format) in [
            ("filepath\ttitle", None, Some(Format::Tsv)),
            ("image,caption", Some(Format::Text), Some(Format::Csv)),
            ("image,caption", None, Some(Format::Csv)),
            ("image;caption", None, None),
            ("text", Some(Format::Csv), Some(Format::Csv)),
            ("text", None, None),
            ("Text, title and more", None, None),
            ("a dog,a cat", Some(Format::Csv), None),
            ("filepath\ttitle", Some(Format::Csv), Some(Format::Tsv)),
        ] {
            assert_eq!(recognise(line, named), format, "{line}");
        }
    }
}
