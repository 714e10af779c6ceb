//! The threads that work beside the terminal; no key waits for them. The one in this file reads files: it
//! finds runs, follows their logs, reads results.
//!
//! | file | holds |
//! |---|---|
//! | `orders.rs` | who does what, and leaving |
//! | `post.rs` | what they tell the terminal |
//! | `clerk.rs` | the thread that sends commands, starts programs and records |
//! | `player.rs`, `reel.rs` | the thread of the Replay screen, and the session it plays |
//! | `recorder.rs` | what was done here, written into its sessions |
//! | `follow.rs` | a run's log, followed |
//! | `samples.rs` | the samples of its machine |
//! | `results.rs`, `inspected.rs` | a session's results; which sessions have queries to inspect |
//! | `noted.rs` | what people noted, tagged, pinned and asked |
//! | `weights.rs`, `weighted.rs` | whose weights are here: of encoders that are asked, of runs |
//! | `pictures.rs`, `own.rs`, `estimator.rs`, `joining.rs`, `asker.rs` | threads and children for one thing each |

mod asker;
mod clerk;
mod estimator;
mod follow;
mod inspected;
pub(super) mod joining;
mod noted;
mod orders;
mod own;
mod pictures;
mod player;
mod post;
mod recorder;
pub(super) mod reel;
pub(super) mod results;
mod samples;
mod weighted;
mod weights;

use super::data::library::{MachineSample, RunEntry, SessionEntry};
use super::data::looked::LookShown;
use super::msg::{News, Work};
use crate::ids::SessionId;
use crate::machine::{Gpus, Machine, Sampler, disk, memory_used};
use crate::session::Time;
use crate::session::folder::{Session, list_sessions};
use crate::session::follow::logs_in;
use crate::session::names::RunId;
use follow::Followed;
pub use orders::{Orders, start};
use post::Post;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

/// Where things are.
#[derive(Clone, Debug)]
pub struct Places {
    /// Sessions.
    pub sessions: PathBuf,
    /// Checkpoints.
    pub checkpoints: PathBuf,
    /// Variables for the programs that are started, beside this one's own environment.
    pub environment: Vec<(String, OsString)>,
}

/// How often logs are looked at.
const POLL: Duration = Duration::from_millis(250);
/// How often folders are, and everything while no run is live.
const LOOK: Duration = Duration::from_secs(1);
/// How often the machine is sampled.
const SAMPLE: Duration = Duration::from_secs(2);
/// How soon after the first look, which tells nothing of its cores, the second one follows.
const SECOND_SAMPLE: Duration = Duration::from_millis(300);

/// Says what went wrong.
fn failed(post: &Post, text: &str) {
    post.say(News::Failed(text.to_owned()));
}

/// Everything there is, read to its end at once: sessions, all runs, the watched ones in full, and the
/// results of their sessions. For pictures of screens, without a terminal and without a thread.
#[must_use]
pub fn read_once(sessions: &Path, watched: &BTreeSet<RunId>, now: Time) -> Vec<News> {
    let mut news = Vec::new();
    let ids = list_sessions(sessions).unwrap_or_default();
    news.push(News::Sessions(ids.iter().filter_map(|id| session_entry(sessions, id)).collect()));
    news.extend(inspected::Inspected::default().look(sessions, &ids).map(News::Inspected));
    for session in &ids {
        news.extend(read_session(sessions, session, watched, now));
    }
    news
}

/// The same of one session.
#[must_use]
pub fn read_session(
    sessions: &Path,
    session: &SessionId,
    watched: &BTreeSet<RunId>,
    now: Time,
) -> Vec<News> {
    let mut news = Vec::new();
    let folder = sessions.join(session.as_str());
    for run in logs_in(&folder).unwrap_or_default().into_keys() {
        let id = RunId { session: session.clone(), run };
        let mut followed = Followed::new(&folder, watched.contains(&id));
        while followed.poll(&id, now, &mut news) {}
    }
    if watched.iter().any(|run| run.session == *session) {
        news.push(News::Results(session.clone(), results::read(&folder)));
    }
    news
}

