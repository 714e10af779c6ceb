//! The loop on the real terminal: messages in, frames out, never more of them than the line can bear.

use super::app::{App, Shared};
use super::canvas::Canvas;
use super::data::library::RunEntry;
use super::frames::Frames;
use super::glyphs::Glyphs;
use super::msg::{Cmd, Msg, News};
use super::osc::{clipboard, tell};
use super::painter::{Painter, Pictures};
use super::picture::detect::{self, Answers, Surroundings};
use super::picture::{Choice, Graphics};
use super::theme::{Depth, Ground, Theme};
use super::worker::{self, Places};
use super::{input, report, terminal, watchdog};
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::names::RunId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How the workbench is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where sessions are.
    pub sessions: PathBuf,
    /// Where checkpoints are.
    pub checkpoints: PathBuf,
    /// `auto`, `dark`, `light` or `mono`.
    pub theme: String,
    /// ASCII only.
    pub ascii: bool,
    /// How pictures are to be shown.
    pub graphics: Choice,
    /// Write nothing anywhere.
    pub readonly: bool,
    /// Variables for the programs it starts, beside its own environment.
    pub environment: Vec<(String, OsString)>,
    /// A session to open on: new runs go into it.
    pub session: Option<SessionId>,
    /// A run to open on.
    pub run: Option<RunId>,
}

/// Why the workbench could not be opened, or ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// Not on a terminal.
    #[error(
        "the workbench needs a terminal on standard input and output, found none; `llm2clip runs` and `llm2clip watch` need none"
    )]
    NoTerminal,
    /// A theme there is not.
    #[error("no theme {0:?}: expected auto, dark, light or mono")]
    Theme(String),
    /// The terminal failed.
    #[error("the terminal failed")]
    Terminal(#[from] io::Error),
}

/// What goes on after the workbench is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Farewell {
    /// Runs that a runner still works for, with their states.
    pub running: Vec<String>,
    /// Comparisons and exports that were started here and are not done, with their sessions.
    pub at_work: Vec<String>,
    /// What was asked for here and is not done, and what failed at the very end.
    pub undone: Vec<String>,
}

/// Exit code after a panic, as Rust gives it.
const PANICKED: i32 = 101;

/// Opens the workbench and stays until it is left.
pub fn open(options: Options) -> Result<Farewell, WorkbenchError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(WorkbenchError::NoTerminal);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let depth = Depth::of_environment(variable);
    let mut theme = Theme::named(&options.theme, depth)
        .ok_or_else(|| WorkbenchError::Theme(options.theme.clone()))?;
    let around = Surroundings::of_environment(variable);
    let ground_is_found = options.theme == Theme::NAMES[0];
    if ground_is_found && around.light == Some(true) {
        theme.ground = Ground::Light;
    }
    let remote = variable("SSH_CONNECTION").is_some();
    let (width, height) = ratatui::crossterm::terminal::size()?;
    let mut app =
        App::new(theme, depth, Glyphs { ascii: options.ascii }, options.readonly, Time::now());
    app.shared.between = around.between();
    app.shared.here = std::env::current_dir().unwrap_or_default();
    if let Some(session) = options.session.clone() {
        app.stay_in(session);
    }
    if let Some(run) = options.run.clone() {
        app.watch(run);
    }
    let first = app.update(Msg::Resize { width, height });
    let (sender, messages) = channel();
    on_panic((!options.readonly).then(|| options.sessions.clone()));
    // Dropped after the painter, and before anybody says what failed.
    let (out, taken) = terminal::enter(&sender)?;
    watchdog::start(sender.clone())?;
    let mut painter = Painter::new(io::BufWriter::with_capacity(1 << 16, out));
    // The first frame comes before anything is looked at.
    painter.paint(frame(&app, Rect::new(0, 0, width, height)))?;
    if around.multiplexed {
        painter.through_a_multiplexer();
    }
    let question =
        detect::question(options.graphics, ground_is_found, &around, depth, options.ascii);
    if let Some(question) = &question {
        painter.raw(question)?;
        painter.flush()?;
    }
    let look =
        Look { choice: options.graphics, around, plain: detect::plain(depth, options.ascii) };
    let seen = sender.clone();
    let answered = move |answers: Answers| {
        let _ = seen.send(look.around(&answers));
        if let Some(light) = answers.light.filter(|_| ground_is_found) {
            let _ = seen.send(Msg::Ground { light });
        }
    };
    input::start(sender.clone(), (width, height), question.is_some(), answered)?;
    let Options { sessions, checkpoints, environment, .. } = options;
    let places = Places { sessions, checkpoints, environment };
    let (work, threads) = worker::start(places, sender);
    for command in first {
        if let Cmd::Work(order) = command {
            work.send(order);
        }
    }
    let area = Rect::new(0, 0, width, height);
    let purse = Purse::new(remote);
    let frames = Frames::new(remote);
    let stage = Stage { app, painter, work, area, frames, purse, alone: false };
    let ended = stage.run(&messages);
    drop(taken);
    let undone = threads.leave(&messages);
    Ok(Farewell { undone, ..ended? })
}

