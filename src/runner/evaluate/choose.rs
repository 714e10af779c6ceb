//! The desk's zero-shot choice: one picture against texts that were typed, under both encoders, which
//! stay loaded from one question to the next.

use super::answer::{Ask, Desk, Pair, no_such_query};
use super::candidates;
use super::classify::{Candidate, DEFAULT_SCALE};
use super::compare::RESAMPLES;
use super::encoders::Encoders;
use super::probe::Probe;
use super::seat::Seat;
use crate::data::corpus::Picture;
use crate::eval::Products;
use crate::eval::classify::{
    CLASSIFY_FORMAT, ClassHit, ClassifiedPicture, ClassifyDocument, ClassifyProtocol, ClassifyRow,
    Labelled, choices,
};
use crate::eval::document::{RULES_VERSION, TIE_RULE};
use crate::ids::item_of;
use crate::runner::RunError;

/// The picture that is asked about.
enum Asked<'a> {
    /// One of the data set's, by its place.
    Stored(usize),
    /// A user's own.
    Own(&'a Picture),
}

impl Desk<'_> {
    /// Lets two encoders choose among texts for a picture: softmax of the scaled cosines.
    ///
    /// # Errors
    /// A question without a picture, fewer than two texts or one of them twice, an encoder that lacks a
    /// tower, a picture that cannot be read.
    pub fn choose(
        &mut self,
        pair: Pair,
        ask: &Ask,
        texts: &[String],
    ) -> Result<ClassifyDocument, RunError> {
        let texts = distinct(texts)?;
        let probe = self.probe;
        let own = match ask {
            Ask::Picture(path) => Some(Picture::File(path.clone())),
            _ => None,
        };
        let (asked, name) = match (ask, &own) {
            (_, Some(picture)) => (Asked::Own(picture), None),
            (Ask::Id(id), None) => {
                let place = place_of(probe, id)?;
                (Asked::Stored(place), Some(probe.pictures[place].id.clone()))
            }
            _ => {
                let what = "a text has no picture to choose for; name a picture file or a query";
                return Err(RunError::Unfit(what.to_owned()));
            }
        };
        let (mut rows, mut classes) = (Vec::new(), Vec::new());
        self.turn_to(pair);
        for place in pair {
            let seat = &mut self.seats[place];
            let (row, chosen) = seat.choose(self.encoders, probe, &asked, &texts)?;
            rows.push(row);
            classes.push(chosen);
        }
        let item = name.unwrap_or_else(|| match ask {
            Ask::Picture(path) => path.display().to_string(),
            _ => String::new(),
        });
        Ok(ClassifyDocument {
            format: CLASSIFY_FORMAT.to_owned(),
            protocol: protocol(probe, ask, &item),
            candidates: texts.clone(),
            texts,
            templates: vec!["{}".to_owned()],
            rows,
            differences: Vec::new(),
            family: String::new(),
            labelled: Labelled { without: 1, ..Labelled::default() },
            pictures: vec![ClassifiedPicture { item, label: None, classes }],
            same_rows: Vec::new(),
            resamples: RESAMPLES,
            seed: 0,
            program: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

impl Seat {
    fn choose(
        &mut self,
        encoders: &Encoders<'_>,
        probe: &Probe,
        asked: &Asked<'_>,
        texts: &[String],
    ) -> Result<(ClassifyRow, Vec<ClassHit>), RunError> {
        let scale = self.loaded(encoders)?.logit_scale()?;
        let stored = match (asked, &self.pictures) {
            (Asked::Stored(place), Some(rows)) => {
                let ms = rows.ms_per_item.unwrap_or_default();
                Some((rows.rows.select(&[*place]), rows.card.clone(), ms))
            }
            _ => None,
        };
        let (picture, card, ms) = if let Some(known) = stored {
            known
        } else {
            let (picture, own) = match asked {
                Asked::Own(picture) => (*picture, true),
                Asked::Stored(place) => (&probe.pictures[*place].content, false),
            };
            self.look(encoders, picture, own)?
        };
        let asked: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (encoded, text_card, text_ms) = self.read(encoders, &asked)?;
        let ms_per_candidate = text_ms / texts.len() as f64;
        let (rows, dim) = (&encoded.rows, encoded.rows.dim());
        if picture.dim() != dim {
            return Err(RunError::Unfit(format!(
                "{}: pictures have rows of {} numbers and texts of {dim}; they cannot be compared",
                self.spec.label,
                picture.dim()
            )));
        }
        let products = Products::new(picture.values(), rows.values(), dim)?;
        let scale_from = if scale.is_some() { "model" } else { "default" };
        let scale = scale.unwrap_or(DEFAULT_SCALE);
        let chosen = choices(&products, scale, texts.len())?.pop().unwrap_or_default();
        let row = ClassifyRow {
            role: self.spec.label.clone(),
            encoder: serde_json::to_value(&card).unwrap_or_default(),
            text_encoder: serde_json::to_value(&text_card).unwrap_or_default(),
            scale,
            scale_from: scale_from.to_owned(),
            metrics: None,
            ci95: None,
            tied_share: 0.0,
            ms_per_item: ms,
            ms_per_candidate,
            truncated: encoded.truncated,
        };
        Ok((row, chosen))
    }
}

/// The place of a picture: by its own id, or the first of the item that an id names.
fn place_of(probe: &Probe, id: &str) -> Result<usize, RunError> {
    let pictures = &probe.pictures;
    if pictures.is_empty() {
        return Err(RunError::Unfit(format!(
            "data set {} has no pictures here to choose for; name a picture file",
            probe.protocol.dataset
        )));
    }
    let found = pictures
        .iter()
        .position(|entry| entry.id == id)
        .or_else(|| pictures.iter().position(|entry| item_of(&entry.id) == id))
        .or_else(|| pictures.iter().position(|entry| item_of(&entry.id) == item_of(id)));
    found.ok_or_else(|| no_such_query(id, pictures.iter().map(|entry| entry.id.as_str())))
}

/// At least two texts, trimmed, each once.
fn distinct(texts: &[String]) -> Result<Vec<String>, RunError> {
    let classes: Vec<Candidate> = texts.iter().map(|text| Candidate::of(text)).collect();
    candidates::distinct(&classes)
        .map_err(|error| RunError::Unfit(format!("candidates: {error}")))?;
    Ok(classes.into_iter().map(|class| class.text).collect())
}

/// Which picture of what.
fn protocol(probe: &Probe, ask: &Ask, item: &str) -> ClassifyProtocol {
    let own = matches!(ask, Ask::Picture(_));
    let set = &probe.protocol;
    ClassifyProtocol {
        dataset: if own { item.to_owned() } else { set.dataset.clone() },
        split: set.split.clone().filter(|_| !own),
        split_digest: (!own).then(|| set.split_digest.clone()),
        pool: set.pool.filter(|_| !own),
        tie_rule: TIE_RULE.to_owned(),
        rules: RULES_VERSION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::corpus::{Caption, Corpus, Item};
    use crate::eval::Task;
    use crate::runner::evaluate::{Captions, ProbeRequest};

    #[test]
    fn a_picture_is_named_by_its_id_or_its_items_even_with_signs_in_it() {
        let item = |id: &str, index: u32| Item {
            id: id.to_owned(),
            concept: id.to_owned(),
            pictures: vec![Picture::Builtin { vendor: 0, index }],
            captions: vec![Caption { text: id.to_owned(), language: None }],
            split: None,
            label: None,
            base: true,
            extra: serde_json::Map::new(),
        };
        let items = vec![item("me", 0), item("me@home.jpg", 1), item("COCO_val2014_000391895", 2)];
        let request = ProbeRequest::new(Task::Image, Captions::Any);
        let probe = Probe::new(&Corpus::new("set", items), &request).unwrap();
        for (id, place) in [
            ("me", 0),
            ("me@home.jpg", 1),
            ("me@home.jpg@0", 1),
            ("COCO_val2014_000391895#3", 2),
            ("COCO_val2014_000391895", 2),
        ] {
            assert_eq!(place_of(&probe, id).ok(), Some(place), "{id}");
        }
        assert!(place_of(&probe, "me@work.jpg").is_err(), "no picture of another item");
    }

    #[test]
    fn a_choice_needs_two_texts_each_once() {
        let of = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            distinct(&texts).map_err(|error| error.to_string())
        };
        assert_eq!(of(&[" a cat", "a dog "]).unwrap(), ["a cat", "a dog"]);
        assert!(of(&["a cat"]).unwrap_err().contains("at least two"));
        assert!(of(&["a", " "]).unwrap_err().contains("without a text"));
        assert!(of(&["a", "a "]).unwrap_err().contains("twice"));
    }
}
