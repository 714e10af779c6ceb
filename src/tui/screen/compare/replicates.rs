//! Replicates of a comparison below its table: each value of recall@1, then their mean and ends, and names
//! against names pair by pair, each pair with its interval and corrected p.

use super::comparison::difference;
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
    (names.count() + pairs.map(|one| 1 + one.pairs.len()).sum::<usize>()) as u16
}

/// Draws them.
pub fn view(
    shared: &Shared,
    document: &CompareDocument,
    direction: Direction,
    area: Rect,
    buffer: &mut Buffer,
) {
    let differences = document.replicate_differences.iter();
    let differences =
        differences.filter(|one| one.direction == direction && one.metric == Metric::Recall1);
    let note = if differences.clone().any(|one| !one.pairs.is_empty()) {
        "each seed, then mean and ends; pairs by number, p after Holm over all pairs"
    } else {
        "each seed, then mean and ends; pairs by number, no test"
    };
    let inner = section(shared, buffer, area, "replicates: recall@1 %", note);
    let width = 24.min(usize::from(inner.width / 4));
    let mut places = inner.y..inner.bottom();
    let line = |buffer: &mut Buffer, y: u16, name: &str, values: &str, rest: &str, role: Role| {
        let name = text::left(name, width, shared.glyphs.cut());
        let parts = [(Role::Text, name.as_str()), (role, values), (Role::Dim, rest)];
        pieces(shared, buffer, inner, inner.x + 1, y, &parts);
    };
    let names = document.replicates.iter().filter(|one| one.direction == direction);
    for (one, y) in names.zip(places.by_ref()) {
        let said = |value: f64| format!("{:.1}", value * 100.0);
        let (values, ends) = said_of(&one.metrics.recall_1, said);
        line(buffer, y, &text::safe(&one.role), &values, &ends, Role::Text);
    }
    for one in differences {
        let Some(y) = places.next() else { break };
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
        line(buffer, y, &names, &values, &(ends + &signs), role);
        for (pair, y) in one.pairs.iter().zip(places.by_ref()) {
            difference(shared, pair, "", inner, y, buffer);
        }
    }
}

fn said_of(spread: &Spread, one: impl Fn(f64) -> String) -> (String, String) {
    let values: String = spread.values.iter().map(|&value| format!(" {:>5}", one(value))).collect();
    let [mean, min, max] = [spread.mean, spread.min, spread.max].map(one);
    (values, format!("   mean {mean}, {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;
    use serde_json::json;

    #[test]
    fn each_pair_of_a_number_has_its_interval_and_its_corrected_p() {
        let pair = |number: u32, delta: f64, p: f64| {
            json!({"a": format!("llm#{number}"), "b": format!("clip#{number}"),
                "direction": "text-to-image", "metric": "recall@1", "delta": delta,
                "ci95": [delta - 0.02, delta + 0.02], "test": "sign-flip", "p": p,
                "p_holm": 2.0 * p, "n": 300})
        };
        let document = json!({"format": "llm2clip.compare/1", "task": "image",
            "protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "pool": null,
                "captions": "any", "judgements": "own", "self_exclusion": "none",
                "tie_rule": "high", "rules": 1},
            "rows": [], "differences": [],
            "replicate_differences": [{"a": "llm", "b": "clip", "direction": "text-to-image",
                "metric": "recall@1", "numbers": [1, 2], "values": [0.1, 0.01], "mean": 0.055,
                "min": 0.01, "max": 0.1, "positive": 2, "negative": 0, "zero": 0,
                "pairs": [pair(1, 0.1, 0.0001), pair(2, 0.01, 0.4)], "family": "2 tests"}]});
        let document: CompareDocument = serde_json::from_value(document).unwrap();
        assert_eq!(lines(&document, Direction::TextToImage), 3);
        let area = Rect::new(0, 0, 100, 4);
        let mut buffer = Buffer::empty(area);
        view(&app().shared, &document, Direction::TextToImage, area, &mut buffer);
        let line = |y: u16| (0..100).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        assert!(line(1).contains("more 2/2"), "{}", line(1));
        for (y, parts) in [
            (2, ["llm#1 less clip#1", "+8.0 to +12.0", "p <.001", "better"]),
            (3, ["llm#2 less clip#2", "-1.0 to +3.0", "p 0.800", "not told apart"]),
        ] {
            for part in parts {
                assert!(line(y).contains(part), "{part}: {}", line(y));
            }
        }
    }
}
