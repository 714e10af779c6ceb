//! A query's ranked lists under two encoders, and what differs; or all queries, counted by slice.

use super::answer::no_such_query;
use super::beside::Second;
use super::compare::{Neighbours, sides};
use super::encoders::{Encoded, Encoders};
use super::probe::Probe;
use super::qrels::Qrels;
use super::same;
use crate::encode::{EncoderCard, EncoderSpec};
use crate::eval::compare::{Answers, Slice, align, overlap_at, slices};
use crate::eval::document::{DifferenceRow, INSPECT_FORMAT, ListDifference, Summary, SummaryRow};
use crate::eval::geometry::{HUB_K, Hubs, hubs};
use crate::eval::second::SecondSummary;
use crate::eval::{
    Direction, Hit, InspectDocument, InspectHit, InspectList, Judgements, Products, Ranked, Scores,
    rank, top_k,
};
use crate::runner::{Narrator, RunError};
use crate::session::neighbours::NeighbourSet;
use std::time::Instant;

/// Which query is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A caption or picture of the data set, by id.
    Id(String),
    /// The query on which the two encoders differ most, in favour of the second.
    MostImproved,
    /// All of them, counted; rows of one slice where one is named.
    All(Option<Slice>),
}

/// What is inspected.
#[derive(Clone, Debug)]
pub struct InspectRequest {
    /// Two encoders.
    pub encoders: [EncoderSpec; 2],
    /// Query to gallery.
    pub direction: Direction,
    /// Which query.
    pub query: Query,
    /// Length of the lists.
    pub k: usize,
    /// A second set of judgements, whose slices of all queries stand beside the set's own.
    pub qrels: Option<Qrels>,
}

/// One encoder's answers to all queries.
pub(super) struct Side {
    role: String,
    card: serde_json::Value,
    ms: f64,
    /// Whether each query was cut.
    cut: Vec<bool>,
    ranked: Vec<Ranked>,
    /// As long as was asked for, and at least as hubs are counted over.
    lists: Vec<Vec<Hit>>,
    hubs: Hubs,
}

impl Side {
    /// The first `k` of a query.
    fn list(&self, query: usize, k: usize) -> &[Hit] {
        let list = &self.lists[query];
        &list[..k.min(list.len())]
    }

    fn answers(&self) -> Answers<'_> {
        Answers { ranked: &self.ranked, lists: &self.lists, hubs: &self.hubs }
    }

    /// Its neighbours of all queries, by the ids of those and of the gallery.
    pub(super) fn neighbours(
        &self,
        direction: Direction,
        (queries, gallery): (&[String], &[String]),
        k: usize,
    ) -> NeighbourSet {
        let Self { role, ranked, lists, .. } = self;
        let (queries, gallery) = (queries.to_vec(), gallery.to_vec());
        NeighbourSet::of((role, direction.name()), queries, gallery, ranked, lists, long(k))
    }
}

