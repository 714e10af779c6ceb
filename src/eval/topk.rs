//! The k best items of every query, exactly, in bounded memory.

use super::Error;
use super::scores::{GALLERY_BLOCK, Scores, gallery_blocks, query_block};
use rayon::prelude::*;
use std::ops::Range;

/// An item of a ranked list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its place in the gallery.
    pub item: u32,
    /// Its rounded score.
    pub score: f32,
    /// 1 + all other items that score strictly higher.
    pub rank: u32,
    /// 1 + all other items that score as high or higher, those beyond the list included.
    pub rank_high: u32,
}

/// Scores that are held at once where there are no more in all: 1 MiB.
const FEW: usize = 1 << 18;

/// Scores looked at together before any is looked at alone; a multiple of every vector's width.
const GROUP: usize = 16;

/// The `k` best items of every query (fewer where the gallery is smaller), best first, equal
/// scores by item order. `itself` names the gallery item of each query that is left out.
///
/// Memory: one block of scores a thread (or all where they are few) and the lists. The result does not depend on threads.
pub fn top_k(
    scores: &impl Scores,
    k: usize,
    itself: Option<&[u32]>,
) -> Result<Vec<Vec<Hit>>, Error> {
    let (queries, gallery) = (scores.queries(), scores.gallery());
    if let Some(found) = itself.map(<[u32]>::len).filter(|&found| found != queries) {
        return Err(Error::Shape { what: "itself", expected: queries, found });
    }
    let mut lists = vec![List::default(); queries];
    if k > 0 && queries * gallery <= FEW {
        // Too few queries to share among threads: the gallery's blocks are shared instead.
        let blocks: Vec<Range<usize>> = gallery_blocks(gallery).collect();
        let scored: Vec<Vec<f32>> = blocks
            .par_iter()
            .map(|items| {
                let mut block = vec![0.0; queries * items.len()];
                scores.block(0..queries, items.clone(), &mut block);
                block
            })
            .collect();
        for (items, block) in blocks.iter().zip(&scored) {
            for (at, (list, row)) in
                lists.iter_mut().zip(block.chunks_exact(items.len())).enumerate()
            {
                list.scan(row, items.start, k, itself.map(|itself| itself[at]));
            }
        }
    } else if k > 0 {
        let rows = query_block(queries);
        lists.par_chunks_mut(rows).enumerate().for_each(|(block, lists)| {
            let first = block * rows;
            let mut buffer = vec![0.0; lists.len() * GALLERY_BLOCK.min(gallery)];
            for items in gallery_blocks(gallery) {
                let block = &mut buffer[..lists.len() * items.len()];
                scores.block(first..first + lists.len(), items.clone(), block);
                for (at, (list, row)) in
                    lists.iter_mut().zip(block.chunks_exact(items.len())).enumerate()
                {
                    list.scan(row, items.start, k, itself.map(|itself| itself[first + at]));
                }
            }
        });
    }
    Ok(lists.into_iter().map(List::hits).collect())
}

/// The best items seen so far, and how many that score as high as the last did not fit.
#[derive(Clone, Default)]
struct List {
    best: Vec<(f32, u32)>,
    left_out: u32,
}

impl List {
    fn threshold(&self, k: usize) -> f32 {
        if self.best.len() < k { f32::NEG_INFINITY } else { self.best[k - 1].0 }
    }

    fn scan(&mut self, row: &[f32], first: usize, k: usize, itself: Option<u32>) {
        let mut threshold = self.threshold(k);
        for (group, scores) in row.chunks(GROUP).enumerate() {
            // One comparison over the whole group, without a branch: nearly all groups end here.
            let reached: u32 = scores.iter().map(|&score| u32::from(score >= threshold)).sum();
            if reached > 0 {
                for (at, &score) in scores.iter().enumerate() {
                    let item = (first + group * GROUP + at) as u32;
                    if score >= threshold && itself != Some(item) {
                        self.offer(score, item, k);
                        threshold = self.threshold(k);
                    }
                }
            }
        }
    }

    fn offer(&mut self, score: f32, item: u32, k: usize) {
        let place = self.best.partition_point(|&(other, _)| other >= score);
        if place == k {
            self.left_out += 1;
            return;
        }
        let last = (self.best.len() == k).then(|| self.best[k - 1].0);
        self.best.truncate(k - 1);
        self.best.insert(place, (score, item));
        if let Some(last) = last {
            self.left_out = if self.best[k - 1].0 == last { self.left_out + 1 } else { 0 };
        }
    }

    fn hits(self) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::with_capacity(self.best.len());
        for group in self.best.chunk_by(|a, b| a.0 == b.0) {
            let rank = hits.len() as u32 + 1;
            let mut rank_high = (hits.len() + group.len()) as u32;
            if hits.len() + group.len() == self.best.len() {
                rank_high += self.left_out;
            }
            let hit = |&(score, item): &(f32, u32)| Hit { item, score, rank, rank_high };
            hits.extend(group.iter().map(hit));
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Given;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_lists_are_those_of_sorting_everything(
            (queries, gallery, scores) in (1usize..6, 1usize..80).prop_flat_map(|(n, m)| {
                (Just(n), Just(m), prop::collection::vec(0u8..12, n * m))
            }),
            k in 0usize..90,
            leave_out in any::<bool>(),
        ) {
            let scores: Vec<f32> = scores.into_iter().map(|v| f32::from(v) / 16.0).collect();
            let itself: Vec<u32> = (0..queries).map(|q| (q % gallery) as u32).collect();
            let itself = leave_out.then_some(&itself[..]);
            let given = Given::new(&scores, queries, gallery).unwrap();
            let lists = top_k(&given, k, itself).unwrap();
            for (q, list) in lists.iter().enumerate() {
                let row = &scores[q * gallery..(q + 1) * gallery];
                let others: Vec<usize> =
                    (0..gallery).filter(|&i| itself.is_none_or(|own| own[q] as usize != i)).collect();
                let mut sorted = others.clone();
                sorted.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
                sorted.truncate(k);
                let items: Vec<usize> = list.iter().map(|hit| hit.item as usize).collect();
                prop_assert_eq!(&items, &sorted);
                for hit in list {
                    let mine = hit.item as usize;
                    prop_assert_eq!(hit.score, row[mine]);
                    let above = others.iter().filter(|&&i| row[i] > row[mine]).count();
                    let level = others.iter().filter(|&&i| i != mine && row[i] >= row[mine]).count();
                    prop_assert_eq!((hit.rank as usize, hit.rank_high as usize), (above + 1, level + 1));
                }
            }
        }
    }

    #[test]
    fn scores_nearer_than_half_a_step_of_the_grid_are_one_score() {
        let quarter = 2f32.powi(-22);
        let scores = [0.5, 0.5 + quarter, 0.5 - quarter];
        let given = Given::new(&scores, 1, 3).unwrap();
        let list = &top_k(&given, 2, None).unwrap()[0];
        assert_eq!(list.iter().map(|hit| hit.item).collect::<Vec<_>>(), [0, 1]);
        assert!(list.iter().all(|hit| (hit.rank, hit.rank_high) == (1, 3)));
    }

    #[test]
    fn a_list_of_another_size_is_refused() {
        let given = Given::new(&[0.5], 1, 1).unwrap();
        assert!(top_k(&given, 1, Some(&[0, 0])).is_err());
        assert_eq!(top_k(&given, 1, Some(&[0])).unwrap(), [Vec::new()]);
    }
}