/// Pictures of a session, made ready at once: for pictures of screens.
#[must_use]
pub fn make_pictures(sessions: &Path, order: &Work) -> Vec<News> {
    let Work::Pictures(session, keys, graphics, cell) = order else { return Vec::new() };
    let mut maker = pictures::Maker::new(sessions, pictures::Loose::default());
    let (session, graphics, cell) = (session.clone(), *graphics, *cell);
    let order = pictures::Order { session, keys: Vec::new(), graphics, cell };
    keys.iter().map(|key| News::Picture(key.clone(), maker.make(&order, key))).collect()
}

/// A session as lists show it.
pub(super) fn session_entry(sessions: &Path, id: &SessionId) -> Option<SessionEntry> {
    let session = Session::open(sessions, id).ok()?;
    let card = session.card();
    Some(SessionEntry { id: id.clone(), title: card.title.clone(), created: card.created })
}

struct Worker {
    places: Places,
    post: Post,
    /// By session: when its folder last changed.
    folders: BTreeMap<SessionId, Option<SystemTime>>,
    /// By session: when its folder of results last changed, for those asked for.
    results: BTreeMap<SessionId, Option<SystemTime>>,
    inspected: inspected::Inspected,
    noted: noted::Noted,
    runs: BTreeMap<RunId, Followed>,
    watched: BTreeSet<RunId>,
    scanned: bool,
    looked: Option<Instant>,
    sampling: Option<Sampling>,
    asker: Option<asker::Asker>,
    /// Started with the first estimate.
    estimator: Option<Sender<Vec<String>>>,
    pictures: Sender<pictures::Order>,
    loose: pictures::Loose,
    /// Whether anybody still listens.
    heard: bool,
}

struct Sampling {
    machine: Machine,
    sampler: Sampler,
    gpus: Option<Gpus>,
    last: Option<Instant>,
    looks: u64,
}

impl Sampling {
    /// How long until the next sample is due.
    fn wait(&self) -> Duration {
        let every = if self.looks < 2 { SECOND_SAMPLE } else { SAMPLE };
        self.last.map_or(Duration::ZERO, |last| every.saturating_sub(last.elapsed()))
    }
}

impl Worker {
    fn new(places: Places, post: Post) -> Self {
        let loose = pictures::Loose::default();
        let pictures = pictures::start(&places.sessions, loose.clone(), post.messages());
        Self {
            places,
            post,
            folders: BTreeMap::new(),
            results: BTreeMap::new(),
            inspected: inspected::Inspected::default(),
            noted: noted::Noted::default(),
            runs: BTreeMap::new(),
            watched: BTreeSet::new(),
            scanned: false,
            looked: None,
            sampling: None,
            asker: None,
            estimator: None,
            pictures,
            loose,
            heard: true,
        }
    }

    fn say(&mut self, news: News) {
        self.heard &= self.post.say(news);
    }

    fn run(mut self, orders: &Receiver<Work>) {
        while self.heard {
            if self.looked.is_none_or(|at| at.elapsed() >= LOOK) {
                self.look();
                self.looked = Some(Instant::now());
            }
            let busy = self.poll();
            self.sample();
            let wait = match () {
                () if busy => Duration::ZERO,
                () if self.runs.values().any(Followed::moves) => POLL,
                () => LOOK,
            };
            let second = self.sampling.as_ref().filter(|sampling| sampling.looks < 2);
            let wait = second.map_or(wait, |sampling| sampling.wait().min(wait));
            match orders.recv_timeout(wait) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok(order) = orders.try_recv() {
                self.obey(order);
            }
        }
    }

