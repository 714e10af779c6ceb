//! The model and its one way to change: a message comes in, work comes out. No I/O, no clock.

#[cfg(test)]
mod chaos_tests;
mod commanding;
#[cfg(test)]
mod compare_tests;
mod differ;
mod export;
mod finder;
mod footer;
mod forget;
mod form;
mod frame;
mod going;
mod held;
mod home;
#[cfg(test)]
mod inspect_tests;
mod joining;
pub mod look;
#[cfg(test)]
mod look_tests;
mod lookview;
mod mouse;
pub mod newcompare;
mod newcompareview;
pub mod newrun;
mod newrunview;
mod news;
mod nothere;
mod overlay;
mod pictures;
mod questions;
mod recording;
#[cfg(test)]
mod recording_tests;
#[cfg(test)]
mod runs_tests;
mod shared;
mod started;
mod tags;
#[cfg(test)]
pub(crate) mod tests;

pub use differ::Differ;
pub use overlay::{Overlay, Purpose};
pub use shared::{Effect, Question, READONLY, Request, Shared};

use super::data::jobs::{Job, Progress};
use super::glyphs::Glyphs;
use super::keys::{Action, Context, Key, action_of};
use super::msg::{Cmd, Msg, Work};
use super::picture::{Graphics, Key as PictureKey};
use super::screen::{
    Screen, ScreenId, compare::CompareScreen, inspect::InspectScreen, log::LogScreen,
    replay::ReplayScreen, runs::RunsScreen, system::SystemScreen, train::TrainScreen,
};
use super::theme::{Depth, Ground, Theme};
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::names::RunId;
use crate::session::sitting::{Pinned, SittingEvent, Subject, Unpinned};
use ratatui::layout::Rect;
use std::collections::BTreeSet;

/// Something said in the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    text: String,
    bad: bool,
}

/// The model.
#[derive(Debug)]
pub struct App {
    /// What all screens see.
    pub shared: Shared,
    screens: Screens,
    current: ScreenId,
    overlay: Option<Overlay>,
    notice: Option<Notice>,
    size: Rect,
    /// Colours the terminal has, whatever the theme uses.
    depth: Depth,
    watched: BTreeSet<RunId>,
    sampling: bool,
    /// Pictures that are on their way.
    awaited: Vec<PictureKey>,
    /// The session whose results are.
    awaiting: Option<SessionId>,
    started: Option<started::Started>,
    /// The theme that was told of last.
    themed: Option<&'static str>,
    home: home::Home,
    /// The session whose results are in front, and the one that was before.
    fronts: Vec<SessionId>,
    /// Whether Replay is in front; nothing: it never was.
    replays: Option<bool>,
}

#[derive(Debug, Default)]
struct Screens {
    runs: RunsScreen,
    train: TrainScreen,
    compare: CompareScreen,
    inspect: InspectScreen,
    replay: ReplayScreen,
    system: SystemScreen,
    log: LogScreen,
}

impl Screens {
    fn get(&self, id: ScreenId) -> &dyn Screen {
        match id {
            ScreenId::Runs => &self.runs,
            ScreenId::Train => &self.train,
            ScreenId::Compare => &self.compare,
            ScreenId::Inspect => &self.inspect,
            ScreenId::Replay => &self.replay,
            ScreenId::System => &self.system,
            ScreenId::Log => &self.log,
        }
    }

    fn get_mut(&mut self, id: ScreenId) -> &mut dyn Screen {
        match id {
            ScreenId::Runs => &mut self.runs,
            ScreenId::Train => &mut self.train,
            ScreenId::Compare => &mut self.compare,
            ScreenId::Inspect => &mut self.inspect,
            ScreenId::Replay => &mut self.replay,
            ScreenId::System => &mut self.system,
            ScreenId::Log => &mut self.log,
        }
    }
}

impl App {
    /// An empty workbench.
    #[must_use]
    pub fn new(theme: Theme, depth: Depth, glyphs: Glyphs, readonly: bool, now: Time) -> Self {
        Self {
            shared: Shared::new(theme, glyphs, readonly, now),
            screens: Screens::default(),
            current: ScreenId::Runs,
            overlay: None,
            notice: None,
            size: Rect::default(),
            depth,
            watched: BTreeSet::new(),
            sampling: false,
            awaited: Vec::new(),
            awaiting: None,
            started: None,
            themed: None,
            home: home::Home::default(),
            fronts: Vec::new(),
            replays: None,
        }
    }

