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
    let Some(shown) = screen.shown(shared) else { return with };
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

/// The screen with the result, direction, encoders, slice and search of a record; those that are not
/// there any more are left as they come.
fn restored(with: &Map<String, Value>, shared: &Shared) -> InspectScreen {
    let text = |key: &str| with.get(key).and_then(Value::as_str);
    let groups = groups(shared);
    let (result, direction) = (text("result"), text("direction"));
    let set = groups
        .iter()
        .position(|group| Some(group.result) == result && Some(group.direction) == direction);
    let group = set.and_then(|at| groups.get(at)).or(groups.first());
    let role = |at: usize| {
        let role = with.get("encoders")?.get(at)?.as_str()?;
        group?.sets.iter().position(|set| set.role == role)
    };
    InspectScreen {
        session: session(shared).cloned(),
        place: group.map(Group::place),
        encoders: role(0).zip(role(1)),
        slice: Slice::ALL.iter().position(|slice| Some(slice.name()) == text("slice")),
        search: text("search").unwrap_or_default().to_owned(),
        second: judging::is_second(with),
        beside: text("beside").map_or(Beside::default(), Beside::named),
        ..InspectScreen::default()
    }
}

/// Puts the cursor on a query of those that slice and search let through.
fn go_to(screen: &mut InspectScreen, shared: &Shared, query: &str) {
    let Some(shown) = screen.shown(shared) else { return };
    let rows = screen.listed(shared, &shown);
    let at = rows.position(|id| id == query);
    screen.cursor.at = at.unwrap_or(0);
}
