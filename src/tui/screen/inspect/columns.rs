//! Two encoders' neighbours of one query, side by side: pictures, scores, what is right, what both have.

use super::layout::{columns, tiles};
use super::source::{HitShown, ListShown, link};
use crate::ids::Digest;
use crate::session::thumbnails::ItemsShown;
use crate::tui::app::Shared;
use crate::tui::picture::Key;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put, section, top};
use crate::tui::widget::picture::picture;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Both columns, ready to be drawn.
pub struct Columns<'a> {
    /// The lists.
    pub lists: [ListShown<'a>; 2],
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
            section(shared, buffer, area, &text::safe(list.role), &list.note);
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

    fn is_chosen(&self, side: usize, at: usize) -> bool {
        let before = if side == 0 { 0 } else { self.lists[0].hits.len() };
        self.chosen == before + at
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
                (Role::Accent, &link(&self.lists, hit.item).to_string()),
                (Role::Dim, if place.width < 8 { "" } else { " " }),
                (Role::Dim, &score),
            ],
        );
    }

    fn names(&self, shared: &Shared, side: usize, area: Rect, buffer: &mut Buffer) {
        let list = &self.lists[side];
        let best = list.hits.iter().map(|hit| f64::from(hit.score)).fold(f64::MIN, f64::max);
        let height = usize::from(area.height);
        let before = if side == 0 { 0 } else { self.lists[0].hits.len() };
        let chosen = self.chosen.checked_sub(before).filter(|at| *at < list.hits.len());
        let first = chosen.map_or(0, |at| (at + 1).saturating_sub(height));
        let room = usize::from(area.width);
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
            let bar = if room >= 44 && best > 0.0 {
                shared.glyphs.gauge(f64::from(hit.score) / best, 8)
            } else {
                String::new()
            };
            let words = self.shown.caption(hit.item).unwrap_or(hit.item);
            let name = text::left(
                &text::safe(words),
                room.saturating_sub(17 + text::width(&bar)),
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
                    (Role::Accent, &format!("{} ", link(&self.lists, hit.item))),
                    (if right { Role::Title } else { Role::Text }, &name),
                    (Role::Curve(side), &bar),
                    (Role::Dim, &format!(" {:.3}", hit.score)),
                    (Role::Warn, if hit.hub { " hub" } else { "" }),
                ],
            );
        }
    }
}
