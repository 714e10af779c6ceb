//! A run that was started here: once it is there, Runs stands on it and the footer says what to press.

use super::{App, Notice};
use crate::session::RunStatus;
use crate::session::names::RunId;
use crate::tui::screen::ScreenId;
use std::collections::BTreeSet;

/// A run that was asked for.
#[derive(Debug)]
pub(super) struct Started {
    /// The runs that were there before.
    known: BTreeSet<RunId>,
    /// What its start is called.
    what: String,
    /// The run, once it is there.
    run: Option<RunId>,
}

impl App {
    /// A run is asked for with these arguments: the next one that was not there is it.
    pub(super) fn starts(&mut self, arguments: &[String], what: &str) {
        let makes_one = arguments.first().is_some_and(|command| command != "resume");
        if makes_one && self.shared.library.scanned {
            let known = self.shared.library.runs.iter().map(|run| run.id.clone()).collect();
            self.started = Some(Started { known, what: what.to_owned(), run: None });
        }
    }

    /// A run is there that was not before.
    pub(super) fn arrived(&mut self, run: &RunId) {
        let Some(started) = &mut self.started else { return };
        if started.run.is_some() || started.known.contains(run) {
            return;
        }
        started.run = Some(run.clone());
        let listed = self.screens.runs.stand_on(run, &self.shared);
        self.tell_started(listed);
    }

    /// A command says how it ended; of one that starts a run which is there, the run has told more.
    pub(super) fn said(&mut self, text: String) {
        let told = |started: &Started| started.what == text && started.run.is_some();
        if !self.started.as_ref().is_some_and(told) {
            self.notice = Some(Notice { text, bad: false });
        }
    }

    /// Nothing was started after all.
    pub(super) fn starts_nothing(&mut self) {
        self.started = None;
    }

    fn tell_started(&mut self, listed: bool) {
        let Some(run) = self.started.as_ref().and_then(|started| started.run.as_ref()) else {
            return;
        };
        let name = self.shared.library.name(run);
        let state = self.shared.library.run(run).map(|entry| entry.row.state);
        let does = match state {
            Some(RunStatus::Queued) => "waits for its turn",
            _ => "has started",
        };
        let next = match (self.current, listed) {
            (ScreenId::Runs, true) => "enter opens it, P pauses it, K ends it",
            (ScreenId::Runs, false) => "the filter hides it; esc clears that",
            _ => "1 lists it",
        };
        self.notice = Some(Notice { text: format!("{name} {does}: {next}"), bad: false });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{app, entry, press, shows};
    use super::*;
    use crate::tui::msg::{Msg, News};

    const OLD: &str = "20261124-110000-day-cccccc/clip-1";
    const NEW: &str = "20261124-120000-noon-dddddd/demo-1";

    fn there(app: &mut App, run: &str, minute: i64) {
        app.update(Msg::News(News::Run(Box::new(entry(run, minute)))));
    }

    fn footer(app: &App) -> String {
        shows(app, 120, 24).lines().last().unwrap().to_owned()
    }

    #[test]
    fn after_a_start_the_list_stands_on_the_new_run_and_the_footer_says_what_to_press() {
        for said_first in [true, false] {
            let mut app = app();
            there(&mut app, OLD, 9);
            app.update(Msg::News(News::Scanned));
            press(&mut app, "n ctrl-s y");
            let said = || Msg::News(News::Said("demo starts".to_owned()));
            // What was there before, and is told again, is not it.
            there(&mut app, OLD, 9);
            if said_first {
                app.update(said());
                assert!(footer(&app).contains("demo starts"));
            }
            there(&mut app, NEW, 5);
            if !said_first {
                app.update(said());
            }
            let words = "demo-1 has started: enter opens it, P pauses it, K ends it";
            assert!(footer(&app).contains(words), "{}", footer(&app));
            // A later one was started elsewhere.
            there(&mut app, "20261124-130000-one-eeeeee/clip-9", 4);
            press(&mut app, "enter");
            assert_eq!(app.shared.focus, Some(entry(NEW, 5).id));
        }
    }

    #[test]
    fn a_run_that_is_not_in_sight_is_told_with_the_way_to_it() {
        let mut app = app();
        there(&mut app, OLD, 9);
        app.update(Msg::News(News::Scanned));
        press(&mut app, "n ctrl-s y 7");
        there(&mut app, NEW, 5);
        assert!(footer(&app).contains("demo-1 has started: 1 lists it"));
        press(&mut app, "1 /");
        app.update(Msg::Paste("recipe:clip".to_owned()));
        press(&mut app, "enter n ctrl-s y");
        there(&mut app, "20261124-130000-one-eeeeee/demo-1", 4);
        assert!(footer(&app).contains("the filter hides it; esc clears that"));
    }

    #[test]
    fn a_start_that_failed_takes_the_cursor_nowhere() {
        let mut app = app();
        there(&mut app, OLD, 9);
        app.update(Msg::News(News::Scanned));
        press(&mut app, "n ctrl-s y");
        app.update(Msg::News(News::Failed("train demo --detach: the disk is full".to_owned())));
        there(&mut app, NEW, 5);
        assert!(footer(&app).contains("the disk is full"));
        press(&mut app, "enter");
        assert_eq!(app.shared.focus, Some(entry(OLD, 9).id));
    }
}
