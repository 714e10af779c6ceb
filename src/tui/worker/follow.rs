//! One run's log, followed: briefly for the list of runs, in full where the run is looked at.

use super::samples::SampleTail;
use super::{Entry, LOOK};
use crate::recipe::Recipe;
use crate::session::event::Event;
use crate::session::follow::{RunFollower, status_at_end};
use crate::session::names::{RunId, console_name};
use crate::session::state::lock_of;
use crate::session::tail::{Budget, Reached};
use crate::session::{RunStatus, Time};
use crate::tui::data::alerts::Alerts;
use crate::tui::data::library::{OpenRun, Reading, RunEntry};
use crate::tui::data::printed;
use crate::tui::data::story::Story;
use crate::tui::msg::News;
use serde::Deserialize;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of the console looked at.
const CONSOLE: u64 = 32 << 10;
/// Bytes still to be read of a log from which its end is looked at meanwhile: what the run is doing.
const FAR: u64 = 4 << 20;
/// How often a run that is still being read is told of.
const TELL: Duration = Duration::from_millis(200);

/// What is kept of a run.
#[derive(Debug)]
pub struct Followed {
    folder: PathBuf,
    /// Nothing once a run that does not move was read and is not looked at.
    follower: Option<Box<RunFollower>>,
    /// Shown while the beginning of a long log is read: its end, at once.
    ahead: Option<Box<Ahead>>,
    /// Whether the follower began where an index ended: alerts and story lack what was before.
    indexed: bool,
    alerts: Alerts,
    story: Story,
    samples: Option<SampleTail>,
    /// The run whose end it was told to wait for.
    after: Option<String>,
    segments: usize,
    watched: bool,
    status: Option<RunStatus>,
    /// What it is doing by the end of a long log that is read for the first time.
    glimpsed: Option<RunStatus>,
    told: Option<Instant>,
    fresh: bool,
    checked: Instant,
    /// When it was last found without a first record, unreadable or in an unknown state.
    vain: Option<Instant>,
    /// Its recipe, once read: the same in all segments.
    recipe: Option<Arc<Recipe>>,
}

/// The end of a long log.
#[derive(Debug)]
struct Ahead {
    follower: RunFollower,
    alerts: Alerts,
    story: Story,
}

impl Ahead {
    fn of(folder: &Path, id: &RunId) -> Option<Self> {
        let (mut alerts, mut story) = (Alerts::default(), Story::default());
        let follower = RunFollower::ahead(folder, &id.run, |record| {
            alerts.apply(record);
            story.apply(record);
        })?;
        Some(Self { follower, alerts, story })
    }

    fn poll(&mut self) {
        let (alerts, story) = (&mut self.alerts, &mut self.story);
        // What cannot be read here is told by the one who reads it all.
        let _ = self.follower.poll_with(Budget::LIVE, |record| {
            alerts.apply(record);
            story.apply(record);
        });
    }
}

