//! [`Seat`]: one encoder of a desk, with its towers and what it has encoded of a gallery.

use super::answer::{Ask, Question};
use super::encoders::{Encoders, TimedRows, encode_pictures, encode_texts};
use super::probe::Probe;
use super::warm::{LONG, at_once, per, touch};
use crate::data::corpus::Picture;
use crate::data::picture::Exif;
use crate::encode::{
    Config, Embeddings, EncodedTexts, EncoderCard, EncoderSpec, ImageEncoder, Loaded,
    ModelImageEncoder, ModelTextEncoder, TextEncoder, image_encoder, text_encoder,
};
use crate::eval::{
    Direction, Hit, InspectHit, InspectList, Judgements, Products, Ranked, Relevant, rank, top_k,
};
use crate::runner::{Narrator, RunError};
use std::ops::ControlFlow;
use std::time::Instant;

/// One encoder; it is loaded, its towers are built and galleries encoded when first asked for.
pub(super) struct Seat {
    pub spec: EncoderSpec,
    loaded: Option<Loaded>,
    text: Option<ModelTextEncoder>,
    image: Option<ModelImageEncoder>,
    texts: Option<TimedRows>,
    pub pictures: Option<TimedRows>,
}

/// A query as it is searched with.
pub(super) struct Asked {
    row: Embeddings,
    card: EncoderCard,
    ms: f64,
    truncated: bool,
}

/// What is known of who answers a query.
#[derive(Default)]
pub(super) struct Known {
    /// The query's place among those that ask; none for a typed one.
    pub place: Option<usize>,
    /// Its own place in the gallery, to be left out; an own picture may have one too.
    pub itself: Option<u32>,
    /// Places that answer; empty where nothing says so.
    pub relevant: Vec<u32>,
}

/// One encoder's list.
pub(super) struct Found {
    pub hits: Vec<Hit>,
    pub ranked: Option<Ranked>,
    pub list: InspectList,
}

/// Whether texts ask in a direction.
pub(super) fn asks_with_text(direction: Direction) -> bool {
    matches!(direction, Direction::TextToImage | Direction::TextToText)
}

/// Whether pictures answer in a direction.
pub(super) fn of_pictures(direction: Direction) -> bool {
    matches!(direction, Direction::TextToImage | Direction::ImageToImage)
}

/// Builds into an empty place, or takes what is there.
fn or_make<T>(
    place: &mut Option<T>,
    make: impl FnOnce() -> Result<T, RunError>,
) -> Result<&mut T, RunError> {
    match place {
        Some(made) => Ok(made),
        empty => Ok(empty.insert(make()?)),
    }
}

/// Loads an encoder that can encode a query.
fn load(encoders: &Encoders<'_>, spec: &EncoderSpec) -> Result<Loaded, RunError> {
    if spec.source == "bm25" || spec.source.starts_with("table:") {
        let why = if spec.source == "bm25" {
            "has no embeddings: it can be inspected over all queries or for one by its id, not asked"
        } else {
            "has rows of fixed texts and cannot encode a query"
        };
        return Err(RunError::Unfit(format!("{} {why}; name a model", spec.label)));
    }
    Ok(encoders.sources().load(&spec.source)?)
}

impl Seat {
    /// An encoder that is not loaded yet.
    pub fn new(spec: EncoderSpec) -> Self {
        Self { spec, loaded: None, text: None, image: None, texts: None, pictures: None }
    }

    /// Whether anything of it is in memory.
    pub fn is_loaded(&self) -> bool {
        self.loaded.is_some()
    }

    /// Forgets all that was loaded and encoded.
    pub fn clear(&mut self) {
        *self = Self::new(self.spec.clone());
    }

    /// The encoder's weights and configuration.
    pub fn loaded(&mut self, encoders: &Encoders<'_>) -> Result<&Loaded, RunError> {
        let spec = &self.spec;
        let made = or_make(&mut self.loaded, || load(encoders, spec))?;
        Ok(made)
    }

    pub fn can(&mut self, encoders: &Encoders<'_>, direction: Direction) -> Result<bool, RunError> {
        let loaded = self.loaded(encoders)?;
        let (pictures, texts) = match &loaded.config {
            Config::Llama(_) => (false, true),
            Config::Clip(_) => (true, true),
            Config::Llm2clip(_) => (true, loaded.table.is_some()),
        };
        let ask = if asks_with_text(direction) { texts } else { pictures };
        Ok(ask && if of_pictures(direction) { pictures } else { texts })
    }

    pub fn text(&mut self, encoders: &Encoders<'_>) -> Result<&ModelTextEncoder, RunError> {
        let Self { spec, loaded, text, .. } = self;
        let made = or_make(text, || {
            // All tensors stand in it: copied only where a tower is built.
            let loaded = or_make(loaded, || load(encoders, spec))?.clone();
            Ok(text_encoder(&spec.source, loaded, &spec.options, &encoders.sources())?)
        })?;
        Ok(made)
    }

    /// The image tower, for a user's own picture, or for the data set's: orientation is obeyed in own
    /// ones.
    pub fn image(
        &mut self,
        encoders: &Encoders<'_>,
        own: bool,
    ) -> Result<&ModelImageEncoder, RunError> {
        let exif = if own { Exif::Applied } else { encoders.exif };
        let Self { spec, loaded, image, .. } = self;
        let made = or_make(image, || {
            let loaded = or_make(loaded, || load(encoders, spec))?.clone();
            Ok(image_encoder(&spec.source, loaded, exif, &encoders.workspace.device)?)
        })?;
        made.set_exif(exif);
        Ok(made)
    }

    /// The rows that are searched in a direction, where they are encoded.
    pub fn rows(&self, direction: Direction) -> Option<&TimedRows> {
        if of_pictures(direction) { self.pictures.as_ref() } else { self.texts.as_ref() }
    }