/// Inspects a probe; returns the document, and both encoders' neighbours of every query, by its own
/// judgements and by a second set.
pub fn inspect(
    encoders: &Encoders<'_>,
    probe: &Probe,
    request: &InspectRequest,
    narrator: &mut Narrator,
) -> Result<(InspectDocument, Neighbours), RunError> {
    let (places, judgements) = probe.judgements(request.direction);
    let mut second = Second::of(request, probe, narrator)?;
    if places.is_empty() {
        return unjudged(encoders, probe, request, second, narrator);
    }
    let (mut answered, mut digests) = (Vec::new(), Vec::new());
    for spec in &request.encoders {
        let encoded = encoders.encode(spec, probe, narrator)?;
        digests.push((spec.label.clone(), same::digest(&encoded)));
        answered.push(side(spec, &encoded, request, (&places, &judgements))?);
        if let Some(second) = &mut second {
            second.add(spec, &encoded)?;
        }
    }
    let same_rows = same::groups(&digests);
    same::warn(&same_rows, narrator)?;
    let askers = probe.askers(request.direction);
    let asked: Vec<&str> = places.iter().map(|&place| askers[place].0).collect();
    let gallery = probe.answerers(request.direction);
    let gallery: Vec<String> = gallery.iter().map(|(id, _)| (*id).to_owned()).collect();
    let [a, b] = [&answered[0], &answered[1]];
    let (qrels, mut neighbours) = beside(second, probe)?;
    let mut document = InspectDocument {
        format: INSPECT_FORMAT.to_owned(),
        id: None,
        protocol: probe.protocol.clone(),
        given: probe.given.clone(),
        direction: request.direction,
        query: None,
        lists: Vec::new(),
        difference: None,
        summary: None,
        qrels,
        same_rows,
    };
    let chosen = match &request.query {
        Query::All(slice) => {
            document.summary = Some(summary(a, b, &asked, request.k, *slice)?);
            None
        }
        Query::MostImproved => most_improved(a, b),
        Query::Id(id) => {
            let found = asked.iter().position(|known| known == id);
            Some(found.ok_or_else(|| no_such_query(id, asked.iter().copied()))?)
        }
    };
    for side in [a, b] {
        document.lists.push(InspectList {
            role: side.role.clone(),
            encoder: side.card.clone(),
            ms: side.ms,
            truncated: chosen.is_some_and(|query| side.cut.get(query).copied().unwrap_or_default()),
            hits: chosen.map_or_else(Vec::new, |query| {
                hits(side.list(query, request.k), &gallery, &judgements, query)
            }),
        });
    }
    if let Some(query) = chosen {
        document.query = Some(describe(probe, request.direction, places[query], asked[query]));
        document.difference = Some(difference(a, b, query, &gallery, request.k));
    }
    let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
    let ids = (&asked[..], &gallery[..]);
    neighbours.own = [a, b].map(|side| side.neighbours(request.direction, ids, request.k)).into();
    Ok((document, neighbours))
}