    fn obey(&mut self, order: Work) {
        match order {
            Work::Watch(watched) => {
                self.watched = watched;
                for (id, run) in &mut self.runs {
                    run.watch(self.watched.contains(id));
                }
            }
            Work::Sample(on) => {
                let new = || Sampling {
                    machine: Machine::look(),
                    sampler: Sampler::default(),
                    gpus: Gpus::open(),
                    last: None,
                    looks: 0,
                };
                self.sampling = on.then(new);
            }
            Work::Results(session) => {
                self.results.insert(session.clone(), None);
                self.read_results(&session);
            }
            Work::Forget(session) => drop(self.results.remove(&session)),
            Work::Join(parts) => {
                joining::start(self.places.sessions.clone(), parts, self.post.messages());
            }
            Work::Pictures(session, keys, graphics, cell) => {
                let _ = self.pictures.send(pictures::Order { session, keys, graphics, cell });
            }
            Work::Ask { arguments, question } => {
                let runs = self.runs.keys();
                let missing = weights::missing(&self.places, runs, &arguments, &question);
                let asked = missing.map_or_else(|| self.ask(arguments, &question), Err);
                own::start(&question, self.loose.clone(), self.post.messages());
                if let Err(why) = asked {
                    self.asker = None;
                    let id = question["id"].as_str().unwrap_or_default().to_owned();
                    self.say(News::Unanswered(vec![id], why));
                }
            }
            Work::Look(id, arguments) => self.look_into(id, arguments),
            Work::Estimate(arguments) => {
                let (places, post) = (&self.places, &self.post);
                let start = || estimator::start(places.clone(), post.messages());
                // A thread that is gone has failed: nothing is estimated any more.
                let _ = self.estimator.get_or_insert_with(start).send(arguments);
            }
            // Other threads do that.
            Work::Reel(_)
            | Work::Record(..)
            | Work::Begin(_)
            | Work::Theme(_)
            | Work::Send(..)
            | Work::Job(..)
            | Work::Launch { .. } => {}
        }
    }

    fn ask(&mut self, arguments: Vec<String>, question: &Value) -> Result<(), String> {
        // One that serves others is dropped here, and ends.
        let serving = self.asker.take().filter(|asker| asker.serves(&arguments));
        if let Some(mut asker) = serving
            && asker.ask(question).is_ok()
        {
            self.asker = Some(asker);
            return Ok(());
        }
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let Places { sessions, checkpoints, environment } = &self.places;
        let more = [
            "--sessions".as_ref(),
            sessions.as_os_str(),
            "--checkpoints".as_ref(),
            checkpoints.as_os_str(),
        ];
        let mut asker = asker::Asker::start(
            program.as_os_str(),
            arguments,
            &more,
            environment,
            self.post.messages(),
        )?;
        asker.ask(question)?;
        self.asker = Some(asker);
        Ok(())
    }

    /// Has the program look into an encoder; the picture it saw is kept for the screen.
    fn look_into(&self, id: u64, arguments: Vec<String>) {
        let (places, post) = (self.places.clone(), self.post.clone());
        let loose = self.loose.clone();
        std::thread::spawn(move || {
            let read = super::child::document(&places, &arguments).and_then(LookShown::read);
            let answer = read.map(|(shown, picture)| {
                if let Some(bytes) = picture {
                    loose.put(bytes);
                }
                Box::new(shown)
            });
            post.say(News::Looked(id, answer));
        });
    }

