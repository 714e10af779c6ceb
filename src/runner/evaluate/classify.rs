//! CLIP's zero-shot choice: pictures against candidate texts, softmax of the scaled cosines; with
//! labels, how often the choice is right.

use super::compare::RESAMPLES;
use super::encoders::{Encoders, encode_pictures, encode_texts};
use super::probe::Entry;
use super::same;
use crate::data::corpus::{Corpus, Picture};
use crate::encode::{
    Embeddings, EncoderSpec, ImageEncoder, TextEncoder, image_encoder, text_encoder,
};
use crate::eval::classify::{
    CLASSIFY_FORMAT, ClassHit, ClassifiedPicture, ClassifyDocument, ClassifyProtocol, ClassifyRow,
    Labelled, TopShares, UnknownLabel, choices,
};
use crate::eval::difference::Classified;
use crate::eval::document::{RULES_VERSION, TIE_RULE};
use crate::eval::rank::high_ranks;
use crate::eval::{
    Direction, Judgements, Metric, Products, RankedRow, Relevant, rank, table, tied_share,
};
use crate::ids::Digest;
use crate::runner::{Narrator, RunError};
use std::collections::BTreeMap;

/// The scale of a model whose weights hold none: CLIP's ceiling.
pub(super) const DEFAULT_SCALE: f64 = 100.0;

/// Unknown labels that are listed.
const LISTED: usize = 20;

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What a picture's label must be.
    pub name: String,
    /// What goes into the templates.
    pub text: String,
}

impl Candidate {
    /// A class that is called what stands for it.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim().to_owned();
        Self { name: text.clone(), text }
    }
}

/// Pictures that may say what they show.
#[derive(Clone, Debug)]
pub struct LabelledPictures {
    /// Where they come from.
    pub protocol: ClassifyProtocol,
    pictures: Vec<Entry<Picture>>,
    labels: Vec<Option<String>>,
    units: Vec<u32>,
}

/// What is classified, and how.
#[derive(Clone, Debug)]
pub struct ClassifyRequest {
    /// The encoders, in the order of the table.
    pub encoders: Vec<EncoderSpec>,
    /// The classes.
    pub candidates: Vec<Candidate>,
    /// Texts with `{}` in the place of a class.
    pub templates: Vec<String>,
    /// Classes listed a picture.
    pub top: usize,
    /// Seed of resamples and sign flips.
    pub seed: u64,
}

impl LabelledPictures {
    /// Every picture of a set's split (of all where it has no splits), or of its first `pool` items.
    ///
    /// # Errors
    /// No picture there.
    pub fn of(corpus: &Corpus, split: &str, pool: Option<usize>) -> Result<Self, RunError> {
        let has_splits = corpus.items.iter().any(|item| item.split.is_some());
        let part = if has_splits { corpus.split(split) } else { corpus.clone() };
        let mut all = Self {
            protocol: ClassifyProtocol {
                dataset: corpus.name.clone(),
                split: has_splits.then(|| split.to_owned()),
                split_digest: Some(part.digest.to_string()),
                pool,
                tie_rule: TIE_RULE.to_owned(),
                rules: RULES_VERSION,
            },
            pictures: Vec::new(),
            labels: Vec::new(),
            units: Vec::new(),
        };
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        for (place, item) in part.items.iter().take(pool.unwrap_or(usize::MAX)).enumerate() {
            let next = numbers.len() as u32;
            let unit = *numbers.entry(item.concept.as_str()).or_insert(next);
            for (n, picture) in item.pictures.iter().enumerate() {
                let id = format!("{}@{n}", item.id);
                all.pictures.push(Entry { id, item: place as u32, content: picture.clone() });
                all.labels.push(item.label.clone());
                all.units.push(unit);
            }
        }
        if all.pictures.is_empty() {
            let split = if has_splits { format!(" in split {split:?}") } else { String::new() };
            return Err(RunError::Unfit(format!(
                "data set {}: expected pictures{split}, found none",
                corpus.name
            )));
        }
        Ok(all)
    }

    /// One picture file, of which nothing says what it shows.
    pub fn one(path: &std::path::Path) -> Self {
        let name = path.display().to_string();
        Self {
            protocol: ClassifyProtocol {
                dataset: name.clone(),
                split: None,
                split_digest: None,
                pool: None,
                tie_rule: TIE_RULE.to_owned(),
                rules: RULES_VERSION,
            },
            pictures: vec![Entry { id: name, item: 0, content: Picture::File(path.to_owned()) }],
            labels: vec![None],
            units: vec![0],
        }
    }

