//! The mouse on Inspect: a click chooses a query, a slice or a neighbour; a second one on a neighbour lets it
//! be the next query.

use super::layout::layout;
use super::spread::Beside;
use super::{InspectScreen, Shown, figures};
use crate::tui::app::{Effect, Shared};
use crate::tui::keys::Action;
use crate::tui::screen::Screen as _;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::top;
use ratatui::layout::{Position, Rect};

/// What lies under the pointer.
enum Under {
    /// A line of the list.
    Line(usize),
    /// A slice; nothing for all.
    Slice(Option<usize>),
    /// A neighbour, counted through both lists.
    Hit(usize),
}

impl InspectScreen {
    /// Takes a click at a place of the screen's area.
    pub(super) fn pointed_at(
        &mut self,
        place: Position,
        area: Rect,
        shared: &Shared,
    ) -> Vec<Effect> {
        let found = self.shown(shared).and_then(|shown| self.under(place, area, shared, &shown));
        match found {
            None => {}
            Some(Under::Line(line)) => (self.cursor.at, self.hit) = (line, None),
            Some(Under::Slice(slice)) => {
                (self.slice, self.cursor, self.hit) = (slice, Cursor::default(), None);
                self.settle(shared);
            }
            Some(Under::Hit(hit)) if self.hit == Some(hit) => {
                return self.act(Action::Follow, shared);
            }
            Some(Under::Hit(hit)) => self.hit = Some(hit),
        }
        Vec::new()
    }

    fn under(
        &self,
        place: Position,
        area: Rect,
        shared: &Shared,
        shown: &Shown<'_>,
    ) -> Option<Under> {
        let parts = layout(top(area, 1).1, self.pictures(shared));
        // What is wrong with a filter stands in the place of the slices.
        if parts.slices.contains(place) && self.listing(shown.pairs)?.wrong.is_none() {
            if shown.pairs.all.is_empty() {
                return None;
            }
            let all = (shown.pairs.all.len(), shown.pairs.sizes);
            let room = usize::from(parts.slices.width.saturating_sub(1));
            let mut end = parts.slices.x + 1;
            let sizes = figures::sizes(all, self.slice, room).into_iter();
            let mut ends = sizes.map(|(at, words)| {
                end += words.len() as u16;
                (at, end)
            });
            return ends.find(|(_, end)| place.x < *end).map(|(at, _)| Under::Slice(at));
        }
        let rows = self.listed(shared, shown);
        let lines = top(parts.list, 1).1;
        if lines.contains(place) {
            let at = Cursor { at: self.cursor.at.min(rows.len().saturating_sub(1)) };
            let first = at.first(rows.len(), usize::from(lines.height));
            let line = first + usize::from(place.y - lines.y);
            return (line < rows.len()).then_some(Under::Line(line));
        }
        if self.beside != Beside::Neighbours || !parts.below.contains(place) {
            return None;
        }
        let row = self.selected(&rows)?;
        let columns = self.columns(shared, shown, row)?;
        columns.under(Self::below(shown, row, parts.below).1, place).map(Under::Hit)
    }
}
