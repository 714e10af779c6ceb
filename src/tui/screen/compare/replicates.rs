//! Replicates of a comparison below its table: each value of recall@1, then their mean and ends, and names
//! against names pair by pair, each pair with its interval and corrected p.

use super::click::Places;
use super::comparison::difference;
use super::cut;
use crate::eval::replicates::{ReplicateDifference, Replicates, Spread};
use crate::eval::{CompareDocument, Difference, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{pointer, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A line of them.
enum Line<'a> {
    /// The values of a name.
    Values(&'a Replicates),
    /// A name against a name.
    Names(&'a ReplicateDifference),
    /// One pair of these.
    Pair(&'a Difference),
}

/// All lines of a direction.
fn all(document: &CompareDocument, direction: Direction) -> Vec<Line<'_>> {
    let names = document.replicates.iter().filter(|one| one.direction == direction);
    let mut lines: Vec<Line<'_>> = names.map(Line::Values).collect();
    for one in differences(document, direction) {
        lines.push(Line::Names(one));
        lines.extend(one.pairs.iter().map(Line::Pair));
    }
    lines
}

fn differences(
    document: &CompareDocument,
    direction: Direction,
) -> impl Iterator<Item = &ReplicateDifference> {
    let all = document.replicate_differences.iter();
    all.filter(move |one| one.direction == direction && one.metric == Metric::Recall1)
}

/// Lines that a direction's replicates take, each of which can be chosen.
pub fn lines(document: &CompareDocument, direction: Direction) -> u16 {
    all(document, direction).len().min(usize::from(u16::MAX)) as u16
}

/// Draws them, around the one that is chosen; where each stands.
pub fn view(
    shared: &Shared,
    document: &CompareDocument,
    direction: Direction,
    chosen: Option<usize>,
    area: Rect,
    buffer: &mut Buffer,
) -> Places {
    let about = if differences(document, direction).any(|one| !one.pairs.is_empty()) {
        "each seed, then mean and ends; pairs by number, p after Holm over all pairs"
    } else {
        "each seed, then mean and ends; pairs by number, no test"
    };
    let (all, height) = (all(document, direction), usize::from(area.height.saturating_sub(1)));
    let first = chosen.map_or(0, |at| Cursor { at }.first(all.len(), height));
    let note = if all.len() > height {
        format!("{} to {} of {}; {about}", first + 1, first + height, all.len())
    } else {
        about.to_owned()
    };
    let inner = section(shared, buffer, area, "replicates: recall@1 %", &note);
    let width = 24.min(usize::from(inner.width / 4));
    let line = |buffer: &mut Buffer, y: u16, name: &str, values: &str, rest: &str, role: Role| {
        let name = text::left(name, width, shared.glyphs.cut());
        let parts = [(Role::Text, name.as_str()), (role, values), (Role::Dim, rest)];
        cut::pieces(shared, buffer, inner, (inner.x + 1, y), &parts);
    };
    let places: Places = (inner.y..inner.bottom()).zip(first..all.len()).collect();
    for &(y, at) in &places {
        match all[at] {
            Line::Values(one) => {
                let said = |value: f64| format!("{:.1}", value * 100.0);
                let (values, ends) = said_of(&one.metrics.recall_1, said);
                line(buffer, y, &text::safe(&one.role), &values, &ends, Role::Text);
            }
            Line::Names(one) => {
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
            }
            Line::Pair(pair) => difference(shared, pair, "", inner, y, buffer),
        }
        if chosen == Some(at) {
            pointer(shared, buffer, area, y);
        }
    }
    places
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
        view(&app().shared, &document, Direction::TextToImage, None, area, &mut buffer);
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
        // In less room the chosen one is in sight, and how many there are is said.
        let area = Rect::new(0, 0, 100, 2);
        for at in 0..3 {
            let mut buffer = Buffer::empty(area);
            view(&app().shared, &document, Direction::TextToImage, Some(at), area, &mut buffer);
            let line = |y: u16| (0..100).map(|x| buffer[(x, y)].symbol()).collect::<String>();
            assert!(
                line(0).contains(&format!("{} to {} of 3; each", at + 1, at + 1)),
                "{}",
                line(0)
            );
            let name = ["llm less clip", "llm#1 less clip#1", "llm#2 less clip#2"][at];
            assert!(line(1).starts_with('▌') && line(1).contains(name), "{}", line(1));
        }
        // Many values are not cut in silence.
        let area = Rect::new(0, 0, 40, 2);
        let mut buffer = Buffer::empty(area);
        view(&app().shared, &document, Direction::TextToImage, None, area, &mut buffer);
        let line: String = (0..40).map(|x| buffer[(x, 1)].symbol()).collect();
        assert!(line.trim_end().ends_with('…'), "{line}");
    }
}