impl Followed {
    /// Follows a run from the beginning of its log.
    pub fn new(folder: &Path, watched: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            follower: None,
            ahead: None,
            indexed: false,
            alerts: Alerts::default(),
            story: Story::default(),
            samples: None,
            after: None,
            segments: 0,
            watched,
            status: None,
            glimpsed: None,
            told: None,
            fresh: true,
            checked: Instant::now(),
            vain: None,
            recipe: None,
        }
    }

    /// Whether its log may grow: it is not read yet, or a runner is there.
    pub fn moves(&self) -> bool {
        let grows = self.status.map_or(self.vain.is_none(), RunStatus::has_runner);
        // One that nobody looks at any more is still read to its end.
        let half_read = self.status.is_some() && self.follower.is_some();
        grows || (self.fresh && (self.watched || half_read))
    }

    /// Whether it is time to look again at a log that told nothing of a runner: its first record may
    /// still come, a failed read may succeed, and a run in an unknown state may write again.
    fn is_due(&self) -> bool {
        let open = self.status.is_none_or(|status| status == RunStatus::Unknown);
        open && self.vain.is_some_and(|at| at.elapsed() >= LOOK)
    }

    /// So many segments are there.
    pub fn seen(&mut self, segments: usize) {
        if segments != self.segments {
            self.segments = segments;
            self.status = None;
            self.glimpsed = None;
            self.vain = None;
        }
    }

    /// Whether the run is looked at.
    pub fn watch(&mut self, watched: bool) {
        if watched && !self.watched {
            self.fresh = true;
            self.told = None;
            if self.indexed {
                // What it does is known meanwhile: its log is read once more for its story alone.
                self.follower = None;
                self.vain = None;
            }
        }
        self.watched = watched;
    }

    /// Reads on. Tells what is new; whether there is more to read at once.
    pub fn poll(&mut self, id: &RunId, now: Time, news: &mut Vec<News>) -> bool {
        if !self.moves() && !self.is_due() {
            return false;
        }
        let follower = self.follower.get_or_insert_with(|| {
            (self.alerts, self.story) = (Alerts::default(), Story::default());
            self.indexed = !self.watched;
            // Whoever looks at a run wants its story and its alerts: all of it is read.
            Box::new(if self.watched {
                self.ahead = Ahead::of(&self.folder, id).map(Box::new);
                RunFollower::new(&self.folder, id.run.clone())
            } else {
                RunFollower::open(&self.folder, id.run.clone())
            })
        });
        let before = follower.state().records;
        let (alerts, story) = (&mut self.alerts, &mut self.story);
        let after = &mut self.after;
        let read = follower.poll_with(Budget::FIRST, |record| {
            if let Event::Queued(queued) = &record.event {
                after.clone_from(&queued.after);
            }
            alerts.apply(record);
            story.apply(record);
        });
        let reached = match read {
            Ok(reached) => reached,
            Err(error) => {
                if self.status.is_none() || self.fresh {
                    news.push(News::Failed(format!("{id}: {error}")));
                }
                self.status = Some(RunStatus::Unknown);
                self.vain = Some(Instant::now());
                self.fresh = false;
                return false;
            }
        };
        let more = reached == Reached::Budget;
        if !more {
            self.ahead = None;
            follower.keep_index();
        }
        let grew = follower.state().records != before;
        let recheck =
            grew || self.status.is_none() || self.checked.elapsed() >= Duration::from_secs(1);
        if !follower.is_run() || !(recheck || self.fresh) {
            // A file without its first record is no run yet; it may be one at the next look.
            if !follower.is_run() && !more {
                self.vain = Some(Instant::now());
            }
            return more;
        }
        let read = follower.progress();
        let partial = more && self.ahead.is_none();
        let (shown, alerts, story) = match &mut self.ahead {
            Some(ahead) => {
                ahead.poll();
                (&ahead.follower, &ahead.alerts, &ahead.story)
            }
            None => (&**follower, &self.alerts, &self.story),
        };
        if partial && self.status.or(self.glimpsed).is_none() && read.1 > read.0 + FAR {
            self.glimpsed = status_at_end(&self.folder, &id.run, now).ok();
        }
        let status = if partial {
            self.status.or(self.glimpsed).unwrap_or(RunStatus::Unknown)
        } else {
            shown.status(now)
        };
        self.checked = Instant::now();
        let changed = grew || self.fresh || self.status != Some(status);
        let due = self.told.is_none_or(|told| told.elapsed() >= TELL) || !more;
        if changed && due {
            self.told = Some(Instant::now());
            self.fresh = more;
            let mut entry = entry(id, shown, now);
            entry.runner.after.clone_from(&self.after);
            if self.recipe.is_none() {
                self.recipe = recipe(shown).map(Arc::new);
            }
            entry.recipe.clone_from(&self.recipe);
            if partial {
                entry.row.state = status;
            }
            news.push(News::Run(entry));
            if self.watched {
                let samples = self.samples.get_or_insert_with(|| SampleTail::new(&self.folder, id));
                let device = Arc::new(samples.poll(shown.state().segment()).clone());
                let low = samples.room().alerts(&alerts.sizes, shown.state());
                let open = OpenRun {
                    state: Arc::new(shown.state().clone()),
                    alerts: Arc::new(alerts.with(low)),
                    story: Arc::new(story.clone()),
                    console: Arc::new(console(&self.folder, id, shown.state().segment())),
                    device,
                    reading: Reading { read: if more { read.0 } else { read.1 }, total: read.1 },
                    oddities: shown.oddities(),
                    status,
                };
                news.push(News::Open(id.clone(), Box::new(open)));
            }
        } else if changed {
            self.fresh = true;
        }
        if !more {
            self.status = Some(status);
            self.vain = (status == RunStatus::Unknown).then(Instant::now);
            if !status.has_runner() && status != RunStatus::Unknown && !self.watched {
                self.follower = None;
            }
        }
        more
    }
}

