//! A best validation in words: of what, which way is better, when, and which checkpoint is kept.

use crate::session::best::{BestRow, Better};
use crate::tui::format::{count, number, percent};
use crate::tui::glyphs::Glyphs;

/// Of what, which way is better, and how good: `R@1 ↑62.5 %`.
#[must_use]
pub fn short(best: &BestRow, glyphs: Glyphs) -> String {
    let (name, share) = match best.what.as_str() {
        "accuracy" => ("acc".to_owned(), true),
        "mrr" => ("MRR".to_owned(), false),
        what => match what.strip_prefix("recall@") {
            Some(k) => (format!("R@{k}"), true),
            None => (what.to_owned(), false),
        },
    };
    let value = if share { percent(best.value) } else { number(best.value) };
    format!("{name} {}{value}", glyphs.better(best.better == Better::Lower))
}

/// The same, and at which step it was.
#[must_use]
pub fn at(best: &BestRow, glyphs: Glyphs) -> String {
    format!("{} @{}", short(best, glyphs), count(best.step))
}

/// Which checkpoint is kept, where it is not that of the best validation.
#[must_use]
pub fn kept(best: &BestRow) -> Option<String> {
    match best.kept {
        Some(step) if step == best.step => None,
        Some(step) => Some(format!("kept is step {}", count(step))),
        None => Some("no checkpoint is kept".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_best_says_of_what_which_way_is_better_when_and_what_is_kept() {
        let glyphs = Glyphs { ascii: false };
        let row = |what: &str, value: f64, better: Better| BestRow {
            what: what.to_owned(),
            value,
            better,
            step: 1200,
            kept: Some(1200),
        };
        let recall = row("recall@1", 0.625, Better::Higher);
        assert_eq!(at(&recall, glyphs), "R@1 ↑62.5 % @1,200");
        assert_eq!(kept(&recall), None);
        let loss = row("loss", 1.25, Better::Lower);
        assert_eq!(short(&loss, glyphs), "loss ↓1.250");
        assert_eq!(short(&loss, Glyphs { ascii: true }), "loss v1.250");
        assert_eq!(short(&row("mrr", 0.5, Better::Higher), glyphs), "MRR ↑0.5000");
        assert_eq!(short(&row("accuracy", 0.5, Better::Higher), glyphs), "acc ↑50.0 %");
        let other = BestRow { kept: Some(1400), ..loss.clone() };
        assert_eq!(kept(&other).unwrap(), "kept is step 1,400");
        assert_eq!(kept(&BestRow { kept: None, ..loss }).unwrap(), "no checkpoint is kept");
    }
}
