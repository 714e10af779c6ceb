//! Two encoders' neighbours of one query, side by side: pictures, scores, what is right, what both have.

use super::layout::{columns, tiles};
use super::source::{HitShown, ListShown};
use crate::ids::Digest;
use crate::session::thumbnails::ItemsShown;
use crate::tui::app::Shared;
use crate::tui::picture::Key;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{paragraph, pieces, put, section, top};
use crate::tui::widget::picture::picture;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::collections::BTreeMap;

/// Both columns, ready to be drawn.
pub struct Columns<'a> {
    /// The lists.
    pub lists: [ListShown<'a>; 2],
    /// The letters of items that both have.
    pub links: BTreeMap<&'a str, char>,
    /// What ids stand for.
    pub shown: &'a ItemsShown,
    /// The chosen hit, counted through both lists.
    pub chosen: usize,
    /// Whether pictures are shown.
    pub pictures: bool,
}

impl Columns<'_> {
    fn digest(&self, hit: &HitShown<'_>) -> Option<&Digest> {
        self.shown.pictures.get(hit.item)
    }

    fn link(&self, item: &str) -> char {
        self.links.get(item).copied().unwrap_or(' ')
    }

    fn tiles(&self, side: usize, area: Rect) -> (Vec<Rect>, Rect) {
        let inner = top(area, 1).1;
        let hits = &self.lists[side].hits;
        if self.pictures && hits.iter().any(|hit| self.digest(hit).is_some()) {
            let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
            let (places, rest) = tiles(inner, hits.len());
            return (places, Rect { x: area.x, width: area.width, ..rest });
        }
        (Vec::new(), inner)
    }

    /// The pictures shown, and where.
    pub fn slots(&self, below: Rect) -> Vec<(Key, Rect)> {
        let mut slots = Vec::new();
        for (side, area) in columns(below).into_iter().enumerate() {
            let (places, _) = self.tiles(side, area);
            for (hit, place) in self.lists[side].hits.iter().zip(places) {
                if let Some(digest) = self.digest(hit) {
                    let (columns, rows) = (place.width, place.height);
                    slots.push((Key { picture: digest.clone(), columns, rows }, place));
                }
            }
        }
        slots
    }

    /// Draws both.
    pub fn draw(&self, shared: &Shared, below: Rect, buffer: &mut Buffer) {
        for (side, area) in columns(below).into_iter().enumerate() {
            let list = &self.lists[side];
            let (title, note) = titled(shared, list, usize::from(area.width));
            section(shared, buffer, area, &title, &note);
            let (places, rest) = self.tiles(side, area);
            for (at, (hit, place)) in list.hits.iter().zip(&places).enumerate() {
                if let Some(digest) = self.digest(hit) {
                    picture(shared, buffer, *place, digest);
                }
                self.label(shared, side, at, hit, *place, buffer);
            }
            self.names(shared, side, rest, buffer);
        }
    }

    /// The hit under a place, counted through both lists.
    pub fn under(&self, below: Rect, place: Position) -> Option<usize> {
        let (side, area) =
            columns(below).into_iter().enumerate().find(|(_, area)| area.contains(place))?;
        let (places, rest) = self.tiles(side, area);
        // The line under a picture is its own.
        let pictured = |tile: &Rect| Rect { height: tile.height + 1, ..*tile }.contains(place);
        let count = self.lists[side].hits.len();
        let at = if rest.contains(place) {
            self.first(side, usize::from(rest.height)) + usize::from(place.y - rest.y)
        } else {
            places.iter().position(pictured)?
        };
        (at < count).then_some(self.before(side) + at)
    }

    /// How many hits stand before a list's own.
    fn before(&self, side: usize) -> usize {
        if side == 0 { 0 } else { self.lists[0].hits.len() }
    }

    /// The first of a list's names where so many are shown.
    fn first(&self, side: usize, height: usize) -> usize {
        let chosen = self.chosen.checked_sub(self.before(side));
        let chosen = chosen.filter(|at| *at < self.lists[side].hits.len());
        chosen.map_or(0, |at| (at + 1).saturating_sub(height))
    }

    fn is_chosen(&self, side: usize, at: usize) -> bool {
        self.chosen == self.before(side) + at
    }

    /// The line under a picture.
    fn label(
        &self,
        shared: &Shared,
        side: usize,
        at: usize,
        hit: &HitShown<'_>,
        place: Rect,
        buffer: &mut Buffer,
    ) {
        let line = Rect { y: place.bottom(), height: 1, ..place };
        if self.is_chosen(side, at) {
            buffer.set_style(line, shared.theme.style(Role::Selected));
        }
        let right = hit.relevant == Some(true);
        let score = format!("{:.2}", hit.score).replacen("0.", ".", 1);
        pieces(
            shared,
            buffer,
            line,
            line.x,
            line.y,
            &[
                (if right { Role::Title } else { Role::Dim }, &(at + 1).to_string()),
                (Role::Good, if right { shared.glyphs.tick() } else { " " }),
                (Role::Accent, &self.link(hit.item).to_string()),
                (Role::Dim, if place.width < 8 { "" } else { " " }),
                (Role::Dim, &score),
            ],
        );
    }

    fn names(&self, shared: &Shared, side: usize, area: Rect, buffer: &mut Buffer) {
        let list = &self.lists[side];
        if list.hits.is_empty() && list.counts_words {
            let place = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
            paragraph(shared, buffer, place, Role::Dim, "no word in common with any item");
            return;
        }
        let best = full_bar(&self.lists, side);
        let height = usize::from(area.height);
        let first = self.first(side, height);
        let room = usize::from(area.width);
        let hubs = if list.hits.iter().any(|hit| hit.hub) { " hub".len() } else { 0 };
        for (at, hit) in list.hits.iter().enumerate().skip(first).take(height) {
            let y = area.y + (at - first) as u16;
            if self.is_chosen(side, at) {
                let line = Rect { y, height: 1, ..area };
                buffer.set_style(line, shared.theme.style(Role::Selected));
                put(
                    buffer,
                    area,
                    area.x,
                    y,
                    shared.glyphs.pointer(),
                    shared.theme.style(Role::Accent),
                );
            }
            let right = hit.relevant == Some(true);
            let bar = if best > 0.0 {
                shared.glyphs.gauge(f64::from(hit.score) / best, bar_width(room))
            } else {
                String::new()
            };
            let bar = if bar.is_empty() { bar } else { format!(" {bar}") };
            let words = self.shown.caption(hit.item).unwrap_or(hit.item);
            let name = text::left(
                &text::safe(words),
                room.saturating_sub(13 + hubs + text::width(&bar)),
                shared.glyphs.cut(),
            );
            pieces(
                shared,
                buffer,
                area,
                area.x + 1,
                y,
                &[
                    (Role::Dim, &format!("{:>2} ", at + 1)),
                    (Role::Good, if right { shared.glyphs.tick() } else { " " }),
                    (Role::Accent, &format!("{} ", self.link(hit.item))),
                    (if right { Role::Title } else { Role::Text }, &name),
                    (Role::Curve(side), &bar),
                    (Role::Dim, &format!(" {:.3}", hit.score)),
                    (Role::Warn, if hit.hub { " hub" } else { "" }),
                ],
            );
        }
    }
}

