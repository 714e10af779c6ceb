//! Every line of every log of a session, in order of time: sixteen bytes a line in memory, the
//! lines themselves stay on disk.

use super::scan::scan;
use super::steps::{self, Wanted};
use crate::ids::RunName;
use crate::session::error::{LogError, io_error};
use crate::session::event::Event;
use crate::session::fold::SessionState;
use crate::session::follow::logs_in;
use crate::session::names::system_name;
use crate::session::record::Record;
use crate::session::sitting::{SittingEvent, SittingState, sittings_in};
use crate::session::system::SystemEvent;
use crate::session::tail::LONGEST_LINE;
use crate::session::time::Time;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes read at a time where a line is asked for; the lines behind it are likely to be next.
const WINDOW: usize = 64 << 10;

/// Whose log a record is from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogName {
    /// A segment of a run.
    Run(RunName, u32),
    /// The device samples beside it.
    System(RunName, u32),
    /// A sitting at the terminal.
    Sitting(u32),
}

/// A record with its log.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// What a runner did.
    Run(RunName, Record),
    /// What the machine did meanwhile.
    System(RunName, Record<SystemEvent>),
    /// What was done at the terminal.
    Sitting(u32, Record<SittingEvent>),
}

impl Entry {
    /// When it was written.
    #[must_use]
    pub fn time(&self) -> Time {
        match self {
            Self::Run(_, record) => record.time,
            Self::System(_, record) => record.time,
            Self::Sitting(_, record) => record.time,
        }
    }

    /// The kind of its event, as in the log.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Run(_, record) => record.event.kind(),
            Self::System(_, record) => record.event.kind(),
            Self::Sitting(_, record) => record.event.kind(),
        }
    }
}

/// What an entry is to someone who skips through a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One optimizer update.
    Step,
    /// Something to skip to: a stage, a checkpoint, a warning, a result, an end.
    Landmark,
    /// A mark that a person set, or took back; it stands at the moment it names.
    Mark,
    /// Something that was done at the terminal.
    Action,
    /// Going to a replay and moving about in it, and the size of a terminal.
    Scrub,
    /// What the machine did.
    Sample,
    /// Anything else.
    Other,
}

impl Kind {
    fn of(kind: &str) -> Self {
        match kind {
            "step_finished" => Self::Step,
            "run_started" | "stage_started" | "stage_finished" | "checkpoint_saved"
            | "step_skipped" | "diverged" | "warned" | "compared" | "inspected"
            | "run_finished" => Self::Landmark,
            "marked" | "unmarked" => Self::Mark,
            "acted" | "noted" | "tagged" | "untagged" | "pinned" | "unpinned" | "answered" => {
                Self::Action
            }
            "opened" | "resized" | "left" => Self::Scrub,
            "sampled" => Self::Sample,
            _ => Self::Other,
        }
    }

    pub(super) fn of_line(kind: &str, line: &[u8]) -> Self {
        let holds = |text: &str| line.windows(text.len()).any(|part| part == text.as_bytes());
        let moved = || holds("\"screen\":\"replay\"") && !holds("\"action\":\"show-");
        let scrubs = kind == "acted" && (holds("\"now\":\"replay\"") || moved());
        if scrubs { Self::Scrub } else { Self::of(kind) }
    }

    fn of_entry(entry: &Entry) -> Self {
        match entry {
            Entry::Sitting(_, Record { event: SittingEvent::Acted(acted), .. })
                if acted.with.get("now").is_some_and(|now| now == "replay")
                    || (acted.screen.as_deref() == Some("replay")
                        && !acted.action.starts_with("show-")) =>
            {
                Self::Scrub
            }
            entry => Self::of(entry.kind()),
        }
    }

    const ALL: [Self; 7] = [
        Self::Step,
        Self::Landmark,
        Self::Mark,
        Self::Action,
        Self::Scrub,
        Self::Sample,
        Self::Other,
    ];
}

/// All that is known at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// The runs.
    pub session: SessionState,
    /// The sittings.
    pub sittings: SittingState,
}

impl Moment {
    /// Takes one more entry in.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Run(run, record) => self.session.apply(&run, record),
            Entry::Sitting(_, record) => self.sittings.apply(record),
            Entry::System(..) => {}
        }
    }
}

/// Entries in order of time, by their place from 0.
pub trait Entries {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When an entry happened: never before the one in front of it. A place beyond the end gives
    /// the last entry's.
    fn time(&self, at: usize) -> Time;

