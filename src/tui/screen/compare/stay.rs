//! The result in front when it is gone: which one comes in its place, and what is said of it.

use super::{CompareScreen, session};
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::widget::list::Cursor;

impl CompareScreen {
    /// What is in front stays there; in the place of what is gone comes the nearest, which is said. A
    /// moment that is looked back at is not changed.
    pub(super) fn stay(&mut self, shared: &Shared, ids: &[String]) {
        if self.restored {
            return;
        }
        let before = self.seen.as_ref().map_or(&[][..], |(_, before)| before.as_slice());
        match &self.result {
            Some(id) if ids.contains(id) => {}
            Some(id) => {
                let nearest = nearest(id, before, ids);
                self.lost = Some(lost(shared, id, nearest));
                (self.cursor, self.merged) = (Cursor::default(), false);
                self.result = nearest.cloned();
            }
            None => self.result = ids.first().cloned(),
        }
    }
}

/// The one in place of one that is gone: of those that stood behind it the first that is there, else of
/// those before it the last; the first of all where nobody knows where it stood.
fn nearest<'a>(gone: &str, before: &[String], now: &'a [String]) -> Option<&'a String> {
    let there = |id: &String| now.iter().find(|known| *known == id);
    let Some(at) = before.iter().position(|id| id == gone) else { return now.first() };
    let behind = before[at..].iter().find_map(there);
    behind.or_else(|| before[..at].iter().rev().find_map(there)).or(now.first())
}

/// What is said of it, once.
fn lost(shared: &Shared, gone: &str, nearest: Option<&String>) -> String {
    let results = session(shared).and_then(|session| shared.library.results.get(session));
    let known = results.into_iter().flatten().find(|result| result.id == gone);
    let why = match known.and_then(|result| result.content.as_ref().err()) {
        Some(why) => format!("cannot be read any more: {why}"),
        None => "is not there any more".to_owned(),
    };
    let next = match nearest {
        Some(id) => format!("{id} is in front now"),
        None => "no other result is left".to_owned(),
    };
    text::safe(&format!("{gone} {why}; {next}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn the_next_one_comes_in_its_place_and_the_one_before_where_it_was_the_last() {
        let before = ids(&["a-1", "b-1", "c-1", "d-1"]);
        let found = |gone: &str, now: &[&str]| nearest(gone, &before, &ids(now)).cloned();
        assert_eq!(found("b-1", &["a-1", "c-1", "d-1"]).as_deref(), Some("c-1"));
        assert_eq!(found("b-1", &["a-1", "d-1"]).as_deref(), Some("d-1"));
        assert_eq!(found("d-1", &["a-1", "b-1"]).as_deref(), Some("b-1"));
        assert_eq!(found("b-1", &["e-1"]).as_deref(), Some("e-1"));
        assert_eq!(found("x-1", &["a-1"]).as_deref(), Some("a-1"));
        assert_eq!(found("b-1", &[]), None);
    }
}
