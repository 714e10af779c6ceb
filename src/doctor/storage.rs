//! The folders that are written to: room, permission, and whether the file system has locks.

use super::{Check, State, Surroundings, bytes};
use crate::machine::disk_free;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const GROUP: &str = "storage";

/// Below this a training run of any size is refused room for two checkpoints soon.
const LITTLE: u64 = 2 << 30;

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, folder) in [
        ("sessions", &around.sessions),
        ("checkpoints", &around.checkpoints),
        ("models of the hub", &around.hub),
    ] {
        checks.push(room(name, folder));
    }
    checks.push(writing(around));
    checks
}

/// The folder itself, or the nearest above it that is there.
fn nearest(folder: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(folder).ok()?;
    absolute.ancestors().find(|path| path.exists()).map(Path::to_owned)
}

fn room(name: &'static str, folder: &Path) -> Check {
    let free = nearest(folder).and_then(|place| disk_free(&place).ok());
    let there = if folder.exists() { "" } else { " (not there yet)" };
    match free {
        None => Check::new(GROUP, name, format!("{}{there}", folder.display()))
            .advise(State::Warning, "nothing can be said about this place; name another"),
        Some(free) => Check::new(
            GROUP,
            name,
            format!("{}{there}, {} free", folder.display(), bytes(free)),
        )
        .advise_if(
            free < LITTLE,
            State::Warning,
            "free some room or name another place with --sessions, --checkpoints or HF_HOME",
        ),
    }
}

/// Whether a file can be written and locked beside the sessions.
fn writing(around: &Surroundings) -> Check {
    let name = "writing and locks";
    if around.readonly {
        return Check::new(GROUP, name, "not tried: --readonly")
            .advise(State::Note, "leave --readonly out to have it tried");
    }
    let Some(place) = nearest(&around.sessions) else {
        return Check::new(GROUP, name, "no such place")
            .advise(State::Broken, "name a folder with --sessions");
    };
    match try_lock(&place) {
        Ok(true) => Check::new(GROUP, name, "both work"),
        Ok(false) => Check::new(GROUP, name, "this file system has no locks").advise(
            State::Warning,
            "whether a run still lives is then told by its heartbeat; put sessions on a local disk to know it",
        ),
        Err(error) => Check::new(GROUP, name, format!("{}: {error}", place.display())).advise(
            State::Broken,
            "name a folder you may write to: --sessions DIR and --checkpoints DIR",
        ),
    }
}

fn try_lock(place: &Path) -> io::Result<bool> {
    let path = place.join(format!(".llm2clip-doctor.{}", std::process::id()));
    let file = File::create(&path)?;
    let locked = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    drop(file);
    fs::remove_file(&path)?;
    Ok(locked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_tried_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = folder.path().join("deep/sessions");
        let around = Surroundings { sessions, ..Surroundings::default() };
        assert_eq!(writing(&around).state, State::Ok);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let readonly = Surroundings { readonly: true, ..around };
        assert_eq!(writing(&readonly).state, State::Note);
        assert!(try_lock(Path::new("/no/such/place")).is_err());
    }
}
