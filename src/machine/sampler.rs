//! What the processor and memory do now: asked again and again, each answer for the time since the
//! one before.

use std::fmt;

/// Keeps what the last look saw.
pub struct Sampler {
    system: Option<sysinfo::System>,
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sampler")
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self { system: sysinfo::System::new().ok() }
    }
}

impl Sampler {
    /// Share of each core's time used since the last call, 0 to 1; the first call tells nothing yet.
    pub fn cores(&mut self) -> Vec<f64> {
        let Some(system) = &mut self.system else { return Vec::new() };
        system.refresh_cpu_usage();
        system.cpus().iter().map(|cpu| f64::from(cpu.usage()) / 100.0).collect()
    }
}

/// Bytes of memory used and there are, within what a container allows; zeros where the system does
/// not tell.
#[must_use]
pub fn memory_used() -> (u64, u64) {
    super::memory()
        .map_or((0, 0), |memory| (memory.total.saturating_sub(memory.available), memory.total))
}

/// Bytes free for an ordinary user, and in all, on the file system of `path`.
pub fn disk(path: &std::path::Path) -> std::io::Result<(u64, u64)> {
    let found = rustix::fs::statvfs(path)?;
    let size = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok((size(found.f_bavail), size(found.f_blocks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_memory_and_a_disk() {
        let mut sampler = Sampler::default();
        sampler.cores();
        assert!(!sampler.cores().is_empty());
        let (used, total) = memory_used();
        assert!(used > 0 && used <= total);
        let (free, all) = disk(std::path::Path::new("/")).unwrap();
        assert!(free <= all);
    }
}
