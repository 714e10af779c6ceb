//! [`Encoders`]: encoders by role, opened once, and rows with the time they took.

use super::overlap::Words;
use super::probe::{Entry, Probe};
use super::warm::{clocked_pictures, clocked_texts};
use crate::data::corpus::Picture;
use crate::data::picture::Exif;
use crate::encode::{
    Config, Embeddings, EncodeError, EncoderCard, EncoderSpec, ImageEncoder, Sources, Table,
    TextEncoder, Tower, image_encoder, text_encoder,
};
use crate::runner::{Narrator, RunError, Workspace};
use std::path::Path;

/// Rows with what making them took.
#[derive(Clone, Debug)]
pub struct TimedRows {
    /// Unit rows.
    pub rows: Embeddings,
    /// The encoder.
    pub card: EncoderCard,
    /// Milliseconds an item, all items encoded together, after a few that were not timed.
    /// None where they came out of a table.
    pub ms_per_item: Option<f64>,
    /// Texts that were cut.
    pub truncated: usize,
    /// Whether each row's text was cut; of pictures nothing is said.
    pub cut: Vec<bool>,
}

impl TimedRows {
    /// Whether only the beginning of a row's text was read.
    #[must_use]
    pub fn is_cut(&self, row: usize) -> bool {
        self.cut.get(row).copied().unwrap_or_default()
    }
}

/// Both sides of one encoder over a probe.
pub enum Encoded {
    /// Rows of every kind the task needs.
    Rows {
        /// Texts that ask.
        queries: Option<TimedRows>,
        /// Texts that answer; none where they are the same as those that ask.
        texts: Option<TimedRows>,
        /// Pictures.
        pictures: Option<TimedRows>,
    },
    /// BM25 has no rows: it scores when it is asked.
    Words(Words),
}

impl Encoded {
    /// Whether it has rows of pictures and of nothing else.
    pub fn is_of_pictures_alone(&self) -> bool {
        matches!(self, Self::Rows { queries: None, texts: None, pictures: Some(_) })
    }
}

/// Opens encoders and runs them.
pub struct Encoders<'a> {
    /// Where checkpoints are, and the device.
    pub workspace: &'a Workspace,
    /// Whether pictures' orientation is obeyed.
    pub exif: Exif,
}

impl Encoders<'_> {
    /// Encodes a probe with one encoder.
    pub fn encode(
        &self,
        spec: &EncoderSpec,
        probe: &Probe,
        narrator: &mut Narrator,
    ) -> Result<Encoded, RunError> {
        if spec.source == "bm25" {
            return Ok(Encoded::Words(Words::of(probe)));
        }
        let sources = self.workspace.sources();
        let same = probe.one_list();
        if let Some(file) = spec.source.strip_prefix("table:") {
            return table(file, probe);
        }
        if !probe.pictures.is_empty() {
            spec.options.fit_both(&spec.source).map_err(EncodeError::from)?;
        }
        let loaded = sources.load(&spec.source)?;
        // The image half of a released model, or the half that was asked for.
        let no_text = match &loaded.config {
            Config::Llm2clip(_) => loaded.table.is_none(),
            Config::Clip(_) | Config::Llama(_) => false,
        };
        let pictures_only = spec.options.tower == Some(Tower::Image) || no_text;
        let reads = !probe.queries.is_empty() || !probe.texts.is_empty();
        // Made first, so that options that do not fit are refused before anything is encoded.
        let encoder = if reads && (!pictures_only || probe.pictures.is_empty()) {
            Some(text_encoder(&spec.source, loaded.clone(), &spec.options, &sources)?)
        } else {
            None
        };
        let pictures = if probe.pictures.is_empty() {
            None
        } else {
            let tower = image_encoder(&spec.source, loaded, self.exif, &self.workspace.device)?;
            Some(encode_pictures(&tower, &probe.pictures, &spec.label, narrator)?)
        };
        let Some(encoder) = encoder else {
            return Ok(Encoded::Rows { queries: None, texts: None, pictures });
        };
        let queries = encode_texts(&encoder, &probe.queries, &spec.label, narrator)?;
        let texts = if same {
            None
        } else {
            Some(encode_texts(&encoder, &probe.texts, &spec.label, narrator)?)
        };
        Ok(Encoded::Rows { queries: Some(queries), texts, pictures })
    }

    /// Where encoders are loaded from.
    pub fn sources(&self) -> Sources {
        self.workspace.sources()
    }
}

/// Rows of texts.
pub fn encode_texts(
    encoder: &dyn TextEncoder,
    texts: &[Entry<String>],
    role: &str,
    narrator: &mut Narrator,
) -> Result<TimedRows, RunError> {
    let plain: Vec<&str> = texts.iter().map(|entry| entry.content.as_str()).collect();
    let what = format!("{role}: encoding texts");
    let (encoded, ms) = clocked_texts(encoder, &plain, &what, narrator)?;
    Ok(TimedRows {
        ms_per_item: Some(ms),
        card: encoder.card().clone(),
        rows: encoded.rows,
        truncated: encoded.truncated,
        cut: encoded.cut,
    })
}

/// Rows of pictures.
pub fn encode_pictures(
    encoder: &dyn ImageEncoder,
    pictures: &[Entry<Picture>],
    role: &str,
    narrator: &mut Narrator,
) -> Result<TimedRows, RunError> {
    let plain: Vec<&Picture> = pictures.iter().map(|entry| &entry.content).collect();
    let what = format!("{role}: encoding pictures");
    let (encoded, ms) = clocked_pictures(encoder, &plain, &what, narrator)?;
    Ok(TimedRows {
        ms_per_item: Some(ms),
        card: encoder.card().clone(),
        rows: encoded.rows,
        truncated: 0,
        cut: Vec::new(),
    })
}

/// A table holds rows of texts in the order of a data set's queries, then its gallery.
fn table(file: &str, probe: &Probe) -> Result<Encoded, RunError> {
    let Table { rows, card } = Table::open(Path::new(file))?;
    let (asks, answers) = (probe.queries.len(), probe.texts.len());
    let same = probe.one_list();
    let needed = if same { asks } else { asks + answers };
    if rows.rows() != needed {
        return Err(RunError::Unfit(format!(
            "table {file} has {} rows, the task needs {needed}: the texts that ask in order, then those that answer",
            rows.rows()
        )));
    }
    let part = |from: usize, count: usize| TimedRows {
        rows: rows.select(&(from..from + count).collect::<Vec<_>>()),
        card: card.clone(),
        ms_per_item: None,
        truncated: 0,
        cut: Vec::new(),
    };
    let texts = (!same).then(|| part(asks, answers));
    Ok(Encoded::Rows { queries: Some(part(0, asks)), texts, pictures: None })
}
