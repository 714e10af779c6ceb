//! What is done here goes into the sitting of the session it is done in: actions with what is looked at
//! after them, whatever key or button asked for them; typed lines; what was started; marks.

use super::{App, Effect, Notice, Overlay, Purpose, READONLY};
use crate::ids::SessionId;
use crate::session::fold::RunState;
use crate::session::names::RunId;
use crate::session::sitting::{Acted, Marked, Place, Resized, SittingEvent};
use crate::tui::keys::{Action, Context};
use crate::tui::msg::{Cmd, Work};
use crate::tui::screen::ScreenId;
use crate::tui::screen::compare::session;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

/// Where one stands before an action.
pub(super) struct Standing {
    screen: ScreenId,
    /// The selected run, on Runs.
    selected: Option<RunId>,
    /// The chosen typed query, on Inspect.
    typed: Option<String>,
}

impl App {
    /// Records something in a session's sitting, where anything may be written.
    pub(super) fn record(
        &self,
        session: &SessionId,
        event: impl Into<SittingEvent>,
        commands: &mut Vec<Cmd>,
    ) {
        if !self.shared.readonly {
            commands.push(Cmd::Work(Work::Record(session.clone(), Box::new(event.into()))));
        }
    }

    /// Records something that was done in no session: there is none, and the first that is recorded
    /// opens one. Leaving does not.
    fn begin(&self, action: Action, event: impl Into<SittingEvent>, commands: &mut Vec<Cmd>) {
        let library = &self.shared.library;
        let none = library.scanned && library.sessions.is_empty() && library.runs.is_empty();
        let opens = action != Action::Quit && action.entry().context != Context::List;
        if none && opens && !self.shared.readonly {
            commands.push(Cmd::Work(Work::Begin(Box::new(event.into()))));
        }
    }

    pub(super) fn standing(&self) -> Standing {
        let selected = || self.screens.runs.selected(&self.shared).cloned();
        let screen = self.current;
        let typed = || {
            let query = self.screens.get(screen).looked_at(&self.shared).remove("query")?;
            let asked = self.shared.asked.iter().find(|asked| query == *asked.id)?;
            Some(asked.id.clone())
        };
        Standing {
            screen,
            selected: if screen == ScreenId::Runs { selected() } else { None },
            typed: if screen == ScreenId::Inspect { typed() } else { None },
        }
    }

    /// The session an action is recorded in, and its run: the session whose results or replay are
    /// looked at, else that of the run it was done on, else the one in front. Moving in a list of runs
    /// is done on none.
    fn place(&self, action: Action, before: &Standing) -> Option<(SessionId, Option<RunId>)> {
        let of_results =
            matches!(self.current, ScreenId::Compare | ScreenId::Inspect | ScreenId::Replay);
        let focus = self.shared.focus.as_ref();
        if let Some(chosen) = session(&self.shared).filter(|_| of_results) {
            let run = focus.filter(|run| run.session == *chosen);
            return Some((chosen.clone(), run.cloned()));
        }
        let context = action.entry().context;
        let on_selected = before.screen == ScreenId::Runs
            && (context == Context::Control
                || matches!(action, Action::Mark | Action::Pin | Action::Copy));
        let selected = before.selected.as_ref();
        let run = if on_selected { selected.or(focus) } else { focus };
        let in_front = self.shared.session.as_ref();
        let selected = selected.filter(|run| match context {
            Context::List => false,
            Context::Runs => true,
            _ => in_front.is_none_or(|chosen| run.session == *chosen),
        });
        match run.or(selected) {
            Some(run) => Some((run.session.clone(), Some(run.clone()))),
            None if context == Context::List => None,
            None => session(&self.shared).map(|chosen| (chosen.clone(), None)),
        }
    }

    /// The terminal has another size. The first one stands in what a sitting begins with.
    pub(super) fn resized(&mut self, size: Rect, commands: &mut Vec<Cmd>) {
        let opening = self.size.is_empty();
        self.size = size;
        // It is done on no run, as moving in a list is.
        let place = self.place(Action::Down, &self.standing());
        if let Some((session, _)) = place.filter(|_| !opening) {
            let resized = Resized { columns: size.width, rows: size.height };
            self.record(&session, resized, commands);
        }
    }

