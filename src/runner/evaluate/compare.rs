//! A table over encoders and directions: ranks, metrics, intervals, tests, times.

use super::check::judged;
use super::encoders::{Encoded, Encoders, TimedRows};
use super::keepsakes::judged_set;
use super::probe::Probe;
use super::qrels::Qrels;
use super::same;
use super::timed::timed_top_k;
use crate::encode::{Embeddings, EncoderCard, EncoderSpec, TableDtype};
use crate::eval::compare::overlap_at;
use crate::eval::document::COMPARE_FORMAT;
use crate::eval::geometry::{Geometry, alignment_with, geometry, hubs};
use crate::eval::histogram::{ScoreHistogram, histogram};
use crate::eval::kept::units_to_keep;
use crate::eval::published::published;
use crate::eval::quantised::QuantisedRow;
use crate::eval::rank::high_ranks;
use crate::eval::replicates::{ReplicateDifference, Replicates, replicates, with_pairs};
use crate::eval::second::SecondJudgements;
use crate::eval::{
    CompareDocument, CompareRow, Direction, Hit, Judgements, Metrics, Products, Ranked, RankedRow,
    Scores, Table, rank, table, tied_share,
};
use crate::runner::{Narrator, RunError};
use crate::session::judged::JudgedSet;
use crate::session::neighbours::NeighbourSet;
use std::time::Instant;

pub use crate::eval::bootstrap::RESAMPLES;

/// Length of the lists that hubs are counted over and neighbours kept of.
const LIST: usize = 10;

/// Which encoders are compared, and against which.
#[derive(Clone, Debug, Default)]
pub struct CompareRequest {
    /// The encoders, in the order of the table.
    pub encoders: Vec<EncoderSpec>,
    /// The label every row is held against; none takes the first.
    pub baseline: Option<String>,
    /// Seed of resamples and sign flips.
    pub seed: u64,
    /// A second set of judgements, reported beside the first.
    pub qrels: Option<Qrels>,
    /// Whether every row is also searched as f16 and int8.
    pub quantised: bool,
}

/// Who stood near whom in a comparison.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// In each of its rows.
    pub own: Vec<NeighbourSet>,
    /// In each of its rows under a second set of judgements.
    pub second: Vec<NeighbourSet>,
    /// That second set, a direction each.
    pub judged: Vec<JudgedSet>,
}

/// One row before its intervals are known.
struct Measured {
    role: String,
    direction: Direction,
    card: EncoderCard,
    units: Vec<u32>,
    found: Searched,
    items: usize,
    ms_per_item: Option<f64>,
    ms_per_query: Option<f64>,
    search_ms_per_query: f64,
    index_ms: Option<f64>,
    bytes_per_item: Option<f64>,
    truncated: usize,
    geometry: Option<Geometry>,
    quantised: Vec<QuantisedRow>,
    neighbours: NeighbourSet,
}

/// What searching with every query gave.
struct Searched {
    ranked: Vec<Ranked>,
    ranks: Vec<u32>,
    lists: Vec<Vec<Hit>>,
    hub_skewness: f64,
    histogram: ScoreHistogram,
    /// Milliseconds a query of the exact search.
    ms: f64,
}

/// What is asked of one encoder.
struct Asked<'a> {
    probe: &'a Probe,
    direction: Direction,
    places: Vec<usize>,
    judgements: Judgements,
    quantised: bool,
}

