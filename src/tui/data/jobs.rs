//! Work that was started here and is watched: comparisons.

use crate::ids::SessionId;

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Asked for; nothing was heard yet.
    #[default]
    Requested,
    /// What it said last.
    Under(String),
    /// It ended well.
    Done,
    /// Why it failed.
    Failed(String),
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// The session it works for.
    pub session: SessionId,
    /// What it does, in words.
    pub what: String,
    /// How far it is.
    pub progress: Progress,
}

impl Job {
    /// In words, as far as it is.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.progress {
            Progress::Requested => format!("{}: requested", self.what),
            Progress::Under(said) => format!("{}: {said}", self.what),
            Progress::Done => format!("{}: done", self.what),
            Progress::Failed(why) => format!("{} failed: {why}", self.what),
        }
    }

    /// Whether it still works.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self.progress, Progress::Requested | Progress::Under(_))
    }
}
