//! An entry as one line for people: every key it has, in the order of its log.

use super::timeline::Entry;
use crate::session::event::{Event, LogEvent};
use crate::session::record::Record;
use serde_json::Value;
use std::fmt::Write;

/// Longest value shown whole, in characters.
const LONGEST: usize = 60;

/// The entry as a line without its newline. Text from files is in it as it came: to be shown
/// escaped.
#[must_use]
pub fn line(entry: &Entry) -> String {
    let (who, time) = match entry {
        Entry::Run(run, record) => (run.to_string(), record.time),
        Entry::System(run, record) => (format!("{run} system"), record.time),
        Entry::Sitting(number, record) => (format!("ui-{number}"), record.time),
    };
    let mut text = format!("{time}  {who:<16}  {:<16}", entry.kind());
    match entry {
        Entry::Run(_, record) => {
            if let Event::StepFinished(step) = &record.event {
                let _ = write!(
                    text,
                    "  {} {}  loss {:.4}  lr {:.2e}  {:.0} ms",
                    step.stage,
                    step.step,
                    step.loss.get(),
                    step.learning_rate.get(),
                    step.milliseconds.total()
                );
                return text;
            }
            keys(record, &mut text);
        }
        Entry::System(_, record) => keys(record, &mut text),
        Entry::Sitting(_, record) => keys(record, &mut text),
    }
    text.truncate(text.trim_end().len());
    text
}

fn keys<E: LogEvent>(record: &Record<E>, text: &mut String) {
    let line = record.encode().unwrap_or_default();
    let Ok(Value::Object(map)) = serde_json::from_slice(&line) else { return };
    for (key, value) in
        map.iter().filter(|(key, _)| !["seq", "time", "event"].contains(&key.as_str()))
    {
        let shown = match value {
            Value::String(value) => value.clone(),
            Value::Array(values) => format!("[{}]", values.len()),
            Value::Object(values) => format!("{{{}}}", values.len()),
            other => other.to_string(),
        };
        let cut: String = shown.chars().take(LONGEST).collect();
        let more = if cut.len() < shown.len() { "…" } else { "" };
        let _ = write!(text, "  {key} {cut}{more}");
    }
}
