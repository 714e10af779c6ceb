//! A second set of judgements of an inspection: the same queries and lists, and slices by what a file says,
//! beside those by the set's own.

use super::compare::Neighbours;
use super::encoders::Encoded;
use super::inspect::{InspectRequest, Query, Side, side, summary};
use super::keepsakes::judged_set;
use super::probe::Probe;
use crate::encode::EncoderSpec;
use crate::eval::Judgements;
use crate::eval::second::{QrelsRead, SecondSummary};
use crate::runner::{Narrator, RunError};

/// What a file says about an inspection's queries, and what encoders made of those.
pub(super) struct Second<'a> {
    request: &'a InspectRequest,
    name: &'a str,
    read: QrelsRead,
    places: Vec<usize>,
    judgements: Judgements,
    sides: Vec<Side>,
}

impl<'a> Second<'a> {
    /// The file that a request names, where it names one; says what of it is not here.
    pub(super) fn of(
        request: &'a InspectRequest,
        probe: &Probe,
        narrator: &mut Narrator,
    ) -> Result<Option<Self>, RunError> {
        let Some(file) = &request.qrels else { return Ok(None) };
        let direction = request.direction;
        let mut judged = file.judge(probe, &[direction]);
        let Some((_, places, judgements)) = judged.directions.pop() else {
            return Err(RunError::Unfit(format!(
                "{}: expected judgements on this data set's queries and items in direction {direction}, found none of them; ids are those that `export` writes, `item#k` and `item@n`",
                file.name
            )));
        };
        file.warn_of_unknown(&judged.read, "inspection", narrator)?;
        let (name, read) = (file.name.as_str(), judged.read);
        Ok(Some(Self { request, name, read, places, judgements, sides: Vec::new() }))
    }

    /// Has one more encoder answer the queries that the file speaks of.
    pub(super) fn add(&mut self, spec: &EncoderSpec, encoded: &Encoded) -> Result<(), RunError> {
        let judged = (self.places.as_slice(), &self.judgements);
        self.sides.push(side(spec, encoded, self.request, judged)?);
        Ok(())
    }

    /// All of its queries, counted, and who stood near whom; nothing where one query was asked for.
    pub(super) fn all(
        self,
        probe: &Probe,
    ) -> Result<Option<(SecondSummary, Neighbours)>, RunError> {
        let ([a, b], Query::All(slice)) = (&self.sides[..], &self.request.query) else {
            return Ok(None);
        };
        let (direction, k) = (self.request.direction, self.request.k);
        let askers = probe.askers(direction);
        let asked: Vec<&str> = self.places.iter().map(|&place| askers[place].0).collect();
        let summary = summary(a, b, &asked, k, *slice)?;
        let mut protocol = probe.protocol.clone();
        self.name.clone_into(&mut protocol.judgements);
        let judged = judged_set(probe, self.name, direction, &self.places, &self.judgements);
        let ids = (&judged.queries[..], &judged.gallery[..]);
        let neighbours = Neighbours {
            second: [a, b].map(|side| side.neighbours(direction, ids, k)).into(),
            judged: vec![judged],
            ..Neighbours::default()
        };
        Ok(Some((SecondSummary { protocol, read: self.read, summary }, neighbours)))
    }
}
