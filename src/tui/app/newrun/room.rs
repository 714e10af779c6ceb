//! Where the line in front stands in a form of the least height: in fewer lines the form is scrolled.

use super::{FIXED_LINES, NewRun, Row, foot_lines};
use crate::tui::widget::list::Cursor;

/// Keys that are seen at least.
const KEYS: u16 = 2;

impl NewRun {
    /// That line, and how many lines the form takes at least.
    #[must_use]
    pub fn place(&self) -> (u16, u16) {
        let lines = FIXED_LINES + KEYS + foot_lines(0);
        let front = match self.row() {
            Row::Origin => 0,
            Row::Quick => 2,
            Row::After => 3,
            Row::Stage => 4,
            Row::Key(at) => {
                let first = Cursor { at }.first(self.keys().len(), usize::from(KEYS));
                FIXED_LINES + (at - first) as u16
            }
            // Above the last line.
            Row::Start => lines - 2,
        };
        (front, lines)
    }
}
