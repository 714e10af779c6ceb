//! When a session's records first tell of each result: a result that does not say itself when it was made
//! was there from then on.

use crate::ids::SessionId;
use crate::session::Time;
use crate::session::event::Event;
use crate::session::replay::{Entries, Entry, Kind};
use crate::session::sitting::{Acted, SittingEvent};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The first telling of each result.
#[derive(Debug, Default)]
pub struct First {
    /// The place of the entry, and its time.
    places: BTreeMap<String, (usize, Time)>,
    times: Arc<BTreeMap<String, Time>>,
}

impl First {
    /// Reads entries from a place on; what was known of them is forgotten.
    pub fn read(&mut self, session: &SessionId, entries: &impl Entries, from: usize) {
        self.places.retain(|_, (at, _)| *at < from);
        for at in from..entries.len() {
            if !matches!(entries.kind(at), Kind::Landmark | Kind::Action) {
                continue;
            }
            let Some(entry) = entries.entry(at) else { continue };
            for result in told(session, &entry) {
                self.places.entry(result.to_owned()).or_insert((at, entries.time(at)));
            }
        }
        let time = |(result, (_, time)): (&String, &(usize, Time))| (result.clone(), *time);
        self.times = Arc::new(self.places.iter().map(time).collect());
    }

    /// The time of each.
    pub fn times(&self) -> &Arc<BTreeMap<String, Time>> {
        &self.times
    }
}

/// The results an entry tells of.
fn told<'a>(session: &SessionId, entry: &'a Entry) -> Vec<&'a str> {
    match entry {
        Entry::Run(_, record) => match &record.event {
            Event::Compared(compared) => vec![compared.id.as_str()],
            Event::Inspected(inspected) => vec![inspected.id.as_str()],
            _ => Vec::new(),
        },
        Entry::Sitting(_, record) => match &record.event {
            SittingEvent::Acted(acted) => looked_at(session, acted),
            _ => Vec::new(),
        },
        Entry::System(..) => Vec::new(),
    }
}

/// The result that was in front after an action, and those of this session that shared its table.
fn looked_at<'a>(session: &SessionId, acted: &'a Acted) -> Vec<&'a str> {
    let front = acted.with.get("result").and_then(Value::as_str);
    let parts = acted.with.get("parts").and_then(Value::as_array);
    let parts = parts.into_iter().flatten().filter_map(Value::as_str);
    let own = parts.filter_map(|part| {
        let (of, result) = part.split_once('/')?;
        (of == session.as_str()).then_some(result)
    });
    front.into_iter().chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::{Compared, Warned};
    use crate::session::record::Record;
    use serde_json::json;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1000).unwrap()
    }

    fn acted(seconds: i64, with: Value) -> Entry {
        let Value::Object(with) = with else { panic!() };
        let acted = Acted { action: "down".into(), screen: Some("compare".into()), with };
        Entry::Sitting(1, Record::of(1, at(seconds), acted.into()))
    }

    #[test]
    fn a_result_is_known_from_the_first_record_that_names_it() {
        let session: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let run = || "tiny-1".parse().unwrap();
        let compared = Compared { id: "caption-1".into(), task: "caption".into() };
        let other = "20261124-110000-day-cccccc/caption-9";
        let mut entries = vec![
            Entry::Run(run(), Record::new(1, at(1), Warned { what: "caption-1".into() })),
            Entry::Run(run(), Record::new(2, at(2), compared)),
            acted(3, json!({"result": "caption-1"})),
            acted(4, json!({"result": "image-1", "parts": [format!("{session}/image-2"), other]})),
        ];
        let mut first = First::default();
        first.read(&session, &entries, 0);
        let known = |first: &First| -> Vec<(String, i64)> {
            let times = first.times().iter();
            times.map(|(result, time)| (result.clone(), time.millis() / 1000)).collect()
        };
        let expected = [("caption-1", 2), ("image-1", 4), ("image-2", 4)];
        assert_eq!(known(&first), expected.map(|(result, time)| (result.to_owned(), time)));
        // An earlier record came in.
        entries.insert(3, acted(3, json!({"result": "image-2"})));
        first.read(&session, &entries, 3);
        assert_eq!(known(&first)[2], ("image-2".to_owned(), 3));
    }
}
