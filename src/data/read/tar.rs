//! The members of a tar archive and where they lie, read from the headers alone.
//!
//! Nothing is ever unpacked. What an archive says of itself is checked before it is believed: the
//! checksum of every header, that a member's bytes are there, that its name stays below the
//! archive. Format: POSIX.1-2008 `pax`, ustar, and GNU's long names.

use super::super::error::{DataError, Result};
use crate::shown::excerpt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a header, and what members are padded to.
const BLOCK: u64 = 512;

/// Longest name and longest list of extended attributes that are read. Bytes.
const LONGEST_NAME: u64 = 64 << 10;
const LONGEST_ATTRIBUTES: u64 = 1 << 20;

/// What is said of a packed archive. Its members cannot be read where they lie: every picture would
/// cost the unpacking of all before it.
pub const PACKED: &str =
    "a gzip file; unpack it first (gunzip -k FILE), pictures in it gain nothing";

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path in the archive.
    pub name: String,
    /// Where its bytes begin, from the beginning of the archive.
    pub offset: u64,
    /// How many there are.
    pub bytes: u64,
}

/// Whether a file that begins so is a tar archive.
pub fn is_header(start: &[u8]) -> bool {
    start.first_chunk::<512>().is_some_and(|block| block[0] != 0 && sum_fits(block))
}

/// An archive, read from its beginning to its end.
#[derive(Debug)]
pub struct Archive<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    /// Where the next header is.
    next: u64,
    length: u64,
    last: Option<String>,
}

/// What the headers before a member's own say of it.
#[derive(Default)]
struct Said {
    name: Option<String>,
    bytes: Option<u64>,
}

impl<'a> Archive<'a> {
    /// Opens an archive.
    pub fn open(path: &'a Path) -> Result<Self> {
        let file = File::open(path).map_err(DataError::read(path))?;
        let length = file.metadata().map_err(DataError::read(path))?.len();
        let mut archive = Self { path, reader: BufReader::new(file), next: 0, length, last: None };
        let start = archive.reader.fill_buf().map_err(DataError::read(path))?;
        if start.starts_with(&[0x1f, 0x8b]) {
            return Err(archive.wrong(None, "a tar archive", PACKED.to_owned()));
        }
        Ok(archive)
    }

    /// The next file; none at the end. Folders are passed over.
    ///
    /// # Errors
    /// The archive is torn or lies, or a member is none that a data set may have, with its name.
    pub fn next_member(&mut self) -> Result<Option<Member>> {
        let mut said = Said::default();
        loop {
            let Some(block) = self.header()? else { return Ok(None) };
            let name = match said.name.take() {
                Some(name) => name,
                None => own_name(&block),
            };
            let kind = block[156];
            let size =
                match said.bytes.take().filter(|_| !matches!(kind, b'x' | b'g' | b'L' | b'K')) {
                    Some(bytes) => Some(bytes),
                    None => number(&block[124..136]),
                };
            let Some(bytes) = size else {
                return Err(self.wrong(Some(name), "a size", "something else".to_owned()));
            };
            let offset = self.next;
            let left = self.length.saturating_sub(offset);
            if bytes > left {
                let found = format!("{left}; the archive is truncated or lies about the size");
                return Err(self.wrong(Some(name), &format!("{bytes} bytes"), found));
            }
            // Bytes are within the file's length, so nothing overflows.
            self.next = offset + bytes.div_ceil(BLOCK) * BLOCK;
            match kind {
                b'0' | b'\0' | b'7' if !name.ends_with('/') => {
                    self.check_name(&name)?;
                    self.last = Some(name.clone());
                    return Ok(Some(Member { name, offset, bytes }));
                }
                b'0' | b'\0' | b'7' | b'5' | b'g' | b'K' => {}
                b'L' => {
                    let text = self.text(offset, bytes, LONGEST_NAME, &name)?;
                    said.name = Some(text.trim_end_matches('\0').to_owned());
                    continue;
                }
                b'x' => {
                    let text = self.text(offset, bytes, LONGEST_ATTRIBUTES, &name)?;
                    said = attributes(&text);
                    continue;
                }
                b'1' | b'2' => {
                    let found = "a link".to_owned();
                    return Err(self.wrong(Some(name), "files and folders", found));
                }
                other => {
                    let found = format!("a member of kind {:?}", char::from(other));
                    return Err(self.wrong(Some(name), "files and folders", found));
                }
            }
            said = Said::default();
        }
    }

    /// A member's bytes.
    pub fn read(&mut self, member: &Member) -> Result<Vec<u8>> {
        self.bytes(member.offset, member.bytes)
    }