    /// Places of pictures whose label is a class, with that class; and what is said of the others.
    fn judged(&self, candidates: &[Candidate]) -> (Vec<(usize, u32)>, Labelled) {
        let names: BTreeMap<&str, u32> =
            (0u32..).zip(candidates).map(|(at, class)| (class.name.as_str(), at)).collect();
        let (mut places, mut labelled) = (Vec::new(), Labelled::default());
        let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
        for (place, label) in self.labels.iter().enumerate() {
            match label.as_deref().map(|label| (label, names.get(label))) {
                None => labelled.without += 1,
                Some((_, Some(&class))) => places.push((place, class)),
                Some((label, None)) => *unknown.entry(label).or_insert(0) += 1,
            }
        }
        labelled.pictures = places.len();
        let mut units: Vec<u32> = places.iter().map(|&(place, _)| self.units[place]).collect();
        units.sort_unstable();
        units.dedup();
        labelled.units = units.len();
        labelled.unknown = unknown.values().sum();
        let listed = unknown.into_iter().take(LISTED);
        labelled.unknown_labels = listed
            .map(|(label, pictures)| UnknownLabel { label: label.to_owned(), pictures })
            .collect();
        (places, labelled)
    }
}

/// One encoder's choices before they are counted.
struct Chosen {
    row: ClassifyRow,
    classes: Vec<Vec<ClassHit>>,
    ranks: Vec<u32>,
    rows: Digest,
}

