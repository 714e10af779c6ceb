//! An event with its sequence number and time: one line of a log, both ways.

use super::event::{Event, LogEvent, Unknown, write_line};
use super::time::Time;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io;

/// One line of a log. `E` is what its kind of log says: [`Event`] for a runner's.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<E = Event> {
    /// Counts up by one through all segments of a run, from 1.
    pub seq: u64,
    /// When it was written.
    pub time: Time,
    /// What happened.
    pub event: E,
    /// Keys that a known kind does not have in this version, nested as they stood. Kept, so that
    /// copying a log loses nothing. An unknown key whose value is null counts as absent.
    pub rest: Map<String, Value>,
}

/// A line that is not a record.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    /// Not text.
    #[error("expected UTF-8 text")]
    Text(#[from] std::str::Utf8Error),
    /// Not JSON, or a key is missing or of the wrong type.
    #[error("expected a record, a JSON object with seq, time, event and that kind's keys")]
    Json(#[from] serde_json::Error),
}

/// The keys that every line has. Everything else waits for the kind.
#[derive(Deserialize)]
struct Head<'a> {
    seq: u64,
    time: Time,
    #[serde(borrow)]
    event: Cow<'a, str>,
}

impl Record {
    /// A record of what happened in a run.
    #[must_use]
    pub fn new(seq: u64, time: Time, event: impl Into<Event>) -> Self {
        Self::of(seq, time, event.into())
    }

    /// Reads a line of a runner's log, without its newline.
    pub fn decode(line: &[u8]) -> Result<Self, BadRecord> {
        Self::read(line)
    }
}

impl<E: LogEvent> Record<E> {
    /// A record of what happened.
    #[must_use]
    pub fn of(seq: u64, time: Time, event: E) -> Self {
        Self { seq, time, event, rest: Map::new() }
    }

    /// The record as a line, its newline included.
    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(512);
        if self.rest.is_empty() {
            self.event.write(&mut line, self.seq, self.time)?;
        } else {
            let mut body = body_of(&self.event, self.seq, self.time)?;
            merge(&mut body, &self.rest);
            write_line(&mut line, self.seq, self.time, self.event.kind(), &body)?;
        }
        line.push(b'\n');
        Ok(line)
    }

    /// Reads a line, without its newline.
    pub fn read(line: &[u8]) -> Result<Self, BadRecord> {
        let line = std::str::from_utf8(line)?;
        let head: Head = serde_json::from_str(line)?;
        let (seq, time) = (head.seq, head.time);
        let Some(event) = E::read(&head.event, line) else {
            let body = own_keys(serde_json::from_str(line)?);
            let event = E::of_unknown(Unknown { kind: head.event.into_owned(), body });
            return Ok(Self { seq, time, event, rest: Map::new() });
        };
        let event = event?;
        // A line of this version is the very bytes this version would write; only another one
        // needs the slow look for keys that the type passed over.
        let rest = if is_same(&event, seq, time, line) {
            Map::new()
        } else {
            let body = own_keys(serde_json::from_str(line)?);
            missing(&body, &body_of(&event, seq, time)?)
        };
        Ok(Self { seq, time, event, rest })
    }

    /// How many keys were not known.
    #[must_use]
    pub fn unknown_keys(&self) -> u64 {
        count(&self.rest)
    }
}

fn own_keys(mut map: Map<String, Value>) -> Map<String, Value> {
    for key in ["seq", "time", "event"] {
        map.remove(key);
    }
    map
}

fn body_of<E: LogEvent>(event: &E, seq: u64, time: Time) -> serde_json::Result<Map<String, Value>> {
    let mut line = Vec::new();
    event.write(&mut line, seq, time)?;
    serde_json::from_slice(&line).map(own_keys)
}

/// Accepts exactly the bytes it expects and fails at the first other one.
struct Expecting<'a>(&'a [u8]);

impl io::Write for Expecting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_same<E: LogEvent>(event: &E, seq: u64, time: Time, line: &str) -> bool {
    let mut expecting = Expecting(line.as_bytes());
    event.write(&mut expecting, seq, time).is_ok() && expecting.0.is_empty()
}

