//! LLM2CLIP's second stage: CLIP's image tower beside an adapter on a frozen language model's rows.

use super::clip::LogitScale;
use super::{AdapterConfig, Ctx, ModelError, TextAdapter, Vit, VitConfig};
use crate::nn::Builder;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The shapes of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Llm2ClipConfig {
    /// The image tower; its `projection` is the joint width.
    pub vision: VitConfig,
    /// The text side; its `projection` equals the image tower's.
    pub adapter: AdapterConfig,
    /// The stored (logarithmic) logit scale where no checkpoint brings one.
    pub logit_scale_init: f32,
}

/// Image tower, adapter and logit scale. The language model is not part of it: its rows come from
/// a table.
#[derive(Clone, Debug)]
pub struct Llm2Clip {
    vision: Vit,
    adapter: TextAdapter,
    logit_scale: LogitScale,
}

impl Llm2Clip {
    /// Name prefixes that a CLIP checkpoint does not bring: the joint space is a new one.
    pub const FRESH: [&'static str; 2] = ["text_adapter.", "visual_projection."];

    /// Names as in the released files: `vision_model.…`, `visual_projection.weight`,
    /// `text_adapter.adaptor.…` and `logit_scale`. Fresh weights as [`Vit::new`] and
    /// [`TextAdapter::new`] say.
    ///
    /// # Errors
    /// Sides whose features have two widths, or a configuration whose sizes do not divide.
    pub fn new(config: &Llm2ClipConfig, builder: &Builder) -> Result<Self, ModelError> {
        let (expected, found) = (config.vision.projection, config.adapter.projection);
        if expected != found {
            let what = "width of the adapter's features beside image features";
            return Err(ModelError::Mismatch { what, expected, found });
        }
        Ok(Self {
            vision: Vit::new(&config.vision, builder)?,
            adapter: TextAdapter::new(&config.adapter, builder)?,
            logit_scale: LogitScale::new(builder, config.logit_scale_init, None)?,
        })
    }

    /// What of a CLIP checkpoint goes on: the image tower and the trained logit scale. The text
    /// tower goes, and so does the projection into the old joint space.
    #[must_use]
    pub fn from_clip(mut clip: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
        clip.retain(|name, _| name.starts_with("vision_model.") || name == "logit_scale");
        clip
    }

    /// The image tower.
    #[must_use]
    pub fn vision(&self) -> &Vit {
        &self.vision
    }

    /// The text side.
    #[must_use]
    pub fn adapter(&self) -> &TextAdapter {
        &self.adapter
    }

    /// The logit scale.
    #[must_use]
    pub fn logit_scale(&self) -> &LogitScale {
        &self.logit_scale
    }

    /// [`Vit::forward`]: `[b, projection]`, not normalised.
    ///
    /// # Errors
    /// As there.
    pub fn image_features(
        &self,
        patches: &Tensor,
        b: usize,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        self.vision.forward(patches, b, ctx)
    }

    /// [`TextAdapter::forward`] on the language model's rows `[n, width]`: `[n, projection]`, not
    /// normalised.
    ///
    /// # Errors
    /// As there.
    pub fn text_features(&self, rows: &Tensor) -> Result<Tensor, ModelError> {
        self.adapter.forward(rows)
    }
}
