//! Rows against rows below a table: what their p is and how it was corrected, then a line each, around the
//! one that is chosen.

use super::click::Places;
use super::comparison::difference_in;
use super::cut;
use crate::eval::classify::ClassifyDocument;
use crate::eval::difference::{Classified, Retrieved};
use crate::eval::second::SecondJudgements;
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

/// Differences below a table, and what there is to say of them.
pub struct Tested<'a, Of> {
    title: String,
    /// At the title's right, beside how many there are.
    note: &'static str,
    family: &'a str,
    rows: Vec<&'a Difference<Of>>,
    /// What is held against nothing, and why.
    unpaired: Vec<String>,
    metric: Metric,
    /// What is said where none is tested.
    untested: &'static str,
    /// What a line says behind its names.
    what: fn(&Of) -> String,
}

/// Those of a direction and metric.
pub fn of(
    document: &CompareDocument,
    direction: Direction,
    metric: Metric,
) -> Tested<'_, Retrieved> {
    Tested {
        title: format!("differences in {metric}"),
        unpaired: unpaired(document, direction),
        ..among(&document.differences, &document.family, direction, metric)
    }
}

/// Those of a second set of judgements.
pub fn of_second(
    second: &SecondJudgements,
    direction: Direction,
    metric: Metric,
) -> Tested<'_, Retrieved> {
    Tested {
        title: format!("differences in {metric}, so judged"),
        ..among(&second.differences, &second.family, direction, metric)
    }
}

fn among<'a>(
    differences: &'a [Difference],
    family: &'a str,
    direction: Direction,
    metric: Metric,
) -> Tested<'a, Retrieved> {
    let rows = differences.iter();
    let rows = rows.filter(|row| row.of.direction == direction && row.of.metric == metric);
    Tested {
        title: String::new(),
        note: "M metric",
        family,
        rows: rows.collect(),
        unpaired: Vec::new(),
        metric,
        untested: match metric {
            Metric::Recall1 => "not tested",
            _ => "p is of recall@1 alone",
        },
        what: |_| String::new(),
    }
}

/// Rows of a joined table that are in none of its differences, or in those of their own result alone: a line
/// of all that are so for one reason.
fn unpaired(document: &CompareDocument, direction: Direction) -> Vec<String> {
    let joined = document.joined.iter().flat_map(|joined| &joined.unpaired);
    let mut reasons: Vec<((&str, &str), Vec<String>)> = Vec::new();
    for row in joined.filter(|row| row.direction == direction) {
        let (reason, role) =
            ((row.is_in(&document.differences), row.why.as_str()), text::safe(&row.role));
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, roles)) => roles.push(role),
            None => reasons.push((reason, vec![role])),
        }
    }
    let line = |((is_in, why), roles): ((&str, &str), Vec<String>)| {
        format!("{is_in} of {}: {}", roles.join(", "), text::safe(why))
    };
    reasons.into_iter().map(line).collect()
}

/// Those of a classification, those that are tested first.
pub fn of_classes(document: &ClassifyDocument) -> Tested<'_, Classified> {
    let (mut rows, others): (Vec<_>, Vec<_>) =
        document.differences.iter().partition(|row| row.p.is_some());
    rows.extend(others);
    Tested {
        title: "differences".to_owned(),
        note: "",
        family: &document.family,
        rows,
        unpaired: Vec::new(),
        metric: Metric::Recall1,
        untested: "not tested",
        what: |of| format!(" {}", text::safe(&of.metric)),
    }
}

fn inside(width: u16) -> usize {
    usize::from(width.saturating_sub(2)).max(1)
}

