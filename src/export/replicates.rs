//! Replicates as comma-separated values: a line a name, direction and metric, each value in a cell of its
//! own.

use super::csv::{cell, lines, number};
use super::judged::{header, judged};
use crate::eval::replicates::Spread;
use crate::eval::{CompareDocument, Metric};

/// The most values that any line has.
fn widest<'a>(spreads: impl Iterator<Item = &'a Spread>) -> usize {
    spreads.map(|spread| spread.values.len()).max().unwrap_or(0)
}

fn columns(names: &[&str], values: usize) -> Vec<String> {
    let mut columns = header(names);
    columns.extend(["mean", "min", "max"].map(str::to_owned));
    columns.extend((1..=values).map(|value| format!("value_{value}")));
    columns
}

fn spread(cells: &mut Vec<String>, spread: &Spread, values: usize) {
    cells.extend([spread.mean, spread.min, spread.max].map(|value| number(Some(value))));
    cells.extend((0..values).map(|at| number(spread.values.get(at).copied())));
}

/// The replicates of comparisons, those under a second set of judgements too.
#[must_use]
pub fn replicate_rows(documents: &[(String, CompareDocument)]) -> String {
    let all = judged(documents)
        .flat_map(|judged| judged.replicates.iter().map(move |one| (judged.identity(), one)));
    let values = widest(all.clone().map(|(_, one)| &one.metrics.recall_1));
    let rows = all.flat_map(|(identity, one)| {
        Metric::ALL.map(|metric| {
            let mut cells = identity.clone();
            cells.extend([
                cell(&one.role),
                one.direction.to_string(),
                metric.to_string(),
                one.of.len().to_string(),
            ]);
            spread(&mut cells, one.metrics.get(metric), values);
            cells
        })
    });
    let names = ["role", "direction", "metric", "replicates"];
    lines(std::iter::once(columns(&names, values)).chain(rows))
}

/// The differences of replicated names.
#[must_use]
pub fn replicate_differences(documents: &[(String, CompareDocument)]) -> String {
    let all = judged(documents).flat_map(|judged| {
        judged.replicate_differences.iter().map(move |one| (judged.identity(), one))
    });
    let values = widest(all.clone().map(|(_, one)| &one.deltas));
    let rows = all.map(|(mut cells, one)| {
        cells.extend([
            cell(&one.a),
            cell(&one.b),
            one.direction.to_string(),
            one.metric.to_string(),
            one.positive.to_string(),
            one.negative.to_string(),
            one.zero.to_string(),
        ]);
        spread(&mut cells, &one.deltas, values);
        cells
    });
    let names = ["a", "b", "direction", "metric", "positive", "negative", "zero"];
    lines(std::iter::once(columns(&names, values)).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::replicates::{replicates, with_pairs};
    use crate::eval::second::{QrelsRead, SecondJudgements};
    use crate::eval::{Direction, Metrics, Protocol};
    use crate::export::charts::tests::sample;
    use crate::export::csv::compare_differences;

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
        let documents = [("image-1".to_owned(), document)];
        let text = replicate_rows(&documents);
        assert!(text.starts_with("result,task,dataset,split,split_digest,pool,captions,query_language,gallery_language,judgements,rules,role,direction,metric,replicates,mean,min,max,value_1,value_2\nimage-1,image,emoji,test,00,,any,,,own,1,a,text-to-image,recall@1,2,0.375,0.25,0.5,0.25,0.5\n"), "{text}");
        assert_eq!(text.lines().count(), 1 + (2 + 1) * 5);
        assert_eq!(text.matches(",more.qrels,").count(), 5);
        let text = replicate_differences(&documents);
        let wanted = "own,1,\"b,c\",a,text-to-image,recall@1,2,0,0,0.375,0.25,0.5,0.25,0.5";
        assert!(text.contains(wanted), "{text}");
        assert_eq!(text.matches(",more.qrels,").count(), 1);
    }
    #[test]
    fn pairs_stand_among_the_differences_in_a_family_of_their_own() {
        let row = |label, recall_1| {
            (label, Direction::TextToImage, Metrics { recall_1, ..Metrics::default() })
        };
        let rows = [row("a#1", 0.25), row("a#2", 0.5), row("b#1", 0.5), row("b#2", 1.0)];
        let mut document = sample();
        let (_, mut differences) = replicates(&rows, None);
        let of = document.differences[0].clone();
        let pair = |number: u32| crate::eval::Difference {
            a: format!("b#{number}"),
            b: format!("a#{number}"),
            of: crate::eval::difference::Retrieved {
                direction: Direction::TextToImage,
                metric: Metric::Recall1,
            },
            ..of.clone()
        };
        with_pairs(&mut differences, &[pair(1), pair(2)]);
        document.replicate_differences = differences;
        let table = document.differences.len();
        let text = compare_differences(&[("image-1".to_owned(), document)]);
        assert!(text.lines().next().unwrap().ends_with(",n,family"), "{text}");
        assert_eq!(text.lines().filter(|line| line.ends_with(",table")).count(), table);
        let pairs: Vec<&str> = text.lines().filter(|line| line.ends_with(",replicates")).collect();
        assert!(pairs.len() == 2 && pairs[1].contains(",b#2,a#2,text-to-image,recall@1,"));
    }
}