    /// Opens on a run's Train screen.
    pub fn watch(&mut self, run: RunId) {
        self.shared.focus = Some(run);
        self.current = ScreenId::Train;
    }

    /// The screen in front.
    #[must_use]
    pub fn screen(&self) -> ScreenId {
        self.current
    }

    /// Whether something on the screen changes with time alone.
    #[must_use]
    pub fn ticks(&self) -> bool {
        self.shared.library.live().next().is_some()
            || self.shared.jobs.iter().any(Job::is_under_way)
            || matches!(self.current, ScreenId::System)
    }

    /// Takes a message in.
    pub fn update(&mut self, msg: Msg) -> Vec<Cmd> {
        let mut commands = Vec::new();
        match msg {
            Msg::Key(key) => self.key(key, &mut commands),
            Msg::Paste(text) => self.paste(&text),
            Msg::Click { column, row } => self.click(column, row, &mut commands),
            Msg::Wheel { lines, .. } => self.wheel(lines, &mut commands),
            Msg::Resize { width, height } => {
                self.resized(Rect::new(0, 0, width, height), &mut commands);
            }
            Msg::Suspend => commands.push(Cmd::Suspend),
            Msg::Resumed => commands.push(Cmd::Resume),
            Msg::Unable(text) => self.notice = Some(Notice { text, bad: true }),
            Msg::Time(now) => self.shared.now = now,
            Msg::Woken => {}
            Msg::Ground { light } => {
                self.shared.theme.ground = if light { Ground::Light } else { Ground::Dark };
            }
            Msg::Graphics { graphics, cell } => {
                self.shared.cell = cell;
                let mut ways = vec![graphics];
                ways.extend(
                    [Graphics::Halfblocks, Graphics::Off].iter().filter(|w| **w != graphics),
                );
                self.shared.ways = ways;
                self.show_by(graphics);
            }
            Msg::News(news) => self.news(news, &mut commands),
        }
        self.settle_overlay();
        self.follow(&mut commands);
        commands
    }

    /// Tells the worker which runs are looked at, when that has changed.
    fn follow(&mut self, commands: &mut Vec<Cmd>) {
        let mut wanted: BTreeSet<RunId> = self.shared.shown().into_iter().cloned().collect();
        // A command's answer stands in its run's log, whichever screen it was given on.
        wanted.extend(self.shared.requests.iter().map(|request| request.run.clone()));
        if self.current == ScreenId::System {
            wanted.extend(self.screens.system.looks_at().cloned());
        }
        if wanted != self.watched {
            self.shared.library.open.retain(|run, _| wanted.contains(run));
            self.watched.clone_from(&wanted);
            commands.push(Cmd::Work(Work::Watch(wanted)));
        }
        let sampling = match self.current {
            ScreenId::System => true,
            // Of a run that is over, only what was recorded is shown.
            ScreenId::Train => self
                .shared
                .focus
                .as_ref()
                .and_then(|run| self.shared.library.run(run))
                .is_some_and(|run| run.row.state.has_runner()),
            _ => false,
        };
        if sampling != self.sampling {
            self.sampling = sampling;
            commands.push(Cmd::Work(Work::Sample(sampling)));
        }
        let theme = self.shared.theme.name();
        if self.themed.replace(theme) != Some(theme) {
            commands.push(Cmd::Work(Work::Theme(theme)));
        }
        self.hold_reel(commands);
        self.await_results(commands);
        self.forget_results(commands);
        self.await_join(commands);
        self.await_estimate(commands);
        self.shared.covered = matches!(&self.overlay, Some(overlay) if overlay.is_sheet());
        self.await_pictures(commands);
    }

    /// Asks for the results that the screen in front shows: its session may only now be known.
    fn await_results(&mut self, commands: &mut Vec<Cmd>) {
        if !matches!(self.current, ScreenId::Compare | ScreenId::Inspect | ScreenId::Replay) {
            return;
        }
        let Some(session) = super::screen::compare::session(&self.shared) else { return };
        let known = self.shared.library.results.contains_key(session);
        if known || self.awaiting.as_ref() == Some(session) {
            return;
        }
        self.awaiting = Some(session.clone());
        commands.push(Cmd::Work(Work::Results(session.clone())));
    }

