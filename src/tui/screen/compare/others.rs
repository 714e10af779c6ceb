//! Other comparisons beside the one in front: which may share its table, which may not and why, and what
//! the one table of those that may is made of.

use super::click::Places;
use super::{Compared, cut, session};
use crate::eval::{CompareDocument, Direction};
use crate::ids::SessionId;
use crate::tui::app::Shared;
use crate::tui::data::joining::JoinPart;
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pointer, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

/// Another comparison.
pub struct Other<'a> {
    /// Its id, after its session's title where that is another.
    pub name: String,
    session: &'a SessionId,
    result: &'a str,
    /// Whether it has rows of the direction that is looked at.
    has_direction: bool,
    /// In what it differs, a key a part; nothing where it may share the table.
    differs: Vec<Key>,
}

/// What came of joining.
#[derive(Clone, Copy)]
pub enum Joins<'a> {
    /// It was not asked for.
    No,
    /// It is not done yet.
    UnderWay,
    /// The table is there.
    Done,
    /// It could not be done, and why.
    Failed(&'a str),
    /// That was asked again, and why it could not be done before.
    Again(&'a str),
}

/// A key with the value in front and the other one.
pub struct Key {
    name: &'static str,
    here: String,
    there: String,
}

impl Key {
    fn words(&self) -> String {
        format!("{}: {} here, {} there", self.name, self.here, self.there)
    }
}

impl<'a> Other<'a> {
    /// Its session and its id.
    pub fn place(&self) -> (&'a SessionId, &'a str) {
        (self.session, self.result)
    }

    /// `not comparable: ` and the keys with both values.
    fn refusal(&self) -> String {
        let keys: Vec<String> = self.differs.iter().map(Key::words).collect();
        format!("not comparable: {}", keys.join("; "))
    }
}

/// A key of a protocol in words.
fn spoken(key: &'static str) -> &'static str {
    match key {
        "dataset" => "data set",
        "split_digest" => "split's digest",
        "query_language" => "language of queries",
        "gallery_language" => "language of the gallery",
        "self_exclusion" => "itself left out",
        "tie_rule" => "ties",
        other => other,
    }
}

fn words(key: &str, value: &Value) -> String {
    match value {
        Value::Null if key == "pool" => "all".to_owned(),
        Value::Null if key.ends_with("language") => "all".to_owned(),
        Value::Null => "none".to_owned(),
        Value::String(digest) if key == "split_digest" => digest.chars().take(12).collect(),
        Value::String(text) => text::safe(text),
        other => other.to_string(),
    }
}

/// In what two comparisons differ that share one table only where they do not.
fn differing(own: &CompareDocument, other: &CompareDocument) -> Vec<Key> {
    let mut keys = Vec::new();
    if own.task != other.task {
        let (here, there) = (own.task.name().to_owned(), other.task.name().to_owned());
        keys.push(Key { name: "task", here, there });
    }
    keys.extend(own.protocol.differing_keys(&other.protocol).into_iter().map(|(name, both)| {
        let [here, there] = both.map(|value| words(name, &value));
        Key { name: spoken(name), here, there }
    }));
    // Rows that were joined stand in the results they are of.
    if own.joined.is_some() || other.joined.is_some() {
        let [here, there] = [own, other].map(|document| {
            let of = if document.joined.is_some() { "of other results" } else { "measured" };
            of.to_owned()
        });
        keys.push(Key { name: "rows", here, there });
    }
    keys
}

/// The other comparisons of the session in front, then those of the sessions of marked runs, as far as
/// they were read.
pub fn others<'a>(
    shared: &'a Shared,
    id: &str,
    document: &CompareDocument,
    direction: Direction,
) -> Vec<Other<'a>> {
    let Some(front) = session(shared) else { return Vec::new() };
    let mut sessions = vec![front];
    for run in &shared.marks {
        if !sessions.contains(&&run.session) {
            sessions.push(&run.session);
        }
    }
    let mut others = Vec::new();
    for session in sessions {
        let own = session == front;
        let results = shared.library.results.get(session);
        for LoadedResult { id: other, content, .. } in results.into_iter().flatten() {
            let Ok(ResultContent::Compare(found, _)) = content else { continue };
            if own && other == id {
                continue;
            }
            others.push(Other {
                name: named(shared, front, (session, other)),
                session,
                result: other,
                has_direction: found.rows.iter().any(|row| row.direction == direction),
                differs: differing(document, found),
            });
        }
    }
    others
}

