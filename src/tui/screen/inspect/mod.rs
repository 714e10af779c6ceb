//! Inspect: every query of a comparison under two encoders: ranks, what became of it, and both lists of
//! neighbours with their pictures; typed queries beside them.
//!
//! | file | holds |
//! |---|---|
//! | `source.rs` | sets of neighbours and answers as plain lists |
//! | `layout.rs` | where parts stand, how many pictures fit |
//! | `listing.rs` | the lines of the list, found once and kept |
//! | `queries.rs` | the list of queries, and what the chosen one is |
//! | `none.rs` | where there are no queries |
//! | `bare.rs` | its keys where nothing keeps lists |
//! | `figures.rs` | ranks, margins and signs beside a query |
//! | `columns.rs` | both lists of neighbours |
//! | `choice.rs` | what both encoders choose among typed texts |
//! | `recorded.rs` | what a record says was looked at |
//! | `asking.rs` | what is typed here |
//! | `serve.rs` | what the child that answers typed queries is started with |
//! | `spread.rs` | all ranks, all scores |
//! | `tally.rs` | what they are drawn from, counted once |
//! | `times.rs` | how long a query takes |
//! | `pointing.rs` | the mouse |
//! | `judging.rs` | by which judgements |
//! | `travel.rs` | from query to query |

mod asking;
mod bare;
mod choice;
mod columns;
mod figures;
mod judging;
mod layout;
mod listing;
mod none;
mod pointing;
mod queries;
mod recorded;
mod serve;
mod source;
mod spread;
mod tally;
mod times;
mod travel;

use super::compare::{ask, session};
use super::{Screen, gone};
use crate::eval::compare::Slice;
use crate::ids::SessionId;
use crate::session::neighbours::NeighbourSet;
use crate::session::thumbnails::ItemsShown;
use crate::tui::app::{Effect, Purpose, Shared};
use crate::tui::data::asked::Asked;
use crate::tui::data::expected::Expected;
use crate::tui::data::library::LoadedResult;
use crate::tui::keys::Action;
use crate::tui::picture::{Graphics, Key};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{paragraph, put, section, top};
use columns::Columns;
use layout::layout;
use listing::{Listing, Row, Rows};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};
use source::{Group, Pairs, Place, Which, judged, of_answer, of_pair};
use spread::Beside;
use travel::Before;

/// The screen.
#[derive(Debug, Default)]
pub struct InspectScreen {
    cursor: Cursor,
    /// The session that all this is of.
    session: Option<SessionId>,
    /// Which result and direction; the first where none was chosen.
    place: Option<Place>,
    /// The two encoders, as places among the roles of that direction.
    encoders: Option<(usize, usize)>,
    /// Which slice; nothing for all.
    slice: Option<usize>,
    search: String,
    /// The chosen neighbour, through both lists; nothing: the first of the second.
    hit: Option<usize>,
    /// Queries gone through, to find back.
    before: Vec<Before>,
    beside: Beside,
    /// Second judgements, where there are any.
    second: bool,
    /// Names only, whatever the terminal can do.
    plain: bool,
    pairs: Option<Pairs>,
    /// Which of their queries are listed.
    listing: Option<Listing>,
    /// Typed queries listed above them.
    above: usize,
    /// What was typed, and for what, where it could not be asked.
    unsent: Option<(Purpose, String)>,
    /// A typed query to go to once it is listed.
    wanted: Option<String>,
    /// A query that a record says was looked at, and that is not listed.
    missing: Option<String>,
}

/// Two sets, and what their ids stand for.
struct Shown<'a> {
    result: &'a str,
    from: &'a LoadedResult,
    direction: &'a str,
    sets: [&'a NeighbourSet; 2],
    items: &'a ItemsShown,
    pairs: &'a Pairs,
    /// Whether there are lists by other judgements.
    both: bool,
}

impl InspectScreen {
    /// Pairs the sets that are looked at, where they are not paired yet, and finds what is listed.
    fn settle(&mut self, shared: &Shared) {
        let here = session(shared);
        if self.session.as_ref() != here {
            let (session, beside, plain) = (here.cloned(), self.beside, self.plain);
            *self = Self { session, beside, plain, ..Self::default() };
        }
        let which = Which::of(shared, self.place.as_ref(), self.encoders, self.second);
        let which = which.filter(|_| self.lost(shared).is_none());
        if self.pairs.as_ref().map(|pairs| &pairs.which) != which.as_ref() {
            let groups = judged(shared, self.second);
            let group = groups.get(source::at(&groups, self.place.as_ref()));
            let before = self.pairs.take();
            self.pairs =
                which.zip(group).and_then(|(which, group)| Pairs::new(which, group, before));
        }
        self.find_listed(shared);
    }

