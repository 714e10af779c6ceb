//! Which sessions have queries to inspect: those with a result that keeps who stood near whom. The names
//! of the files tell, and no file is opened.

use super::weighted::Weighted;
use crate::ids::SessionId;
use crate::session::results::results_of;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

/// What the last look saw.
#[derive(Debug, Default)]
pub struct Inspected {
    /// By session: when its folder of results last changed, and whether it has any such result.
    seen: BTreeMap<SessionId, (Option<SystemTime>, bool)>,
    said: BTreeSet<SessionId>,
    /// Whose weights are here.
    pub weights: Weighted,
}

impl Inspected {
    /// The sessions with queries, where they have become others since the last look.
    pub fn look(&mut self, folder: &Path, sessions: &[SessionId]) -> Option<BTreeSet<SessionId>> {
        self.seen.retain(|id, _| sessions.contains(id));
        for id in sessions {
            let session = folder.join(id.as_str());
            let changed =
                std::fs::metadata(session.join("results")).and_then(|data| data.modified()).ok();
            if self.seen.get(id).is_none_or(|(before, _)| *before != changed) {
                let has = changed.is_some() && has_queries(&session);
                self.seen.insert(id.clone(), (changed, has));
            }
        }
        let now: BTreeSet<SessionId> =
            self.seen.iter().filter(|(_, (_, has))| *has).map(|(id, _)| id.clone()).collect();
        if now == self.said {
            return None;
        }
        self.said.clone_from(&now);
        Some(now)
    }
}

fn has_queries(session: &Path) -> bool {
    let results = results_of(session);
    let ids = results.list().unwrap_or_default();
    ids.iter().any(|id| {
        results.neighbours_path(id).exists() || results.second_neighbours_path(id).exists()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_once_its_results_keep_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let ids: Vec<SessionId> = ["20261124-100000-night-bbbbbb", "20261124-110000-day-cccccc"]
            .map(|id| id.parse().unwrap())
            .into();
        let write = |id: &SessionId, name: &str| {
            let results = folder.path().join(id.as_str()).join("results");
            std::fs::create_dir_all(&results).unwrap();
            std::fs::write(results.join(name), "{}").unwrap();
        };
        write(&ids[0], "caption-1.json");
        write(&ids[1], "image-1.json");
        write(&ids[1], "image-1.neighbours.safetensors");
        let mut inspected = Inspected::default();
        let found = inspected.look(folder.path(), &ids).unwrap();
        assert_eq!(found, BTreeSet::from([ids[1].clone()]));
        assert_eq!(inspected.look(folder.path(), &ids), None);
        assert_eq!(inspected.look(folder.path(), &ids[..1]), Some(BTreeSet::new()));
    }
}
