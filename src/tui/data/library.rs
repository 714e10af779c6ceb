//! Everything the screens know: sessions, runs, and the runs that are looked at in full.

use super::alerts::Alerts;
use super::history::DeviceHistory;
use super::joining::Joining;
use super::judged::Judged;
use super::story::Story;
use crate::eval::classify::ClassifyDocument;
use crate::eval::{CompareDocument, InspectDocument};
use crate::ids::{SessionId, StageName};
use crate::recipe::Recipe;
use crate::session::fold::RunState;
use crate::session::names::RunId;
use crate::session::neighbours::NeighbourSet;
use crate::session::pace::Took;
use crate::session::runs::RunRow;
use crate::session::sitting::{SittingState, Subject};
use crate::session::state::LogLock;
use crate::session::tail::Oddities;
use crate::session::thumbnails::ItemsShown;
use crate::session::{RunStatus, Time};
use crate::tui::picture::Shelf;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A session as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    /// Its folder's name.
    pub id: SessionId,
    /// What people call it; any text.
    pub title: String,
    /// When it was opened.
    pub created: Time,
}

/// Who works for a run, and what that one waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runner {
    /// Its process, on the run's host.
    pub process: Option<u32>,
    /// Whether the run's newest log is locked.
    pub lock: Option<LogLock>,
    /// The run whose end it was told to wait for.
    pub after: Option<String>,
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEntry {
    /// Its name.
    pub id: RunId,
    /// What the list of runs says of it.
    pub row: RunRow,
    /// When its first segment began.
    pub began: Option<Time>,
    /// Time of its newest record.
    pub last: Option<Time>,
    /// Its place in its recipe, from 1, and how many stages that has.
    pub stage: (usize, usize),
    /// Share of all updates of all stages that is made, 0 to 1.
    pub share: f64,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Threads it computes on.
    pub threads: u32,
    /// The computer it ran on.
    pub host: String,
    /// The process at work for it.
    pub runner: Runner,
    /// Root of its random streams.
    pub seed: u64,
    /// Segments so far.
    pub segments: usize,
    /// Its training loss in about forty steps, for a spark line.
    pub spark: Vec<Option<f64>>,
    /// Warnings so far.
    pub warnings: u64,
    /// Why it ended, where it says.
    pub reason: Option<String>,
    /// Its resolved recipe; nothing where this version cannot read it.
    pub recipe: Option<Arc<Recipe>>,
    /// What each stage took that made some steps.
    pub pace: Vec<(StageName, Took)>,
    /// Checkpoints it saved and has not removed: stage and step, the newest last.
    pub saved: Vec<(StageName, u64)>,
    /// Bytes of its newest checkpoint; 0 where it saved none.
    pub checkpoint: u64,
}

/// How far a log has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Bytes read.
    pub read: u64,
    /// Bytes there.
    pub total: u64,
}

/// All that is known of a run that is looked at.
#[derive(Clone, Debug)]
pub struct OpenRun {
    /// The fold of its log.
    pub state: Arc<RunState>,
    /// What asks to be seen.
    pub alerts: Arc<Alerts>,
    /// Its records in sentences.
    pub story: Arc<Story>,
    /// The end of what it printed.
    pub console: Arc<Vec<String>>,
    /// What its machine did while it was at work.
    pub device: Arc<DeviceHistory>,
    /// How far its log has been read.
    pub reading: Reading,
    /// Lines that were skipped, and things unknown.
    pub oddities: Oddities,
    /// What it is doing.
    pub status: RunStatus,
}

/// A result of a session.
#[derive(Clone, Debug)]
pub struct LoadedResult {
    /// Its id.
    pub id: String,
    /// What it holds, or why that cannot be read.
    pub content: Result<ResultContent, String>,
    /// What its ids stand for, as far as the session keeps it.
    pub shown: Arc<ItemsShown>,
    /// Layers and poolings that were tried.
    pub sweep: Vec<Heat>,
    /// What answers what, where ids do not say so, and by a second set of judgements.
    pub judged: Arc<Judged>,
    /// When it was made; nothing where it is older than the record of that.
    pub made: Option<Time>,
}

impl LoadedResult {
    /// Whether it was there at a moment: from when it was made on, else from when records `first` tell
    /// of it, else always.
    #[must_use]
    pub fn was_there(&self, time: Time, first: Option<Time>) -> bool {
        self.made.or(first).is_none_or(|made| made <= time)
    }

