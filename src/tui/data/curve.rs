//! From a run's fold to curves: which points, and where they lie on the axis below.

use crate::session::fold::{RunState, Series, Track};

/// What the axis below counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XKind {
    /// Updates, of all stages one after the other.
    #[default]
    Step,
    /// Examples seen.
    Samples,
    /// Seconds since the run began.
    Elapsed,
    /// The clock, in UTC.
    Clock,
}

impl XKind {
    /// The next in turn.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Step => Self::Samples,
            Self::Samples => Self::Elapsed,
            Self::Elapsed => Self::Clock,
            Self::Clock => Self::Step,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Samples => "samples",
            Self::Elapsed => "elapsed",
            Self::Clock => "clock",
        }
    }
}

/// Neighbouring values, drawn as one: nothing of their range is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where on the axis below; the last of its steps.
    pub x: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// First value.
    pub first: f64,
    /// Last value.
    pub last: f64,
    /// Mean of the values.
    pub mean: f64,
    /// Number of values.
    pub count: u64,
    /// Whether something that is not a number lies between this and the point before.
    pub after_gap: bool,
}

/// One piece of a curve: of one stage and one segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// In order of x.
    pub points: Vec<Point>,
    /// Whether a later segment did these steps again.
    pub superseded: bool,
    /// From where to where its stage lies on the axis below, as far as it has come.
    pub within: (f64, f64),
}

/// Where steps lie on the axis below.
#[derive(Clone, Debug)]
pub struct Ruler<'a> {
    state: &'a RunState,
    kind: XKind,
    only: Option<usize>,
    /// By stage: what to add to a step, and what to multiply it by.
    scale: Vec<(f64, f64)>,
    began: f64,
}

impl<'a> Ruler<'a> {
    /// A ruler for a run; `only` looks at one stage alone.
    #[must_use]
    pub fn new(state: &'a RunState, kind: XKind, only: Option<usize>) -> Self {
        let mut scale = Vec::new();
        let mut before = 0.0;
        for (at, stage) in state.stages.iter().enumerate() {
            let factor =
                if kind == XKind::Samples { batch(state, at).unwrap_or(1) as f64 } else { 1.0 };
            scale.push((if only.is_some() { 0.0 } else { before }, factor));
            before += stage.steps as f64 * factor;
        }
        let began = state.segments.first().map_or(0.0, |first| first.time.millis() as f64 / 1000.0);
        Self { state, kind, only, scale, began }
    }

