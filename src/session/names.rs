//! Names of the files of a session, and finding a run by a part of its name.

use super::time::Time;
use crate::ids::{BadName, RunName, SessionId};
use std::fmt;

/// Longest slug in a session's name, in bytes.
const LONGEST_SLUG: usize = 40;

/// A title as a part of a file name: lower-case ASCII letters and digits, joined by `-`.
#[must_use]
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= LONGEST_SLUG {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "session".to_owned() } else { slug.to_owned() }
}

/// A new session's folder name, `<utc>-<slug>-<6 hex>`. The digits come from moment, process,
/// title and `attempt`, and from nothing a recipe says.
pub(super) fn session_id(title: &str, now: Time, attempt: u32) -> Result<SessionId, BadName> {
    let source = format!("{now} {} {title} {attempt}", std::process::id());
    let digest = crate::ids::Digest::of(source.as_bytes());
    format!("{}-{}-{}", now.compact(), slug(title), &digest.as_str()[..6]).parse()
}

/// `<run>.<segment>.jsonl`.
#[must_use]
pub fn log_name(run: &RunName, segment: u32) -> String {
    format!("{run}.{segment}.jsonl")
}

/// `<run>.<segment>.system.jsonl`: the device samples beside a log.
#[must_use]
pub fn system_name(run: &RunName, segment: u32) -> String {
    format!("{run}.{segment}.system.jsonl")
}

/// `<run>.<segment>.console.log`: what a detached runner printed.
#[must_use]
pub fn console_name(run: &RunName, segment: u32) -> String {
    format!("{run}.{segment}.console.log")
}

/// Run and segment of a log's file name; nothing for any other file.
#[must_use]
pub fn parse_log_name(name: &str) -> Option<(RunName, u32)> {
    let (run, segment) = name.strip_suffix(".jsonl")?.rsplit_once('.')?;
    let number: u32 = segment.parse().ok().filter(|number| *number > 0)?;
    // `x.01.jsonl` would be a second name for the same segment.
    (number.to_string() == segment).then(|| Some((run.parse().ok()?, number)))?
}

/// A run's full name, `<session>/<run>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId {
    /// Its session.
    pub session: SessionId,
    /// Its name there.
    pub run: RunName,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.session, self.run)
    }
}

/// A name that is not one thing's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing is called so.
    #[error(
        "no {kind} {query:?}: expected the beginning or end of a name, or a session's title, found none of {among}; `{list}` lists them"
    )]
    None {
        /// `run` or `session`.
        kind: &'static str,
        /// What was asked for.
        query: String,
        /// How many there are.
        among: usize,
        /// The command that lists them.
        list: &'static str,
    },
    /// Several are called so.
    #[error("{kind} {query:?} is not one: expected one name, found {}; give more of it", .candidates.join(", "))]
    Ambiguous {
        /// `run` or `session`.
        kind: &'static str,
        /// What was asked for.
        query: String,
        /// All it may mean.
        candidates: Vec<String>,
    },
}

/// Picks the one that fits, asking the strictest question first.
fn pick<'a, T>(
    kind: &'static str,
    query: &str,
    all: &'a [T],
    full: impl Fn(&T) -> String,
    questions: &[&dyn Fn(&T) -> bool],
) -> Result<&'a T, NameError> {
    for question in questions {
        let mut found = all.iter().filter(|one| question(one));
        let Some(first) = found.next() else { continue };
        let others: Vec<&T> = found.collect();
        if others.is_empty() {
            return Ok(first);
        }
        let candidates = std::iter::once(first).chain(others).map(full).collect();
        return Err(NameError::Ambiguous { kind, query: query.to_owned(), candidates });
    }
    let list = if kind == "run" { "llm2clip runs" } else { "llm2clip session list" };
    Err(NameError::None { kind, query: query.to_owned(), among: all.len(), list })
}

fn touches(name: &str, query: &str) -> bool {
    !query.is_empty() && (name.starts_with(query) || name.ends_with(query))
}

/// Whether `query` is the title's part of a session's name: `demo` of `20261123-100000-demo-aaaaaa`.
fn titled(id: &SessionId, query: &str) -> bool {
    let name = id.as_str();
    let from = name.match_indices('-').nth(1).map_or(0, |(at, _)| at + 1);
    let to = name.rfind('-').unwrap_or(0);
    name.get(from..to) == Some(query)
}

/// The run that `query` means: its full name, its own name, or any unambiguous beginning or end;
/// on both sides of a `/` where there is one, where a session's title will do too.
pub fn find_run<'a>(query: &str, all: &'a [RunId]) -> Result<&'a RunId, NameError> {
    let full = |id: &RunId| id.to_string();
    if let Some((session, run)) = query.split_once('/') {
        let in_session =
            |id: &RunId| titled(&id.session, session) || touches(id.session.as_str(), session);
        return pick(
            "run",
            query,
            all,
            full,
            &[
                &|id| id.to_string() == query,
                &|id| in_session(id) && id.run.as_str() == run,
                &|id| in_session(id) && touches(id.run.as_str(), run),
            ],
        );
    }
    pick(
        "run",
        query,
        all,
        full,
        &[&|id| id.run.as_str() == query, &|id| {
            touches(id.run.as_str(), query) || touches(id.session.as_str(), query)
        }],
    )
}

