//! What was done at the terminal, in words: the actions of a sitting beside a replay.

mod changes;

use crate::session::Time;
use crate::session::sitting::{Acted, SittingEvent};
use crate::tui::keys::Action;
use changes::{all, changes, plain, subjects};
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

/// What a key does in a few words.
fn brief(what: &str) -> &str {
    let end = what.find([':', ';']).unwrap_or(what.len());
    let end = what.find(", such as").map_or(end, |example| example.min(end));
    what.get(..end).unwrap_or(what)
}

/// An action in words: what is otherwise on the screen where it stayed, else what its key does.
fn acted_words(acted: &Acted, before: Option<&Acted>) -> String {
    let screen = acted.screen.as_deref().unwrap_or("workbench");
    if let Some(started) = acted.with.get("started") {
        return format!("{screen}: started llm2clip {}", plain(started));
    }
    if let Some(command) = acted.with.get("command") {
        let run = acted.with.get("run").map_or_else(|| "the run".to_owned(), plain);
        return format!("{screen}: asked of {run}: {}", plain(command));
    }
    let place = |acted: &Acted| Scene::after(acted).map(|scene| scene.screen);
    let stays = before.is_some_and(|before| place(before) == place(acted));
    let looked = match before {
        Some(before) if stays => changes(&acted.with, &before.with),
        Some(_) => subjects(&acted.with),
        None => all(&acted.with),
    };
    if stays && !looked.is_empty() {
        return format!("{screen}: {}", looked.join(", "));
    }
    let entry = Action::named(&acted.action).map(Action::entry);
    let mut parts = vec![entry.map_or(acted.action.as_str(), |entry| brief(entry.what)).to_owned()];
    parts.extend(looked);
    format!("{screen}: {}", parts.join(", "))
}

/// An event in words, told apart from the action before it; nothing for those that nobody did.
#[must_use]
pub fn words(event: &SittingEvent, before: Option<&Acted>) -> Option<String> {
    let question = |value: &Value| {
        let keys = ["text", "image", "texts", "choose"];
        keys.iter().find_map(|key| value.get(*key)).map_or_else(String::new, plain)
    };
    Some(match event {
        SittingEvent::Acted(acted) => acted_words(acted, before),
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
        let said = words(&acted.clone().into(), None).unwrap();
        for part in [
            "inspect: show only queries that match, ",
            "query 1f600",
            "only what matches \"zzz\"",
            "encoders clip and llm2clip",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let mut next = acted.clone();
        (next.action, next.with["query"]) = ("down".into(), json!("1f601"));
        let said = |next: &Acted| words(&next.clone().into(), Some(&acted)).unwrap();
        assert_eq!(said(&next), "inspect: query 1f601");
        (next.action, next.with) = ("help".into(), acted.with.clone());
        assert_eq!(said(&next), "inspect: every key that works here");
        let Value::Object(led) = json!({"measure": "loss", "x": "step", "now": "train"}) else {
            panic!()
        };
        (next.action, next.with) = ("show-train".into(), led);
        assert_eq!(said(&next), "inspect: the Train screen, measure loss");
        let Value::Object(sent) = json!({"command": "stop", "run": "tiny-1", "x": "step"}) else {
            panic!()
        };
        (next.action, next.with) = ("yes".into(), sent);
        assert_eq!(said(&next), "inspect: asked of tiny-1: stop");
        let shown =
            Acted { action: "show-compare".into(), screen: Some("train".into()), with: Map::new() };
        assert_eq!(Scene::after(&shown).unwrap().screen, "compare");
    }
}
