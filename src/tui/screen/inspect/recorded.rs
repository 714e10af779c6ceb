//! Inspect as a record says it was.

use super::source::groups;
use super::spread::Beside;
use super::{InspectScreen, Row};
use crate::eval::compare::Slice;
use crate::tui::app::Shared;
use serde_json::{Map, Value};

/// The screen with the result, direction, encoders, slice and search of a record; those that are not
/// there any more are left as they come.
pub fn restored(with: &Map<String, Value>, shared: &Shared) -> InspectScreen {
    let text = |key: &str| with.get(key).and_then(Value::as_str);
    let groups = groups(shared);
    let (result, direction) = (text("result"), text("direction"));
    let set = groups
        .iter()
        .position(|group| Some(group.result) == result && Some(group.direction) == direction);
    let set = set.unwrap_or(0);
    let role = |at: usize| {
        let role = with.get("encoders")?.get(at)?.as_str()?;
        groups.get(set)?.sets.iter().position(|set| set.role == role)
    };
    InspectScreen {
        set,
        encoders: role(0).zip(role(1)),
        slice: Slice::ALL.iter().position(|slice| Some(slice.name()) == text("slice")),
        search: text("search").unwrap_or_default().to_owned(),
        beside: text("beside").map_or(Beside::default(), Beside::named),
        ..InspectScreen::default()
    }
}

/// Puts the cursor on a query of those that slice and search let through.
pub fn go_to(screen: &mut InspectScreen, shared: &Shared, query: &str) {
    let Some(shown) = screen.shown(shared) else { return };
    let rows = screen.listed(shared, &shown);
    let at = rows.iter().position(|row: &Row<'_>| row.id() == query);
    screen.cursor.at = at.unwrap_or(0);
}