/// What decides the way pictures take.
struct Look {
    choice: Choice,
    around: Surroundings,
    plain: Graphics,
}

impl Look {
    /// Finds out how pictures can be shown.
    fn around(&self, answers: &Answers) -> Msg {
        let in_tmux = self.around.tmux && self.choice == Choice::Auto;
        let passed = if in_tmux { detect::outside_tmux() } else { None };
        let graphics =
            detect::decide(self.choice, &self.around, answers, passed.as_deref(), self.plain);
        Msg::Graphics { graphics, cell: detect::cell(answers) }
    }
}

/// Bytes that pictures may take: over SSH so many a second, on this machine as many as there are.
struct Purse {
    rate: Option<f64>,
    left: f64,
    filled: Instant,
}

/// Bytes of pictures a second over SSH.
const PICTURE_RATE: f64 = 64.0 * 1024.0;

impl Purse {
    fn new(remote: bool) -> Self {
        Self { rate: remote.then_some(PICTURE_RATE), left: PICTURE_RATE, filled: Instant::now() }
    }

    fn budget(&mut self) -> usize {
        let Some(rate) = self.rate else { return usize::MAX };
        self.left = (self.left + self.filled.elapsed().as_secs_f64() * rate).min(rate);
        self.filled = Instant::now();
        self.left.max(0.0) as usize
    }

    fn spend(&mut self, bytes: usize) {
        self.left -= bytes as f64;
    }
}

fn frame(app: &App, area: Rect) -> Buffer {
    // A terminal may claim any size; a frame has at most as many cells as a buffer can number.
    let area = Rect::new(0, 0, area.width.min(1000), area.height.min(500));
    let mut buffer = Buffer::empty(area);
    app.view(area, &mut buffer);
    buffer
}

struct Stage {
    app: App,
    painter: Painter<io::BufWriter<Canvas<File>>>,
    work: worker::Orders,
    area: Rect,
    frames: Frames,
    purse: Purse,
    /// Whether a thread beside this one is gone, and that was said.
    alone: bool,
}

/// Obeys commands in their order, then those that come of it, until none is left; false to leave.
fn obey_all(
    commands: Vec<Cmd>,
    mut obey: impl FnMut(Cmd) -> io::Result<Option<Vec<Cmd>>>,
) -> io::Result<bool> {
    let mut waiting = VecDeque::from(commands);
    while let Some(command) = waiting.pop_front() {
        match obey(command)? {
            Some(more) => waiting.extend(more),
            None => return Ok(false),
        }
    }
    Ok(true)
}

impl Stage {
    fn run(mut self, messages: &Receiver<Msg>) -> io::Result<Farewell> {
        let mut painted = Instant::now();
        let mut ticked = Instant::now();
        let (mut dirty, mut asked) = (false, false);
        loop {
            let due = self.frames.interval(asked);
            let wait = match (dirty, self.app.ticks()) {
                (true, _) => Some(due.saturating_sub(painted.elapsed())),
                (false, true) => Some(Duration::from_secs(1).saturating_sub(ticked.elapsed())),
                (false, false) => None,
            };
            let first = match wait {
                Some(wait) => match messages.recv_timeout(wait) {
                    Ok(msg) => Some(msg),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return Ok(self.farewell()),
                },
                None => match messages.recv() {
                    Ok(msg) => Some(msg),
                    Err(_) => return Ok(self.farewell()),
                },
            };
            let mut commands = Vec::new();
            if first.is_some() || ticked.elapsed() >= Duration::from_secs(1) {
                commands.extend(self.app.update(Msg::Time(Time::now())));
                ticked = Instant::now();
                dirty = true;
            }
            for msg in first.into_iter().chain(messages.try_iter().take(256)) {
                asked |= !matches!(msg, Msg::News(_) | Msg::Time(_) | Msg::Woken);
                if let Msg::Resize { width, height } = msg {
                    self.area = Rect::new(0, 0, width, height);
                }
                commands.extend(self.app.update(msg));
                dirty = true;
            }
            for news in self.work.news() {
                commands.extend(self.app.update(Msg::News(news)));
                dirty = true;
            }
            if !obey_all(commands, |command| self.obey(command))? {
                return Ok(self.farewell());
            }
            if dirty && painted.elapsed() >= self.frames.interval(asked) {
                self.app.shared.sent = self.painter.bytes();
                let pictures = Pictures {
                    graphics: self.app.shared.graphics_in_front(),
                    placed: self.app.placements(),
                    budget: self.purse.budget(),
                };
                let sent = self.painter.paint_with(frame(&self.app, self.area), &pictures)?;
                self.purse.spend(sent.pictures);
                self.frames.took(sent.took);
                painted = Instant::now();
                (dirty, asked) = (sent.waiting, false);
            }
        }
    }

