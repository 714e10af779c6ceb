//! What is looked at on Inspect as a record says it, and the screen as a record says it was.

use super::source::{Group, groups};
use super::spread::Beside;
use super::{InspectScreen, judging};
use crate::eval::compare::Slice;
use crate::tui::app::Shared;
use crate::tui::screen::compare::session;
use serde_json::{Map, Value};

/// What is looked at.
pub fn looked_at(screen: &InspectScreen, shared: &Shared) -> Map<String, Value> {
    let mut with = Map::new();
    let Some(shown) = screen.shown(shared) else {
        // What is said to be gone is looked at too.
        if let Some((result, direction)) =
            screen.place.as_ref().filter(|_| screen.lost(shared).is_some())
        {
            with.insert("result".to_owned(), result.as_str().into());
            with.insert("direction".to_owned(), direction.as_str().into());
        }
        return with;
    };
    with.insert("result".to_owned(), shown.result.into());
    with.insert("direction".to_owned(), shown.direction.into());
    let roles: Vec<&str> = shown.sets.iter().map(|set| set.role.as_str()).collect();
    with.insert("encoders".to_owned(), roles.into());
    if let Some(row) = screen.selected(&screen.listed(shared, &shown)) {
        with.insert("query".to_owned(), row.id().into());
    }
    judging::record(&shown, &mut with);
    with.insert("beside".to_owned(), screen.beside.name().into());
    if let Some(at) = screen.slice {
        with.insert("slice".to_owned(), Slice::ALL[at].name().into());
    }
    if !screen.search.is_empty() {
        with.insert("search".to_owned(), screen.search.as_str().into());
    }
    with
}

/// Makes the screen what a record says, on the record's query.
pub fn restore(screen: &mut InspectScreen, with: &Map<String, Value>, shared: &Shared) {
    *screen = restored(with, shared);
    screen.settle(shared);
    if let Some(query) = with.get("query").and_then(Value::as_str) {
        go_to(screen, shared, query);
    }
}

/// The screen with the result, direction, encoders, slice and search of a record. A result that is not
/// there any more stays named; encoders that are not are left as they come.
fn restored(with: &Map<String, Value>, shared: &Shared) -> InspectScreen {
    let text = |key: &str| with.get(key).and_then(Value::as_str);
    let groups = groups(shared);
    let (result, direction) = (text("result"), text("direction"));
    let named =
        result.zip(direction).map(|(result, direction)| (result.to_owned(), direction.to_owned()));
    let place = named.or_else(|| groups.first().map(Group::place));
    let group = groups.iter().find(|group| place.as_ref() == Some(&group.place()));
    let role = |at: usize| {
        let role = with.get("encoders")?.get(at)?.as_str()?;
        group?.sets.iter().position(|set| set.role == role)
    };
    InspectScreen {
        session: session(shared).cloned(),
        place,
        encoders: role(0).zip(role(1)),
        slice: Slice::ALL.iter().position(|slice| Some(slice.name()) == text("slice")),
        search: text("search").unwrap_or_default().to_owned(),
        second: judging::is_second(with),
        beside: text("beside").map_or(Beside::default(), Beside::named),
        ..InspectScreen::default()
    }
}

/// Puts the cursor on a query of those that slice and search let through; one that is not among them is
/// kept as missing.
pub fn go_to(screen: &mut InspectScreen, shared: &Shared, query: &str) {
    let at = screen.shown(shared).and_then(|shown| {
        let rows = screen.listed(shared, &shown);
        rows.position(|id| id == query)
    });
    screen.missing = at.is_none().then(|| query.to_owned());
    screen.cursor.at = at.unwrap_or(0);
}
