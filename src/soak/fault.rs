//! [`Fault`]: what strikes a run.

use super::child::{Came, Place};
use super::{SoakError, io_error};
use crate::files::fault::{
    AFTER_RENAME, BEFORE_MANIFEST, BEFORE_RENAME, FILE, LOG_LINE, LOG_WRITTEN,
};
use crate::rng::Stream;
use std::path::PathBuf;
use std::time::Duration;

/// Something that can happen to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` after this time.
    Kill(Duration),
    /// `kill -9` at a place in the code, on that arrival there.
    KillAt(&'static str, u32),
    /// `kill -9`, and a file of the newest checkpoint is cut short while the run lies.
    KillAndTear(Duration),
    /// SIGTERM after this time: a checkpoint and the end.
    Terminate(Duration),
    /// SIGHUP after this time: nothing may happen.
    HangUp(Duration),
    /// No file may grow beyond so many blocks of 512 bytes: what a full disk does.
    Full(u32),
}

impl Fault {
    /// Draws a fault for a run that takes about `took`.
    pub(super) fn draw(stream: &mut Stream, took: Duration) -> Self {
        let moment = |stream: &mut Stream| took.mul_f32(stream.uniform());
        let arrival = |stream: &mut Stream, most: usize| 1 + stream.below(most) as u32;
        match stream.below(16) {
            0..4 => Self::Kill(moment(stream)),
            4..6 => Self::KillAt(LOG_LINE, arrival(stream, 20)),
            6 => Self::KillAt(LOG_WRITTEN, arrival(stream, 20)),
            7..9 => Self::KillAt(FILE, arrival(stream, 12)),
            9 => Self::KillAt(BEFORE_MANIFEST, arrival(stream, 3)),
            10 => Self::KillAt(BEFORE_RENAME, arrival(stream, 3)),
            11 => Self::KillAt(AFTER_RENAME, arrival(stream, 3)),
            12 => Self::KillAndTear(moment(stream)),
            13 => Self::Terminate(moment(stream)),
            14 => Self::HangUp(moment(stream)),
            _ => Self::Full(4 << stream.below(8)),
        }
    }

    /// What it is called in the table.
    pub fn name(&self) -> String {
        match self {
            Self::Kill(_) => "kill -9 at a random moment".to_owned(),
            Self::KillAt(place, _) => format!("kill -9 at {place}"),
            Self::KillAndTear(_) => "kill -9, then a torn checkpoint".to_owned(),
            Self::Terminate(_) => "SIGTERM".to_owned(),
            Self::HangUp(_) => "SIGHUP".to_owned(),
            Self::Full(_) => "disk full".to_owned(),
        }
    }

    /// Whether it did what it does to a process that it does not kill.
    pub(super) fn struck_without_killing(&self, came: Came) -> bool {
        match self {
            Self::Terminate(_) => came == Came::Ended(Some(143)),
            Self::HangUp(_) => came == Came::Ended(Some(0)),
            Self::Full(_) => came == Came::Ended(Some(1)),
            _ => false,
        }
    }

    /// What happens while the killed run lies.
    pub(super) fn afterwards(&self, place: &Place, stream: &mut Stream) -> Result<(), SoakError> {
        let Self::KillAndTear(_) = self else { return Ok(()) };
        let mut files = place.newest_checkpoint();
        files.sort();
        if files.is_empty() {
            return Ok(());
        }
        let path: PathBuf = files.swap_remove(stream.below(files.len()));
        let cut = |path: &PathBuf| {
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            let length = file.metadata()?.len();
            file.set_len(length / 2)
        };
        cut(&path).map_err(io_error("tear a checkpoint's file", &path))
    }
}