    /// Why the chosen result cannot be shown, where it is gone.
    fn lost(&self, shared: &Shared) -> Option<String> {
        gone::why(shared, &self.place.as_ref()?.0)
    }

    fn shown<'a>(&'a self, shared: &'a Shared) -> Option<Shown<'a>> {
        let pairs = self.pairs.as_ref()?;
        let which = Which::of(shared, self.place.as_ref(), self.encoders, self.second);
        if which.as_ref() != Some(&pairs.which) {
            return None;
        }
        let groups = judged(shared, self.second);
        let at = source::at(&groups, self.place.as_ref());
        let group = groups.into_iter().nth(at)?;
        let (a, b) = source::rows(&group, self.encoders);
        let both = group.has_both();
        Some(Shown {
            result: group.result,
            from: group.from,
            direction: group.direction,
            sets: [group.sets[a], group.sets[b]],
            items: group.shown,
            pairs,
            both,
        })
    }

    fn turn(&mut self, shared: &Shared, left: bool) {
        let groups = judged(shared, self.second);
        let Some(group) = groups.get(source::at(&groups, self.place.as_ref())) else { return };
        let count = group.sets.len().max(1);
        let (a, b) = source::rows(group, self.encoders);
        self.encoders = Some(if left { ((a + 1) % count, b) } else { (a, (b + 1) % count) });
        (self.cursor, self.hit) = (Cursor::default(), None);
    }

    fn selected<'a>(&self, rows: &Rows<'a>) -> Option<Row<'a>> {
        rows.get(self.cursor.at.min(rows.len().saturating_sub(1)))
    }

    fn columns<'a>(&self, shared: &Shared, shown: &Shown<'a>, row: Row<'a>) -> Option<Columns<'a>> {
        let lists = match row {
            Row::Asked(asked) => of_answer(asked)?,
            Row::Paired(query, _) => of_pair(shown.from, shown.sets, shown.pairs, query),
        };
        let count: usize = lists.iter().map(|list| list.hits.len()).sum();
        let chosen = self.hit.unwrap_or(lists[0].hits.len()).min(count.saturating_sub(1));
        let links = source::links(&lists);
        Some(Columns { lists, links, shown: shown.items, chosen, pictures: self.pictures(shared) })
    }

    /// What must be said of an answer before it is read, and what then is left of the place below.
    fn below(shown: &Shown<'_>, row: Row<'_>, below: Rect) -> (Option<(String, Rect)>, Rect) {
        let Row::Asked(Asked { answer: Some(Ok(answer)), .. }) = row else { return (None, below) };
        let expected = Expected::of(shown.from);
        let said = expected.and_then(|expected| expected.other_weights(answer));
        let Some(words) = said else { return (None, below) };
        let place = Rect { x: below.x + 1, width: below.width.saturating_sub(1), ..below };
        let lines = text::wrap(&words, usize::from(place.width.max(1))).len().min(4) as u16;
        let (place, _) = top(place, lines.min(below.height / 2));
        (Some((words, place)), top(below, place.height).1)
    }

    /// How large a part of all queries the chosen slice is, in words.
    fn share_of_slice(&self, shown: &Shown<'_>) -> Option<String> {
        let (at, all) = (self.slice?, shown.pairs.all.len());
        let (slice, size) = (Slice::ALL.get(at)?, shown.pairs.sizes.get(at)?);
        (all > 0).then(|| format!("{slice}: {:.0} % of {all}", *size as f64 * 100.0 / all as f64))
    }

    fn pictures(&self, shared: &Shared) -> bool {
        !self.plain && shared.graphics_now() != Graphics::Off
    }
}

