//! What papers report, as lines of the table of comparisons: a name, a figure and where it stands, and
//! nothing that nobody measured.

use super::csv::{cell, number};
use super::judged::Judged;
use crate::eval::{Direction, Metric};

/// The last columns of the table: empty where a line was measured here.
pub(super) const COLUMNS: [&str; 2] = ["source", "caveat"];

/// The lines of papers under one set of judgements, in a table of so many columns, [`COLUMNS`] last.
pub(super) fn rows(judged: &Judged<'_>, columns: usize) -> Vec<Vec<String>> {
    let papers = judged.papers().into_iter().map(|paper| {
        let mut cells = judged.identity();
        cells.extend([cell(&paper.encoder), Direction::TextToText.to_string()]);
        for metric in Metric::ALL {
            let value = (metric == Metric::Recall1).then_some(paper.recall_1);
            cells.extend([number(value), String::new(), String::new()]);
        }
        cells.resize(columns.saturating_sub(COLUMNS.len()), String::new());
        cells.extend([cell(&paper.source), cell(&paper.caveat)]);
        cells
    });
    papers.collect()
}

#[cfg(test)]
mod tests {
    use crate::eval::{Protocol, Task};
    use crate::export::charts::tests::sample;
    use crate::export::csv::compare_rows;

    #[test]
    fn lines_of_papers_come_after_those_that_were_measured() {
        let mut document = sample();
        let measured = document.rows.len();
        document.task = Task::Caption;
        let digest = "163ea5e8131d573c56a3e9f8bcf5e230837256fabac89a433b9d16720f7609eb";
        document.protocol = Protocol::new("captions", None, digest, "first-two");
        let text = compare_rows(&[("caption-1".to_owned(), document)]);
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!(header[header.len() - 2..], ["source", "caveat"]);
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), measured + 6);
        assert!(lines[..measured].iter().all(|line| line.ends_with(",,")));
        let paper = lines[measured];
        let wanted = ",\"CLIP ViT-L/14, text tower\",text-to-text,0.252,,,,";
        assert!(paper.starts_with("caption-1,caption,captions,") && paper.contains(wanted));
        assert!(paper.contains("Table A1") && paper.contains("training text"), "{paper}");
        // Separators outside quotes.
        let separators = |line: &str| -> usize {
            line.split('"').step_by(2).map(|plain| plain.matches(',').count()).sum()
        };
        assert!(lines.iter().all(|line| separators(line) + 1 == header.len()));
    }
}
