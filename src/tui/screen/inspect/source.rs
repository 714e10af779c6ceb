//! What Inspect shows comes from here: sets of neighbours by result and direction, two of them paired,
//! or a typed query's answer; as two plain lists of hits.

use super::tally::Hits;
use super::times::{notes, took};
use crate::eval::compare::Slice;
use crate::eval::geometry::Hubs;
use crate::eval::relevant::Relevant;
use crate::ids::SessionId;
use crate::session::judged::JudgedSet;
use crate::session::neighbours::NeighbourSet;
use crate::session::thumbnails::ItemsShown;
use crate::tui::app::Shared;
use crate::tui::data::asked::Asked;
use crate::tui::data::judged::Judged;
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::data::pairing::{PairedQuery, pair, unit};
use crate::tui::data::query_filter::words_of;
use crate::tui::screen::compare::session;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The sets of one result in one direction.
pub struct Group<'a> {
    /// The result's id.
    pub result: &'a str,
    /// The result.
    pub from: &'a LoadedResult,
    /// `text-to-image` and so on.
    pub direction: &'a str,
    /// One a row of the result, by the judgements that are shown.
    pub sets: Vec<&'a NeighbourSet>,
    /// Likewise by the others; empty where there is one set of judgements.
    pub others: Vec<&'a NeighbourSet>,
    /// Whether those that are shown are the second.
    pub second: bool,
    /// What ids stand for.
    pub shown: &'a ItemsShown,
}

/// A result and a direction of it.
pub type Place = (String, String);

impl Group<'_> {
    /// Which it is.
    pub fn place(&self) -> Place {
        (self.result.to_owned(), self.direction.to_owned())
    }

    /// Whether lists of single queries were kept.
    pub fn is_listed(&self) -> bool {
        is_listed(&self.sets)
    }

    /// Whether there are lists by both sets of judgements.
    pub fn has_both(&self) -> bool {
        is_listed(&self.sets) && is_listed(&self.others)
    }

    /// Shows the second judgements where they are wanted or the only ones with lists.
    fn show(&mut self, second: bool) {
        if is_listed(&self.others) && (second || !self.is_listed()) {
            std::mem::swap(&mut self.sets, &mut self.others);
            self.second = true;
        }
    }
}

fn is_listed(sets: &[&NeighbourSet]) -> bool {
    sets.iter().any(|set| !set.queries.is_empty())
}

/// The place of a group among all: the first where none was chosen or it kept no lists and others did.
/// One whose result is gone is told of before this is asked.
pub fn at(groups: &[Group<'_>], place: Option<&Place>) -> usize {
    let is = |group: &Group<'_>| {
        place.is_some_and(|(result, direction)| {
            group.result == result && group.direction == direction
        })
    };
    groups.iter().position(is).unwrap_or(0)
}

/// All groups of the session that is looked at, by their own judgements where they have lists by those.
pub fn groups(shared: &Shared) -> Vec<Group<'_>> {
    judged(shared, false)
}

/// All groups of the session that is looked at, by their second judgements where those are wanted and there.
/// Groups that kept no lists, and whose encoders can only be asked, count where there are no others.
pub fn judged(shared: &Shared, second: bool) -> Vec<Group<'_>> {
    let results = session(shared).and_then(|id| shared.library.results.get(id));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for result in results.into_iter().flatten() {
        let Ok(ResultContent::Compare(_, sets) | ResultContent::Inspect(_, sets)) = &result.content
        else {
            continue;
        };
        let own = sets.iter().map(|set| (set, false));
        for (set, is_second) in own.chain(result.judged.lists.iter().map(|set| (set, true))) {
            let same =
                |group: &Group<'_>| group.result == result.id && group.direction == set.direction;
            let at = groups.iter().position(same).unwrap_or(groups.len());
            if at == groups.len() {
                groups.push(Group {
                    result: &result.id,
                    from: result,
                    direction: &set.direction,
                    sets: Vec::new(),
                    others: Vec::new(),
                    second: false,
                    shown: &result.shown,
                });
            }
            let group = &mut groups[at];
            let sets = if is_second { &mut group.others } else { &mut group.sets };
            sets.push(set);
        }
    }
    for group in &mut groups {
        group.show(second);
    }
    if groups.iter().any(Group::is_listed) {
        groups.retain(Group::is_listed);
    } else {
        groups.retain(|group| group.sets.len() > 1);
    }
    groups
}

