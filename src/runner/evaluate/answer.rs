//! [`Desk`]: encoders and a gallery that is encoded once, then one query after another, of two of them:
//! typed, an own picture, or one of the data set's.

use super::encoders::Encoders;
use super::itself::place_of_file;
use super::probe::{Captions, Probe};
use super::seat::{Known, Seat, asks_with_text, of_pictures};
use crate::encode::EncoderSpec;
use crate::eval::compare::{align, overlap_at};
use crate::eval::document::{DifferenceRow, INSPECT_FORMAT, ListDifference};
use crate::eval::{Direction, InspectDocument, Judgements};
use crate::ids::item_of;
use crate::runner::{Narrator, RunError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A caption or picture of the data set, by its id, or by its item's id for the item's first.
    Id(String),
    /// A typed text.
    Text(String),
    /// A picture file; its orientation is obeyed. Where it is one of the gallery's it is left out of
    /// its own list, as it would be by its id.
    Picture(PathBuf),
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub ask: Ask,
    /// Query to gallery.
    pub direction: Direction,
    /// Length of the lists.
    pub k: usize,
    /// Which two of the desk's encoders answer.
    pub pair: Pair,
}

/// Two of a desk's encoders, by their places; the left one first.
pub type Pair = [usize; 2];

/// Encoders that stay loaded beside the two that are asked.
const KEPT: usize = 2;

/// Encoders with everything they have encoded of a gallery.
pub struct Desk<'a> {
    pub(super) encoders: &'a Encoders<'a>,
    pub(super) probe: &'a Probe,
    pub(super) seats: Vec<Seat>,
    /// Places of seats, those asked last at the end.
    order: Vec<usize>,
    judged: BTreeMap<Direction, (Vec<usize>, Judgements)>,
}

impl<'a> Desk<'a> {
    /// A desk with nothing loaded yet: an encoder is at the first question that is asked of it, and
    /// encodes the gallery then, or by [`Desk::prepare`]. Those asked last stay loaded.
    #[must_use]
    pub fn new(encoders: &'a Encoders<'a>, specs: Vec<EncoderSpec>, probe: &'a Probe) -> Self {
        let seats = specs.into_iter().map(Seat::new).collect();
        Self { encoders, probe, seats, order: Vec::new(), judged: BTreeMap::new() }
    }

    /// The places of two encoders by their labels.
    ///
    /// # Errors
    /// A label that no encoder has.
    pub fn pair(&self, labels: &[String; 2]) -> Result<Pair, RunError> {
        let known: Vec<&str> = self.seats.iter().map(|seat| seat.spec.label.as_str()).collect();
        let place = |label: &String| {
            known.iter().position(|known| known == label).ok_or_else(|| {
                let known = known.join(", ");
                RunError::Unfit(format!("no encoder is called {label:?}; there are {known}"))
            })
        };
        let [a, b] = labels;
        Ok([place(a)?, place(b)?])
    }

    /// Lets go of encoders that were asked longest ago, where too many are loaded beside these two.
    pub(super) fn turn_to(&mut self, pair: Pair) {
        self.order.retain(|place| !pair.contains(place));
        let loaded = self.order.iter().filter(|place| self.seats[**place].is_loaded()).copied();
        let loaded: Vec<usize> = loaded.collect();
        for place in &loaded[..loaded.len().saturating_sub(KEPT)] {
            self.seats[*place].clear();
        }
        self.order.extend(pair);
        self.order.dedup();
    }

    /// The directions two encoders and the gallery can answer in.
    ///
    /// # Errors
    /// An encoder that is not there, or that has no embeddings.
    pub fn directions(&mut self, pair: Pair) -> Result<Vec<Direction>, RunError> {
        let mut found = Vec::new();
        for direction in Direction::ALL {
            let mut can = !self.probe.answerers(direction).is_empty();
            for place in pair {
                can &= self.seats[place].can(self.encoders, direction)?;
            }
            found.extend(can.then_some(direction));
        }
        Ok(found)
    }

    /// Has two encoders encode the gallery of a direction, where they have not yet.
    ///
    /// # Errors
    /// An encoder that is not there, or that has no embeddings of what is asked; no gallery of that
    /// kind, an encoder without that tower, a picture that cannot be read.
    pub fn prepare(
        &mut self,
        pair: Pair,
        direction: Direction,
        narrator: &mut Narrator,
    ) -> Result<(), RunError> {
        if self.probe.answerers(direction).is_empty() {
            let kind = if of_pictures(direction) { "pictures" } else { "captions" };
            return Err(RunError::Unfit(format!(
                "{direction} searches {kind}, and data set {} has none here; choose another direction, split or language",
                self.probe.protocol.dataset
            )));
        }
        self.turn_to(pair);
        for place in pair {
            self.seats[place].gallery(self.encoders, self.probe, direction, narrator)?;
        }
        Ok(())
    }

