//! In what order rows are visited, and where in it a run stands.
//!
//! The order of an epoch is a function of (key, epoch) alone, so a cursor of two numbers resumes
//! it exactly; nothing else has to be saved.

use super::error::{DataError, Result};
use crate::rng::Key;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Where a run stands in its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Whole passes behind it.
    pub epoch: u64,
    /// Rows of this pass behind it.
    pub index: usize,
}

/// How one epoch is laid out.
#[derive(Clone, Debug)]
enum Layout {
    /// A permutation.
    Shuffled,
    /// A permutation changed as little as keeps rows of one group out of one batch.
    Apart(Vec<u32>),
    /// Groups of `size`: a row of a permutation and those of its `neighbours` that are left.
    Near { neighbours: Vec<Vec<u32>>, size: usize, groups: Vec<u32> },
}

/// Batches of row numbers, epoch after epoch.
#[derive(Clone, Debug)]
pub struct Order {
    key: Key,
    count: usize,
    batch: usize,
    drop_last: bool,
    layout: Layout,
    window: Option<usize>,
    epoch: Option<(u64, Vec<usize>)>,
}

impl Order {
    /// All rows `0..count` in an order of their own each epoch, `batch` at a time. `key` is that
    /// of the stage (seed, stage). With `drop_last` a rest smaller than a batch is left out of
    /// its epoch, as in-batch contrast needs batches of one size; without, it is a short batch.
    ///
    /// # Errors
    /// No rows, a batch of none, or fewer rows than one batch with `drop_last`.
    pub fn shuffled(key: Key, count: usize, batch: usize, drop_last: bool) -> Result<Self> {
        let least = if drop_last { batch.max(1) } else { 1 };
        if batch == 0 {
            return Err(DataError::Range {
                what: "batch",
                expected: "at least 1".to_owned(),
                found: batch,
            });
        }
        if count < least {
            return Err(DataError::Range {
                what: "rows to train on",
                expected: format!("at least {least}, or a smaller batch"),
                found: count,
            });
        }
        Ok(Self {
            key,
            count,
            batch,
            drop_last,
            layout: Layout::Shuffled,
            window: None,
            epoch: None,
        })
    }

    /// One row for each of `groups` (say, the concept of each item): as [`Order::shuffled`], and
    /// rows of one group come into one batch only where nothing else is left.
    pub fn apart<G: Ord>(key: Key, groups: &[G], batch: usize, drop_last: bool) -> Result<Self> {
        let order = Self::shuffled(key, groups.len(), batch, drop_last)?;
        Ok(Self { layout: Layout::Apart(numbers(groups)), ..order })
    }

    /// As [`Order::apart`], and rows come in groups of `size`: one by chance, then the first of
    /// its `neighbours` that this epoch has not visited yet. Batches then hold rows that are hard
    /// to tell apart, and an epoch still visits every row once.
    pub fn near<G: Ord>(
        key: Key,
        groups: &[G],
        neighbours: Vec<Vec<u32>>,
        size: usize,
        batch: usize,
        drop_last: bool,
    ) -> Result<Self> {
        let order = Self::shuffled(key, groups.len(), batch, drop_last)?;
        Ok(Self { layout: Layout::Near { neighbours, size, groups: numbers(groups) }, ..order })
    }

    /// The same order for rows that lie in a stream: each `window` neighbours are shuffled among
    /// themselves, keyed by (epoch, window), and whole windows come in shuffled order, so that what
    /// is read together lies together. Rows that fit one window come as they do without. Groups
    /// are minded as before, and resuming is as exact.
    #[must_use]
    pub fn streamed(self, window: usize) -> Self {
        Self { window: Some(window.max(1)), ..self }
    }

    /// Rows visited in one epoch.
    pub fn rows_per_epoch(&self) -> usize {
        if self.drop_last { self.count / self.batch * self.batch } else { self.count }
    }

    /// Batches in one epoch.
    pub fn batches_per_epoch(&self) -> usize {
        self.rows_per_epoch().div_ceil(self.batch)
    }

    /// The batch at the cursor, which moves past it: row numbers, at most the batch size. A
    /// cursor beyond its epoch's end starts the next one.
    pub fn next(&mut self, cursor: &mut Cursor) -> Vec<usize> {
        let rows = self.rows_per_epoch();
        if cursor.index >= rows {
            *cursor = Cursor { epoch: cursor.epoch + 1, index: 0 };
        }
        let start = cursor.index;
        let end = (start + self.batch).min(rows);
        let batch = self.epoch(cursor.epoch)[start..end].to_vec();
        cursor.index = end;
        if end == rows {
            *cursor = Cursor { epoch: cursor.epoch + 1, index: 0 };
        }
        batch
    }

