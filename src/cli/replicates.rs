//! Replicates of a comparison for people: every value, then what they have in common.

use super::text::{difference, safe};
use crate::eval::replicates::{ReplicateDifference, Replicates, Spread};
use crate::eval::{Direction, Metric};
use std::fmt::Write as _;

/// Metrics that a person is shown; `--json` has all.
const SHOWN: [Metric; 3] = [Metric::Recall1, Metric::Recall10, Metric::Mrr];

/// Replicates and their differences, direction by direction; nothing where there are none.
pub fn write(text: &mut String, all: &[Replicates], differences: &[ReplicateDifference]) {
    for direction in Direction::ALL {
        let here = all.iter().filter(|one| one.direction == direction);
        for (at, one) in here.enumerate() {
            if at == 0 {
                let _ = writeln!(text, "\nreplicates  {direction}");
            }
            let _ = writeln!(text, "{}: {}", safe(&one.role), safe(&one.of.join(", ")));
            for metric in SHOWN {
                let said = said(metric, one.metrics.get(metric), false);
                let _ = writeln!(text, "  {:<9}  {said}", name(metric));
            }
        }
        let mut pair = None;
        let here = differences.iter();
        for one in here.filter(|one| one.direction == direction && SHOWN.contains(&one.metric)) {
            if pair != Some((&one.a, &one.b)) {
                pair = Some((&one.a, &one.b));
                let numbers: Vec<String> =
                    one.numbers.iter().map(|number| format!("#{number}")).collect();
                let (a, b) = (safe(&one.a), safe(&one.b));
                let _ = writeln!(text, "{a} less {b}, pair by pair: {}", numbers.join(", "));
            }
            let _ = writeln!(
                text,
                "  {:<9}  {}  more in {}, less in {}, the same in {}",
                name(one.metric),
                said(one.metric, &one.deltas, true),
                one.positive,
                one.negative,
                one.zero
            );
            if one.metric == Metric::Recall1 {
                pairs(text, one);
            }
        }
    }
    if let Some(one) = differences.iter().find(|one| !one.family.is_empty()) {
        let _ = writeln!(text, "after Holm over {}", safe(&one.family));
    }
}

/// Pair by pair the interval and the test over queries.
fn pairs(text: &mut String, one: &ReplicateDifference) {
    for pair in &one.pairs {
        text.push_str("    ");
        text.push_str(&difference(pair, ":"));
    }
}

fn name(metric: Metric) -> String {
    if metric == Metric::Mrr { "MRR".to_owned() } else { format!("{metric} %") }
}

/// Each value, their mean and their ends.
fn said(metric: Metric, spread: &Spread, signed: bool) -> String {
    let one = |value: f64| match (metric == Metric::Mrr, signed) {
        (true, true) => format!("{value:+.3}"),
        (true, false) => format!("{value:.3}"),
        (false, true) => format!("{:+.1}", value * 100.0),
        (false, false) => format!("{:.1}", value * 100.0),
    };
    let values: Vec<String> = spread.values.iter().copied().map(one).collect();
    format!(
        "{}   mean {}, from {} to {}",
        values.join("  "),
        one(spread.mean),
        one(spread.min),
        one(spread.max)
    )
}
