//! What was done at this terminal, written into the sessions it was done in: one log a session, begun
//! with the first thing recorded there.

use crate::ids::SessionId;
use crate::machine::{Machine, host};
use crate::session::error::LogError;
use crate::session::folder::{Session, SessionCard};
use crate::session::header::GIT_REVISION;
use crate::session::paths::Roots;
use crate::session::sitting::{
    Left, Marked, Opened, Sitting, SittingEvent, SittingState, read_sittings,
};
use crate::tui::data::library::SessionEntry;
use crate::tui::msg::News;
use std::collections::BTreeMap;
use std::path::Path;

/// This process's log in a session.
#[derive(Debug, Default)]
struct Log {
    /// Begun with the first event, or with the first one after it could not be begun.
    sitting: Option<Sitting>,
    /// Whether the last event could not be written.
    fails: bool,
}

/// The sittings of this process.
#[derive(Debug, Default)]
pub struct Recorder {
    /// The theme's name at this moment.
    pub theme: Option<&'static str>,
    sittings: BTreeMap<SessionId, Log>,
    /// The session that was opened for what was done where there was none.
    begun: Option<SessionId>,
    /// Whether none could be.
    homeless: bool,
}

/// What such a session is called until somebody renames it.
const TITLE: &str = "workbench";

/// Opens a session as a command that needs one does.
fn open_session(sessions: &Path, checkpoints: &Path) -> Result<Session, String> {
    let roots = Roots { sessions: sessions.to_owned(), checkpoints: checkpoints.to_owned() };
    roots.make().map_err(|error| error.to_string())?;
    let (revision, threads) = (GIT_REVISION.map(str::to_owned), Machine::look().cores);
    // The workbench itself computes nothing on another device.
    let card = SessionCard::new(TITLE, revision, host(), "cpu".to_owned(), threads);
    Session::create(sessions, card).map_err(|error| error.to_string())
}

/// What stands on a screen before it is written.
fn is_shown(event: &SittingEvent) -> bool {
    use SittingEvent as Event;
    matches!(
        event,
        Event::Noted(_)
            | Event::Tagged(_)
            | Event::Untagged(_)
            | Event::Pinned(_)
            | Event::Unpinned(_)
    )
}

/// Whether a person made it: that is never lost without a word. Of what was done, the first loss is told.
fn is_made(event: &SittingEvent) -> bool {
    use SittingEvent as Event;
    is_shown(event) || matches!(event, Event::Marked(_) | Event::Unmarked(_) | Event::Answered(_))
}

impl Recorder {
    /// Appends an event to this terminal's sitting in a session, and says what came of it.
    pub fn record(
        &mut self,
        sessions: &Path,
        session: &SessionId,
        event: SittingEvent,
    ) -> Vec<News> {
        let (made, shown) = (is_made(&event), is_shown(&event));
        let marked = match &event {
            SittingEvent::Marked(Marked { at, .. }) => Some(News::Marked(at.clone())),
            _ => None,
        };
        let folder = sessions.join(session.as_str());
        let log = self.sittings.entry(session.clone()).or_default();
        let failed = std::mem::replace(&mut log.fails, false);
        let Err(error) = log.write(&folder, session, event, self.theme) else {
            let again = "what is done here is recorded again; what was done meanwhile is not";
            let again = failed.then(|| News::Said(again.to_owned()));
            return again.into_iter().chain(marked).collect();
        };
        log.fails = true;
        let mut news = Vec::new();
        if made || !failed {
            news.push(News::Unrecorded(error));
        }
        if shown {
            // The screen shows again what the record has.
            let gone = || (!folder.exists()).then(SittingState::default);
            let stands = read_sittings(&folder).ok().or_else(gone);
            news.extend(stands.map(|state| News::Sittings(session.clone(), Box::new(state))));
        }
        news
    }

    /// The same in a session that is opened with the first such event.
    pub fn begin(&mut self, sessions: &Path, checkpoints: &Path, event: SittingEvent) -> Vec<News> {
        let there = |session: &SessionId| sessions.join(session.as_str()).is_dir();
        let mut news = Vec::new();
        let session = match self.begun.take().filter(there) {
            Some(session) => session,
            None => match open_session(sessions, checkpoints) {
                Ok(session) => {
                    let (id, card) = (session.id().clone(), session.card());
                    let (title, created) = (card.title.clone(), card.created);
                    let entry = SessionEntry { id: id.clone(), title, created };
                    news.push(News::Begun(Box::new(entry)));
                    id
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.homeless, true) || is_made(&event) {
                        let why = format!("no session could be opened to record in: {error}");
                        news.push(News::Unrecorded(why));
                    }
                    return news;
                }
            },
        };
        self.homeless = false;
        news.extend(self.record(sessions, &session, event));
        self.begun = Some(session);
        news
    }

    /// The sittings end.
    pub fn leave(&mut self) {
        for sitting in self.sittings.values_mut().filter_map(|log| log.sitting.as_mut()) {
            // Nobody is left to be told.
            let _ = sitting.write(Left {});
        }
    }
}