    /// Records an action that was carried out, with what is looked at now.
    pub(super) fn record_action(&self, action: Action, before: &Standing, commands: &mut Vec<Cmd>) {
        let mut with = Map::new();
        // What is looked at after it is another query.
        if action == Action::Dismiss
            && let Some(typed) = &before.typed
        {
            with.insert("dismissed".to_owned(), typed.as_str().into());
        }
        if action == Action::Theme {
            with.insert("theme".to_owned(), self.shared.theme.name().into());
        }
        self.record_with(action, before, with, commands);
    }

    fn record_with(
        &self,
        action: Action,
        before: &Standing,
        mut with: Map<String, Value>,
        commands: &mut Vec<Cmd>,
    ) {
        let place = self.place(action, before);
        let run = place.as_ref().and_then(|(_, run)| run.as_ref());
        for (key, value) in self.screens.get(self.current).looked_at(&self.shared) {
            with.entry(key).or_insert(value);
        }
        if let Some(run) = run {
            with.insert("run".to_owned(), run.run.as_str().into());
        }
        if self.current != before.screen {
            with.insert("now".to_owned(), self.current.name().to_lowercase().into());
        }
        let name = action.entry().name.to_owned();
        let screen = Some(before.screen.name().to_lowercase());
        let acted = Acted { action: name, screen, with };
        match place {
            Some((session, _)) => self.record(&session, acted, commands),
            None => self.begin(action, acted, commands),
        }
    }

    /// Records a typed line with the action that opened it.
    pub(super) fn record_typed(&self, purpose: Purpose, text: &str, commands: &mut Vec<Cmd>) {
        let with = Map::from_iter([("text".to_owned(), text.into())]);
        self.record_with(purpose.action(), &self.standing(), with, commands);
    }

    /// Records that something that lay over the screen was closed and nothing came of what it held.
    pub(super) fn record_closed(
        &self,
        (action, with): (Action, Map<String, Value>),
        commands: &mut Vec<Cmd>,
    ) {
        self.record_with(action, &self.standing(), with, commands);
    }

    /// Records what a form started for a session.
    pub(super) fn record_started(
        &self,
        session: &SessionId,
        arguments: &[String],
        commands: &mut Vec<Cmd>,
    ) {
        self.record(session, self.started(arguments), commands);
    }

    fn started(&self, arguments: &[String]) -> Acted {
        let action = match arguments.first().map(String::as_str) {
            Some("compare") => Action::NewCompare,
            Some("export") => Action::Export,
            Some("train") => Action::NewRun,
            Some("replay") => Action::Film,
            _ => Action::Yes,
        };
        let mut with = self.screens.get(self.current).looked_at(&self.shared);
        with.insert("started".to_owned(), arguments.to_vec().into());
        let action = action.entry().name.to_owned();
        let screen = Some(self.current.name().to_lowercase());
        Acted { action, screen, with }
    }

    /// Records a command that a run was sent, or a runner that was started.
    pub(super) fn record_command(&self, command: &Cmd, commands: &mut Vec<Cmd>) {
        match command {
            Cmd::Work(Work::Send(run, command)) => {
                let command = command.to_string();
                let mut with = self.screens.get(self.current).looked_at(&self.shared);
                with.insert("command".to_owned(), command.into());
                with.insert("run".to_owned(), run.run.as_str().into());
                let action = Action::Yes.entry().name.to_owned();
                let screen = Some(self.current.name().to_lowercase());
                let acted = Acted { action, screen, with };
                self.record(&run.session, acted, commands);
            }
            Cmd::Work(Work::Launch { arguments, .. }) => {
                match self.place(Action::NewRun, &self.standing()) {
                    Some((session, _)) => self.record_started(&session, arguments, commands),
                    None => self.begin(Action::NewRun, self.started(arguments), commands),
                }
            }
            _ => {}
        }
    }

    /// Does what the pointer asks a screen for, and records the action it stands for.
    pub(super) fn pointed(
        &mut self,
        commands: &mut Vec<Cmd>,
        ask: impl FnOnce(&mut Self) -> Vec<Effect>,
    ) {
        let before = self.standing();
        let looked = self.screens.get(self.current).looked_at(&self.shared);
        let effects = ask(self);
        let asked = !effects.is_empty();
        let action = match before.screen {
            ScreenId::Runs if asked => Action::Open,
            ScreenId::Train => Action::Crosshair,
            ScreenId::Replay => Action::Seek,
            _ => Action::Down,
        };
        self.finish_pointed(action, &before, (effects, &looked), commands);
    }

