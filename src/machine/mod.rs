//! What this computer has and does now: processor, memory, disk, name.
//!
//! Nothing here is needed for a result: it is recorded and shown.

mod gpu;
mod home;
mod sampler;

pub use gpu::{GpuSample, Gpus};
pub use home::at_home;
pub use sampler::{Sampler, disk, memory_used};

use std::fs;
use std::io;
use std::path::Path;

/// What does not change while a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The computer's name.
    pub host: String,
    /// The processor's model, such as `AMD EPYC 9B14`.
    pub processor: String,
    /// Cores this process may use: fewer than there are, in a container or under an affinity mask.
    pub cores: u32,
    /// Memory in bytes, or what a container allows of it.
    pub memory_total: u64,
}

impl Machine {
    /// Looks once; takes some milliseconds.
    #[must_use]
    pub fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let memory_total = memory().map_or(0, |memory| memory.total);
        Self { host: host(), processor: processor(), cores, memory_total }
    }
}

struct Memory {
    total: u64,
    available: u64,
}

/// The computer's memory, within what a container allows. Nothing where the system does not tell.
fn memory() -> Option<Memory> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let all = Memory { total: system.total_memory(), available: system.available_memory() };
    Some(match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 => Memory {
            total: all.total.min(limits.total_memory),
            available: all.available.min(limits.free_memory),
        },
        _ => all,
    })
}

/// The computer's name; `unknown` where it has none.
#[must_use]
pub fn host() -> String {
    sysinfo::System::host_name().unwrap_or_else(|_| "unknown".to_owned())
}

/// The processor's model; its architecture where the system does not tell.
#[must_use]
pub fn processor() -> String {
    let brand = sysinfo::System::new().ok().and_then(|mut system| {
        system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
        system.cpus().first().map(|cpu| cpu.brand().trim().to_owned())
    });
    brand.filter(|brand| !brand.is_empty()).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Memory that a new tensor could take, in bytes: what is free, and what the system would give up
/// for it; within what a container allows. 0 where the system does not tell.
#[must_use]
pub fn memory_available() -> u64 {
    memory().map_or(0, |memory| memory.available)
}

/// Memory this process holds now, in bytes; 0 where the system does not tell. Cheap enough for
/// every step: some microseconds on Linux.
#[must_use]
pub fn resident_bytes() -> u64 {
    status_bytes("VmRSS:").unwrap_or_else(resident_from_sysinfo)
}

/// The most memory this process has held so far, in bytes; 0 where the system does not tell.
#[must_use]
pub fn peak_resident_bytes() -> u64 {
    status_bytes("VmHWM:").unwrap_or_else(resident_from_sysinfo)
}

/// A line of Linux's own account of this process. It names kilobytes, so the size of a page need
/// not be known.
fn status_bytes(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    parse_status(&text, key)
}

fn parse_status(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn resident_from_sysinfo() -> u64 {
    let (Ok(process), Ok(mut system)) = (sysinfo::get_current_pid(), sysinfo::System::new()) else {
        return 0;
    };
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[process]), false);
    system.process(process).map_or(0, sysinfo::Process::memory)
}

/// Bytes that an ordinary user can still write to the file system of `path`, which must exist.
pub fn disk_free(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_processor_and_memory_and_this_process_holds_some_of_it() {
        let machine = Machine::look();
        assert!(machine.cores >= 1 && !machine.processor.is_empty(), "{machine:?}");
        let held = resident_bytes();
        assert!(held > 1 << 16 && held <= machine.memory_total, "{held} of {machine:?}");
        assert!(peak_resident_bytes() >= 1 << 16);
        assert!(memory_available() <= machine.memory_total);
        assert!(disk_free(Path::new("/")).is_ok());
        assert!(disk_free(Path::new("/no/such/place")).is_err());
    }

    #[test]
    fn the_status_file_is_read_by_its_key() {
        let text = "Name:\tVmRSS:\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(parse_status(text, "VmRSS:"), Some(1 << 20));
        assert_eq!(parse_status(text, "VmSwap:"), None);
    }
}
