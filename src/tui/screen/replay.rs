//! Replay: a session as it happened: played, held, stepped, sought; drawn by the same charts and panels
//! as a live run, or as the screen that was looked at then, beside what was done at the terminal.
//!
//! | file | holds |
//! |---|---|
//! | `bar.rs` | the bar to seek in, and where one is |
//! | `done.rs` | what was done at the terminal |
//! | `past.rs` | what was known then, for the screens that were looked at |
//! | `place.rs` | where to go, as it is typed |

mod bar;
mod done;
mod past;
mod place;

use super::compare::CompareScreen;
use super::inspect::InspectScreen;
use super::log::LogScreen;
use super::runs::RunsScreen;
use super::system::SystemScreen;
use super::train::TrainScreen;
use super::{Screen, ScreenId, compare};
use crate::session::names::RunId;
use crate::session::sitting::Unmarked;
use crate::tui::app::{Effect, Purpose, READONLY, Shared};
use crate::tui::data::acts::Scene;
use crate::tui::data::joining::JoinPart;
use crate::tui::data::library::OpenRun;
use crate::tui::data::reel::{Reel, ReelOrder};
use crate::tui::keys::Action;
use crate::tui::msg::{Cmd, Work};
use crate::tui::picture::Key;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{bottom, paragraph};
use past::Past;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The screen. The player's state is in what all screens see.
#[derive(Debug, Default)]
pub struct ReplayScreen {
    train: TrainScreen,
    compare: CompareScreen,
    inspect: InspectScreen,
    runs: RunsScreen,
    system: SystemScreen,
    log: LogScreen,
    /// What the screens but the first look at.
    scene: Option<Scene>,
    /// What was known then, where one of these screens shows it.
    past: Option<Past>,
    /// The run alone, whatever was looked at then.
    run_alone: bool,
    /// The text that is looked for.
    wanted: String,
}

/// Below so many lines, the picture needs those of what was done.
const LOW: u16 = 14;

/// What is said where something asks for a replay before it was read.
const OPENING: &str = "the session is still being read; once more, in a moment";

fn order(order: ReelOrder) -> Vec<Effect> {
    vec![Effect::Do(Cmd::Work(Work::Reel(order)))]
}

/// The picture, what was done, and the bar.
fn layout(area: Rect, reel: &Reel, run_alone: bool) -> (Rect, Rect, Rect) {
    let (rest, bar) = bottom(area, bar::height(area));
    let alone = run_alone || reel.done.is_empty() || area.height < LOW;
    let lines = if alone { 0 } else { (area.height / 5).clamp(4, 9) };
    let (picture, done) = bottom(rest, lines);
    (picture, done, bar)
}

impl ReplayScreen {
    /// The screen that was looked at then, with what was known, where it can be drawn from what is kept.
    fn then(&self) -> Option<(&dyn Screen, &Past)> {
        let past = self.past.as_ref().filter(|_| !self.run_alone)?;
        let screen: &dyn Screen = match self.scene.as_ref()?.screen.as_str() {
            "compare" => &self.compare,
            "inspect" => &self.inspect,
            "runs" => &self.runs,
            "system" => &self.system,
            "log" => &self.log,
            _ => return None,
        };
        Some((screen, past))
    }

    /// Has a screen look at what was known, as it was looked at.
    fn look_back(&mut self, scene: &Scene, past: &Shared) {
        let screen: &mut dyn Screen = match scene.screen.as_str() {
            "compare" => &mut self.compare,
            "inspect" => &mut self.inspect,
            "runs" => &mut self.runs,
            "system" => &mut self.system,
            _ => &mut self.log,
        };
        if self.scene.as_ref() == Some(scene) {
            screen.refresh(past);
        } else {
            screen.restore(&scene.with, past);
            self.scene = Some(scene.clone());
        }
    }

    fn find(&self, forward: bool) -> Vec<Effect> {
        if self.wanted.is_empty() {
            return vec![Effect::Type(Purpose::Find, String::new())];
        }
        order(ReelOrder::Find(self.wanted.clone(), forward))
    }

