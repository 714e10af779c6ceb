//! Percentile bootstrap over units.
//!
//! The gallery stays as it is; what is drawn again, with replacement, are the units that repeat
//! (images, concepts), each with all its queries. A unit's weight in a resample is how often it
//! was drawn, so a resample costs one pass over the queries in rank order, and gives every metric
//! at once: recall and the median are cumulative weights, MRR a sum over the ranks there are.

use super::{Error, Intervals, Metric, Metrics, PerMetric};
use crate::rng::Key;
use rayon::prelude::*;

/// Resamples of an interval.
pub const RESAMPLES: usize = 10_000;

/// Resamples that one task does with one set of buffers.
const CHUNK: usize = 64;

/// The metrics of every resample, in the order of drawing. Those of two rows that were drawn
/// together can be subtracted one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampled(Vec<Metrics>);

impl Resampled {
    /// 95 % intervals of every metric.
    #[must_use]
    pub fn intervals(&self) -> Intervals {
        PerMetric::from_fn(|metric| percentiles(self.0.iter().map(|m| *m.get(metric)).collect()))
    }

    /// 95 % interval of `self` less `other` in one metric; both from one [`resample`].
    #[must_use]
    pub fn interval_of_difference(&self, other: &Self, metric: Metric) -> [f64; 2] {
        let pairs = self.0.iter().zip(&other.0);
        percentiles(pairs.map(|(a, b)| a.get(metric) - b.get(metric)).collect())
    }
}

/// The 2.5th and the 97.5th percentile, linear between neighbours (Hyndman and Fan's type 7).
fn percentiles(mut values: Vec<f64>) -> [f64; 2] {
    if values.is_empty() {
        return [0.0; 2];
    }
    values.sort_unstable_by(f64::total_cmp);
    [0.025, 0.975].map(|share| {
        let place = share * (values.len() - 1) as f64;
        let (below, rest) = (place.floor() as usize, place.fract());
        let above = (below + 1).min(values.len() - 1);
        values[below] + rest * (values[above] - values[below])
    })
}

/// Draws `resamples` resamples of the units and computes the metrics of every row on each, the
/// same draws for all rows. `rows`: the ranks of one encoder each, one a query; `units`: the unit
/// of each query, any numbers.
pub fn resample(
    rows: &[&[u32]],
    units: &[u32],
    resamples: usize,
    key: Key,
) -> Result<Vec<Resampled>, Error> {
    if units.is_empty() {
        return Err(Error::TooFew { what: "queries", least: 1, found: 0 });
    }
    if let Some(row) = rows.iter().find(|row| row.len() != units.len()) {
        return Err(Error::Shape { what: "ranks", expected: units.len(), found: row.len() });
    }
    let (units, count) = number_units(units);
    let sorted: Vec<Sorted> = rows.iter().map(|row| Sorted::new(row, &units)).collect();
    let chunks: Vec<Vec<Vec<Metrics>>> = (0..resamples.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut weights = vec![0u16; count];
            let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(resamples);
            let mut drawn = vec![Vec::with_capacity(range.len()); sorted.len()];
            for resample in range {
                draw(&mut weights, key.child(resample as u64));
                for (sorted, drawn) in sorted.iter().zip(&mut drawn) {
                    drawn.push(sorted.metrics(&weights));
                }
            }
            drawn
        })
        .collect();
    let row = |at: usize| chunks.iter().flat_map(|chunk| chunk[at].iter().copied()).collect();
    Ok((0..rows.len()).map(|at| Resampled(row(at))).collect())
}

/// Numbers the units 0, 1, 2 and so on in ascending order; the number of each query's unit, and
/// how many units there are.
pub(super) fn number_units(units: &[u32]) -> (Vec<u32>, usize) {
    let mut distinct = units.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let number = |unit: &u32| distinct.partition_point(|other| other < unit) as u32;
    (units.iter().map(number).collect(), distinct.len())
}

/// Draws as many units as there are, with replacement; `weights` becomes how often each came up.
/// Two draws from every 64 random bits, without bias (Lemire 2019).
fn draw(weights: &mut [u16], key: Key) {
    weights.fill(0);
    let count = weights.len() as u64;
    let refused = (1u64 << 32) % count;
    let mut stream = key.stream();
    let mut left = weights.len();
    while left > 0 {
        let bits = stream.bits();
        for half in [bits & 0xFFFF_FFFF, bits >> 32] {
            let wide = half * count;
            if left > 0 && wide & 0xFFFF_FFFF >= refused {
                // Overflow needs one unit drawn 65,536 times: not within the life of the sun.
                weights[(wide >> 32) as usize] += 1;
                left -= 1;
            }
        }
    }
}

/// Queries sorted by rank: their units, and where each rank's queries end.
struct Sorted {
    units: Vec<u32>,
    groups: Vec<Group>,
    /// Queries of each unit.
    sizes: Vec<u32>,
    /// Whether every unit asks once: then a resample has as many queries as there are units.
    once: bool,
}

struct Group {
    rank: u32,
    end: usize,
    reciprocal: f64,
}

impl Sorted {
    fn new(ranks: &[u32], units: &[u32]) -> Self {
        let mut pairs: Vec<(u32, u32)> = ranks.iter().copied().zip(units.iter().copied()).collect();
        pairs.sort_unstable();
        let mut end = 0;
        let groups = pairs
            .chunk_by(|a, b| a.0 == b.0)
            .map(|group| {
                end += group.len();
                let rank = group[0].0;
                Group { rank, end, reciprocal: 1.0 / f64::from(rank) }
            })
            .collect();
        let mut sizes = vec![0u32; units.iter().max().map_or(0, |&most| most as usize + 1)];
        for &unit in units {
            sizes[unit as usize] += 1;
        }
        let once = sizes.iter().all(|&size| size == 1);
        Self { units: pairs.iter().map(|pair| pair.1).collect(), groups, sizes, once }
    }

