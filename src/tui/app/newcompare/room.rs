//! Where the line in front stands in a form of the least height: in fewer lines the form is scrolled.

use super::{Field, NewCompare};

/// Known encoders that are seen at least.
const KNOWN: u16 = 3;

/// Lines below them: what is wrong, and the keys.
pub(super) const FOOT: u16 = 3;

impl NewCompare {
    /// That line, and how many lines the form takes at least.
    #[must_use]
    pub fn place(&self) -> (u16, u16) {
        let fields = Field::ALL.len() as u16;
        let front = match self.field {
            Field::Known => {
                let first = self.cursor.first(self.known.len(), usize::from(KNOWN));
                fields + self.cursor.at.saturating_sub(first) as u16
            }
            field => Field::ALL.iter().position(|one| *one == field).unwrap_or(0) as u16,
        };
        (front, fields + KNOWN + FOOT)
    }
}