    fn key(&mut self, key: Key, commands: &mut Vec<Cmd>) {
        self.notice = None;
        if let Some(action) = overlay::of_the_program(key) {
            return self.act(action, commands);
        }
        if let Some(overlay) = &mut self.overlay {
            let held = overlay.held();
            let (keep, effects) = overlay.key(key, &self.shared, self.current);
            let typed = overlay.line().map(|(purpose, text)| (purpose, text.to_owned()));
            if !keep {
                self.overlay = None;
            }
            if let Some((purpose, text)) = typed {
                self.screens.get_mut(purpose.screen()).typed(&text, &self.shared);
            }
            if !keep && effects.is_empty() {
                self.record_closed(held, commands);
            }
            for effect in effects {
                self.overlaid(effect, commands);
            }
            return;
        }
        match action_of(key, self.current.contexts()) {
            Some(action) => self.act(action, commands),
            None => self.unbound(key),
        }
    }

    fn overlaid(&mut self, effect: overlay::Chosen, commands: &mut Vec<Cmd>) {
        match effect {
            overlay::Chosen::Action(action) => {
                // An action of another screen takes the user there.
                let context = action.entry().context;
                if !self.current.contexts().contains(&context)
                    && let Some(screen) = ScreenId::of(context)
                {
                    self.go(screen, commands);
                }
                self.act(action, commands);
            }
            overlay::Chosen::Effect(effect) => self.effect(effect, commands),
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(overlay) = &mut self.overlay {
            overlay.paste(text);
            if let Some((purpose, text)) =
                overlay.line().map(|(purpose, text)| (purpose, text.to_owned()))
            {
                self.screens.get_mut(purpose.screen()).typed(&text, &self.shared);
            }
        }
    }

    fn click(&mut self, column: u16, row: u16, commands: &mut Vec<Cmd>) {
        self.notice = None;
        if self.overlay.is_some() {
            return self.click_overlay(column, row, commands);
        }
        if row == 0 {
            if let Some(screen) = frame::tab_at(column, self.size.width) {
                self.act(screen.action(), commands);
            }
            return;
        }
        let area = frame::body(self.size);
        self.pointed(commands, |app| {
            app.screens.get_mut(app.current).click(column, row, area, &app.shared)
        });
    }

    fn act(&mut self, action: Action, commands: &mut Vec<Cmd>) {
        let before = self.standing();
        let mut made = Vec::new();
        self.perform(action, &mut made);
        // A line to type in is recorded once it is typed.
        if !matches!(self.overlay, Some(Overlay::Line { .. })) {
            self.record_action(action, &before, commands);
        }
        commands.append(&mut made);
    }

    fn perform(&mut self, action: Action, commands: &mut Vec<Cmd>) {
        match action {
            Action::ShowRuns => self.go(ScreenId::Runs, commands),
            Action::ShowTrain => self.go(ScreenId::Train, commands),
            Action::ShowCompare => self.go(ScreenId::Compare, commands),
            Action::ShowInspect => self.go(ScreenId::Inspect, commands),
            Action::ShowReplay => self.go(ScreenId::Replay, commands),
            Action::ShowSystem => self.go(ScreenId::System, commands),
            Action::ShowLog => self.go(ScreenId::Log, commands),
            Action::NextScreen => self.turn(1, commands),
            Action::PreviousScreen => self.turn(ScreenId::ALL.len() - 1, commands),
            Action::SessionNext => self.turn_session(false, commands),
            Action::SessionPrevious => self.turn_session(true, commands),
            Action::Help => self.overlay = Some(Overlay::help(self.current)),
            Action::Palette => self.overlay = Some(Overlay::palette(self.current)),
            Action::Theme => {
                self.shared.theme = self.shared.theme.next(self.depth);
                let why =
                    if self.depth == Depth::None { "; no colours are wanted here" } else { "" };
                let text = format!("theme: {}{why}", self.shared.theme.name());
                self.notice = Some(Notice { text, bad: false });
                commands.push(Cmd::Repaint);
            }
            Action::Repaint => commands.push(Cmd::Repaint),
            Action::Graphics => self.next_graphics(commands),
            Action::Encoder => self.overlay = Some(self.opened_look()),
            Action::Export => self.export(),
            Action::Bookmark => self.ask_bookmark(),
            Action::Suspend => commands.push(Cmd::Suspend),
            Action::Quit => commands.push(Cmd::Quit),
            action
                if action.entry().context == Context::Overlay
                    || action.entry().context == Context::Question => {}
            action => {
                let before = self.before(action);
                let effects = self.screens.get_mut(self.current).act(action, &self.shared);
                if effects.is_empty() {
                    self.say_why_not(action, before);
                }
                if action == Action::Back && effects.is_empty() && self.current != ScreenId::Runs {
                    self.go(ScreenId::Runs, commands);
                }
                for effect in effects {
                    self.effect(effect, commands);
                }
            }
        }
    }

    fn effect(&mut self, effect: Effect, commands: &mut Vec<Cmd>) {
        match effect {
            Effect::Do(command) => {
                let command = self.sent_home(command);
                self.record_command(&command, commands);
                if let Cmd::Work(Work::Send(run, command)) = &command {
                    self.requested(run.clone(), *command);
                }
                if let Cmd::Work(Work::Launch { arguments, what }) = &command {
                    self.starts(arguments, what);
                }
                if let Cmd::Work(Work::Join(parts)) = &command {
                    self.shared.library.joining.ask_again(parts);
                }
                commands.push(command);
            }
            Effect::Go(screen) => self.go(screen, commands),
            Effect::Session(id) => self.show_session(id, commands),
            Effect::Focus(run) => {
                self.shared.focus = Some(run);
                self.shared.session = None;
            }
            Effect::Mark(run) => {
                let marks = &mut self.shared.marks;
                match marks.iter().position(|marked| *marked == run) {
                    Some(at) => drop(marks.remove(at)),
                    None => marks.push(run),
                }
            }
            Effect::Unmark => self.shared.marks.clear(),
            Effect::Pin(run) => {
                let on = Subject::run(run.run.as_str());
                let event = if self.shared.pins.remove(&run) {
                    SittingEvent::from(Unpinned { on })
                } else {
                    self.shared.pins.insert(run.clone());
                    Pinned { on }.into()
                };
                self.record(&run.session, event, commands);
            }
            Effect::Tag(run, text) => self.tag(&run, &text, commands),
            Effect::Say(text) => self.notice = Some(Notice { text, bad: false }),
            Effect::Copy(what, text) => {
                self.notice = Some(Notice { text: self.shared.copied(&what), bad: false });
                commands.push(Cmd::Copy(text));
            }
            Effect::Type(purpose, text) => self.overlay = Some(Overlay::line_for(purpose, &text)),
            Effect::Open(overlay) => self.overlay = Some(*overlay),
            Effect::Command(run, action) => self.ask(&run, action),
            Effect::Fail(text) => self.notice = Some(Notice { text, bad: true }),
            Effect::Typed(purpose, text) => self.record_typed(purpose, &text, commands),
            Effect::Submit(Purpose::Bookmark, text) => self.bookmark(text, commands),
            Effect::Submit(purpose, text) => {
                let screen = self.screens.get_mut(purpose.screen());
                let effects = screen.submitted(purpose, &text, &self.shared);
                let done = !effects.iter().any(|effect| matches!(effect, Effect::Fail(_)));
                for effect in effects {
                    self.effect(effect, commands);
                }
                // A note is a record of its own.
                if done && purpose != Purpose::Note {
                    self.record_typed(purpose, &text, commands);
                }
            }
            Effect::Ask(session, arguments, question) => {
                self.put_question(session, arguments, question, commands);
            }
            Effect::Job(session, what, arguments) => {
                let id = self.shared.next_job();
                let (of, started) = (session.clone(), arguments.clone());
                self.notice = Some(Notice { text: format!("{what}: requested"), bad: false });
                let compares = arguments.first().is_some_and(|command| command == "compare");
                let progress = Progress::Requested;
                self.shared.jobs.push(Job { id, session, what, compares, progress });
                commands.push(Cmd::Work(Work::Job(id, arguments)));
                self.record_started(&of, &started, commands);
            }
            Effect::Look(encoder, asked, arguments) => {
                self.look(encoder, asked, arguments, commands);
            }
            Effect::Dismiss(session, id) => self.dismiss(&session, &id),
            Effect::Note(session, on, text) => self.note(&session, on, text, commands),
        }
        self.screens.runs.refresh(&self.shared);
    }
}