    /// Finds sessions and runs that are new, and those that are gone.
    fn look(&mut self) {
        let Ok(sessions) = list_sessions(&self.places.sessions) else { return };
        let known: BTreeSet<&SessionId> = self.folders.keys().collect();
        if !self.scanned || known != sessions.iter().collect() {
            let entry = |id: &SessionId| session_entry(&self.places.sessions, id);
            let entries = sessions.iter().filter_map(entry).collect();
            self.say(News::Sessions(entries));
        }
        if let Some(inspected) = self.inspected.look(&self.places.sessions, &sessions) {
            self.say(News::Inspected(inspected));
        }
        if let Some(runs) = self.inspected.weights.look(&self.places.checkpoints, &sessions) {
            self.say(News::Weights(runs));
        }
        self.folders.retain(|id, _| sessions.contains(id));
        self.noted.keep(&sessions);
        let gone: Vec<RunId> =
            self.runs.keys().filter(|run| !sessions.contains(&run.session)).cloned().collect();
        for run in gone {
            self.runs.remove(&run);
            self.say(News::Gone(run));
        }
        for session in &sessions {
            let folder = self.places.sessions.join(session.as_str());
            let changed = std::fs::metadata(&folder).and_then(|data| data.modified()).ok();
            let same = self.folders.get(session) == Some(&changed) && changed.is_some();
            if let Some(sittings) = self.noted.look(session, &folder, !same) {
                self.say(News::Sittings(session.clone(), Box::new(sittings)));
            }
            if same {
                continue;
            }
            self.folders.insert(session.clone(), changed);
            let logs = logs_in(&folder).unwrap_or_default();
            for (run, segments) in logs {
                let id = RunId { session: session.clone(), run };
                let watched = self.watched.contains(&id);
                let followed =
                    self.runs.entry(id.clone()).or_insert_with(|| Followed::new(&folder, watched));
                followed.seen(segments.len());
            }
        }
        let asked: Vec<SessionId> = self.results.keys().cloned().collect();
        for session in asked {
            let folder = self.places.sessions.join(session.as_str()).join("results");
            let changed = std::fs::metadata(&folder).and_then(|data| data.modified()).ok();
            if self.results.get(&session).is_some_and(|before| *before != changed) {
                self.read_results(&session);
            }
        }
    }

    fn read_results(&mut self, session: &SessionId) {
        let folder = self.places.sessions.join(session.as_str());
        let changed =
            std::fs::metadata(folder.join("results")).and_then(|data| data.modified()).ok();
        self.results.insert(session.clone(), changed);
        let results = results::read(&folder);
        self.say(News::Results(session.clone(), results));
    }

    /// Reads on in every log that has more; whether there is still more to read.
    fn poll(&mut self) -> bool {
        let now = Time::now();
        let mut busy = false;
        let mut news = Vec::new();
        // Runs looked at come first, then the newest: a name begins with its session's time.
        let mut order: Vec<RunId> =
            self.watched.iter().filter(|id| self.runs.contains_key(*id)).cloned().collect();
        order.extend(self.runs.keys().rev().filter(|id| !self.watched.contains(*id)).cloned());
        let began = Instant::now();
        for id in order {
            // Orders are looked at between slices of work.
            if began.elapsed() > Duration::from_millis(200) {
                busy = true;
                break;
            }
            let Some(run) = self.runs.get_mut(&id) else { continue };
            busy |= run.poll(&id, now, &mut news);
        }
        for one in news {
            self.say(one);
        }
        if !self.scanned && !busy {
            self.scanned = true;
            self.say(News::Scanned);
        }
        busy
    }

    fn sample(&mut self) {
        let Some(sampling) = &mut self.sampling else { return };
        if !sampling.wait().is_zero() {
            return;
        }
        sampling.last = Some(Instant::now());
        sampling.looks += 1;
        let disks =
            [("sessions", &self.places.sessions), ("checkpoints", &self.places.checkpoints)];
        let disks = disks.into_iter().filter_map(|(name, path)| {
            let (free, all) = disk(path).ok()?;
            Some((name.to_owned(), free, all))
        });
        let sample = MachineSample {
            time: Some(Time::now()),
            host: sampling.machine.host.clone(),
            processor: sampling.machine.processor.clone(),
            cores: sampling.sampler.cores(),
            load: None,
            first: sampling.looks == 1,
            memory: memory_used(),
            disks: disks.collect(),
            gpus: sampling.gpus.as_ref().map(Gpus::sample).unwrap_or_default(),
        };
        self.say(News::Machine(Box::new(sample)));
    }
}

/// A run's entry is made where its log is followed.
type Entry = Box<RunEntry>;
