//! Texts out of documents and logs: each is replaced by its digest, so that equal texts stay equal
//! and nothing else changes.

use crate::ids::Digest;
use serde::Serialize;
use serde_json::{Map, Value};

/// Keys whose text is a caption, a query, a note or a mark's name.
const ONE: [&str; 3] = ["text", "caption", "label"];

/// Keys whose list holds captions, queries or candidates. A plain text under such a key is a choice,
/// such as a protocol's `"captions":"first-two"`.
const MANY: [&str; 3] = ["texts", "captions", "candidates"];

/// A digest in the place of a text.
fn digest_of(text: &str) -> String {
    format!("sha256:{}", Digest::of(text.as_bytes()))
}

/// Replaces every text under one of the keys; true where there was one.
fn scrub(value: &mut Value, named: bool) -> bool {
    match value {
        Value::String(text) if named && !text.is_empty() => {
            // What was replaced once stays as it is: packing again changes nothing.
            let done = text.strip_prefix("sha256:").is_some_and(|digits| {
                digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
            if !done {
                *text = digest_of(text);
            }
            !done
        }
        Value::Array(values) => {
            values.iter_mut().fold(false, |any, value| scrub(value, named) | any)
        }
        Value::Object(map) => map.iter_mut().fold(false, |any, (key, value)| {
            let key = key.as_str();
            let named = ONE.contains(&key) || (MANY.contains(&key) && value.is_array());
            scrub(value, named) | any
        }),
        _ => false,
    }
}

/// Keys in their order, the rest behind.
#[derive(Serialize)]
struct Ordered {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The document without its texts; the very bytes it had where there are none.
pub(super) fn document(bytes: &[u8]) -> serde_json::Result<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(bytes)?;
    if !scrub(&mut value, false) {
        return Ok(bytes.to_vec());
    }
    let Value::Object(map) = value else { return serde_json::to_vec(&value) };
    let mut text = ordered(map)?;
    text.push(b'\n');
    Ok(text)
}

fn ordered(mut map: Map<String, Value>) -> serde_json::Result<Vec<u8>> {
    let format = map.remove("format");
    let is_record = format.is_none();
    let mut take = |key: &str| if is_record { map.remove(key) } else { None };
    let (seq, time, event) = (take("seq"), take("time"), take("event"));
    serde_json::to_vec(&Ordered { format, seq, time, event, rest: map })
}

/// The log without its texts, line by line; a line without any keeps its bytes. A line that is no
/// JSON could hold anything: its bytes are replaced by an empty line's, which readers skip and
/// count all the same.
pub(super) fn log(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice::<Value>(line) {
            Ok(mut value) => {
                if !scrub(&mut value, false) {
                    out.extend_from_slice(line);
                    continue;
                }
                if let Value::Object(map) = value
                    && let Ok(text) = ordered(map)
                {
                    out.extend(text);
                }
                out.push(b'\n');
            }
            Err(_) => out.push(b'\n'),
        }
    }
    out
}