fn entry(id: &RunId, run: &RunFollower, now: Time) -> Entry {
    let mut entry = RunEntry::of(id, run.state(), run.status(now));
    entry.runner.lock = run.newest_log().map(lock_of);
    Box::new(entry)
}

fn recipe(run: &RunFollower) -> Option<Recipe> {
    Recipe::deserialize(&run.state().started.as_ref()?.recipe).ok()
}

/// The last lines a detached runner printed.
fn console(folder: &Path, id: &RunId, segment: u32) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(folder.join(console_name(&id.run, segment)))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(CONSOLE)))?;
        let mut bytes = Vec::new();
        file.take(CONSOLE).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let all = printed::console(&read().unwrap_or_default());
    all[all.len().saturating_sub(200)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::{Ending, Heartbeat, RunFinished, RunStarted};
    use crate::session::finite::Finite;
    use crate::session::header::Header;
    use crate::session::names::log_name;
    use crate::session::writer::LogWriter;
    use serde_json::json;

    #[test]
    fn a_log_that_is_seen_before_its_first_record_becomes_a_run_at_a_later_look() {
        let folder = tempfile::tempdir().unwrap();
        let id: RunId = crate::tui::app::tests::entry(RUN, 0).id;
        let path = folder.path().join(log_name(&id.run, 1));
        let header = Header::of_run(id.session.clone(), id.run.clone(), 1);
        let mut log = LogWriter::create(&path, &header, 1).unwrap();
        let (mut followed, mut news) = (Followed::new(folder.path(), false), Vec::new());
        followed.seen(1);
        assert!(!followed.poll(&id, Time::now(), &mut news));
        assert!(!followed.moves() && !followed.is_due(), "it should be left alone for a while");
        let started: RunStarted = serde_json::from_value(json!({
            "run": "clip-1", "segment": 1, "recipe": {}, "stages": [], "program_version": "0",
            "host": "here", "pid": 1, "device": "cpu", "threads": 1, "seed": 0,
        }))
        .unwrap();
        log.append(started).unwrap();
        followed.poll(&id, Time::now(), &mut news);
        assert!(news.is_empty());
        followed.vain = Instant::now().checked_sub(LOOK);
        followed.poll(&id, Time::now(), &mut news);
        assert!(matches!(&news[..], [News::Run(run)] if run.row.state == RunStatus::Live));
        assert!(followed.moves());
    }

    #[test]
    fn a_log_that_could_not_be_read_once_is_told_of_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let id: RunId = crate::tui::app::tests::entry(RUN, 0).id;
        let path = folder.path().join(log_name(&id.run, 1));
        std::fs::write(&path, "{\"format\":\"other/1\"}\n").unwrap();
        let (mut followed, mut news) = (Followed::new(folder.path(), false), Vec::new());
        followed.poll(&id, Time::now(), &mut news);
        followed.vain = Instant::now().checked_sub(LOOK);
        followed.poll(&id, Time::now(), &mut news);
        assert!(matches!(&news[..], [News::Failed(_)]), "{news:?}");
        assert!(
            followed.vain.is_some_and(|at| at.elapsed() < LOOK),
            "it should be looked at again"
        );
    }

    #[test]
    fn a_live_run_that_is_opened_is_live_while_its_log_is_read_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let id: RunId = crate::tui::app::tests::entry(RUN, 0).id;
        let path = folder.path().join(log_name(&id.run, 1));
        let header = Header::of_run(id.session.clone(), id.run.clone(), 1);
        let mut log = LogWriter::create(&path, &header, 1).unwrap();
        let started: RunStarted = serde_json::from_value(json!({
            "run": "clip-1", "segment": 1, "recipe": {}, "stages": [], "program_version": "0",
            "host": "here", "pid": 1, "device": "cpu", "threads": 1, "seed": 0,
        }))
        .unwrap();
        log.append(started).unwrap();
        for _ in 0..1500 {
            log.append(Heartbeat {}).unwrap();
        }
        let (mut followed, mut news) = (Followed::new(folder.path(), false), Vec::new());
        while followed.poll(&id, Time::now(), &mut news) {}
        news.clear();
        followed.watch(true);
        assert!(followed.moves());
        let mut slices = 1;
        while followed.poll(&id, Time::now(), &mut news) {
            slices += 1;
        }
        assert!(slices > 1, "the log should take more than one slice");
        let state = |news: &News| match news {
            News::Run(run) => Some(run.row.state),
            News::Open(_, open) => Some(open.status),
            _ => None,
        };
        let states: Vec<RunStatus> = news.iter().filter_map(state).collect();
        assert!(states.len() >= 4, "{states:?}");
        assert!(states.iter().all(|state| *state == RunStatus::Live), "{states:?}");
        // One that has ended is read to its end too, although nobody looks any more.
        let state = Ending::Stopped;
        let end = RunFinished { state, reason: None, seconds: Finite::ZERO, final_digest: None };
        log.append(end).unwrap();
        drop(log);
        let mut followed = Followed::new(folder.path(), false);
        while followed.poll(&id, Time::now(), &mut news) {}
        followed.watch(true);
        assert!(followed.poll(&id, Time::now(), &mut news));
        followed.watch(false);
        assert!(followed.moves());
        news.clear();
        while followed.poll(&id, Time::now(), &mut news) {}
        assert!(matches!(&news[..], [News::Run(run)] if run.row.state == RunStatus::Stopped));
        assert!(!followed.moves());
    }

    #[test]
    fn of_a_long_log_that_is_read_for_the_first_time_the_end_says_what_the_run_is_doing() {
        let folder = tempfile::tempdir().unwrap();
        let id: RunId = crate::tui::app::tests::entry(RUN, 0).id;
        let path = folder.path().join(log_name(&id.run, 1));
        let header = Header::of_run(id.session.clone(), id.run.clone(), 1);
        let mut log = LogWriter::create(&path, &header, 1).unwrap();
        let started: RunStarted = serde_json::from_value(json!({
            "run": "clip-1", "segment": 1, "recipe": {}, "stages": [], "program_version": "0",
            "host": "here", "pid": 1, "device": "cpu", "threads": 1, "seed": 0,
        }))
        .unwrap();
        log.append(started).unwrap();
        while std::fs::metadata(&path).unwrap().len() < FAR + (1 << 20) {
            for _ in 0..1000 {
                log.append(Heartbeat {}).unwrap();
            }
        }
        let (mut followed, mut news) = (Followed::new(folder.path(), false), Vec::new());
        assert!(followed.poll(&id, Time::now(), &mut news));
        assert!(matches!(&news[..], [News::Run(run)] if run.row.state == RunStatus::Live));
    }

    const RUN: &str = "20261124-100000-night-bbbbbb/clip-1";
}
