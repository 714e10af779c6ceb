//! Whether the weights of asked encoders are here: a session that came without them can be looked at, and
//! not asked.

use super::Places;
use crate::eval::document::{COMPARE_FORMAT, INSPECT_FORMAT};
use crate::ids::{SessionId, encoder_list};
use crate::session::names::RunId;
use crate::session::results::results_of;
use crate::tui::data::asked::spec;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Why the encoders of a question cannot be asked, where a session came without their weights. What is
/// no run's is left to the program that is asked.
pub fn missing<'a>(
    places: &Places,
    runs: impl Iterator<Item = &'a RunId>,
    arguments: &[String],
    question: &Value,
) -> Option<String> {
    let runs: Vec<&RunId> = runs.collect();
    let roles = question["encoders"].as_array()?.iter().filter_map(Value::as_str);
    let mut sources = roles.filter_map(|role| Some((role, source(arguments, role)?)));
    let (role, run) = sources.find_map(|(role, source)| {
        let of: Vec<&RunId> = runs.iter().copied().filter(|run| is_of(source, run)).collect();
        let is_here = of.is_empty()
            || places.checkpoints.join(source).exists()
            || of.iter().any(|run| has_weights(places, run));
        if is_here { None } else { Some((role, *of.last()?)) }
    })?;
    let weighted = runs.iter().filter(|run| has_weights(places, run));
    let mut others: Vec<&SessionId> = weighted.map(|run| &run.session).collect();
    others.dedup();
    others.retain(|session| can_be_asked(places, &runs, session));
    let others: Vec<&str> = others.into_iter().rev().map(SessionId::as_str).collect();
    let others = if others.is_empty() {
        "no session here can be asked; llm2clip demo makes one".to_owned()
    } else {
        format!("}} shows other sessions, of which {} can be asked", others.join(" and "))
    };
    Some(format!(
        "session {} came without weights: expected those of {role} in {}, found nothing there; {others}",
        run.session,
        folder(places, run).display()
    ))
}

/// What stands for a label in the arguments, without its options.
fn source<'a>(arguments: &'a [String], role: &'a str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == "--encoders")?;
    let spec = |part: &'a str| {
        let labelled = part.strip_prefix(role).and_then(|rest| rest.strip_prefix('='));
        labelled.or((part == role).then_some(part))
    };
    let spec = encoder_list(arguments.get(at + 1)?).into_iter().find_map(spec)?;
    Some(spec.split('[').next().unwrap_or(spec))
}

/// Whether a source is a stage of a run: `SESSION/RUN/STAGE` or `RUN/STAGE`.
fn is_of(source: &str, run: &RunId) -> bool {
    let mut parts = source.split('/');
    match (parts.next(), parts.next()) {
        (Some(first), Some(second)) => {
            first == run.run.as_str()
                || (first == run.session.as_str() && second == run.run.as_str())
        }
        _ => false,
    }
}

fn folder(places: &Places, run: &RunId) -> std::path::PathBuf {
    places.checkpoints.join(run.session.as_str()).join(run.run.as_str())
}

fn has_weights(places: &Places, run: &RunId) -> bool {
    folder(places, run).is_dir()
}

/// Whether a session has a result of which two encoders can be asked side by side.
fn can_be_asked(places: &Places, runs: &[&RunId], session: &SessionId) -> bool {
    let results = results_of(&places.sessions.join(session.as_str()));
    let ids = results.list().unwrap_or_default();
    ids.iter().filter_map(|id| results.read(id).ok()).any(|stored| {
        let listed = [COMPARE_FORMAT, INSPECT_FORMAT].contains(&stored.format.as_str());
        listed && two_here(places, runs, &stored.document)
    })
}

