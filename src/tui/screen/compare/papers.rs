//! What papers report, as rows among the measured ones: dim, without an interval, and with what keeps
//! them from being quite the same.

use super::bars::{Axis, whisker};
use super::metric;
use crate::eval::published::Published;
use crate::eval::{CompareDocument, CompareRow, Direction, Metric};
use crate::tui::app::Shared;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::table::Cell;

/// The rows of papers in a direction: what they report is captions among captions.
#[must_use]
pub fn of(document: &CompareDocument, direction: Direction) -> Vec<Published> {
    if direction == Direction::TextToText { document.beside() } else { Vec::new() }
}

/// A line of the table: the place of a measured row, or of a paper's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// That of a row.
    Row(usize),
    /// That of a paper's figure.
    Paper(usize),
}

/// The lines in their order: the rows' own; beside papers by recall@1, so that those next above and below
/// a row stand next to it.
#[must_use]
pub fn among(rows: &[&CompareRow], papers: &[Published]) -> Vec<Line> {
    let measured = rows.iter().enumerate().map(|(at, row)| (row.metrics.recall_1, Line::Row(at)));
    let reported = papers.iter().enumerate().map(|(at, one)| (one.recall_1, Line::Paper(at)));
    let mut lines: Vec<(f64, Line)> = measured.chain(reported).collect();
    if !papers.is_empty() {
        lines.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A paper's row in the columns of an encoder's, its bar of so many cells on an axis: papers report
/// recall@1 and nothing else.
pub fn cells(
    shared: &Shared,
    paper: &Published,
    (axis, metric): (Axis, Metric),
    bar: u16,
) -> Vec<Cell> {
    let share = paper.recall_1;
    let none = (Role::Dim, shared.glyphs.none().to_owned());
    let bar = match metric {
        Metric::Recall1 => whisker(shared, axis, share, [share, share], usize::from(bar)),
        _ => String::new(),
    };
    let mut cells = vec![
        (Role::Dim, text::safe(&paper.encoder)),
        (Role::Dim, format!("{:.1}", share * 100.0)),
        (Role::Dim, "the paper's".to_owned()),
        (Role::Dim, bar),
    ];
    // Recall@5 and @10, MRR, median, cosine, time.
    cells.extend(std::iter::repeat_n(none, 6));
    metric::swap(&mut cells, metric);
    cells
}

/// Where a paper's figure stands.
#[must_use]
pub fn about(paper: &Published) -> String {
    text::safe(&format!("{}: reported in {}", paper.encoder, paper.source))
}

/// What is said under the table of papers' rows, or of there being none.
#[must_use]
pub fn said(
    document: &CompareDocument,
    direction: Direction,
    papers: &[Published],
) -> Option<String> {
    let words = match papers.first() {
        Some(paper) if paper.caveat.is_empty() => return None,
        Some(paper) => format!("the paper's rows: {}", paper.caveat),
        None if direction == Direction::TextToText => document.why_nothing_beside()?,
        None => return None,
    };
    Some(text::safe(&words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;

    fn paper(caveat: &str) -> Published {
        Published {
            encoder: "CLIP, text tower".to_owned(),
            recall_1: 0.25,
            source: "a paper, Table 1".to_owned(),
            caveat: caveat.to_owned(),
        }
    }

    #[test]
    fn a_papers_row_has_its_figure_and_no_interval() {
        let shared = app().shared;
        let axis = Axis::of([0.5].into_iter());
        let cells = cells(&shared, &paper(""), (axis, Metric::Recall1), 11);
        assert!(cells.iter().all(|(role, _)| *role == Role::Dim));
        let words: Vec<&str> = cells.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(words[..3], ["CLIP, text tower", "25.0", "the paper's"]);
        assert!(!words[3].contains(['─', '┤']), "{words:?}");
        assert!(words[4..].iter().all(|words| *words == shared.glyphs.none()));
        assert_eq!(words.len(), super::super::comparison::columns(120).len());
        assert!(about(&paper("")).ends_with("reported in a paper, Table 1"));
    }
}