/// The score of a full bar: the best of both lists where both hold cosines, so that their bars can be
/// compared; else the best of its own.
fn full_bar(lists: &[ListShown<'_>; 2], side: usize) -> f64 {
    let best = |list: &ListShown<'_>| {
        list.hits.iter().map(|hit| f64::from(hit.score)).fold(f64::MIN, f64::max)
    };
    if lists.iter().any(|list| list.counts_words) {
        return best(&lists[side]);
    }
    best(&lists[0]).max(best(&lists[1]))
}

/// Cells of a score's bar in a column of this width.
const fn bar_width(room: usize) -> usize {
    match room {
        0..=27 => 0,
        28..=43 => 5,
        _ => 8,
    }
}

/// A list's title and its note, in as many words as fit beside each other; the title is cut last.
fn titled(shared: &Shared, list: &ListShown<'_>, width: usize) -> (String, String) {
    let title = text::safe(list.role);
    // The rule's ends, and a space around each.
    let room = |note: &str| width.saturating_sub(text::width(note) + 6);
    let fits = list.notes.iter().find(|note| text::width(&title) <= room(note));
    let Some(note) = fits.or(list.notes.last()) else { return (title, String::new()) };
    (text::fit(&title, room(note), shared.glyphs.cut()), note.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;

    fn list<'a>(role: &'a str, notes: &[&str]) -> ListShown<'a> {
        let notes = notes.iter().map(|note| (*note).to_owned()).collect();
        ListShown { role, notes, hits: Vec::new(), counts_words: false }
    }

    #[test]
    fn a_rank_stays_in_the_title_where_the_margin_has_no_room() {
        let shared = app().shared;
        let notes = ["rank 36, margin -0.039", "rank 36, -0.039", "rank 36", "36"];
        let shown = |role, width: u16| {
            let list = list(role, &notes);
            let (title, note) = titled(&shared, &list, usize::from(width));
            let area = Rect::new(0, 0, width, 1);
            let mut buffer = Buffer::empty(area);
            section(&shared, &mut buffer, area, &title, &note);
            (0..width).map(|x| buffer[(x, 0)].symbol()).collect::<String>()
        };
        assert_eq!(shown("llm2clip", 36), "─ llm2clip  rank 36, margin -0.039 ─");
        assert!(shown("llm2clip", 35).contains(" rank 36, -0.039 "));
        for width in 21..60 {
            assert!(shown("llm2clip", width).contains(" rank 36"), "{width}");
        }
        assert!(shown("an encoder of a long name", 24).contains("36"));
    }

    #[test]
    fn bars_of_cosines_have_one_scale_and_those_of_common_words_their_own() {
        let scored = |score: f32, counts_words| {
            let hit = HitShown { item: "a", score, relevant: None, hub: false };
            ListShown { role: "x", notes: Vec::new(), hits: vec![hit], counts_words }
        };
        let lists = [scored(0.5, false), scored(0.75, false)];
        assert_eq!([0, 1].map(|side| full_bar(&lists, side)), [0.75, 0.75]);
        let lists = [scored(12.5, true), scored(0.75, false)];
        assert_eq!([0, 1].map(|side| full_bar(&lists, side)), [12.5, 0.75]);
    }

    #[test]
    fn bars_stand_in_columns_side_by_side_at_120() {
        let below = Rect::new(0, 0, 72, 20);
        let widths = columns(below).map(|column| bar_width(usize::from(column.width)));
        assert_eq!(widths, [5, 5]);
        assert_eq!(bar_width(48), 8);
    }
}
