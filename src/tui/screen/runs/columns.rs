//! The columns of the list of runs, and what they can be sorted by.

use crate::session::RunStatus;
use crate::tui::app::Shared;
use crate::tui::data::best::short;
use crate::tui::data::library::RunEntry;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::table::{self, Column};
use std::cmp::Ordering;

const STATE: usize = 0;
const RUN: usize = 1;
const RECIPE: usize = 2;
const STAGE: usize = 3;
const DONE: usize = 5;
const LOSS: usize = 6;
const BEST: usize = 7;
const LEFT: usize = 9;
const AGE: usize = 10;

/// The columns; the first is the state with its marks.
pub const COLUMNS: [Column; 15] = [
    Column { title: "state", width: 11, right: false, from: 0 },
    Column { title: "run", width: 0, right: false, from: 0 },
    Column { title: "recipe", width: 12, right: false, from: 139 },
    Column { title: "stage", width: 19, right: false, from: 113 },
    Column { title: "step", width: 15, right: true, from: 0 },
    Column { title: "done", width: 5, right: true, from: 146 },
    Column { title: "loss", width: 8, right: true, from: 50 },
    Column { title: "best", width: 12, right: true, from: 93 },
    Column { title: "at step", width: 8, right: true, from: 154 },
    Column { title: "left", width: 6, right: true, from: 57 },
    Column { title: "age", width: 5, right: true, from: 66 },
    Column { title: "tags", width: 12, right: false, from: 126 },
    Column { title: "loss over steps", width: 20, right: false, from: 178 },
    Column { title: "device", width: 6, right: false, from: 78 },
    Column { title: "seed", width: 5, right: true, from: 186 },
];

/// What the list can be sorted by: columns that order runs.
pub const ORDERS: [usize; 9] = [AGE, STATE, RUN, RECIPE, STAGE, DONE, LOSS, BEST, LEFT];

/// A rank of states: what runs comes first.
const fn rank(status: RunStatus) -> u8 {
    match status {
        RunStatus::Live => 0,
        RunStatus::Paused => 1,
        RunStatus::Queued => 2,
        RunStatus::Crashed => 3,
        RunStatus::Failed => 4,
        RunStatus::Unknown => 5,
        RunStatus::Stopped => 6,
        RunStatus::Done => 7,
    }
}

/// The role of a state.
#[must_use]
pub const fn role(status: RunStatus) -> Role {
    match status {
        RunStatus::Live => Role::Good,
        RunStatus::Paused | RunStatus::Queued => Role::Warn,
        RunStatus::Failed | RunStatus::Crashed => Role::Bad,
        RunStatus::Done => Role::Text,
        RunStatus::Stopped | RunStatus::Unknown => Role::Dim,
    }
}