/// Sorts pictures into classes.
///
/// # Errors
/// An encoder that is not there or lacks a tower, a picture that cannot be read.
pub fn classify(
    encoders: &Encoders<'_>,
    pictures: &LabelledPictures,
    request: &ClassifyRequest,
    narrator: &mut Narrator,
) -> Result<ClassifyDocument, RunError> {
    let (judged, labelled) = pictures.judged(&request.candidates);
    if labelled.unknown > 0 {
        let first = labelled.unknown_labels.first().map_or("", |unknown| unknown.label.as_str());
        narrator.warn(&format!(
            "{} pictures have a label that is no candidate, such as {first:?}; they are not counted",
            labelled.unknown
        ))?;
    }
    let mut chosen = Vec::new();
    for spec in &request.encoders {
        chosen.push(choose(encoders, spec, pictures, request, &judged, narrator)?);
    }
    let digests: Vec<_> =
        chosen.iter().map(|one| (one.row.role.clone(), one.rows.clone())).collect();
    let same_rows = same::groups(&digests);
    same::warn(&same_rows, narrator)?;
    let (mut differences, mut family) = (Vec::new(), String::new());
    if !judged.is_empty() {
        let units: Vec<u32> = judged.iter().map(|&(place, _)| pictures.units[place]).collect();
        let ranked: Vec<RankedRow<'_>> = chosen
            .iter()
            .map(|one| RankedRow {
                role: &one.row.role,
                direction: Direction::ImageToText,
                ranks: &one.ranks,
                units: &units,
            })
            .collect();
        let numbers = table(&ranked, None, RESAMPLES, request.seed)?;
        let all = numbers.metrics.iter().zip(&numbers.intervals);
        let counted: Vec<_> = all
            .map(|(metrics, ends)| {
                let shares = TopShares { top_1: metrics.recall_1, top_5: metrics.recall_5 };
                (shares, TopShares { top_1: ends.recall_1, top_5: ends.recall_5 })
            })
            .collect();
        for (one, (metrics, ci95)) in chosen.iter_mut().zip(counted) {
            (one.row.metrics, one.row.ci95) = (Some(metrics), Some(ci95));
        }
        let kept = numbers.differences.into_iter().filter_map(|found| {
            let metric = match found.of.metric {
                Metric::Recall1 => "top-1",
                Metric::Recall5 => "top-5",
                Metric::Recall10 | Metric::Mrr | Metric::MedianRank => return None,
            };
            Some(found.about(Classified { metric: metric.to_owned() }))
        });
        differences = kept.collect();
        let tests = differences.iter().filter(|found| found.p.is_some()).count();
        family = format!(
            "top-1 of each row against the first row and against the row before it: {tests} tests"
        );
    }
    let listed = pictures.pictures.iter().zip(&pictures.labels).enumerate();
    let listed = listed
        .map(|(place, (entry, label))| ClassifiedPicture {
            item: entry.id.clone(),
            label: label.clone(),
            classes: chosen.iter().map(|one| one.classes[place].clone()).collect(),
        })
        .collect();
    Ok(ClassifyDocument {
        format: CLASSIFY_FORMAT.to_owned(),
        protocol: pictures.protocol.clone(),
        candidates: request.candidates.iter().map(|class| class.name.clone()).collect(),
        texts: request.candidates.iter().map(|class| class.text.clone()).collect(),
        templates: request.templates.clone(),
        rows: chosen.into_iter().map(|one| one.row).collect(),
        differences,
        family,
        labelled,
        pictures: listed,
        same_rows,
        resamples: RESAMPLES,
        seed: request.seed,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn choose(
    encoders: &Encoders<'_>,
    spec: &EncoderSpec,
    pictures: &LabelledPictures,
    request: &ClassifyRequest,
    judged: &[(usize, u32)],
    narrator: &mut Narrator,
) -> Result<Chosen, RunError> {
    let (sources, device) = (encoders.sources(), &encoders.workspace.device);
    if spec.source == "bm25" || spec.source.starts_with("table:") {
        return Err(RunError::Unfit(format!("{} has no towers; name a model", spec.label)));
    }
    let loaded = sources.load(&spec.source)?;
    let scale = loaded.logit_scale()?;
    let image = image_encoder(&spec.source, loaded.clone(), encoders.exif, device)?;
    let text = text_encoder(&spec.source, loaded, &spec.options, &sources)?;
    let filled: Vec<Entry<String>> = request
        .candidates
        .iter()
        .enumerate()
        .flat_map(|(at, class)| {
            request.templates.iter().map(move |template| Entry {
                id: class.name.clone(),
                item: at as u32,
                content: template.replace("{}", &class.text),
            })
        })
        .collect();
    let texts = encode_texts(&text, &filled, &spec.label, narrator)?;
    let classes = averaged(&texts.rows, request.templates.len())?;
    let rows = encode_pictures(&image, &pictures.pictures, &spec.label, narrator)?;
    let dim = classes.dim();
    let products = Products::new(rows.rows.values(), classes.values(), dim)?;
    let chosen = choices(&products, scale.unwrap_or(DEFAULT_SCALE), request.top)?;
    let asking: Vec<usize> = judged.iter().map(|&(place, _)| place).collect();
    let asked = rows.rows.select(&asking);
    let ranked = if judged.is_empty() {
        Vec::new()
    } else {
        let judgements = Judgements {
            relevant: Relevant::from_lists(judged.iter().map(|&(_, class)| [class])),
            units: asking.iter().map(|&place| pictures.units[place]).collect(),
            itself: None,
        };
        rank(&Products::new(asked.values(), classes.values(), dim)?, &judgements)?
    };
    let row = ClassifyRow {
        role: spec.label.clone(),
        encoder: serde_json::to_value(image.card()).unwrap_or_default(),
        text_encoder: serde_json::to_value(text.card()).unwrap_or_default(),
        scale: scale.unwrap_or(DEFAULT_SCALE),
        scale_from: if scale.is_some() { "model" } else { "default" }.to_owned(),
        metrics: None,
        ci95: None,
        tied_share: tied_share(&ranked),
        ms_per_item: rows.ms_per_item.unwrap_or_default(),
        ms_per_candidate: texts.ms_per_item.unwrap_or_default() * request.templates.len() as f64,
        truncated: texts.truncated,
    };
    let same = same::digest_of(&[&rows.rows, &classes]);
    Ok(Chosen { row, classes: chosen, ranks: high_ranks(&ranked), rows: same })
}

/// The mean of every `count` rows, of unit length again.
fn averaged(rows: &Embeddings, count: usize) -> Result<Embeddings, RunError> {
    let dim = rows.dim();
    let mut means = Vec::with_capacity(rows.values().len() / count.max(1));
    for group in rows.values().chunks(dim * count.max(1)) {
        for column in 0..dim {
            let sum: f64 = group.iter().skip(column).step_by(dim).map(|&x| f64::from(x)).sum();
            means.push((sum / count.max(1) as f64) as f32);
        }
    }
    Ok(Embeddings::new(dim, means).map_err(crate::encode::EncodeError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_averaged_and_then_normalised() {
        let rows = Embeddings::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]).unwrap();
        let means = averaged(&rows, 2).unwrap();
        let half = std::f32::consts::FRAC_1_SQRT_2;
        assert!((means.row(0)[0] - half).abs() < 1e-7 && (means.row(0)[1] - half).abs() < 1e-7);
        assert_eq!(means.row(1), [0.0, 1.0]);
        let opposite = Embeddings::new(1, vec![1.0, -1.0]).unwrap();
        assert!(averaged(&opposite, 2).is_err(), "a mean without a direction");
    }
}