    fn finish_pointed(
        &mut self,
        action: Action,
        before: &Standing,
        (effects, looked): (Vec<Effect>, &Map<String, Value>),
        commands: &mut Vec<Cmd>,
    ) {
        let asked = !effects.is_empty();
        let mut made = Vec::new();
        for effect in effects {
            self.effect(effect, &mut made);
        }
        if asked || self.screens.get(self.current).looked_at(&self.shared) != *looked {
            let with = Map::from_iter([("by".to_owned(), "mouse".into())]);
            self.record_with(action, before, with, commands);
        }
        commands.append(&mut made);
    }

    /// The wheel was turned.
    pub(super) fn wheel(&mut self, lines: i8, commands: &mut Vec<Cmd>) {
        if let Some(overlay) = &mut self.overlay {
            overlay.wheel(lines);
            return;
        }
        let before = self.standing();
        let looked = self.screens.get(self.current).looked_at(&self.shared);
        self.screens.get_mut(self.current).wheel(lines, &self.shared);
        let action = match (before.screen, lines < 0) {
            (ScreenId::Train, true) => Action::ZoomIn,
            (ScreenId::Train, false) => Action::ZoomOut,
            (_, true) => Action::Up,
            (_, false) => Action::Down,
        };
        self.finish_pointed(action, &before, (Vec::new(), &looked), commands);
    }

    /// Asks what the moment that is looked at is to be called.
    pub(super) fn ask_bookmark(&mut self) {
        if self.shared.readonly {
            self.notice = Some(Notice { text: READONLY.to_owned(), bad: true });
        } else if self.moment().is_none() {
            let text = "nothing to mark yet: open a run or a session".to_owned();
            self.notice = Some(Notice { text, bad: true });
        } else {
            self.overlay = Some(Overlay::line_for(Purpose::Bookmark, ""));
        }
    }

    /// The moment that is looked at: of a replay, where it stands; else of the run in focus the one
    /// that is pointed at, or the newest.
    fn moment(&self) -> Option<(SessionId, Place)> {
        let at = |run: &RunId, state: &RunState, time| {
            let stage = state.stage_now();
            Place {
                time,
                run: Some(run.run.clone()),
                stage: stage.map(|stage| stage.stage.clone()),
                step: stage.map(|stage| stage.step),
            }
        };
        let library = &self.shared.library;
        if self.current == ScreenId::Replay {
            let reel = library.reel.as_ref()?;
            let run = reel.latest.as_ref().and_then(|run| Some((run, reel.runs.get(run)?)));
            let place = run.map(|(run, open)| at(run, &open.state, reel.time));
            return Some((reel.session.clone(), place.unwrap_or(Place::moment(reel.time))));
        }
        if let Some(run) = &self.shared.focus {
            if let Some(place) = self.screens.get(self.current).moment(&self.shared) {
                return Some((run.session.clone(), place));
            }
            let open = library.open.get(run);
            let last = open.and_then(|open| Some((open, open.state.last_time?)));
            let place = last.map(|(open, time)| at(run, &open.state, time));
            let known = || Place { run: Some(run.run.clone()), ..Place::moment(self.shared.now) };
            return Some((run.session.clone(), place.unwrap_or_else(known)));
        }
        session(&self.shared).map(|session| (session.clone(), Place::moment(self.shared.now)))
    }

    /// Marks the moment that is looked at.
    pub(super) fn bookmark(&mut self, label: String, commands: &mut Vec<Cmd>) {
        let Some((session, at)) = self.moment() else { return };
        // The sitting gives it its name.
        self.record(&session, Marked { mark: String::new(), at, label }, commands);
    }

    /// Says that a moment is marked: it stands in the record.
    pub(super) fn marked(&mut self, at: &Place) {
        let text = match (&at.stage, at.step) {
            (Some(stage), Some(step)) => {
                format!("step {step} of {stage} is marked; Replay goes there with ]")
            }
            _ => "this moment is marked; Replay goes there with ]".to_owned(),
        };
        self.notice = Some(Notice { text, bad: false });
    }
}
