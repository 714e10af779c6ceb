//! Retrieval from embeddings to a table of results, against what anyone would write first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::eval::compare::{Answers, Slice, slices};
use llm2clip::eval::geometry::hubs;
use llm2clip::eval::rank::high_ranks;
use llm2clip::eval::scores::round_score;
use llm2clip::eval::{
    Direction, Error, Given, Judgements, Metrics, Products, RankedRow, Relevant, RowFault, Scores,
    check_rows, rank, table, tied_share, top_k,
};
use llm2clip::rng::Key;
use proptest::prelude::*;

const DIM: usize = 4;

/// Unit rows whose inner products are exact in f32, few enough that ties are everywhere.
fn coarse_rows(n: usize, seed: u64) -> Vec<f32> {
    let mut stream = Key::new(seed).stream();
    let mut rows = Vec::with_capacity(n * DIM);
    for _ in 0..n {
        if stream.below(2) == 0 {
            let (axis, sign) = (stream.below(DIM), stream.below(2));
            let value = if sign == 0 { 1.0 } else { -1.0 };
            rows.extend((0..DIM).map(|at| if at == axis { value } else { 0.0 }));
        } else {
            rows.extend((0..DIM).map(|_| if stream.below(2) == 0 { 0.5 } else { -0.5 }));
        }
    }
    rows
}

fn unit_rows(n: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut stream = Key::new(seed).stream();
    let mut rows: Vec<f32> = (0..n * dim).map(|_| stream.normal()).collect();
    for row in rows.chunks_exact_mut(dim) {
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        for v in row {
            *v /= length;
        }
    }
    rows
}

fn plain_scores(queries: &[f32], gallery: &[f32]) -> Vec<Vec<f32>> {
    let product = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    queries
        .chunks_exact(DIM)
        .map(|q| gallery.chunks_exact(DIM).map(|g| round_score(product(q, g) as f32)).collect())
        .collect()
}

fn judgements(queries: usize, gallery: usize, leave_out: bool, seed: u64) -> Judgements {
    let mut stream = Key::new(seed).named("judgements").stream();
    let itself: Vec<u32> = (0..queries).map(|q| (q % gallery) as u32).collect();
    let lists: Vec<Vec<u32>> = (0..queries)
        .map(|query| {
            let count = 1 + stream.below(3);
            let mut list: Vec<u32> = (0..count).map(|_| stream.below(gallery) as u32).collect();
            list.push(((query + 1) % gallery) as u32);
            list
        })
        .collect();
    Judgements {
        relevant: Relevant::from_lists(lists),
        units: (0..queries as u32).map(|q| q / 2).collect(),
        itself: leave_out.then_some(itself),
    }
}

