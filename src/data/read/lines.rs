//! Lines of a file, bounded; and a set of plain text lines.

use super::super::bad::Place;
use super::super::error::{DataError, Result};
use super::{Reading, item, plain};
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

/// A line longer than this is bad, so that a file without ends of lines cannot fill the memory.
/// Bytes.
pub const LONGEST: usize = 64 << 20;

/// Calls `each` with every line's number, from 1, and its text without the line's end (`\n` or
/// `\r\n`) and without a byte order mark before the first; or with what is wrong with it. Other
/// control characters, NUL among them, stay.
///
/// # Errors
/// The file cannot be read.
pub fn for_each(path: &Path, each: impl FnMut(usize, Result<&str, String>)) -> Result<()> {
    let file = std::fs::File::open(path).map_err(DataError::read(path))?;
    for_each_in(BufReader::with_capacity(1 << 16, file), LONGEST, each)
        .map_err(DataError::read(path))
}

fn for_each_in(
    mut reader: impl BufRead,
    longest: usize,
    mut each: impl FnMut(usize, Result<&str, String>),
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if reader.by_ref().take(longest as u64 + 1).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.len() > longest && bytes.last() != Some(&b'\n') {
            skip_line(&mut reader)?;
            each(line, Err(format!("expected a line of at most {longest} bytes, found more")));
            continue;
        }
        let mut text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        text = text.strip_suffix(b"\r").unwrap_or(text);
        if line == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        each(line, utf8(text));
    }
    Ok(())
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Bytes as text, or where they stop being it.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        format!("expected UTF-8, found other bytes from column {}", error.valid_up_to() + 1)
    })
}

/// Reads lines of text: an item a line with that line as its only caption, verbatim, its id the
/// line's number. Empty lines are items too, so that rows stay lines.
pub fn text_lines(path: &Path) -> Result<Reading> {
    let mut reading = Reading::default();
    for_each(path, |line, text| match text {
        Ok(text) => {
            let item = item(line.to_string(), Vec::new(), vec![plain(text)]);
            reading.push(path, Place::Line(line), item);
        }
        Err(what) => reading.bad(path, &Place::Line(line), what),
    })?;
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_text_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.txt");
        std::fs::write(&path, b"  one \r\n\ntwo\0\tx\n\xff\nfive").unwrap();
        let reading = text_lines(&path).unwrap();
        let texts: Vec<&str> =
            reading.items.iter().map(|item| item.captions[0].text.as_str()).collect();
        assert_eq!(texts, ["  one ", "", "two\0\tx", "five"]);
        assert_eq!(reading.items[3].id, "5");
        assert_eq!((reading.bad.count, reading.bad.listed[0].line), (1, Some(4)));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_whole() {
        let mut found = Vec::new();
        let text: &[u8] = b"abcd\nabcdefghijk\nabcd\r\nx";
        for_each_in(BufReader::with_capacity(3, text), 5, |line, text| {
            found.push((line, text.map(str::to_owned).ok()));
        })
        .unwrap();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found, [(1, text("abcd")), (2, None), (3, text("abcd")), (4, text("x"))]);
    }
}