    /// Encodes the rows that are searched in a direction, where they are not yet.
    pub fn gallery(
        &mut self,
        encoders: &Encoders<'_>,
        probe: &Probe,
        direction: Direction,
        narrator: &mut Narrator,
    ) -> Result<(), RunError> {
        let label = self.spec.label.clone();
        if of_pictures(direction) && self.pictures.is_none() {
            let encoder = self.image(encoders, false)?;
            self.pictures = Some(encode_pictures(encoder, &probe.pictures, &label, narrator)?);
        }
        if !of_pictures(direction) && self.texts.is_none() {
            let encoder = self.text(encoders)?;
            self.texts = Some(encode_texts(encoder, &probe.texts, &label, narrator)?);
        }
        Ok(())
    }

    /// The query's row: one of the gallery's where it stands there, else encoded now.
    pub fn ask(
        &mut self,
        encoders: &Encoders<'_>,
        probe: &Probe,
        question: &Question,
        place: Option<usize>,
    ) -> Result<Asked, RunError> {
        let stored = |rows: &TimedRows, place: usize| Asked {
            row: rows.rows.select(&[place]),
            card: rows.card.clone(),
            ms: rows.ms_per_item.unwrap_or_default(),
            truncated: rows.is_cut(place),
        };
        let texts = asks_with_text(question.direction);
        match (place, &self.texts, &self.pictures) {
            (Some(place), Some(rows), _) if texts && probe.one_list() => {
                return Ok(stored(rows, place));
            }
            (Some(place), _, Some(rows)) if !texts => return Ok(stored(rows, place)),
            _ => {}
        }
        if texts {
            let text = match (&question.ask, place) {
                (Ask::Text(text), _) => text.as_str(),
                (_, Some(place)) => probe.queries[place].content.as_str(),
                _ => "",
            };
            let (encoded, card, ms) = self.read(encoders, &[text])?;
            let truncated = encoded.truncated > 0;
            return Ok(Asked { row: encoded.rows, card, ms, truncated });
        }
        let (picture, own) = match (&question.ask, place) {
            (_, Some(place)) => (probe.pictures[place].content.clone(), false),
            (Ask::Picture(path), None) => (Picture::File(path.clone()), true),
            (ask, None) => return Err(RunError::Unfit(format!("{ask:?} is no picture"))),
        };
        let (row, card, ms) = self.look(encoders, &picture, own)?;
        Ok(Asked { row, card, ms, truncated: false })
    }

    /// Rows of texts, the encoder's card, and the milliseconds it took once the encoder was there; a new
    /// one encodes the first of several for nothing, and one alone again where that is quick.
    pub fn read(
        &mut self,
        encoders: &Encoders<'_>,
        texts: &[&str],
    ) -> Result<(EncodedTexts, EncoderCard, f64), RunError> {
        let is_new = self.text.is_none();
        let encoder = self.text(encoders)?;
        let encode = |texts: &[&str]| encoder.encode(texts, &mut |_, _| ControlFlow::Continue(()));
        let several = texts.len() > 1;
        if is_new && several {
            // What is wrong with it is said by the encoding that counts.
            let _ = encode(&texts[..1]);
        }
        let (encoded, time) = at_once(is_new && !several, LONG, || encode(texts))?;
        Ok((encoded, encoder.card().clone(), per(time, 1)))
    }

    /// Likewise a picture's row.
    pub fn look(
        &mut self,
        encoders: &Encoders<'_>,
        picture: &Picture,
        own: bool,
    ) -> Result<(Embeddings, EncoderCard, f64), RunError> {
        let is_new = self.image.is_none();
        let encoder = self.image(encoders, own)?;
        touch(&[picture]);
        let encode = || encoder.encode(&[picture], &mut |_, _| ControlFlow::Continue(()));
        let (made, time) = at_once(is_new, LONG, encode)?;
        Ok((made.rows, encoder.card().clone(), per(time, 1)))
    }

    pub fn find(
        &self,
        probe: &Probe,
        direction: Direction,
        k: usize,
        asked: Asked,
        known: &Known,
        gallery: &[(&str, u32)],
    ) -> Result<Found, RunError> {
        let Some(rows) = self.rows(direction) else {
            let dataset = &probe.protocol.dataset;
            return Err(RunError::Unfit(format!("the gallery of {dataset} is not encoded")));
        };
        let clock = Instant::now();
        let products = Products::beside(asked.row.values(), rows.rows.values(), rows.rows.dim())?;
        let itself = known.itself.map(|place| vec![place]);
        let hits = top_k(&products, k, itself.as_deref())?.pop().unwrap_or_default();
        let ms = asked.ms + clock.elapsed().as_secs_f64() * 1e3;
        let relevant = Relevant::from_lists([known.relevant.iter().copied()]);
        let judged = !known.relevant.is_empty();
        let hit = |hit: &Hit| InspectHit {
            item: gallery[hit.item as usize].0.to_owned(),
            rank: hit.rank,
            rank_high: hit.rank_high,
            score: hit.score,
            relevant: judged.then(|| relevant.holds(0, hit.item)),
        };
        let list = InspectList {
            role: self.spec.label.clone(),
            encoder: serde_json::to_value(&asked.card).unwrap_or_default(),
            ms,
            truncated: asked.truncated,
            hits: hits.iter().map(hit).collect(),
        };
        let judgements = Judgements { relevant, units: vec![0], itself };
        let ranked = judged.then(|| rank(&products, &judgements)).transpose()?;
        let ranked = ranked.and_then(|mut ranked| ranked.pop());
        Ok(Found { hits, ranked, list })
    }
}
