//! The metric that is looked at: its column is always there, and intervals, bars and differences are of it.

use super::bars::{self, Axis, whisker};
use super::comparison::{self, BAR};
use crate::eval::{CompareRow, Metric};
use crate::tui::app::Shared;
use crate::tui::theme::Role;
use crate::tui::widget::table::{Cell, Column};

/// The column before the interval.
pub const FIRST: usize = 1;

/// The column of the interval.
const INTERVAL: usize = 2;

/// The next in turn.
#[must_use]
pub const fn next(metric: Metric) -> Metric {
    match metric {
        Metric::Recall1 => Metric::Recall5,
        Metric::Recall5 => Metric::Recall10,
        Metric::Recall10 => Metric::Mrr,
        Metric::Mrr => Metric::MedianRank,
        Metric::MedianRank => Metric::Recall1,
    }
}

/// The metric of that name.
#[must_use]
pub fn named(name: &str) -> Option<Metric> {
    Metric::ALL.into_iter().find(|metric| metric.name() == name)
}

/// The column of the metric in a row's cells.
const fn own(metric: Metric) -> usize {
    match metric {
        Metric::Recall1 => FIRST,
        Metric::Recall5 => 4,
        Metric::Recall10 => 5,
        Metric::Mrr => 6,
        Metric::MedianRank => 7,
    }
}

/// The table's columns: the metric's own stands before its interval, in recall@1's place, which stands in
/// its. Where the own would be left out, recall@5 is.
#[must_use]
pub fn columns(width: u16, metric: Metric) -> [Column; 10] {
    let mut columns = comparison::columns(width);
    let own = own(metric);
    if columns[own].from > 0 {
        columns[4].from = std::mem::take(&mut columns[own].from);
    }
    columns.swap(FIRST, own);
    if metric == Metric::MedianRank {
        // Ranks are no share of anything.
        (columns[BAR].width, columns[BAR].from) = (0, u16::MAX);
    }
    columns
}

/// The axis that a metric of these rows fits on, and what is reported beside them.
pub fn axis(rows: &[&CompareRow], metric: Metric, reported: impl Iterator<Item = f64>) -> Axis {
    Axis::of(rows.iter().map(|row| row.ci95.get(metric)[1]).chain(reported))
}

/// The title of the bars.
#[must_use]
pub fn title(axis: Axis, metric: Metric, width: usize) -> String {
    match metric {
        Metric::Mrr => axis.title_of_mean(metric.name(), width),
        _ => axis.title(metric.name(), width),
    }
}

/// An encoder's row with the interval and the bar of the metric.
pub fn cells(
    shared: &Shared,
    row: &CompareRow,
    (axis, metric): (Axis, Metric),
    bar: u16,
) -> Vec<Cell> {
    let mut cells = comparison::cells(shared, row, axis, bar);
    if metric != Metric::Recall1 {
        let (value, ends) = (*row.metrics.get(metric), *row.ci95.get(metric));
        cells[INTERVAL] = (Role::Dim, interval(metric, ends));
        cells[BAR] = (Role::Curve(0), whisker(shared, axis, value, ends, usize::from(bar)));
        (cells[FIRST].0, cells[own(metric)].0) = (Role::Text, Role::Title);
        swap(&mut cells, metric);
    }
    cells
}

/// Puts the cell of the metric in the place of recall@1's, and that in its.
pub fn swap(cells: &mut [Cell], metric: Metric) {
    cells.swap(FIRST, own(metric));
}

/// An interval in at most twelve cells.
fn interval(metric: Metric, ends: [f64; 2]) -> String {
    let said = |value: f64| match metric {
        Metric::Mrr if value >= 0.9995 => format!("{value:.2}"),
        Metric::Mrr => format!("{value:.3}").trim_start_matches('0').to_owned(),
        _ if value >= 99.95 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    };
    if matches!(metric, Metric::Mrr | Metric::MedianRank) {
        let [low, high] = ends.map(said);
        return format!("{low} to {high}");
    }
    bars::ends(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widget::table;

    #[test]
    fn the_metrics_own_column_is_seen_beside_its_interval_in_every_width() {
        let own = |metric| match metric {
            Metric::Recall1 => "R@1 %",
            Metric::Recall5 => "R@5 %",
            Metric::Recall10 => "R@10 %",
            Metric::Mrr => "MRR",
            Metric::MedianRank => "median",
        };
        for metric in Metric::ALL {
            for width in 58..200 {
                let columns = columns(width, metric);
                let fit = table::fit(&columns, width);
                let shown: Vec<&str> = fit.iter().map(|(at, ..)| columns[*at].title).collect();
                assert!(shown.contains(&own(metric)), "{metric} {width}");
                assert!(fit.iter().all(|(_, x, wide)| x + wide <= width), "{metric} {width}");
                assert!(fit[0].2 >= 16, "{metric} {width}: {}", fit[0].2);
            }
        }
    }

    #[test]
    fn a_metric_stands_before_its_own_interval() {
        let titles = |metric| columns(120, metric).map(|column| column.title);
        assert_eq!(titles(Metric::Recall1)[1..3], ["R@1 %", "95 %"]);
        assert_eq!(titles(Metric::Recall5)[1..5], ["R@5 %", "95 %", "", "R@1 %"]);
        assert_eq!(
            titles(Metric::MedianRank)[1..8],
            ["median", "95 %", "", "R@5 %", "R@10 %", "MRR", "R@1 %"]
        );
        let shared = crate::tui::app::tests::app().shared;
        let ends = serde_json::json!([0.1, 0.9]);
        let row = serde_json::from_value(serde_json::json!({"role": "clip", "encoder": {},
            "direction": "text-to-text", "metrics": {"recall@1": 0.097, "recall@5": 0.2,
                "recall@10": 0.3, "mrr": 0.25, "median_rank": 5.0},
            "ci95": {"recall@1": ends, "recall@5": [0.182, 0.263], "recall@10": ends, "mrr": ends,
                "median_rank": ends}, "tied_share": 0.0, "mean_cosine": null, "items": 9,
            "queries": 9, "ms_per_item": null, "ms_per_query": null, "index_ms": null,
            "bytes_per_item": null, "truncated": 0}))
        .unwrap();
        let axis = Axis::of([0.3].into_iter());
        let cells = cells(&shared, &row, (axis, Metric::Recall5), 8);
        assert_eq!(cells[1], (Role::Title, "20.0".to_owned()));
        assert_eq!(cells[2].1, "18.2 to 26.3");
        assert_eq!(cells[4], (Role::Text, "9.7".to_owned()));
    }

    #[test]
    fn intervals_fit_their_column() {
        assert_eq!(interval(Metric::Mrr, [0.113, 0.1204]), ".113 to .120");
        assert_eq!(interval(Metric::Mrr, [0.9, 1.0]), ".900 to 1.00");
        assert_eq!(interval(Metric::MedianRank, [35.0, 112.5]), "35.0 to 112");
        assert_eq!(interval(Metric::Recall5, [0.2, 1.0]), "20.0 to 100");
        assert_eq!(interval(Metric::Mrr, [0.0, 0.0004]), ".000 to .000");
    }

    #[test]
    fn metrics_come_in_turn_and_by_name() {
        let mut metric = Metric::Recall1;
        for expected in Metric::ALL {
            assert_eq!(metric, expected);
            assert_eq!(named(metric.name()), Some(metric));
            metric = next(metric);
        }
        assert_eq!((metric, named("accuracy")), (Metric::Recall1, None));
    }
}
