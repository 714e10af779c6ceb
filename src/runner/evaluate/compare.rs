//! A table over encoders and directions: ranks, metrics, intervals, tests, times.

use super::encoders::{Encoded, Encoders, TimedRows};
use super::inspect::ids;
use super::probe::Probe;
use crate::encode::{EncoderCard, EncoderSpec};
use crate::eval::document::COMPARE_FORMAT;
use crate::eval::geometry::{Geometry, geometry, hubs};
use crate::eval::rank::high_ranks;
use crate::eval::{
    CompareDocument, CompareRow, Direction, Given, Hit, Judgements, Products, Ranked, RankedRow,
    Scores, rank, table, tied_share, top_k,
};
use crate::runner::{Narrator, RunError};
use crate::session::neighbours::NeighbourSet;
use std::time::Instant;

/// Resamples of every interval.
pub const RESAMPLES: usize = 10_000;

/// Length of the lists that hubs are counted over.
const HUB_LIST: usize = 10;

/// Which encoders are compared, and against which.
#[derive(Clone, Debug)]
pub struct CompareRequest {
    /// The encoders, in the order of the table.
    pub encoders: Vec<EncoderSpec>,
    /// The label every row is held against; none takes the first.
    pub baseline: Option<String>,
    /// Seed of resamples and sign flips.
    pub seed: u64,
}

/// One row before its intervals are known.
struct Measured {
    role: String,
    direction: Direction,
    card: EncoderCard,
    ranks: Vec<u32>,
    units: Vec<u32>,
    ranked: Vec<Ranked>,
    /// Which queries of the direction asked.
    places: Vec<usize>,
    lists: Vec<Vec<Hit>>,
    items: usize,
    ms_per_item: Option<f64>,
    ms_per_query: Option<f64>,
    index_ms: Option<f64>,
    bytes_per_item: Option<f64>,
    truncated: usize,
    geometry: Option<Geometry>,
    hub_skewness: Option<f64>,
}

/// Compares encoders over a probe; returns the document, and who stood near whom in each of its rows.
pub fn compare(
    encoders: &Encoders<'_>,
    probe: &Probe,
    request: &CompareRequest,
    narrator: &mut Narrator,
) -> Result<(CompareDocument, Vec<NeighbourSet>), RunError> {
    if probe.left_out > 0 {
        narrator.warn(&format!(
            "{} items lack what the {} task needs and are left out",
            probe.left_out,
            probe.task.name()
        ))?;
    }
    let mut measured = Vec::new();
    for spec in &request.encoders {
        let encoded = encoders.encode(spec, probe, narrator)?;
        for direction in probe.directions() {
            measured.push(measure(&spec.label, &encoded, probe, direction)?);
        }
    }
    // Direction by direction, encoders in the order they were named.
    measured.sort_by_key(|row| row.direction);
    let rows: Vec<RankedRow<'_>> = measured
        .iter()
        .map(|row| RankedRow {
            role: &row.role,
            direction: row.direction,
            ranks: &row.ranks,
            units: &row.units,
        })
        .collect();
    let table = table(&rows, request.baseline.as_deref(), RESAMPLES, request.seed)?;
    let sets = measured.iter().map(|row| neighbours(row, probe)).collect();
    let rows = measured
        .into_iter()
        .zip(table.metrics.iter().zip(&table.intervals).zip(&table.units))
        .map(|(row, ((metrics, ci95), units))| CompareRow {
            role: row.role,
            encoder: serde_json::to_value(&row.card).unwrap_or_default(),
            direction: row.direction,
            metrics: *metrics,
            ci95: *ci95,
            tied_share: tied_share(&row.ranked),
            mean_cosine: row.geometry.map(|found| found.mean_cosine),
            items: row.items,
            queries: row.ranks.len(),
            units: *units,
            ms_per_item: row.ms_per_item,
            ms_per_query: row.ms_per_query,
            index_ms: row.index_ms,
            bytes_per_item: row.bytes_per_item,
            truncated: row.truncated,
            geometry: row.geometry,
            hub_skewness: row.hub_skewness,
        })
        .collect();
    let document = CompareDocument {
        format: COMPARE_FORMAT.to_owned(),
        task: probe.task,
        protocol: probe.protocol.clone(),
        rows,
        differences: table.differences,
        family: table.family,
        resamples: RESAMPLES,
        seed: request.seed,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok((document, sets))
}

fn neighbours(row: &Measured, probe: &Probe) -> NeighbourSet {
    let (asking, gallery) = ids(probe, row.direction);
    NeighbourSet::of(
        (&row.role, row.direction.name()),
        row.places.iter().map(|&place| asking[place].clone()).collect(),
        gallery,
        &row.ranked,
        &row.lists,
        HUB_LIST,
    )
}

/// The rows that ask and those that answer in a direction.
pub(super) fn sides<'a>(
    queries: Option<&'a TimedRows>,
    texts: Option<&'a TimedRows>,
    pictures: Option<&'a TimedRows>,
    direction: Direction,
) -> Result<(&'a TimedRows, &'a TimedRows), RunError> {
    let answers = texts.or(queries);
    let (ask, answer) = match direction {
        Direction::TextToImage => (queries, pictures),
        Direction::ImageToText => (pictures, answers),
        Direction::ImageToImage => (pictures, pictures),
        Direction::TextToText => (queries, answers),
    };
    ask.zip(answer).ok_or_else(|| {
        RunError::Unfit(format!("an encoder has no rows for {direction}: it lacks a tower"))
    })
}

