//! Results that are kept: those of the session in front, of one more, and of marked runs' sessions.

use super::App;
use crate::ids::SessionId;
use crate::tui::msg::{Cmd, Work};
use crate::tui::screen::compare::session;

impl App {
    /// Puts away results that are no longer looked at, and has them read no longer.
    pub(super) fn forget_results(&mut self, commands: &mut Vec<Cmd>) {
        let front = session(&self.shared).cloned();
        if let Some(front) = front.filter(|front| self.fronts.first() != Some(front)) {
            self.fronts.retain(|known| *known != front);
            self.fronts.insert(0, front);
            self.fronts.truncate(2);
        }
        let marked = |id: &SessionId| self.shared.marks.iter().any(|run| run.session == *id);
        let kept = |id: &SessionId| self.fronts.contains(id) || marked(id);
        let results = &self.shared.library.results;
        let others = results.keys().filter(|id| !kept(id));
        // One that was in front is kept before one that only came in.
        let room = 2usize
            .saturating_sub(self.fronts.iter().filter(|id| results.contains_key(*id)).count());
        let gone: Vec<SessionId> = others.skip(room).cloned().collect();
        for session in gone {
            self.shared.library.results.remove(&session);
            if self.awaiting.as_ref() == Some(&session) {
                self.awaiting = None;
            }
            commands.push(Cmd::Work(Work::Forget(session)));
        }
    }
}
