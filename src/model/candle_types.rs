//! candle-transformers' configuration types, turned into ours and back: the published presets come
//! from there, and its inference models check ours.

use super::{ClipConfig, ClipTextConfig, EotRule, Llama3, LlamaConfig, RopeScaling, VitConfig};
use crate::nn::Activation;
use candle_transformers::models::clip::ClipConfig as CandleClip;
use candle_transformers::models::clip::text_model::{
    Activation as CandleActivation, ClipTextConfig as CandleText,
};
use candle_transformers::models::clip::vision_model::ClipVisionConfig as CandleVision;
use candle_transformers::models::llama::{
    Config as CandleLlamaInner, Llama3RopeType, LlamaConfig as CandleLlama,
};

impl From<CandleActivation> for Activation {
    fn from(activation: CandleActivation) -> Self {
        match activation {
            CandleActivation::QuickGelu => Self::QuickGelu,
        }
    }
}

/// What candle's CLIP has written into its code.
const EPS: f64 = 1e-5;

impl From<&CandleVision> for VitConfig {
    fn from(c: &CandleVision) -> Self {
        Self {
            image_size: c.image_size,
            patch: c.patch_size,
            width: c.embed_dim,
            layers: c.num_hidden_layers,
            heads: c.num_attention_heads,
            mlp: c.intermediate_size,
            activation: c.activation.into(),
            eps: EPS,
            projection: c.projection_dim,
        }
    }
}

impl From<&CandleText> for ClipTextConfig {
    fn from(c: &CandleText) -> Self {
        Self {
            vocab: c.vocab_size,
            positions: c.max_position_embeddings,
            width: c.embed_dim,
            layers: c.num_hidden_layers,
            heads: c.num_attention_heads,
            mlp: c.intermediate_size,
            activation: c.activation.into(),
            eps: EPS,
            projection: c.projection_dim,
            eot: EotRule::ArgMax,
        }
    }
}

impl From<&CandleClip> for ClipConfig {
    fn from(c: &CandleClip) -> Self {
        Self {
            vision: (&c.vision_config).into(),
            text: (&c.text_config).into(),
            logit_scale_init: c.logit_scale_init_value,
            logit_bias_init: None,
        }
    }
}

impl From<CandleLlama> for LlamaConfig {
    fn from(c: CandleLlama) -> Self {
        (&c.into_config(false)).into()
    }
}

impl From<&CandleLlamaInner> for LlamaConfig {
    fn from(c: &CandleLlamaInner) -> Self {
        let scaling =
            c.rope_scaling.as_ref().filter(|s| matches!(s.rope_type, Llama3RopeType::Llama3));
        Self {
            vocab: c.vocab_size,
            width: c.hidden_size,
            mlp: c.intermediate_size,
            layers: c.num_hidden_layers,
            heads: c.num_attention_heads,
            kv_heads: c.num_key_value_heads,
            head_dim: c.hidden_size / c.num_attention_heads.max(1),
            eps: c.rms_norm_eps,
            rope_theta: f64::from(c.rope_theta),
            rope_scaling: scaling.map(|s| {
                RopeScaling::Llama3(Llama3 {
                    factor: f64::from(s.factor),
                    low: f64::from(s.low_freq_factor),
                    high: f64::from(s.high_freq_factor),
                    original_positions: s.original_max_position_embeddings,
                })
            }),
            positions: c.max_position_embeddings,
            tied: c.tie_word_embeddings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_preset_is_the_published_configuration() {
        let ours = ClipConfig::from(&CandleClip::vit_base_patch32());
        let published = ClipConfig::from_hf(&serde_json::json!({})).unwrap();
        assert_eq!(ours.vision, published.vision);
        let text = ClipTextConfig { eot: EotRule::ArgMax, ..published.text };
        assert_eq!(ours.text, text);
    }

    #[test]
    fn candles_reader_and_ours_agree_on_a_file() {
        let json = LlamaConfig::from(&CandleLlamaInner::config_7b_v2(false)).to_hf();
        let candle: CandleLlama = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(LlamaConfig::from(candle), LlamaConfig::from_hf(&json).unwrap());
    }
}
