//! Image encoders: CLIP's image tower, and the one LLM2CLIP fine-tuned.

use super::card::{EncoderCard, PictureUse, recorded, recorded_parents};
use super::source::{Config, Loaded};
use super::{Embeddings, EncodeError};
use crate::data::corpus::Picture;
use crate::data::normalise::write_patches;
use crate::data::picture::{Exif, Rgb8};
use crate::data::pictures::load;
use crate::data::processor::{Processor, Resize};
use crate::data::resize::Filter;
use crate::model::{Ctx, Vit};
use crate::nn::{Builder, NnError, Rule};
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use std::ops::ControlFlow;

/// Pictures that go through a tower at once.
const PICTURES_A_BATCH: usize = 64;

/// Rows of some pictures, in their order.
#[derive(Clone, Debug)]
pub struct EncodedImages {
    /// `[pictures, dim]`.
    pub rows: Embeddings,
    /// Patches that went through the tower.
    pub patches: usize,
}

/// Something that turns pictures into embeddings.
pub trait ImageEncoder {
    /// Everything that changes the numbers.
    fn card(&self) -> &EncoderCard;

    /// Encodes pictures; `progress` hears of pictures done and pictures in all after every batch
    /// and may end the work there.
    fn encode(
        &self,
        pictures: &[&Picture],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<EncodedImages, EncodeError>;
}

/// A ViT with its preprocessing.
pub struct ModelImageEncoder {
    card: EncoderCard,
    vit: Vit,
    processor: Processor,
    exif: Exif,
    device: Device,
}

/// The image encoder of a loaded model. `exif` says whether orientation is obeyed: not for published
/// protocols, for users' own folders it is.
pub fn image_encoder(
    name: &str,
    loaded: Loaded,
    exif: Exif,
    device: &Device,
) -> Result<ModelImageEncoder, EncodeError> {
    let kind = loaded.config.kind();
    let config = match &loaded.config {
        Config::Clip(config) => &config.vision,
        Config::Llm2clip(config) => &config.vision,
        Config::Llama(_) => {
            return Err(EncodeError::Unfit {
                encoder: name.to_owned(),
                what: "is a Llama and has no image tower; name a clip or llm2clip checkpoint"
                    .into(),
            });
        }
    };
    let mut tensors = loaded.tensors;
    tensors.retain(|name, _| {
        name.starts_with("vision_model.") || name.starts_with("visual_projection.")
    });
    let builder = Builder::load(tensors, device).trainable(Rule::None);
    let vit = Vit::new(config, &builder)?;
    builder.finish().map_err(NnError::from)?;
    let processor = loaded.processor.ok_or_else(|| EncodeError::Unfit {
        encoder: name.to_owned(),
        what: "has no preprocessor_config.json, and pictures prepared in another way than in \
               training give other rows; fetch that file too"
            .into(),
    })?;
    if processor.crop != config.image_size {
        return Err(EncodeError::Unfit {
            encoder: name.to_owned(),
            what: format!(
                "reads pictures of {} pixels and its preprocessor_config.json makes {}",
                config.image_size, processor.crop
            ),
        });
    }
    let picture = PictureUse {
        size: config.image_size,
        resample: resample(&processor),
        mean: processor.normalise.mean,
        std: processor.normalise.std,
    };
    let card = EncoderCard {
        encoder: recorded(name, &loaded.source),
        lora: Vec::new(),
        kind: kind.name().to_owned(),
        tower: "image".to_owned(),
        dim: config.projection,
        text: None,
        layer: None,
        picture: Some(picture),
        normalised: true,
        dtype: "f32".to_owned(),
        tokenizer: None,
        weights: Some(loaded.digest),
        stands_on: recorded_parents(&loaded.stands_on),
    };
    Ok(ModelImageEncoder { card, vit, processor, exif, device: device.clone() })
}

/// The filter's name, and how the size is reached where that is not the shorter edge to the crop.
fn resample(processor: &Processor) -> String {
    let filter = match processor.filter {
        Filter::Bicubic => "bicubic",
        Filter::Bilinear => "bilinear",
    };
    match processor.resize {
        Resize::ShortestEdge(edge) if edge == processor.crop => filter.to_owned(),
        Resize::ShortestEdge(edge) => format!("{filter}, shorter edge {edge}"),
        Resize::Squash(edge) => format!("{filter}, squashed to {edge}"),
    }
}

impl ModelImageEncoder {
    /// Obeys pictures' orientation from now on, or no longer.
    pub fn set_exif(&mut self, exif: Exif) {
        self.exif = exif;
    }

    /// The picture as the tower sees it, before its bytes are normalised, and the size it had.
    pub(super) fn seen(&self, picture: &Picture) -> Result<(Rgb8, (usize, usize)), EncodeError> {
        let whole = load(picture, self.exif)?;
        Ok((self.processor.square(&whole)?, (whole.width, whole.height)))
    }

    /// Preprocessing and tower.
    pub(super) fn parts(&self) -> (&Processor, &Vit) {
        (&self.processor, &self.vit)
    }

    /// One picture as patches, row after row.
    fn patches(&self, picture: &Picture) -> Result<Vec<f32>, EncodeError> {
        let square: Rgb8 = self.processor.square(&load(picture, self.exif)?)?;
        let config = self.vit.config();
        let mut out = vec![0.0; config.patches() * config.patch_numbers()];
        write_patches(&square, config.patch, &self.processor.normalise.table(), &mut out);
        Ok(out)
    }
}

impl ImageEncoder for ModelImageEncoder {
    fn card(&self) -> &EncoderCard {
        &self.card
    }

    fn encode(
        &self,
        pictures: &[&Picture],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<EncodedImages, EncodeError> {
        let config = self.vit.config();
        let mut values = Vec::with_capacity(pictures.len() * config.projection);
        for batch in pictures.chunks(PICTURES_A_BATCH) {
            let patches: Vec<Vec<f32>> =
                batch.par_iter().map(|picture| self.patches(picture)).collect::<Result<_, _>>()?;
            let shape = (batch.len() * config.patches(), config.patch_numbers());
            let patches = Tensor::from_vec(patches.concat(), shape, &self.device)?;
            let rows = self.vit.forward(&patches, batch.len(), &Ctx::eval())?;
            values.extend(rows.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?);
            if progress(values.len() / config.projection, pictures.len()).is_break() {
                return Err(EncodeError::Interrupted);
            }
        }
        Ok(EncodedImages {
            rows: Embeddings::new(config.projection, values)?,
            patches: pictures.len() * config.patches(),
        })
    }
}
