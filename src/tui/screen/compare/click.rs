//! Lines that a click chooses: where what was drawn stands.

use super::{CompareScreen, Shown, classification, comparison, none};
use crate::tui::app::Shared;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Rows of the terminal, and the line of a list that stands there.
pub type Places = Vec<(u16, usize)>;

/// The same of a list that goes on behind another one of so many lines.
pub fn behind(places: Places, count: usize) -> impl Iterator<Item = (u16, usize)> {
    places.into_iter().map(move |(y, at)| (y, count + at))
}

impl CompareScreen {
    /// The line that stands in a row of the terminal, as the cursor counts them.
    pub(super) fn line_at(&self, row: u16, area: Rect, shared: &Shared) -> Option<usize> {
        let mut drawn = Buffer::empty(area);
        let area = none::jobs(shared, area, &mut drawn);
        let (cursor, below, note) = (self.cursor, self.below, String::new());
        let shown = self.shown(shared)?;
        let chosen = self.line_below(&shown);
        let places = match &shown {
            Shown::Compare(compared) => {
                let metric = self.metric;
                let looked = comparison::Looked { compared, note, below, chosen, metric };
                comparison::view(shared, &looked, cursor, area, &mut drawn)
            }
            Shown::Classify(result, document) => {
                let id = &result.id;
                let looked = classification::Looked { id, document, note, below, chosen };
                classification::view(shared, &looked, cursor, area, &mut drawn)
            }
        };
        places.into_iter().find(|(y, _)| *y == row).map(|(_, at)| at)
    }
}
