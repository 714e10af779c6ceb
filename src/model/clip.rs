//! CLIP: both towers and the logit scale (Radford et al. 2021).

use super::{ClipText, ClipTextConfig, Ctx, ModelError, Vit, VitConfig};
use crate::nn::{Builder, Init, Packing};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// `ln(1 / 0.07)`: where a fresh logit scale starts. It is stored as a logarithm.
pub const LOGIT_SCALE_INIT: f32 = 2.659_26;

/// `ln 100`: the trainer clamps the stored logarithm to 0..=this after every step.
pub const LOGIT_SCALE_MAX: f32 = 4.605_170_2;

/// Both towers' shapes, and where the loss's own parameters start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipConfig {
    /// The image tower.
    pub vision: VitConfig,
    /// The text tower; its `projection` equals the image tower's.
    pub text: ClipTextConfig,
    /// The stored (logarithmic) logit scale of fresh weights.
    pub logit_scale_init: f32,
    /// The logit bias of fresh weights; `None` for models without one (only the sigmoid loss has
    /// one: Zhai et al. 2023 start it at -10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_bias_init: Option<f32>,
}

/// The loss's own parameters: the inverse temperature and, for the sigmoid loss, a bias.
#[derive(Clone, Debug)]
pub struct LogitScale {
    log: Tensor,
    bias: Option<Tensor>,
}

impl LogitScale {
    /// Names `logit_scale` and, where `bias` says so, `logit_bias`, both scalars `[]`.
    pub(super) fn new(builder: &Builder, log: f32, bias: Option<f32>) -> Result<Self, ModelError> {
        let bias = bias.map(|start| builder.get("logit_bias", &[], Init::Const(start)));
        Ok(Self {
            log: builder.get("logit_scale", &[], Init::Const(log))?,
            bias: bias.transpose()?,
        })
    }

    /// The stored logarithm, a scalar.
    #[must_use]
    pub fn log(&self) -> &Tensor {
        &self.log
    }

    /// What cosines are multiplied by, a scalar.
    ///
    /// # Errors
    /// candle's own.
    pub fn scale(&self) -> Result<Tensor, ModelError> {
        Ok(self.log.exp()?)
    }

    /// The sigmoid loss's bias, a scalar.
    #[must_use]
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }
}

/// Both towers and the logit scale.
#[derive(Clone, Debug)]
pub struct Clip {
    vision: Vit,
    text: ClipText,
    logit_scale: LogitScale,
}

impl Clip {
    /// Names as in Hugging Face's `CLIPModel` (and `logit_bias`, as in its `SiglipModel`).
    ///
    /// # Errors
    /// Towers whose features have two widths, or a configuration whose sizes do not divide.
    pub fn new(config: &ClipConfig, builder: &Builder) -> Result<Self, ModelError> {
        let (expected, found) = (config.vision.projection, config.text.projection);
        if expected != found {
            let what = "width of text features beside image features";
            return Err(ModelError::Mismatch { what, expected, found });
        }
        Ok(Self {
            vision: Vit::new(&config.vision, builder)?,
            text: ClipText::new(&config.text, builder)?,
            logit_scale: LogitScale::new(builder, config.logit_scale_init, config.logit_bias_init)?,
        })
    }

    /// The image tower.
    #[must_use]
    pub fn vision(&self) -> &Vit {
        &self.vision
    }

    /// The text tower.
    #[must_use]
    pub fn text(&self) -> &ClipText {
        &self.text
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

    /// [`ClipText::forward`]: `[sequences, projection]`, not normalised.
    ///
    /// # Errors
    /// As there.
    pub fn text_features(
        &self,
        ids: &[u32],
        packing: &Packing,
        ctx: &Ctx,
    ) -> Result<Tensor, ModelError> {
        self.text.forward(ids, packing, ctx)
    }
}
