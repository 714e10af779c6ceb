//! Rows from every layer of a Llama in one pass: what a sweep over layers and poolings asks for.

use super::text::{Body, by_length, distinct, mask_of};
use super::{Embeddings, EncodeError, ModelTextEncoder, TextEncoder};
use crate::data::DataError;
use crate::data::text::{TextRow, text_row};
use crate::model::{Ctx, Pooling};
use crate::nn::Packing;
use candle_core::Device;
use rayon::prelude::*;
use std::ops::ControlFlow;

/// Rows of some texts, by layer (0 is the embeddings) and, within a layer, by pooling.
pub type RowsOfLayers = Vec<Vec<Embeddings>>;

impl ModelTextEncoder {
    /// Rows `[texts, width]` of every layer under each of these poolings, which must be fit for the
    /// encoder's tokenisation (see [`Pooling::needs_end_token`]). The last layer is after the final
    /// norm, as where no layer is named. `progress` as in [`TextEncoder::encode`].
    ///
    /// # Errors
    /// An encoder that is no Llama alone; a row without a direction; texts without a token.
    pub fn encode_layers(
        &self,
        texts: &[&str],
        poolings: &[Pooling],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<RowsOfLayers, EncodeError> {
        let Body::Llama { trunk, how, .. } = &self.body else {
            return Err(EncodeError::Unfit {
                encoder: self.card().encoder.clone(),
                what: "is no Llama alone, and only a Llama's layers can be tried".to_owned(),
            });
        };
        let (unique, place) = distinct(texts);
        let rows: Vec<TextRow> = unique
            .par_iter()
            .map(|text| text_row(self.tokenizer(), text, self.spec()))
            .collect::<Result<_, _>>()?;
        if let Some(empty) = rows.iter().position(|row| row.pooled == 0) {
            let row = place.iter().position(|&at| at == empty).unwrap_or(empty);
            return Err(DataError::NothingToPool { row, tokens: rows[empty].ids.len() }.into());
        }
        let (dim, layers) = (trunk.config().width, trunk.layers().len() + 1);
        let mut values = vec![vec![vec![0.0f32; unique.len() * dim]; poolings.len()]; layers];
        let mut done = 0;
        for batch in by_length(&rows) {
            let packing = Packing::from_lengths(&batch.lengths);
            let states = trunk.hidden_layers(&batch.ids, &packing, mask_of(how), &Ctx::eval())?;
            for (states, values) in states.iter().zip(&mut values) {
                for (pooling, values) in poolings.iter().zip(values) {
                    let pooled = pooling.pool(states, &packing, &batch.embed)?;
                    let pooled = pooled.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
                    for (row, &item) in pooled.chunks(dim).zip(&batch.items) {
                        values[item * dim..(item + 1) * dim].copy_from_slice(row);
                    }
                }
            }
            done += batch.rows();
            if progress(done, unique.len()).is_break() {
                return Err(EncodeError::Interrupted);
            }
        }
        let rows = |values: Vec<f32>| Ok(Embeddings::new(dim, values)?.select(&place));
        values.into_iter().map(|layer| layer.into_iter().map(rows).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Sources, text_encoder};
    use super::*;

    fn encoder(options: &Options) -> ModelTextEncoder {
        let sources = Sources { checkpoints: "absent".into(), device: Device::Cpu, weigh: false };
        let loaded = sources.load("builtin:llama").unwrap();
        text_encoder("builtin:llama", loaded, options, &sources).unwrap()
    }

    #[test]
    fn every_layer_and_pooling_gives_the_rows_of_an_encoder_of_that_layer_and_pooling() {
        let texts = ["a dog", "two cats on a red sofa", "a dog", "rain"];
        let poolings = [Pooling::Mean, Pooling::Last];
        let all = encoder(&Options::default());
        let mut quiet = |_, _| ControlFlow::Continue(());
        let rows = all.encode_layers(&texts, &poolings, &mut quiet).unwrap();
        let last = rows.len() - 1;
        for layer in [0, 1, last] {
            for (at, pooling) in poolings.into_iter().enumerate() {
                let options =
                    Options { layer: Some(layer), pooling: Some(pooling), ..Options::default() };
                let alone = encoder(&options).encode(&texts, &mut quiet).unwrap().rows;
                let pairs = alone.values().iter().zip(rows[layer][at].values());
                let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 1e-6, "layer {layer} {pooling}: {worst}");
            }
        }
    }
}
