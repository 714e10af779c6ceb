//! The lines of a log, found without reading what is in them.

use super::timeline::Kind;
use crate::session::error::{LogError, io_error};
use crate::session::tail::LONGEST_LINE;
use crate::session::time::Time;
use serde::Deserialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Hands every new line with a time to `found`, the header aside; returns how far the log is read
/// now, and how many lines have none.
pub(super) fn scan(
    file: &File,
    path: &Path,
    read: u64,
    mut found: impl FnMut(u64, Time, Kind),
) -> Result<(u64, u64), LogError> {
    let fail = || io_error("read the log", path);
    let mut offset = read;
    if file.metadata().map_err(fail())?.len() <= offset {
        return Ok((offset, 0));
    }
    let mut place = file;
    place.seek(SeekFrom::Start(offset)).map_err(fail())?;
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let mut line = Vec::new();
    let mut bad = 0;
    loop {
        line.clear();
        let limit = LONGEST_LINE as u64 + 1;
        let got = reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(fail())?;
        let whole = line.last() == Some(&b'\n');
        if !whole && got as u64 == limit {
            // Too long to be a record: on to its end.
            bad += 1;
            offset += got as u64 + reader.skip_until(b'\n').map_err(fail())? as u64;
            continue;
        }
        if !whole {
            return Ok((offset, bad));
        }
        if offset > 0 {
            match peek(&line) {
                Some((time, kind)) => found(offset, time, kind),
                None => bad += 1,
            }
        }
        offset += got as u64;
    }
}

/// Time and kind of a line, without reading the rest of it where it stands as this version writes.
fn peek(line: &[u8]) -> Option<(Time, Kind)> {
    #[derive(Deserialize)]
    struct Head<'a> {
        time: Time,
        #[serde(borrow)]
        event: Cow<'a, str>,
    }
    let quick = || {
        let text = std::str::from_utf8(line.get(..line.len().min(200))?);
        let text = match text {
            Ok(text) => text,
            Err(cut) => std::str::from_utf8(&line[..cut.valid_up_to()]).ok()?,
        };
        let rest = text.strip_prefix("{\"seq\":")?.trim_start_matches(|c: char| c.is_ascii_digit());
        let (time, rest) = rest.strip_prefix(",\"time\":\"")?.split_once('"')?;
        let (event, _) = rest.strip_prefix(",\"event\":\"")?.split_once('"')?;
        Some((time.parse::<Time>().ok()?, Kind::of_line(event, line)))
    };
    quick().or_else(|| {
        let head: Head = serde_json::from_slice(line).ok()?;
        Some((head.time, Kind::of_line(&head.event, line)))
    })
}