    /// What an entry is.
    fn kind(&self, at: usize) -> Kind;

    /// An entry; nothing where its line is no record, or cannot be read any more.
    fn entry(&self, at: usize) -> Option<Entry>;

    /// The first place where a step was made; nothing where it was not.
    fn find_step(&self, wanted: &Wanted<'_>) -> Option<usize> {
        (0..self.len()).find(|at| {
            self.kind(*at) == Kind::Step && self.entry(*at).is_some_and(|entry| wanted.is(&entry))
        })
    }

    /// Takes in what was written since: the first place where there is another entry now, or a new
    /// one.
    fn extend(&mut self) -> Result<Option<usize>, LogError> {
        Ok(None)
    }
}

/// Where a line is. Times lie within 2^47 ms of 1970 and files within 2^48 bytes.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    /// Milliseconds since 1970, times 8, and the kind; a clock that was set back does not go back
    /// here.
    moment: i64,
    /// Offset in its file, times 2^16, and the log's number.
    place: u64,
}

impl Stamp {
    fn millis(self) -> i64 {
        self.moment >> 3
    }

    fn kind(self) -> Kind {
        Kind::ALL.get((self.moment & 7) as usize).copied().unwrap_or(Kind::Other)
    }
}

/// Bytes of the shortest lines that are common: room for as many is set aside, and pages that no
/// line reaches cost nothing.
const SHORT_LINE: u64 = 128;

struct Source {
    name: LogName,
    path: PathBuf,
    file: File,
    /// Bytes read, up to the end of a line.
    read: u64,
    /// The latest time in it, or in its run.
    latest: i64,
}

/// The lines of all logs of a session.
pub struct Timeline {
    folder: PathBuf,
    logs: Vec<Source>,
    stamps: Vec<Stamp>,
    /// Lines without a time: no records.
    bad_lines: u64,
    window: RefCell<Window>,
}

#[derive(Default)]
struct Window {
    log: usize,
    from: u64,
    bytes: Vec<u8>,
}

impl Timeline {
    /// Finds every whole line of a session's logs. Reads them all once, decoding none.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let mut timeline = Self {
            folder: folder.to_owned(),
            logs: Vec::new(),
            stamps: Vec::new(),
            bad_lines: 0,
            window: RefCell::default(),
        };
        timeline.extend()?;
        Ok(timeline)
    }

    /// Opens the logs that were not there before.
    fn find_logs(&mut self) -> Result<(), LogError> {
        let mut all = Vec::new();
        for (run, segments) in logs_in(&self.folder)? {
            for (segment, path) in segments {
                all.push((LogName::Run(run.clone(), segment), path));
                let system = self.folder.join(system_name(&run, segment));
                if system.exists() {
                    all.push((LogName::System(run.clone(), segment), system));
                }
            }
        }
        let sittings = sittings_in(&self.folder)?.into_iter();
        all.extend(sittings.map(|(number, path)| (LogName::Sitting(number), path)));
        for (name, path) in all {
            if self.logs.iter().any(|log| log.name == name) {
                continue;
            }
            let file = File::open(&path).map_err(io_error("open the log", &path))?;
            self.logs.push(Source { name, path, file, read: 0, latest: i64::MIN });
        }
        Ok(())
    }

    /// Finds the lines of a log that were not there before.
    fn read_on(&mut self, number: usize) -> Result<(), LogError> {
        // A run's clock goes on through its segments.
        let run = |log: &Source| match &log.name {
            LogName::Run(run, _) => Some(run.clone()),
            _ => None,
        };
        let this = self.logs.get(number).and_then(run);
        let same = |log: &&Source| this.is_some() && run(log) == this;
        let before = self.logs.iter().take(number).filter(same).map(|log| log.latest).max();
        let Some(log) = self.logs.get_mut(number) else { return Ok(()) };
        let mut latest = log.latest.max(before.unwrap_or(i64::MIN));
        let stamps = &mut self.stamps;
        let (read, bad) = scan(&log.file, &log.path, log.read, |offset, time, kind| {
            latest = latest.max(time.millis());
            let place = (offset << 16) | (number as u64 & 0xffff);
            stamps.push(Stamp { moment: (latest << 3) | kind as i64, place });
        })?;
        (log.read, log.latest) = (read, latest);
        self.bad_lines += bad;
        Ok(())
    }

    /// The place of each run's last entry.
    #[must_use]
    pub fn last_of_runs(&self) -> BTreeMap<RunName, usize> {
        let mut last = BTreeMap::new();
        let runs: BTreeSet<&RunName> = self
            .logs
            .iter()
            .filter_map(|log| if let LogName::Run(run, _) = &log.name { Some(run) } else { None })
            .collect();
        for at in (0..self.stamps.len()).rev() {
            if last.len() == runs.len() {
                break;
            }
            if let Some(LogName::Run(run, _)) = self.log(at)
                && !last.contains_key(run)
            {
                last.insert(run.clone(), at);
            }
        }
        last
    }

    /// The log an entry is from; nothing beyond the end.
    #[must_use]
    pub fn log(&self, at: usize) -> Option<&LogName> {
        self.logs.get(self.number(at)?).map(|log| &log.name)
    }

    /// The number of that log.
    pub(super) fn number(&self, at: usize) -> Option<usize> {
        self.stamps.get(at).map(|stamp| (stamp.place & 0xffff) as usize)
    }

    /// Lines that are no records.
    #[must_use]
    pub fn bad_lines(&self) -> u64 {
        self.bad_lines
    }

    fn line(&self, at: usize) -> Option<(&LogName, Vec<u8>)> {
        let stamp = self.stamps.get(at)?;
        let (number, offset) = ((stamp.place & 0xffff) as usize, stamp.place >> 16);
        let log = self.logs.get(number)?;
        let mut window = self.window.borrow_mut();
        let mut size = WINDOW;
        loop {
            if window.log == number
                && let Some(start) = offset.checked_sub(window.from)
                && let Some(bytes) = window.bytes.get(start as usize..)
                && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
            {
                return Some((&log.name, bytes[..end].to_vec()));
            }
            if size > 2 * LONGEST_LINE {
                return None;
            }
            let mut bytes = vec![0; size];
            let got = log.file.read_at(&mut bytes, offset).ok()?;
            bytes.truncate(got);
            *window = Window { log: number, from: offset, bytes };
            if got < size && !window.bytes.contains(&b'\n') {
                return None;
            }
            size *= 4;
        }
    }
}

