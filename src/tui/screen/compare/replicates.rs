//! Replicates of a comparison below its table: each value of recall@1, then their mean and ends, and names
//! against names pair by pair.

use crate::eval::replicates::Spread;
use crate::eval::{CompareDocument, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines that a direction's replicates take.
pub fn lines(document: &CompareDocument, direction: Direction) -> u16 {
    let names = document.replicates.iter().filter(|one| one.direction == direction);
    let pairs = document.replicate_differences.iter();
    let pairs = pairs.filter(|one| one.direction == direction && one.metric == Metric::Recall1);
    (names.count() + pairs.count()) as u16
}

/// Draws them.
pub fn view(
    shared: &Shared,
    document: &CompareDocument,
    direction: Direction,
    area: Rect,
    buffer: &mut Buffer,
) {
    let note = "each seed, then mean and ends; pairs by number, no test";
    let inner = section(shared, buffer, area, "replicates: recall@1 %", note);
    let width = 24.min(usize::from(inner.width / 4));
    let mut rows: Vec<(String, String, String, Role)> = Vec::new();
    for one in document.replicates.iter().filter(|one| one.direction == direction) {
        let spread = &one.metrics.recall_1;
        let said = |value: f64| format!("{:.1}", value * 100.0);
        let (values, ends) = said_of(spread, said);
        rows.push((text::safe(&one.role), values, ends, Role::Text));
    }
    let differences = document.replicate_differences.iter();
    for one in differences.filter(|one| one.direction == direction && one.metric == Metric::Recall1)
    {
        let said = |value: f64| format!("{:+.1}", value * 100.0);
        let (values, ends) = said_of(&one.deltas, said);
        let pairs = one.numbers.len();
        let (role, signs) = if one.positive == pairs {
            (Role::Good, format!("  more {pairs}/{pairs}"))
        } else if one.negative == pairs {
            (Role::Bad, format!("  less {pairs}/{pairs}"))
        } else {
            (Role::Dim, format!("  more {}/{pairs}", one.positive))
        };
        let names = format!("{} less {}", text::safe(&one.a), text::safe(&one.b));
        rows.push((names, values, ends + &signs, role));
    }
    for ((name, values, rest, role), y) in rows.iter().zip(inner.y..inner.bottom()) {
        let name = text::left(name, width, shared.glyphs.cut());
        let parts = [(Role::Text, name.as_str()), (*role, values), (Role::Dim, rest)];
        pieces(shared, buffer, inner, inner.x + 1, y, &parts);
    }
}

fn said_of(spread: &Spread, one: impl Fn(f64) -> String) -> (String, String) {
    let values: String = spread.values.iter().map(|&value| format!(" {:>5}", one(value))).collect();
    let [mean, min, max] = [spread.mean, spread.min, spread.max].map(one);
    (values, format!("   mean {mean}, {min} to {max}"))
}
