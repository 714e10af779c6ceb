//! An entry as one line for people: every key it has, in the order of its log.

use super::timeline::Entry;
use crate::session::event::{Event, LogEvent};
use crate::session::record::Record;
use crate::session::system::{Sampled, SystemEvent};
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
        Entry::System(_, record) => {
            if let SystemEvent::Sampled(sampled) = &record.event {
                let _ = write!(text, "  {}", machine(sampled));
                return text;
            }
            keys(record, &mut text);
        }
        Entry::Sitting(_, record) => keys(record, &mut text),
    }
    text.truncate(text.trim_end().len());
    text
}

/// A sample of the machine.
fn machine(sampled: &Sampled) -> String {
    let giga = |bytes: u64| bytes as f64 / 1e9;
    let mut text = format!(
        "{} cores {:.0} %  memory {:.1} of {:.1} GB  runner {:.2} GB",
        sampled.cores,
        sampled.cores_used.get() * 100.0,
        giga(sampled.memory_used),
        giga(sampled.memory_total),
        giga(sampled.process_bytes)
    );
    for (name, free) in &sampled.disk_free {
        let _ = write!(text, "  {name} {:.1} GB free", giga(*free));
    }
    for gpu in &sampled.gpus {
        let _ = write!(text, "  {}", gpu.name);
        if let Some(share) = gpu.utilisation {
            let _ = write!(text, " {:.0} %", share.get() * 100.0);
        }
        if let Some(used) = gpu.memory_used {
            let _ = write!(text, " {:.1} GB", giga(used));
        }
    }
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
