//! What the workbench knew of a session at a moment of it: Runs, System and Log are drawn from that as they
//! were looked at. It comes from the session's own records, so other sessions' runs are not in it, nor what
//! was printed, of which no record says when.

use super::runs;
use crate::session::Time;
use crate::session::names::RunId;
use crate::session::state::LogLock;
use crate::tui::app::Shared;
use crate::tui::data::acts::Scene;
use crate::tui::data::library::{Library, RunEntry};
use crate::tui::data::reel::Reel;
use serde_json::Value;
use std::collections::BTreeSet;

/// All of it that these screens show.
#[derive(Clone, Debug)]
pub struct Past {
    library: Library,
    focus: Option<RunId>,
    marks: Vec<RunId>,
    pins: BTreeSet<RunId>,
    now: Time,
}

/// Whether a screen is drawn from what was known.
pub fn shows(screen: &str) -> bool {
    matches!(screen, "runs" | "system" | "log")
}

impl Past {
    /// At the moment of a replay, with what was looked at then.
    pub fn of(shared: &Shared, reel: &Reel, scene: &Scene) -> Self {
        let open = runs(shared, reel);
        let mut library = Library { scanned: true, ..Library::default() };
        let here = shared.library.sessions.iter().filter(|entry| entry.id == reel.session);
        library.sessions = here.cloned().collect();
        library.sittings.insert(reel.session.clone(), reel.sittings.clone());
        library.machine.push_back(reel.machine.clone().unwrap_or_default());
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
        let pins = pinned.filter_map(|subject| named(subject.name())).collect();
        let focus = scene.with.get("run").and_then(Value::as_str).and_then(named);
        let marked = scene.with.get("marked").and_then(Value::as_array);
        let marked: Vec<&str> = marked.into_iter().flatten().filter_map(Value::as_str).collect();
        let marks = library.runs.iter().map(|run| run.id.clone());
        let marks = marks.filter(|run| marked.contains(&run.to_string().as_str())).collect();
        Self { focus, marks, pins, now: reel.time, library }
    }

    /// The same as screens see it, drawn as everything is drawn now.
    pub fn shared(&self, shared: &Shared) -> Shared {
        let Self { library, focus, marks, pins, now } = self.clone();
        let known = Shared::new(shared.theme, shared.glyphs, true, now);
        Shared { library, focus, marks, pins, ..known }
    }
}