    /// Does what the model asks for; what it then asks for, or nothing to leave.
    fn obey(&mut self, command: Cmd) -> io::Result<Option<Vec<Cmd>>> {
        let mut more = Vec::new();
        match command {
            Cmd::Quit => return Ok(None),
            Cmd::Suspend => {
                if terminal::suspend()? {
                    more = self.begin_anew()?;
                } else {
                    let why = "no shell waits behind this program: there is nothing to leave to";
                    more = self.app.update(Msg::Unable(why.to_owned()));
                }
            }
            Cmd::Resume => {
                terminal::resume()?;
                more = self.begin_anew()?;
            }
            Cmd::Repaint => self.painter.forget(),
            Cmd::Copy(text) => {
                self.painter.raw(&clipboard(&text))?;
                self.painter.flush()?;
            }
            Cmd::Tell(text) => {
                self.painter.raw(&tell(&text))?;
                self.painter.flush()?;
            }
            Cmd::Work(work) => {
                if !self.work.send(work) && !self.alone {
                    self.alone = true;
                    let news = News::Failed(
                        "a thread beside the terminal is gone; leave and open again".to_owned(),
                    );
                    more = self.app.update(Msg::News(news));
                }
            }
        }
        Ok(Some(more))
    }

    /// Nothing is known of what the terminal shows, nor of its size.
    fn begin_anew(&mut self) -> io::Result<Vec<Cmd>> {
        self.painter.forget();
        let (width, height) = ratatui::crossterm::terminal::size()?;
        self.area = Rect::new(0, 0, width, height);
        Ok(self.app.update(Msg::Resize { width, height }))
    }

    fn farewell(&mut self) -> Farewell {
        let _ = self.painter.drop_pictures();
        what_goes_on(&self.app.shared)
    }
}

fn what_goes_on(shared: &Shared) -> Farewell {
    let line = |run: &RunEntry| format!("{} {}", run.id, run.row.state);
    let jobs = shared.jobs.iter().filter(|job| job.is_under_way());
    Farewell {
        running: shared.library.live().map(line).collect(),
        at_work: jobs.map(|job| format!("{} for {}", job.words(), job.session)).collect(),
        undone: Vec::new(),
    }
}

/// A panic of this thread, or of the one that hears the keys, puts the terminal back and says where its
/// report is; one of another thread is printed, and so becomes lines of the Log screen, the first of
/// them with a report too.
fn on_panic(reports: Option<PathBuf>) {
    let stage = std::thread::current().id();
    let before = panic::take_hook();
    let told = AtomicBool::new(false);
    panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        let deaf = thread.name() == Some(input::THREAD);
        let ends = thread.id() == stage || deaf;
        if ends {
            terminal::leave();
        }
        before(info);
        // A picture that fails again and again is reported once.
        if ends || !told.swap(true, Ordering::Relaxed) {
            let who = if ends { "the workbench" } else { "a part of the workbench" };
            let said = report::keep(who, info, reports.as_deref());
            let _ = writeln!(io::stderr(), "{said}");
        }
        if deaf {
            std::process::exit(PANICKED);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::data::jobs::{Job, Progress};

    #[test]
    fn who_leaves_is_told_of_work_that_is_not_done() {
        let mut app = crate::tui::app::tests::app();
        assert_eq!(what_goes_on(&app.shared), Farewell::default());
        let session: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let under = Progress::Under("clip: encoding texts  64/500".to_owned());
        for (id, progress) in [(1, under), (2, Progress::Done(None))] {
            let (session, what) = (session.clone(), format!("comparison {id}"));
            app.shared.jobs.push(Job { id, session, what, compares: true, progress });
        }
        let said = what_goes_on(&app.shared);
        assert!(said.running.is_empty());
        let line = "comparison 1: clip: encoding texts  64/500 for 20261124-100000-night-bbbbbb";
        assert_eq!(said.at_work, [line]);
    }

    #[test]
    fn what_comes_of_a_command_is_obeyed_too() {
        let mut obeyed = Vec::new();
        let stays = obey_all(vec![Cmd::Suspend, Cmd::Repaint], |command| {
            let more = match &command {
                Cmd::Suspend => vec![Cmd::Copy("of it".to_owned())],
                _ => Vec::new(),
            };
            obeyed.push(command);
            Ok(Some(more))
        });
        assert!(stays.unwrap());
        assert_eq!(obeyed, [Cmd::Suspend, Cmd::Repaint, Cmd::Copy("of it".to_owned())]);
        let quits = |command| Ok((command != Cmd::Quit).then(Vec::new));
        assert!(!obey_all(vec![Cmd::Quit, Cmd::Repaint], quits).unwrap());
    }
}