/// Both encoders' lists of everything that asks, where nothing says what is relevant: how much of
/// them is shared, the least shared first.
fn unjudged(
    encoders: &Encoders<'_>,
    probe: &Probe,
    request: &InspectRequest,
    mut second: Option<Second<'_>>,
    narrator: &mut Narrator,
) -> Result<(InspectDocument, Neighbours), RunError> {
    let (direction, k) = (request.direction, request.k);
    let askers = probe.askers(direction);
    // A slice is then the file's.
    let sliced = second.is_some() && matches!(request.query, Query::All(_));
    if !(sliced || request.query == Query::All(None)) || askers.is_empty() {
        return Err(RunError::Unfit(format!(
            "data set {} does not say what is relevant in direction {direction}, so there are no slices and no ranks; leave --slice out, or name one query: by id, as a text or as a picture",
            probe.protocol.dataset
        )));
    }
    let itself: Option<Vec<u32>> =
        probe.leaves_out_itself(direction).then(|| (0..askers.len() as u32).collect());
    let (mut lists, mut found, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for spec in &request.encoders {
        let encoded = encoders.encode(spec, probe, narrator)?;
        let Encoded::Rows { queries, texts, pictures } = &encoded else {
            return Err(only_words(spec));
        };
        let (ask, answer) = sides(queries.as_ref(), texts.as_ref(), pictures.as_ref(), direction)?;
        let dim = answer.rows.dim();
        digests.push((spec.label.clone(), same::digest_of(&[&ask.rows, &answer.rows])));
        if let Some(second) = &mut second {
            second.add(spec, &encoded)?;
        }
        let products = Products::new(ask.rows.values(), answer.rows.values(), dim)?;
        let clock = Instant::now();
        found.push(top_k(&products, k, itself.as_deref())?);
        let search = clock.elapsed().as_secs_f64() * 1e3 / askers.len() as f64;
        lists.push(InspectList {
            role: spec.label.clone(),
            encoder: serde_json::to_value(&ask.card).unwrap_or_default(),
            ms: ask.ms_per_item.unwrap_or_default() + search,
            truncated: false,
            hits: Vec::new(),
        });
    }
    let same_rows = same::groups(&digests);
    same::warn(&same_rows, narrator)?;
    let pairs = found[0].iter().zip(&found[1]).zip(&askers);
    let mut rows: Vec<SummaryRow> = pairs
        .map(|((a, b), (query, _))| SummaryRow {
            query: (*query).to_owned(),
            first_relevant: [None, None],
            margin: [None, None],
            overlap: overlap_at(a, b, k),
        })
        .collect();
    let overlap = rows.iter().map(|row| row.overlap).sum::<f64>() / rows.len() as f64;
    rows.sort_by(|a, b| a.overlap.total_cmp(&b.overlap));
    let summary = Summary { queries: rows.len(), k, overlap, rows, ..Summary::default() };
    let (qrels, neighbours) = beside(second, probe)?;
    let document = InspectDocument {
        format: INSPECT_FORMAT.to_owned(),
        id: None,
        protocol: probe.protocol.clone(),
        given: probe.given.clone(),
        direction,
        query: None,
        lists,
        difference: None,
        summary: Some(summary),
        qrels,
        same_rows,
    };
    Ok((document, neighbours))
}

/// What a second set of judgements says of all queries, and who stood near whom by it.
fn beside(
    second: Option<Second<'_>>,
    probe: &Probe,
) -> Result<(Option<SecondSummary>, Neighbours), RunError> {
    let found = second.map(|second| second.all(probe)).transpose()?.flatten();
    Ok(found.map_or_else(Default::default, |(summary, neighbours)| (Some(summary), neighbours)))
}

/// One encoder's answers to the queries that judgements speak of.
pub(super) fn side(
    spec: &EncoderSpec,
    encoded: &Encoded,
    request: &InspectRequest,
    (places, judgements): (&[usize], &Judgements),
) -> Result<Side, RunError> {
    let direction = request.direction;
    match encoded {
        Encoded::Words(_) if direction != Direction::TextToText => Err(only_words(spec)),
        Encoded::Words(words) => {
            let (scores, ms) = (words.asked(places), words.ms_per_query);
            searched(spec, &words.card, ms, &scores, request.k, judgements)
        }
        Encoded::Rows { queries, texts, pictures } => {
            let (ask, answer) =
                sides(queries.as_ref(), texts.as_ref(), pictures.as_ref(), direction)?;
            let asked = ask.rows.select(places);
            let products = Products::new(asked.values(), answer.rows.values(), answer.rows.dim())?;
            let cut = places.iter().map(|&place| ask.is_cut(place)).collect();
            let ms = ask.ms_per_item.unwrap_or_default();
            let side = searched(spec, &ask.card, ms, &products, request.k, judgements)?;
            Ok(Side { cut, ..side })
        }
    }
}

/// Length of the lists that are searched: which items are hubs must not hang on how many are shown.
fn long(k: usize) -> usize {
    k.max(HUB_K)
}

/// BM25's answer to everything but texts that ask for texts of a set that says what is relevant.
fn only_words(spec: &EncoderSpec) -> RunError {
    RunError::Unfit(format!(
        "{} compares words: expected direction text-to-text on a set that says what is relevant, or a model; found neither",
        spec.label
    ))
}

/// Lists, ranks and hubs of all queries; `ms` is what encoding one took, nothing for a table's.
fn searched(
    spec: &EncoderSpec,
    card: &EncoderCard,
    ms: f64,
    scores: &impl Scores,
    k: usize,
    judgements: &Judgements,
) -> Result<Side, RunError> {
    let clock = Instant::now();
    let lists = top_k(scores, long(k), judgements.itself.as_deref())?;
    let search = clock.elapsed().as_secs_f64() * 1e3 / scores.queries().max(1) as f64;
    Ok(Side {
        role: spec.label.clone(),
        card: serde_json::to_value(card).unwrap_or_default(),
        ms: ms + search,
        cut: Vec::new(),
        ranked: rank(scores, judgements)?,
        hubs: hubs(&lists, scores.gallery())?,
        lists,
    })
}

fn describe(probe: &Probe, direction: Direction, place: usize, id: &str) -> serde_json::Value {
    match direction {
        Direction::TextToImage | Direction::TextToText => {
            serde_json::json!({"id": id, "text": probe.queries[place].content})
        }
        Direction::ImageToText | Direction::ImageToImage => serde_json::json!({"id": id}),
    }
}

/// The query whose first relevant item rose most from the first encoder to the second.
fn most_improved(a: &Side, b: &Side) -> Option<usize> {
    let gain = |query: &usize| i64::from(a.ranked[*query].high) - i64::from(b.ranked[*query].high);
    // The first of equals, so that the choice does not depend on the order of a search.
    (0..a.ranked.len()).rev().max_by_key(gain)
}

fn hits(
    list: &[Hit],
    gallery: &[String],
    judgements: &Judgements,
    query: usize,
) -> Vec<InspectHit> {
    list.iter()
        .map(|hit| InspectHit {
            item: gallery[hit.item as usize].clone(),
            rank: hit.rank,
            rank_high: hit.rank_high,
            score: hit.score,
            relevant: Some(judgements.relevant.holds(query, hit.item)),
        })
        .collect()
}

fn difference(a: &Side, b: &Side, query: usize, gallery: &[String], k: usize) -> ListDifference {
    let (left, right) = (a.list(query, k), b.list(query, k));
    let rows = align(left, right)
        .into_iter()
        .map(|row| DifferenceRow { item: gallery[row.item as usize].clone(), rank: row.rank })
        .collect();
    ListDifference {
        overlap: overlap_at(left, right, k),
        first_relevant: [Some(a.ranked[query].high), Some(b.ranked[query].high)],
        margin: [a.ranked[query].margin(), b.ranked[query].margin()],
        rows,
    }
}

/// Queries counted by slice; those of the slice that is wanted, what changed most first.
pub(super) fn summary(
    a: &Side,
    b: &Side,
    asked: &[&str],
    k: usize,
    wanted: Option<Slice>,
) -> Result<Summary, RunError> {
    let found = slices(a.answers(), b.answers())?;
    let mut summary = Summary { queries: asked.len(), k, ..Summary::default() };
    let overlap = |query: usize| overlap_at(&a.lists[query], &b.lists[query], k);
    for slice in Slice::ALL {
        let count = found.iter().filter(|slices| slices.contains(&slice)).count();
        summary.slices.insert(slice, count);
    }
    summary.overlap = (0..asked.len()).map(overlap).sum::<f64>() / asked.len().max(1) as f64;
    if let Some(wanted) = wanted {
        // Margins of two spaces are on two scales: ranks first.
        let change = |query: usize| {
            let (a, b) = (&a.ranked[query], &b.ranked[query]);
            let margins = a.margin().zip(b.margin());
            (a.high.abs_diff(b.high), margins.map_or(0.0, |(a, b)| (b - a).abs()))
        };
        let mut queries: Vec<usize> =
            (0..asked.len()).filter(|&query| found[query].contains(&wanted)).collect();
        queries.sort_by(|&x, &y| {
            let ((rank_x, margin_x), (rank_y, margin_y)) = (change(x), change(y));
            rank_y.cmp(&rank_x).then(margin_y.total_cmp(&margin_x))
        });
        summary.rows = queries
            .into_iter()
            .map(|query| SummaryRow {
                query: asked[query].to_owned(),
                first_relevant: [Some(a.ranked[query].high), Some(b.ranked[query].high)],
                margin: [a.ranked[query].margin(), b.ranked[query].margin()],
                overlap: overlap(query),
            })
            .collect();
    }
    Ok(summary)
}
