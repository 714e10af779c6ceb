//! What was done at the terminal, in words: the actions of a sitting beside a replay.

use crate::session::Time;
use crate::session::sitting::{Acted, SittingEvent};
use serde_json::{Map, Value};

/// Something that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// When.
    pub time: Time,
    /// What, in words. From people and files: to be shown escaped.
    pub words: String,
    /// Whether it has happened at the moment that is looked at.
    pub past: bool,
}

/// What the terminal showed after an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The screen's name, in small letters.
    pub screen: String,
    /// What was looked at on it.
    pub with: Map<String, Value>,
}

impl Scene {
    /// Where an action left the terminal.
    #[must_use]
    pub fn after(acted: &Acted) -> Option<Self> {
        let now = acted.with.get("now").and_then(Value::as_str);
        let led = now.or_else(|| acted.action.strip_prefix("show-"));
        let screen = led.or(acted.screen.as_deref())?.to_owned();
        Some(Self { screen, with: acted.with.clone() })
    }
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// An event in words; nothing for those that nobody did.
#[must_use]
pub fn words(event: &SittingEvent) -> Option<String> {
    let question = |value: &Value| {
        let keys = ["text", "image", "texts", "choose"];
        keys.iter().find_map(|key| value.get(*key)).map_or_else(String::new, plain)
    };
    Some(match event {
        SittingEvent::Acted(acted) => {
            let screen = acted.screen.as_deref().unwrap_or("workbench");
            let mut text = format!("{screen}: {}", acted.action);
            for (key, value) in acted.with.iter().filter(|(key, _)| *key != "now") {
                text.push_str(&format!("  {key} {}", plain(value)));
            }
            text
        }
        SittingEvent::Marked(marked) => match marked.at.step {
            Some(step) => format!("marked step {step}: {}", marked.label),
            None => format!("marked: {}", marked.label),
        },
        SittingEvent::Unmarked(_) => "a mark was taken back".to_owned(),
        SittingEvent::Noted(noted) if noted.text.is_empty() => format!("no note on {}", noted.on),
        SittingEvent::Noted(noted) => format!("note on {}: {}", noted.on, noted.text),
        SittingEvent::Tagged(tagged) => format!("tagged {}: {}", tagged.on, tagged.tag),
        SittingEvent::Untagged(untagged) => format!("tag off {}: {}", untagged.on, untagged.tag),
        SittingEvent::Pinned(pinned) => format!("pinned {}", pinned.on),
        SittingEvent::Unpinned(unpinned) => format!("pin off {}", unpinned.on),
        SittingEvent::Answered(answered) => format!("answered: {}", question(&answered.question)),
        SittingEvent::Exported(exported) => format!("exported to {}", exported.dir),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_action_says_where_with_what_and_what_came_to_the_front() {
        let with = json!({"query": "1f600", "search": "zzz", "encoders": ["clip", "llm2clip"]});
        let Value::Object(with) = with else { panic!() };
        let acted = Acted { action: "search".into(), screen: Some("inspect".into()), with };
        let scene = Scene::after(&acted).unwrap();
        assert_eq!((scene.screen.as_str(), &scene.with["query"]), ("inspect", &json!("1f600")));
        let said = words(&acted.into()).unwrap();
        for part in ["inspect: search", "query 1f600", "search zzz", "encoders clip llm2clip"] {
            assert!(said.contains(part), "{said}");
        }
        let shown =
            Acted { action: "show-compare".into(), screen: Some("train".into()), with: Map::new() };
        assert_eq!(Scene::after(&shown).unwrap().screen, "compare");
    }
}
