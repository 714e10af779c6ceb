//! Values over steps, as charts and CSV take them.

use crate::session::fold::{Series, StageState, Track};

/// A value over steps. Numbers that are not finite are gaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedSeries {
    /// The run, such as `demo-1`.
    pub run: String,
    /// The stage within it.
    pub stage: String,
    /// What is measured, such as `loss`.
    pub name: String,
    /// (step, value) in step order.
    pub points: Vec<(u64, f64)>,
}

impl NamedSeries {
    /// Every series of a stage, by name. Of a run that was resumed, each segment counts up to
    /// where the next took over.
    #[must_use]
    pub fn of_stage(run: &str, stage: &StageState) -> Vec<Self> {
        let series = stage.tracks.iter().map(|(name, tracks)| Self {
            run: run.to_owned(),
            stage: stage.stage.to_string(),
            name: name.clone(),
            points: points_of_tracks(tracks),
        });
        series.collect()
    }
}

fn points_of_tracks(tracks: &[Track]) -> Vec<(u64, f64)> {
    let mut points: Vec<(u64, f64)> = Vec::new();
    for track in tracks {
        let end = track.superseded_after.unwrap_or(u64::MAX);
        points.extend(points_of(&track.series).into_iter().filter(|point| point.0 <= end));
    }
    // A stable sort: of two values at one step, the later segment's comes last and is kept.
    points.sort_by_key(|point| point.0);
    points.reverse();
    points.dedup_by_key(|point| point.0);
    points.reverse();
    points
}

/// The exact points where they are still known, before them the means of buckets at their ends.
#[must_use]
pub fn points_of(series: &Series) -> Vec<(u64, f64)> {
    let exact: Vec<(u64, f64)> = series.tail().collect();
    let known = exact.iter().map(|point| point.0).min().unwrap_or(u64::MAX);
    let all = exact.len() as u64 == series.count();
    let before = series.buckets().iter().filter(|bucket| !all && bucket.last_step < known);
    before.map(|bucket| (bucket.last_step, bucket.mean())).chain(exact).collect()
}

/// Exponential moving average, debiased as Adam's moments are (Kingma and Ba 2015): the first
/// value is itself, not a step away from zero. `weight` (0 to 1) is the share of the past. A value
/// that is not finite stays a gap and moves nothing.
#[must_use]
pub fn smooth(values: &[f64], weight: f64) -> Vec<f64> {
    let (mut sum, mut share) = (0.0, 0.0);
    let smoothed = values.iter().map(|&value| {
        if !value.is_finite() {
            return f64::NAN;
        }
        sum = weight * sum + (1.0 - weight) * value;
        share = weight * share + (1.0 - weight);
        sum / share
    });
    smoothed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_itself_from_its_first_value() {
        for value in smooth(&[3.0; 9], 0.9) {
            assert!((value - 3.0).abs() < 1e-12);
        }
        let smoothed = smooth(&[1.0, f64::NAN, 3.0], 0.5);
        assert!(smoothed[0] == 1.0 && smoothed[1].is_nan());
        // (0.5 * 0.5 * 1 + 0.5 * 3) / (0.25 + 0.5)
        assert!((smoothed[2] - 1.75 / 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_short_series_keeps_its_points_and_a_long_one_its_shape() {
        let mut series = Series::default();
        (1..=100).for_each(|step| series.push(step, step as f64));
        assert_eq!(points_of(&series), (1..=100).map(|s| (s, s as f64)).collect::<Vec<_>>());
        (101..=20_000).for_each(|step| series.push(step, step as f64));
        let points = points_of(&series);
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(points.last(), Some(&(20_000, 20_000.0)));
        assert!(points.iter().all(|&(step, value)| (value - step as f64).abs() <= 32.0));
    }
}
