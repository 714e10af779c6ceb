//! Which line of a list is selected, and which lines are seen.

use crate::tui::keys::Action;

/// A place in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected line, from 0.
    pub at: usize,
}

/// Lines a page turns.
const PAGE: usize = 15;

impl Cursor {
    /// Moves as an action says in a list of `count` lines; whether it was a move.
    pub fn act(&mut self, action: Action, count: usize) -> bool {
        let last = count.saturating_sub(1);
        self.at = match action {
            Action::Up | Action::OverlayUp => self.at.saturating_sub(1),
            Action::Down | Action::OverlayDown => self.at + 1,
            Action::PageUp | Action::OverlayPageUp => self.at.saturating_sub(PAGE),
            Action::PageDown | Action::OverlayPageDown => self.at + PAGE,
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        }
        .min(last);
        true
    }

    /// Moves by lines; up is negative.
    pub fn shift(&mut self, lines: i8, count: usize) {
        self.at = self.at.saturating_add_signed(isize::from(lines)).min(count.saturating_sub(1));
    }

    /// The first line to show where `height` of `count` fit: the selected one stands in the middle
    /// where it can.
    #[must_use]
    pub fn first(self, count: usize, height: usize) -> usize {
        self.at
            .min(count.saturating_sub(1))
            .saturating_sub(height / 2)
            .min(count.saturating_sub(height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_selected_line_is_always_seen(at in 0usize..300, count in 1usize..200, height in 1usize..60) {
            let cursor = Cursor { at };
            let first = cursor.first(count, height);
            let at = at.min(count - 1);
            prop_assert!(first <= at && at < first + height);
            prop_assert!(first + height <= count.max(height));
        }
    }
}
