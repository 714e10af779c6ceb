//! The header of a GGUF file: its keys, and where its tensors lie. Every length is held against the
//! file's own before anything is allocated for it, so that a lying header is an error and no more.
//!
//! Layout: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use super::error::GgufError;
use super::types::TensorType;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// A number stored in 32 bits.
    F32(f32),
    /// A number stored in 64 bits.
    F64(f64),
    /// Yes or no.
    Bool(bool),
    /// Text; what is not UTF-8 in it is replaced.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of numbers of any kind.
    Numbers(Vec<f64>),
}

impl Value {
    /// What kind of thing it is, in words.
    pub fn kind(&self) -> String {
        match self {
            Self::Unsigned(x) => x.to_string(),
            Self::Signed(x) => x.to_string(),
            Self::F32(x) => x.to_string(),
            Self::F64(x) => x.to_string(),
            Self::Bool(x) => x.to_string(),
            Self::Text(text) => format!("the text {text:?}"),
            Self::Texts(texts) => format!("{} texts", texts.len()),
            Self::Numbers(numbers) => format!("{} numbers", numbers.len()),
        }
    }
}

/// Where one tensor lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How its numbers are stored.
    pub kind: TensorType,
    /// Its shape, slowest first: `[rows, columns]`, the reverse of what the file says.
    pub shape: Vec<usize>,
    /// Its bytes in the file.
    pub bytes: Range<usize>,
}

/// Keys and places.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// All keys.
    pub keys: BTreeMap<String, Value>,
    /// All tensors.
    pub tensors: BTreeMap<String, Place>,
}

/// More dimensions than any tensor has.
const MOST_DIMENSIONS: u32 = 4;
const DEFAULT_ALIGNMENT: u64 = 32;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Version 1 counts in 32 bits.
    narrow: bool,
}

impl<'a> Reader<'a> {
    fn left(&self) -> u64 {
        (self.bytes.len() - self.at) as u64
    }

    fn need(&self, what: &str, needed: u64) -> Result<(), GgufError> {
        let (left, at) = (self.left(), self.at);
        if needed <= left {
            return Ok(());
        }
        Err(GgufError::Short { what: what.to_owned(), at, needed, left })
    }