/// Compares encoders over a probe; returns the document, and who stood near whom in each of its rows.
pub fn compare(
    encoders: &Encoders<'_>,
    probe: &Probe,
    request: &CompareRequest,
    narrator: &mut Narrator,
) -> Result<(CompareDocument, Neighbours), RunError> {
    if probe.left_out > 0 {
        narrator.warn(&format!(
            "{} items lack what the {} task needs and are left out",
            probe.left_out,
            probe.task.name()
        ))?;
    }
    let second = request.qrels.as_ref().map(|file| Ok::<_, RunError>((file, judged(file, probe)?)));
    let second = second.transpose()?;
    if let Some((file, judged)) = &second {
        file.warn_of_unknown(&judged.read, "comparison", narrator)?;
    }
    let (mut own, mut other, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for spec in &request.encoders {
        let encoded = encoders.encode(spec, probe, narrator)?;
        digests.push((spec.label.clone(), same::digest(&encoded)));
        let directions = probe.directions();
        let halved = encoded.is_of_pictures_alone()
            && directions.contains(&Direction::ImageToImage)
            && directions.len() > 1;
        if halved {
            narrator.warn(&format!(
                "{} is an image tower alone and is compared in direction {}",
                spec.label,
                Direction::ImageToImage
            ))?;
        }
        narrator.doing(&format!("{}: searching, ranks and hubs", spec.label));
        let can = |direction: Direction| !halved || direction == Direction::ImageToImage;
        for direction in directions.into_iter().filter(|&direction| can(direction)) {
            let (places, judgements) = probe.judgements(direction);
            let quantised = request.quantised;
            let asked = Asked { probe, direction, places, judgements, quantised };
            own.push(measure(&spec.label, &encoded, &asked)?);
        }
        let judged = second.iter().flat_map(|(_, judged)| &judged.directions);
        for (direction, places, judgements) in judged.filter(|(direction, ..)| can(*direction)) {
            let (places, judgements) = (places.clone(), judgements.clone());
            let direction = *direction;
            let asked = Asked { probe, direction, places, judgements, quantised: false };
            other.push(measure(&spec.label, &encoded, &asked)?);
        }
    }
    narrator.doing("statistics: intervals and tests");
    let (rows, table, own) = tabulate(own, request)?;
    let mut neighbours = Neighbours { own, ..Neighbours::default() };
    let same_rows = same::groups(&digests);
    warn_of_nothing_said(&rows, &same_rows, narrator)?;
    let (replicates, replicate_differences) = replicated(&rows, &table, request);
    let qrels = match second {
        None => None,
        Some((file, judged)) => {
            let (rows, table, sets) = tabulate(other, request)?;
            neighbours.second = sets;
            let of_direction =
                |(direction, places, judgements): &(Direction, Vec<usize>, Judgements)| {
                    judged_set(probe, &file.name, *direction, places, judgements)
                };
            neighbours.judged = judged.directions.iter().map(of_direction).collect();
            let mut protocol = probe.protocol.clone();
            protocol.judgements.clone_from(&file.name);
            let (replicates, replicate_differences) = replicated(&rows, &table, request);
            Some(SecondJudgements {
                protocol,
                read: judged.read,
                rows,
                differences: table.differences,
                family: table.family,
                replicates,
                replicate_differences,
            })
        }
    };
    let document = CompareDocument {
        format: COMPARE_FORMAT.to_owned(),
        task: probe.task,
        protocol: probe.protocol.clone(),
        given: probe.given.clone(),
        rows,
        differences: table.differences,
        family: table.family,
        replicates,
        replicate_differences,
        same_rows,
        qrels,
        published: published(probe.task, &probe.protocol),
        sweep: None,
        left_out: Some(probe.what_is_left_out()),
        joined: None,
        resamples: RESAMPLES,
        seed: request.seed,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok((document, neighbours))
}

/// The replicates of a table.
fn replicated(
    rows: &[CompareRow],
    table: &Table,
    request: &CompareRequest,
) -> (Vec<Replicates>, Vec<ReplicateDifference>) {
    let rows: Vec<_> =
        rows.iter().map(|row| (row.role.as_str(), row.direction, row.metrics)).collect();
    let (found, mut differences) = replicates(&rows, request.baseline.as_deref());
    with_pairs(&mut differences, &table.pairs);
    (found, differences)
}

/// Warns of encoders that tell nothing apart, and of labels that are one encoder.
fn warn_of_nothing_said(
    rows: &[CompareRow],
    same_rows: &[Vec<String>],
    narrator: &mut Narrator,
) -> Result<(), RunError> {
    same::warn(same_rows, narrator)?;
    for row in rows.iter().filter(|row| row.tied_share == 1.0) {
        narrator.warn(&format!(
            "{} in direction {}: every answer ties with another item; ties count as the lower place",
            row.role, row.direction
        ))?;
    }
    Ok(())
}

/// Rows with intervals and tests, direction by direction, encoders in the order they were named.
fn tabulate(
    mut measured: Vec<Measured>,
    request: &CompareRequest,
) -> Result<(Vec<CompareRow>, Table, Vec<NeighbourSet>), RunError> {
    measured.sort_by_key(|row| row.direction);
    let rows: Vec<RankedRow<'_>> = measured
        .iter()
        .map(|row| RankedRow {
            role: &row.role,
            direction: row.direction,
            ranks: &row.found.ranks,
            units: &row.units,
        })
        .collect();
    let table = table(&rows, request.baseline.as_deref(), RESAMPLES, request.seed)?;
    let mut neighbours = Vec::new();
    let rows = measured
        .into_iter()
        .zip(table.metrics.iter().zip(&table.intervals).zip(&table.units))
        .map(|(row, ((metrics, ci95), units))| {
            neighbours.push(row.neighbours);
            CompareRow {
                role: row.role,
                result: None,
                encoder: serde_json::to_value(&row.card).unwrap_or_default(),
                direction: row.direction,
                metrics: *metrics,
                ci95: *ci95,
                tied_share: tied_share(&row.found.ranked),
                mean_cosine: row.geometry.map(|found| found.mean_cosine),
                items: row.items,
                queries: row.found.ranks.len(),
                units: *units,
                ms_per_item: row.ms_per_item,
                ms_per_query: row.ms_per_query,
                search_ms_per_query: Some(row.search_ms_per_query),
                index_ms: row.index_ms,
                bytes_per_item: row.bytes_per_item,
                truncated: row.truncated,
                geometry: row.geometry,
                hub_skewness: Some(row.found.hub_skewness),
                scores: Some(row.found.histogram),
                quantised: row.quantised,
            }
        })
        .collect();
    Ok((rows, table, neighbours))
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

fn measure(role: &str, encoded: &Encoded, asked: &Asked<'_>) -> Result<Measured, RunError> {
    let (probe, direction) = (asked.probe, asked.direction);
    let judgements = &asked.judgements;
    match encoded {
        Encoded::Words(words) => {
            if direction != Direction::TextToText {
                return Err(RunError::Unfit(format!(
                    "{role} compares words and has nothing to say in direction {direction}; leave it to the caption task"
                )));
            }
            let found = search(&words.asked(&asked.places), judgements)?;
            // Words are not encoded: scoring them is the search.
            let ms = words.ms_per_query + found.ms;
            Ok(Measured {
                role: role.to_owned(),
                direction,
                card: words.card.clone(),
                units: judgements.units.clone(),
                neighbours: neighbours(role, asked, &found),
                items: probe.texts.len(),
                ms_per_item: None,
                ms_per_query: Some(ms),
                search_ms_per_query: ms,
                index_ms: Some(words.index_ms),
                bytes_per_item: None,
                truncated: 0,
                geometry: None,
                quantised: Vec::new(),
                found,
            })
        }
        Encoded::Rows { queries, texts, pictures } => {
            let (ask, answer) =
                sides(queries.as_ref(), texts.as_ref(), pictures.as_ref(), direction)?;
            let rows = ask.rows.select(&asked.places);
            let (gallery, dim) = (&answer.rows, answer.rows.dim());
            let clock = Instant::now();
            let products = Products::new(rows.values(), gallery.values(), dim)?;
            let index_ms = clock.elapsed().as_secs_f64() * 1e3;
            let found = search(&products, judgements)?;
            let quantised = if asked.quantised {
                let ms = ask.ms_per_item;
                vec![
                    quantise(&rows, gallery, TableDtype::F16, judgements, &found, ms)?,
                    quantise(&rows, gallery, TableDtype::Int8, judgements, &found, ms)?,
                ]
            } else {
                Vec::new()
            };
            Ok(Measured {
                role: role.to_owned(),
                direction,
                card: ask.card.clone(),
                units: judgements.units.clone(),
                neighbours: neighbours(role, asked, &found),
                items: gallery.rows(),
                ms_per_item: answer.ms_per_item,
                ms_per_query: ask.ms_per_item.map(|ms| ms + found.ms),
                search_ms_per_query: found.ms,
                found,
                index_ms: Some(index_ms),
                bytes_per_item: Some(TableDtype::F32.bytes_per_row(dim) as f64),
                truncated: ask.truncated
                    + if std::ptr::eq(ask, answer) { 0 } else { answer.truncated },
                geometry: Some(Geometry {
                    alignment: Some(alignment_with(
                        rows.values(),
                        gallery.values(),
                        dim,
                        &judgements.relevant,
                    )?),
                    ..geometry(gallery.values(), dim)?
                }),
                quantised,
            })
        }
    }
}

/// The same queries against the gallery as a table of fewer bits gives it back.
fn quantise(
    queries: &Embeddings,
    gallery: &Embeddings,
    dtype: TableDtype,
    judgements: &Judgements,
    exact: &Searched,
    ms_to_encode: Option<f64>,
) -> Result<QuantisedRow, RunError> {
    let dim = gallery.dim();
    let clock = Instant::now();
    let stored = dtype.stored(gallery)?;
    let products = Products::new(queries.values(), stored.values(), dim)?;
    let index_ms = clock.elapsed().as_secs_f64() * 1e3;
    let (lists, ms) = timed_top_k(&products, LIST, judgements.itself.as_deref())?;
    let kept: f64 = exact.lists.iter().zip(&lists).map(|(a, b)| overlap_at(a, b, LIST)).sum();
    let metrics = Metrics::of(&high_ranks(&rank(&products, judgements)?));
    let before = Metrics::of(&exact.ranks);
    Ok(QuantisedRow {
        dtype: dtype.name().to_owned(),
        bytes_per_item: dtype.bytes_per_row(dim) as f64,
        index_ms,
        ms_per_query: ms_to_encode.map(|encoding| encoding + ms),
        search_ms_per_query: Some(ms),
        metrics,
        lost_recall_1: before.recall_1 - metrics.recall_1,
        kept_10: kept / lists.len().max(1) as f64,
    })
}

/// Lists, ranks, hubs and scores of all queries.
fn search(scores: &impl Scores, judgements: &Judgements) -> Result<Searched, RunError> {
    let (lists, ms) = timed_top_k(scores, LIST, judgements.itself.as_deref())?;
    let ranked = rank(scores, judgements)?;
    Ok(Searched {
        ranks: high_ranks(&ranked),
        ranked,
        hub_skewness: hubs(&lists, scores.gallery())?.skewness,
        lists,
        histogram: histogram(scores, judgements)?,
        ms,
    })
}

fn neighbours(role: &str, asked: &Asked<'_>, found: &Searched) -> NeighbourSet {
    let askers = asked.probe.askers(asked.direction);
    let queries = asked.places.iter().map(|&place| askers[place].0.to_owned()).collect();
    let gallery = asked.probe.answerers(asked.direction);
    let gallery = gallery.into_iter().map(|(id, _)| id.to_owned()).collect();
    let named = (role, asked.direction.name());
    let set = NeighbourSet::of(named, queries, gallery, &found.ranked, &found.lists, LIST);
    let units = units_to_keep(&set.queries, &asked.judgements.units);
    NeighbourSet { units, ..set }
}