    /// The stages it shows.
    pub fn stages(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.state.stages.len()).filter(|at| self.only.is_none_or(|only| only == *at))
    }

    /// Where a step of a stage lies; nothing where that is not known.
    #[must_use]
    pub fn place(&self, stage: usize, segment: Option<u32>, step: u64) -> Option<f64> {
        match self.kind {
            XKind::Step | XKind::Samples => {
                let (offset, factor) = *self.scale.get(stage)?;
                Some(offset + step as f64 * factor)
            }
            XKind::Elapsed => self.elapsed(stage, segment, step),
            XKind::Clock => Some(self.began + self.elapsed(stage, segment, step)?),
        }
    }

    fn elapsed(&self, stage: usize, segment: Option<u32>, step: u64) -> Option<f64> {
        let tracks = self.state.stages.get(stage)?.tracks("elapsed");
        let mut fitting =
            tracks.iter().rev().filter(|track| segment.is_none_or(|s| s == track.segment));
        let track = fitting.find(|track| {
            track.series.buckets().first().is_some_and(|b| b.first_step <= step.max(1))
        })?;
        let buckets = track.series.buckets();
        let at = buckets.partition_point(|bucket| bucket.last_step < step).min(buckets.len() - 1);
        let bucket = &buckets[at];
        let span = (bucket.last_step - bucket.first_step) as f64;
        let share = if span > 0.0 {
            (step.saturating_sub(bucket.first_step) as f64 / span).min(1.0)
        } else {
            1.0
        };
        Some(bucket.first + share * (bucket.last - bucket.first))
    }

    /// The pieces of a measure, in order of stage and segment. Gaps are told in order.
    #[must_use]
    pub fn pieces(&self, measure: &str, gaps: &dyn Fn(usize) -> Vec<u64>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for stage in self.stages() {
            let gaps = gaps(stage);
            for track in self.state.stages[stage].tracks(measure) {
                pieces.extend(self.split(stage, track, &gaps));
            }
        }
        pieces
    }

    /// From where to where a stage lies, as far as it has come, with points of it.
    fn extent(&self, stage: usize, points: &[Point]) -> (f64, f64) {
        let made = self.state.stages.get(stage).map_or(0, |stage| stage.step);
        let first = self.place(stage, None, 0).or_else(|| self.place(stage, None, 1));
        let known = first.into_iter().chain(self.place(stage, None, made));
        let own = points.first().into_iter().chain(points.last()).map(|point| point.x);
        known
            .chain(own)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), x| (from.min(x), to.max(x)))
    }

    /// The newest step made at or before a place, with its stage; nothing before the first one.
    #[must_use]
    pub fn step_at(&self, place: f64) -> Option<(usize, u64)> {
        let mut found = None;
        for stage in self.stages() {
            let before = |step: u64| self.place(stage, None, step).is_none_or(|at| at <= place);
            let (mut low, mut high) = (0, self.state.stages.get(stage)?.step);
            while low < high {
                let middle = high - (high - low) / 2;
                if before(middle) { low = middle } else { high = middle - 1 }
            }
            let known = low > 0 && self.place(stage, None, low).is_some_and(|at| at <= place);
            found = known.then_some((stage, low)).or(found);
        }
        found
    }

    /// A track as it counts, and what was done again apart from it.
    fn split(&self, stage: usize, track: &Track, gaps: &[u64]) -> Vec<Piece> {
        let end = track.superseded_after.unwrap_or(u64::MAX);
        let piece = |superseded| Piece { points: Vec::new(), superseded, within: (0.0, 0.0) };
        let (mut counts, mut again) = (piece(false), piece(true));
        // Of both ends of a point's steps, how many gaps lie before: thousands of gaps cost no more.
        let gone = |step: u64| gaps.partition_point(|gap| *gap <= step);
        let mut before = 0;
        for (step, mut point) in points(&track.series) {
            let Some(x) = self.place(stage, Some(track.segment), step) else { continue };
            point.x = x;
            point.after_gap = gone(before) < gone(step);
            before = step;
            let piece = if step <= end { &mut counts } else { &mut again };
            piece.points.push(point);
        }
        // The piece done again hangs on the last point that counts.
        if let (Some(last), false) = (counts.points.last(), again.points.is_empty()) {
            let last = *last;
            again.points.insert(0, last);
        }
        let within = self.extent(stage, &counts.points);
        (counts.within, again.within) = (within, within);
        [counts, again].into_iter().filter(|piece| !piece.points.is_empty()).collect()
    }
}

/// Examples an update of a stage takes, from the recorded recipe.
#[must_use]
pub fn batch(state: &RunState, stage: usize) -> Option<u64> {
    state.started.as_ref()?.recipe.get("stages")?.get(stage)?.get("batch")?.as_u64()
}

/// Buckets where only they are known, single points at the end.
fn points(series: &Series) -> Vec<(u64, Point)> {
    let exact: Vec<(u64, f64)> = series.tail().collect();
    let all = exact.len() as u64 == series.count();
    let known = exact.iter().map(|point| point.0).min().unwrap_or(u64::MAX);
    let old = series.buckets().iter().filter(|bucket| !all && bucket.last_step < known).map(|b| {
        let (min, max, first, last, mean, count) =
            (b.min, b.max, b.first, b.last, b.mean(), b.count);
        (b.last_step, Point { x: 0.0, min, max, first, last, mean, count, after_gap: false })
    });
    let new = exact.iter().map(|&(step, v)| {
        (
            step,
            Point {
                x: 0.0,
                min: v,
                max: v,
                first: v,
                last: v,
                mean: v,
                count: 1,
                after_gap: false,
            },
        )
    });
    old.chain(new).collect()
}