    fn bytes(&mut self, offset: u64, bytes: u64) -> Result<Vec<u8>> {
        let mut found = vec![0; bytes as usize];
        self.seek(offset)?;
        self.reader.read_exact(&mut found).map_err(DataError::read(self.path))?;
        Ok(found)
    }

    /// Goes there within what is buffered, where it can.
    fn seek(&mut self, offset: u64) -> Result<()> {
        let from = self.reader.stream_position().map_err(DataError::read(self.path))?;
        let moved = self.reader.seek_relative(offset as i64 - from as i64);
        moved.map_err(DataError::read(self.path))
    }

    fn text(&mut self, offset: u64, bytes: u64, most: u64, name: &str) -> Result<String> {
        if bytes > most {
            let expected = format!("a name and attributes of at most {most} bytes");
            return Err(self.wrong(Some(name.to_owned()), &expected, format!("{bytes} bytes")));
        }
        let found = self.bytes(offset, bytes)?;
        Ok(String::from_utf8_lossy(&found).into_owned())
    }

    /// The header at the place reached, which moves past it; none at the end's mark.
    fn header(&mut self) -> Result<Option<[u8; 512]>> {
        if self.next == self.length && self.next > 0 {
            // Some writers leave the end's mark out.
            return Ok(None);
        }
        if self.next + BLOCK > self.length {
            let left = self.length.saturating_sub(self.next);
            let found = format!("{left} bytes; the archive is truncated");
            return Err(self.wrong(None, "a header of 512 bytes", found));
        }
        self.seek(self.next)?;
        let mut block = [0; 512];
        self.reader.read_exact(&mut block).map_err(DataError::read(self.path))?;
        if block.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        if !sum_fits(&block) {
            let found = format!("other bytes at {}", self.next);
            return Err(self.wrong(None, "a header with its checksum", found));
        }
        self.next += BLOCK;
        Ok(Some(block))
    }

    fn check_name(&self, name: &str) -> Result<()> {
        let climbs = name.starts_with('/') || name.split('/').any(|part| part == "..");
        if climbs || name.is_empty() || name.contains('\0') {
            let found = "one that climbs out of it, or none".to_owned();
            return Err(self.wrong(Some(name.to_owned()), "a path below the archive", found));
        }
        Ok(())
    }

    fn wrong(&self, member: Option<String>, expected: &str, found: String) -> DataError {
        let member = match (member, &self.last) {
            (Some(name), _) => format!("member \"{}\"", excerpt(&name, 200)),
            (None, Some(last)) => format!("behind member \"{}\"", excerpt(last, 200)),
            (None, None) => "at its beginning".to_owned(),
        };
        DataError::Archive {
            path: self.path.to_owned(),
            member,
            expected: expected.to_owned(),
            found,
        }
    }
}

/// Whether the checksum is that of the header, its own eight bytes counted as spaces. Old programs
/// summed signed bytes.
fn sum_fits(block: &[u8; 512]) -> bool {
    let Some(said) = number(&block[148..156]) else { return false };
    let mut unsigned = 0u64;
    let mut signed = 0i64;
    for (at, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { byte };
        unsigned += u64::from(byte);
        signed += i64::from(byte as i8);
    }
    said == unsigned || i64::try_from(said) == Ok(signed)
}

/// Octal digits between spaces and NULs, or GNU's big-endian number behind a first byte of 0x80.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(field.len().saturating_sub(8));
        let small = field[0] == 0x80 && high.iter().skip(1).all(|&byte| byte == 0);
        let whole = low.try_into().map(u64::from_be_bytes).ok()?;
        // Files of 2^63 bytes and more are a lie.
        return (small && whole < 1 << 63).then_some(whole);
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn own_name(block: &[u8; 512]) -> String {
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    let name = text(&block[..100]);
    // The prefix is POSIX's; GNU keeps times there.
    if &block[257..263] == b"ustar\0" && block[345] != 0 {
        return format!("{}/{name}", text(&block[345..500]));
    }
    name
}

/// `LENGTH key=value\n` after each other; the lengths count themselves.
fn attributes(text: &str) -> Said {
    let mut said = Said::default();
    let mut rest = text;
    while let Some((length, _)) = rest.split_once(' ') {
        let Ok(whole) = length.parse::<usize>() else { break };
        let Some(record) = rest.get(length.len() + 1..whole) else { break };
        if let Some((key, value)) = record.trim_end_matches('\n').split_once('=') {
            match key {
                "path" => said.name = Some(value.to_owned()),
                "size" => said.bytes = value.parse().ok(),
                _ => {}
            }
        }
        rest = rest.get(whole..).unwrap_or_default();
    }
    said
}

