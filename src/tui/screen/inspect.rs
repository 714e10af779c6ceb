//! Inspect: every query of a comparison under two encoders: ranks, what became of it, and both lists of
//! neighbours side by side.

use super::Screen;
use super::compare::{ask, nothing, session};
use crate::eval::compare::Slice;
use crate::session::neighbours::NeighbourSet;
use crate::tui::app::{Effect, Purpose, Shared};
use crate::tui::data::library::ResultContent;
use crate::tui::data::pairing::{PairedQuery, hubs, pair, unit};
use crate::tui::keys::Action;
use crate::tui::msg::Cmd;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{pieces, pointer, put, right, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The screen.
#[derive(Debug, Default)]
pub struct InspectScreen {
    cursor: Cursor,
    /// Which result and direction.
    set: usize,
    /// The two encoders, as places among the roles of that direction.
    encoders: Option<(usize, usize)>,
    /// Which slice; nothing for all.
    slice: Option<usize>,
    search: String,
    /// Queries gone through, to find back.
    before: Vec<String>,
}

/// The sets of one result in one direction.
struct Group<'a> {
    result: &'a str,
    direction: &'a str,
    sets: Vec<&'a NeighbourSet>,
}

fn groups(shared: &Shared) -> Vec<Group<'_>> {
    let results = session(shared).and_then(|id| shared.library.results.get(id));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for result in results.into_iter().flatten() {
        let Ok(ResultContent::Compare(_, sets) | ResultContent::Inspect(_, sets)) = &result.content
        else {
            continue;
        };
        for set in sets.iter() {
            let same = |group: &&mut Group<'_>| {
                group.result == result.id && group.direction == set.direction
            };
            if let Some(group) = groups.iter_mut().find(same) {
                group.sets.push(set);
            } else {
                groups.push(Group {
                    result: &result.id,
                    direction: &set.direction,
                    sets: vec![set],
                });
            }
        }
    }
    groups
}

/// Two sets and their queries.
struct Shown<'a> {
    result: String,
    direction: String,
    sets: [&'a NeighbourSet; 2],
    all: Vec<PairedQuery>,
}

