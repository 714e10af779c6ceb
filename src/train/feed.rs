//! [`Feed`]: a stage's batches. The batch at a cursor is a pure function of the stage's key, so nothing
//! but the cursor has to be kept.

use super::TrainError;
use super::ahead::Ahead;
use super::batch::{Batch, append};
use crate::data::collate::caption_pairs::{PairSpec, caption_pairs};
use crate::data::collate::causal_lm::{BlockSpec, Blocks, Rest, causal_lm};
use crate::data::collate::image_text::{self, Choice};
use crate::data::collate::mntp::{MaskSpec, Masker, Replace};
use crate::data::collate::simcse::simcse;
use crate::data::collate::{CaptionFilter, TokenBatch};
use crate::data::corpus::{Corpus, Item};
use crate::data::near::nearest;
use crate::data::order::{Cursor, Order};
use crate::data::picture::Exif;
use crate::data::pictures::{KEEP_BYTES, PatchSpec, Pictures};
use crate::data::processor::{Processor, RandomCrop};
use crate::data::read::shards::WINDOW;
use crate::data::text::{TextBatch, TextSpec};
use crate::data::tokenizer::Tokenizer;
use crate::recipe::{MaskStyle, Objective, Stage};
use crate::rng::Key;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most validation batches of a stage: enough for a steady number, few enough to be quick.
const VALIDATION_BATCHES: usize = 4;

/// A batch whose pictures take more than this is not made ahead: memory counts then. Bytes.
const AHEAD_BYTES: usize = 512 << 20;

/// Neighbours looked up for each place of a group of near items.
const NEIGHBOURS_OF_EACH: usize = 8;

/// Frozen rows of a language model, by item and caption.
#[derive(Clone, Debug)]
pub struct TextRows {
    /// Columns of a row.
    pub dim: usize,
    /// All rows, one behind the other.
    pub values: Vec<f32>,
    /// Which row belongs to which caption of which item.
    pub places: BTreeMap<(String, usize), usize>,
}

/// What a stage's batches are made from.
pub struct FeedSource {
    /// The data, with its splits.
    pub corpus: Corpus,
    /// The tokenizer of whatever reads text.
    pub tokenizer: Arc<Tokenizer>,
    /// Whether a language model's texts begin with BOS, as its own tokenizer has it.
    pub bos: bool,
    /// How pictures become a tower's square, and a patch's pixels a side, for image towers.
    pub picture: Option<(Processor, usize)>,
    /// Rows in the place of texts, for LLM2CLIP.
    pub rows: Option<TextRows>,
}

/// One split's rows and their order.
pub(super) struct Side {
    pub(super) items: Vec<Item>,
    pool: Vec<usize>,
    texts: Vec<String>,
    pub(super) blocks: Option<Blocks>,
    pictures: Option<Pictures>,
    order: Option<Order>,
}

/// A stage's batches.
pub struct Feed {
    pub(super) maker: Arc<Maker>,
    /// The training split's order, which moves on.
    order: Option<Order>,
    ahead: Ahead,
}

/// What makes batches; nothing in it moves, so that a batch can be made beside a step.
pub(super) struct Maker {
    pub(super) stage: Stage,
    pub(super) source: FeedSource,
    masker: Option<Masker>,
    pub(super) filter: CaptionFilter,
    pub(super) train: Side,
    pub(super) validation: Side,
}

impl Feed {
    /// Lays out the batches of `stage` below its key.
    pub fn new(stage: &Stage, key: Key, source: FeedSource) -> Result<Self, TrainError> {
        let filter = filter_of(stage);
        let masker = match &stage.objective {
            Objective::Mntp { mask_probability, mask_style, mask_token } => {
                let replace = match mask_style {
                    MaskStyle::Bert => Replace::Bert,
                    MaskStyle::All => Replace::AllMask,
                };
                let spec =
                    MaskSpec { probability: *mask_probability, replace, token: mask_token.clone() };
                Some(Masker::new(&spec, &source.tokenizer)?)
            }
            _ => None,
        };
        let side = |split: &str, training: bool| {
            let items: Vec<Item> = source.corpus.in_split(split).cloned().collect();
            let window = source.corpus.is_streamed().then_some(WINDOW);
            Side::new(stage, key, &filter, &source, items, training, window)
        };
        let (mut train, validation) = (side("train", true)?, side("validation", false)?);
        let order = train.order.take();
        let maker = Maker { stage: stage.clone(), source, masker, filter, train, validation };
        Ok(Self { maker: Arc::new(maker), order, ahead: Ahead::default() })
    }