impl Archive<'_> {
    /// Reads one member's bytes without going through the archive.
    pub fn bytes_at(path: &Path, offset: u64, bytes: u64) -> Result<Vec<u8>> {
        let mut file = File::open(path).map_err(DataError::read(path))?;
        let mut found = vec![0; bytes as usize];
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut found))
            .map_err(DataError::read(path))?;
        Ok(found)
    }
}

#[cfg(test)]
pub(in super::super) mod tests {
    use super::*;

    /// An archive of these files, as `tar` writes it.
    pub(in super::super::super) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// A header as it stands, checksum made to fit.
    fn header(name: &[u8], size: &[u8], kind: u8) -> [u8; 512] {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[124..124 + size.len()].copy_from_slice(size);
        block[148..156].fill(b' ');
        block[156] = kind;
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    fn members(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        std::fs::write(&path, bytes).unwrap();
        let mut archive = Archive::open(&path)?;
        let mut found = Vec::new();
        while let Some(member) = archive.next_member()? {
            assert_eq!(
                archive.read(&member)?,
                Archive::bytes_at(&path, member.offset, member.bytes)?
            );
            found.push((member.name.clone(), archive.read(&member)?));
        }
        Ok(found)
    }

    #[test]
    fn every_member_is_found_with_its_bytes_and_its_long_name() {
        let long = format!("{}/{}.txt", "folder".repeat(20), "name".repeat(40));
        let big = vec![7; 100_000];
        let files: [(&str, &[u8]); 4] =
            [("a.txt", b"one"), (&long, b"two"), ("b.jpg", &big), ("empty", b"")];
        let bytes = archive(&files);
        assert!(is_header(&bytes) && !is_header(&bytes[1..]));
        let expected: Vec<(String, Vec<u8>)> =
            files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        assert_eq!(members(&bytes).unwrap(), expected);
    }

    #[test]
    fn extended_attributes_name_the_member_behind_them() {
        let record = "20 path=sub/\u{d55c}.txt\n";
        let record = format!("{record}{}", "11 size=03\n");
        let mut bytes = header(b"pax", format!("{:o}", record.len()).as_bytes(), b'x').to_vec();
        bytes.extend(record.as_bytes());
        bytes.resize(1024, 0);
        bytes.extend(header(b"other", b"7", b'0'));
        bytes.extend(b"abcdefg");
        bytes.resize(2048, 0);
        bytes.extend(header(b"next", b"1", b'0'));
        bytes.push(b'x');
        bytes.resize(4096, 0);
        let found = members(&bytes).unwrap();
        let names: Vec<(&str, usize)> = found.iter().map(|(n, b)| (n.as_str(), b.len())).collect();
        assert_eq!(names, [("sub/\u{d55c}.txt", 3), ("next", 1)]);
    }

    #[test]
    fn an_archive_that_is_torn_or_lies_is_one_error_with_its_member() {
        let whole = archive(&[("a.txt", b"one"), ("b.txt", &[1; 2000])]);
        let mut other = whole.clone();
        other[1024] ^= 1;
        let of = |name: &[u8], size: &[u8], kind| header(name, size, kind).to_vec();
        for (bytes, words) in [
            (whole[..2500].to_vec(), ["\"b.txt\"", "2000 bytes, found 964; the archive is trunc"]),
            (whole[..1100].to_vec(), ["behind member \"a.txt\"", "76 bytes; the archive is trunc"]),
            (other, ["behind member \"a.txt\"", "checksum"]),
            (of(b"big", b"77777777777", b'0'), ["\"big\"", "lies"]),
            (of(b"huge", &[0x80, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0], b'0'), ["huge", "a size"]),
            (of(b"../up\x1b", b"0", b'0'), ["../up\\u{1b}", "climbs"]),
            (of(b"/root", b"0", b'0'), ["/root", "climbs"]),
            (of(b"a/../b", b"0", b'0'), ["a/../b", "climbs"]),
            (of(b"link", b"0", b'2'), ["link", "a link"]),
            (of(b"device", b"0", b'3'), ["device", "kind '3'"]),
            (of(b"odd", b"9z", b'0'), ["odd", "a size"]),
            (Vec::new(), ["at its beginning", "0 bytes"]),
            (vec![0x1f, 0x8b, 8, 0], ["a tar archive", "gunzip -k"]),
        ] {
            let error = members(&bytes).unwrap_err().to_string();
            assert!(error.contains("a.tar"), "{error}");
            for word in words {
                assert!(error.contains(word), "{error} lacks {word}");
            }
        }
    }
}
