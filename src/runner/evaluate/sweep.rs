//! Every layer and pooling of a Llama tried on validation items; the best goes on to the test.

use super::encoders::Encoders;
use super::probe::Probe;
use crate::data::corpus::{Corpus, fold};
use crate::encode::{Config, EncoderSpec, ModelTextEncoder, Options, text_encoder};
use crate::eval::geometry::mean_cosine;
use crate::eval::rank::high_ranks;
use crate::eval::sweep::{Sweep, SweepChoice, SweepRow};
use crate::eval::{Direction, Metrics, Products, rank, tied_share};
use crate::model::Pooling;
use crate::nn::Mask;
use crate::runner::{Narrator, RunError};
use std::collections::BTreeSet;

/// Validation items that are asked.
pub const SWEEP_ITEMS: usize = 1_000;

const RULE: &str =
    "highest recall@1 on these items, then the higher mrr, then the first in the order of the rows";

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepOver {
    /// Every layer with every pooling; BOS as the encoder has it.
    Layers,
    /// Every pooling with and without BOS; the layer as the encoder has it.
    Poolings,
}

impl SweepOver {
    /// The name on the command line and in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Poolings => "poolings",
        }
    }
}

impl std::str::FromStr for SweepOver {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Layers, Self::Poolings]
            .into_iter()
            .find(|over| over.name() == text)
            .ok_or_else(|| format!("expected layers or poolings, found {text:?}"))
    }
}

/// The items of a set that may be chosen on: none of the test's, by id or by a caption's text.
/// Also how many were dropped for that.
pub fn outside_test(corpus: &Corpus, test: &Corpus) -> (Corpus, usize) {
    let ids: BTreeSet<&str> = test.items.iter().map(|item| item.id.as_str()).collect();
    let texts: BTreeSet<String> =
        test.captions().map(|(_, _, caption)| fold(&caption.text)).collect();
    let outside = |item: &&crate::data::corpus::Item| {
        !ids.contains(item.id.as_str())
            && !item.captions.iter().any(|caption| texts.contains(&fold(&caption.text)))
    };
    let kept: Vec<_> = corpus.items.iter().filter(outside).cloned().collect();
    let dropped = corpus.items.len() - kept.len();
    (
        Corpus::new(corpus.name.clone(), kept).read_from(corpus.format.clone(), corpus.bad.clone()),
        dropped,
    )
}

/// Tries every Llama among the encoders. `probe` holds validation items. Returns what was found and,
/// for each Llama, the encoder that goes on to the test, named `<label>-best`.
///
/// # Errors
/// No Llama among them; an encoder that is not there.
pub fn sweep(
    encoders: &Encoders<'_>,
    specs: &[EncoderSpec],
    probe: &Probe,
    over: SweepOver,
    dropped: usize,
    narrator: &mut Narrator,
) -> Result<(Sweep, Vec<(usize, EncoderSpec)>), RunError> {
    let mut found = Sweep {
        over: over.name().to_owned(),
        protocol: probe.protocol.clone(),
        rule: RULE.to_owned(),
        dropped,
        rows: Vec::new(),
        chosen: Vec::new(),
    };
    let mut best = Vec::new();
    for (place, spec) in specs.iter().enumerate() {
        let Some((rows, base)) = tried(encoders, spec, probe, over, narrator)? else { continue };
        if let Some(row) = Sweep::best(&rows).and_then(|at| rows.get(at)) {
            let label = format!("{}-best", spec.label);
            let pooling = Pooling::ALL.into_iter().find(|pooling| pooling.name() == row.pooling);
            let options =
                Options { layer: Some(row.layer), pooling, bos: Some(row.bos), ..base.clone() };
            found.chosen.push(SweepChoice {
                role: spec.label.clone(),
                label: label.clone(),
                layer: row.layer,
                pooling: row.pooling.clone(),
                bos: row.bos,
            });
            best.push((place, EncoderSpec { label, source: spec.source.clone(), options }));
        }
        found.rows.extend(rows);
    }
    if found.rows.is_empty() {
        return Err(RunError::Unfit(
            "--sweep: expected a Llama among the encoders, found none; only its layers and poolings can be tried".to_owned(),
        ));
    }
    Ok((found, best))
}

/// The rows of one encoder; none where it is no Llama.
fn tried(
    encoders: &Encoders<'_>,
    spec: &EncoderSpec,
    probe: &Probe,
    over: SweepOver,
    narrator: &mut Narrator,
) -> Result<Option<(Vec<SweepRow>, Options)>, RunError> {
    if spec.source == "bm25" || spec.source.starts_with("table:") {
        return Ok(None);
    }
    let sources = encoders.sources();
    let loaded = sources.load(&spec.source)?;
    let Config::Llama(config) = &loaded.config else { return Ok(None) };
    let layers = config.layers;
    let has_bos = loaded.tokenizer.bos().is_some();
    let own_bos = spec.options.bos.or(loaded.text.as_ref().map(|how| how.bos)).unwrap_or(has_bos);
    let bos = match over {
        SweepOver::Layers => vec![own_bos],
        SweepOver::Poolings if has_bos => vec![true, false],
        SweepOver::Poolings => vec![false],
    };
    let mut rows = Vec::new();
    for bos in bos {
        // The end token of `eos` would stand in every pooling's rows: those pool what the text has.
        let options =
            Options { bos: Some(bos), pooling: Some(Pooling::Mean), ..spec.options.clone() };
        let encoder = text_encoder(&spec.source, loaded.clone(), &options, &sources)?;
        let poolings = poolings(&encoder, &spec.options);
        let asked: Vec<&str> = probe.queries.iter().map(|entry| entry.content.as_str()).collect();
        let answering: Vec<&str> = probe.texts.iter().map(|entry| entry.content.as_str()).collect();
        let both: Vec<&str> = asked.iter().chain(&answering).copied().collect();
        let what = format!("{}: encoding validation texts", spec.label);
        let all = narrator
            .encoding(&what, |progress| encoder.encode_layers(&both, &poolings, progress))?;
        let (places, judgements) = probe.judgements(Direction::TextToText);
        for (layer, of_layer) in all.into_iter().enumerate() {
            if over == SweepOver::Poolings && layer != spec.options.layer.unwrap_or(layers) {
                continue;
            }
            for (pooling, table) in poolings.iter().zip(of_layer) {
                let queries = table.select(&places);
                let gallery = table.select(&(asked.len()..both.len()).collect::<Vec<_>>());
                let dim = table.dim();
                let products = Products::new(queries.values(), gallery.values(), dim)?;
                let ranked = rank(&products, &judgements)?;
                rows.push(SweepRow {
                    role: spec.label.clone(),
                    layer,
                    pooling: pooling.name().to_owned(),
                    bos,
                    metrics: Metrics::of(&high_ranks(&ranked)),
                    tied_share: tied_share(&ranked),
                    mean_cosine: mean_cosine(gallery.values(), dim)?,
                });
            }
        }
    }
    Ok(Some((rows, spec.options.clone())))
}

/// The first token's state knows the text only where it sees what follows.
fn poolings(encoder: &ModelTextEncoder, options: &Options) -> Vec<Pooling> {
    use crate::encode::{AttentionKind, TextEncoder};
    let mut poolings = vec![Pooling::Mean, Pooling::WeightedMean, Pooling::Last];
    let attention = encoder.card().text.as_ref().map(|how| how.attention);
    let both = attention == Some(AttentionKind::Bidirectional)
        || options.attention == Some(Mask::Bidirectional);
    if both {
        poolings.push(Pooling::Cls);
    }
    poolings
}
