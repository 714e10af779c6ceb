//! What the machine does now, and who works on it: the numbers of the System screen, for `doctor`.

use crate::machine::{GpuSample, Gpus, Machine, Sampler, disk, memory_used};
use crate::session::event::Event;
use crate::session::follow::{RunFollower, logs_in};
use crate::session::names::RunId;
use crate::session::runs::run_ids;
use crate::session::state::{LogLock, lock_of};
use crate::session::tail::Budget;
use crate::session::{LogError, RunStatus, Time};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Between two looks at the cores: each tells of the time since the one before.
const BETWEEN: Duration = Duration::from_millis(300);

/// The machine at one moment.
#[derive(Serialize)]
pub struct MachineNow {
    time: Time,
    host: String,
    processor: String,
    /// Share of each core's time that was used.
    cores: Vec<f64>,
    memory_used: u64,
    memory_total: u64,
    disks: Vec<Disk>,
    gpus: Vec<Gpu>,
}

#[derive(Serialize)]
struct Disk {
    name: &'static str,
    free: u64,
    total: u64,
}

#[derive(Serialize)]
struct Gpu {
    name: String,
    utilisation: Option<f64>,
    memory_used: Option<u64>,
    memory_total: Option<u64>,
    watts: Option<f64>,
    celsius: Option<f64>,
}

impl From<GpuSample> for Gpu {
    fn from(gpu: GpuSample) -> Self {
        let (memory_used, memory_total) = gpu.memory.unzip();
        let GpuSample { name, utilisation, watts, celsius, .. } = gpu;
        Self { name, utilisation, memory_used, memory_total, watts, celsius }
    }
}

impl MachineNow {
    /// Looks twice, shortly after one another.
    pub fn look(sessions: &Path, checkpoints: &Path) -> Self {
        let mut sampler = Sampler::default();
        sampler.cores();
        std::thread::sleep(BETWEEN);
        let cores = sampler.cores().into_iter().map(|share| (share * 1000.0).round() / 1000.0);
        let (memory_used, memory_total) = memory_used();
        let folders = [("sessions", sessions), ("checkpoints", checkpoints)];
        let disks = folders.into_iter().filter_map(|(name, path)| {
            let (free, total) = disk(path).ok()?;
            Some(Disk { name, free, total })
        });
        let gpus = Gpus::open().as_ref().map(Gpus::sample).unwrap_or_default();
        let Machine { host, processor, .. } = Machine::look();
        Self {
            time: Time::now(),
            host,
            processor,
            cores: cores.collect(),
            memory_used,
            memory_total,
            disks: disks.collect(),
            gpus: gpus.into_iter().map(Gpu::from).collect(),
        }
    }

    /// The mean of the cores, a share; none where the system does not tell.
    pub fn busy(&self) -> Option<f64> {
        let cores = &self.cores;
        (!cores.is_empty()).then(|| cores.iter().sum::<f64>() / cores.len() as f64)
    }
}

/// A run that a runner works for.
#[derive(Serialize)]
pub struct RunnerNow {
    /// `<session>/<run>`.
    pub run: String,
    /// Queued, live or paused.
    pub state: RunStatus,
    /// Its process, on that host.
    pub process: Option<u32>,
    /// The computer.
    pub host: Option<String>,
    /// `cpu` or `cuda:N`.
    pub device: Option<String>,
    /// `held`, or `unsupported` where the file system has no locks.
    pub lock: &'static str,
    /// The run whose end a queued one waits for.
    pub after: Option<String>,
    /// Seconds since its newest record.
    pub silent_s: Option<f64>,
}

/// Every run that a runner works for. What cannot be read is left out: `runs` tells of it.
pub fn runners(sessions: &Path) -> Vec<RunnerNow> {
    let now = Time::now();
    let ids = run_ids(sessions).unwrap_or_default();
    ids.iter().filter_map(|id| runner(sessions, id, now).ok().flatten()).collect()
}

fn runner(sessions: &Path, id: &RunId, now: Time) -> Result<Option<RunnerNow>, LogError> {
    let folder = sessions.join(id.session.as_str());
    let logs = logs_in(&folder)?.remove(&id.run).unwrap_or_default();
    // A log that nobody holds has no runner, and need not be read.
    let lock = match logs.last_key_value().map(|(_, log)| lock_of(log)) {
        Some(LogLock::Held) => "held",
        Some(LogLock::Unsupported) => "unsupported",
        Some(LogLock::Free) | None => return Ok(None),
    };
    let mut run = RunFollower::open(&folder, id.run.clone());
    let mut after: Option<String> = None;
    run.poll_with(Budget::ALL, |record| {
        if let Event::Queued(queued) = &record.event {
            after.clone_from(&queued.after);
        }
    })?;
    let state = run.status(now);
    if !run.is_run() || !state.has_runner() {
        return Ok(None);
    }
    let started = run.state().started.as_ref();
    Ok(Some(RunnerNow {
        run: id.to_string(),
        state,
        process: started.map(|started| started.pid),
        host: started.map(|started| started.host.clone()),
        device: started.map(|started| started.device.clone()),
        lock,
        after: after.filter(|_| state == RunStatus::Queued),
        silent_s: run.state().last_time.map(|last| now.seconds_since(last).max(0.0)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_told_with_what_its_cores_do() {
        let here = tempfile::tempdir().unwrap();
        let now = MachineNow::look(here.path(), &here.path().join("none"));
        assert!(now.busy().is_some_and(|share| (0.0..=1.0).contains(&share)));
        assert!(now.memory_used > 0 && now.disks.len() == 1);
        assert!(runners(here.path()).is_empty() && runners(&here.path().join("none")).is_empty());
    }
}
