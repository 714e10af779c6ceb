//! Rows against rows below a comparison's table, in the metric that is looked at: what their p is and how it
//! was corrected, then a line each, around the one that is chosen.

use super::comparison::difference_in;
use crate::eval::significance::Test;
use crate::eval::{CompareDocument, Difference, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{pointer, put, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Most lines of words about p.
const WORDS: usize = 3;

/// Those of a direction and metric.
pub fn of(
    document: &CompareDocument,
    direction: Direction,
    metric: Metric,
) -> impl Iterator<Item = &Difference> {
    let all = document.differences.iter();
    all.filter(move |row| row.of.direction == direction && row.of.metric == metric)
}

/// Which test the p of these lines is of, on how many units, and how it was corrected; where there is
/// none, what stands in its place.
fn words(document: &CompareDocument, rows: &[&Difference], metric: Metric) -> String {
    let units = rows.iter().map(|row| row.n);
    let n = match (units.clone().min(), units.max()) {
        (Some(least), Some(most)) if least < most => {
            format!("n {} to {}", format::count(least as u64), format::count(most as u64))
        }
        (_, Some(n)) => format!("n {}", format::count(n as u64)),
        _ => return "no row is held against another".to_owned(),
    };
    let has = |test: Test| rows.iter().any(|row| row.test == Some(test));
    let tests: Vec<&str> =
        [(Test::McNemar, "exact McNemar test"), (Test::SignFlip, "sign-flip test")]
            .into_iter()
            .filter_map(|(test, name)| has(test).then_some(name))
            .collect();
    if tests.is_empty() {
        let why = if metric == Metric::Recall1 { "not tested" } else { "p is of recall@1 alone" };
        return format!("95 % intervals, {n}; {why}");
    }
    let mut words = format!("p: {}, {n}", tests.join(" or "));
    if rows.iter().any(|row| row.p_holm.is_some()) {
        words.push_str("; Holm's correction");
        if !document.family.is_empty() {
            words.push_str(&format!(": {}", text::safe(&document.family)));
        }
    }
    words
}

fn inside(width: u16) -> usize {
    usize::from(width.saturating_sub(2)).max(1)
}

/// Lines they take, with title and words.
pub fn wanted(document: &CompareDocument, direction: Direction, metric: Metric, width: u16) -> u16 {
    let rows: Vec<&Difference> = of(document, direction, metric).collect();
    let said = text::wrap(&words(document, &rows, metric), inside(width)).len().min(WORDS);
    (1 + said + rows.len()).min(usize::from(u16::MAX)) as u16
}

/// Draws them.
pub fn view(
    shared: &Shared,
    document: &CompareDocument,
    (direction, metric): (Direction, Metric),
    chosen: Option<usize>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let rows: Vec<&Difference> = of(document, direction, metric).collect();
    let (width, cut) = (inside(area.width), shared.glyphs.cut());
    let room = usize::from(area.height.saturating_sub(1));
    // In little room the words are one line, whose beginning says the most.
    let most = if rows.len() + WORDS <= room { WORDS } else { (room / 4).clamp(1, WORDS) };
    let said = text::wrap_in(&words(document, &rows, metric), width, most, cut);
    let height = room.saturating_sub(said.len());
    let first = chosen.map_or(0, |at| Cursor { at }.first(rows.len(), height));
    let dot = shared.glyphs.dot();
    let mut note = "M metric".to_owned();
    if rows.len() > height {
        let last = (first + height).min(rows.len());
        note = format!("{} to {last} of {} {dot} {note}", first + 1, rows.len());
    }
    let title = format!("differences in {metric}");
    let inner = section(shared, buffer, area, &title, &note);
    let mut places = inner.y..inner.bottom();
    for (words, y) in said.iter().zip(places.by_ref()) {
        put(buffer, inner, inner.x + 1, y, words, shared.theme.style(Role::Dim));
    }
    for ((at, row), y) in rows.iter().copied().enumerate().skip(first).zip(places) {
        difference_in(shared, row, ("", metric), inner, y, buffer);
        if chosen == Some(at) {
            pointer(shared, buffer, area, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::difference::Retrieved;
    use crate::tui::app::tests::app;
    use serde_json::json;

    /// So many rows, each against the first, in recall@1 and in MRR.
    fn document(count: usize) -> CompareDocument {
        let document = json!({"format": "llm2clip.compare/1", "task": "caption",
            "protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "pool": null,
                "captions": "any", "judgements": "own", "self_exclusion": "none",
                "tie_rule": "high", "rules": 1},
            "rows": [], "differences": [],
            "family": "recall@1 of each row against the first row and against the row before it, \
                       in all directions: 60 tests"});
        let mut document: CompareDocument = serde_json::from_value(document).unwrap();
        for at in 0..count {
            for metric in [Metric::Recall1, Metric::Mrr] {
                let tested = metric == Metric::Recall1;
                document.differences.push(Difference {
                    a: format!("row {at:02}"),
                    b: "clip".to_owned(),
                    of: Retrieved { direction: Direction::TextToText, metric },
                    delta: 0.1,
                    ci95: [0.07, 0.13],
                    test: tested.then_some(Test::SignFlip),
                    p: tested.then_some(0.0001),
                    p_holm: tested.then_some(0.006),
                    n: 380,
                });
            }
        }
        document
    }

    fn drawn(
        document: &CompareDocument,
        metric: Metric,
        chosen: Option<usize>,
        (width, height): (u16, u16),
    ) -> Vec<String> {
        let shared = app().shared;
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let of = (Direction::TextToText, metric);
        view(&shared, document, of, chosen, area, &mut buffer);
        let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(line).collect()
    }

    #[test]
    fn the_test_its_correction_and_n_stand_with_the_differences_in_little_room_too() {
        let document = document(15);
        for size in [(80, 8), (80, 24), (120, 20), (60, 5)] {
            let text = drawn(&document, Metric::Recall1, None, size).join("\n");
            assert!(text.contains("p: sign-flip test, n 380; Holm's correction"), "{text}");
            assert!(text.contains("p 0.006"), "{text}");
        }
        let text = drawn(&document, Metric::Recall1, None, (120, 20)).join("\n");
        assert!(text.contains("in all directions: 60 tests"), "{text}");
        let text = drawn(&document, Metric::Mrr, None, (80, 24)).join("\n");
        assert!(text.contains("differences in mrr"), "{text}");
        assert!(text.contains("95 % intervals, n 380; p is of recall@1 alone"), "{text}");
        assert!(text.contains("+0.100") && text.contains("+0.070 to +0.130"), "{text}");
    }

    #[test]
    fn every_difference_comes_into_sight_and_how_many_there_are_is_said() {
        let document = document(15);
        assert_eq!(wanted(&document, Direction::TextToText, Metric::Recall1, 80), 18);
        let lines = drawn(&document, Metric::Recall1, None, (80, 8));
        assert!(lines[0].contains("1 to 6 of 15"), "{lines:#?}");
        for at in 0..15 {
            let lines = drawn(&document, Metric::Recall1, Some(at), (80, 8));
            let chosen = lines.iter().find(|line| line.starts_with('▌')).unwrap();
            assert!(chosen.contains(&format!("row {at:02} less clip")), "{lines:#?}");
        }
        let all = drawn(&document, Metric::Recall1, None, (80, 20));
        assert!(!all[0].contains(" of 15"), "{all:#?}");
    }

    #[test]
    fn no_size_is_too_small() {
        for count in [0, 1, 15] {
            let document = document(count);
            for size in [(0, 0), (1, 1), (2, 3), (20, 2), (80, 1)] {
                for chosen in [None, Some(0), Some(count)] {
                    drawn(&document, Metric::Recall1, chosen, size);
                }
            }
        }
    }
}