    /// Whether it is the same reading of the same result.
    #[must_use]
    pub fn is_reading(&self, other: &Self) -> bool {
        let same = Arc::ptr_eq(&self.shown, &other.shown);
        self.id == other.id && same && Arc::ptr_eq(&self.judged, &other.judged)
    }

    /// The labels and cards of its encoders, as often as they stand there.
    #[must_use]
    pub fn encoders(&self) -> Vec<(&str, &Value)> {
        match &self.content {
            Ok(ResultContent::Compare(document, _)) => {
                document.rows.iter().map(|row| (&*row.role, &row.encoder)).collect()
            }
            Ok(ResultContent::Inspect(document, _)) => {
                document.lists.iter().map(|list| (&*list.role, &list.encoder)).collect()
            }
            Ok(ResultContent::Classify(document)) => {
                document.rows.iter().map(|row| (&*row.role, &row.encoder)).collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// How one layer and pooling did.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// The encoder.
    pub role: String,
    /// Its layer.
    pub layer: u64,
    /// Its pooling.
    pub pooling: String,
    /// Recall@1, a share.
    pub recall: f64,
    /// Mean cosine of distinct items.
    pub cosine: Option<f64>,
}

/// What a result holds.
#[derive(Clone, Debug)]
pub enum ResultContent {
    /// A comparison, and who stood near whom.
    Compare(Box<CompareDocument>, Arc<Vec<NeighbourSet>>),
    /// An inspection, and who stood near whom.
    Inspect(Box<InspectDocument>, Arc<Vec<NeighbourSet>>),
    /// A zero-shot classification.
    Classify(Box<ClassifyDocument>),
}

/// How busy a processor was, where nothing is kept of its single cores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Share of all cores' time that was used, 0 to 1.
    pub used: f64,
    /// Share of the busiest core's.
    pub busiest: f64,
    /// How many cores there are.
    pub cores: u32,
}

/// The machine at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineSample {
    /// When.
    pub time: Option<Time>,
    /// The computer's name.
    pub host: String,
    /// The processor's model.
    pub processor: String,
    /// Share of each core's time that was used.
    pub cores: Vec<f64>,
    /// The same of all cores together, of a sample that was recorded beside a run.
    pub load: Option<Load>,
    /// Whether this is the first look: how much the cores do is not known yet.
    pub first: bool,
    /// Bytes of memory used, and there are.
    pub memory: (u64, u64),
    /// Where sessions and checkpoints are, with bytes free and there are; 0 where that is not known.
    pub disks: Vec<(String, u64, u64)>,
    /// Accelerators.
    pub gpus: Vec<crate::machine::GpuSample>,
}

impl MachineSample {
    /// Share of all cores' time that was used.
    #[must_use]
    pub fn used(&self) -> Option<f64> {
        let cores = &self.cores;
        let mean = (!cores.is_empty() && !self.first)
            .then(|| cores.iter().sum::<f64>() / cores.len() as f64);
        mean.or(self.load.map(|load| load.used))
    }
}

/// Samples kept of the machine.
const SAMPLES_KEPT: usize = 240;

/// Printed lines kept.
const PRINTED_KEPT: usize = 1000;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Sessions, newest first.
    pub sessions: Vec<SessionEntry>,
    /// Runs, newest first.
    pub runs: Vec<RunEntry>,
    /// The runs that are looked at.
    pub open: BTreeMap<RunId, OpenRun>,
    /// Results by session; a session that is not here was not asked for.
    pub results: BTreeMap<SessionId, Vec<LoadedResult>>,
    /// Results that share one table.
    pub joining: Joining,
    /// The sessions that have queries to inspect.
    pub inspected: BTreeSet<SessionId>,
    /// The runs whose weights are here; nothing where nobody looked.
    pub weights: Option<BTreeSet<RunId>>,
    /// What people noted, tagged and pinned, by session.
    pub sittings: BTreeMap<SessionId, SittingState>,
    /// Whether every log has been looked at once.
    pub scanned: bool,
    /// The machine, oldest first.
    pub machine: VecDeque<MachineSample>,
    /// The session that is played.
    pub reel: Option<Box<super::reel::Reel>>,
    /// Pictures that are ready.
    pub pictures: Shelf,
    /// What this program and its libraries printed.
    pub printed: VecDeque<(Option<Time>, String)>,
}

