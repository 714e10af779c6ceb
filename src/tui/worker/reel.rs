//! The player of the Replay screen: it reads lines as its clock passes them, beside the terminal.

use crate::ids::SessionId;
use crate::session::event::Ending;
use crate::session::fold::{RunState, Waiting};
use crate::session::names::RunId;
use crate::session::replay::{Entries, Entry, Player, Timeline};
use crate::session::tail::Oddities;
use crate::session::{RunStatus, Time};
use crate::tui::data::alerts::Alerts;
use crate::tui::data::library::{OpenRun, Reading};
use crate::tui::data::reel::{Reel, ReelOrder};
use crate::tui::data::story::Story;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records before the present that are put into sentences.
const STORY: usize = 400;
/// Between two pictures while it plays.
const FRAME: Duration = Duration::from_millis(100);

/// A session that is played.
pub struct Playing {
    session: SessionId,
    player: Player<Timeline>,
    at: Instant,
}

impl Playing {
    /// Opens a session, held at its end.
    pub fn open(sessions: &Path, session: &SessionId) -> Result<Self, String> {
        let timeline =
            Timeline::open(&sessions.join(session.as_str())).map_err(|error| error.to_string())?;
        let mut player = Player::new(timeline);
        let end = player.entries().len();
        player.seek(end);
        Ok(Self { session: session.clone(), player, at: Instant::now() })
    }

    /// Does what it is asked for.
    pub fn obey(&mut self, order: &ReelOrder) {
        self.at = Instant::now();
        let player = &mut self.player;
        match order {
            ReelOrder::Open(_) | ReelOrder::Close => {}
            ReelOrder::Toggle => player.toggle(),
            ReelOrder::Step(by) => {
                let to = player
                    .position()
                    .saturating_add_signed(*by as isize)
                    .min(player.entries().len());
                player.seek(to);
            }
            ReelOrder::Seconds(by) => player.seek_by(*by),
            ReelOrder::Mark(true) => {
                player.next_mark();
            }
            ReelOrder::Mark(false) => {
                player.previous_mark();
            }
            ReelOrder::Speed(true) => player.faster(),
            ReelOrder::Speed(false) => player.slower(),
            ReelOrder::Share(share) => player.seek_share(*share),
        }
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
        if self.player.is_at_end() {
            self.player.pause();
        }
    }

    /// Whether time passes.
    pub fn is_playing(&self) -> bool {
        self.player.is_playing()
    }

    /// When the session begins and ends.
    pub fn span(&self) -> (Time, Time) {
        (self.player.start(), self.player.end())
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
    pub fn picture(&self) -> Reel {
        let player = &self.player;
        let (start, end) = (player.start(), player.end());
        let length = end.seconds_since(start).max(1e-9);
        let entries = player.entries();
        let marks = player
            .marks()
            .iter()
            .map(|at| entries.time(*at).seconds_since(start) / length)
            .collect();
        let mut latest = None;
        let mut stories: Vec<(RunId, Story, Alerts)> = Vec::new();
        for at in player.position().saturating_sub(STORY)..player.position() {
            let Some(Entry::Run(run, record)) = entries.entry(at) else { continue };
            let id = RunId { session: self.session.clone(), run };
            if !stories.iter().any(|(known, ..)| *known == id) {
                stories.push((id.clone(), Story::default(), Alerts::default()));
            }
            if let Some((_, story, alerts)) = stories.iter_mut().find(|(known, ..)| *known == id) {
                story.apply(&record);
                alerts.apply(&record);
            }
            latest = Some(id);
        }
        let open = |(run, state): (&crate::ids::RunName, &RunState)| {
            let id = RunId { session: self.session.clone(), run: run.clone() };
            let at = stories.iter().position(|(known, ..)| *known == id);
            let (story, alerts) = at
                .map_or_else(Default::default, |at| (stories[at].1.clone(), stories[at].2.clone()));
            let open = OpenRun {
                state: Arc::new(state.clone()),
                alerts: Arc::new(alerts),
                story: Arc::new(story),
                console: Arc::new(Vec::new()),
                device: Arc::default(),
                reading: Reading::default(),
                oddities: Oddities::default(),
                status: status(state),
            };
            (id, open)
        };
        Reel {
            session: self.session.clone(),
            position: player.position(),
            count: entries.len(),
            time: player.time(),
            start,
            end,
            playing: player.is_playing(),
            speed: player.speed(),
            marks,
            runs: player.moment().session.runs.iter().map(open).collect(),
            latest,
        }
    }
}

/// What a run was doing then, its runner taken to be there.
fn status(state: &RunState) -> RunStatus {
    match (&state.finished, state.waiting) {
        (Some(finished), _) => match finished.state {
            Ending::Done => RunStatus::Done,
            Ending::Stopped => RunStatus::Stopped,
            Ending::Failed => RunStatus::Failed,
        },
        (None, Waiting::No) => RunStatus::Live,
        (None, Waiting::Queued) => RunStatus::Queued,
        (None, Waiting::Paused) => RunStatus::Paused,
    }
}
