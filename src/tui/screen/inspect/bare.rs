//! Inspect where nothing keeps lists of single queries: what the keys then do, and which of them are
//! offered.

use super::{InspectScreen, Shown, none, serve, source};
use crate::ids::SessionId;
use crate::tui::app::Shared;
use crate::tui::keys::Action;
use crate::tui::screen::compare::session;

/// Whether neither of the sets holds a query.
pub fn is_bare(shown: &Shown<'_>) -> bool {
    shown.sets.iter().all(|set| set.queries.is_empty())
}

impl InspectScreen {
    /// Whether the session has no lists of single queries; one that is gone is another matter.
    pub(super) fn has_none(&self, shared: &Shared) -> bool {
        let is_read = |id: &SessionId| shared.library.results.contains_key(id);
        session(shared).is_none_or(is_read)
            && self.lost(shared).is_none()
            && self.shown(shared).is_none_or(|shown| is_bare(&shown))
    }

    /// Why an action that is about lists of single queries does nothing where there are none.
    pub(super) fn needs_lists(&self, shared: &Shared, action: Action) -> Option<&'static str> {
        let unpaired = self.shown(shared).is_some_and(|shown| shown.pairs.all.is_empty());
        let about = matches!(action, Action::SliceNext | Action::SlicePrevious | Action::Beside);
        (unpaired && about).then_some("no lists of the same queries were kept here")
    }

    /// The actions that are offered then.
    pub(super) fn hints_without(&self, shared: &Shared) -> Vec<Action> {
        let mut hints = Vec::new();
        let near = session(shared).and_then(|here| none::nearest(shared, here));
        hints.extend(near.map(|_| Action::Open));
        let Some(shown) = self.shown(shared) else {
            hints.push(Action::Ask);
            return hints;
        };
        if serve::can_ask(shared, &shown) {
            hints.extend([Action::Ask, Action::Choose]);
        }
        if source::groups(shared).len() > 1 {
            hints.push(Action::SetNext);
        }
        hints.extend([Action::EncoderLeft, Action::EncoderRight]);
        hints
    }
}
