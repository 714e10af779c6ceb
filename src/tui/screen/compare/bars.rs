//! Bars of shares with their intervals, on an axis that ends a little above the largest of them.

use crate::tui::app::Shared;

/// Cells of a bar in a table of this width; none where there is no room.
#[must_use]
pub const fn cells(width: u16) -> u16 {
    match width {
        0..=75 => 0,
        76..=103 => 8,
        104..=115 => 16,
        _ => 26,
    }
}

/// Percents an axis may end at.
const ENDS: [u8; 13] = [1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100];

/// An axis of shares: from nothing to a round number of percents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis(u8);

impl Axis {
    /// The shortest that holds all upper bounds.
    pub fn of(highs: impl Iterator<Item = f64>) -> Self {
        let highest = highs.fold(0.0, f64::max) * 100.0;
        let holds = |end: &u8| f64::from(*end) >= highest - 1e-9;
        Self(ENDS.into_iter().find(holds).unwrap_or(100))
    }

    /// What it spans, as a column's title: `recall@1, 0 to 20 %`, less where there is less room.
    #[must_use]
    pub fn title(self, what: &str, width: usize) -> String {
        let long = format!("{what}, 0 to {} %", self.0);
        let short = format!("0 to {} %", self.0);
        [long, short]
            .into_iter()
            .find(|title| title.len() <= width)
            .unwrap_or_else(|| format!("0-{} %", self.0))
    }

    /// The same for a mean, which nobody reads in percent.
    #[must_use]
    pub fn title_of_mean(self, what: &str, width: usize) -> String {
        let end = f64::from(self.0) / 100.0;
        let long = format!("{what}, 0 to {end}");
        if long.len() <= width { long } else { format!("0-{end}") }
    }

    fn cell(self, share: f64, width: usize) -> usize {
        let along = share * 100.0 / f64::from(self.0);
        (along.clamp(0.0, 1.0) * width.saturating_sub(1) as f64).round() as usize
    }
}

/// An interval of shares in percent, in at most twelve cells.
#[must_use]
pub fn ends(ends: [f64; 2]) -> String {
    let [low, high] = ends.map(|share| {
        let percent = format!("{:.1}", share * 100.0);
        if percent == "100.0" { "100".to_owned() } else { percent }
    });
    format!("{low} to {high}")
}

/// A bar up to a share, its interval as a thin line at its end.
#[must_use]
pub fn whisker(
    shared: &Shared,
    axis: Axis,
    share: f64,
    [low, high]: [f64; 2],
    width: usize,
) -> String {
    let cell = |value: f64| axis.cell(value, width);
    let (bar, mid, line, end) =
        if shared.glyphs.ascii { ("#", "=", "-", "|") } else { ("█", "▓", "─", "┤") };
    (0..width)
        .map(|at| match at {
            at if at == cell(high) && high > low => end,
            at if at > cell(share) && at < cell(high) => line,
            at if at < cell(low) => bar,
            at if at <= cell(share) => mid,
            _ => " ",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;

    #[test]
    fn small_shares_are_told_apart_on_an_axis_that_says_where_it_ends() {
        let shared = app().shared;
        let rows = [(0.021, [0.012, 0.029]), (0.041, [0.028, 0.052])];
        let axis = Axis::of(rows.iter().map(|(_, ends)| ends[1]));
        assert_eq!(axis.title("recall@1", 26), "recall@1, 0 to 10 %");
        assert_eq!(axis.title("recall@1", 16), "0 to 10 %");
        assert_eq!(axis.title("recall@1", 8), "0-10 %");
        assert_eq!(axis.title_of_mean("mrr", 26), "mrr, 0 to 0.1");
        assert_eq!(axis.title_of_mean("mrr", 8), "0-0.1");
        let drawn = rows.map(|(share, ends)| whisker(&shared, axis, share, ends, 16));
        assert_eq!(drawn, ["██▓▓┤           ", "████▓▓▓─┤       "]);
        assert_eq!(Axis::of([0.9].into_iter()).title("x", 26), "x, 0 to 100 %");
        assert_eq!(Axis::of(std::iter::empty()), Axis(1));
    }
}