    /// The captions of an item that a stage may draw, each with its number.
    pub fn captions_of<'a>(
        stage: &Stage,
        item: &'a Item,
    ) -> impl Iterator<Item = (usize, &'a crate::data::corpus::Caption)> {
        let numbers = filter_of(stage).of(item);
        numbers.into_iter().map(|k| (k, &item.captions[k]))
    }

    /// The batch at the cursor, which moves past it; `key` is the step's.
    pub fn next(&mut self, cursor: &mut Cursor, key: Key) -> Result<Batch, TrainError> {
        let Some(order) = &mut self.order else {
            return Err(self.maker.unfit("the training split has nothing this objective can use"));
        };
        let rows = order.next(cursor);
        match self.ahead.take(&rows, key) {
            Some(made) => made,
            None => self.maker.make(&self.maker.train, &rows, key, true),
        }
    }

    /// Begins to make the batch at the cursor beside whatever comes next, where it takes pictures:
    /// decoding then runs while the step before computes. [`Feed::next`] gives the same batch with
    /// and without it; one batch at most is made ahead.
    pub fn prepare(&mut self, mut cursor: Cursor, key: Key) {
        let Some(order) = &mut self.order else { return };
        if self.maker.train.pictures.is_none() {
            return;
        }
        let rows = order.next(&mut cursor);
        if self.maker.picture_bytes(rows.len()) > AHEAD_BYTES {
            return;
        }
        let maker = Arc::clone(&self.maker);
        let wanted = rows.clone();
        self.ahead.begin(wanted, key, move || maker.make(&maker.train, &rows, key, true));
    }

    /// The first batches of the validation split, always the same ones.
    pub fn validation(&self, key: Key) -> Result<Vec<Batch>, TrainError> {
        let maker = &self.maker;
        let Some(order) = &maker.validation.order else { return Ok(Vec::new()) };
        let mut order = order.clone();
        let mut cursor = Cursor::default();
        let count = order.batches_per_epoch().min(VALIDATION_BATCHES);
        (0..count)
            .map(|number| {
                let rows = order.next(&mut cursor);
                maker.make(&maker.validation, &rows, key.child(number as u64), false)
            })
            .filter(|batch| !batch.as_ref().is_ok_and(|batch| batch.weight() == 0.0))
            .collect()
    }

    /// What the log calls the rows of a batch.
    pub fn names(&self, rows: &[usize]) -> Vec<String> {
        let side = &self.maker.train;
        let name = |&row: &usize| {
            if side.blocks.is_some() {
                format!("block {row}")
            } else if side.texts.is_empty() {
                side.items.get(row).map_or_else(|| row.to_string(), |item| item.id.clone())
            } else {
                format!("text {row}")
            }
        };
        rows.iter().map(name).collect()
    }
}

impl Maker {
    /// Bytes that the pictures of so many rows take as patches.
    fn picture_bytes(&self, rows: usize) -> usize {
        let edge = self.source.picture.as_ref().map_or(0, |(processor, _)| processor.crop);
        rows.saturating_mul(edge * edge * 3 * size_of::<f32>())
    }

    /// How the stage's language model reads a text.
    pub(super) fn llama_spec(&self) -> TextSpec {
        TextSpec { bos: self.source.bos, ..TextSpec::llama(self.stage.max_tokens) }
    }

    fn unfit(&self, what: &str) -> TrainError {
        let stage = self.stage.name.to_string();
        TrainError::Unfit { stage, what: format!("{what} (data {:?})", self.stage.data) }
    }

