//! Every line of every log of a session, in order of time: sixteen bytes a line in memory, the
//! lines themselves stay on disk.

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
use serde::Deserialize;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
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
    /// A mark that a person set; it stands at the moment it names.
    Mark,
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
            "marked" => Self::Mark,
            _ => Self::Other,
        }
    }
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
}

/// Where a line is. Times lie within 2^47 ms of 1970 and files within 2^48 bytes.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    /// Milliseconds since 1970, times 4, and the kind; a clock that was set back does not go back
    /// here.
    moment: i64,
    /// Offset in its file, times 2^16, and the log's number.
    place: u64,
}

impl Stamp {
    fn millis(self) -> i64 {
        self.moment >> 2
    }

    fn kind(self) -> Kind {
        match self.moment & 3 {
            0 => Kind::Step,
            1 => Kind::Landmark,
            2 => Kind::Mark,
            _ => Kind::Other,
        }
    }
}

/// Bytes of the shortest lines that are common: room for as many is set aside, and pages that no
/// line reaches cost nothing.
const SHORT_LINE: u64 = 128;

struct Source {
    name: LogName,
    path: PathBuf,
    file: File,
}

/// The lines of all logs of a session.
pub struct Timeline {
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
        let mut logs = Vec::new();
        let mut add = |name: LogName, path: &Path| -> Result<(), LogError> {
            let file = File::open(path).map_err(io_error("open the log", path))?;
            logs.push(Source { name, path: path.to_owned(), file });
            Ok(())
        };
        for (run, segments) in logs_in(folder)? {
            for (segment, path) in segments {
                add(LogName::Run(run.clone(), segment), &path)?;
                let system = folder.join(system_name(&run, segment));
                if system.exists() {
                    add(LogName::System(run.clone(), segment), &system)?;
                }
            }
        }
        for (number, path) in sittings_in(folder)? {
            add(LogName::Sitting(number), &path)?;
        }
        let bytes: u64 =
            logs.iter().filter_map(|log| log.file.metadata().ok()).map(|f| f.len()).sum();
        let mut stamps: Vec<Stamp> = Vec::with_capacity((bytes / SHORT_LINE) as usize + 1);
        let mut bad_lines = 0;
        let mut last: Option<(RunName, i64)> = None;
        for (number, log) in logs.iter().enumerate() {
            // A run's clock goes on through its segments.
            let mut latest = match (&log.name, &last) {
                (LogName::Run(run, _), Some((before, millis))) if run == before => *millis,
                _ => i64::MIN,
            };
            bad_lines += scan(log, |offset, time, kind| {
                latest = latest.max(time.millis());
                let place = (offset << 16) | (number as u64 & 0xffff);
                let kind = match kind {
                    Kind::Step => 0,
                    Kind::Landmark => 1,
                    Kind::Mark => 2,
                    Kind::Other => 3,
                };
                stamps.push(Stamp { moment: (latest << 2) | kind, place });
            })?;
            if let LogName::Run(run, _) = &log.name {
                last = Some((run.clone(), latest));
            }
        }
        // Stable: lines of one log keep their order.
        if !stamps.is_sorted_by_key(|stamp| stamp.millis()) {
            stamps.sort_by_key(|stamp| stamp.millis());
        }
        Ok(Self { logs, stamps, bad_lines, window: RefCell::default() })
    }

    /// The log an entry is from; nothing beyond the end.
    #[must_use]
    pub fn log(&self, at: usize) -> Option<&LogName> {
        let stamp = self.stamps.get(at)?;
        self.logs.get((stamp.place & 0xffff) as usize).map(|log| &log.name)
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
        self.get(at).map_or(Kind::Other, |entry| Kind::of(entry.kind()))
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        self.get(at).cloned()
    }
}

/// Hands every line with a time to `found`, the header aside; returns how many have none.
fn scan(log: &Source, mut found: impl FnMut(u64, Time, Kind)) -> Result<u64, LogError> {
    let fail = || io_error("read the log", &log.path);
    let mut reader = BufReader::with_capacity(256 << 10, &log.file);
    let mut line = Vec::new();
    let (mut offset, mut number, mut bad) = (0, 0_u64, 0);
    loop {
        line.clear();
        let limit = LONGEST_LINE as u64 + 1;
        let got = reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(fail())?;
        let whole = line.last() == Some(&b'\n');
        if !whole && got as u64 == limit {
            // Too long to be a record: on to its end.
            bad += 1;
            offset += got as u64 + reader.skip_until(b'\n').map_err(fail())? as u64;
            number += 1;
            continue;
        }
        if !whole {
            return Ok(bad);
        }
        if number > 0 {
            match peek(&line) {
                Some((time, kind)) => found(offset, time, kind),
                None => bad += 1,
            }
        }
        offset += got as u64;
        number += 1;
    }
}

/// Time and kind of a line, without reading the rest of it where it stands as this version writes.
fn peek(line: &[u8]) -> Option<(Time, Kind)> {
    #[derive(Deserialize)]
    struct Head<'a> {
        time: Time,
        #[serde(borrow)]
        event: Cow<'a, str>,
    }
    let quick = || {
        let text = std::str::from_utf8(line.get(..line.len().min(200))?);
        let text = match text {
            Ok(text) => text,
            Err(cut) => std::str::from_utf8(&line[..cut.valid_up_to()]).ok()?,
        };
        let rest = text.strip_prefix("{\"seq\":")?.trim_start_matches(|c: char| c.is_ascii_digit());
        let (time, rest) = rest.strip_prefix(",\"time\":\"")?.split_once('"')?;
        let (event, _) = rest.strip_prefix(",\"event\":\"")?.split_once('"')?;
        Some((time.parse::<Time>().ok()?, Kind::of(event)))
    };
    quick().or_else(|| {
        let head: Head = serde_json::from_slice(line).ok()?;
        Some((head.time, Kind::of(&head.event)))
    })
}
