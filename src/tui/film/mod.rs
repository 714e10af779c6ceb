//! Screens of a session as files, drawn as on a terminal: one frame as SVG or text, or a replay as an
//! asciicast. No clock is read: the same session gives the same bytes.

mod cast;
mod svg;

pub use cast::cast;
pub use svg::svg;

use super::app::App;
use super::data::library::{MachineSample, OpenRun, RunEntry};
use super::data::reel::{Reel, ReelOrder};
use super::glyphs::Glyphs;
use super::keys::Key;
use super::msg::{Cmd, Msg, News, Work};
use super::picture::{CELL, Graphics};
use super::screen::ScreenId;
use super::theme::{Depth, Theme};
use super::worker::reel::Playing;
use super::worker::{joining, make_pictures, read_session, results, session_entry};
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::folder::Session;
use crate::session::follow::logs_in;
use crate::session::names::RunId;
use crate::session::sitting::read_sittings;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A moment of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Just before a step was made.
    Step(u64),
    /// A time.
    Time(Time),
}

/// How the screens are drawn.
#[derive(Clone, Debug)]
pub struct Look {
    /// `dark`, `light` or `mono`.
    pub theme: String,
    /// ASCII only.
    pub ascii: bool,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Which screen.
    pub screen: ScreenId,
    /// At which moment; the end where none is named.
    pub at: Option<Moment>,
    /// Keys pressed on it first.
    pub keys: Vec<Key>,
}

/// Why a session's screens cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum FilmError {
    /// A theme there is not.
    #[error("no theme {0:?}: expected auto, dark, light or mono")]
    Theme(String),
    /// A step nobody made.
    #[error("no run of {session} made step {step}")]
    Step {
        /// The session.
        session: SessionId,
        /// The step.
        step: u64,
    },
    /// The session cannot be read.
    #[error("{0}")]
    Session(String),
    /// The file cannot be written.
    #[error("the asciicast could not be written")]
    Write(#[from] std::io::Error),
}

/// A workbench on one session, driven by hand.
pub struct Film {
    app: App,
    playing: Playing,
    sessions: PathBuf,
    session: SessionId,
    size: (u16, u16),
    /// The moment that screens show, where it is not now.
    then: Option<Time>,
}

impl Film {
    /// Opens a session as the workbench would show it.
    pub fn open(sessions: &Path, session: &SessionId, look: &Look) -> Result<Self, FilmError> {
        let theme = Theme::named(&look.theme, Depth::True)
            .ok_or_else(|| FilmError::Theme(look.theme.clone()))?;
        let mut playing = Playing::open(sessions, session).map_err(FilmError::Session)?;
        match look.at {
            None => {}
            Some(Moment::Time(time)) => playing.seek_time(time),
            Some(Moment::Step(step)) if playing.seek_step(step) => {}
            Some(Moment::Step(step)) => {
                return Err(FilmError::Step { session: session.clone(), step });
            }
        }
        let now = playing.span().1;
        let app = App::new(theme, Depth::True, Glyphs { ascii: look.ascii }, true, now);
        let (sessions, session) = (sessions.to_owned(), session.clone());
        // A replay goes on, and needs to know what became of each run.
        let then = look.at.filter(|_| look.screen != ScreenId::Replay).map(|_| playing.time());
        let mut film = Self { app, playing, sessions, session, size: look.size, then };
        film.read(now, look);
        film.turn_to(look);
        Ok(film)
    }

    /// Everything the worker would have told by now.
    fn read(&mut self, now: Time, look: &Look) {
        let (width, height) = self.size;
        self.update(Msg::Resize { width, height });
        let plain = if self.app.shared.glyphs.ascii { Graphics::Off } else { Graphics::Halfblocks };
        self.update(Msg::Graphics { graphics: plain, cell: CELL });
        let folder = self.sessions.join(self.session.as_str());
        let run = |run| RunId { session: self.session.clone(), run };
        let runs: BTreeSet<RunId> =
            logs_in(&folder).unwrap_or_default().into_keys().map(run).collect();
        let mut news = Vec::new();
        let entry = session_entry(&self.sessions, &self.session);
        news.push(News::Sessions(entry.into_iter().collect()));
        news.extend(read_session(&self.sessions, &self.session, &runs, now));
        let sittings = match self.then {
            Some(_) => Some(self.playing.sittings().clone()),
            None => read_sittings(&folder).ok(),
        };
        let told = |sittings| News::Sittings(self.session.clone(), Box::new(sittings));
        news.extend(sittings.map(told));
        news.push(News::Scanned);
        if let Some(last) = runs.iter().next_back() {
            self.app.watch(last.clone());
        }
        let reel = self.playing.picture();
        let machine = reel.machine.clone().or_else(|| self.machine());
        news.extend(machine.map(Box::new).map(News::Machine));
        if look.at.is_some() {
            if self.then.is_some() {
                list_as_then(&reel, &mut news);
            }
            let then = reel.runs.iter().map(|(run, open)| (run.clone(), Box::new(open.clone())));
            news.extend(then.map(|(run, open)| News::Open(run, open)));
            self.app.update(Msg::Time(reel.time));
        }
        // The first time says which runs are looked at, the second what is known of them.
        for one in news.clone().into_iter().chain(news) {
            self.update(Msg::News(one));
        }
    }

