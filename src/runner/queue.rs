//! The queue: a run waits for another one to end, then for the device, one run a device.
//!
//! Whoever works on a device holds a locked ticket in `<sessions>/.queue/`; whoever waits holds one
//! too. A waiting run's turn is when nobody works and nobody has waited for longer. Locks end with
//! their process, so a killed runner blocks nobody. A run that was not told to wait does not.

use super::{Narrator, RunError, Workspace};
use crate::machine;
use crate::session::event::Queued;
use crate::session::follow::RunFollower;
use crate::session::names::RunId;
use crate::session::tail::Budget;
use crate::session::{RunStatus, Time};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// What a run waits for before its first stage.
#[derive(Clone, Copy, Debug, Default)]
pub enum Wait<'a> {
    /// Nothing: it works at once.
    #[default]
    No,
    /// The end of a run, however it ends, and then the device.
    After(&'a RunId),
}

/// A place in the queue of a device, held as long as this lives.
pub(super) struct Ticket {
    path: PathBuf,
    _lock: File,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Without its name a ticket counts no more; a name that stays is found unlocked and removed.
        let _ = fs::remove_file(&self.path);
    }
}

/// Waits for the run's turn, hearing commands, and returns its ticket; none where the sessions folder
/// cannot hold one, which is no reason not to train.
pub(super) fn wait(
    workspace: &Workspace,
    wait: Wait<'_>,
    narrator: &mut Narrator,
) -> Result<Option<Ticket>, RunError> {
    let line = Line::of(workspace);
    let Wait::After(after) = wait else { return Ok(line.take("work").ok()) };
    narrator.tell(Queued { after: Some(after.to_string()) })?;
    narrator.line(&format!("queued after {after}"));
    let mine = line
        .take("wait")
        .map_err(|cause| RunError::Closed { place: line.folder.clone(), cause })?;
    let folder = workspace.sessions.join(after.session.as_str());
    let mut first = Some(RunFollower::open(&folder, after.run.clone()));
    let mut working = None;
    narrator.wait_until(|| {
        if let Some(run) = &mut first {
            run.poll(Budget::ALL)?;
            let status = run.status(Time::now());
            if status.has_runner() || status == RunStatus::Unknown {
                return Ok(false);
            }
            first = None;
        }
        if !line.is_turn(&mine) {
            return Ok(false);
        }
        // Taken before the waiting ticket is given up: nobody can step in between.
        working = line.take("work").ok();
        Ok(true)
    })?;
    drop(mine);
    Ok(working.or_else(|| line.take("work").ok()))
}

/// The queue of one device of one computer.
struct Line {
    folder: PathBuf,
    device: String,
}

impl Line {
    fn of(workspace: &Workspace) -> Self {
        let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let device = format!("{}.{}", plain(&machine::host()), plain(&workspace.device_name));
        Self { folder: workspace.sessions.join(".queue"), device }
    }

    /// A ticket of a kind; later ones have later names.
    fn take(&self, kind: &str) -> std::io::Result<Ticket> {
        fs::create_dir_all(&self.folder)?;
        let name =
            format!("{}.{kind}.{:015}-{}", self.device, Time::now().millis(), std::process::id());
        let path = self.folder.join(name);
        let lock = File::create(&path)?;
        let _ = lock.try_lock();
        Ok(Ticket { path, _lock: lock })
    }

    /// Whether nobody works and nobody has waited longer. Tickets of the dead are cleared away.
    fn is_turn(&self, mine: &Ticket) -> bool {
        let (work, wait) = (format!("{}.work.", self.device), format!("{}.wait.", self.device));
        let own = name_of(&mine.path);
        let mut turn = true;
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = name_of(&path);
            let before = name.starts_with(&work) || (name.starts_with(&wait) && name < own);
            if before && name != own {
                turn &= !is_held(&path);
            }
        }
        turn
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a process holds the ticket; one that nobody holds is removed.
fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => true,
        Ok(()) => {
            let _ = fs::remove_file(path);
            false
        }
        Err(TryLockError::Error(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_is_of_whoever_waited_longest_once_nobody_works() {
        let folder = tempfile::tempdir().unwrap();
        let line = Line { folder: folder.path().join(".queue"), device: "host.cpu".to_owned() };
        let worker = line.take("work").unwrap();
        let first = line.take("wait").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let second = line.take("wait").unwrap();
        assert!(!line.is_turn(&first));
        drop(worker);
        assert!(line.is_turn(&first) && !line.is_turn(&second));
        // A ticket whose holder was killed: its name is there and its lock is not.
        fs::write(line.folder.join("host.cpu.work.1-1"), []).unwrap();
        drop(first);
        assert!(line.is_turn(&second));
        let other = Line { folder: line.folder.clone(), device: "host.cuda-0".to_owned() };
        let elsewhere = other.take("work").unwrap();
        assert!(line.is_turn(&second));
        drop(elsewhere);
    }
}
