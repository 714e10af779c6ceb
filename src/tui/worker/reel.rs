//! The player of the Replay screen: it reads lines as its clock passes them, beside the terminal.
//!
//! | file | holds |
//! |---|---|
//! | `upto.rs` | what is folded of each run up to a moment |
//! | `told.rs` | what a run's log says up to there |
//! | `devices.rs` | what the runs' machines did up to there |
//! | `answers.rs` | typed queries as they stood |
//! | `first.rs` | when the records first tell of each result |
//! | `marks.rs` | what there is at the places to skip to |

mod answers;
mod devices;
mod first;
mod marks;
mod told;
mod upto;

use crate::ids::{RunName, SessionId};
use crate::session::Time;
use crate::session::fold::RunState;
use crate::session::names::RunId;
use crate::session::replay::{Entries, Entry, Found, Player, Timeline, line};
use crate::session::sitting::{Acted, SittingEvent, SittingState};
use crate::session::state::{LogLock, status_of};
use crate::session::tail::Oddities;
use crate::tui::data::acts::{Done, Scene, words};
use crate::tui::data::alerts::Alerts;
use crate::tui::data::library::{OpenRun, Reading};
use crate::tui::data::reel::{Gap, Marked, Reel, ReelOrder};
use answers::Answers;
use devices::Device;
use first::First;
use marks::Marks;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use told::Told;
use upto::Upto;

/// Records before the present of which each is looked at: for alerts, and for sentences on steps.
const STORY: usize = 400;
/// Between two pictures while it plays.
const FRAME: Duration = Duration::from_millis(100);
/// Between two looks for new records.
pub const GROW: Duration = Duration::from_millis(500);
/// Records one search goes through.
const SEARCH: usize = 200_000;
/// Actions told of before this moment, and after it.
const DONE: (usize, usize) = (8, 3);
/// Seconds of watching for which what the terminal showed stays.
const SCENE: f64 = 60.0;

/// A session that is played.
pub struct Playing {
    session: SessionId,
    player: Player<Timeline>,
    at: Instant,
    /// When new records were looked for.
    looked: Instant,
    /// The place of each run's last record.
    last: BTreeMap<RunName, usize>,
    devices: Upto<Device>,
    told: Upto<Told>,
    /// When each result is told of first.
    first: First,
    marks: Marks,
    answers: Answers,
}

impl Playing {
    /// Opens a session, held at the end of its runs.
    pub fn open(sessions: &Path, session: &SessionId) -> Result<Self, String> {
        let timeline =
            Timeline::open(&sessions.join(session.as_str())).map_err(|error| error.to_string())?;
        let mut player = Player::new(timeline);
        player.seek_end();
        let last = player.entries().last_of_runs();
        let (at, looked) = (Instant::now(), Instant::now());
        let (devices, told) = (Upto::default(), Upto::default());
        let (mut first, answers) = (First::default(), Answers::default());
        first.read(session, player.entries(), 0);
        let mut marks = Marks::default();
        marks.read(&player, 0);
        let session = session.clone();
        Ok(Self { session, player, at, looked, last, devices, told, first, marks, answers })
    }

    /// Takes in what was recorded since, where it is time to look; whether there was anything.
    pub fn grow(&mut self) -> bool {
        self.looked.elapsed() >= GROW && self.extend()
    }

    /// Takes in what was recorded since; whether there was anything.
    pub fn extend(&mut self) -> bool {
        self.looked = Instant::now();
        // What cannot be read now may be there the next time.
        let Ok(Some(from)) = self.player.extend() else { return false };
        self.last = self.player.entries().last_of_runs();
        self.devices.forget(from);
        self.told.forget(from);
        self.first.read(&self.session, self.player.entries(), from);
        self.marks.read(&self.player, from);
        self.answers = Answers::default();
        true
    }

    /// Does what it is asked for; why not, where it cannot.
    pub fn obey(&mut self, order: &ReelOrder) -> Result<(), String> {
        self.at = Instant::now();
        let player = &mut self.player;
        match order {
            ReelOrder::Open(_) | ReelOrder::Close | ReelOrder::Front => {}
            ReelOrder::Away => player.pause(),
            ReelOrder::Toggle => player.toggle(),
            ReelOrder::Step(by) => player.step(*by),
            ReelOrder::Seconds(by) => player.seek_by(*by),
            ReelOrder::Mark(forward) => {
                let found = if *forward { player.next_mark() } else { player.previous_mark() };
                if !found {
                    let which = if *forward { "later" } else { "earlier" };
                    let hint = "stages, checkpoints, warnings, results, and what m marks";
                    return Err(format!("no {which} mark: {hint}"));
                }
            }
            ReelOrder::Speed(true) => player.faster(),
            ReelOrder::Speed(false) => player.slower(),
            ReelOrder::Share(share) => player.seek_share(*share),
            ReelOrder::End => player.seek_end(),
            ReelOrder::MadeStep(step) => {
                if !player.seek_step(None, None, *step) {
                    return Err(format!("no run of this session made step {step}"));
                }
            }
            ReelOrder::Moment(time) => player.seek_time(*time),
            ReelOrder::Find(text, forward) => return self.find(text, *forward),
            ReelOrder::Action(forward) => {
                if !player.seek_action(*forward) {
                    let which = if *forward { "later" } else { "earlier" };
                    return Err(format!("no {which} action at the terminal is recorded"));
                }
            }
            ReelOrder::Loop => player.set_looping(!player.is_looping()),
        }
        Ok(())
    }