    fn take_back(shared: &Shared, reel: &Reel) -> Vec<Effect> {
        if shared.readonly {
            return vec![Effect::Fail(READONLY.to_owned())];
        }
        let Some(marked) = reel.marked.iter().rfind(|marked| marked.time <= reel.time) else {
            return vec![Effect::Say("nobody marked a moment up to here".to_owned())];
        };
        let event = Unmarked { mark: marked.mark.clone() }.into();
        let work = Work::Record(reel.session.clone(), Box::new(event));
        let words = format!("mark taken back: {}", crate::tui::text::safe(&marked.label));
        vec![Effect::Say(words), Effect::Do(Cmd::Work(work))]
    }

    /// Has the program write the replay into a file.
    fn film(shared: &Shared, reel: &Reel, file: &str) -> Vec<Effect> {
        let file = file.trim();
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        let session = reel.session.to_string();
        let mut arguments = vec!["replay".to_owned(), session];
        match ending {
            _ if shared.readonly => return vec![Effect::Fail(READONLY.to_owned())],
            "cast" => {
                arguments
                    .extend([format!("--asciicast={file}"), format!("--speed={}", reel.speed)]);
            }
            "svg" | "txt" => {
                arguments.extend([format!("--frame={file}"), format!("--from={}", reel.time)]);
            }
            _ => {
                let words = format!("expected a file.cast, .svg or .txt, found {file:?}");
                return vec![Effect::Fail(words)];
            }
        }
        arguments.push("--json".to_owned());
        let what = format!("film of {}", shared.library.title(&reel.session));
        vec![Effect::Job(reel.session.clone(), what, arguments)]
    }
}

/// Why there is no replay to do something with.
fn unopened(shared: &Shared) -> String {
    let session = compare::session(shared);
    session.map_or("there is no session yet; n on Runs starts a run", |_| OPENING).to_owned()
}

/// The runs as they were; one that writes nothing more is what it is.
fn runs(shared: &Shared, reel: &Reel) -> BTreeMap<RunId, OpenRun> {
    let mut runs = reel.runs.clone();
    for (run, open) in &mut runs {
        if let Some(entry) = shared.library.run(run).filter(|_| reel.over.contains(run)) {
            open.status = entry.row.state;
        }
    }
    runs
}

