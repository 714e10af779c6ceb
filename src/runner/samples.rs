//! Samples of the machine beside a run's log, written by a thread of their own.
//!
//! They are often at first and rarer as a run grows old, so that their log stays small however long
//! it is. What cannot be sampled or written is left out without a word: no run depends on it.

use super::Workspace;
use crate::ids::{RunName, SessionId};
use crate::machine::{self, Gpus, Sampler};
use crate::session::folder::Session;
use crate::session::header::Header;
use crate::session::names::system_name;
use crate::session::system::{GpuSampled, Sampled, SystemEvent};
use crate::session::{Finite, LogWriter, Time};
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between the first samples of a segment.
const FIRST: Duration = Duration::from_secs(2);
/// After so many samples the time between them doubles: a month has about ten thousand.
const BEFORE_DOUBLING: u32 = 900;
/// Bytes that the log may have, whatever the machine has to tell.
const LARGEST: u64 = 16 << 20;

/// Samples the machine as long as it lives.
pub(super) struct Samples {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Samples {
    /// Samples for a segment of a run.
    pub(super) fn start(
        workspace: &Workspace,
        session: &Session,
        run: &RunName,
        segment: u32,
    ) -> Self {
        Self::every(FIRST, workspace, session, run, segment)
    }

    fn every(
        first: Duration,
        workspace: &Workspace,
        session: &Session,
        run: &RunName,
        segment: u32,
    ) -> Self {
        let (stop, stopped) = channel::<()>();
        let mut log = Log {
            path: session.folder().join(system_name(run, segment)),
            session: session.id().clone(),
            run: run.clone(),
            segment,
            writer: None,
            bytes: 0,
        };
        let disks = [("sessions", &workspace.sessions), ("checkpoints", &workspace.checkpoints)];
        let disks = disks.map(|(name, path)| (name, path.clone()));
        let has_gpu = workspace.device_name != "cpu";
        let body = move || {
            let mut sampler = Sampler::default();
            let gpus = has_gpu.then(Gpus::open).flatten();
            // The first look tells nothing yet.
            sampler.cores();
            let mut schedule = Schedule { every: first, left: BEFORE_DOUBLING };
            while stopped.recv_timeout(schedule.next()) == Err(RecvTimeoutError::Timeout) {
                if log.append(sample(&mut sampler, gpus.as_ref(), &disks)).is_none() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("samples".to_owned()).spawn(body).ok();
        Self { stop: Some(stop), thread }
    }
}

impl Drop for Samples {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// When the next sample is due.
struct Schedule {
    every: Duration,
    left: u32,
}

impl Schedule {
    fn next(&mut self) -> Duration {
        if self.left == 0 {
            self.every *= 2;
            self.left = BEFORE_DOUBLING;
        }
        self.left -= 1;
        self.every
    }
}

/// The log, which a run that is over before the first sample does not get.
struct Log {
    path: PathBuf,
    session: SessionId,
    run: RunName,
    segment: u32,
    writer: Option<LogWriter>,
    bytes: u64,
}

impl Log {
    /// Writes a sample; nothing where no other one is to follow.
    fn append(&mut self, sampled: Sampled) -> Option<()> {
        if self.writer.is_none() {
            let header = Header::of_system(self.session.clone(), self.run.clone(), self.segment);
            self.writer = LogWriter::create(&self.path, &header, 1).ok();
        }
        let writer = self.writer.as_mut()?;
        writer.append_as::<SystemEvent>(Time::now(), sampled.into()).ok()?;
        self.bytes = std::fs::metadata(&self.path).map_or(self.bytes, |file| file.len());
        (self.bytes < LARGEST).then_some(())
    }
}

fn sample(
    sampler: &mut Sampler,
    gpus: Option<&Gpus>,
    disks: &[(&'static str, PathBuf)],
) -> Sampled {
    let cores = sampler.cores();
    let (memory_used, memory_total) = machine::memory_used();
    let share = |value: f64| Finite::new((value * 1000.0).round() / 1000.0).unwrap_or(Finite::ZERO);
    let mean = cores.iter().sum::<f64>() / cores.len().max(1) as f64;
    let free = |(name, path): &(&'static str, PathBuf)| {
        Some(((*name).to_owned(), machine::disk_free(path).ok()?))
    };
    Sampled {
        cores_used: share(mean),
        busiest_core: share(cores.iter().copied().fold(0.0, f64::max)),
        cores: cores.len() as u32,
        memory_used,
        memory_total,
        process_bytes: machine::resident_bytes(),
        disk_free: disks.iter().filter_map(free).collect(),
        gpus: gpus.map(Gpus::sample).unwrap_or_default().into_iter().map(gpu).collect(),
    }
}

fn gpu(gpu: machine::GpuSample) -> GpuSampled {
    let (memory_used, memory_total) = gpu.memory.unzip();
    GpuSampled {
        name: gpu.name,
        utilisation: gpu.utilisation.and_then(Finite::new),
        memory_used,
        memory_total,
        watts: gpu.watts.and_then(Finite::new),
        celsius: gpu.celsius.and_then(Finite::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionCard;
    use crate::session::tail::{Budget, LogTail};

    #[test]
    fn a_month_of_samples_is_some_thousands() {
        let mut schedule = Schedule { every: FIRST, left: BEFORE_DOUBLING };
        let (mut samples, mut waited) = (0, Duration::ZERO);
        while waited < Duration::from_hours(30 * 24) {
            waited += schedule.next();
            samples += 1;
        }
        assert!((5_000..12_000).contains(&samples), "{samples}");
    }

    #[test]
    fn samples_are_written_beside_the_log_until_the_run_ends() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace {
            sessions: root.path().to_owned(),
            checkpoints: root.path().join("nowhere"),
            device: candle_core::Device::Cpu,
            device_name: "cpu".to_owned(),
            threads: 1,
            memory_limit: None,
        };
        let card = SessionCard::new("t", None, "h".into(), "cpu".into(), 1);
        let session = Session::create(root.path(), card).unwrap();
        let run: RunName = "tiny-1".parse().unwrap();
        let path = session.folder().join("tiny-1.1.system.jsonl");
        // Over before the first sample: no log.
        drop(Samples::start(&workspace, &session, &run, 1));
        assert!(!path.exists());
        let samples = Samples::every(Duration::from_millis(5), &workspace, &session, &run, 1);
        let whole = || std::fs::read_to_string(&path).is_ok_and(|text| text.lines().count() > 3);
        while !whole() {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(samples);
        let mut tail = LogTail::<SystemEvent>::open_as(&path).unwrap();
        let mut seen = 0;
        tail.poll(Budget::ALL, |record| {
            seen += 1;
            let SystemEvent::Sampled(sampled) = record.event else { panic!("{record:?}") };
            assert_eq!(record.seq, seen);
            assert!(sampled.memory_used <= sampled.memory_total && sampled.cores > 0);
            assert_eq!(sampled.disk_free.keys().collect::<Vec<_>>(), ["sessions"]);
        })
        .unwrap();
        assert!(seen >= 3 && tail.oddities().bad_lines == 0);
        assert_eq!(tail.header().unwrap().log, crate::session::header::LogKind::System);
        // Nobody takes it for a run's log.
        assert!(crate::session::follow::logs_in(session.folder()).unwrap().is_empty());
    }
}