impl Entries for Timeline {
    fn len(&self) -> usize {
        self.stamps.len()
    }

    fn time(&self, at: usize) -> Time {
        let stamp = self.stamps.get(at).or(self.stamps.last());
        let millis = stamp.map_or(0, |stamp| stamp.millis());
        Time::from_millis(millis).unwrap_or(Time::EPOCH)
    }

    fn kind(&self, at: usize) -> Kind {
        self.stamps.get(at).map_or(Kind::Other, |stamp| stamp.kind())
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (name, line) = self.line(at)?;
        Some(match name {
            LogName::Run(run, _) => Entry::Run(run.clone(), Record::<Event>::read(&line).ok()?),
            LogName::System(run, _) => Entry::System(run.clone(), Record::read(&line).ok()?),
            LogName::Sitting(number) => Entry::Sitting(*number, Record::read(&line).ok()?),
        })
    }

    fn find_step(&self, wanted: &Wanted<'_>) -> Option<usize> {
        steps::find(self, wanted)
    }

    fn extend(&mut self) -> Result<Option<usize>, LogError> {
        self.find_logs()?;
        let before = self.stamps.len();
        if before == 0 {
            let size = |log: &Source| log.file.metadata().map_or(0, |file| file.len());
            let bytes: u64 = self.logs.iter().map(size).sum();
            self.stamps.reserve((bytes / SHORT_LINE) as usize + 1);
        }
        for number in 0..self.logs.len() {
            self.read_on(number)?;
        }
        let Some(first) = self.stamps[before..].iter().map(|stamp| stamp.millis()).min() else {
            return Ok(None);
        };
        let from = self.stamps[..before].partition_point(|stamp| stamp.millis() <= first);
        // Stable: lines of one log keep their order.
        if !self.stamps[from..].is_sorted_by_key(|stamp| stamp.millis()) {
            self.stamps[from..].sort_by_key(|stamp| stamp.millis());
        }
        Ok(Some(from))
    }
}

/// The entries of a list: for tests, and for sessions that exist in memory alone.
impl Entries for Vec<Entry> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn time(&self, at: usize) -> Time {
        self.get(at).or(self.last()).map_or(Time::EPOCH, Entry::time)
    }

    fn kind(&self, at: usize) -> Kind {
        self.get(at).map_or(Kind::Other, Kind::of_entry)
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        self.get(at).cloned()
    }
}