/// (low, high) by the definition: the best, over relevant items, of 1 + rivals above.
fn plain_ranks(scores: &[Vec<f32>], judgements: &Judgements) -> Vec<(u32, u32)> {
    let best = |query: usize, counts: &dyn Fn(f32, f32) -> bool| {
        let row = &scores[query];
        let own = judgements.itself.as_ref().map(|itself| itself[query]);
        let of = judgements.relevant.of(query);
        of.iter()
            .filter(|&&item| own != Some(item))
            .map(|&item| {
                let rivals = (0..row.len() as u32)
                    .filter(|other| own != Some(*other) && !of.contains(other))
                    .filter(|&other| counts(row[other as usize], row[item as usize]));
                1 + rivals.count() as u32
            })
            .fold(u32::MAX, u32::min)
    };
    (0..scores.len())
        .map(|query| {
            (best(query, &|other, mine| other > mine), best(query, &|other, mine| other >= mine))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranks_are_those_of_the_definition(
        n in 1usize..200, m in 2usize..300, leave_out in any::<bool>(), seed in any::<u64>(),
    ) {
        let (queries, gallery) = (coarse_rows(n, seed), coarse_rows(m, seed ^ 1));
        let judgements = judgements(n, m, leave_out, seed);
        let products = Products::new(&queries, &gallery, DIM).unwrap();
        let scores = plain_scores(&queries, &gallery);
        let ranked = rank(&products, &judgements).unwrap();
        let plain = plain_ranks(&scores, &judgements);
        prop_assert_eq!(ranked.iter().map(|r| (r.low, r.high)).collect::<Vec<_>>(), plain.clone());
        let tied = plain.iter().filter(|(low, high)| low != high).count() as f64 / n as f64;
        prop_assert_eq!(tied_share(&ranked), tied);

        let flat: Vec<f32> = scores.concat();
        let given = Given::new(&flat, n, m).unwrap();
        prop_assert_eq!(rank(&given, &judgements).unwrap(), ranked.clone());

        let metrics = Metrics::of(&high_ranks(&ranked));
        let within = |k| plain.iter().filter(|(_, high)| *high <= k).count() as f64 / n as f64;
        prop_assert_eq!([metrics.recall_1, metrics.recall_5, metrics.recall_10], [1, 5, 10].map(within));
        let reciprocal: f64 = plain.iter().map(|(_, high)| 1.0 / f64::from(*high)).sum();
        prop_assert!((metrics.mrr - reciprocal / n as f64).abs() < 1e-12);
    }

    #[test]
    fn an_answers_place_in_the_list_agrees_with_its_rank(
        n in 1usize..40, m in 2usize..60, seed in any::<u64>(),
    ) {
        let (queries, gallery) = (coarse_rows(n, seed), coarse_rows(m, seed ^ 1));
        let judgements = Judgements {
            relevant: Relevant::from_lists((0..n).map(|q| [(q % m) as u32])),
            units: (0..n as u32).collect(),
            itself: None,
        };
        let products = Products::new(&queries, &gallery, DIM).unwrap();
        let ranked = rank(&products, &judgements).unwrap();
        for (query, list) in top_k(&products, m, None).unwrap().iter().enumerate() {
            prop_assert_eq!(list.len(), m);
            let hit = list.iter().find(|hit| judgements.relevant.holds(query, hit.item)).unwrap();
            prop_assert_eq!((hit.rank, hit.rank_high), (ranked[query].low, ranked[query].high));
            prop_assert_eq!(hit.score, ranked[query].relevant);
        }
    }
}

#[test]
fn galleries_and_query_sets_beyond_one_block_are_ranked_alike() {
    let (n, m) = (300, 2_500);
    let (queries, gallery) = (coarse_rows(n, 1), coarse_rows(m, 2));
    let judgements = judgements(n, m, true, 3);
    let products = Products::new(&queries, &gallery, DIM).unwrap();
    let ranked = rank(&products, &judgements).unwrap();
    let plain = plain_ranks(&plain_scores(&queries, &gallery), &judgements);
    assert_eq!(ranked.iter().map(|r| (r.low, r.high)).collect::<Vec<_>>(), plain);
}

#[test]
fn one_query_alone_scores_as_it_does_among_many() {
    let (n, m, dim) = (260, 1_500, 192);
    let (queries, gallery) = (unit_rows(n, dim, 1), unit_rows(m, dim, 2));
    let all = top_k(&Products::new(&queries, &gallery, dim).unwrap(), 10, None).unwrap();
    for query in [0, 17, 127, 128, 259] {
        let alone = &queries[query * dim..(query + 1) * dim];
        let list = top_k(&Products::new(alone, &gallery, dim).unwrap(), 10, None).unwrap();
        assert_eq!(list[0], all[query]);
    }
}

#[test]
fn neither_threads_nor_chance_show_in_a_result() {
    let (queries, gallery) = (unit_rows(400, 64, 1), unit_rows(1_200, 64, 2));
    let judgements = judgements(400, 1_200, false, 3);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let products = Products::new(&queries, &gallery, 64).unwrap();
            let ranks = high_ranks(&rank(&products, &judgements).unwrap());
            let row = |role| RankedRow {
                role,
                direction: Direction::TextToImage,
                ranks: &ranks,
                units: &judgements.units,
            };
            let table = table(&[row("a"), row("b")], None, 500, 0).unwrap();
            (top_k(&products, 10, None).unwrap(), table)
        })
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn a_constant_encoder_scores_nothing() {
    let rows = [0.6f32, 0.8].repeat(40);
    let products = Products::new(&rows, &rows, 2).unwrap();
    let judgements =
        Judgements { relevant: Relevant::diagonal(40), units: (0..40).collect(), itself: None };
    let ranked = rank(&products, &judgements).unwrap();
    let metrics = Metrics::of(&high_ranks(&ranked));
    assert_eq!((metrics.recall_1, metrics.recall_10, metrics.median_rank), (0.0, 0.0, 40.0));
    assert_eq!(tied_share(&ranked), 1.0);
}

#[test]
fn rows_that_rank_nothing_are_refused_by_name() {
    let good = [1.0f32, 0.0, 0.0, 1.0];
    let mut bad = good;
    bad[3] = f32::NAN;
    let error = Products::new(&good, &bad, 2).unwrap_err();
    let fault = RowFault::NotFinite { at: 1 };
    assert_eq!(error, Error::Row { what: "gallery", row: 1, fault });
    assert!(error.to_string().starts_with("gallery: row 1 is not finite at position 1"));
    bad[3] = 0.0;
    let error = Products::new(&bad, &good, 2).unwrap_err();
    assert_eq!(error, Error::Row { what: "queries", row: 1, fault: RowFault::Zero });
    assert!(check_rows("rows", &good, 2).is_ok());
}

#[test]
fn a_better_encoder_shows_in_metrics_tests_and_slices() {
    let (n, dim) = (200, 16);
    let gallery = unit_rows(n, dim, 1);
    let noisy = |noise: f32, seed: u64| {
        let mut stream = Key::new(seed).stream();
        let mut rows: Vec<f32> = gallery.iter().map(|v| v + noise * stream.normal()).collect();
        for row in rows.chunks_exact_mut(dim) {
            let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
            for v in row {
                *v /= length;
            }
        }
        rows
    };
    let judgements = Judgements {
        relevant: Relevant::diagonal(n),
        units: (0..n as u32).collect(),
        itself: None,
    };
    let answer = |rows: &[f32]| {
        let products = Products::new(rows, &gallery, dim).unwrap();
        assert_eq!((products.queries(), products.gallery()), (n, n));
        (rank(&products, &judgements).unwrap(), top_k(&products, 10, None).unwrap())
    };
    let ((worse, worse_lists), (better, better_lists)) =
        (answer(&noisy(0.5, 2)), answer(&noisy(0.2, 3)));
    let (worse_ranks, better_ranks) = (high_ranks(&worse), high_ranks(&better));
    let row = |role, ranks| RankedRow {
        role,
        direction: Direction::TextToText,
        ranks,
        units: &judgements.units,
    };
    let table =
        table(&[row("worse", &worse_ranks), row("better", &better_ranks)], None, 2_000, 0).unwrap();
    let first = &table.differences[0];
    assert!(first.delta > 0.1 && first.ci95[0] > 0.0 && first.p_holm.unwrap() < 1e-3, "{first:?}");
    assert_eq!((first.a.as_str(), first.b.as_str()), ("better", "worse"));

    let (worse_hubs, better_hubs) =
        (hubs(&worse_lists, n).unwrap(), hubs(&better_lists, n).unwrap());
    let sorted = slices(
        Answers { ranked: &worse, lists: &worse_lists, hubs: &worse_hubs },
        Answers { ranked: &better, lists: &better_lists, hubs: &better_hubs },
    )
    .unwrap();
    let count = |slice| sorted.iter().filter(|s| s.contains(&slice)).count();
    let net = count(Slice::Fixed) as f64 - count(Slice::Broke) as f64;
    assert!((net / n as f64 - first.delta).abs() < 1e-12, "fixed less broke is the difference");
    assert_eq!(
        count(Slice::BothRight)
            + count(Slice::BothWrong)
            + count(Slice::Fixed)
            + count(Slice::Broke),
        n
    );
}

/// `cargo test --release --test retrieval -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, not a check"]
fn how_long_the_large_cases_take() {
    let (queries, gallery) = (unit_rows(5_000, 768, 1), unit_rows(25_000, 768, 2));
    let products = Products::new(&queries, &gallery, 768).unwrap();
    measure("top 10 of 25,000 for 5,000 queries of 768", || top_k(&products, 10, None).unwrap());
    let judgements = Judgements {
        relevant: Relevant::from_lists((0..5_000u32).map(|q| q * 5..q * 5 + 5)),
        units: (0..5_000).collect(),
        itself: None,
    };
    measure("ranks of the same", || rank(&products, &judgements).unwrap());
    let mut stream = Key::new(5).stream();
    let ranks: Vec<u32> = (0..25_000).map(|_| 1 + stream.below(2_000) as u32).collect();
    let grouped: Vec<u32> = (0..25_000).map(|q| q / 5).collect();
    let alone: Vec<u32> = (0..25_000).collect();
    for (name, units) in [("25,000 queries of 5,000 units", &grouped), ("25,000 units", &alone)] {
        let direction = Direction::TextToImage;
        let row = RankedRow { role: "a", direction, ranks: &ranks, units };
        measure(name, || table(std::slice::from_ref(&row), None, 10_000, 0).unwrap());
    }
    measure("geometry of 25,000 x 768", || {
        llm2clip::eval::geometry::geometry(&gallery, 768).unwrap()
    });
}

/// Prints wall-clock and processor time: the second is what counts on a machine that is not idle.
fn measure<T>(name: &str, work: impl Fn() -> T) {
    let processor = || -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let times = stat.rsplit(')').next().unwrap_or_default();
        let ticks: f64 =
            times.split_whitespace().skip(11).take(2).flat_map(str::parse::<f64>).sum();
        ticks / 100.0
    };
    let (start, before) = (std::time::Instant::now(), processor());
    std::hint::black_box(work());
    println!("{name}: {:?}, processor {:.2} s", start.elapsed(), processor() - before);
}
