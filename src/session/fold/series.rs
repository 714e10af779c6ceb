//! A curve of any length in bounded memory: coarse everywhere, exact at its end.
//!
//! A bucket keeps the first, last, smallest and largest value of its steps, so a spike survives
//! any thinning. When there are too many buckets, the stride doubles and neighbours merge. What
//! a series holds depends on its points alone, never on how many came at a time.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Buckets kept of one series.
pub const BUCKETS: usize = 1024;

/// Points kept exactly at the end of one series.
pub const TAIL: usize = 512;

/// The points of `stride` neighbouring steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// First step with a value.
    pub first_step: u64,
    /// Last step with a value.
    pub last_step: u64,
    /// Value at the first step.
    pub first: f64,
    /// Value at the last step.
    pub last: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Sum of the values.
    pub sum: f64,
    /// Number of values.
    pub count: u64,
}

impl Bucket {
    fn of(step: u64, value: f64) -> Self {
        Self {
            first_step: step,
            last_step: step,
            first: value,
            last: value,
            min: value,
            max: value,
            sum: value,
            count: 1,
        }
    }

    /// Mean of the values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    fn absorb(&mut self, later: &Self) {
        if later.first_step < self.first_step {
            (self.first_step, self.first) = (later.first_step, later.first);
        }
        if later.last_step >= self.last_step {
            (self.last_step, self.last) = (later.last_step, later.last);
        }
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.count += later.count;
    }
}

/// A value by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Steps in a bucket: a power of two. A bucket covers steps `k * stride + 1` to
    /// `(k + 1) * stride`; step 0 has one of its own.
    stride: u64,
    buckets: Vec<Bucket>,
    /// The last [`TAIL`] points.
    tail: VecDeque<(u64, f64)>,
    count: u64,
}

/// Which bucket a step falls in: the step divided by the stride, a power of two, rounded up.
fn place(step: u64, stride: u64) -> u64 {
    let whole = step >> stride.trailing_zeros();
    whole + u64::from(step & (stride - 1) != 0)
}

fn place_of(bucket: &Bucket, stride: u64) -> u64 {
    place(bucket.last_step, stride)
}

impl Default for Series {
    fn default() -> Self {
        Self { stride: 1, buckets: Vec::new(), tail: VecDeque::new(), count: 0 }
    }
}

impl Series {
    /// Adds a point.
    pub fn push(&mut self, step: u64, value: f64) {
        self.count += 1;
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back((step, value));
        let new = Bucket::of(step, value);
        let place = place(step, self.stride);
        let at = match self.buckets.last() {
            Some(last) if place_of(last, self.stride) >= place => {
                self.buckets.partition_point(|bucket| place_of(bucket, self.stride) < place)
            }
            _ => self.buckets.len(),
        };
        match self.buckets.get_mut(at) {
            Some(bucket) if place_of(bucket, self.stride) == place => bucket.absorb(&new),
            _ => self.buckets.insert(at, new),
        }
        while self.buckets.len() > BUCKETS {
            self.stride *= 2;
            let stride = self.stride;
            let mut merged: Vec<Bucket> = Vec::with_capacity(BUCKETS);
            for bucket in self.buckets.drain(..) {
                match merged.last_mut() {
                    Some(last) if place_of(last, stride) == place_of(&bucket, stride) => {
                        last.absorb(&bucket);
                    }
                    _ => merged.push(bucket),
                }
            }
            self.buckets = merged;
        }
    }

    /// All of it, coarse: at most [`BUCKETS`], in step order.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// The last [`TAIL`] points, exactly, in the order they came.
    pub fn tail(&self) -> impl ExactSizeIterator<Item = (u64, f64)> {
        self.tail.iter().copied()
    }

    /// Steps in a bucket.
    #[must_use]
    pub fn stride(&self) -> u64 {
        self.stride
    }

    /// Points ever added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last point.
    #[must_use]
    pub fn last(&self) -> Option<(u64, f64)> {
        self.tail.back().copied()
    }

    /// The last point at or before a step: exact within the tail, else a bucket's last.
    #[must_use]
    pub fn at_or_before(&self, step: u64) -> Option<(u64, f64)> {
        let exact = self.tail.iter().rev().find(|point| point.0 <= step);
        exact.copied().or_else(|| {
            let bucket = self.buckets.iter().rev().find(|bucket| bucket.last_step <= step)?;
            Some((bucket.last_step, bucket.last))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_spike_survives_any_thinning() {
        let mut series = Series::default();
        for step in 1..=1_000_000 {
            series.push(step, if step == 777_777 { 99.0 } else { 1.0 });
        }
        assert!(series.buckets().len() <= BUCKETS);
        let spike = series.buckets().iter().find(|bucket| bucket.max == 99.0).unwrap();
        assert!(spike.first_step <= 777_777 && spike.last_step >= 777_777);
        assert_eq!(series.stride(), 1024);
        assert_eq!(series.tail().next(), Some((1_000_000 - TAIL as u64 + 1, 1.0)));
    }

    proptest! {
        #[test]
        fn buckets_are_what_grouping_all_points_gives(
            gaps in prop::collection::vec(1u64..40, 0..5000),
        ) {
            let mut series = Series::default();
            let mut step = 0;
            let mut points = Vec::new();
            for (i, gap) in gaps.iter().enumerate() {
                step += gap;
                let value = ((i * 7919) % 1000) as f64;
                points.push((step, value));
                series.push(step, value);
            }
            let mut expected: Vec<Vec<(u64, f64)>> = Vec::new();
            for point in points {
                let place = point.0.div_ceil(series.stride());
                match expected.last_mut() {
                    Some(group) if group[0].0.div_ceil(series.stride()) == place => {
                        group.push(point);
                    }
                    _ => expected.push(vec![point]),
                }
            }
            prop_assert!(series.buckets().len() <= BUCKETS);
            prop_assert_eq!(series.buckets().len(), expected.len());
            for (bucket, group) in series.buckets().iter().zip(expected) {
                let values = || group.iter().map(|point| point.1);
                prop_assert_eq!(bucket.first_step, group[0].0);
                prop_assert_eq!(bucket.last_step, group[group.len() - 1].0);
                prop_assert_eq!(bucket.first, group[0].1);
                prop_assert_eq!(bucket.last, group[group.len() - 1].1);
                prop_assert_eq!(bucket.min, values().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(bucket.max, values().fold(f64::NEG_INFINITY, f64::max));
                prop_assert_eq!(bucket.sum, values().sum::<f64>());
                prop_assert_eq!(bucket.count, group.len() as u64);
            }
        }
    }
}
