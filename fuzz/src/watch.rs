//! Sees to hangs and memory beside the input that runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The input that runs, and since when.
type Running = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

/// A thread that ends the process when an input takes too long or too much.
pub struct Watch {
    running: Running,
    over: Arc<AtomicBool>,
}

impl Watch {
    /// Begins to watch: `hang` in seconds, `memory` in MiB.
    pub fn begin(target: &'static str, findings: &Path, hang: u64, memory: u64) -> Self {
        let running: Running = Arc::default();
        let over = Arc::new(AtomicBool::new(false));
        let (seen, done, findings) = (running.clone(), over.clone(), findings.to_owned());
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
                let guard = seen.lock().expect("no one panics with it");
                let Some((since, input)) = guard.as_ref() else { continue };
                let resident = resident_mib();
                let what = if since.elapsed() > Duration::from_secs(hang) {
                    "hang"
                } else if resident > memory {
                    "memory"
                } else {
                    continue;
                };
                let path = keep(&findings, target, what, input);
                eprintln!("{target}: {what} ({resident} MiB), see {}", path.display());
                std::process::exit(1);
            }
        });
        Self { running, over }
    }

    /// An input begins.
    pub fn start(&self, input: &[u8]) {
        *self.running.lock().expect("no one panics with it") =
            Some((Instant::now(), input.to_vec()));
    }

    /// It ended.
    pub fn stop(&self) {
        *self.running.lock().expect("no one panics with it") = None;
    }

    /// The target is done.
    pub fn end(self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Writes a finding down.
pub fn keep(folder: &Path, target: &str, what: &str, input: &[u8]) -> PathBuf {
    let sum = input.iter().fold(0xcbf2_9ce4_8422_2325u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let path = folder.join(format!("{target}-{what}-{sum:016x}"));
    std::fs::create_dir_all(folder).expect("a folder for findings");
    std::fs::write(&path, input).expect("a finding");
    path
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    let number = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    number.unwrap_or(0) >> 10
}

fn resident_mib() -> u64 {
    status("VmRSS")
}

/// The most memory the process has had.
pub fn peak_mib() -> u64 {
    status("VmHWM")
}
