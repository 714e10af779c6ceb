//! Other comparisons beside the one in front: which may share its table, which may not and why, and the
//! one table of those that may.

use super::session;
use crate::eval::{CompareDocument, CompareRow, Direction};
use crate::tui::app::Shared;
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
    /// Its document.
    pub document: &'a CompareDocument,
    /// In what it differs, a key a part; nothing where it may share the table.
    pub differs: Vec<Key>,
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
fn differing(own: &CompareDocument, other: &CompareDocument, direction: Direction) -> Vec<Key> {
    let mut keys = Vec::new();
    if own.task != other.task {
        let (here, there) = (own.task.name().to_owned(), other.task.name().to_owned());
        keys.push(Key { name: "task", here, there });
    }
    keys.extend(own.protocol.differing_keys(&other.protocol).into_iter().map(|(name, both)| {
        let [here, there] = both.map(|value| words(name, &value));
        Key { name, here, there }
    }));
    if !other.rows.iter().any(|row| row.direction == direction) {
        let mut has: Vec<&str> = other.rows.iter().map(|row| row.direction.name()).collect();
        has.dedup();
        let there = has.join(" and ");
        keys.push(Key { name: "direction", here: direction.name().to_owned(), there });
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
                document: found,
                differs: differing(document, found, direction),
            });
        }
    }
    others
}

/// One table of a comparison and all others that may share it, in one direction: a row that says the
/// same of the same encoder stands there once, another row of a label that is taken bears its result's
/// name. Tests stay those of each result.
pub fn merged(
    document: &CompareDocument,
    others: &[Other<'_>],
    direction: Direction,
) -> CompareDocument {
    let mut all = document.clone();
    all.rows.retain(|row| row.direction == direction);
    all.differences.retain(|row| row.of.direction == direction);
    (all.qrels, all.sweep) = (None, None);
    all.replicates.clear();
    all.replicate_differences.clear();
    "each result's own tests, corrected within it".clone_into(&mut all.family);
    for other in others.iter().filter(|other| other.differs.is_empty()) {
        let taken: Vec<CompareRow> = all.rows.clone();
        let label = |role: &str| {
            let found = other.document.rows.iter().filter(|row| row.direction == direction);
            let same = |row: &CompareRow| {
                taken.iter().any(|known| {
                    known.role == row.role
                        && known.encoder == row.encoder
                        && known.metrics == row.metrics
                })
            };
            let mut clashes = found.filter(|row| row.role == role && !same(row));
            let clash = clashes.any(|_| taken.iter().any(|known| known.role == role));
            if clash { format!("{role} ({})", other.name) } else { role.to_owned() }
        };
        for row in other.document.rows.iter().filter(|row| row.direction == direction) {
            let role = label(&row.role);
            if !taken.iter().any(|known| known.role == role) {
                all.rows.push(CompareRow { role, ..row.clone() });
            }
        }
        let differences =
            other.document.differences.iter().filter(|row| row.of.direction == direction);
        for row in differences {
            let mut row = row.clone();
            (row.a, row.b) = (label(&row.a), label(&row.b));
            let known = |one: &crate::eval::difference::Difference| {
                (&one.a, &one.b, one.of) == (&row.a, &row.b, row.of)
            };
            if !all.differences.iter().any(known) {
                all.differences.push(row);
            }
        }
        for labels in &other.document.same_rows {
            all.same_rows.push(labels.iter().map(|role| label(role)).collect());
        }
    }
    all
}

/// The names of those that may share the table.
pub fn comparable<'a>(others: &'a [Other<'_>]) -> Vec<&'a str> {
    let comparable = others.iter().filter(|other| other.differs.is_empty());
    comparable.map(|other| other.name.as_str()).collect()
}

/// What stands under a table of them; nothing where there is no other comparison.
pub fn line(shared: &Shared, others: &[Other<'_>], is_merged: bool) -> Option<(Role, String)> {
    let comparable = comparable(others);
    let refused = |other: &Other<'_>| {
        let keys: Vec<&str> = other.differs.iter().map(|key| key.name).collect();
        (!keys.is_empty()).then(|| format!("{} ({})", other.name, keys.join(", ")))
    };
    let refused: Vec<String> = others.iter().filter_map(refused).collect();
    let mut parts = Vec::new();
    if !comparable.is_empty() {
        let names = comparable.join(", ");
        let verb = if is_merged { "J leaves out" } else { "J joins" };
        parts.push(format!("{verb} {names} {} same protocol", shared.glyphs.dot()));
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
    let note = "one table where task, direction and protocol are the same";
    let inner = section(shared, buffer, area, "other results", note);
    let mut places = inner.y..inner.bottom();
    if others.is_empty() {
        let words = "none in this session, nor in those of marked runs";
        put(buffer, inner, inner.x + 1, inner.y, words, shared.theme.style(Role::Dim));
    }
    for other in others {
        let name = text::left(&other.name, NAME, shared.glyphs.cut());
        let lines = if other.differs.is_empty() {
            vec!["comparable: the same protocol".to_owned()]
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
