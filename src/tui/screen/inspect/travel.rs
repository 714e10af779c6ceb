//! From query to query: to one by its id, to a neighbour that asks in its turn, and back.

use super::InspectScreen;
use super::listing::Rows;
use super::source::{self, Place, judged};
use crate::tui::app::Shared;
use crate::tui::data::pairing::unit;

/// A query that was left, and what was set while it was looked at.
#[derive(Clone, Debug)]
pub struct Before {
    place: Place,
    encoders: Option<(usize, usize)>,
    slice: Option<usize>,
    search: String,
    hit: Option<usize>,
    second: bool,
    query: String,
}

impl InspectScreen {
    /// Goes to a query of the sets in front, whatever slice and search hide.
    pub(super) fn go_to(&mut self, shared: &Shared, id: &str) -> bool {
        self.settle(shared);
        let Some(shown) = self.shown(shared) else { return false };
        let rows = Rows::every(shared, &shown);
        let exact = rows.position(|known| known == id);
        let place = exact.or_else(|| rows.position(|known| unit(known) == unit(id)));
        let Some(at) = place else { return false };
        (self.slice, self.search, self.hit) = (None, String::new(), None);
        self.cursor.at = at;
        self.settle(shared);
        true
    }

    /// Lets a neighbour be the next query: in the direction where it asks, the one in front first, then
    /// one that answers with the same kind of thing.
    pub(super) fn follow(&mut self, shared: &Shared, id: &str, from: &str) -> bool {
        let groups = judged(shared, self.second);
        let now = source::at(&groups, self.place.as_ref());
        let Some(front) = groups.get(now) else { return false };
        let answers = |direction: &str| direction.rsplit('-').next().map(str::to_owned);
        let asks =
            |at: &usize| groups[*at].sets.iter().any(|set| set.queries.iter().any(|q| q == id));
        let same = |at: &usize| groups[*at].result == front.result;
        let alike = |at: &usize| answers(groups[*at].direction) == answers(front.direction);
        let order: Vec<usize> = (0..groups.len()).filter(|at| same(at) && asks(at)).collect();
        let next = if order.contains(&now) {
            Some(now)
        } else {
            order.iter().copied().find(alike).or(order.first().copied())
        };
        let before = Before {
            place: front.place(),
            encoders: self.encoders,
            slice: self.slice,
            search: self.search.clone(),
            hit: self.hit,
            second: self.second,
            query: from.to_owned(),
        };
        if let Some(next) = next {
            self.place = Some(groups[next].place());
        }
        if self.go_to(shared, id) {
            self.before.push(before);
            return true;
        }
        (self.place, self.encoders) = (Some(before.place), before.encoders);
        self.settle(shared);
        false
    }

    /// Goes back to the query before, with the slice, the search and the neighbour it was left with.
    pub(super) fn go_back(&mut self, shared: &Shared) {
        let Some(before) = self.before.pop() else { return };
        let groups = judged(shared, self.second);
        let now = groups.get(source::at(&groups, self.place.as_ref()));
        let lost = self.lost(shared).is_some();
        if lost || now.is_none_or(|now| now.place() != before.place) {
            (self.place, self.encoders) = (Some(before.place), before.encoders);
        }
        (self.slice, self.search, self.second) = (before.slice, before.search, before.second);
        self.settle(shared);
        let listed = self
            .shown(shared)
            .and_then(|shown| self.listed(shared, &shown).position(|id| id == before.query));
        if let Some(at) = listed {
            (self.cursor.at, self.hit) = (at, before.hit);
        } else {
            // Other encoders were chosen meanwhile: it may have become of another slice.
            self.go_to(shared, &before.query);
        }
    }
}