impl InspectScreen {
    fn shown<'a>(&self, shared: &'a Shared) -> Option<Shown<'a>> {
        let groups = groups(shared);
        let group = groups.get(self.set % groups.len().max(1))?;
        let count = group.sets.len();
        let (a, b) = self.encoders.unwrap_or((0, count.saturating_sub(1)));
        let sets = [*group.sets.get(a % count)?, *group.sets.get(b % count)?];
        let all = pair(sets[0], sets[1]);
        Some(Shown {
            result: group.result.to_owned(),
            direction: group.direction.to_owned(),
            sets,
            all,
        })
    }

    /// Those of them that the slice and the search let through.
    fn listed<'a>(&self, shown: &'a Shown<'_>) -> Vec<&'a PairedQuery> {
        let wanted = self.search.to_lowercase();
        let slice = self.slice.map(|at| Slice::ALL[at]);
        let fits = |query: &&PairedQuery| {
            slice.is_none_or(|slice| query.slices.contains(&slice))
                && (wanted.is_empty() || query.id.to_lowercase().contains(&wanted))
        };
        shown.all.iter().filter(fits).collect()
    }

    fn turn(&mut self, shared: &Shared, left: bool) {
        let groups = groups(shared);
        let Some(group) = groups.get(self.set % groups.len().max(1)) else { return };
        let count = group.sets.len();
        let (a, b) = self.encoders.unwrap_or((0, count.saturating_sub(1)));
        self.encoders = Some(if left { ((a + 1) % count, b) } else { (a, (b + 1) % count) });
        self.cursor = Cursor::default();
    }

    fn go_to(&mut self, shared: &Shared, id: &str) -> bool {
        let Some(shown) = self.shown(shared) else { return false };
        (self.slice, self.search) = (None, String::new());
        let place = self
            .listed(&shown)
            .iter()
            .position(|query| query.id == id || unit(&query.id) == unit(id));
        if let Some(at) = place {
            self.cursor.at = at;
        }
        place.is_some()
    }

    fn slices(&self, shared: &Shared, shown: &Shown<'_>, area: Rect, buffer: &mut Buffer) {
        let mut x = area.x + 1;
        let entries = std::iter::once((None, "all", shown.all.len())).chain(
            Slice::ALL.iter().enumerate().map(|(at, slice)| {
                let count = shown.all.iter().filter(|query| query.slices.contains(slice)).count();
                (Some(at), slice.name(), count)
            }),
        );
        for (at, name, count) in entries {
            let role = if at == self.slice { Role::Accent } else { Role::Dim };
            let (open, close) = if at == self.slice { ("[", "]") } else { (" ", " ") };
            x = put(
                buffer,
                area,
                x,
                area.y,
                &format!("{open}{name} {count}{close}"),
                shared.theme.style(role),
            );
        }
    }

    fn column(
        shared: &Shared,
        set: &NeighbourSet,
        other: &NeighbourSet,
        query: &PairedQuery,
        side: usize,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let note = format!("rank {}, margin {:+.3}", query.rank[side], query.margin[side]);
        let inner = section(shared, buffer, area, &text::safe(&set.role), &note);
        let counts = hubs(set);
        // Items in both lists have the same letter in both, in the order of the left one.
        let [first, second] = if side == 0 { [set, other] } else { [other, set] };
        let in_second: Vec<&str> = second.top(query.at).map(|hit| hit.0).collect();
        let in_both: Vec<&str> =
            first.top(query.at).map(|hit| hit.0).filter(|item| in_second.contains(item)).collect();
        let best = set.top(query.at).map(|hit| f64::from(hit.1)).fold(f64::MIN, f64::max);
        for (at, (item, score)) in set.top(query.at).enumerate().take(usize::from(inner.height)) {
            let right = unit(item) == unit(&query.id);
            let linked = in_both.iter().position(|other| *other == item);
            let link = linked.map_or(' ', |place| char::from(b'a' + (place % 26) as u8));
            let room = usize::from(inner.width);
            let bar = if room >= 44 && best > 0.0 {
                shared.glyphs.gauge(f64::from(score) / best, 10)
            } else {
                String::new()
            };
            let name = text::left(
                &text::safe(item),
                room.saturating_sub(17 + text::width(&bar)),
                shared.glyphs.cut(),
            );
            let place = set.top_items.get(query.at * set.k + at);
            let hub = place
                .and_then(|place| counts.get(place))
                .filter(|count| **count > set.queries.len() / 20 + 10);
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                inner.y + at as u16,
                &[
                    (Role::Dim, &format!("{:>2} ", at + 1)),
                    (Role::Good, if right { shared.glyphs.tick() } else { " " }),
                    (Role::Accent, &format!("{link} ")),
                    (if right { Role::Title } else { Role::Text }, &name),
                    (Role::Curve(side), &bar),
                    (Role::Dim, &format!(" {score:.3}")),
                    (Role::Warn, if hub.is_some() { " hub" } else { "" }),
                ],
            );
        }
    }
}