    fn make(
        &self,
        side: &Side,
        rows: &[usize],
        key: Key,
        augment: bool,
    ) -> Result<Batch, TrainError> {
        let tokenizer = &self.source.tokenizer;
        let spec = self.llama_spec();
        match &self.stage.objective {
            Objective::CausalLm { .. } | Objective::Mntp { .. } => {
                let blocks = side.blocks.as_ref().ok_or_else(|| self.unfit("no texts"))?;
                let text = blocks.batch(rows);
                let batch = match &self.masker {
                    Some(masker) => masker.mask(text, tokenizer, key),
                    None => causal_lm(text, false, tokenizer.bos()),
                };
                let TokenBatch { text, rows, targets } = batch;
                let rows = rows.into_iter().map(|row| row as u32).collect();
                Ok(Batch::Tokens { text, rows, targets })
            }
            Objective::Simcse { .. } => {
                let texts: Vec<&str> = rows.iter().map(|&row| side.texts[row].as_str()).collect();
                let text = simcse(tokenizer, &texts, rows, &spec, key)?.text;
                Ok(Batch::Texts { first: text.clone(), second: text })
            }
            Objective::CaptionContrastive { hard_negatives, .. } => {
                let pairs = PairSpec {
                    captions: self.filter.clone(),
                    query: spec.clone(),
                    answer: spec,
                    hard_negative: *hard_negatives > 0,
                };
                let rows: Vec<usize> = rows.iter().map(|&row| side.pool[row]).collect();
                let batch = caption_pairs(tokenizer, &side.items, &rows, &side.pool, &pairs, key)?;
                let mut second = batch.positives;
                if let Some(negatives) = batch.negatives {
                    append(&mut second, negatives);
                }
                Ok(Batch::Texts { first: batch.queries, second })
            }
            Objective::Clip { .. } | Objective::ClipSigmoid { .. } | Objective::Llm2clip { .. } => {
                self.image_text(side, rows, key, augment)
            }
        }
    }

    fn image_text(
        &self,
        side: &Side,
        rows: &[usize],
        key: Key,
        augment: bool,
    ) -> Result<Batch, TrainError> {
        let rows: Vec<usize> = rows.iter().map(|&row| side.pool[row]).collect();
        let drawn = image_text::draw(&side.items, &rows, &self.filter, key)?;
        self.assemble(side, rows, &drawn, augment.then_some(key))
    }

    /// These pictures with these captions; `crops` keys random crops.
    pub(super) fn assemble(
        &self,
        side: &Side,
        rows: Vec<usize>,
        drawn: &[Choice],
        crops: Option<Key>,
    ) -> Result<Batch, TrainError> {
        let no_pictures = || self.unfit("no way to read pictures was given");
        let (processor, patch) = self.source.picture.as_ref().ok_or_else(no_pictures)?;
        let pictures = side.pictures.as_ref().ok_or_else(no_pictures)?;
        let random = crops.map(|_| RandomCrop::default());
        let spec = PatchSpec { processor, patch: *patch, random };
        let patches =
            image_text::patches(pictures, drawn, spec, crops.unwrap_or_else(|| Key::new(0)))?;
        let mut text = TextBatch::default();
        let mut values = Vec::new();
        match &self.source.rows {
            None => {
                let spec = TextSpec::clip(self.stage.max_tokens);
                text = image_text::tokens(&self.source.tokenizer, &side.items, drawn, &spec)?;
            }
            Some(table) => {
                for choice in drawn {
                    let place = (side.items[choice.item].id.clone(), choice.caption);
                    let at = table.places.get(&place).ok_or_else(|| {
                        self.unfit(&format!("the table has no row for {}#{}", place.0, place.1))
                    })?;
                    values.extend(&table.values[at * table.dim..(at + 1) * table.dim]);
                }
            }
        }
        Ok(Batch::ImageText {
            patch_numbers: 3 * patch * patch,
            patches: patches.patches,
            images: drawn.len(),
            text,
            rows: values,
            items: rows,
        })
    }
}