    /// What the session's card says of its machine, where no run says more.
    fn machine(&self) -> Option<MachineSample> {
        let session = Session::open(&self.sessions, &self.session).ok()?;
        let card = session.card();
        Some(MachineSample {
            time: Some(card.created),
            host: card.host.clone(),
            processor: format!("{}, {} threads", card.device, card.threads),
            ..MachineSample::default()
        })
    }

    fn turn_to(&mut self, look: &Look) {
        let place = ScreenId::ALL.iter().position(|screen| *screen == look.screen).unwrap_or(0);
        if let Some(key) = Key::parse(&(place + 1).to_string()) {
            self.update(Msg::Key(key));
        }
        for key in &look.keys {
            self.update(Msg::Key(*key));
        }
    }

    /// Lets the model take a message in, and does at once what it asks for.
    fn update(&mut self, msg: Msg) {
        let mut commands = self.app.update(msg);
        // What answers ask for is done likewise; a model that always asks is not waited for.
        for _ in 0..8 {
            let news: Vec<News> =
                commands.into_iter().flat_map(|command| self.obey(command)).collect();
            if news.is_empty() {
                break;
            }
            commands = news.into_iter().flat_map(|news| self.app.update(Msg::News(news))).collect();
        }
    }

    fn obey(&mut self, command: Cmd) -> Vec<News> {
        match command {
            Cmd::Work(Work::Reel(order)) => {
                if !matches!(order, ReelOrder::Open(_) | ReelOrder::Close | ReelOrder::Away) {
                    // What cannot be done leaves the moment as it is.
                    let _ = self.playing.obey(&order);
                }
                vec![News::Reel(Some(Box::new(self.playing.picture())))]
            }
            Cmd::Work(Work::Results(session)) => {
                let mut results = results::read(&self.sessions.join(session.as_str()));
                if let Some(then) = self.then {
                    let first = self.playing.first();
                    results.retain(|one| one.was_there(then, first.get(&one.id).copied()));
                }
                vec![News::Results(session, results)]
            }
            Cmd::Work(Work::Join(parts)) => {
                let table = joining::join(&self.sessions, &parts);
                vec![News::Joined(parts, table)]
            }
            Cmd::Work(order @ Work::Pictures(..)) => make_pictures(&self.sessions, &order),
            _ => Vec::new(),
        }
    }

    /// The screen as it stands.
    #[must_use]
    pub fn frame(&self) -> Buffer {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        self.app.view(area, &mut buffer);
        buffer
    }

    /// The ground and the letters of its theme, as red, green and blue.
    #[must_use]
    pub fn ground(&self) -> ([u8; 3], [u8; 3]) {
        self.app.shared.theme.ground_colours()
    }

    /// Plays from its moment, or from the beginning where that is the end; `seen` gets each frame with
    /// the seconds since the first.
    fn play(
        &mut self,
        speed: f64,
        rewind: bool,
        mut seen: impl FnMut(f64, Buffer) -> std::io::Result<()>,
    ) -> std::io::Result<f64> {
        /// Frames a second.
        const RATE: u32 = 10;
        if rewind {
            self.playing.rewind();
        }
        self.playing.play_at(speed);
        let mut frames = 0_u32;
        loop {
            let reel = self.playing.picture();
            self.update(Msg::Time(reel.time));
            self.update(Msg::News(News::Reel(Some(Box::new(reel)))));
            let seconds = f64::from(frames) / f64::from(RATE);
            seen(seconds, self.frame())?;
            if frames > 0 && !self.playing.is_playing() {
                return Ok(seconds);
            }
            self.playing.roll(Duration::from_millis(1000 / u64::from(RATE)));
            frames += 1;
        }
    }
}

/// Lists runs as they were at a moment: those that had begun, each as far as it had come. Results are
/// read once they are asked for.
fn list_as_then(reel: &Reel, news: &mut Vec<News>) {
    let changed = |run: &RunId| !reel.over.contains(run);
    news.retain(|one| !matches!(one, News::Run(entry) if changed(&entry.id)));
    news.retain(|one| !matches!(one, News::Results(..)));
    let begun = reel.runs.iter().filter(|(run, open)| changed(run) && open.state.started.is_some());
    let entry = |(run, open): (&RunId, &OpenRun)| RunEntry::of(run, &open.state, open.status);
    news.extend(begun.map(entry).map(Box::new).map(News::Run));
}

/// A frame as plain text, a line a row.
#[must_use]
pub fn text(frame: &Buffer) -> String {
    let row = |y: u16| {
        let mut line = String::new();
        let mut x = 0;
        while x < frame.area.width {
            let symbol = frame[(x, y)].symbol();
            line.push_str(symbol);
            x += (super::text::width(symbol) as u16).max(1);
        }
        line.trim_end().to_owned() + "\n"
    };
    (0..frame.area.height).map(row).collect()
}