impl Log {
    /// Appends an event, to a log that is begun where there is none, or none any more.
    fn write(
        &mut self,
        folder: &Path,
        session: &SessionId,
        event: SittingEvent,
        theme: Option<&str>,
    ) -> Result<(), String> {
        let lost = |error: LogError| format!("what is done here is not recorded: {error}");
        let mut sitting = match self.sitting.take() {
            // A log that was removed still takes every line, for nobody.
            Some(sitting) if sitting.path().exists() => sitting,
            _ => {
                let (columns, rows) = ratatui::crossterm::terminal::size().unwrap_or((0, 0));
                let terminal = std::env::var("TERM").ok();
                let theme = theme.map(str::to_owned);
                let opened = Opened { columns, rows, terminal, theme };
                Sitting::open(folder, session, opened).map_err(lost)?
            }
        };
        let event = match event {
            // Only a sitting knows which names are free.
            SittingEvent::Marked(mut marked) if marked.mark.is_empty() => {
                marked.mark = sitting.mark_name();
                SittingEvent::Marked(marked)
            }
            event => event,
        };
        let written = sitting.write(event);
        // Also one that took nothing: there may be room again.
        self.sitting = Some(sitting);
        written.map(|_| ()).map_err(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Time;
    use crate::session::sitting::{Acted, Noted, Place, Subject};
    use std::path::PathBuf;

    fn acted() -> SittingEvent {
        Acted { action: "log-y".into(), screen: Some("train".into()), with: serde_json::Map::new() }
            .into()
    }

    fn marked() -> SittingEvent {
        let at = Place::moment(Time::EPOCH);
        Marked { mark: String::new(), at, label: "spike".into() }.into()
    }

    fn folder(sessions: &Path) -> (SessionId, PathBuf) {
        let session: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let folder = sessions.join(session.as_str());
        (session, folder)
    }

    fn fails(news: &[News]) -> bool {
        matches!(news, [News::Unrecorded(why), ..] if why.contains("not recorded"))
    }

    #[test]
    fn actions_are_written_where_they_were_done() {
        let sessions = tempfile::tempdir().unwrap();
        let (session, folder) = folder(sessions.path());
        std::fs::create_dir(&folder).unwrap();
        let mut recorder = Recorder { theme: Some("light"), ..Recorder::default() };
        assert!(recorder.record(sessions.path(), &session, acted()).is_empty());
        assert!(recorder.record(sessions.path(), &session, acted()).is_empty());
        recorder.leave();
        let state = read_sittings(&folder).unwrap();
        assert_eq!((state.last_action.as_deref(), state.actions), (Some("log-y"), 2));
        assert_eq!(state.sittings, 1);
        let log = std::fs::read_to_string(folder.join("ui-1.jsonl")).unwrap();
        assert!(log.contains("\"theme\":\"light\""), "{log}");
    }

    #[test]
    fn what_is_not_written_is_told_of_and_is_tried_again() {
        let sessions = tempfile::tempdir().unwrap();
        let (session, folder) = folder(sessions.path());
        let mut recorder = Recorder::default();
        let mut record = |event| recorder.record(sessions.path(), &session, event);
        // Of actions once; of what a person made every time.
        assert!(fails(&record(acted())));
        assert!(record(acted()).is_empty());
        assert!(fails(&record(marked())) && fails(&record(marked())));
        std::fs::create_dir(&folder).unwrap();
        let news = record(marked());
        assert!(matches!(&news[..], [News::Said(_), News::Marked(_)]), "{news:?}");
        assert!(matches!(&record(marked())[..], [News::Marked(_)]));
        let state = read_sittings(&folder).unwrap();
        assert_eq!((state.marks.len(), state.sittings), (2, 1));
        // The session is removed while its log is open.
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(fails(&record(marked())));
    }

    #[test]
    fn a_note_that_is_not_written_goes_off_the_screen_again() {
        let sessions = tempfile::tempdir().unwrap();
        let (session, folder) = folder(sessions.path());
        std::fs::create_dir(&folder).unwrap();
        let noted = |text: &str| Noted { on: Subject::session(), text: text.into() }.into();
        let mut recorder = Recorder::default();
        assert!(recorder.record(sessions.path(), &session, noted("odd")).is_empty());
        std::fs::remove_dir_all(&folder).unwrap();
        let news = recorder.record(sessions.path(), &session, noted("odder"));
        assert!(fails(&news), "{news:?}");
        assert!(
            matches!(&news[1], News::Sittings(of, state)
                if *of == session && **state == SittingState::default()),
            "{news:?}"
        );
    }

    #[test]
    fn where_there_is_no_session_the_first_event_opens_one() {
        let root = tempfile::tempdir().unwrap();
        let places = ["sessions", "checkpoints"].map(|name| root.path().join(name));
        let mut recorder = Recorder::default();
        let mut begin = |event| recorder.begin(&places[0], &places[1], event);
        let news = begin(acted());
        let [News::Begun(entry)] = &news[..] else { panic!("{news:?}") };
        assert_eq!(entry.title, TITLE);
        assert!(begin(acted()).is_empty());
        assert_eq!(read_sittings(&places[0].join(entry.id.as_str())).unwrap().actions, 2);
        assert!(Session::open(&places[0], &entry.id).is_ok() && places[1].is_dir());
        // One that was removed meanwhile is not written into.
        std::fs::remove_dir_all(places[0].join(entry.id.as_str())).unwrap();
        assert!(matches!(&begin(acted())[..], [News::Begun(_)]));
    }

    #[test]
    fn where_no_session_can_be_opened_that_is_told_once_of_actions() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("sessions");
        std::fs::write(&file, "no folder").unwrap();
        let mut recorder = Recorder::default();
        let mut begin = |event| recorder.begin(&file, &file, event);
        assert!(matches!(&begin(acted())[..], [News::Unrecorded(_)]));
        assert!(begin(acted()).is_empty());
        assert!(matches!(&begin(marked())[..], [News::Unrecorded(_)]));
    }
}