impl Library {
    /// A run's entry.
    #[must_use]
    pub fn run(&self, id: &RunId) -> Option<&RunEntry> {
        self.runs.iter().find(|run| run.id == *id)
    }

    /// A run's tags.
    #[must_use]
    pub fn tags(&self, run: &RunId) -> Vec<String> {
        let on = Subject::run(run.run.as_str());
        let tags = self.sittings.get(&run.session).and_then(|sittings| sittings.tags.get(&on));
        tags.into_iter().flatten().cloned().collect()
    }

    /// A session's title, or its id where it is not known.
    #[must_use]
    pub fn title(&self, id: &SessionId) -> String {
        let known = self.sessions.iter().find(|session| session.id == *id);
        known.map_or_else(|| id.to_string(), |session| session.title.clone())
    }

    /// What a run is called where sessions stand beside each other: its name; where another session has
    /// a run of that name, with the end of its session's before it, as commands take it too.
    #[must_use]
    pub fn name(&self, id: &RunId) -> String {
        let end = |session: &SessionId| {
            session.as_str().rsplit_once('-').map_or("", |(_, end)| end).to_owned()
        };
        let mut others =
            self.runs.iter().map(|run| &run.id).filter(|other| other.run == id.run && *other != id);
        let Some(first) = others.next() else { return id.run.to_string() };
        let own = end(&id.session);
        let same = |other: &RunId| end(&other.session) == own;
        if own.is_empty() || same(first) || others.any(same) {
            return id.to_string();
        }
        format!("{own}/{}", id.run)
    }

    /// Whether a source, as `--encoders` takes it, is a stage of a run whose weights are known not to be
    /// here.
    #[must_use]
    pub fn lacks(&self, source: &str) -> bool {
        let Some(here) = &self.weights else { return false };
        let is_of = |run: &&RunEntry| {
            let after =
                |name: &str| source.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
            after(&run.id.to_string()) || after(run.id.run.as_str())
        };
        let mut runs = self.runs.iter().filter(is_of).map(|run| here.contains(&run.id)).peekable();
        runs.peek().is_some() && !runs.any(|is_here| is_here)
    }

    /// Runs that a runner works for.
    pub fn live(&self) -> impl Iterator<Item = &RunEntry> {
        self.runs.iter().filter(|run| run.row.state.has_runner())
    }

    /// Takes a run in, or its news.
    pub fn put(&mut self, entry: RunEntry) {
        if let Some(known) = self.runs.iter_mut().find(|run| run.id == entry.id) {
            *known = entry;
            return;
        }
        let place =
            self.runs.partition_point(|run| (run.began, &run.id) > (entry.began, &entry.id));
        self.runs.insert(place, entry);
    }

    /// Keeps one more sample of the machine.
    pub fn sampled(&mut self, sample: MachineSample) {
        if self.machine.len() == SAMPLES_KEPT {
            self.machine.pop_front();
        }
        self.machine.push_back(sample);
    }
    /// Keeps one more line that was printed, or said to have gone wrong.
    pub fn print(&mut self, now: Time, line: String) {
        while self.printed.len() >= PRINTED_KEPT {
            self.printed.pop_front();
        }
        self.printed.push_back((Some(now), line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_name_are_told_apart_by_the_ends_of_their_sessions() {
        let mut library = Library::default();
        let mut put = |name: &str| {
            let run = crate::tui::app::tests::entry(name, 1);
            library.put(run.clone());
            (library.name(&run.id), run.id)
        };
        let (alone, first) = put("20261124-100000-night-bbbbbb/clip-1");
        assert_eq!(alone, "clip-1");
        assert_eq!(put("20261124-100000-night-bbbbbb/clip-2").0, "clip-2");
        assert_eq!(put("20261124-110000-day-cccccc/clip-1").0, "cccccc/clip-1");
        let whole = "20261124-120000-noon-cccccc/clip-1";
        assert_eq!(put(whole).0, whole);
        assert_eq!(library.name(&first), "bbbbbb/clip-1");
    }

    #[test]
    fn printed_lines_are_bounded_however_many_there_were_before() {
        let mut library = Library::default();
        library.printed.extend((0..5000).map(|at| (None, format!("old {at}"))));
        for at in 0..2 {
            library.print(Time::EPOCH, format!("new {at}"));
            assert_eq!(library.printed.len(), PRINTED_KEPT);
        }
        assert_eq!(library.printed.back().unwrap().1, "new 1");
    }
}