impl Screen for ReplayScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Play => order(ReelOrder::Toggle),
            Action::StepForward => order(ReelOrder::Step(1)),
            Action::StepBack => order(ReelOrder::Step(-1)),
            Action::SecondsForward => order(ReelOrder::Seconds(5.0)),
            Action::SecondsBack => order(ReelOrder::Seconds(-5.0)),
            Action::MinuteForward => order(ReelOrder::Seconds(60.0)),
            Action::MinuteBack => order(ReelOrder::Seconds(-60.0)),
            Action::MarkNext => order(ReelOrder::Mark(true)),
            Action::MarkPrevious => order(ReelOrder::Mark(false)),
            Action::Faster => order(ReelOrder::Speed(true)),
            Action::Slower => order(ReelOrder::Speed(false)),
            Action::ToStart => order(ReelOrder::Share(0.0)),
            Action::ToEnd => order(ReelOrder::End),
            Action::Seek => vec![Effect::Type(Purpose::Seek, String::new())],
            Action::Find => vec![Effect::Type(Purpose::Find, self.wanted.clone())],
            Action::FindNext => self.find(true),
            Action::FindPrevious => self.find(false),
            Action::DoneNext => order(ReelOrder::Action(true)),
            Action::DonePrevious => order(ReelOrder::Action(false)),
            Action::Loop => order(ReelOrder::Loop),
            Action::AsItWas => {
                self.run_alone = !self.run_alone;
                Vec::new()
            }
            Action::TakeBack => match &shared.library.reel {
                Some(reel) => Self::take_back(shared, reel),
                None => vec![Effect::Fail(unopened(shared))],
            },
            // The session is known before it is read.
            Action::Film => match compare::session(shared) {
                Some(session) => vec![Effect::Type(Purpose::Film, format!("{session}.cast"))],
                None => vec![Effect::Fail(unopened(shared))],
            },
            Action::Live => match &shared.library.reel {
                Some(reel) => match reel.latest.clone() {
                    Some(run) => vec![Effect::Focus(run), Effect::Go(ScreenId::Train)],
                    None => vec![Effect::Fail("no run has begun up to here".to_owned())],
                },
                None => vec![Effect::Fail(unopened(shared))],
            },
            _ => Vec::new(),
        }
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        self.train.entered(shared);
        let Some(session) = compare::session(shared) else { return Vec::new() };
        if shared.library.reel.as_ref().is_some_and(|reel| reel.session == *session) {
            return Vec::new();
        }
        order(ReelOrder::Open(session.clone()))
    }

    fn submitted(&mut self, purpose: Purpose, text: &str, shared: &Shared) -> Vec<Effect> {
        let Some(reel) = &shared.library.reel else {
            return vec![Effect::Fail(unopened(shared))];
        };
        match purpose {
            Purpose::Seek => match place::place(text, reel) {
                Ok(to) => order(to),
                Err(why) => vec![Effect::Fail(why)],
            },
            Purpose::Find => {
                text.clone_into(&mut self.wanted);
                if text.is_empty() { Vec::new() } else { self.find(true) }
            }
            Purpose::Film => Self::film(shared, reel, text),
            _ => Vec::new(),
        }
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        let mut with = Map::new();
        if let Some(reel) = &shared.library.reel {
            with.insert("at".to_owned(), reel.time.to_string().into());
        }
        with
    }

    fn refresh(&mut self, shared: &Shared) {
        let reel = shared.library.reel.as_ref();
        let Some((reel, now)) = reel.and_then(|reel| Some((reel, reel.scene.as_ref()?))) else {
            (self.scene, self.past) = (None, None);
            return;
        };
        // Results may come after the moment that shows them.
        let known =
            !past::of_results(&now.screen) || shared.library.results.contains_key(&reel.session);
        if !known || !past::shows(&now.screen) {
            (self.scene, self.past) = (None, None);
            return;
        }
        let past = Past::of(shared, reel, now, self.past.take());
        past.show(shared, |then| self.look_back(now, then));
        self.past = Some(past);
    }

    fn click(&mut self, column: u16, row: u16, area: Rect, _shared: &Shared) -> Vec<Effect> {
        let bar = bottom(area, bar::height(area)).1;
        if row < bar.y {
            return Vec::new();
        }
        let share = f64::from(column.saturating_sub(bar.x + 1))
            / f64::from(bar.width.saturating_sub(3).max(1));
        order(ReelOrder::Share(share.clamp(0.0, 1.0)))
    }

    fn joins(&self, shared: &Shared) -> Option<Vec<JoinPart>> {
        let (screen, past) = self.then()?;
        past.show(shared, |then| screen.joins(then))
    }

    fn slots(&self, shared: &Shared, area: Rect) -> Vec<(Key, Rect)> {
        let (Some(reel), Some((screen, past))) = (&shared.library.reel, self.then()) else {
            return Vec::new();
        };
        let area = layout(area, reel, self.run_alone).0;
        past.show(shared, |then| screen.slots(then, area))
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let Some(reel) = &shared.library.reel else {
            let words = match compare::session(shared) {
                Some(_) => "Opening the session...".to_owned(),
                None => super::no_session(shared),
            };
            let inner = Rect {
                x: area.x + 2,
                y: area.y + 1,
                width: area.width.saturating_sub(4),
                height: area.height.saturating_sub(1),
            };
            paragraph(shared, buffer, inner, Role::Text, &words);
            return;
        };
        let (picture, done, bar) = layout(area, reel, self.run_alone);
        let runs = runs(shared, reel);
        let latest = reel.latest.as_ref().filter(|run| runs.contains_key(*run));
        if let Some((screen, past)) = self.then() {
            past.show(shared, |then| screen.view(then, picture, buffer));
        } else if let Some(run) = latest.or_else(|| runs.keys().next()) {
            self.train.picture(shared, run, &runs, reel.time, picture, buffer);
        } else {
            let words = "Nothing has happened yet.\n\nspace   plays\n]       goes to the next mark";
            paragraph(
                shared,
                buffer,
                Rect {
                    x: picture.x + 2,
                    y: picture.y + 1,
                    width: picture.width.saturating_sub(4),
                    height: picture.height.saturating_sub(1),
                },
                Role::Dim,
                words,
            );
        }
        if done.height > 0 {
            done::draw(shared, reel, done, buffer);
        }
        bar::draw(shared, reel, bar, buffer);
    }

    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        vec![
            Action::Play,
            Action::StepForward,
            Action::SecondsForward,
            Action::MarkNext,
            Action::Faster,
            Action::ToStart,
            Action::Live,
            Action::Seek,
            Action::Find,
            Action::DoneNext,
            Action::Bookmark,
        ]
    }
}

#[cfg(test)]
mod joined_tests;
#[cfg(test)]
mod results_tests;
#[cfg(test)]
mod tests;
