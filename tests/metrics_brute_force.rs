//! Every metric from its scores, against loops that anyone would write first, on random data full of ties:
//! sorted lists and sums in f64, sharing nothing with the program.
//!
//! `tests/retrieval.rs` does the same for low and high ranks through blocks, `src/eval/topk.rs` for lists,
//! `src/eval/histogram.rs` for histograms, `src/eval/significance.rs` for the exact tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::eval::classify::choices;
use llm2clip::eval::compare::{Answers, Slice, align, overlap_at, slices};
use llm2clip::eval::geometry::hubs;
use llm2clip::eval::rank::high_ranks;
use llm2clip::eval::{Given, Hit, Judgements, Metrics, Ranked, Relevant, rank, tied_share, top_k};
use llm2clip::rng::Key;
use proptest::prelude::*;

/// One encoder's scores, `[queries, gallery]`: few different values, exact in f32.
#[derive(Debug)]
struct Asked {
    scores: Vec<Vec<f32>>,
    relevant: Vec<Vec<u32>>,
    itself: Option<Vec<u32>>,
}

impl Asked {
    /// `values` different scores at most; one value is a constant encoder.
    fn draw(n: usize, m: usize, values: usize, leave_out: bool, seed: u64) -> Self {
        let mut stream = Key::new(seed).stream();
        let scores = (0..n)
            .map(|_| (0..m).map(|_| stream.below(values) as f32 / 16.0 - 0.25).collect())
            .collect();
        let mut judged = Key::new(seed >> 1).named("judgements").stream();
        let relevant = (0..n)
            .map(|query| {
                let mut list: Vec<u32> =
                    (0..judged.below(3)).map(|_| judged.below(m) as u32).collect();
                list.push(((query + 1) % m) as u32);
                list
            })
            .collect();
        let itself = leave_out.then(|| (0..n).map(|query| (query % m) as u32).collect());
        Self { scores, relevant, itself }
    }

    fn judgements(&self) -> Judgements {
        Judgements {
            relevant: Relevant::from_lists(self.relevant.iter().cloned()),
            units: (0..self.relevant.len() as u32).collect(),
            itself: self.itself.clone(),
        }
    }

    /// Scores and whether they answer, of all items but the query itself.
    fn others(&self, query: usize) -> Vec<(f32, bool, u32)> {
        let own = self.itself.as_ref().map(|itself| itself[query]);
        let all = self.scores[query].iter().zip(0u32..);
        all.filter(|&(_, item)| own != Some(item))
            .map(|(&score, item)| (score, self.relevant[query].contains(&item), item))
            .collect()
    }

    /// Others in front of the first answer when the list is sorted, equal scores by `answers_first`.
    fn place(&self, query: usize, answers_first: bool) -> u32 {
        let mut list = self.others(query);
        list.sort_by(|a, b| {
            b.0.partial_cmp(&a.0).unwrap().then(if answers_first {
                b.1.cmp(&a.1)
            } else {
                a.1.cmp(&b.1)
            })
        });
        1 + list.iter().position(|one| one.1).unwrap() as u32
    }

    fn margin(&self, query: usize) -> Option<f32> {
        let best = |answer| {
            let of = self.others(query).into_iter().filter(move |one| one.1 == answer);
            of.map(|one| one.0).reduce(|a, b| if b > a { b } else { a })
        };
        Some(best(true)? - best(false)?)
    }

    /// The first ten items, equal scores in the gallery's order.
    fn first_ten(&self, query: usize) -> Vec<u32> {
        let mut list = self.others(query);
        list.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap().then(a.2.cmp(&b.2)));
        list.into_iter().take(10).map(|one| one.2).collect()
    }

    /// The program's answers.
    fn found(&self) -> (Vec<Ranked>, Vec<Vec<Hit>>) {
        let (n, m) = (self.scores.len(), self.scores[0].len());
        let flat = self.scores.concat();
        let given = Given::new(&flat, n, m).unwrap();
        let ranked = rank(&given, &self.judgements()).unwrap();
        (ranked, top_k(&given, 10, self.itself.as_deref()).unwrap())
    }
}

/// Two encoders asked the same.
fn pair() -> impl Strategy<Value = [Asked; 2]> {
    (1usize..40, 3usize..40, 1usize..9, 1usize..30, any::<bool>(), any::<u64>()).prop_map(
        |(n, m, few, many, leave_out, seed)| {
            // Queries and judgements hang on the seed without its last bit.
            [(few, seed & !1), (many, seed | 1)]
                .map(|(values, seed)| Asked::draw(n, m, values, leave_out, seed))
        },
    )
}

