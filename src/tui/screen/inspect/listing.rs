//! The lines of the list: which queries slice and filter let through is found once, and kept until one of
//! them changes. A frame then costs what it shows.

use super::source::{self, Group, Pairs, Which};
use super::spread::Beside;
use super::tally::{Ranks, Scores};
use super::{InspectScreen, Shown};
use crate::eval::compare::Slice;
use crate::tui::app::Shared;
use crate::tui::data::asked::Asked;
use crate::tui::data::pairing::PairedQuery;
use crate::tui::data::query_filter::QueryFilter;
use crate::tui::screen::compare::session;

/// A line of the list.
#[derive(Clone, Copy)]
pub enum Row<'a> {
    /// A typed query.
    Asked(&'a Asked),
    /// A query of the sets, and its id.
    Paired(&'a PairedQuery, &'a str),
}

impl Row<'_> {
    /// Its query's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Asked(asked) => &asked.id,
            Self::Paired(_, id) => id,
        }
    }
}

/// All lines: typed queries of this session, the newest first, then those of the sets.
pub struct Rows<'a> {
    asked: Vec<&'a Asked>,
    all: &'a [PairedQuery],
    /// The ids of the sets' queries, in the sets' order.
    ids: &'a [String],
    /// Which of them; nothing: every one.
    places: Option<&'a [usize]>,
}

impl<'a> Rows<'a> {
    /// Those that no slice and no filter hides.
    pub fn every(shared: &'a Shared, shown: &Shown<'a>) -> Self {
        let asked = asked(shared, &QueryFilter::default());
        Self { asked, all: &shown.pairs.all, ids: &shown.sets[0].queries, places: None }
    }

    /// How many queries of the sets.
    pub fn paired(&self) -> usize {
        self.places.map_or(self.all.len(), <[usize]>::len)
    }

    /// How many lines.
    pub fn len(&self) -> usize {
        self.asked.len() + self.paired()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A line, counted from 0.
    pub fn get(&self, at: usize) -> Option<Row<'a>> {
        if let Some(asked) = self.asked.get(at).copied() {
            return Some(Row::Asked(asked));
        }
        let at = at - self.asked.len();
        let place = self.places.map_or(Some(at), |places| places.get(at).copied())?;
        let query = self.all.get(place)?;
        Some(Row::Paired(query, self.ids.get(query.at)?))
    }

    /// The line of the first query that is so.
    pub fn position(&self, is: impl Fn(&str) -> bool) -> Option<usize> {
        (0..self.len()).find(|at| self.get(*at).is_some_and(|row| is(row.id())))
    }
}

/// Typed queries of the session in front that a filter lets through, the newest first.
fn asked<'a>(shared: &'a Shared, filter: &QueryFilter) -> Vec<&'a Asked> {
    let here = session(shared);
    let lets = |asked: &&Asked| {
        Some(&asked.session) == here && !asked.dismissed && filter.matches_words(&asked.words())
    };
    shared.asked.iter().rev().filter(lets).collect()
}

/// Which queries of two sets slice and filter let through.
#[derive(Debug)]
pub struct Listing {
    which: Which,
    slice: Option<usize>,
    search: String,
    filter: QueryFilter,
    /// What is wrong with the filter, which then lets all through.
    pub wrong: Option<String>,
    /// Their places among the pairs, the largest change first.
    places: Vec<usize>,
    /// Their ranks, once they were shown.
    pub ranks: Option<Ranks>,
    /// The scores in both their lists, likewise.
    pub scores: Option<[Scores; 2]>,
}

impl Listing {
    fn new(pairs: &mut Pairs, slice: Option<usize>, search: &str, group: &Group<'_>) -> Self {
        let (filter, wrong) = match search.parse::<QueryFilter>() {
            Ok(filter) => (filter, None),
            Err(error) => (QueryFilter::default(), Some(error.to_string())),
        };
        if filter.reads_words() {
            pairs.read_words(group);
        }
        let within = slice.and_then(|at| Slice::ALL.get(at));
        let lets = |(at, query): (usize, &PairedQuery)| {
            let words = pairs.words.get(query.at).map_or("", String::as_str);
            let is = within.is_none_or(|slice| query.slices.contains(*slice));
            (is && filter.matches(query, words)).then_some(at)
        };
        let places = pairs.all.iter().enumerate().filter_map(lets).collect();
        let (which, search) = (pairs.which.clone(), search.to_owned());
        Self { which, slice, search, filter, wrong, places, ranks: None, scores: None }
    }

    fn is_of(&self, which: &Which, slice: Option<usize>, search: &str) -> bool {
        self.which == *which && self.slice == slice && self.search == search
    }
}

impl InspectScreen {
    /// Finds the queries that are listed, where that has changed, and counts what is shown of all of them.
    pub(super) fn find_listed(&mut self, shared: &Shared) {
        let groups = source::judged(shared, self.second);
        let group = groups.get(source::at(&groups, self.place.as_ref()));
        let (Some(pairs), Some(group)) = (&mut self.pairs, group) else {
            self.listing = None;
            return;
        };
        let known = |listing: &Listing| listing.is_of(&pairs.which, self.slice, &self.search);
        let known = self.listing.take().filter(known);
        let is_known = known.is_some();
        let listing = match known {
            Some(known) => self.listing.insert(known),
            None => {
                let found = Listing::new(pairs, self.slice, &self.search, group);
                self.listing.insert(found)
            }
        };
        match self.beside {
            Beside::Neighbours => {}
            Beside::Ranks if listing.ranks.is_none() => {
                let queries = listing.places.iter().filter_map(|place| pairs.all.get(*place));
                listing.ranks = Some(Ranks::of(queries));
            }
            Beside::Scores if listing.scores.is_none() => {
                let mut listed = vec![false; pairs.all.len()];
                for place in &listing.places {
                    listed[pairs.all[*place].at] = true;
                }
                let sides = pairs.hits(group);
                listing.scores = sides.map(|sides| sides.map(|hits| Scores::of(hits, &listed)));
            }
            Beside::Ranks | Beside::Scores => {}
        }
        let above = self.typed_above(shared).len();
        if is_known && self.wanted.is_none() {
            // New ones come in on top: the cursor stays on its query.
            self.cursor.at += above.saturating_sub(self.above);
        }
        self.above = above;
    }

    /// Typed queries that are listed: one is in no slice.
    fn typed_above<'a>(&self, shared: &'a Shared) -> Vec<&'a Asked> {
        let listing = self.listing.as_ref().filter(|_| self.slice.is_none());
        listing.map_or_else(Vec::new, |listing| asked(shared, &listing.filter))
    }

    /// What is listed; nothing where that has changed and was not looked at again.
    pub(super) fn listing(&self, pairs: &Pairs) -> Option<&Listing> {
        let listing = self.listing.as_ref();
        listing.filter(|listing| listing.is_of(&pairs.which, self.slice, &self.search))
    }

    /// The lines that slice and filter let through.
    pub(super) fn listed<'a>(&'a self, shared: &'a Shared, shown: &Shown<'a>) -> Rows<'a> {
        let Some(listing) = self.listing(shown.pairs) else {
            return Rows { asked: Vec::new(), all: &[], ids: &[], places: None };
        };
        let typed = self.typed_above(shared);
        let (all, ids) = (&shown.pairs.all, &shown.sets[0].queries);
        Rows { asked: typed, all, ids, places: Some(&listing.places) }
    }
}
