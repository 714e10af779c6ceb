//! Which runs' weights are here: a session may have come without them.

use crate::ids::SessionId;
use crate::session::names::RunId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

/// What the last look saw.
#[derive(Debug, Default)]
pub struct Weighted {
    /// By session: when its folder of checkpoints last changed, and its runs with one.
    seen: BTreeMap<SessionId, (Option<SystemTime>, BTreeSet<RunId>)>,
    said: Option<BTreeSet<RunId>>,
}

impl Weighted {
    /// The runs with checkpoints, where they have become others since the last look.
    pub fn look(&mut self, checkpoints: &Path, sessions: &[SessionId]) -> Option<BTreeSet<RunId>> {
        self.seen.retain(|id, _| sessions.contains(id));
        for id in sessions {
            let folder = checkpoints.join(id.as_str());
            let changed = std::fs::metadata(&folder).and_then(|data| data.modified()).ok();
            if self.seen.get(id).is_none_or(|(before, _)| *before != changed) {
                self.seen.insert(id.clone(), (changed, runs_in(&folder, id)));
            }
        }
        let now: BTreeSet<RunId> = self.seen.values().flat_map(|(_, runs)| runs).cloned().collect();
        if self.said.as_ref() == Some(&now) {
            return None;
        }
        self.said = Some(now.clone());
        Some(now)
    }
}

fn runs_in(folder: &Path, session: &SessionId) -> BTreeSet<RunId> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter(|entry| entry.path().is_dir()).filter_map(|entry| {
        let run = entry.file_name().to_str()?.parse().ok()?;
        Some(RunId { session: session.clone(), run })
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_once_a_folder_of_its_checkpoints_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let id: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let ids = std::slice::from_ref(&id);
        let mut weighted = Weighted::default();
        assert_eq!(weighted.look(folder.path(), ids), Some(BTreeSet::new()));
        assert_eq!(weighted.look(folder.path(), ids), None);
        std::fs::create_dir_all(folder.path().join(id.as_str()).join("clip-1/clip")).unwrap();
        std::fs::write(folder.path().join(id.as_str()).join("clip-2"), "").unwrap();
        let run = RunId { session: id.clone(), run: "clip-1".parse().unwrap() };
        assert_eq!(weighted.look(folder.path(), ids), Some(BTreeSet::from([run])));
        assert_eq!(weighted.look(folder.path(), &[]), Some(BTreeSet::new()));
    }
}
