//! The session that what is started here goes into: the one that the workbench was opened with; of the
//! first run of all, the one that was opened for what was done before it.

use super::App;
use crate::ids::SessionId;
use crate::tui::data::library::SessionEntry;
use crate::tui::msg::{Cmd, Work};

/// Where what is started here goes, where nothing else says so.
#[derive(Debug, Default)]
pub(super) struct Home {
    /// The session that the workbench was opened with.
    pub named: Option<SessionId>,
    /// The session that was opened for what was done here, where there was none.
    pub begun: Option<SessionId>,
}

impl App {
    /// Opens on a session: its results are shown, and new runs go into it.
    pub fn stay_in(&mut self, session: SessionId) {
        self.shared.session = Some(session.clone());
        self.home.named = Some(session);
    }

    /// Lets the list of runs begin with the newest run of that session, where nobody has chosen another.
    pub(super) fn come_home(&mut self) {
        let Some(session) = &self.home.named else { return };
        let chosen = self.screens.runs.chosen(&self.shared).or(self.shared.focus.as_ref());
        let runs = &self.shared.library.runs;
        let newest = runs.iter().find(|run| run.id.session == *session);
        if let Some(run) = newest.filter(|_| chosen.is_none()).map(|run| run.id.clone()) {
            self.screens.runs.stand_on(&run, &self.shared);
            self.screens.runs.stay(&self.shared);
        }
    }

    /// A session was opened for what is done here.
    pub(super) fn begun(&mut self, session: SessionEntry) {
        self.home.begun = Some(session.id.clone());
        let sessions = &mut self.shared.library.sessions;
        if !sessions.iter().any(|known| known.id == session.id) {
            sessions.insert(0, session);
        }
    }

    /// A command that starts a run, with the session it goes into.
    pub(super) fn sent_home(&self, mut command: Cmd) -> Cmd {
        if let Cmd::Work(Work::Launch { arguments, .. }) = &mut command
            && let Some(session) = self.home_of(arguments)
        {
            arguments.extend(["--session".to_owned(), session.to_string()]);
        }
        command
    }

    fn home_of(&self, arguments: &[String]) -> Option<&SessionId> {
        let begins = arguments.first().is_some_and(|command| command != "resume");
        let says = arguments.iter().any(|argument| argument == "--session");
        let first = self.shared.library.runs.is_empty();
        let begun = self.home.begun.as_ref().filter(|_| first);
        self.home.named.as_ref().or(begun).filter(|_| begins && !says)
    }
}

#[cfg(test)]
mod tests {
    use super::super::inspect_tests::work;
    use super::super::tests::{app, entry, press, shows};
    use super::*;
    use crate::session::Time;
    use crate::session::sitting::SittingEvent;
    use crate::tui::msg::{Msg, News};

    const OLD: &str = "20261124-100000-night-bbbbbb/simcse-1";
    const NEW: &str = "20261124-110000-day-cccccc/clip-1";

    /// Two sessions with a run each, opened on the older one.
    fn opened() -> App {
        let mut app = app();
        app.stay_in(entry(OLD, 5).id.session);
        let session = |run: &str| SessionEntry {
            id: entry(run, 0).id.session,
            title: run.to_owned(),
            created: Time::EPOCH,
        };
        app.update(Msg::News(News::Sessions([NEW, OLD].map(session).into())));
        for (run, minute) in [(OLD, 5), (NEW, 9)] {
            app.update(Msg::News(News::Run(Box::new(entry(run, minute)))));
        }
        app
    }

    fn recorded_in(commands: Vec<Cmd>) -> Vec<SessionId> {
        let session = |work| if let Work::Record(session, _) = work { Some(session) } else { None };
        work(commands).into_iter().filter_map(session).collect()
    }

    #[test]
    fn the_session_it_was_opened_with_is_shown_and_recorded_in() {
        let mut app = opened();
        app.update(Msg::News(News::Scanned));
        let home = entry(OLD, 5).id;
        assert_eq!(recorded_in(press(&mut app, "3")), std::slice::from_ref(&home.session));
        assert!(shows(&app, 100, 24).contains("results of 20261124-100000"));
        assert_eq!(recorded_in(press(&mut app, "?")), std::slice::from_ref(&home.session));
        press(&mut app, "esc 2");
        assert_eq!(app.shared.focus, Some(home));
    }

    #[test]
    fn a_run_that_was_chosen_before_all_were_read_stays_chosen() {
        let mut app = opened();
        press(&mut app, "enter");
        app.update(Msg::News(News::Scanned));
        assert_eq!(app.shared.focus, Some(entry(NEW, 9).id));
    }

    fn begun_with(commands: Vec<Cmd>) -> Vec<String> {
        let acted = |work| match work {
            Work::Begin(event) => match *event {
                SittingEvent::Acted(acted) => Some(acted.action),
                _ => None,
            },
            _ => None,
        };
        work(commands).into_iter().filter_map(acted).collect()
    }

    #[test]
    fn where_there_is_no_session_the_first_action_opens_one_and_the_first_run_goes_there() {
        let mut app = app();
        app.update(Msg::News(News::Sessions(Vec::new())));
        app.update(Msg::News(News::Scanned));
        // Opening, moving in a list, another size and leaving open none.
        assert!(begun_with(press(&mut app, "j q")).is_empty());
        assert!(begun_with(app.update(Msg::Resize { width: 90, height: 30 })).is_empty());
        assert_eq!(begun_with(press(&mut app, "n")), ["new-run"]);
        let id = entry(OLD, 5).id.session;
        let title = "workbench".to_owned();
        let begun = SessionEntry { id: id.clone(), title, created: Time::EPOCH };
        app.update(Msg::News(News::Begun(Box::new(begun))));
        let commands = press(&mut app, "ctrl-s y");
        let launched = commands.iter().find_map(|command| match command {
            Cmd::Work(Work::Launch { arguments, .. }) => Some(arguments.join(" ")),
            _ => None,
        });
        assert!(launched.unwrap().ends_with(&format!("--session {id}")));
        assert_eq!(recorded_in(commands), [id]);
        // A later one opens a session of its own.
        app.update(Msg::News(News::Run(Box::new(entry(OLD, 5)))));
        let next = vec!["train".to_owned(), "clip".to_owned()];
        assert_eq!(app.home_of(&next), None);
    }

    #[test]
    fn nothing_is_begun_where_nothing_may_be_written_or_not_all_is_read_yet() {
        let mut app = app();
        assert!(begun_with(press(&mut app, "?")).is_empty());
        app.update(Msg::News(News::Scanned));
        app.shared.readonly = true;
        assert!(begun_with(press(&mut app, "esc ? esc 2")).is_empty());
    }

    #[test]
    fn new_runs_go_into_it_and_resumed_ones_into_none() {
        let app = opened();
        let arguments = |arguments: &[&str]| -> Vec<String> {
            let arguments = arguments.iter().map(|one| (*one).to_owned()).collect();
            let launch = Work::Launch { arguments, what: String::new() };
            match app.sent_home(Cmd::Work(launch)) {
                Cmd::Work(Work::Launch { arguments, .. }) => arguments,
                other => panic!("{other:?}"),
            }
        };
        let home = "20261124-100000-night-bbbbbb";
        assert_eq!(arguments(&["train", "clip"]), ["train", "clip", "--session", home]);
        assert_eq!(arguments(&["resume", NEW]), ["resume", NEW]);
        let given = ["train", "clip", "--session", "other"];
        assert_eq!(arguments(&given), given);
    }
}
