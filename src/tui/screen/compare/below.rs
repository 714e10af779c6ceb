//! What stands below the table: anisotropy of the rows, which is why a raw Llama fails, and layers and
//! poolings as a heat map.

use crate::eval::{CompareDocument, CompareRow};
use crate::tui::app::Shared;
use crate::tui::data::library::Heat;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What stands below the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Below {
    /// Rows against rows; of a classification too.
    #[default]
    Differences,
    /// Replicates of one name, where there are any.
    Replicates,
    /// Rows under a second set of judgements, where there is one.
    Judgements,
    /// How alike all embeddings are.
    Anisotropy,
    /// Layers and poolings.
    Layers,
}

impl Below {
    const ALL: [Self; 5] =
        [Self::Differences, Self::Replicates, Self::Judgements, Self::Anisotropy, Self::Layers];

    /// Its name in recorded sittings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Differences => "differences",
            Self::Replicates => "replicates",
            Self::Judgements => "judgements",
            Self::Anisotropy => "anisotropy",
            Self::Layers => "layers",
        }
    }

    /// That of the name; differences where there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|below| below.name() == name).unwrap_or_default()
    }

    /// The next in turn of those that a comparison has.
    #[must_use]
    pub fn next(self, document: &CompareDocument) -> Self {
        let there: Vec<Self> =
            Self::ALL.into_iter().filter(|below| below.of(document) == *below).collect();
        let at = there.iter().position(|below| *below == self).map_or(0, |at| at + 1);
        there[at % there.len()]
    }

    /// This, where a comparison has it.
    #[must_use]
    pub const fn of(self, document: &CompareDocument) -> Self {
        match self {
            Self::Replicates if document.replicates.is_empty() => Self::Differences,
            Self::Judgements if document.qrels.is_none() => Self::Differences,
            other => other,
        }
    }

    /// Differences or not: a classification has two things to show.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Differences => Self::Anisotropy,
            _ => Self::Differences,
        }
    }
}

/// Mean cosine of distinct embeddings, row by row, each beside the first that has one.
pub fn anisotropy(shared: &Shared, rows: &[&CompareRow], area: Rect, buffer: &mut Buffer) {
    let note = "mean cosine of distinct items: 1 is all alike";
    let inner = section(shared, buffer, area, "anisotropy", note);
    let first = rows.iter().find_map(|row| row.mean_cosine);
    let name = rows.iter().map(|row| text::width(&row.role)).max().unwrap_or(0).clamp(8, 24);
    let room = usize::from(inner.width).saturating_sub(name + 44).clamp(6, 60);
    for (at, row) in rows.iter().take(usize::from(inner.height)).enumerate() {
        let y = inner.y + at as u16;
        let label = text::left(&text::safe(&row.role), name, shared.glyphs.cut());
        let Some(cosine) = row.mean_cosine else {
            let none = format!("  {}", shared.glyphs.none());
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                y,
                &[(Role::Text, &label), (Role::Dim, &none)],
            );
            continue;
        };
        let role = if cosine > 0.7 { Role::Warn } else { Role::Curve(0) };
        let change = match first {
            Some(first) if at > 0 => format!(" {:>+6.3}", cosine - first),
            _ => " ".repeat(7),
        };
        let rank = row.geometry.as_ref().map_or_else(String::new, |geometry| {
            let json = serde_json::to_value(geometry).unwrap_or_default();
            json["effective_rank"].as_f64().map_or_else(String::new, |rank| {
                format!("  effective rank {}", format::number(rank))
            })
        });
        pieces(
            shared,
            buffer,
            inner,
            inner.x + 1,
            y,
            &[
                (Role::Text, &label),
                (Role::Text, &format!(" {cosine:>6.3}")),
                (Role::Dim, &change),
                (Role::Text, " "),
                (role, &shared.glyphs.gauge(cosine, room)),
                (Role::Dim, &rank),
            ],
        );
    }
}