impl<Of> Tested<'_, Of> {
    /// Lines that can be chosen: differences, then what is held against nothing.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len() + self.unpaired.len()
    }

    /// Which test their p is of, on how many units, and how it was corrected; where there is none, what
    /// stands in its place.
    fn words(&self) -> String {
        let units = self.rows.iter().map(|row| row.n);
        let n = match (units.clone().min(), units.max()) {
            (Some(least), Some(most)) if least < most => {
                format!("n {} to {}", format::count(least as u64), format::count(most as u64))
            }
            (_, Some(n)) => format!("n {}", format::count(n as u64)),
            _ => return "no row is held against another".to_owned(),
        };
        let has = |test: Test| self.rows.iter().any(|row| row.test == Some(test));
        let names = [(Test::McNemar, "exact McNemar test"), (Test::SignFlip, "sign-flip test")];
        let tests = names.into_iter().filter(|(test, _)| has(*test)).map(|(_, name)| name);
        let tests: Vec<&str> = tests.collect();
        if tests.is_empty() {
            return format!("95 % intervals, {n}; {}", self.untested);
        }
        let mut words = format!("p: {}, {n}", tests.join(" or "));
        if self.rows.iter().any(|row| row.p_holm.is_some()) {
            words.push_str("; Holm's correction");
            if !self.family.is_empty() {
                words.push_str(&format!(": {}", text::safe(self.family)));
            }
        }
        if self.rows.iter().any(|row| row.p.is_none()) {
            words.push_str("; what has no p is told by its interval alone");
        }
        words
    }

    /// Lines they take, with title and words.
    #[must_use]
    pub fn wanted(&self, width: u16) -> u16 {
        let said = text::wrap(&self.words(), inside(width)).len().min(WORDS);
        (1 + said + self.count()).min(usize::from(u16::MAX)) as u16
    }

    /// Draws them; where each stands.
    pub fn view(
        &self,
        shared: &Shared,
        chosen: Option<usize>,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Places {
        let (count, room) = (self.count(), usize::from(area.height.saturating_sub(1)));
        // In little room the words are one line, whose beginning says the most.
        let most = if count + WORDS <= room { WORDS } else { (room / 4).clamp(1, WORDS) };
        let said = text::wrap_in(&self.words(), inside(area.width), most, shared.glyphs.cut());
        let height = room.saturating_sub(said.len());
        let first = chosen.map_or(0, |at| Cursor { at }.first(count, height));
        let mut note = Vec::new();
        if count > height {
            let last = (first + height).min(count);
            note.push(format!("{} to {last} of {count}", first + 1));
        }
        if !self.note.is_empty() {
            note.push(self.note.to_owned());
        }
        let note = note.join(&format!(" {} ", shared.glyphs.dot()));
        let inner = section(shared, buffer, area, &self.title, &note);
        let mut places = inner.y..inner.bottom();
        for (words, y) in said.iter().zip(places.by_ref()) {
            put(buffer, inner, inner.x + 1, y, words, shared.theme.style(Role::Dim));
        }
        let lines: Places = places.zip(first..count).collect();
        for &(y, at) in &lines {
            if let Some(row) = self.rows.get(at).copied() {
                let what = (self.what)(&row.of);
                difference_in(shared, row, (&what, self.metric), inner, y, buffer);
            } else if let Some(words) = self.unpaired.get(at - self.rows.len()) {
                cut::words(shared, buffer, inner, (inner.x + 1, y), (Role::Warn, words));
            }
            if chosen == Some(at) {
                pointer(shared, buffer, area, y);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        of(document, Direction::TextToText, metric).view(&shared, chosen, area, &mut buffer);
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
        assert_eq!(of(&document, Direction::TextToText, Metric::Recall1).wanted(80), 18);
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
    fn a_classification_names_its_test_too_and_has_what_is_tested_first() {
        let difference = |metric: &str| {
            json!({"a": "llm2clip", "b": "clip", "metric": metric, "delta": 0.1,
                "ci95": [0.07, 0.13], "n": 24})
        };
        let mut tested = difference("top-1");
        tested["test"] = "mcnemar".into();
        (tested["p"], tested["p_holm"]) = (json!(0.01), json!(0.01));
        let document = json!({"format": "llm2clip.classify/1",
            "protocol": {"dataset": "pets", "split": "test", "split_digest": "00", "pool": null,
                "tie_rule": "high", "rules": 1},
            "candidates": ["a cat", "a dog"], "texts": ["a cat", "a dog"], "templates": ["{}"],
            "rows": [], "differences": [difference("top-5"), tested],
            "family": "top-1 of each row against the first: 1 test",
            "labelled": {"pictures": 24, "units": 24, "without": 0, "unknown": 0,
                "unknown_labels": []},
            "pictures": [], "resamples": 10000, "seed": 0, "program": "0"});
        let document: ClassifyDocument = serde_json::from_value(document).unwrap();
        let said = of_classes(&document).words();
        assert!(said.ends_with("; what has no p is told by its interval alone"), "{said}");
        let (shared, area) = (app().shared, Rect::new(0, 0, 80, 5));
        let mut buffer = Buffer::empty(area);
        of_classes(&document).view(&shared, Some(1), area, &mut buffer);
        let line = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        assert!(line(1).contains("p: exact McNemar test, n 24; Holm's correction"), "{}", line(1));
        let lines = [line(2), line(3)];
        assert!(lines.iter().any(|line| line.starts_with(" llm2clip less clip")), "{lines:?}");
        let chosen = lines.iter().find(|line| line.starts_with('▌')).unwrap();
        assert!(chosen.contains(" top-5"), "{lines:?}");
    }

    #[test]
    fn a_row_that_is_held_against_nothing_comes_into_sight_too() {
        let mut document = document(15);
        let unpaired = json!([{"role": "elsewhere", "direction": "text-to-text",
            "why": "it asks other queries"}]);
        document.joined =
            Some(serde_json::from_value(json!({"results": [], "unpaired": unpaired})).unwrap());
        let tested = of(&document, Direction::TextToText, Metric::Recall1);
        assert_eq!((tested.count(), tested.wanted(80)), (16, 19));
        let lines = drawn(&document, Metric::Recall1, None, (80, 8));
        assert!(lines[0].contains("1 to 6 of 16"), "{lines:#?}");
        let lines = drawn(&document, Metric::Recall1, Some(15), (80, 8));
        let chosen = lines.iter().find(|line| line.starts_with('▌')).unwrap();
        assert!(chosen.contains("no difference of elsewhere: it asks other"), "{lines:#?}");
    }

    #[test]
    fn a_verdict_is_whole_at_sixty_columns_and_says_where_it_was_cut_in_fewer() {
        let mut document = document(1);
        for row in &mut document.differences {
            (row.delta, row.ci95, row.p_holm) = (-0.1, [-0.131, 0.007], Some(0.2));
        }
        for metric in [Metric::Recall1, Metric::Mrr] {
            let text = drawn(&document, metric, None, (60, 6)).join("\n");
            assert!(text.contains("not told apart"), "{text}");
        }
        let text = drawn(&document, Metric::Recall1, None, (50, 6)).join("\n");
        assert!(text.contains("not to…"), "{text}");
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