    fn take(&mut self, what: &str, count: u64) -> Result<&'a [u8], GgufError> {
        self.need(what, count)?;
        let start = self.at;
        self.at += count as usize;
        Ok(&self.bytes[start..self.at])
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(what, N as u64)?);
        Ok(out)
    }

    fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    fn count(&mut self, what: &str) -> Result<u64, GgufError> {
        if self.narrow { Ok(u64::from(self.u32(what)?)) } else { self.u64(what) }
    }

    /// A count of things that take at least so many bytes each.
    fn count_of(&mut self, what: &str, least: u64) -> Result<u64, GgufError> {
        let count = self.count(what)?;
        self.need(what, count.saturating_mul(least))?;
        Ok(count)
    }

    fn raw(&mut self, what: &str) -> Result<&'a [u8], GgufError> {
        let length = self.count_of(what, 1)?;
        self.take(what, length)
    }

    /// A name: it must be UTF-8, or two names could become one.
    fn name(&mut self, what: &str) -> Result<String, GgufError> {
        let raw = self.raw(what)?;
        std::str::from_utf8(raw).map(str::to_owned).map_err(|_| GgufError::Header {
            what: what.to_owned(),
            expected: "UTF-8".to_owned(),
            found: format!("{:?}", String::from_utf8_lossy(raw)),
        })
    }

    fn text(&mut self, what: &str) -> Result<String, GgufError> {
        Ok(String::from_utf8_lossy(self.raw(what)?).into_owned())
    }

    /// One value of a type by its number in the file.
    fn value(&mut self, key: &str, kind: u32) -> Result<Value, GgufError> {
        Ok(match kind {
            0 => Value::Unsigned(u64::from(self.array::<1>(key)?[0])),
            1 => Value::Signed(i64::from(i8::from_le_bytes(self.array(key)?))),
            2 => Value::Unsigned(u64::from(u16::from_le_bytes(self.array(key)?))),
            3 => Value::Signed(i64::from(i16::from_le_bytes(self.array(key)?))),
            4 => Value::Unsigned(u64::from(self.u32(key)?)),
            5 => Value::Signed(i64::from(i32::from_le_bytes(self.array(key)?))),
            6 => Value::F32(f32::from_le_bytes(self.array(key)?)),
            7 => match self.array::<1>(key)?[0] {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                other => {
                    return Err(GgufError::Header {
                        what: key.to_owned(),
                        expected: "0 or 1 for a truth value".to_owned(),
                        found: other.to_string(),
                    });
                }
            },
            8 => Value::Text(self.text(key)?),
            9 => self.list(key)?,
            10 => Value::Unsigned(self.u64(key)?),
            11 => Value::Signed(i64::from_le_bytes(self.array(key)?)),
            12 => Value::F64(f64::from_le_bytes(self.array(key)?)),
            other => {
                return Err(GgufError::Header {
                    what: key.to_owned(),
                    expected: "a value type from 0 to 12".to_owned(),
                    found: other.to_string(),
                });
            }
        })
    }

    fn list(&mut self, key: &str) -> Result<Value, GgufError> {
        let kind = self.u32(key)?;
        let least = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                let least = if self.narrow { 4 } else { 8 };
                let count = self.count_of(key, least)?;
                return (0..count)
                    .map(|_| self.text(key))
                    .collect::<Result<_, _>>()
                    .map(Value::Texts);
            }
            other => {
                return Err(GgufError::Header {
                    what: key.to_owned(),
                    expected: "a list of texts or numbers".to_owned(),
                    found: format!("a list of type {other}"),
                });
            }
        };
        let count = self.count_of(key, least)?;
        let number = |value| match value {
            Value::Unsigned(x) => x as f64,
            Value::Signed(x) => x as f64,
            Value::F32(x) => f64::from(x),
            Value::F64(x) => x,
            Value::Bool(x) => f64::from(u8::from(x)),
            Value::Text(_) | Value::Texts(_) | Value::Numbers(_) => f64::NAN,
        };
        (0..count)
            .map(|_| self.value(key, kind).map(number))
            .collect::<Result<_, _>>()
            .map(Value::Numbers)
    }
}

fn twice(what: &str, name: &str) -> GgufError {
    GgufError::Header {
        what: format!("{what} {name:?}"),
        expected: "every name once".to_owned(),
        found: "it twice".to_owned(),
    }
}

/// Reads the header of a whole file.
///
/// # Errors
/// Not a GGUF file, or one whose header does not fit its length.
pub fn parse(bytes: &[u8]) -> Result<Header, GgufError> {
    let mut reader = Reader { bytes, at: 0, narrow: false };
    let magic = reader.take("magic", 4)?;
    if magic != b"GGUF" {
        return Err(GgufError::Magic { found: String::from_utf8_lossy(magic).into_owned() });
    }
    let version = reader.u32("version")?;
    if !(1..=3).contains(&version) {
        return Err(GgufError::Version { found: version });
    }
    reader.narrow = version == 1;
    let prefix = if reader.narrow { 4 } else { 8 };
    let tensors = reader.count_of("the number of tensors", prefix + 16)?;
    let keys = reader.count_of("the number of keys", prefix + 5)?;
    let mut header = Header { keys: BTreeMap::new(), tensors: BTreeMap::new() };
    for _ in 0..keys {
        let key = reader.name("a key")?;
        let kind = reader.u32(&key)?;
        let value = reader.value(&key, kind)?;
        if header.keys.insert(key.clone(), value).is_some() {
            return Err(twice("key", &key));
        }
    }
    let mut raw = Vec::new();
    for _ in 0..tensors {
        let name = reader.name("a tensor's name")?;
        raw.push((describe(&mut reader, &name)?, name));
    }
    let start = data_start(&header, reader.at as u64)?;
    for ((kind, shape, offset), name) in raw {
        let bytes = place(bytes.len() as u64, start, offset, kind, &shape, &name)?;
        let place = Place { kind, shape, bytes };
        if header.tensors.insert(name.clone(), place).is_some() {
            return Err(twice("tensor", &name));
        }
    }
    apart(&header.tensors)?;
    Ok(header)
}

