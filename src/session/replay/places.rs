//! Places of a session to skip to, and where its runs end.

use super::pace::Pace;
use super::timeline::{Entries, Entry, Kind};
use crate::session::sitting::SittingEvent;
use crate::session::time::Time;
use std::collections::BTreeMap;

/// A moment that a person marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Its name.
    pub mark: String,
    /// Which moment.
    pub time: Time,
    /// What it is called; may be empty.
    pub label: String,
}

/// What is known of entries without folding them.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub pace: Pace,
    landmarks: Vec<usize>,
    bookmarks: BTreeMap<String, Bookmark>,
    /// Landmarks and marked moments, in order.
    pub marks: Vec<usize>,
    /// What was done at the terminal, in order.
    pub actions: Vec<usize>,
    /// Moving about in replays, in order.
    pub scrubs: Vec<usize>,
    /// Just after the last entry that is none of that.
    pub end: usize,
    /// Just after the last entry that no sitting wrote.
    pub run_end: usize,
    /// Whether there is an entry that no sitting wrote.
    runs: bool,
}

impl Places {
    /// Reads entries from a place on; what was known of them is forgotten.
    pub fn read(&mut self, entries: &impl Entries, from: usize) {
        self.pace.read(entries, from);
        self.landmarks.retain(|at| *at < from);
        self.actions.retain(|at| *at < from);
        self.scrubs.retain(|at| *at < from);
        self.run_end = self.run_end.min(from);
        for at in from..entries.len() {
            match entries.kind(at) {
                Kind::Landmark => self.landmarks.push(at),
                Kind::Mark => {
                    self.actions.push(at);
                    self.mark(entries.entry(at));
                    continue;
                }
                Kind::Action => {
                    self.actions.push(at);
                    continue;
                }
                Kind::Scrub => {
                    self.scrubs.push(at);
                    continue;
                }
                Kind::Step | Kind::Sample | Kind::Other => {}
            }
            (self.run_end, self.runs) = (at + 1, true);
        }
        let counted = (0..entries.len()).rev().find(|at| entries.kind(*at) != Kind::Scrub);
        self.end = counted.map_or(entries.len(), |at| at + 1);
        if !self.runs {
            self.run_end = entries.len();
        }
        self.marks.clone_from(&self.landmarks);
        let last = entries.len().saturating_sub(1);
        self.marks
            .extend(self.bookmarks.values().map(|mark| first_at(entries, mark.time).min(last)));
        self.marks.sort_unstable();
        self.marks.dedup();
    }

    fn mark(&mut self, entry: Option<Entry>) {
        let Some(Entry::Sitting(_, record)) = entry else { return };
        match record.event {
            SittingEvent::Marked(marked) => {
                let bookmark =
                    Bookmark { mark: marked.mark, time: marked.at.time, label: marked.label };
                self.bookmarks.insert(bookmark.mark.clone(), bookmark);
            }
            SittingEvent::Unmarked(unmarked) => drop(self.bookmarks.remove(&unmarked.mark)),
            _ => {}
        }
    }

    /// How many of the first entries count: moving about in a replay does not.
    pub fn counted(&self, position: usize) -> usize {
        position - self.scrubs.partition_point(|at| *at < position)
    }

    /// The first place up to which so many entries count.
    pub fn place_of(&self, counted: usize) -> usize {
        let (mut low, mut high) = (counted, counted + self.scrubs.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.counted(middle) < counted { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// What people marked, in order of time.
    pub fn bookmarks(&self) -> Vec<&Bookmark> {
        let mut all: Vec<&Bookmark> = self.bookmarks.values().collect();
        all.sort_by_key(|mark| mark.time);
        all
    }
}

/// The place of the first entry at or after a moment.
pub(super) fn first_at(entries: &impl Entries, time: Time) -> usize {
    let (mut low, mut high) = (0, entries.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if entries.time(middle) < time { low = middle + 1 } else { high = middle }
    }
    low
}