/// The session that `query` means: its name, its title as it is now (`title` reads it), the title in its
/// name, or any unambiguous beginning or end.
pub fn find_session<'a>(
    query: &str,
    all: &'a [SessionId],
    title: impl Fn(&SessionId) -> Option<String>,
) -> Result<&'a SessionId, NameError> {
    let called = |id: &SessionId| title(id).as_deref() == Some(query);
    pick(
        "session",
        query,
        all,
        ToString::to_string,
        &[&|id| id.as_str() == query, &called, &|id| titled(id, query), &|id| {
            touches(id.as_str(), query)
        }],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<RunId> {
        [
            "20261123-100000-demo-aaaaaa/demo-1",
            "20261124-100000-night-bbbbbb/clip-1",
            "20261124-100000-night-bbbbbb/clip-10",
            "20261124-110000-day-cccccc/clip-1",
        ]
        .iter()
        .map(|name| {
            let (session, run) = name.split_once('/').unwrap();
            RunId { session: session.parse().unwrap(), run: run.parse().unwrap() }
        })
        .collect()
    }

    #[test]
    fn a_run_is_found_by_any_unambiguous_beginning_or_end() {
        let all = ids();
        for (query, expected) in [
            ("demo-1", 0),
            ("aaaaaa", 0),
            ("2026112", 9),
            ("20261123", 0),
            ("clip-1", 9),
            ("clip-10", 2),
            ("-10", 2),
            ("bbbbbb/clip-1", 1),
            ("20261124-11/clip", 3),
            ("bbbbbb", 9),
            ("x", 99),
            ("", 99),
            ("20261124-110000-day-cccccc/clip-1", 3),
            ("day/clip-1", 3),
            ("night/clip-1", 1),
        ] {
            match find_run(query, &all) {
                Ok(found) => assert_eq!(found, &all[expected], "{query}"),
                Err(NameError::Ambiguous { candidates, .. }) => {
                    assert_eq!(expected, 9, "{query}");
                    assert!(candidates.len() > 1);
                }
                Err(NameError::None { .. }) => assert_eq!(expected, 99, "{query}"),
            }
        }
    }

    #[test]
    fn a_session_is_found_by_its_title_or_a_part_of_its_name() {
        let all: Vec<SessionId> = ids().into_iter().map(|id| id.session).collect();
        let all = [all[0].clone(), all[1].clone(), all[3].clone()];
        for (query, expected) in [("demo", 0), ("night", 1), ("cccccc", 2), ("20261123", 0)] {
            assert_eq!(find_session(query, &all, |_| None).unwrap(), &all[expected], "{query}");
        }
        for query in ["nigh", "20261124", ""] {
            assert!(find_session(query, &all, |_| None).is_err(), "{query}");
        }
    }

    #[test]
    fn a_title_that_one_session_has_wins_over_what_names_begin_with() {
        let names = ["20261124-152342-two-180098", "20261124-184419-two-b08edd"];
        let all: Vec<SessionId> = names.iter().map(|name| name.parse().unwrap()).collect();
        let title = |id: &SessionId| Some(if *id == all[0] { "two" } else { "two-2" }.to_owned());
        assert_eq!(find_session("two", &all, title).unwrap(), &all[0]);
        assert_eq!(find_session("two-2", &all, title).unwrap(), &all[1]);
        assert!(find_session("two", &all, |_| None).is_err());
        assert!(find_session("two", &all, |_| Some("two".to_owned())).is_err());
        // A full name is meant before a title.
        assert_eq!(find_session(names[1], &all, |_| Some(names[1].to_owned())).unwrap(), &all[1]);
    }

    #[test]
    fn file_names_are_read_back_and_others_passed_over() {
        let run: RunName = "clip.b-1".parse().unwrap();
        assert_eq!(parse_log_name(&log_name(&run, 12)), Some((run.clone(), 12)));
        let system = system_name(&run, 1);
        for other in [system.as_str(), "ui-1.jsonl", "x.0.jsonl", "x.01.jsonl", "../x.1.jsonl"] {
            assert_eq!(parse_log_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_title_in_any_script_gives_a_name() {
        assert_eq!(slug("LLM2CLIP: the demo!"), "llm2clip-the-demo");
        assert_eq!(slug("데모"), "session");
        let now = Time::from_millis(1_795_492_243_120).unwrap();
        let (one, two) = (session_id("데모", now, 0).unwrap(), session_id("데모", now, 1).unwrap());
        assert!(one.as_str().starts_with("20261124-035043-session-"));
        assert_ne!(one, two);
    }
}
