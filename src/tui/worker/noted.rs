//! What people noted, tagged, pinned and asked in sessions, by whichever terminal: read where a session's
//! folder has changed, and where one of its sittings has grown.

use crate::ids::SessionId;
use crate::session::sitting::{SittingFollower, SittingState, read_sittings, sittings_in};
use crate::session::tail::Budget;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The sittings of all sessions.
#[derive(Debug, Default)]
pub struct Noted {
    sessions: BTreeMap<SessionId, Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Its sittings' logs, with their lengths at the last look.
    logs: Vec<(PathBuf, u64)>,
    /// Of a session that grows: few do, and each holds its logs open.
    follower: Option<SittingFollower>,
    told: SittingState,
}

impl Known {
    /// Whether a log has another length than at the last look.
    fn grew(&mut self) -> bool {
        let mut grew = false;
        for (path, length) in &mut self.logs {
            let now = std::fs::metadata(&*path).map_or(0, |file| file.len());
            grew |= now != *length;
            *length = now;
        }
        grew
    }

    fn read(&mut self, folder: &Path, changed: bool) -> Option<SittingState> {
        if changed && self.follower.is_none() {
            return read_sittings(folder).ok();
        }
        let follower = self.follower.get_or_insert_with(|| SittingFollower::new(folder));
        if follower.poll(Budget::ALL).is_ok() {
            return Some(follower.state().clone());
        }
        self.follower = None;
        None
    }
}

/// Whether two sittings differ in what is shown of them: not in what was merely done.
fn differ(one: &SittingState, other: &SittingState) -> bool {
    one.notes != other.notes
        || one.tags != other.tags
        || one.pins != other.pins
        || one.answers != other.answers
        || one.dismissed != other.dismissed
        || one.marks != other.marks
}

impl Noted {
    /// Looks at a session, whose folder has changed or has not; what is known, where that is new.
    pub fn look(
        &mut self,
        session: &SessionId,
        folder: &Path,
        changed: bool,
    ) -> Option<SittingState> {
        let known = self.sessions.entry(session.clone()).or_default();
        if changed {
            let logs = sittings_in(folder).ok()?;
            known.logs = logs.into_values().map(|path| (path, 0)).collect();
        }
        // Lengths before the logs are read: what comes meanwhile is seen at the next look.
        if !known.grew() {
            return None;
        }
        let state = known.read(folder, changed)?;
        if !differ(&state, &known.told) {
            return None;
        }
        known.told.clone_from(&state);
        Some(state)
    }

    /// Forgets sessions that are gone.
    pub fn keep(&mut self, sessions: &[SessionId]) {
        self.sessions.retain(|id, _| sessions.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::sitting::{Acted, Noted as NotedEvent, Opened, Sitting, Subject};

    #[test]
    fn what_another_terminal_notes_is_told_and_what_it_merely_does_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let id: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let opened = Opened { columns: 80, rows: 24, terminal: None, theme: None };
        let mut noted = Noted::default();
        assert!(noted.look(&id, folder.path(), true).is_none());
        let mut other = Sitting::open(folder.path(), &id, opened).unwrap();
        let note = |text: &str| NotedEvent { on: Subject::run("clip-1"), text: text.into() };
        other.write(note("one")).unwrap();
        let text = |state: Option<SittingState>| {
            Some(state?.notes.get(&Subject::run("clip-1"))?.text.clone())
        };
        assert_eq!(text(noted.look(&id, folder.path(), true)).as_deref(), Some("one"));
        assert!(noted.look(&id, folder.path(), false).is_none());
        other.write(note("two")).unwrap();
        assert_eq!(text(noted.look(&id, folder.path(), false)).as_deref(), Some("two"));
        let (action, with) = ("log-y".into(), serde_json::Map::new());
        other.write(Acted { action, screen: None, with }).unwrap();
        assert!(noted.look(&id, folder.path(), false).is_none());
        // A second one of its own, and the first goes on.
        let opened = Opened { columns: 80, rows: 24, terminal: None, theme: None };
        let mut own = Sitting::open(folder.path(), &id, opened).unwrap();
        own.write(note("three")).unwrap();
        assert_eq!(text(noted.look(&id, folder.path(), true)).as_deref(), Some("three"));
        noted.keep(&[]);
        assert!(noted.sessions.is_empty());
    }
}