    fn epoch(&mut self, epoch: u64) -> &[usize] {
        let laid_out = match self.epoch.take() {
            Some((known, order)) if known == epoch => order,
            _ => self.lay_out(epoch),
        };
        &self.epoch.insert((epoch, laid_out)).1
    }

    fn lay_out(&self, epoch: u64) -> Vec<usize> {
        let key = self.key.named("order").child(epoch);
        let mut rows: Vec<usize> = (0..self.count).collect();
        match self.window.filter(|window| *window < self.count) {
            Some(window) => rows = stream(rows, window, key),
            None => key.stream().shuffle(&mut rows),
        }
        match &self.layout {
            Layout::Shuffled => rows,
            Layout::Apart(groups) => keep_apart(&rows, groups, self.batch),
            Layout::Near { neighbours, size, groups } => {
                keep_apart(&gather(&rows, neighbours, *size), groups, self.batch)
            }
        }
    }
}

/// Shuffles every window within itself, and then whole windows.
fn stream(mut rows: Vec<usize>, window: usize, key: Key) -> Vec<usize> {
    let within = key.named("window");
    for (number, window) in rows.chunks_mut(window).enumerate() {
        within.child(number as u64).stream().shuffle(window);
    }
    let mut windows: Vec<&[usize]> = rows.chunks(window).collect();
    key.named("windows").stream().shuffle(&mut windows);
    windows.concat()
}

/// Equal groups get equal numbers.
fn numbers<G: Ord>(groups: &[G]) -> Vec<u32> {
    let mut numbers = BTreeMap::new();
    let number = |group| {
        let next = numbers.len() as u32;
        *numbers.entry(group).or_insert(next)
    };
    groups.iter().map(number).collect()
}

/// Each row that is left, followed by the nearest of its neighbours that are left.
fn gather(rows: &[usize], neighbours: &[Vec<u32>], size: usize) -> Vec<usize> {
    let mut left = vec![true; rows.len()];
    let mut gathered = Vec::with_capacity(rows.len());
    for &row in rows {
        if !std::mem::replace(&mut left[row], false) {
            continue;
        }
        gathered.push(row);
        let near = neighbours[row].iter().map(|&near| near as usize);
        let mut wanted = size.saturating_sub(1);
        for near in near {
            if wanted > 0 && std::mem::replace(&mut left[near], false) {
                gathered.push(near);
                wanted -= 1;
            }
        }
    }
    gathered
}