/// Which of two runs comes first in the order of a column, or in that order reversed. What is not known
/// comes last either way.
pub fn compare(column: usize, reverse: bool, a: &RunEntry, b: &RunEntry) -> Ordering {
    let turned = |order: Ordering| if reverse { order.reverse() } else { order };
    let number = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => turned(a.total_cmp(&b)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    match column {
        STATE => turned(rank(a.row.state).cmp(&rank(b.row.state))),
        RUN => turned(a.id.run.cmp(&b.id.run)),
        RECIPE => turned(a.row.recipe.cmp(&b.row.recipe)),
        STAGE => turned(a.row.stage.cmp(&b.row.stage)),
        DONE => turned(b.share.total_cmp(&a.share)),
        LOSS => number(a.row.loss, b.row.loss),
        BEST => match (&a.row.best, &b.row.best) {
            (Some(a), Some(b)) => turned(a.order(b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        },
        LEFT => number(a.row.eta_s, b.row.eta_s),
        _ => turned(b.began.cmp(&a.began)),
    }
}

/// A run as a line of cells, one a column.
pub fn cells(shared: &Shared, run: &RunEntry) -> Vec<table::Cell> {
    let none = || (Role::Dim, shared.glyphs.none().to_owned());
    let status = run.row.state;
    let some = |value: Option<String>| value.map_or_else(none, |value| (Role::Text, value));
    let marked = if shared.pins.contains(&run.id) {
        shared.glyphs.pin()
    } else if shared.marks.contains(&run.id) {
        shared.glyphs.mark()
    } else {
        " "
    };
    let requested = shared.requested(&run.id);
    let state = match requested.first() {
        Some(command) => format!("{marked}{} {command}?", shared.glyphs.status(status)),
        None => format!("{marked}{} {status}", shared.glyphs.status(status)),
    };
    let steps = format!("{}/{}", format::count(run.row.step), format::count(run.row.steps));
    let stage = run.row.stage.as_ref().map(|stage| {
        if run.stage.1 > 1 {
            format!("{}/{} {stage}", run.stage.0, run.stage.1)
        } else {
            stage.to_string()
        }
    });
    let best = run.row.best.as_ref();
    let goes = status == RunStatus::Live;
    let left = run.row.eta_s.filter(|_| goes).map(format::short_duration);
    vec![
        (role(status), state),
        (Role::Text, shared.library.name(&run.id)),
        (Role::Dim, text::safe(&run.row.recipe)),
        some(stage),
        if run.row.steps == 0 { none() } else { (Role::Text, steps) },
        (Role::Dim, format!("{:.0} %", run.share * 100.0)),
        some(run.row.loss.map(format::number)),
        some(best.map(|best| short(best, shared.glyphs))),
        some(best.map(|best| format::count(best.step))),
        some(left),
        some(run.began.map(|began| format::short_duration(shared.now.seconds_since(began)))),
        (Role::Accent, text::safe(&shared.library.tags(&run.id).join(" "))),
        (Role::Curve(0), shared.glyphs.spark(&halved(&run.spark))),
        (Role::Dim, run.device.clone()),
        (Role::Dim, run.seed.to_string()),
    ]
}

/// Two neighbours as one.
pub fn halved(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let pair = |pair: &[Option<f64>]| {
        let known: Vec<f64> = pair.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    values.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::best::{BestRow, Better};
    use crate::tui::app::tests::entry;

    fn run(number: i64, loss: Option<f64>, best: Option<(&str, f64, Better)>) -> RunEntry {
        let mut run = entry(&format!("20261124-100000-night-bbbbbb/simcse-{number}"), number);
        run.row.loss = loss;
        run.row.best = best.map(|(what, value, better)| BestRow {
            what: what.to_owned(),
            value,
            better,
            step: 1,
            kept: None,
        });
        run
    }

    fn sorted(column: usize, reverse: bool, runs: &[RunEntry]) -> Vec<&str> {
        let mut sorted: Vec<&RunEntry> = runs.iter().collect();
        sorted.sort_by(|a, b| compare(column, reverse, a, b));
        sorted.into_iter().map(|run| run.id.run.as_str()).collect()
    }

    #[test]
    fn what_is_not_known_comes_last_whichever_way_a_column_is_sorted() {
        let runs = [run(1, None, None), run(2, Some(2.0), None), run(3, Some(1.0), None)];
        assert_eq!(sorted(LOSS, false, &runs), ["simcse-3", "simcse-2", "simcse-1"]);
        assert_eq!(sorted(LOSS, true, &runs), ["simcse-2", "simcse-3", "simcse-1"]);
    }

    #[test]
    fn the_best_come_first_also_where_more_is_better() {
        let recall = |value: f64| Some(("recall@1", value, Better::Higher));
        let loss = |value: f64| Some(("loss", value, Better::Lower));
        let runs = [
            run(1, None, recall(0.1)),
            run(2, None, None),
            run(3, None, recall(0.9)),
            run(4, None, loss(2.0)),
            run(5, None, loss(1.0)),
        ];
        let best = ["simcse-5", "simcse-4", "simcse-3", "simcse-1", "simcse-2"];
        assert_eq!(sorted(BEST, false, &runs), best);
        assert_eq!(sorted(BEST, true, &runs).last(), Some(&"simcse-2"));
    }
}
