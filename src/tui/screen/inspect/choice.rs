//! A zero-shot choice: typed texts with both encoders' probabilities as bars, side by side, or one
//! below the other where there is no room.

use crate::eval::classify::ClassifyDocument;
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Least width at which both bars stand on one line.
const SIDE_BY_SIDE: u16 = 64;

/// A text with its probabilities, one an encoder.
struct Candidate<'a> {
    text: &'a str,
    of: Vec<f64>,
}

/// The texts in the order they were typed in.
fn candidates<'a>(document: &'a ClassifyDocument) -> Vec<Candidate<'a>> {
    let classes = document.pictures.first().map_or(&[][..], |picture| &picture.classes);
    let one = |(at, text): (usize, &'a String)| {
        let of = classes.iter().map(|hits| {
            hits.iter().find(|hit| hit.candidate == at).map_or(0.0, |hit| hit.probability)
        });
        Candidate { text, of: of.collect() }
    };
    document.candidates.iter().enumerate().map(one).collect()
}

/// Draws the choice.
pub fn draw(shared: &Shared, document: &ClassifyDocument, area: Rect, buffer: &mut Buffer) {
    let item = document.pictures.first().map_or("", |picture| picture.item.as_str());
    let ms: Vec<String> = document
        .rows
        .iter()
        .map(|row| {
            let ms = row.ms_per_item + row.ms_per_candidate * document.candidates.len() as f64;
            format!("{ms:.1} ms")
        })
        .collect();
    let title = format!("zero-shot: {}", text::safe(item));
    let inner = section(shared, buffer, area, &title, &ms.join(", "));
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let all = candidates(document);
    let best: Vec<Option<usize>> = (0..document.rows.len())
        .map(|side| {
            let of = |at: &usize| all[*at].of.get(side).copied().unwrap_or(0.0);
            (0..all.len()).max_by(|a, b| of(a).total_cmp(&of(b)))
        })
        .collect();
    let wide = inner.width >= SIDE_BY_SIDE;
    let (roles, rest) = top(inner, 1);
    let places = sides(roles, document.rows.len(), wide);
    if wide {
        for (row, (x, _)) in document.rows.iter().zip(&places) {
            let words = text::fit(&text::safe(&row.role), 20, shared.glyphs.cut());
            pieces(shared, buffer, roles, *x, roles.y, &[(Role::Title, &words)]);
        }
    } else {
        let names: Vec<String> = document
            .rows
            .iter()
            .enumerate()
            .map(|(at, row)| format!("{}: {}", letter(at), text::safe(&row.role)))
            .collect();
        pieces(shared, buffer, roles, roles.x, roles.y, &[(Role::Title, &names.join("  "))]);
    }
    let mut rest = rest;
    let each = if wide { 1 } else { 1 + document.rows.len() };
    let (listed, left) = fitting(&all, usize::from(rest.height) / each);
    for at in listed {
        let candidate = &all[at];
        let (line, below) = top(rest, 1);
        rest = below;
        let room = if wide { name_room(inner) } else { usize::from(inner.width) };
        let chosen = best.contains(&Some(at));
        let role = if chosen { Role::Title } else { Role::Text };
        let words = text::fit(&text::safe(candidate.text), room, shared.glyphs.cut());
        pieces(shared, buffer, line, line.x, line.y, &[(role, &words)]);
        for (side, share) in candidate.of.iter().enumerate() {
            let (line, x, width) = if wide {
                (line, places[side].0, places[side].1)
            } else {
                let (line, below) = top(rest, 1);
                rest = below;
                (line, line.x + 2, line.width.saturating_sub(2))
            };
            let name = if wide { String::new() } else { format!("{} ", letter(side)) };
            let bar = usize::from(width).saturating_sub(10 + text::width(&name));
            let tick = if best[side] == Some(at) { shared.glyphs.tick() } else { " " };
            pieces(
                shared,
                buffer,
                line,
                x,
                line.y,
                &[
                    (Role::Dim, &name),
                    (Role::Curve(side), &shared.glyphs.gauge(*share, bar)),
                    (Role::Text, &format!(" {:>5.1} % ", share * 100.0)),
                    (Role::Good, tick),
                ],
            );
        }
    }
    if let Some((count, most)) = left {
        let (line, below) = top(rest, 1);
        rest = below;
        let words = format!("{count} more, none above {:.1} %", most * 100.0);
        pieces(shared, buffer, line, line.x, line.y, &[(Role::Dim, &words)]);
    }
    let scales: Vec<String> = document
        .rows
        .iter()
        .map(|row| {
            let whose = if row.scale_from == "model" { "its own" } else { "CLIP's ceiling" };
            format!("{} {:.1}, {whose}", text::safe(&row.role), row.scale)
        })
        .collect();
    let words = format!("softmax of cosines times a scale: {}", scales.join("; "));
    let mut rest = top(rest, 1).1;
    for line in text::wrap(&words, usize::from(inner.width.max(1))) {
        let (place, below) = top(rest, 1);
        rest = below;
        pieces(shared, buffer, place, place.x, place.y, &[(Role::Dim, &line)]);
    }
}

/// The places of the texts that have room, as they were typed: where not all have, the likeliest under
/// either encoder; then also how many are left out, and the highest probability among them.
fn fitting(all: &[Candidate<'_>], room: usize) -> (Vec<usize>, Option<(usize, f64)>) {
    if all.len() <= room {
        return ((0..all.len()).collect(), None);
    }
    let most = |at: usize| all[at].of.iter().copied().fold(0.0, f64::max);
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.sort_by(|a, b| most(*b).total_cmp(&most(*a)));
    // One line says how many are left out.
    let left = places.split_off(room.saturating_sub(1));
    places.sort_unstable();
    let highest = left.iter().map(|at| most(*at)).fold(0.0, f64::max);
    (places, Some((left.len(), highest)))
}

fn letter(side: usize) -> char {
    char::from(b'a' + (side % 26) as u8)
}

fn name_room(inner: Rect) -> usize {
    usize::from(inner.width / 3).saturating_sub(1)
}

/// Column and width of each encoder's bars.
fn sides(inner: Rect, count: usize, wide: bool) -> Vec<(u16, u16)> {
    if !wide {
        return Vec::new();
    }
    let from = inner.x + inner.width / 3;
    let width = (inner.right() - from) / (count.max(1) as u16);
    (0..count as u16).map(|side| (from + side * width, width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_texts_of_either_encoder_have_room_before_others() {
        let shares = [[0.1, 0.0], [0.5, 0.2], [0.05, 0.7], [0.35, 0.1]];
        let all: Vec<Candidate<'_>> =
            shares.iter().map(|of| Candidate { text: "a cat", of: of.to_vec() }).collect();
        assert_eq!(fitting(&all, 4), (vec![0, 1, 2, 3], None));
        assert_eq!(fitting(&all, 3), (vec![1, 2], Some((2, 0.35))));
        assert_eq!(fitting(&all, 0), (vec![], Some((4, 0.7))));
        assert_eq!(fitting(&[], 0), (vec![], None));
    }
}
