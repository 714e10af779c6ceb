//! The list of queries with what became of each, the sizes of slices, and what the chosen query is.

use super::figures::{self, Figures};
use super::layout::Layout;
use super::listing::{Row, Rows};
use super::{Shown, none, serve};
use crate::eval::compare::Slice;
use crate::ids::Digest;
use crate::session::sitting::Subject;
use crate::tui::app::Shared;
use crate::tui::data::asked::{Answer, Asked};
use crate::tui::data::pairing::unit;
use crate::tui::picture::Key;
use crate::tui::screen::compare::session;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::cut;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{paragraph, pieces, pointer, put, section, top};
use crate::tui::widget::picture::picture;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What stands in the place of queries of a comparison that kept none.
fn unlisted(shared: &Shared, shown: &Shown<'_>) -> String {
    let words = if serve::can_ask(shared, shown) {
        "This comparison kept no lists of single queries. A types a text, or a picture's path, and \
         asks its encoders; llm2clip inspect keeps lists."
    } else {
        "This comparison kept no lists of single queries, and no two of its encoders can be asked: \
         their weights are not here. llm2clip inspect keeps lists."
    };
    match none::elsewhere(shared) {
        Some(way) => format!("{words}\n\n{way}."),
        None => words.to_owned(),
    }
}

/// The slices with their signs and sizes.
pub fn slices(
    shared: &Shared,
    shown: &Shown<'_>,
    chosen: Option<usize>,
    area: Rect,
    buffer: &mut Buffer,
) {
    if shown.pairs.all.is_empty() {
        // Nobody knows how many: that is not none.
        let words = "slices are not known: no lists of the same queries were kept";
        let words =
            text::fit(words, usize::from(area.width.saturating_sub(1)), shared.glyphs.cut());
        put(buffer, area, area.x + 1, area.y, &words, shared.theme.style(Role::Dim));
        return;
    }
    let all = (shown.pairs.all.len(), shown.pairs.sizes);
    let mut sizes = figures::sizes(all, chosen, usize::from(area.width.saturating_sub(1)));
    if let Some((_, last)) = sizes.last_mut() {
        last.truncate(last.trim_end().len());
    }
    let role = |at: Option<usize>| if at == chosen { Role::Accent } else { Role::Dim };
    let parts: Vec<_> = sizes.iter().map(|(at, words)| (role(*at), words.as_str())).collect();
    cut::pieces(shared, buffer, area, (area.x + 1, area.y), &parts);
}

/// A query's note, where it has one.
pub fn note<'a>(shared: &'a Shared, id: &str) -> Option<&'a str> {
    let sittings = shared.library.sittings.get(session(shared)?)?;
    sittings.notes.get(&Subject::query(id)).map(|note| note.text.as_str())
}

fn name(shown: &Shown<'_>, row: Row<'_>) -> String {
    match row {
        Row::Asked(asked) => asked.words(),
        Row::Paired(_, id) => shown.items.caption(id).unwrap_or(id).to_owned(),
    }
}

/// The list.
pub fn list(
    shared: &Shared,
    shown: &Shown<'_>,
    rows: &Rows<'_>,
    cursor: Cursor,
    area: Rect,
    buffer: &mut Buffer,
) {
    let list = Rect { width: area.width.saturating_sub(1), ..area };
    let figures = Figures::of(usize::from(list.width), shown.pairs.highest);
    let wide = usize::from(list.width).saturating_sub(figures.width() + 2).max(8);
    let head = format!("{}{}", text::left("query", wide, ""), figures.head());
    put(buffer, list, list.x + 1, list.y, &head, shared.theme.style(Role::Dim));
    let list = top(list, 1).1;
    if rows.is_empty() {
        let words = match () {
            () if shown.sets.iter().all(|set| set.queries.is_empty()) => unlisted(shared, shown),
            () if shown.pairs.all.is_empty() => {
                "these encoders were asked different queries".to_owned()
            }
            () => "no query is so; esc shows all".to_owned(),
        };
        let place = Rect { x: list.x + 1, width: list.width.saturating_sub(1), ..list };
        paragraph(shared, buffer, place, Role::Dim, &words);
        return;
    }
    let at = cursor.at.min(rows.len() - 1);
    let first = Cursor { at }.first(rows.len(), usize::from(list.height));
    let seen = first..rows.len().min(first + usize::from(list.height));
    for (line, row) in seen.filter_map(|line| Some((line, rows.get(line)?))) {
        let y = list.y + (line - first) as u16;
        if line == at {
            buffer.set_style(Rect { y, height: 1, ..list }, shared.theme.style(Role::Selected));
            pointer(shared, buffer, list, y);
        }
        let words = text::left(&text::safe(&name(shown, row)), wide - 1, shared.glyphs.cut());
        let noted = if note(shared, row.id()).is_some() { "*" } else { " " };
        let x = pieces(
            shared,
            buffer,
            list,
            list.x + 1,
            y,
            &[(Role::Text, &words), (Role::Warn, noted)],
        );
        match row {
            Row::Paired(query, _) => {
                let gain = query.gain();
                let role = match gain {
                    0 => Role::Dim,
                    gain if gain > 0 => Role::Good,
                    _ => Role::Bad,
                };
                pieces(
                    shared,
                    buffer,
                    list,
                    x,
                    y,
                    &[
                        (Role::Text, &figures.ranks(query)),
                        (role, &figures.gain(query)),
                        (Role::Dim, &figures.rest(query)),
                    ],
                );
            }
            Row::Asked(asked) => {
                let (role, state) = match &asked.answer {
                    None => (Role::Warn, "asked"),
                    Some(Ok(Answer::Lists(_))) => (Role::Accent, "typed"),
                    Some(Ok(Answer::Choice(_))) => (Role::Accent, "choice"),
                    Some(Err(_)) => (Role::Bad, "failed"),
                };
                let state = text::right(state, figures.width(), shared.glyphs.cut());
                put(buffer, list, x, y, &state, shared.theme.style(role));
            }
        }
    }
}