/// What a result is called beside one of the session in front.
fn named(shared: &Shared, front: &SessionId, (session, result): (&SessionId, &str)) -> String {
    let title = if session == front { String::new() } else { shared.library.title(session) + "/" };
    text::safe(&format!("{title}{result}"))
}

/// What the one table of the result in front and of others is made of. A label is as short as tells the
/// rows apart, for it stands before their names: a result's id; where that is another session's too, the end
/// of its session's, and both where that session has several.
pub fn parts<'a>(
    (session, id): (&'a SessionId, &'a str),
    others: impl Iterator<Item = (&'a SessionId, &'a str)>,
) -> Vec<JoinPart> {
    let mut all: Vec<(&'a SessionId, &'a str)> = vec![(session, id)];
    all.extend(others);
    let label = |at: usize, of: &SessionId, result: &str| {
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != at);
        if at == 0 || others.clone().all(|(_, (_, other))| *other != result) {
            return result.to_owned();
        }
        let end = of.as_str().rsplit('-').next().unwrap_or_default();
        let several = others.any(|(_, (other, _))| *other == of);
        if several { format!("{end}/{result}") } else { end.to_owned() }
    };
    let mut parts: Vec<JoinPart> = Vec::with_capacity(all.len());
    for (at, &(of, result)) in all.iter().enumerate() {
        let label = label(at, of, result);
        let is_taken = parts.iter().any(|part| part.label == label);
        parts.push(JoinPart {
            label: if is_taken { format!("{of}/{result}") } else { label },
            session: of.clone(),
            result: result.to_owned(),
        });
    }
    parts
}

/// What the parts of a table are called: the second of a name bears its session's id.
fn names(shared: &Shared, parts: &[JoinPart]) -> Vec<String> {
    let Some(front) = parts.first() else { return Vec::new() };
    let mut names: Vec<String> = Vec::with_capacity(parts.len());
    for JoinPart { session, result, .. } in parts {
        let name = named(shared, &front.session, (session, result));
        let is_taken = names.contains(&name);
        names.push(if is_taken { text::safe(&format!("{session}/{result}")) } else { name });
    }
    names
}

/// Those that may share the table.
pub fn comparable<'a, 'b>(others: &'b [Other<'a>]) -> impl Iterator<Item = &'b Other<'a>> {
    others.iter().filter(|other| other.differs.is_empty())
}

/// The parts of a table but the first, by their names: those that are in it, and those that were not
/// there any more when it was made.
pub fn joined(
    shared: &Shared,
    parts: &[JoinPart],
    table: &CompareDocument,
) -> (Vec<String>, Vec<String>) {
    let is_in = |part: &JoinPart| {
        let name = format!("{}/{}", part.session, part.result);
        let mut results = table.joined.iter().flat_map(|joined| &joined.results);
        results.any(|result| result.result == name)
    };
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    for (at, (part, name)) in parts.iter().zip(names(shared, parts)).enumerate() {
        match (is_in(part), at) {
            (false, _) => gone.push(name),
            (true, 0) => {}
            (true, _) => there.push(name),
        }
    }
    (there, gone)
}

/// What stands under a table of them; nothing where there is no other comparison.
pub fn line(shared: &Shared, compared: &Compared<'_>) -> Option<(Role, String)> {
    let Compared { document, others, parts: joined_parts, joins, fixed, .. } = compared;
    if let Joins::Failed(why) = joins {
        let again = if *fixed { "" } else { " (J tries again)" };
        return Some((Role::Bad, format!("not joined{again}: {}", said(why))));
    }
    if let Joins::Again(why) = joins {
        return Some((Role::Bad, format!("joining again; before: {}", said(why))));
    }
    let refused = |other: &Other<'_>| {
        let keys: Vec<&str> = other.differs.iter().map(|key| key.name).collect();
        (!keys.is_empty()).then(|| format!("{} ({})", other.name, keys.join(", ")))
    };
    let refused: Vec<String> = others.iter().filter_map(refused).collect();
    let (mut role, mut words) = (Role::Dim, Vec::new());
    let dot = shared.glyphs.dot();
    match (joins, joined_parts.as_deref()) {
        (Joins::Done, Some(parts)) => {
            let (there, gone) = joined(shared, parts, document);
            if !gone.is_empty() {
                role = Role::Warn;
                words.push(format!("not there any more: {}", gone.join(", ")));
            }
            let leaves = if *fixed { "with" } else { "J leaves out" };
            words.push(format!("{leaves} {} {dot} same protocol", there.join(", ")));
        }
        (_, Some(parts)) => {
            let names: Vec<String> = names(shared, parts).into_iter().skip(1).collect();
            let leaves = if *fixed { String::new() } else { format!(" {dot} J leaves them out") };
            words.push(format!("joining {}{leaves}", names.join(", ")));
        }
        (_, None) => {
            let names: Vec<&str> = comparable(others).map(|other| &*other.name).collect();
            if !names.is_empty() {
                let joins = if *fixed { "beside it" } else { "J joins" };
                words.push(format!("{joins} {} {dot} same protocol", names.join(", ")));
            }
        }
    }
    if !refused.is_empty() {
        words.push(format!("not comparable: {}", refused.join(", ")));
    }
    (!words.is_empty()).then(|| (role, words.join("; ")))
}

