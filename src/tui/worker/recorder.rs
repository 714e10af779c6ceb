//! What was done at this terminal, written into the sessions it was done in: one log a session, begun
//! with the first thing recorded there.

use crate::ids::SessionId;
use crate::session::sitting::{Left, Opened, Sitting, SittingEvent};
use std::collections::BTreeMap;
use std::path::Path;

/// The sittings of this process. A session that cannot be written to is told of once.
#[derive(Debug, Default)]
pub struct Recorder {
    sittings: BTreeMap<SessionId, Option<Sitting>>,
}

impl Recorder {
    /// Appends an event to this terminal's sitting in a session.
    pub fn record(
        &mut self,
        sessions: &Path,
        session: &SessionId,
        event: SittingEvent,
    ) -> Result<(), String> {
        if !self.sittings.contains_key(session) {
            let (columns, rows) = ratatui::crossterm::terminal::size().unwrap_or((0, 0));
            let opened =
                Opened { columns, rows, terminal: std::env::var("TERM").ok(), theme: None };
            let made = Sitting::open(&sessions.join(session.as_str()), session, opened);
            let (sitting, problem) = match made {
                Ok(sitting) => (Some(sitting), None),
                Err(error) => (None, Some(format!("what is done here is not recorded: {error}"))),
            };
            self.sittings.insert(session.clone(), sitting);
            if let Some(problem) = problem {
                return Err(problem);
            }
        }
        let Some(slot) = self.sittings.get_mut(session) else { return Ok(()) };
        let Some(sitting) = slot else { return Ok(()) };
        let event = match event {
            // Only a sitting knows which names are free.
            SittingEvent::Marked(mut marked) if marked.mark.is_empty() => {
                marked.mark = sitting.mark_name();
                SittingEvent::Marked(marked)
            }
            event => event,
        };
        if let Err(error) = sitting.write(event) {
            *slot = None;
            return Err(format!("what is done here is no longer recorded: {error}"));
        }
        Ok(())
    }

    /// The sittings end.
    pub fn leave(&mut self) {
        for sitting in self.sittings.values_mut().flatten() {
            // Nobody is left to be told.
            let _ = sitting.write(Left {});
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::sitting::{Acted, read_sittings};

    #[test]
    fn actions_are_written_where_they_were_done_and_a_folder_that_is_gone_is_told_of_once() {
        let sessions = tempfile::tempdir().unwrap();
        let session: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        std::fs::create_dir(sessions.path().join(session.as_str())).unwrap();
        let mut recorder = Recorder::default();
        let acted = || -> SittingEvent {
            Acted {
                action: "log-y".into(),
                screen: Some("train".into()),
                with: serde_json::Map::new(),
            }
            .into()
        };
        recorder.record(sessions.path(), &session, acted()).unwrap();
        recorder.record(sessions.path(), &session, acted()).unwrap();
        recorder.leave();
        let state = read_sittings(&sessions.path().join(session.as_str())).unwrap();
        assert_eq!(state.last_action.as_deref(), Some("log-y"));
        let gone: SessionId = "20261124-100000-gone-cccccc".parse().unwrap();
        assert!(recorder.record(sessions.path(), &gone, acted()).is_err());
        assert!(recorder.record(sessions.path(), &gone, acted()).is_ok());
    }
}