/// What stands in the place of the list where a record looked at a query that is not in it.
pub fn missing(shared: &Shared, query: &str, area: Rect, buffer: &mut Buffer) {
    let place = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    let words = format!(
        "query {} was looked at here; nothing recorded by then tells of it",
        text::safe(query)
    );
    paragraph(shared, buffer, place, Role::Warn, &words);
}

/// The query's own picture, or that of the thing it speaks of.
fn digest<'a>(shown: &Shown<'a>, row: Row<'a>) -> Option<&'a Digest> {
    let id = match row {
        Row::Paired(_, id) => id,
        Row::Asked(asked) if asked.seen.is_some() => return asked.seen.as_ref(),
        Row::Asked(asked) => asked.picture()?,
    };
    let pictures = &shown.items.pictures;
    let own = pictures.get(id);
    own.or_else(|| pictures.get(&format!("{}@0", unit(id)))).or_else(|| pictures.get(unit(id)))
}

/// The query's picture and where it stands.
pub fn slot(shown: &Shown<'_>, row: Row<'_>, parts: &Layout) -> Option<(Key, Rect)> {
    if parts.picture.is_empty() {
        return None;
    }
    let (columns, rows) = (parts.picture.width, parts.picture.height);
    let picture = digest(shown, row)?.clone();
    Some((Key { picture, columns, rows }, parts.picture))
}

/// What the query is.
pub fn head(shared: &Shared, shown: &Shown<'_>, row: Row<'_>, parts: &Layout, buffer: &mut Buffer) {
    let mut area = parts.head;
    match digest(shown, row) {
        Some(digest) if !parts.picture.is_empty() => picture(shared, buffer, parts.picture, digest),
        _ if !parts.picture.is_empty() => {
            area.x = parts.picture.x;
            area.width += parts.picture.width + 1;
        }
        _ => {}
    }
    let words = text::safe(&name(shown, row));
    let note = note(shared, row.id());
    let notes = u16::from(note.is_some() && area.height > 2);
    let lines = area.height.saturating_sub(1 + notes).max(1);
    let wrapped = text::wrap(&words, usize::from(area.width.max(1)));
    let mut y = area.y;
    for (at, line) in wrapped.iter().take(usize::from(lines)).enumerate() {
        let last = at + 1 == usize::from(lines) && wrapped.len() > usize::from(lines);
        let line = if last {
            text::fit(&format!("{line} {}", shared.glyphs.cut()), usize::from(area.width), "")
        } else {
            line.clone()
        };
        put(buffer, area, area.x, y, &line, shared.theme.style(Role::Title));
        y += 1;
    }
    let about = match row {
        Row::Paired(query, id) => {
            let slices: Vec<&str> = query.slices.all().map(Slice::name).collect();
            format!("{}  {}", text::safe(id), slices.join(", "))
        }
        Row::Asked(asked) => format!("typed, {}", text::safe(asked.direction())),
    };
    let end = put(buffer, area, area.x, y, &about, shared.theme.style(Role::Dim));
    if let Some(note) = note {
        // On a line of its own where there is one.
        let (x, y) = if y + 1 < area.bottom() { (area.x, y + 1) } else { (end + 2, y) };
        let room = usize::from(area.right().saturating_sub(x));
        let words = text::fit(&format!("note: {}", text::safe(note)), room, shared.glyphs.cut());
        put(buffer, area, x, y, &words, shared.theme.style(Role::Warn));
    }
}

/// A typed query whose answer is not there.
pub fn waiting(shared: &Shared, asked: &Asked, area: Rect, buffer: &mut Buffer) {
    let inner = section(shared, buffer, area, "answer", "");
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    match &asked.answer {
        Some(Err(why)) => {
            let words = format!("There is no answer: {}", text::safe(why));
            paragraph(shared, buffer, inner, Role::Bad, &words);
        }
        Some(Ok(_)) => {
            paragraph(shared, buffer, inner, Role::Dim, "The answer has no two lists.");
        }
        None => {
            let words = "Asked. The first question loads both encoders and the gallery's rows; \
                         those after it are quick.";
            paragraph(shared, buffer, inner, Role::Dim, words);
        }
    }
}