/// One reading of a result: its files may hold something else when they are read again.
#[derive(Clone, Debug)]
struct Reading(Arc<ItemsShown>, Arc<Judged>);

impl PartialEq for Reading {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) && Arc::ptr_eq(&self.1, &other.1)
    }
}

impl Eq for Reading {}

/// Which two sets: the session, the result, the direction, and places among its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    session: SessionId,
    result: String,
    direction: String,
    rows: (usize, usize),
    /// Whether by the second judgements.
    second: bool,
    /// Results are read again when their folder changes.
    reading: Reading,
}

impl Which {
    /// Whether another pair of rows of the same sets.
    fn is_beside(&self, other: &Self) -> bool {
        Self { rows: other.rows, ..self.clone() } == *other
    }

    /// Whether by the second judgements.
    pub const fn is_second(&self) -> bool {
        self.second
    }

    /// What a place, encoders and judgements choose.
    pub fn of(
        shared: &Shared,
        place: Option<&Place>,
        encoders: Option<(usize, usize)>,
        second: bool,
    ) -> Option<Self> {
        let groups = judged(shared, second);
        let group = groups.get(at(&groups, place))?;
        let rows = rows(group, encoders);
        Some(Self {
            session: session(shared)?.clone(),
            result: group.result.to_owned(),
            direction: group.direction.to_owned(),
            rows,
            second: group.second,
            reading: Reading(Arc::clone(&group.from.shown), Arc::clone(&group.from.judged)),
        })
    }
}

/// The two rows of a group that are looked at: unless chosen the first and the last, and of those that
/// can only be asked the first two.
pub fn rows(group: &Group<'_>, encoders: Option<(usize, usize)>) -> (usize, usize) {
    let count = group.sets.len().max(1);
    let second = if group.is_listed() { count - 1 } else { 1 };
    let (a, b) = encoders.unwrap_or((0, second));
    (a % count, b % count)
}

/// Two sets, paired once and kept, with what is counted over all their queries.
#[derive(Debug)]
pub struct Pairs {
    /// Which sets.
    pub which: Which,
    /// Their queries, the largest change first.
    pub all: Vec<PairedQuery>,
    /// How often each item stands in someone's first ten.
    pub hubs: Option<[Hubs; 2]>,
    /// How many queries each slice has, in the order of [`Slice::ALL`].
    pub sizes: [usize; Slice::ALL.len()],
    /// The highest rank.
    pub highest: u32,
    /// What filters look for words in, a query each in the sets' order; nothing until one did.
    pub words: Vec<String>,
    /// Where the result keeps what answers what in each set, where ids do not say so.
    judged: [Option<usize>; 2],
    /// All lines of each list, once they were asked for.
    hits: [Option<Hits>; 2],
}

impl Pairs {
    /// Pairs two sets of a group; takes over of the pairs before what holds here too.
    pub fn new(which: Which, group: &Group<'_>, before: Option<Self>) -> Option<Self> {
        let (a, b) = which.rows;
        let (a, b) = (*group.sets.get(a)?, *group.sets.get(b)?);
        let (all, hubs) =
            pair(a, b).map_or((Vec::new(), None), |paired| (paired.queries, Some(paired.hubs)));
        let size = |slice| all.iter().filter(|query| query.slices.contains(slice)).count();
        let sizes = Slice::ALL.map(size);
        let highest = all.iter().flat_map(|query| query.rank).max().unwrap_or(0);
        // The same queries were judged by the same.
        let first = group.from.judged_at(a, which.second);
        let second = if hubs.is_some() { first } else { group.from.judged_at(b, which.second) };
        let judged = [first, second];
        let (mut words, mut hits) = (Vec::new(), [None, None]);
        if let Some(before) = before.filter(|before| before.which.is_beside(&which)) {
            let ((a_before, b_before), (a_now, b_now)) = (before.which.rows, which.rows);
            let same = |row: usize| row == a_before || row == b_before;
            let all_same = hubs.is_some() && before.hubs.is_some();
            if a_before == a_now || (all_same && (same(a_now) || same(b_now))) {
                words = before.words;
            }
            for (row, found) in [a_before, b_before].into_iter().zip(before.hits) {
                if let Some(side) = [a_now, b_now].iter().position(|now| *now == row) {
                    hits[side] = found;
                }
            }
        }
        Some(Self { which, all, hubs, sizes, highest, words, judged, hits })
    }

