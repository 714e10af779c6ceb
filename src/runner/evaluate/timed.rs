//! A search with the time it takes.

use crate::eval::{Hit, Scores, top_k};
use crate::runner::RunError;
use std::time::{Duration, Instant};

/// Searches that are timed at most.
const SEARCHES: usize = 5;

/// Time after which no other search is begun.
const ENOUGH: Duration = Duration::from_millis(200);

/// The first `k` of every query, and the milliseconds a query of finding them, all queries asked
/// together: the middle one of up to five searches, so that what is measured is not the first alone,
/// which finds caches cold. A long search is timed once.
pub(super) fn timed_top_k(
    scores: &impl Scores,
    k: usize,
    itself: Option<&[u32]>,
) -> Result<(Vec<Vec<Hit>>, f64), RunError> {
    let begun = Instant::now();
    let lists = top_k(scores, k, itself)?;
    let mut times = vec![begun.elapsed()];
    while times.len() < SEARCHES && begun.elapsed() < ENOUGH {
        let clock = Instant::now();
        top_k(scores, k, itself)?;
        times.push(clock.elapsed());
    }
    times.sort_unstable();
    let middle = times[(times.len() - 1) / 2].as_secs_f64();
    Ok((lists, middle * 1e3 / scores.queries().max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Products;

    #[test]
    fn the_lists_are_those_of_one_search_and_the_time_is_of_a_query() {
        let rows = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8];
        let products = Products::new(&rows, &rows, 2).unwrap();
        let (lists, ms) = timed_top_k(&products, 2, Some(&[0, 1, 2])).unwrap();
        assert_eq!(lists, top_k(&products, 2, Some(&[0, 1, 2])).unwrap());
        assert!(ms > 0.0 && ms < 1e3, "{ms}");
    }
}