impl Screen for InspectScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let shown = self.shown(shared);
        let count = shown.as_ref().map_or(0, |shown| self.listed(shown).len());
        if self.cursor.act(action, count) {
            return Vec::new();
        }
        let selected = shown.as_ref().and_then(|shown| {
            self.listed(shown).get(self.cursor.at).map(|query| (query.id.clone(), query.at))
        });
        match action {
            Action::SetNext => {
                self.set += 1;
                (self.encoders, self.cursor) = (None, Cursor::default());
            }
            Action::EncoderLeft => self.turn(shared, true),
            Action::EncoderRight => self.turn(shared, false),
            Action::SliceNext | Action::SlicePrevious => {
                let places = Slice::ALL.len() + 1;
                let now = self.slice.map_or(0, |at| at + 1);
                let next =
                    if action == Action::SliceNext { now + 1 } else { now + places - 1 } % places;
                self.slice = next.checked_sub(1);
                self.cursor = Cursor::default();
            }
            Action::Search => return vec![Effect::Type(Purpose::QuerySearch, self.search.clone())],
            Action::Follow | Action::Open => {
                let next = shown.as_ref().zip(selected.as_ref()).and_then(|(shown, (id, at))| {
                    shown.sets[1]
                        .top(*at)
                        .map(|hit| hit.0)
                        .find(|item| unit(item) != unit(id))
                        .map(str::to_owned)
                });
                if let (Some(next), Some((id, _))) = (next, selected)
                    && self.go_to(shared, &next)
                {
                    self.before.push(id);
                }
            }
            Action::Return => {
                if let Some(id) = self.before.pop() {
                    self.go_to(shared, &id);
                }
            }
            Action::Copy => {
                if let Some((id, _)) = selected {
                    return vec![
                        Effect::Say(format!("copied {}", text::safe(&id))),
                        Effect::Do(Cmd::Copy(id)),
                    ];
                }
            }
            Action::Back if !self.search.is_empty() || self.slice.is_some() => {
                (self.slice, self.search) = (None, String::new());
                return vec![Effect::Say("all queries again".to_owned())];
            }
            _ => {}
        }
        Vec::new()
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        ask(shared)
    }

    fn typed(&mut self, text: &str, _shared: &Shared) {
        text.clone_into(&mut self.search);
        self.cursor = Cursor::default();
    }

    fn wheel(&mut self, lines: i8, shared: &Shared) {
        let count = self.shown(shared).map_or(0, |shown| self.listed(&shown).len());
        self.cursor.shift(lines, count);
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let Some(shown) = self.shown(shared) else {
            nothing(
                shared,
                area,
                buffer,
                "inspected queries",
                "llm2clip inspect --encoders A,B --direction text-to-image --session S",
            );
            return;
        };
        let dot = shared.glyphs.dot();
        let title = format!("{} {dot} {}", shown.direction, shown.result);
        let roles = format!(
            "{} {} {}",
            text::safe(&shown.sets[0].role),
            shared.glyphs.arrow(),
            text::safe(&shown.sets[1].role)
        );
        let inner = section(shared, buffer, area, &title, &roles);
        let (bar, inner) = top(inner, 1);
        self.slices(shared, &shown, bar, buffer);
        let listed = self.listed(&shown);
        let (list, detail) =
            right(inner, (inner.width * 3 / 5).min(inner.width.saturating_sub(36)));
        put(
            buffer,
            list,
            list.x + 1,
            list.y,
            &format!("{:<14}{:>6}{:>6}{:>7}", "query", "a", "b", "gain"),
            shared.theme.style(Role::Dim),
        );
        let rows = top(list, 1).1;
        if listed.is_empty() {
            let words = if shown.all.is_empty() {
                "these encoders were asked different queries"
            } else {
                "no query is so; esc shows all"
            };
            put(buffer, rows, rows.x + 1, rows.y, words, shared.theme.style(Role::Dim));
            return;
        }
        let at = self.cursor.at.min(listed.len() - 1);
        let first = Cursor { at }.first(listed.len(), usize::from(rows.height));
        let wide = usize::from(list.width).saturating_sub(24).max(8);
        for (line, query) in listed.iter().enumerate().skip(first).take(usize::from(rows.height)) {
            let y = rows.y + (line - first) as u16;
            if line == at {
                buffer.set_style(
                    Rect { y, height: 1, width: list.width.saturating_sub(1), ..rows },
                    shared.theme.style(Role::Selected),
                );
                pointer(shared, buffer, rows, y);
            }
            let gain = query.gain();
            let role = match gain {
                0 => Role::Dim,
                gain if gain > 0 => Role::Good,
                _ => Role::Bad,
            };
            pieces(
                shared,
                buffer,
                Rect { width: list.width.saturating_sub(1), ..rows },
                rows.x + 1,
                y,
                &[
                    (Role::Text, &text::left(&text::safe(&query.id), wide, shared.glyphs.cut())),
                    (Role::Text, &format!("{:>6}{:>6}", query.rank[0], query.rank[1])),
                    (role, &format!("{gain:>+7}")),
                ],
            );
        }
        let Some(query) = listed.get(at) else { return };
        let (words, below) = top(detail, 2);
        let slices: Vec<&str> = query.slices.iter().map(|slice| slice.name()).collect();
        pieces(
            shared,
            buffer,
            words,
            words.x,
            words.y,
            &[
                (Role::Title, &text::safe(&query.id)),
                (Role::Dim, &format!("  {}", slices.join(", "))),
            ],
        );
        // Names need room: where two columns have none, one list stands above the other.
        let (left, other) = if below.width < 64 {
            top(below, below.height / 2)
        } else {
            let (left, other) = right(below, below.width / 2);
            (Rect { width: left.width.saturating_sub(1), ..left }, other)
        };
        Self::column(shared, shown.sets[0], shown.sets[1], query, 0, left, buffer);
        Self::column(shared, shown.sets[1], shown.sets[0], query, 1, other, buffer);
    }

    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        vec![
            Action::SliceNext,
            Action::SetNext,
            Action::EncoderLeft,
            Action::EncoderRight,
            Action::Search,
            Action::Follow,
            Action::Return,
        ]
    }
}