    fn metrics(&self, weights: &[u16]) -> Metrics {
        let total: u64 = if self.once {
            weights.len() as u64
        } else {
            let pairs = weights.iter().zip(&self.sizes);
            pairs.map(|(&weight, &size)| u64::from(weight) * u64::from(size)).sum()
        };
        let (middle_low, middle_high) = ((total - 1) / 2, total / 2);
        let (mut recall, mut reciprocal, mut seen, mut start) = ([0u64; 3], 0.0, 0u64, 0);
        let mut median = [0u32; 2];
        for group in &self.groups {
            let drawn: u64 = self.units[start..group.end]
                .iter()
                .map(|&unit| u64::from(weights[unit as usize]))
                .sum();
            start = group.end;
            reciprocal += drawn as f64 * group.reciprocal;
            for (hits, k) in recall.iter_mut().zip([1, 5, 10]) {
                *hits += if group.rank <= k { drawn } else { 0 };
            }
            for (rank, place) in median.iter_mut().zip([middle_low, middle_high]) {
                if seen <= place && place < seen + drawn {
                    *rank = group.rank;
                }
            }
            seen += drawn;
        }
        let share = |count: u64| count as f64 / total as f64;
        PerMetric {
            recall_1: share(recall[0]),
            recall_5: share(recall[1]),
            recall_10: share(recall[2]),
            mrr: reciprocal / total as f64,
            median_rank: f64::midpoint(f64::from(median[0]), f64::from(median[1])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_resample_is_the_metrics_of_its_queries_written_out(
            asked in prop::collection::vec((1u32..15, 0u32..9), 1..60), seed in any::<u64>(),
        ) {
            let (ranks, units): (Vec<u32>, Vec<u32>) = asked.into_iter().unzip();
            let key = Key::new(seed);
            let drawn = resample(&[&ranks], &units, 5, key).unwrap();
            let (numbered, count) = number_units(&units);
            for (at, fast) in drawn[0].0.iter().enumerate() {
                let mut weights = vec![0; count];
                draw(&mut weights, key.child(at as u64));
                prop_assert_eq!(weights.iter().map(|&w| w as usize).sum::<usize>(), count);
                let mut written = Vec::new();
                for (rank, unit) in ranks.iter().zip(&numbered) {
                    written.extend(std::iter::repeat_n(*rank, weights[*unit as usize] as usize));
                }
                let plain = Metrics::of(&written);
                for metric in Metric::ALL {
                    prop_assert!((fast.get(metric) - plain.get(metric)).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn the_interval_of_a_share_is_as_wide_as_its_binomial_says() {
        let ranks: Vec<u32> = (0..400).map(|q| if q % 4 == 0 { 1 } else { 20 }).collect();
        let units: Vec<u32> = (0..400).collect();
        let drawn = resample(&[&ranks], &units, RESAMPLES, Key::new(0)).unwrap();
        let [low, high] = drawn[0].intervals().recall_1;
        // 0.25 -+ 1.96 sqrt(0.25 * 0.75 / 400)
        assert!((low - 0.2076).abs() < 0.006 && (high - 0.2924).abs() < 0.006, "{low} {high}");
    }

    #[test]
    fn captions_of_one_image_are_not_independent() {
        let ranks: Vec<u32> = (0..400).map(|q| if (q / 4) % 4 == 0 { 1 } else { 20 }).collect();
        let width = |units: Vec<u32>| {
            let drawn = resample(&[&ranks], &units, 2_000, Key::new(0)).unwrap();
            let [low, high] = drawn[0].intervals().recall_1;
            high - low
        };
        let (alone, grouped) =
            (width((0..400).collect()), width((0..400).map(|q| q / 4).collect()));
        assert!(
            (grouped / alone - 2.0).abs() < 0.2,
            "four equal answers count once: {grouped} {alone}"
        );
    }

    #[test]
    fn a_row_does_not_differ_from_itself_and_pairing_narrows_the_interval() {
        let a: Vec<u32> = (0..300).map(|q| 1 + (q * 7 % 30)).collect();
        let b: Vec<u32> =
            a.iter().enumerate().map(|(q, &r)| if q % 20 == 0 { 1 } else { r }).collect();
        let units: Vec<u32> = (0..300).collect();
        let drawn = resample(&[&a, &b], &units, 1_000, Key::new(1)).unwrap();
        for metric in Metric::ALL {
            assert_eq!(drawn[0].interval_of_difference(&drawn[0], metric), [0.0; 2]);
        }
        let [low, high] = drawn[1].interval_of_difference(&drawn[0], Metric::Recall10);
        let [alone_low, alone_high] = drawn[1].intervals().recall_10;
        assert!(high - low < alone_high - alone_low);
        assert!(low >= 0.0, "b is never worse than a");
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let ranks: Vec<u32> = (0..500).map(|q| 1 + q % 13).collect();
        let units: Vec<u32> = (0..500).map(|q| q / 3).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| resample(&[&ranks], &units, 300, Key::new(3)).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn percentiles_lie_between_neighbours_as_in_the_usual_definition() {
        // numpy.percentile([1, 2, 3, 4, 5], [2.5, 97.5]) = [1.1, 4.9]
        let [low, high] = percentiles(vec![3.0, 1.0, 5.0, 2.0, 4.0]);
        assert!((low - 1.1).abs() < 1e-12 && (high - 4.9).abs() < 1e-12);
    }
}