/// Whether the data set of a result and two encoders of one of its directions are here.
fn two_here(places: &Places, runs: &[&RunId], document: &Value) -> bool {
    let given = ["data", "dataset"].iter().find_map(|key| document["given"][*key].as_str());
    let has_data = document["protocol"]["dataset"] == "emoji"
        || given.is_some_and(|given| Path::new(given).exists());
    let mut here: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let rows = document["rows"].as_array().or(document["lists"].as_array());
    for row in rows.into_iter().flatten() {
        let Some(role) = row["role"].as_str() else { continue };
        let Some(spec) = spec(role, &row["encoder"]) else { continue };
        let named = spec.strip_prefix(role).and_then(|rest| rest.strip_prefix('='));
        let source = named.unwrap_or(&spec).split('[').next().unwrap_or_default();
        if is_here(places, runs, source) {
            here.entry(row["direction"].as_str().unwrap_or_default()).or_default().insert(role);
        }
    }
    has_data && here.values().any(|roles| roles.len() > 1)
}

/// Whether a source is here for certain: what the program brings, a stage that a run has kept, a folder.
fn is_here(places: &Places, runs: &[&RunId], source: &str) -> bool {
    source.starts_with("builtin:")
        || places.checkpoints.join(source).exists()
        || runs.iter().any(|run| {
            let stage =
                source.strip_prefix(run.run.as_str()).and_then(|rest| rest.strip_prefix('/'));
            is_of(source, run)
                && stage.is_some_and(|stage| folder(places, run).join(stage).exists())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    #[test]
    fn a_session_without_weights_says_so_and_names_those_that_can_be_asked() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            sessions: folder.path().join("sessions"),
            checkpoints: folder.path().join("checkpoints"),
            environment: Vec::new(),
        };
        let run = |session: &str, run: &str| RunId {
            session: session.parse().unwrap(),
            run: run.parse().unwrap(),
        };
        let (bare, full) = ("20261124-100000-tour-aaaaaa", "20261124-110000-pocket-bbbbbb");
        let runs = [run(bare, "tour-1"), run(full, "pocket-1")];
        let specs = format!(
            "a={bare}/tour-1/clip/step-000300[layer=1],b=pocket-1/clip,c=builtin:llama[x=1,y=2],tour-1/clip[lora=x]"
        );
        let arguments = ["inspect", "--serve", "--encoders", &specs].map(str::to_owned);
        let missing = |roles: Value| {
            super::missing(&places, runs.iter(), &arguments, &json!({"id": "1", "encoders": roles}))
        };
        fs::create_dir_all(places.checkpoints.join(full).join("pocket-1/clip")).unwrap();
        assert_eq!(missing(json!(["b", "c"])), None);
        let why = missing(json!(["c", "a"])).unwrap();
        assert!(why.contains(&format!("session {bare} came without weights")), "{why}");
        assert!(why.contains("those of a in") && why.contains("no session here can"), "{why}");
        // Results whose encoders are not here lead nowhere.
        let results = places.sessions.join(full).join("results");
        let write = |other: &str| {
            let row = |role: &str| {
                json!({"role": role, "direction": "text-to-image",
                    "encoder": {"encoder": format!("pocket-1/{role}"), "kind": "clip"}})
            };
            let document = json!({"format": COMPARE_FORMAT, "protocol": {"dataset": "emoji"},
                "rows": [row("clip"), row(other), {"role": "bm25",
                    "direction": "text-to-image", "encoder": {"encoder": "bm25"}}]});
            fs::write(results.join("image-1.json"), document.to_string()).unwrap();
        };
        fs::create_dir_all(&results).unwrap();
        write("llm2clip");
        let why = missing(json!(["tour-1/clip[lora=x]", "b"])).unwrap();
        assert!(why.contains("no session here can be asked"), "{why}");
        fs::create_dir_all(places.checkpoints.join(full).join("pocket-1/llm2clip")).unwrap();
        write("llm2clip");
        let why = missing(json!(["tour-1/clip[lora=x]", "b"])).unwrap();
        assert!(why.contains(&format!("of which {full} can be asked")), "{why}");
        // Once they are there, and where nobody knows the run, the program that is asked decides.
        fs::create_dir_all(places.checkpoints.join(bare).join("tour-1")).unwrap();
        assert_eq!(missing(json!(["a", "b"])), None);
        assert_eq!(
            super::missing(&places, runs[..0].iter(), &arguments, &json!({"encoders": ["a"]})),
            None
        );
        assert_eq!(missing(json!(["unknown"])), None);
        assert_eq!(missing(Value::Null), None);
    }
}