/// Type, shape (slowest first) and offset of one tensor.
fn describe(
    reader: &mut Reader<'_>,
    name: &str,
) -> Result<(TensorType, Vec<usize>, u64), GgufError> {
    let what = format!("tensor {name}");
    let dimensions = reader.u32(&what)?;
    if dimensions == 0 || dimensions > MOST_DIMENSIONS {
        return Err(GgufError::Header {
            what,
            expected: format!("1 to {MOST_DIMENSIONS} dimensions"),
            found: dimensions.to_string(),
        });
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let size = reader.count(&what)?;
        shape.push(usize::try_from(size).map_err(|_| GgufError::Header {
            what: what.clone(),
            expected: "sizes that memory can have".to_owned(),
            found: size.to_string(),
        })?);
    }
    shape.reverse();
    let kind = reader.u32(&what)?;
    let kind = TensorType::from_number(kind).map_err(|found| GgufError::Type {
        tensor: name.to_owned(),
        found,
        known: TensorType::known(),
    })?;
    Ok((kind, shape, reader.u64(&what)?))
}

/// Where the tensors' bytes start: behind the header, at a multiple of the alignment.
fn data_start(header: &Header, end: u64) -> Result<u64, GgufError> {
    let key = "general.alignment";
    let alignment = match header.keys.get(key) {
        None => DEFAULT_ALIGNMENT,
        Some(Value::Unsigned(x)) if x.is_power_of_two() && *x <= 1 << 20 => *x,
        Some(other) => {
            return Err(GgufError::Key {
                key: key.to_owned(),
                expected: "a power of two up to 1048576".to_owned(),
                found: other.kind(),
            });
        }
    };
    Ok(end.div_ceil(alignment) * alignment)
}

/// A tensor's bytes, all of them inside the file.
fn place(
    length: u64,
    start: u64,
    offset: u64,
    kind: TensorType,
    shape: &[usize],
    name: &str,
) -> Result<Range<usize>, GgufError> {
    let what = || format!("tensor {name}");
    let columns = shape.last().copied().unwrap_or(0);
    if columns % kind.block() != 0 {
        return Err(GgufError::Header {
            what: what(),
            expected: format!("columns in blocks of {} for {}", kind.block(), kind.name()),
            found: columns.to_string(),
        });
    }
    let elements = shape.iter().try_fold(1u64, |all, &size| all.checked_mul(size as u64));
    let needed = elements.and_then(|n| (n / kind.block() as u64).checked_mul(kind.bytes() as u64));
    let needed = needed.unwrap_or(u64::MAX);
    let at = start.saturating_add(offset);
    let left = length.saturating_sub(at);
    if needed > left {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        return Err(GgufError::Short { what: what(), at, needed, left });
    }
    Ok(at as usize..(at + needed) as usize)
}

/// Tensors that share bytes would let a small file ask for any amount of memory.
fn apart(tensors: &BTreeMap<String, Place>) -> Result<(), GgufError> {
    let mut places: Vec<_> = tensors.iter().filter(|(_, place)| !place.bytes.is_empty()).collect();
    places.sort_by_key(|(_, place)| place.bytes.start);
    for pair in places.windows(2) {
        let ((first, a), (second, b)) = (pair[0], pair[1]);
        if b.bytes.start < a.bytes.end {
            return Err(GgufError::Header {
                what: format!("tensors {first} and {second}"),
                expected: "bytes of their own".to_owned(),
                found: "the same bytes".to_owned(),
            });
        }
    }
    Ok(())
}
