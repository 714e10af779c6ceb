//! Has results joined into the one table that the screen in front shows.

use super::App;
use crate::tui::msg::{Cmd, Work};

impl App {
    /// Asks for that table where it was not asked for yet.
    pub(super) fn await_join(&mut self, commands: &mut Vec<Cmd>) {
        let Some(parts) = self.screens.get(self.current).joins(&self.shared) else { return };
        if self.shared.library.joining.ask(&parts) {
            commands.push(Cmd::Work(Work::Join(parts)));
        }
    }
}
