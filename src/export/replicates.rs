//! Replicates as comma-separated values: a line a name, direction and metric, each value in a cell of its
//! own.

use super::csv::{cell, lines, number};
use crate::eval::replicates::{ReplicateDifference, Replicates, Spread};
use crate::eval::{CompareDocument, Metric, Protocol};

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

/// A comparison's own replicates, and those under a second set of judgements.
fn judged(
    document: &CompareDocument,
) -> impl Iterator<Item = (&Protocol, &[Replicates], &[ReplicateDifference])> {
    let own = (&document.replicates[..], &document.replicate_differences[..]);
    let own = (&document.protocol, own.0, own.1);
    let second = document.qrels.iter().map(|second| {
        (&second.protocol, &second.replicates[..], &second.replicate_differences[..])
    });
    std::iter::once(own).chain(second)
}

/// The replicates of comparisons, those under a second set of judgements too.
#[must_use]
pub fn replicate_rows(documents: &[CompareDocument]) -> String {
    let all = || {
        documents.iter().flat_map(|document| {
            judged(document).flat_map(move |(protocol, found, _)| {
                found.iter().map(move |one| (document.task, protocol, one))
            })
        })
    };
    let values = widest(all().map(|(_, _, one)| &one.metrics.recall_1));
    let names = ["task", "dataset", "role", "direction", "metric", "replicates", "judgements"];
    let rows = all().flat_map(|(task, protocol, one)| {
        Metric::ALL.map(|metric| {
            let mut cells = vec![
                task.name().to_owned(),
                cell(&protocol.dataset),
                cell(&one.role),
                one.direction.to_string(),
                metric.to_string(),
                one.of.len().to_string(),
                cell(&protocol.judgements),
            ];
            spread(&mut cells, one.metrics.get(metric), values);
            cells
        })
    });
    lines(std::iter::once(header(&names, values)).chain(rows))
}

/// The differences of replicated names.
#[must_use]
pub fn replicate_differences(documents: &[CompareDocument]) -> String {
    let all = || {
        documents.iter().flat_map(|document| {
            judged(document).flat_map(move |(protocol, _, found)| {
                found.iter().map(move |one| (document.task, protocol, one))
            })
        })
    };
    let values = widest(all().map(|(_, _, one)| &one.deltas));
    let names = [
        "task",
        "dataset",
        "a",
        "b",
        "direction",
        "metric",
        "positive",
        "negative",
        "zero",
        "judgements",
    ];
    let rows = all().map(|(task, protocol, one)| {
        let mut cells = vec![
            task.name().to_owned(),
            cell(&protocol.dataset),
            cell(&one.a),
            cell(&one.b),
            one.direction.to_string(),
            one.metric.to_string(),
            one.positive.to_string(),
            one.negative.to_string(),
            one.zero.to_string(),
            cell(&protocol.judgements),
        ];
        spread(&mut cells, &one.deltas, values);
        cells
    });
    lines(std::iter::once(header(&names, values)).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::replicates::replicates;
    use crate::eval::second::{QrelsRead, SecondJudgements};
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
        let second = SecondJudgements {
            protocol: Protocol { judgements: "more.qrels".into(), ..document.protocol.clone() },
            read: QrelsRead::default(),
            rows: Vec::new(),
            differences: Vec::new(),
            family: String::new(),
            replicates: document.replicates[..1].to_vec(),
            replicate_differences: document.replicate_differences[..1].to_vec(),
        };
        document.qrels = Some(second);
        let documents = [document];
        let text = replicate_rows(&documents);
        assert!(text.starts_with("task,dataset,role,direction,metric,replicates,judgements,mean,min,max,value_1,value_2\nimage,emoji,a,text-to-image,recall@1,2,own,0.375,0.25,0.5,0.25,0.5\n"), "{text}");
        assert_eq!(text.lines().count(), 1 + (2 + 1) * 5);
        assert_eq!(text.matches(",more.qrels,").count(), 5);
        let text = replicate_differences(&documents);
        let wanted =
            "image,emoji,\"b,c\",a,text-to-image,recall@1,2,0,0,own,0.375,0.25,0.5,0.25,0.5";
        assert!(text.contains(wanted), "{text}");
        assert_eq!(text.matches(",more.qrels,").count(), 1);
    }
}
