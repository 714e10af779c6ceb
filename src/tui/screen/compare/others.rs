//! Other comparisons beside the one in front: which may share its table, which may not and why, and what
//! the one table of those that may is made of.

use super::session;
use crate::eval::{CompareDocument, Direction};
use crate::ids::SessionId;
use crate::tui::app::Shared;
use crate::tui::data::joining::JoinPart;
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put, section};
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

impl Other<'_> {
    /// `not comparable: ` and the keys with both values.
    fn refusal(&self) -> String {
        let keys: Vec<String> = self.differs.iter().map(Key::words).collect();
        format!("not comparable: {}", keys.join("; "))
    }
}

fn words(key: &str, value: &Value) -> String {
    match value {
        Value::Null if key == "pool" => "all".to_owned(),
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
        Key { name, here, there }
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
            let title = if own { String::new() } else { shared.library.title(session) + "/" };
            others.push(Other {
                name: text::safe(&format!("{title}{other}")),
                session,
                result: other,
                has_direction: found.rows.iter().any(|row| row.direction == direction),
                differs: differing(document, found),
            });
        }
    }
    others
}

/// What the table of the result in front and all that may share it is made of. A label is the name that
/// stands here; the second of a name bears its session's id.
pub fn parts(session: &SessionId, id: &str, others: &[Other<'_>]) -> Vec<JoinPart> {
    let (label, result) = (id.to_owned(), id.to_owned());
    let mut parts = vec![JoinPart { label, session: session.clone(), result }];
    for other in others.iter().filter(|other| other.differs.is_empty()) {
        let is_taken = parts.iter().any(|part| part.label == other.name);
        let full = || format!("{}/{}", other.session, other.result);
        parts.push(JoinPart {
            label: if is_taken { full() } else { other.name.clone() },
            session: other.session.clone(),
            result: other.result.to_owned(),
        });
    }
    parts
}

/// The names of those that may share the table.
pub fn comparable<'a>(others: &'a [Other<'_>]) -> Vec<&'a str> {
    let comparable = others.iter().filter(|other| other.differs.is_empty());
    comparable.map(|other| other.name.as_str()).collect()
}

/// What stands under a table of them; nothing where there is no other comparison.
pub fn line(shared: &Shared, others: &[Other<'_>], joins: Joins<'_>) -> Option<(Role, String)> {
    if let Joins::Failed(why) = joins {
        return Some((Role::Bad, format!("not joined: {}", text::safe(why))));
    }
    let comparable = comparable(others);
    let refused = |other: &Other<'_>| {
        let keys: Vec<&str> = other.differs.iter().map(|key| key.name).collect();
        (!keys.is_empty()).then(|| format!("{} ({})", other.name, keys.join(", ")))
    };
    let refused: Vec<String> = others.iter().filter_map(refused).collect();
    let mut parts = Vec::new();
    if !comparable.is_empty() {
        let names = comparable.join(", ");
        let dot = shared.glyphs.dot();
        parts.push(match joins {
            Joins::UnderWay => format!("joining {names} {dot} J leaves them out"),
            Joins::Done => format!("J leaves out {names} {dot} same protocol"),
            Joins::No | Joins::Failed(_) => format!("J joins {names} {dot} same protocol"),
        });
    }
    if !refused.is_empty() {
        parts.push(format!("not comparable: {}", refused.join(", ")));
    }
    (!parts.is_empty()).then(|| (Role::Dim, parts.join("; ")))
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

/// Draws them: each with what it differs in.
pub fn view(shared: &Shared, others: &[Other<'_>], area: Rect, buffer: &mut Buffer) {
    let note = "one table where task and protocol are the same";
    let inner = section(shared, buffer, area, "other results", note);
    let mut places = inner.y..inner.bottom();
    if others.is_empty() {
        let words = "none in this session, nor in those of marked runs";
        put(buffer, inner, inner.x + 1, inner.y, words, shared.theme.style(Role::Dim));
    }
    for other in others {
        let name = text::left(&other.name, NAME, shared.glyphs.cut());
        let lines = if other.differs.is_empty() {
            let none = if other.has_direction { "" } else { "; no rows of this direction" };
            vec![format!("comparable: the same protocol{none}")]
        } else {
            wrapped(other, inner.width)
        };
        let role = if other.differs.is_empty() { Role::Good } else { Role::Warn };
        for (at, (words, y)) in lines.iter().zip(places.by_ref()).enumerate() {
            let name = if at == 0 { name.clone() } else { " ".repeat(NAME) };
            let parts = [(Role::Text, name.as_str()), (Role::Text, " "), (role, words.as_str())];
            pieces(shared, buffer, inner, inner.x + 1, y, &parts);
        }
    }
}