    /// Reads the words that filters look into, where that was not done yet.
    pub fn read_words(&mut self, group: &Group<'_>) {
        if self.words.is_empty()
            && let Some(set) = group.sets.get(self.which.rows.0)
        {
            let words = |id: &String| words_of(id, group.shown.caption(id));
            self.words = set.queries.iter().map(words).collect();
        }
    }

    /// What one of the encoders was judged by, where ids do not say so.
    pub fn judged<'a>(&self, from: &'a LoadedResult, side: usize) -> Option<&'a JudgedSet> {
        from.judgements(self.which.second).get(self.judged[side]?)
    }

    /// What answers what under one of the encoders, likewise.
    pub fn relevant<'a>(&self, from: &'a LoadedResult, side: usize) -> Option<&'a Relevant> {
        self.judged(from, side).map(|judged| &judged.relevant)
    }

    /// All lines of both lists.
    pub fn hits(&mut self, group: &Group<'_>) -> Option<[&Hits; 2]> {
        for (side, row) in [self.which.rows.0, self.which.rows.1].into_iter().enumerate() {
            if self.hits[side].is_none() {
                let set = *group.sets.get(row)?;
                let least =
                    if counts_words(group.from, &set.role) { f32::MIN_POSITIVE } else { f32::MIN };
                self.hits[side] = Some(Hits::of(set, self.relevant(group.from, side), least));
            }
        }
        Some([self.hits[0].as_ref()?, self.hits[1].as_ref()?])
    }
}

/// One line of a list of neighbours.
pub struct HitShown<'a> {
    /// The item's id.
    pub item: &'a str,
    /// Its score.
    pub score: f32,
    /// Whether it answers the query; nothing where nobody knows.
    pub relevant: Option<bool>,
    /// Whether it stands in unusually many lists.
    pub hub: bool,
}

/// One encoder's list.
pub struct ListShown<'a> {
    /// The encoder's label.
    pub role: &'a str,
    /// Rank, margin or time: in full, then in fewer words.
    pub notes: Vec<String>,
    /// Best first.
    pub hits: Vec<HitShown<'a>>,
    /// Whether it counts common words: an item without one is no neighbour.
    pub counts_words: bool,
}

/// Whether an encoder of a result counts common words rather than comparing directions.
pub fn counts_words(result: &LoadedResult, role: &str) -> bool {
    result.encoders().iter().any(|(known, card)| *known == role && card["kind"] == "bm25")
}

/// Both lists of a paired query of a result.
pub fn of_pair<'a>(
    from: &LoadedResult,
    sets: [&'a NeighbourSet; 2],
    pairs: &Pairs,
    query: &PairedQuery,
) -> [ListShown<'a>; 2] {
    let list = |side: usize| {
        let set = sets[side];
        let relevant = pairs.relevant(from, side);
        let counts_words = counts_words(from, &set.role);
        let top = set.top(query.at).enumerate();
        let top = top.filter(|(_, (_, score))| !counts_words || *score > 0.0);
        let hits = top.map(|(at, (item, score))| HitShown {
            item,
            score,
            relevant: Some(is_right(relevant, set, query.at, (at, item))),
            hub: set.top_items.get(query.at * set.k + at).is_some_and(|place| {
                pairs.hubs.as_ref().is_some_and(|hubs| hubs[side].is_hub(*place))
            }),
        });
        let took = took(from, &set.role, &set.direction);
        ListShown {
            role: &set.role,
            notes: notes(query.rank[side], query.margin[side], took),
            hits: hits.collect(),
            counts_words,
        }
    };
    [list(0), list(1)]
}