fn measure(
    role: &str,
    encoded: &Encoded,
    probe: &Probe,
    direction: Direction,
) -> Result<Measured, RunError> {
    let (places, judgements) = probe.judgements(direction);
    match encoded {
        Encoded::Words { scores, card, index_ms, ms_per_query } => {
            let width = probe.texts.len();
            let asked: Vec<f32> = places
                .iter()
                .flat_map(|&query| scores[query * width..(query + 1) * width].iter().copied())
                .collect();
            let given = Given::new(&asked, places.len(), width)?;
            let (ranked, lists, hub_skewness, _) = search(&given, &judgements)?;
            Ok(Measured {
                role: role.to_owned(),
                direction,
                card: (**card).clone(),
                ranks: high_ranks(&ranked),
                units: judgements.units,
                ranked,
                places,
                lists,
                items: width,
                ms_per_item: None,
                ms_per_query: Some(*ms_per_query),
                index_ms: Some(*index_ms),
                bytes_per_item: None,
                truncated: 0,
                geometry: None,
                hub_skewness,
            })
        }
        Encoded::Rows { queries, texts, pictures } => {
            let (ask, answer) =
                sides(queries.as_ref(), texts.as_ref(), pictures.as_ref(), direction)?;
            let asked = ask.rows.select(&places);
            let (gallery, dim) = (&answer.rows, answer.rows.dim());
            let clock = Instant::now();
            let products = Products::new(asked.values(), gallery.values(), dim)?;
            let index_ms = clock.elapsed().as_secs_f64() * 1e3;
            let (ranked, lists, hub_skewness, search_ms) = search(&products, &judgements)?;
            Ok(Measured {
                role: role.to_owned(),
                direction,
                card: ask.card.clone(),
                ranks: high_ranks(&ranked),
                units: judgements.units,
                ranked,
                places,
                lists,
                items: gallery.rows(),
                ms_per_item: Some(answer.ms_per_item),
                ms_per_query: Some(ask.ms_per_item + search_ms),
                index_ms: Some(index_ms),
                bytes_per_item: Some(dim as f64 * 4.0),
                truncated: ask.truncated
                    + if std::ptr::eq(ask, answer) { 0 } else { answer.truncated },
                geometry: Some(geometry(gallery.values(), dim)?),
                hub_skewness,
            })
        }
    }
}

/// Ranks of all queries, their lists, skewness of hubs, and milliseconds a query of the exact search.
fn search(
    scores: &impl Scores,
    judgements: &Judgements,
) -> Result<(Vec<Ranked>, Vec<Vec<Hit>>, Option<f64>, f64), RunError> {
    let clock = Instant::now();
    let lists = top_k(scores, HUB_LIST, judgements.itself.as_deref())?;
    let ms = clock.elapsed().as_secs_f64() * 1e3 / scores.queries().max(1) as f64;
    let ranked = rank(scores, judgements)?;
    let skewness = hubs(&lists, scores.gallery())?.skewness;
    Ok((ranked, lists, Some(skewness), ms))
}
