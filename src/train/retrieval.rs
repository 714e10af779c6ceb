//! What a stage's validation split retrieves, and how long its texts are.

use super::batch::Batch;
use super::feed::captions;
use super::{Feed, TrainError};
use crate::data::collate::image_text::Choice;
use crate::data::text::{TextBatch, TextSpec};

/// Most validation items that are retrieved from each other.
const ITEMS: usize = 5000;

/// Most items of a forward pass over them, where the recipe names no micro-batch.
const BATCH: usize = 256;

/// Items whose texts say how long texts are.
const SAMPLE: usize = 512;

impl Feed {
    /// The validation split as pairs that are retrieved from each other, in its own order and without
    /// draws: an item's first picture with its first caption, or its first caption with its second.
    /// Empty where no item has both, and outside contrastive objectives. One batch is made at a time.
    pub fn retrieval(&self) -> impl Iterator<Item = Result<Batch, TrainError>> + '_ {
        let stage = &self.maker.stage;
        let pictures = !stage.objective.is_language();
        let mut items = Vec::new();
        if stage.objective.is_contrastive() {
            let least = if pictures { 1 } else { 2 };
            items = self.maker.filter.eligible(&self.maker.validation.items, least, pictures);
            items.truncate(ITEMS);
        }
        let size = match stage.micro_batch {
            0 => stage.batch.min(BATCH),
            size => size.min(stage.batch),
        };
        let batches: Vec<Vec<usize>> = items.chunks(size.max(1)).map(<[usize]>::to_vec).collect();
        batches.into_iter().map(move |rows| {
            if pictures { self.first_pictures(rows) } else { self.first_captions(&rows) }
        })
    }

    fn first_pictures(&self, rows: Vec<usize>) -> Result<Batch, TrainError> {
        let side = &self.maker.validation;
        let first = |&item: &usize| {
            let captions = self.maker.filter.of(&side.items[item]);
            Choice { item, picture: 0, caption: captions.first().copied().unwrap_or(0) }
        };
        let drawn: Vec<Choice> = rows.iter().map(first).collect();
        self.maker.assemble(side, rows, &drawn, None)
    }

    fn first_captions(&self, rows: &[usize]) -> Result<Batch, TrainError> {
        let side = &self.maker.validation;
        let spec = self.maker.llama_spec();
        let text = |nth: usize| {
            let of = |&row: &usize| {
                let item = &side.items[row];
                item.captions[self.maker.filter.of(item)[nth]].text.as_str()
            };
            let texts: Vec<&str> = rows.iter().map(of).collect();
            TextBatch::new(&self.maker.source.tokenizer, &texts, rows, &spec)
        };
        Ok(Batch::Texts { first: text(0)?, second: text(1)? })
    }

    /// Tokens of a text of the training split, on average over its first ones; `max_tokens` where
    /// texts are packed into blocks of that length, 0 where none are read.
    pub fn mean_tokens(&self) -> Result<f64, TrainError> {
        let stage = &self.maker.stage;
        if self.maker.train.blocks.is_some() {
            return Ok(stage.max_tokens as f64);
        }
        if self.maker.source.rows.is_some() {
            return Ok(0.0);
        }
        let items = &self.maker.train.items;
        let mut texts = captions(&items[..items.len().min(SAMPLE)], &self.maker.filter);
        texts.truncate(SAMPLE);
        let spec = if stage.objective.is_language() {
            self.maker.llama_spec()
        } else {
            TextSpec::clip(stage.max_tokens)
        };
        let numbers: Vec<usize> = (0..texts.len()).collect();
        let batch = TextBatch::new(&self.maker.source.tokenizer, &texts, &numbers, &spec)?;
        Ok(batch.tokens() as f64 / texts.len().max(1) as f64)
    }
}
