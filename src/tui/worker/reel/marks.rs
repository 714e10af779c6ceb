//! What there is at the places to skip to, and what is said of the last one reached.

use crate::session::replay::{Entries, Entry, Kind, Player};
use crate::tui::data::reel::{MarkKind, Reached};
use crate::tui::data::story::sentence;
use std::collections::BTreeMap;

/// The kinds of records that are skipped to, by their places.
#[derive(Debug, Default)]
pub struct Marks {
    kinds: BTreeMap<usize, MarkKind>,
}

impl Marks {
    /// Reads records from a place on; what was known of them is forgotten.
    pub fn read<E: Entries>(&mut self, player: &Player<E>, from: usize) {
        self.kinds.retain(|at, _| *at < from);
        let entries = player.entries();
        for at in player.marks().iter().filter(|at| **at >= from) {
            if entries.kind(*at) == Kind::Landmark
                && let Some(Entry::Run(_, record)) = entries.entry(*at)
            {
                self.kinds.insert(*at, MarkKind::of(&record.event));
            }
        }
    }

    /// What there is at one of the places: a record, else a moment that someone marked.
    pub fn kind(&self, at: usize) -> MarkKind {
        self.kinds.get(&at).copied().unwrap_or(MarkKind::Bookmark)
    }

    /// The last place that has been reached. Of several runs it says which.
    pub fn reached<E: Entries>(&self, player: &Player<E>, runs: usize) -> Option<Reached> {
        let (marks, position) = (player.marks(), player.position());
        let number = marks.partition_point(|at| *at < position);
        let at = *marks.get(number.checked_sub(1)?)?;
        let entries = player.entries();
        let time = entries.time(at);
        let mut words: Vec<String> = Vec::new();
        if self.kinds.contains_key(&at)
            && let Some(Entry::Run(run, record)) = entries.entry(at)
            && let Some((_, said)) = sentence(&record.event)
        {
            words.push(if runs > 1 { format!("{run}: {said}") } else { said });
        }
        let before = at.checked_sub(1).map(|before| entries.time(before));
        let last = at + 1 == entries.len();
        let here = player.bookmarks().into_iter().filter(|mark| {
            before.is_none_or(|before| before < mark.time) && (last || mark.time <= time)
        });
        words.extend(here.map(|mark| mark.label.clone()).filter(|label| !label.is_empty()));
        let (kind, words) = (self.kind(at), words.join("; "));
        Some(Reached { kind, number, time, words, here: at + 1 == position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Time;
    use crate::session::event::{Compared, Event, Heartbeat, Warned};
    use crate::session::record::Record;
    use crate::session::sitting::{Marked, Place};

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1000).unwrap()
    }

    #[test]
    fn each_place_to_skip_to_is_told_apart_and_the_last_one_reached_is_named() {
        let events: [Event; 5] = [
            Heartbeat {}.into(),
            Warned { what: "too hot".into() }.into(),
            Heartbeat {}.into(),
            Compared { id: "image-1".into(), task: "image".into() }.into(),
            Heartbeat {}.into(),
        ];
        let run = |(second, event): (i64, Event)| {
            Entry::Run("tiny-1".parse().unwrap(), Record::new(1, at(second), event))
        };
        let mut entries: Vec<Entry> = (1..).zip(events).map(run).collect();
        let marked = Marked { mark: "1-1".into(), at: Place::moment(at(3)), label: "odd".into() };
        entries.push(Entry::Sitting(1, Record::of(1, at(6), marked.into())));
        let mut player = Player::new(entries);
        let mut marks = Marks::default();
        marks.read(&player, 0);
        assert_eq!(marks.reached(&player, 1), None);
        let mut said = Vec::new();
        while player.next_mark() {
            let reached = marks.reached(&player, 1).unwrap();
            assert!(reached.here);
            said.push((reached.kind, reached.number, reached.words));
        }
        let compared = "compared encoders on image retrieval: image-1";
        let expected = [
            (MarkKind::Warning, 1, "too hot"),
            (MarkKind::Bookmark, 2, "odd"),
            (MarkKind::Result, 3, compared),
        ]
        .map(|(kind, number, words)| (kind, number, words.to_owned()));
        assert_eq!(said, expected);
        player.step_forward();
        let reached = marks.reached(&player, 2).unwrap();
        assert!(!reached.here && reached.words == format!("tiny-1: {compared}"));
    }
}