    /// Answers one question with both ranked lists and what differs. A query that nothing is known to
    /// answer has no relevant hits and no rank of a first one.
    ///
    /// # Errors
    /// A question that does not fit its direction, an id that is not there, a picture that cannot be
    /// read; and as [`Desk::prepare`].
    pub fn answer(
        &mut self,
        question: &Question,
        narrator: &mut Narrator,
    ) -> Result<InspectDocument, RunError> {
        let Question { ask, direction, k, pair } = question;
        let (direction, k, pair) = (*direction, *k, *pair);
        if k == 0 {
            return Err(RunError::Unfit("k: expected at least 1, found 0".to_owned()));
        }
        fits(ask, direction)?;
        let known = self.known(ask, direction)?;
        self.prepare(pair, direction, narrator)?;
        let gallery = self.probe.answerers(direction);
        let (encoders, probe) = (self.encoders, self.probe);
        let mut find = |place: usize| {
            let seat = &mut self.seats[place];
            let asked = seat.ask(encoders, probe, question, known.place)?;
            seat.find(probe, direction, k, asked, &known, &gallery)
        };
        let (a, b) = (find(pair[0])?, find(pair[1])?);
        let rows = align(&a.hits, &b.hits)
            .into_iter()
            .map(|row| DifferenceRow {
                item: gallery[row.item as usize].0.to_owned(),
                rank: row.rank,
            })
            .collect();
        let ranked = [a.ranked, b.ranked];
        let difference = ListDifference {
            overlap: overlap_at(&a.hits, &b.hits, k),
            first_relevant: ranked.map(|ranked| ranked.map(|ranked| ranked.high)),
            margin: ranked.map(|ranked| ranked.and_then(|ranked| ranked.margin())),
            rows,
        };
        let mut protocol = self.probe.protocol.clone();
        if direction == Direction::TextToText {
            let (any, pairs) = (Captions::Any.name(), Captions::AllPairs.name());
            protocol.captions = protocol.captions.replacen(any, pairs, 1);
        }
        Ok(InspectDocument {
            format: INSPECT_FORMAT.to_owned(),
            id: None,
            protocol,
            given: self.probe.given.clone(),
            direction,
            query: Some(self.describe(ask, direction, &known)),
            lists: vec![a.list, b.list],
            difference: Some(difference),
            summary: None,
            qrels: None,
            same_rows: Vec::new(),
        })
    }

    fn known(&mut self, ask: &Ask, direction: Direction) -> Result<Known, RunError> {
        let id = match ask {
            Ask::Id(id) => id,
            Ask::Text(_) => return Ok(Known::default()),
            Ask::Picture(path) => {
                let same = direction == Direction::ImageToImage;
                let itself = same.then(|| place_of_file(&self.probe.pictures, path)).flatten();
                return Ok(Known { itself: itself.map(|place| place as u32), ..Known::default() });
            }
        };
        let askers = self.probe.askers(direction);
        let found = askers
            .iter()
            .position(|(known, _)| known == id)
            .or_else(|| askers.iter().position(|(known, _)| item_of(known) == id));
        let place = found.ok_or_else(|| no_such_query(id, askers.iter().map(|(id, _)| *id)))?;
        let probe = self.probe;
        let (places, judgements) =
            self.judged.entry(direction).or_insert_with(|| probe.judgements(direction));
        let relevant = places.binary_search(&place).map(|at| judgements.relevant.of(at).to_vec());
        let itself = probe.leaves_out_itself(direction).then_some(place as u32);
        Ok(Known { place: Some(place), itself, relevant: relevant.unwrap_or_default() })
    }

    fn describe(&self, ask: &Ask, direction: Direction, known: &Known) -> Value {
        match (ask, known.place, known.itself) {
            (Ask::Text(text), ..) => json!({"text": text}),
            (Ask::Picture(path), _, Some(itself)) => {
                let item = &self.probe.pictures[itself as usize].id;
                json!({"image": path.display().to_string(), "item": item})
            }
            (Ask::Picture(path), _, None) => json!({"image": path.display().to_string()}),
            (Ask::Id(_), Some(place), _) if asks_with_text(direction) => {
                let entry = &self.probe.queries[place];
                json!({"id": entry.id, "text": entry.content})
            }
            (Ask::Id(_), Some(place), _) => json!({"id": self.probe.pictures[place].id}),
            (Ask::Id(id), None, _) => json!({"id": id}),
        }
    }
}

/// No query of that id: which ones there are.
pub(super) fn no_such_query<'b>(id: &str, mut known: impl Iterator<Item = &'b str>) -> RunError {
    let first: Vec<&str> = known.by_ref().take(3).collect();
    let rest = known.count();
    let found = match first.len() {
        0 => "there are none in this direction".to_owned(),
        _ if rest == 0 => format!("there are {}", first.join(", ")),
        _ => format!("the first ones are {}, and {rest} more", first.join(", ")),
    };
    RunError::Unfit(format!("no query is called {id:?}; {found}"))
}

fn fits(ask: &Ask, direction: Direction) -> Result<(), RunError> {
    let (found, wanted) = match ask {
        Ask::Id(_) => return Ok(()),
        Ask::Text(text) if text.trim().is_empty() => {
            return Err(RunError::Unfit("the text is empty; expected at least a word".to_owned()));
        }
        Ask::Text(_) => ("a text", asks_with_text(direction)),
        Ask::Picture(_) => ("a picture", !asks_with_text(direction)),
    };
    if wanted {
        return Ok(());
    }
    let from = if asks_with_text(direction) { "text" } else { "image" };
    Err(RunError::Unfit(format!(
        "{found} cannot ask in direction {direction}, which starts at {from}s; choose a direction that fits"
    )))
}