impl Screen for InspectScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        self.settle(shared);
        let (count, selected, hits, note) = match self.shown(shared) {
            None => (0, None, (Vec::new(), 0), String::new()),
            Some(shown) => {
                let rows = self.listed(shared, &shown);
                let row = self.selected(&rows);
                let columns = row.and_then(|row| self.columns(shared, &shown, row));
                let hits = columns.map_or_else(Default::default, |columns| {
                    let all = columns.lists.iter().flat_map(|list| &list.hits);
                    let all: Vec<String> = all.map(|hit| hit.item.to_owned()).collect();
                    (all, columns.chosen)
                });
                let id = row.map(|row| row.id().to_owned());
                let note = id.as_ref().and_then(|id| queries::note(shared, id));
                (rows.len(), id, hits, note.unwrap_or_default().to_owned())
            }
        };
        if self.cursor.act(action, count) {
            self.hit = None;
            return Vec::new();
        }
        if let Some(words) = self.needs_lists(shared, action) {
            return vec![Effect::Say(words.to_owned())];
        }
        match action {
            Action::SetNext => {
                let groups = judged(shared, self.second);
                let now = source::at(&groups, self.place.as_ref());
                // From one that is gone, to the first.
                let next = if self.lost(shared).is_some() { 0 } else { now + 1 };
                self.place = groups.get(next % groups.len().max(1)).map(Group::place);
                (self.encoders, self.cursor, self.hit) = (None, Cursor::default(), None);
            }
            Action::Judgements => return self.judge_otherwise(shared, selected.as_deref()),
            Action::EncoderLeft => self.turn(shared, true),
            Action::EncoderRight => self.turn(shared, false),
            Action::SliceNext | Action::SlicePrevious => {
                let places = Slice::ALL.len() + 1;
                let now = self.slice.map_or(0, |at| at + 1);
                let next =
                    if action == Action::SliceNext { now + 1 } else { now + places - 1 } % places;
                self.slice = next.checked_sub(1);
                (self.cursor, self.hit) = (Cursor::default(), None);
            }
            Action::HitNext => self.hit = Some((hits.1 + 1).min(hits.0.len().saturating_sub(1))),
            Action::HitPrevious => self.hit = Some(hits.1.saturating_sub(1)),
            Action::Beside => self.beside = self.beside.next(),
            Action::Pictures => self.plain = !self.plain,
            Action::Search => return vec![Effect::Type(Purpose::QuerySearch, self.search.clone())],
            Action::Ask => return vec![Effect::Type(Purpose::Ask, self.begun(Purpose::Ask))],
            Action::Choose => {
                return vec![Effect::Type(Purpose::Choose, self.begun(Purpose::Choose))];
            }
            Action::Note if selected.is_some() => return vec![Effect::Type(Purpose::Note, note)],
            Action::Open if count == 0 && self.has_none(shared) => {
                let near = session(shared).and_then(|here| none::nearest(shared, here));
                if let Some((id, _)) = near {
                    return vec![Effect::Session(id.clone())];
                }
            }
            Action::Follow | Action::Open => {
                if let (Some(next), Some(from)) = (hits.0.get(hits.1), selected)
                    && !self.follow(shared, next, &from)
                {
                    let by = if self.second { " by the judgements shown" } else { "" };
                    let words = format!("no query of these results{by} is {}", text::safe(next));
                    return vec![Effect::Say(words)];
                }
            }
            Action::Return => self.go_back(shared),
            Action::Dismiss => {
                let is = |asked: &&Asked| {
                    !asked.dismissed
                        && Some(&asked.session) == session(shared)
                        && Some(&asked.id) == selected.as_ref()
                };
                self.hit = None;
                return vec![match shared.asked.iter().find(is) {
                    Some(asked) => Effect::Dismiss(asked.session.clone(), asked.id.clone()),
                    None => Effect::Say("only a typed query can be put away".to_owned()),
                }];
            }
            Action::Copy => {
                if let Some(id) = selected {
                    return vec![Effect::Copy(text::safe(&id), id)];
                }
            }
            Action::Back if !self.search.is_empty() || self.slice.is_some() => {
                (self.slice, self.search) = (None, String::new());
                self.settle(shared);
                return vec![Effect::Say("all queries again".to_owned())];
            }
            _ => {}
        }
        self.settle(shared);
        Vec::new()
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        self.settle(shared);
        ask(shared)
    }

    fn refresh(&mut self, shared: &Shared) {
        self.settle(shared);
        if let Some(wanted) = self.wanted.take()
            && !self.go_to(shared, &wanted)
        {
            self.wanted = Some(wanted);
        }
        if let Some(missing) = self.missing.take() {
            recorded::go_to(self, shared, &missing);
        }
    }

    fn typed(&mut self, text: &str, shared: &Shared) {
        text.clone_into(&mut self.search);
        (self.cursor, self.hit) = (Cursor::default(), None);
        self.settle(shared);
    }

    fn submitted(&mut self, purpose: Purpose, text: &str, shared: &Shared) -> Vec<Effect> {
        self.take_line(purpose, text.trim(), shared)
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        recorded::looked_at(self, shared)
    }

    fn restore(&mut self, with: &Map<String, Value>, shared: &Shared) {
        recorded::restore(self, with, shared);
    }

    fn wheel(&mut self, lines: i8, shared: &Shared) {
        let count = self.shown(shared).map_or(0, |shown| self.listed(shared, &shown).len());
        self.cursor.shift(lines, count);
        self.hit = None;
    }

    fn click(&mut self, column: u16, row: u16, area: Rect, shared: &Shared) -> Vec<Effect> {
        self.pointed_at((column, row).into(), area, shared)
    }

    fn slots(&self, shared: &Shared, area: Rect) -> Vec<(Key, Rect)> {
        if !self.pictures(shared) || self.missing.is_some() {
            return Vec::new();
        }
        let Some(shown) = self.shown(shared) else { return Vec::new() };
        let Some(row) = self.selected(&self.listed(shared, &shown)) else { return Vec::new() };
        let parts = layout(top(area, 1).1, true);
        let mut slots: Vec<(Key, Rect)> = queries::slot(&shown, row, &parts).into_iter().collect();
        if self.beside == Beside::Neighbours
            && let Some(columns) = self.columns(shared, &shown, row)
        {
            slots.extend(columns.slots(Self::below(&shown, row, parts.below).1));
        }
        slots
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let Some(shown) = self.shown(shared) else {
            match self.lost(shared) {
                Some(words) => gone::view(shared, &words, area, buffer),
                None => none::none(shared, area, buffer),
            }
            return;
        };
        let roles = shown.sets.map(|set| text::safe(&set.role));
        let mut title = format!("{} {} {}", shown.direction, shared.glyphs.dot(), shown.result);
        if let Some(by) = judging::by(&shown) {
            title.push_str(&format!(" {} {by}", shared.glyphs.dot()));
        }
        let mut note = format!("{} {} {}", roles[0], shared.glyphs.arrow(), roles[1]);
        let rows = self.listed(shared, &shown);
        let listing = self.listing(shown.pairs);
        if !self.search.is_empty() {
            let matched = match listing.and_then(|listing| listing.wrong.as_ref()) {
                Some(_) => "not a filter:".to_owned(),
                None => format!("{} match", rows.len()),
            };
            let all = format!("{matched} {}  {note}", text::safe(&self.search));
            let fits = text::width(&title) + text::width(&all) + 6 <= usize::from(area.width);
            note = if fits { all } else { format!("{matched}  {note}") };
        }
        if let Some(share) = self.share_of_slice(&shown).filter(|_| self.search.is_empty()) {
            let all = format!("{share}  {note}");
            if text::width(&title) + text::width(&all) + 6 <= usize::from(area.width) {
                note = all;
            }
        }
        let inner = section(shared, buffer, area, &title, &note);
        let parts = layout(inner, self.pictures(shared));
        match listing.and_then(|listing| listing.wrong.as_deref()) {
            None => queries::slices(shared, &shown, self.slice, parts.slices, buffer),
            Some(error) => {
                let words = text::safe(&format!("filter: {error}"));
                let room = usize::from(parts.slices.width.saturating_sub(1));
                let words = text::fit(&words, room, shared.glyphs.cut());
                let (x, y) = (parts.slices.x + 1, parts.slices.y);
                put(buffer, parts.slices, x, y, &words, shared.theme.style(Role::Bad));
            }
        }
        if let Some(query) = &self.missing {
            let area = Rect { width: inner.width, ..parts.list };
            queries::missing(shared, query, area, buffer);
            return;
        }
        queries::list(shared, &shown, &rows, self.cursor, parts.list, buffer);
        let Some(row) = self.selected(&rows) else { return };
        queries::head(shared, &shown, row, &parts, buffer);
        match self.beside {
            Beside::Ranks => {
                // A typed query has no ranks.
                let chosen = match row {
                    Row::Paired(query, _) => Some(query),
                    Row::Asked(_) => None,
                };
                let roles = [roles[0].as_str(), roles[1].as_str()];
                if let Some(found) = listing.and_then(|listing| listing.ranks.as_ref()) {
                    spread::ranks(shared, roles, found, chosen, parts.below, buffer);
                }
            }
            Beside::Scores => {
                if let Some(found) = listing.and_then(|listing| listing.scores.as_ref()) {
                    let found = (found, rows.paired());
                    spread::scores(shared, shown.sets, found, parts.below, buffer);
                }
            }
            Beside::Neighbours => {
                let (said, below) = Self::below(&shown, row, parts.below);
                if let Some((words, place)) = said {
                    paragraph(shared, buffer, place, Role::Warn, &words);
                }
                match (self.columns(shared, &shown, row), row) {
                    (Some(columns), _) => columns.draw(shared, below, buffer),
                    (None, Row::Asked(asked)) => match asked.chosen() {
                        Some(document) => choice::draw(shared, document, below, buffer),
                        None => queries::waiting(shared, asked, below, buffer),
                    },
                    (None, Row::Paired(..)) => {}
                }
            }
        }
    }

    fn hints(&self, shared: &Shared) -> Vec<Action> {
        if self.has_none(shared) {
            return self.hints_without(shared);
        }
        let mut hints = vec![
            Action::SliceNext,
            Action::SetNext,
            Action::Ask,
            Action::Choose,
            Action::Follow,
            Action::Return,
            Action::Beside,
            Action::Note,
            Action::EncoderLeft,
            Action::EncoderRight,
            Action::Search,
        ];
        if self.shown(shared).is_some_and(|shown| shown.both) {
            hints.insert(2, Action::Judgements);
        }
        hints
    }
}