fn filter_of(stage: &Stage) -> CaptionFilter {
    let languages = match stage.captions.as_str() {
        "all" => None,
        list => Some(list.split(',').map(|language| language.trim().to_owned()).collect()),
    };
    CaptionFilter { languages, first: None }
}

impl Side {
    fn new(
        stage: &Stage,
        key: Key,
        filter: &CaptionFilter,
        source: &FeedSource,
        items: Vec<Item>,
        training: bool,
        window: Option<usize>,
    ) -> Result<Self, TrainError> {
        let mut side = Self {
            items,
            pool: Vec::new(),
            texts: Vec::new(),
            blocks: None,
            pictures: None,
            order: None,
        };
        let contrastive = stage.objective.is_contrastive();
        let batch = |count: usize| if training { stage.batch } else { stage.batch.min(count) };
        match &stage.objective {
            Objective::CausalLm { .. } | Objective::Mntp { .. } => {
                let texts = captions(&side.items, filter);
                if texts.is_empty() {
                    return Ok(side);
                }
                let spec = BlockSpec {
                    max_tokens: stage.max_tokens,
                    bos: source.bos,
                    eos: matches!(stage.objective, Objective::CausalLm { .. }),
                    rest: if training { Rest::Drop } else { Rest::Keep },
                };
                let blocks = Blocks::pack(&source.tokenizer, &texts, spec, Some(key))?;
                let count = blocks.len();
                side.blocks = Some(blocks);
                side.order = Some(Order::shuffled(key, count, batch(count), false)?);
            }
            Objective::Simcse { .. } => {
                let mut seen = BTreeSet::new();
                let texts = captions(&side.items, filter);
                side.texts = texts.into_iter().filter(|text| seen.insert(text.clone())).collect();
                let count = side.texts.len();
                if count >= 2 {
                    side.order = Some(Order::shuffled(key, count, batch(count), contrastive)?);
                }
            }
            Objective::CaptionContrastive { near, .. } => {
                side.pool = filter.eligible(&side.items, 2, false);
                let near = if training { *near } else { 1 };
                side.order = side.lay_out_items(filter, near, key, &batch)?;
            }
            _ => {
                side.pool = filter.eligible(&side.items, 1, true);
                // Published recipes leave EXIF orientation alone.
                side.pictures = Some(Pictures::of(&side.items, Exif::Ignored, KEEP_BYTES));
                let order = side.lay_out_items(filter, 1, key, &batch)?;
                side.order = match window {
                    Some(window) => order.map(|order| order.streamed(window)),
                    None => order,
                };
            }
        }
        Ok(side)
    }

    /// An order that keeps items of one concept apart, none where there are fewer than two; with `near`
    /// above 1 they come in groups of so many, one with those whose captions are nearest to its own.
    fn lay_out_items(
        &self,
        filter: &CaptionFilter,
        near: usize,
        key: Key,
        batch: &impl Fn(usize) -> usize,
    ) -> Result<Option<Order>, TrainError> {
        let concepts: Vec<&str> =
            self.pool.iter().map(|&item| self.items[item].concept.as_str()).collect();
        if concepts.len() < 2 {
            return Ok(None);
        }
        let batch = batch(concepts.len());
        if near <= 1 {
            return Ok(Some(Order::apart(key, &concepts, batch, true)?));
        }
        let text = |&item: &usize| captions(&self.items[item..=item], filter).join(" ");
        let texts: Vec<String> = self.pool.iter().map(text).collect();
        // More than are wanted, as an epoch may have visited the first ones.
        let neighbours = nearest(&texts, NEIGHBOURS_OF_EACH * near);
        Ok(Some(Order::near(key, &concepts, neighbours, near, batch, true)?))
    }
}

pub(super) fn captions(items: &[Item], filter: &CaptionFilter) -> Vec<String> {
    let of = |item: &Item| -> Vec<String> {
        filter.of(item).into_iter().map(|k| item.captions[k].text.clone()).collect()
    };
    items.iter().flat_map(of).collect()
}