/// A reason on one line.
fn said(why: &str) -> String {
    let lines: Vec<&str> = why.lines().map(str::trim).collect();
    text::safe(&lines.join(" "))
}

/// Why nothing can be joined.
pub fn refusal(others: &[Other<'_>]) -> String {
    let refused = others.iter().map(|other| format!("{}: {}", other.name, other.refusal()));
    let refused: Vec<String> = refused.collect();
    if refused.is_empty() {
        "there is no other comparison in this session, nor in those of marked runs".to_owned()
    } else {
        refused.join(". ")
    }
}

/// Lines that they take at a width.
pub fn lines(others: &[Other<'_>], width: u16) -> u16 {
    let one = |other: &Other<'_>| {
        if other.differs.is_empty() { 1 } else { wrapped(other, width).len() as u16 }
    };
    others.iter().map(one).sum::<u16>().max(1)
}

/// Cells of a name.
const NAME: usize = 20;

fn wrapped(other: &Other<'_>, width: u16) -> Vec<String> {
    text::wrap(&other.refusal(), usize::from(width).saturating_sub(NAME + 3).max(10))
}

/// Draws them, from the first that leaves the chosen one in sight: each with what it differs in.
/// Where each stands.
pub fn view(
    shared: &Shared,
    others: &[Other<'_>],
    chosen: Option<usize>,
    area: Rect,
    buffer: &mut Buffer,
) -> Places {
    let mut stand = Places::new();
    let taken = |other: &Other<'_>| usize::from(lines(std::slice::from_ref(other), area.width));
    let height = usize::from(area.height.saturating_sub(1));
    let last = chosen.map_or(0, |at| at.min(others.len().saturating_sub(1)));
    let mut first = last;
    let mut used = others.get(last).map_or(0, taken);
    while let Some(before) = first.checked_sub(1)
        && used + taken(&others[before]) <= height
    {
        used += taken(&others[before]);
        first = before;
    }
    let mut note = "one table where task and protocol are the same".to_owned();
    if usize::from(lines(others, area.width)) > height {
        let from = format!("from {} of {}", first + 1, others.len());
        note = format!("{from} {} {note}", shared.glyphs.dot());
    }
    let inner = section(shared, buffer, area, "other results", &note);
    let mut places = inner.y..inner.bottom();
    if others.is_empty() {
        let words = "none in this session, nor in those of marked runs";
        cut::words(shared, buffer, inner, (inner.x + 1, inner.y), (Role::Dim, words));
    }
    for (at, other) in others.iter().enumerate().skip(first) {
        let name = text::left(&other.name, NAME, shared.glyphs.cut());
        let lines = if other.differs.is_empty() {
            let none = if other.has_direction { "" } else { "; no rows of this direction" };
            vec![format!("comparable: the same protocol{none}")]
        } else {
            wrapped(other, inner.width)
        };
        let role = if other.differs.is_empty() { Role::Good } else { Role::Warn };
        for (line, (words, y)) in lines.iter().zip(places.by_ref()).enumerate() {
            let name = if line == 0 { name.clone() } else { " ".repeat(NAME) };
            let parts = [(Role::Text, name.as_str()), (Role::Text, " "), (role, words.as_str())];
            cut::pieces(shared, buffer, inner, (inner.x + 1, y), &parts);
            stand.push((y, at));
            if line == 0 && chosen == Some(at) {
                pointer(shared, buffer, area, y);
            }
        }
    }
    stand
}
