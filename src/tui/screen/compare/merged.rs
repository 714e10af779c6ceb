//! Which results share the table in front: all that may, or exactly those that a record of it names.

use super::others::{self, Other};
use crate::ids::SessionId;
use crate::tui::data::joining::JoinPart;
use serde_json::{Map, Value};

/// Results by their sessions and ids.
pub type These = Vec<(SessionId, String)>;

/// Those that a record names. Earlier records name none: what is comparable stands for them.
pub fn recorded(with: &Map<String, Value>) -> Option<These> {
    let named = |part: &Value| {
        let (session, result) = part.as_str()?.split_once('/')?;
        Some((session.parse().ok()?, result.to_owned()))
    };
    Some(with.get("parts")?.as_array()?.iter().filter_map(named).collect())
}

/// What the one table is made of, the result in front first: these, else all that are comparable. Nothing
/// where it stands alone.
pub fn parts(
    front: (&SessionId, &str),
    these: Option<&These>,
    others: &[Other<'_>],
) -> Option<Vec<JoinPart>> {
    let parts = match these {
        None => others::parts(front, others::comparable(others).map(Other::place)),
        Some(these) => {
            let these = these.iter().map(|(session, result)| (session, result.as_str()));
            others::parts(front, these.filter(|place| *place != front))
        }
    };
    (parts.len() > 1).then_some(parts)
}

/// The parts of a table for the record: `SESSION/RESULT` each, the one in front first.
pub fn record(parts: &[JoinPart]) -> Value {
    parts.iter().map(|part| format!("{}/{}", part.session, part.result)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SESSION: &str = "20261124-100000-tables-bbbbbb";
    const OTHER: &str = "20261124-110000-other-cccccc";

    fn read(with: Value) -> Option<These> {
        let Value::Object(with) = with else { panic!("none") };
        recorded(&with)
    }

    #[test]
    fn a_record_names_its_parts_and_an_earlier_one_only_says_that_there_were_some() {
        assert_eq!(read(json!({"joined": true})), None);
        let names = [format!("{SESSION}/x-1"), format!("{SESSION}/x-2"), format!("{OTHER}/x-1")];
        let these = read(json!({"joined": true, "parts": names})).unwrap();
        let session: SessionId = SESSION.parse().unwrap();
        let parts = parts((&session, "x-1"), Some(&these), &[]).unwrap();
        assert_eq!(record(&parts), json!(names));
        let labels: Vec<&str> = parts.iter().map(|part| part.label.as_str()).collect();
        assert_eq!(labels, ["x-1", "x-2", "cccccc"]);
    }

    #[test]
    fn a_record_that_names_nothing_else_joins_nothing() {
        let session: SessionId = SESSION.parse().unwrap();
        for named in [json!([]), json!([format!("{SESSION}/x-1")]), json!(["nothing", 7])] {
            let these = read(json!({"joined": true, "parts": named})).unwrap();
            assert_eq!(parts((&session, "x-1"), Some(&these), &[]), None);
        }
    }
}