/// Fills batch after batch with the next row whose group the batch does not have yet; rows passed
/// over come first in the next batch. When only repeats are left they fill up in order.
fn keep_apart(rows: &[usize], groups: &[u32], batch: usize) -> Vec<usize> {
    let mut fresh = rows.iter().copied();
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut laid_out = Vec::with_capacity(rows.len());
    while laid_out.len() < rows.len() {
        let mut have = BTreeSet::new();
        let mut kept = VecDeque::new();
        let mut room = batch.min(rows.len() - laid_out.len());
        let mut next = || waiting.pop_front().or_else(|| fresh.next());
        while room > 0 {
            let Some(row) = next() else { break };
            if have.insert(groups[row]) {
                laid_out.push(row);
                room -= 1;
            } else {
                kept.push_back(row);
            }
        }
        let repeats = room.min(kept.len());
        laid_out.extend(kept.drain(..repeats));
        kept.append(&mut waiting);
        waiting = kept;
    }
    laid_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn orders(count: usize, batch: usize, drop_last: bool) -> [Order; 5] {
        let key = Key::new(3).named("stage");
        let groups: Vec<usize> = (0..count).map(|row| row / 2).collect();
        let shuffled = Order::shuffled(key, count, batch, drop_last).unwrap();
        let apart = Order::apart(key, &groups, batch, drop_last).unwrap();
        let streamed = [shuffled.clone().streamed(5), apart.clone().streamed(16)];
        let [shuffled_stream, apart_stream] = streamed;
        let neighbours = (0..count).map(|row| vec![(row * 7 % count) as u32, 0]).collect();
        let near = Order::near(key, &groups, neighbours, 3, batch, drop_last).unwrap();
        [shuffled, apart, shuffled_stream, apart_stream, near]
    }

    proptest! {
        #[test]
        fn resuming_at_any_cursor_gives_the_same_batches(
            count in 8usize..60, batch in 1usize..9, drop_last: bool, cut in 0usize..20,
        ) {
            for mut order in orders(count, batch, drop_last) {
                let mut cursor = Cursor::default();
                for _ in 0..cut {
                    order.next(&mut cursor);
                }
                let mut saved = cursor;
                let mut resumed = order.clone();
                resumed.epoch = None;
                for _ in 0..12 {
                    prop_assert_eq!(order.next(&mut cursor), resumed.next(&mut saved));
                    prop_assert_eq!(cursor, saved);
                }
            }
        }

        #[test]
        fn an_epoch_visits_every_row_once(
            count in 8usize..60, batch in 1usize..9, drop_last: bool,
        ) {
            for mut order in orders(count, batch, drop_last) {
                let mut cursor = Cursor { epoch: 2, index: 0 };
                let mut seen = Vec::new();
                for _ in 0..order.batches_per_epoch() {
                    prop_assert_eq!(cursor.epoch, 2);
                    let next = order.next(&mut cursor);
                    prop_assert!(next.len() == batch || !drop_last && next.len() == count % batch);
                    seen.extend(next);
                }
                prop_assert_eq!(cursor, Cursor { epoch: 3, index: 0 });
                seen.sort_unstable();
                seen.dedup();
                prop_assert_eq!(seen.len(), order.rows_per_epoch());
            }
        }
    }

    #[test]
    fn a_stream_is_shuffled_within_windows_that_stay_together() {
        let plain = Order::shuffled(Key::new(3), 95, 95, false).unwrap();
        let first = |mut order: Order| order.next(&mut Cursor::default());
        assert_eq!(first(plain.clone().streamed(95)), first(plain.clone()));
        let mut order = plain.streamed(10);
        let epochs: Vec<Vec<usize>> =
            (0..2).map(|epoch| order.next(&mut Cursor { epoch, index: 0 })).collect();
        assert_ne!(epochs[0], epochs[1]);
        for rows in &epochs {
            let mut numbers: Vec<usize> = rows.iter().map(|row| row / 10).collect();
            numbers.dedup();
            assert_eq!(numbers.len(), 10, "windows stay together: {rows:?}");
            assert_ne!(numbers, (0..10).collect::<Vec<_>>(), "windows are shuffled");
            let window: Vec<usize> = rows.iter().copied().filter(|row| row / 10 == 4).collect();
            assert_ne!(window, (40..50).collect::<Vec<_>>(), "rows are shuffled");
        }
    }

    #[test]
    fn epochs_differ_and_equal_keys_agree() {
        let first = |epoch| {
            let mut order = Order::shuffled(Key::new(1), 100, 100, false).unwrap();
            order.next(&mut Cursor { epoch, index: 0 })
        };
        assert_eq!(first(0), first(0));
        assert_ne!(first(0), first(1));
    }

    #[test]
    fn rows_of_one_group_come_into_different_batches_where_they_can() {
        let groups: Vec<u32> = (0..200).map(|row| row / 4).collect();
        let mut order = Order::apart(Key::new(9), &groups, 10, true).unwrap();
        let mut cursor = Cursor::default();
        let mut repeats = 0;
        for _ in 0..order.batches_per_epoch() * 5 {
            let batch = order.next(&mut cursor);
            let distinct: BTreeSet<u32> = batch.iter().map(|&row| groups[row]).collect();
            repeats += batch.len() - distinct.len();
        }
        assert!(repeats <= 5 * 5, "only the ends of epochs repeat: {repeats}");
        let mut order = Order::apart(Key::new(9), &[0; 6], 3, true).unwrap();
        assert_eq!(order.next(&mut Cursor::default()).len(), 3);
    }

    #[test]
    fn near_rows_come_together() {
        let groups: Vec<u32> = (0..120).collect();
        let of = |row: u32| (0..120).filter(move |&other| other != row && other % 12 == row % 12);
        let neighbours: Vec<Vec<u32>> = (0..120).map(|row| of(row).collect()).collect();
        let mut order = Order::near(Key::new(4), &groups, neighbours, 5, 20, true).unwrap();
        let mut cursor = Cursor::default();
        for _ in 0..order.batches_per_epoch() {
            let batch = order.next(&mut cursor);
            for group in batch.chunks(5) {
                assert!(group.iter().all(|row| row % 12 == group[0] % 12), "{batch:?}");
            }
        }
    }

    #[test]
    fn too_few_rows_for_a_batch_are_refused() {
        assert!(Order::shuffled(Key::new(0), 3, 4, true).is_err());
        assert!(Order::shuffled(Key::new(0), 3, 4, false).is_ok());
        assert!(Order::shuffled(Key::new(0), 0, 4, false).is_err());
        assert!(Order::shuffled(Key::new(0), 3, 0, false).is_err());
    }
}