    fn find(&mut self, text: &str, forward: bool) -> Result<(), String> {
        let wanted = text.to_lowercase();
        let fits = |entry: &Entry| {
            let mut all = line(entry);
            if let Entry::Sitting(_, record) = entry {
                all.extend(words(&record.event, None));
            }
            all.to_lowercase().contains(&wanted)
        };
        let player = &mut self.player;
        let from = if forward { player.position() } else { player.position().saturating_sub(1) };
        match player.find(from, forward, SEARCH, fits) {
            Found::At(at) => player.seek(at + 1),
            Found::GoOn(at) => {
                player.seek(at);
                return Err(format!("{SEARCH} records do not hold {text:?}; again goes on"));
            }
            Found::None => {
                let which = if forward { "later" } else { "earlier" };
                return Err(format!("no {which} record holds {text:?}"));
            }
        }
        Ok(())
    }

    /// Goes to a moment.
    pub fn seek_time(&mut self, time: Time) {
        self.player.seek_time(time);
    }

    /// Goes to just before a step; whether any run made it.
    pub fn seek_step(&mut self, step: u64) -> bool {
        let found = self.player.seek_step(None, None, step);
        if found {
            self.player.step_back();
        }
        found
    }

    /// Goes to the beginning.
    pub fn rewind(&mut self) {
        self.player.seek(0);
    }

    /// Lets time pass at a speed, from here.
    pub fn play_at(&mut self, speed: f64) {
        self.player.set_speed(speed);
        self.player.play();
    }

    /// So much time has passed.
    pub fn roll(&mut self, elapsed: Duration) {
        self.player.advance(elapsed);
        if self.player.is_at_end() && !self.player.is_looping() {
            self.player.pause();
        }
    }

    /// Whether time passes.
    pub fn is_playing(&self) -> bool {
        self.player.is_playing()
    }

    /// What is played.
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// The moment.
    pub fn time(&self) -> Time {
        self.player.time()
    }

    /// When the session begins and ends.
    pub fn span(&self) -> (Time, Time) {
        (self.player.start(), self.player.last())
    }

    /// How long until the clock moves on; nothing while it is held.
    pub fn wait(&self) -> Option<Duration> {
        self.player.is_playing().then(|| FRAME.saturating_sub(self.at.elapsed()))
    }

    /// Lets the time since the last call pass; whether anything may have changed.
    pub fn pass(&mut self) -> bool {
        let elapsed = self.at.elapsed();
        if !self.player.is_playing() || elapsed < FRAME {
            return false;
        }
        self.at = Instant::now();
        self.player.advance(elapsed);
        true
    }

