//! The session that what is started here goes into: the one that the workbench was opened with.

use super::App;
use crate::ids::SessionId;
use crate::tui::msg::{Cmd, Work};

/// Where what is started here goes, where nothing else says so.
#[derive(Debug, Default)]
pub(super) struct Home {
    /// The session that the workbench was opened with.
    pub named: Option<SessionId>,
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
        self.home.named.as_ref().filter(|_| begins && !says)
    }
}

#[cfg(test)]
mod tests {
    use super::super::inspect_tests::work;
    use super::super::tests::{app, entry, press, shows};
    use super::*;
    use crate::session::Time;
    use crate::tui::data::library::SessionEntry;
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
        assert_eq!(recorded_in(press(&mut app, "3")), [home.session.clone()]);
        assert!(shows(&app, 100, 24).contains("results of 20261124-100000"));
        assert_eq!(recorded_in(press(&mut app, "?")), [home.session.clone()]);
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
