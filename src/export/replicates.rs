//! Replicates as comma-separated values: a line a name, direction and metric, each value in a cell of its
//! own.

use super::csv::{cell, lines, number};
use crate::eval::replicates::Spread;
use crate::eval::{CompareDocument, Metric};

/// The most values that any line has.
fn widest<'a>(spreads: impl Iterator<Item = &'a Spread>) -> usize {
    spreads.map(|spread| spread.values.len()).max().unwrap_or(0)
}

fn header(names: &[&str], values: usize) -> Vec<String> {
    let mut header: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    header.extend(["mean", "min", "max"].map(str::to_owned));
    header.extend((1..=values).map(|value| format!("value_{value}")));
    header
}

fn spread(cells: &mut Vec<String>, spread: &Spread, values: usize) {
    cells.extend([spread.mean, spread.min, spread.max].map(|value| number(Some(value))));
    cells.extend((0..values).map(|at| number(spread.values.get(at).copied())));
}

/// The replicates of comparisons.
#[must_use]
pub fn replicate_rows(documents: &[CompareDocument]) -> String {
    let all = documents.iter().flat_map(|document| &document.replicates);
    let values = widest(all.map(|one| &one.metrics.recall_1));
    let names = ["task", "dataset", "role", "direction", "metric", "replicates"];
    let rows = documents.iter().flat_map(|document| {
        document.replicates.iter().flat_map(move |one| {
            Metric::ALL.map(|metric| {
                let mut cells = vec![
                    document.task.name().to_owned(),
                    cell(&document.protocol.dataset),
                    cell(&one.role),
                    one.direction.to_string(),
                    metric.to_string(),
                    one.of.len().to_string(),
                ];
                spread(&mut cells, one.metrics.get(metric), values);
                cells
            })
        })
    });
    lines(std::iter::once(header(&names, values)).chain(rows))
}

/// The differences of replicated names.
#[must_use]
pub fn replicate_differences(documents: &[CompareDocument]) -> String {
    let all = documents.iter().flat_map(|document| &document.replicate_differences);
    let values = widest(all.map(|one| &one.deltas));
    let names =
        ["task", "dataset", "a", "b", "direction", "metric", "positive", "negative", "zero"];
    let rows = documents.iter().flat_map(|document| {
        document.replicate_differences.iter().map(move |one| {
            let mut cells = vec![
                document.task.name().to_owned(),
                cell(&document.protocol.dataset),
                cell(&one.a),
                cell(&one.b),
                one.direction.to_string(),
                one.metric.to_string(),
                one.positive.to_string(),
                one.negative.to_string(),
                one.zero.to_string(),
            ];
            spread(&mut cells, &one.deltas, values);
            cells
        })
    });
    lines(std::iter::once(header(&names, values)).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::replicates::replicates;
    use crate::eval::{Direction, Metrics};
    use crate::export::charts::tests::sample;

    #[test]
    fn every_value_has_a_cell() {
        let row = |label, recall_1| {
            (label, Direction::TextToImage, Metrics { recall_1, ..Metrics::default() })
        };
        let rows = [row("a#1", 0.25), row("a#2", 0.5), row("b,c#1", 0.5), row("b,c#2", 1.0)];
        let mut document = sample();
        (document.replicates, document.replicate_differences) = replicates(&rows, None);
        let documents = [document];
        let text = replicate_rows(&documents);
        assert!(text.starts_with("task,dataset,role,direction,metric,replicates,mean,min,max,value_1,value_2\nimage,emoji,a,text-to-image,recall@1,2,0.375,0.25,0.5,0.25,0.5\n"), "{text}");
        assert_eq!(text.lines().count(), 1 + 2 * 5);
        let text = replicate_differences(&documents);
        let wanted = "image,emoji,\"b,c\",a,text-to-image,recall@1,2,0,0,0.375,0.25,0.5,0.25,0.5";
        assert!(text.contains(wanted), "{text}");
    }
}