/// The debiased moving average of a piece's points: the share `weight` of the past for each value.
#[must_use]
pub fn smooth(points: &[Point], weight: f64) -> Vec<f64> {
    let (mut sum, mut share) = (0.0, 0.0);
    points
        .iter()
        .map(|point| {
            let kept = weight.powi(point.count.min(1_000_000) as i32);
            sum = kept * sum + (1.0 - kept) * point.mean;
            share = kept * share + (1.0 - kept);
            if share > 0.0 { sum / share } else { point.mean }
        })
        .collect()
}

/// A thin line of a stage's loss: `cells` values from its beginning to its planned end.
#[must_use]
pub fn spark(state: &RunState, cells: usize) -> Vec<Option<f64>> {
    let ruler = Ruler::new(state, XKind::Step, state.current);
    let end = state.stage_now().map_or(0, |stage| stage.steps.max(stage.step)) as f64;
    let mut sums = vec![(0.0, 0_u64); cells];
    for piece in ruler.pieces("loss", &|_| Vec::new()).iter().filter(|piece| !piece.superseded) {
        for point in &piece.points {
            let at = ((point.x - 1.0).max(0.0) / end.max(1.0) * cells as f64) as usize;
            let cell = &mut sums[at.min(cells - 1)];
            cell.0 += point.mean * point.count as f64;
            cell.1 += point.count;
        }
    }
    sums.iter().map(|(sum, count)| (*count > 0).then(|| sum / *count as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::RunStarted;
    use crate::session::{Record, Time};

    fn flat(count: u64, mean: f64) -> Point {
        Point {
            x: 0.0,
            min: mean,
            max: mean,
            first: mean,
            last: mean,
            mean,
            count,
            after_gap: false,
        }
    }

    #[test]
    fn a_point_says_whether_a_gap_lies_between_it_and_the_one_before() {
        let started = serde_json::json!({
            "run": "clip-1", "segment": 1, "recipe": {}, "program_version": "0", "host": "here",
            "stages": [{"stage": "clip", "objective": "clip", "steps": 9}], "pid": 1,
            "device": "cpu", "threads": 1, "seed": 0,
        });
        let started: RunStarted = serde_json::from_value(started).unwrap();
        let mut state = RunState::default();
        state.apply(Record::new(1, Time::from_millis(0).unwrap(), started));
        let mut series = Series::default();
        for step in [1, 2, 5, 9] {
            series.push(step, 1.0);
        }
        let track = Track { segment: 1, superseded_after: None, series };
        let after = |gaps: &[u64]| -> Vec<bool> {
            let pieces = Ruler::new(&state, XKind::Step, None).split(0, &track, gaps);
            pieces[0].points.iter().map(|point| point.after_gap).collect()
        };
        assert_eq!(after(&[]), [false; 4]);
        assert_eq!(after(&[3, 4, 9]), [false, false, true, true]);
        assert_eq!(after(&[1, 6]), [true, false, false, true]);
    }

    #[test]
    fn smoothing_begins_at_the_first_value_and_weighs_buckets_by_their_size() {
        let constant = smooth(&[flat(1, 3.0), flat(4, 3.0), flat(1000, 3.0)], 0.9);
        assert!(constant.iter().all(|value| (value - 3.0).abs() < 1e-12));
        let one_by_one = smooth(&[flat(1, 1.0), flat(1, 2.0), flat(1, 2.0)], 0.5)[2];
        let together = smooth(&[flat(1, 1.0), flat(2, 2.0)], 0.5)[1];
        assert!((one_by_one - together).abs() < 1e-12);
        assert_eq!(smooth(&[flat(1, 5.0)], 0.0), [5.0]);
    }
}