fn close(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() < 1e-9 * wanted.abs().max(1.0)
}

/// How often each item stands in someone's first ten, the counts' skewness by raw moments, and from where
/// on an item is a hub.
fn plain_hubs(asked: &Asked) -> (Vec<u32>, f64, f64) {
    let m = asked.scores[0].len();
    let mut counts = vec![0u32; m];
    for query in 0..asked.scores.len() {
        for item in asked.first_ten(query) {
            counts[item as usize] += 1;
        }
    }
    let raw = |power| counts.iter().map(|&c| f64::from(c).powi(power)).sum::<f64>() / m as f64;
    let (one, two, three) = (raw(1), raw(2), raw(3));
    let variance = two - one * one;
    let third = three - 3.0 * one * two + 2.0 * one.powi(3);
    let equal = counts.iter().all(|count| *count == counts[0]);
    let skewness = if equal { 0.0 } else { third / variance.powf(1.5) };
    (counts, skewness, if equal { one } else { one + 2.0 * variance.sqrt() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn retrieval_metrics_are_those_of_sorted_lists([asked, _] in pair()) {
        let n = asked.scores.len();
        let (ranked, _) = asked.found();
        let high: Vec<u32> = (0..n).map(|query| asked.place(query, false)).collect();
        let low: Vec<u32> = (0..n).map(|query| asked.place(query, true)).collect();
        // First relevant, as inspections say it, is the high rank.
        prop_assert_eq!(high_ranks(&ranked), high.clone());
        prop_assert_eq!(ranked.iter().map(|one| one.low).collect::<Vec<_>>(), low.clone());
        let margins: Vec<Option<f32>> = (0..n).map(|query| asked.margin(query)).collect();
        prop_assert_eq!(ranked.iter().map(Ranked::margin).collect::<Vec<_>>(), margins);

        let mut tied = 0.0;
        let (mut recall, mut reciprocal) = ([0.0; 3], 0.0);
        for (&high, &low) in high.iter().zip(&low) {
            tied += if high == low { 0.0 } else { 1.0 / n as f64 };
            reciprocal += 1.0 / f64::from(high) / n as f64;
            for (share, k) in recall.iter_mut().zip([1, 5, 10]) {
                *share += if high <= k { 1.0 / n as f64 } else { 0.0 };
            }
        }
        let mut sorted = high.clone();
        sorted.sort_unstable();
        let median = if n % 2 == 1 {
            f64::from(sorted[n / 2])
        } else {
            0.5 * (f64::from(sorted[n / 2 - 1]) + f64::from(sorted[n / 2]))
        };
        let found = Metrics::of(&high_ranks(&ranked));
        prop_assert!(close(tied_share(&ranked), tied));
        prop_assert!(close(found.recall_1, recall[0]) && close(found.recall_5, recall[1]));
        prop_assert!(close(found.recall_10, recall[2]) && close(found.mrr, reciprocal));
        prop_assert_eq!(found.median_rank, median);
    }

    #[test]
    fn lists_of_two_encoders_overlap_and_align_as_their_sorted_lists_do(both in pair(), k in 1usize..14) {
        let [a, b] = &both;
        let ([(_, first), (_, second)], n) = (both.each_ref().map(Asked::found), a.scores.len());
        for query in 0..n {
            let [left, right] = [a, b].map(|asked| asked.first_ten(query));
            let (short, other) = (&left[..k.min(left.len())], &right[..k.min(right.len())]);
            let shared = short.iter().filter(|item| other.contains(item)).count();
            // Without a rival or an answer beside the query there would be no list; there always is.
            let wanted = shared as f64 / short.len() as f64;
            prop_assert_eq!(overlap_at(&first[query], &second[query], k), wanted);
            let aligned = align(&first[query], &second[query]);
            let mut items: Vec<u32> = left.clone();
            items.extend(right.iter().filter(|item| !left.contains(item)));
            prop_assert_eq!(aligned.iter().map(|row| row.item).collect::<Vec<_>>(), items);
            for row in aligned {
                for (at, (asked, list)) in [(a, &left), (b, &right)].into_iter().enumerate() {
                    let scores = &asked.scores[query];
                    let mine = scores[row.item as usize];
                    let above = asked.others(query).iter().filter(|one| one.0 > mine).count() as u32;
                    let wanted = list.contains(&row.item).then_some(above + 1);
                    prop_assert_eq!(row.rank[at], wanted);
                }
            }
        }
    }

    #[test]
    fn hubs_are_counted_and_queries_sorted_into_slices_as_loops_do(both in pair()) {
        let found = both.each_ref().map(Asked::found);
        let m = both[0].scores[0].len();
        let counted = found.each_ref().map(|(_, lists)| hubs(lists, m).unwrap());
        let plain = both.each_ref().map(plain_hubs);
        for (found, (counts, skewness, threshold)) in counted.iter().zip(&plain) {
            prop_assert_eq!(&found.counts, counts);
            prop_assert!((found.skewness - skewness).abs() < 1e-6, "{} {skewness}", found.skewness);
            prop_assert!((found.threshold - threshold).abs() < 1e-6);
        }
        let [a, b] = [0, 1].map(|at| Answers {
            ranked: &found[at].0,
            lists: &found[at].1,
            hubs: &counted[at],
        });
        let sorted = slices(a, b).unwrap();
        for (query, slices) in sorted.iter().enumerate() {
            let right = both.each_ref().map(|asked| asked.place(query, false) == 1);
            let first = match right {
                [false, true] => Slice::Fixed,
                [true, false] => Slice::Broke,
                [true, true] => Slice::BothRight,
                [false, false] => Slice::BothWrong,
            };
            let mut wanted = vec![first];
            let tie = |asked: &Asked| asked.place(query, false) != asked.place(query, true);
            if both.iter().any(tie) {
                wanted.push(Slice::Tie);
            }
            let fell = |at: usize| {
                let first = both[at].first_ten(query)[0] as usize;
                // Its first hit is wrong even where ties are taken its way. The threshold is near the
                // loops' own; a count may lie on it.
                let much = f64::from(plain[at].0[first]) > counted[at].threshold;
                both[at].place(query, true) > 1 && much
            };
            if (0..2).any(fell) {
                wanted.push(Slice::Hub);
            }
            prop_assert_eq!(slices, &wanted);
        }
    }

    #[test]
    fn a_classification_is_the_softmax_and_the_sorted_list(
        n in 1usize..20, m in 2usize..12, values in 1usize..7, scale in 0.5f64..40.0, top in 1usize..14,
        seed in any::<u64>(),
    ) {
        let mut asked = Asked::draw(n, m, values, false, seed);
        let mut labels = Key::new(seed).named("labels").stream();
        asked.relevant = (0..n).map(|_| vec![labels.below(m) as u32]).collect();
        let flat = asked.scores.concat();
        let given = Given::new(&flat, n, m).unwrap();
        for (picture, found) in choices(&given, scale, top).unwrap().iter().enumerate() {
            let row = &asked.scores[picture];
            // No score is beyond 0.5: nothing overflows.
            let whole: f64 = row.iter().map(|&score| (scale * f64::from(score)).exp()).sum();
            let order = asked.first_ten(picture);
            prop_assert_eq!(found.len(), top.min(m));
            for (at, hit) in found.iter().enumerate() {
                prop_assert_eq!(hit.cosine, row[hit.candidate]);
                let wanted = (scale * f64::from(hit.cosine)).exp() / whole;
                prop_assert!((hit.probability - wanted).abs() < 1e-12);
                if let Some(&item) = order.get(at) {
                    prop_assert_eq!(hit.candidate, item as usize);
                }
            }
        }
        let metrics = Metrics::of(&high_ranks(&rank(&given, &asked.judgements()).unwrap()));
        let within = |places: usize| {
            let right = (0..n).filter(|&picture| {
                let row = &asked.scores[picture];
                let label = asked.relevant[picture][0] as usize;
                let rivals = (0..m).filter(|&class| class != label && row[class] >= row[label]);
                rivals.count() < places
            });
            right.count() as f64 / n as f64
        };
        prop_assert_eq!((metrics.recall_1, metrics.recall_5), (within(1), within(5)));
    }
}

#[test]
fn a_constant_encoder_is_right_nowhere_and_ties_everywhere() {
    let asked = Asked::draw(30, 40, 1, false, 3);
    let (ranked, _) = asked.found();
    let metrics = Metrics::of(&high_ranks(&ranked));
    assert_eq!((metrics.recall_1, metrics.recall_10, tied_share(&ranked)), (0.0, 0.0, 1.0));
}