/// What `whole` has and `known` has not, with the nesting of `whole`.
fn missing(whole: &Map<String, Value>, known: &Map<String, Value>) -> Map<String, Value> {
    let mut rest = Map::new();
    for (key, value) in whole {
        match (value, known.get(key)) {
            (Value::Null, None) => {}
            (value, None) => drop(rest.insert(key.clone(), value.clone())),
            (Value::Object(whole), Some(Value::Object(known))) => {
                let inner = missing(whole, known);
                if !inner.is_empty() {
                    rest.insert(key.clone(), Value::Object(inner));
                }
            }
            (Value::Array(whole), Some(Value::Array(known))) => {
                let lost = whole.iter().zip(known).any(|pair| match pair {
                    (Value::Object(whole), Value::Object(known)) => {
                        !missing(whole, known).is_empty()
                    }
                    _ => false,
                });
                if lost {
                    rest.insert(key.clone(), Value::Array(whole.clone()));
                }
            }
            _ => {}
        }
    }
    rest
}

fn merge(body: &mut Map<String, Value>, rest: &Map<String, Value>) {
    for (key, value) in rest {
        match (body.get_mut(key), value) {
            (Some(Value::Object(body)), Value::Object(rest)) => merge(body, rest),
            _ => drop(body.insert(key.clone(), value.clone())),
        }
    }
}

fn count(map: &Map<String, Value>) -> u64 {
    map.values()
        .map(|value| if let Value::Object(map) = value { count(map).max(1) } else { 1 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::event::{StepTimes, Validated, Warned};
    use super::super::finite::Finite;
    use super::*;

    fn time() -> Time {
        Time::from_millis(1_795_492_243_120).unwrap()
    }

    #[test]
    fn a_record_is_one_flat_line() {
        let record = Record::new(7, time(), Warned { what: "a\n\"b\"".into() });
        let line = String::from_utf8(record.encode().unwrap()).unwrap();
        let expected =
            r#"{"seq":7,"time":"2026-11-24T03:50:43.120Z","event":"warned","what":"a\n\"b\""}"#;
        assert_eq!(line, format!("{expected}\n"));
        assert_eq!(Record::decode(line.trim_end().as_bytes()).unwrap(), record);
    }

    #[test]
    fn unknown_kinds_are_kept_whole() {
        let line =
            br#"{"seq":9,"time":"2026-11-24T03:50:43.120Z","event":"danced","who":["a",null]}"#;
        let record = Record::decode(line).unwrap();
        assert_eq!(record.event.kind(), "danced");
        assert_eq!(record.encode().unwrap().trim_ascii_end(), line);
    }

    #[test]
    fn unknown_keys_are_kept_at_every_depth_and_written_again() {
        let line = r#"{"seq":9,"time":"2026-11-24T03:50:43.120Z","event":"step_finished","mood":"fair",
            "stage":"clip","step":1,"epoch":0,"loss":1,"learning_rate":0.1,"gradient_norm":{"all":2},
            "clipped":false,"milliseconds":{"data":1,"forward":2,"backward":3,"optimizer":4,"io":5},
            "memory_bytes":8,"logit_scale":null}"#;
        let record = Record::decode(line.as_bytes()).unwrap();
        assert_eq!(record.unknown_keys(), 2);
        let Event::StepFinished(step) = &record.event else { panic!("{record:?}") };
        let times: &StepTimes = &step.milliseconds;
        assert_eq!((step.loss.get(), times.total()), (1.0, 10.0));
        let again = Record::decode(record.encode().unwrap().trim_ascii_end()).unwrap();
        assert_eq!(again, record);
        assert_eq!(again.rest["milliseconds"]["io"], 5);
    }

    #[test]
    fn a_known_kind_with_a_number_that_is_none_is_a_bad_line() {
        let good = Validated {
            stage: "clip".parse().unwrap(),
            step: 3,
            loss: Finite::new(0.5),
            metrics: Finite::map([("recall@1", 0.25)]).unwrap(),
            seconds: Finite::ZERO,
            best: Some(true),
        };
        let line = String::from_utf8(Record::new(1, time(), good).encode().unwrap()).unwrap();
        assert!(Record::decode(line.trim_end().as_bytes()).is_ok());
        let null = line.replace("\"recall@1\":0.25", "\"recall@1\":null");
        assert!(Record::decode(null.trim_end().as_bytes()).is_err());
        assert!(Record::decode(b"\xff\xfe").is_err());
    }
}
