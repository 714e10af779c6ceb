//! What the workbench knew of a session at a moment of it: the screens that were looked at are drawn from
//! that. It comes from the session's own records and from the results that had been made by then, so other
//! sessions' runs are not in it, nor what no record tells the time of: what was printed, and how far a
//! comparison under way had come.

use super::runs;
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::names::RunId;
use crate::session::state::LogLock;
use crate::tui::app::Shared;
use crate::tui::data::acts::Scene;
use crate::tui::data::asked::Asked;
use crate::tui::data::library::{Library, LoadedResult, RunEntry};
use crate::tui::data::reel::Reel;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All of it, as screens see it.
#[derive(Debug)]
pub struct Past {
    shared: RefCell<Shared>,
    /// What its typed queries were copied from.
    asked: Arc<Vec<Asked>>,
    /// Whether pictures may be drawn.
    pictured: bool,
}

/// Whether a screen is drawn from what was known.
pub fn shows(screen: &str) -> bool {
    of_results(screen) || matches!(screen, "runs" | "system" | "log")
}

/// Whether a screen shows results.
pub fn of_results(screen: &str) -> bool {
    matches!(screen, "compare" | "inspect")
}

impl Past {
    /// At the moment of a replay, with what was looked at then. What is the same as `before` is taken
    /// over: results may be large.
    pub fn of(shared: &Shared, reel: &Reel, scene: &Scene, before: Option<Self>) -> Self {
        let mut then = Shared::new(shared.theme, shared.glyphs, true, reel.time);
        let library = &mut then.library;
        library.scanned = true;
        let here = shared.library.sessions.iter().filter(|entry| entry.id == reel.session);
        library.sessions = here.cloned().collect();
        library.sittings.insert(reel.session.clone(), reel.sittings.clone());
        library.machine.push_back(reel.machine.clone().unwrap_or_default());
        let open = runs(shared, reel);
        for (id, run) in open.iter().filter(|(_, run)| run.state.started.is_some()) {
            let mut entry = RunEntry::of(id, &run.state, run.status);
            let held = run.status.has_runner();
            entry.runner.lock = Some(if held { LogLock::Held } else { LogLock::Free });
            entry.runner.after = reel.after.get(id).cloned();
            library.put(entry);
        }
        library.open = open;
        let named = |run: &str| {
            let run = run.parse().ok()?;
            Some(RunId { session: reel.session.clone(), run })
        };
        let pinned = reel.sittings.pins.iter().filter(|subject| subject.kind() == "run");
        then.pins = pinned.filter_map(|subject| named(subject.name())).collect();
        then.focus = scene.with.get("run").and_then(Value::as_str).and_then(named);
        let marked = scene.with.get("marked").and_then(Value::as_array);
        let marked: Vec<&str> = marked.into_iter().flatten().filter_map(Value::as_str).collect();
        let marks = then.library.runs.iter().map(|run| run.id.clone());
        then.marks = marks.filter(|run| marked.contains(&run.to_string().as_str())).collect();
        let past = Self { shared: RefCell::new(then), asked: Arc::default(), pictured: false };
        if of_results(&scene.screen) { past.with_results(shared, reel, before) } else { past }
    }

    /// With the results and the typed queries of the moment.
    fn with_results(self, shared: &Shared, reel: &Reel, before: Option<Self>) -> Self {
        let mut then = self.shared.into_inner();
        let (known, asked) = before.map_or_else(Default::default, |before| {
            let known = before.shared.into_inner();
            (known.library.results, Some((before.asked, known.asked)))
        });
        then.session = Some(reel.session.clone());
        then.library.results = results(&shared.library, reel, known);
        then.library.joining.clone_from(&shared.library.joining);
        let same = asked.filter(|(of, _)| Arc::ptr_eq(of, &reel.asked));
        then.asked = same.map_or_else(|| reel.asked.to_vec(), |(_, asked)| asked);
        let (shared, asked) = (RefCell::new(then), Arc::clone(&reel.asked));
        Self { shared, asked, pictured: true }
    }

    /// Shows it to a screen, drawn as everything is drawn now.
    pub fn show<T>(&self, shared: &Shared, look: impl FnOnce(&Shared) -> T) -> T {
        let mut then = self.shared.borrow_mut();
        (then.theme, then.glyphs) = (shared.theme, shared.glyphs);
        if self.pictured {
            (then.graphics, then.cell, then.covered) =
                (shared.graphics, shared.cell, shared.covered);
            then.library.pictures.clone_from(&shared.library.pictures);
        }
        look(&then)
    }
}

/// The results that had been made by a moment; those of `before` where they are the same.
fn results(
    library: &Library,
    reel: &Reel,
    mut before: BTreeMap<SessionId, Vec<LoadedResult>>,
) -> BTreeMap<SessionId, Vec<LoadedResult>> {
    let first = |session: &SessionId, result: &LoadedResult| -> Option<Time> {
        reel.first.get(&result.id).copied().filter(|_| *session == reel.session)
    };
    let then = |(session, all): (&SessionId, &Vec<LoadedResult>)| {
        let there = |result: &&LoadedResult| result.was_there(reel.time, first(session, result));
        let now: Vec<&LoadedResult> = all.iter().filter(there).collect();
        let same = |kept: &Vec<LoadedResult>| {
            kept.len() == now.len() && kept.iter().zip(&now).all(|(old, new)| old.is_reading(new))
        };
        let kept = before.remove(session).filter(same);
        (session.clone(), kept.unwrap_or_else(|| now.into_iter().cloned().collect()))
    };
    library.results.iter().map(then).collect()
}