    /// What is to be seen.
    pub fn picture(&mut self) -> Reel {
        let (done, scene) = (self.done(), self.scene());
        let player = &self.player;
        let (start, end) = (player.start(), player.last());
        let entries = player.entries();
        let position = player.position();
        let devices = self.devices.seek(entries, position);
        let length = player.shown(end).max(1e-9);
        let share = |time: Time| (player.shown(time) / length).clamp(0.0, 1.0);
        let mark = |at: &usize| (share(entries.time(*at)), self.marks.kind(*at));
        let marks = player.marks().iter().map(mark).collect();
        let gap = |(shown, seconds): (f64, f64)| Gap { share: shown / length, seconds };
        let (counted, count) = player.counted();
        let marked = player.bookmarks().into_iter().map(|mark| Marked {
            mark: mark.mark.clone(),
            time: mark.time,
            share: share(mark.time),
            label: mark.label.clone(),
        });
        let named = |run: &RunName| RunId { session: self.session.clone(), run: run.clone() };
        let over = self.last.iter().filter(|(_, last)| **last < position);
        let from = position.saturating_sub(STORY);
        let mut told = self.told.seek(entries, from).clone();
        let mut alerts: BTreeMap<RunName, Alerts> = BTreeMap::new();
        let mut latest = None;
        for at in from..position {
            let Some(Entry::Run(run, record)) = entries.entry(at) else { continue };
            alerts.entry(run.clone()).or_default().apply(&record);
            told.entry(run.clone()).or_default().take(&record);
            latest = Some(named(&run));
        }
        let moment = player.moment();
        let asked = self.answers.at(&self.session, &moment.sittings);
        let open = |(run, state): (&RunName, &RunState)| {
            let story = told.get(run).map(|told| Arc::clone(&told.story));
            let device = devices.get(run).map(|device| Arc::clone(&device.history));
            let open = OpenRun {
                state: Arc::new(state.clone()),
                alerts: Arc::new(alerts.get(run).cloned().unwrap_or_default()),
                story: story.unwrap_or_default(),
                console: Arc::new(Vec::new()),
                device: device.unwrap_or_default(),
                reading: Reading::default(),
                oddities: Oddities::default(),
                // Of locks nothing is kept: a run that went on, and not after a long silence, had its
                // runner.
                status: status_of(state, LogLock::Unsupported, player.time()),
            };
            (named(run), open)
        };
        let after = |(run, told): (&RunName, &Told)| Some((named(run), told.after.clone()?));
        let sittings = SittingState {
            tags: moment.sittings.tags.clone(),
            pins: moment.sittings.pins.clone(),
            notes: moment.sittings.notes.clone(),
            ..SittingState::default()
        };
        Reel {
            session: self.session.clone(),
            position: counted,
            count,
            // Who moved about in a replay later did not make the session longer.
            time: player.time().min(end),
            start,
            end,
            playing: player.is_playing(),
            speed: player.speed(),
            looping: player.is_looping(),
            watched: (player.shown(player.time()), length),
            gaps: player.gaps().into_iter().map(gap).collect(),
            left_out: player.left_out(),
            marks,
            reached: self.marks.reached(player, self.last.len()),
            marked: marked.collect(),
            done,
            scene,
            over: over.map(|(run, _)| named(run)).collect(),
            runs: moment.session.runs.iter().map(open).collect(),
            latest,
            after: told.iter().filter_map(after).collect(),
            machine: devices::machine(devices, &moment.session.runs),
            sittings,
            asked,
            first: Arc::clone(self.first.times()),
        }
    }

    /// What was known of the sittings at this moment.
    pub fn sittings(&self) -> &SittingState {
        &self.player.moment().sittings
    }

    /// When the session's records first tell of each result, before this moment or after it.
    pub fn first(&self) -> &BTreeMap<String, Time> {
        self.first.times()
    }
}

impl Playing {
    fn sitting(&self, at: usize) -> Option<(Time, SittingEvent)> {
        match self.player.entries().entry(at)? {
            Entry::Sitting(_, record) => Some((record.time, record.event)),
            Entry::Run(..) | Entry::System(..) => None,
        }
    }

    /// What was done at the terminal around this moment.
    fn done(&self) -> Vec<Done> {
        let (actions, position) = (self.player.actions(), self.player.position());
        let here = actions.partition_point(|at| *at < position);
        let (from, to) = (here.saturating_sub(DONE.0), (here + DONE.1).min(actions.len()));
        let mut before: Option<Acted> = None;
        let mut told = Vec::new();
        // The one in front of the first is what that is told apart from.
        for at in &actions[from.saturating_sub(1)..to] {
            let Some((time, event)) = self.sitting(*at) else { continue };
            if let Some(words) = words(&event, before.as_ref()) {
                told.push((*at, Done { time, words, past: *at < position }));
            }
            if let SittingEvent::Acted(acted) = event {
                before = Some(acted);
            }
        }
        let first = actions.get(from).copied().unwrap_or(0);
        told.into_iter().filter(|(at, _)| *at >= first).map(|(_, done)| done).collect()
    }

    /// What the terminal showed at this moment: for a while after an action, and not where the runs
    /// end, which is where a session is opened.
    fn scene(&self) -> Option<Scene> {
        let player = &self.player;
        let position = player.position();
        let here = player.actions().partition_point(|at| *at < position);
        let before = player.actions()[..here].iter().rev().take(DONE.0);
        let found = before.map_while(|at| {
            let (time, event) = self.sitting(*at)?;
            let near = player.shown(player.time()) - player.shown(time) <= SCENE;
            (near && position != player.run_end()).then_some(event)
        });
        let acted = |event| if let SittingEvent::Acted(acted) = event { Some(acted) } else { None };
        found.into_iter().find_map(acted).as_ref().and_then(Scene::after)
    }
}

#[cfg(test)]
mod tests;