/// Layers and poolings that a document's rows tell of, by their cards.
pub fn of_rows(document: &CompareDocument, direction: crate::eval::Direction) -> Vec<Heat> {
    let heat = |row: &CompareRow| {
        Some(Heat {
            role: row.encoder["encoder"].as_str().unwrap_or(&row.role).to_owned(),
            layer: row.encoder["layer"].as_u64()?,
            pooling: row.encoder["text"]["pooling"].as_str()?.to_owned(),
            recall: row.metrics.recall_1,
            cosine: row.mean_cosine,
        })
    };
    document.rows.iter().filter(|row| row.direction == direction).filter_map(heat).collect()
}

/// Cells of a number.
const WIDE: u16 = 6;

/// Recall@1 by layer across and pooling down, an encoder a block; the best is marked.
pub fn layers(shared: &Shared, heat: &[Heat], area: Rect, buffer: &mut Buffer) {
    let note = "recall@1 %; shade from the least to the most";
    let inner = section(shared, buffer, area, "layers and poolings", note);
    if heat.is_empty() {
        let words = "no layers were swept: llm2clip compare --sweep layers ...";
        put(buffer, inner, inner.x + 1, inner.y, words, shared.theme.style(Role::Dim));
        return;
    }
    let (low, high) = heat.iter().fold((f64::MAX, f64::MIN), |(low, high), cell| {
        (low.min(cell.recall), high.max(cell.recall))
    });
    let mut roles: Vec<&str> = heat.iter().map(|cell| cell.role.as_str()).collect();
    roles.dedup();
    roles.sort_unstable();
    roles.dedup();
    let mut rest = inner;
    for role in roles {
        let cells: Vec<&Heat> = heat.iter().filter(|cell| cell.role == role).collect();
        let mut layers: Vec<u64> = cells.iter().map(|cell| cell.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        let mut poolings: Vec<&str> = cells.iter().map(|cell| cell.pooling.as_str()).collect();
        poolings.sort_unstable();
        poolings.dedup();
        let (head, below) = top(rest, 1);
        rest = below;
        let name = text::left(&text::safe(role), 15, shared.glyphs.cut());
        let mut x = put(buffer, head, head.x + 1, head.y, &name, shared.theme.style(Role::Title));
        for layer in &layers {
            x = put(
                buffer,
                head,
                x,
                head.y,
                &format!("{layer:>5} "),
                shared.theme.style(Role::Dim),
            );
        }
        for pooling in poolings {
            let (line, below) = top(rest, 1);
            rest = below;
            let name = text::left(&text::safe(pooling), 15, shared.glyphs.cut());
            put(buffer, line, line.x + 1, line.y, &name, shared.theme.style(Role::Text));
            for (at, layer) in layers.iter().enumerate() {
                let found =
                    cells.iter().find(|cell| cell.layer == *layer && cell.pooling == pooling);
                let Some(cell) = found else { continue };
                let x = line.x + 16 + at as u16 * WIDE;
                let share = if high > low { (cell.recall - low) / (high - low) } else { 1.0 };
                let shade = shade(shared, share);
                let role = if cell.recall == high { Role::Good } else { Role::Text };
                let mark = if cell.recall == high { shared.glyphs.tick() } else { " " };
                pieces(
                    shared,
                    buffer,
                    line,
                    x,
                    line.y,
                    &[
                        (Role::Curve(0), shade),
                        (role, &format!("{:>4.1}", cell.recall * 100.0)),
                        (Role::Good, mark),
                    ],
                );
            }
        }
    }
}

fn shade(shared: &Shared, share: f64) -> &'static str {
    const UNICODE: [&str; 5] = [" ", "░", "▒", "▓", "█"];
    const ASCII: [&str; 5] = [" ", ".", ":", "=", "#"];
    let shades = if shared.glyphs.ascii { ASCII } else { UNICODE };
    shades[((share * 5.0) as usize).min(4)]
}