/// Whether the item at a place of a query's list answers it: by what the result was judged by, else by
/// the ids, of which those of one item belong together.
pub fn is_right(
    relevant: Option<&Relevant>,
    set: &NeighbourSet,
    query: usize,
    (at, item): (usize, &str),
) -> bool {
    let Some(relevant) = relevant else {
        return set.queries.get(query).is_some_and(|id| unit(item) == unit(id));
    };
    let place = set.top_items.get(query * set.k + at);
    query < relevant.queries() && place.is_some_and(|place| relevant.holds(query, *place))
}

/// Both lists of a typed query; nothing where it has no two of them.
pub fn of_answer(asked: &Asked) -> Option<[ListShown<'_>; 2]> {
    let document = asked.document()?;
    let list = |at: usize| {
        let list = document.lists.get(at)?;
        Some(ListShown {
            role: &list.role,
            notes: vec![format!("{:.1} ms", list.ms)],
            hits: list
                .hits
                .iter()
                .map(|hit| HitShown {
                    item: &hit.item,
                    score: hit.score,
                    relevant: hit.relevant,
                    hub: false,
                })
                .collect(),
            counts_words: false,
        })
    };
    Some([list(0)?, list(1)?])
}

/// Letters for items that both lists have, in the order of the left one; no two have the same, and none is
/// that of an encoder.
const LETTERS: &str = "CDEFGHIJKLMNOPQRSTUVWXYZcdefghijklmnopqrstuvwxyz";

/// The letters that link items of both lists, the best of the left one first, as far as they go.
pub fn links<'a>(lists: &[ListShown<'a>; 2]) -> BTreeMap<&'a str, char> {
    let in_second: BTreeSet<&str> = lists[1].hits.iter().map(|hit| hit.item).collect();
    let first = lists[0].hits.iter().map(|hit| hit.item);
    first.filter(|item| in_second.contains(item)).zip(LETTERS.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_links_two_items() {
        fn shown(items: Vec<&str>) -> ListShown<'_> {
            let hit = |item| HitShown { item, score: 0.5, relevant: None, hub: false };
            let hits = items.into_iter().map(hit).collect();
            ListShown { role: "x", notes: Vec::new(), hits, counts_words: false }
        }
        let names: Vec<String> = (0..70).map(|at| format!("{at}@0")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let back: Vec<&str> = all[5..].iter().rev().copied().collect();
        let found = links(&[shown(all), shown(back)]);
        assert_eq!(
            (found.get("4@0"), found.get("5@0"), found.get("31@0")),
            (None, Some(&'C'), Some(&'e'))
        );
        let letters: BTreeSet<char> = found.values().copied().collect();
        assert_eq!((found.len(), letters.len()), (48, 48));
    }

    #[test]
    fn what_a_result_was_judged_by_goes_before_ids() {
        let set = NeighbourSet {
            queries: vec!["a@0".into(), "b@0".into()],
            gallery: vec!["a@0".into(), "b@0".into(), "c@0".into()],
            k: 2,
            top_items: vec![2, 1, 2, 0],
            top_scores: vec![0.9, 0.8, 0.7, 0.6],
            ..NeighbourSet::default()
        };
        // Pictures a and c share a label.
        let relevant = Relevant::from_lists([vec![2u32], vec![]]);
        let right = |relevant, at: usize| -> Vec<bool> {
            let hits = set.top(at).map(|(item, _)| item).enumerate();
            hits.map(|hit| is_right(relevant, &set, at, hit)).collect()
        };
        assert_eq!(right(Some(&relevant), 0), [true, false]);
        assert_eq!(right(Some(&relevant), 1), [false, false]);
        assert_eq!(right(None, 0), [false, false]);
    }
}
