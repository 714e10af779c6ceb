//! Going from screen to screen: what is chosen on one is what the next one shows.

use super::{App, Notice, ScreenId, form};
use crate::ids::SessionId;
use crate::tui::msg::Cmd;
use crate::tui::screen::compare::session;
use crate::tui::text;

impl App {
    pub(super) fn turn(&mut self, by: usize, commands: &mut Vec<Cmd>) {
        let at = ScreenId::ALL.iter().position(|screen| *screen == self.current).unwrap_or(0);
        self.go(ScreenId::ALL[(at + by) % ScreenId::ALL.len()], commands);
    }

    /// Shows another session's results: of those without a run too.
    pub(super) fn turn_session(&mut self, back: bool, commands: &mut Vec<Cmd>) {
        let sessions = &self.shared.library.sessions;
        let now = session(&self.shared);
        let Some(at) = sessions.iter().position(|entry| Some(&entry.id) == now) else { return };
        let next = form::beside(at, sessions.len(), back);
        let id = sessions[next].id.clone();
        self.show_session(id, commands);
    }

    /// Shows the results of a session.
    pub(super) fn show_session(&mut self, id: SessionId, commands: &mut Vec<Cmd>) {
        let sessions = &self.shared.library.sessions;
        let Some(next) = sessions.iter().position(|entry| entry.id == id) else { return };
        let title = text::safe(&self.shared.library.title(&id));
        let text = format!("session {title}, {} of {}", next + 1, sessions.len());
        self.notice = Some(Notice { text, bad: false });
        self.shared.session = Some(id);
        if self.current == ScreenId::Runs {
            // The session chosen now counts for more than the run chosen before.
            self.screens.runs.stay(&self.shared);
        } else {
            self.enter(commands);
        }
    }

    pub(super) fn go(&mut self, screen: ScreenId, commands: &mut Vec<Cmd>) {
        let stays = self.current == ScreenId::Runs && screen == ScreenId::Runs;
        if self.current == ScreenId::Runs && !stays {
            self.take_along();
        }
        if self.shared.focus.is_none() {
            self.shared.focus = self.screens.runs.selected(&self.shared).cloned();
        }
        self.current = screen;
        if !stays {
            self.enter(commands);
        }
    }

    /// The run that was chosen on Runs comes along.
    fn take_along(&mut self) {
        if let Some(run) = self.screens.runs.chosen(&self.shared).cloned() {
            self.shared.focus = Some(run);
            self.shared.session = None;
        }
    }

    fn enter(&mut self, commands: &mut Vec<Cmd>) {
        let effects = self.screens.get_mut(self.current).entered(&self.shared);
        for effect in effects {
            self.effect(effect, commands);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::session::Time;
    use crate::session::names::RunId;
    use crate::tui::app::App;
    use crate::tui::app::tests::{app, entry, press, shows};
    use crate::tui::data::library::SessionEntry;
    use crate::tui::msg::{Msg, News};

    const RUNS: [&str; 3] = [
        "20261124-120000-noon-dddddd/pocket-1",
        "20261124-110000-day-cccccc/clip-1",
        "20261124-100000-night-bbbbbb/simcse-1",
    ];

    fn id(at: usize) -> RunId {
        entry(RUNS[at], 0).id
    }

    /// Three runs of three sessions, the newest first.
    fn three() -> App {
        let mut app = app();
        let session = |at: usize| SessionEntry {
            id: id(at).session,
            title: id(at).run.to_string(),
            created: Time::EPOCH,
        };
        app.update(Msg::News(News::Sessions((0..3).map(session).collect())));
        for (at, run) in RUNS.iter().enumerate() {
            app.update(Msg::News(News::Run(Box::new(entry(run, 9 - at as i64)))));
        }
        app
    }

    #[test]
    fn every_screen_shows_the_run_that_was_chosen_last() {
        let mut app = three();
        press(&mut app, "down 3");
        assert_eq!(app.shared.focus, Some(id(1)));
        press(&mut app, "1 down 2");
        assert_eq!(app.shared.focus, Some(id(2)), "the list stands on the run that was shown");
        press(&mut app, "1 1 up up tab");
        assert_eq!(app.shared.focus, Some(id(0)));
        press(&mut app, "1 down 1 4");
        assert_eq!(app.shared.focus, Some(id(1)), "the key of the screen in front moves nothing");
        assert!(shows(&app, 80, 24).contains("results of 20261124-110000"));
    }

    #[test]
    fn who_comes_back_without_choosing_sees_what_was_shown_before() {
        let mut app = three();
        press(&mut app, "down 2 1 5");
        assert_eq!(app.shared.focus, Some(id(1)));
        press(&mut app, "3 }");
        assert_eq!(app.shared.session, Some(id(2).session));
        press(&mut app, "1 3");
        assert_eq!(app.shared.session, Some(id(2).session), "another session was chosen there");
        press(&mut app, "1 down 3");
        assert_eq!((app.shared.focus.clone(), app.shared.session.clone()), (Some(id(2)), None));
        press(&mut app, "1 up } 3");
        assert_eq!(
            app.shared.session,
            Some(id(0).session),
            "of Runs' cursor and of the next session, the later"
        );
    }

    #[test]
    fn a_run_that_was_opened_by_name_is_where_the_list_begins() {
        let mut app = three();
        app.watch(id(2));
        press(&mut app, "1 6");
        assert_eq!(app.shared.focus, Some(id(2)));
        press(&mut app, "1 up 7");
        assert_eq!(app.shared.focus, Some(id(1)));
    }
}
