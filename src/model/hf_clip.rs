//! CLIP's and LLM2CLIP's configurations in Hugging Face's `config.json`.

use super::config::{activation, activation_name, object};
use super::{
    AdapterConfig, ClipConfig, ClipTextConfig, ConfigError, EotRule, Llm2ClipConfig, VitConfig,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A field that a file leaves out has the default of transformers' own class: such files are
/// written as differences from it. The same goes for the towers below.
#[derive(Deserialize)]
#[serde(default)]
struct Hf {
    projection_dim: usize,
    logit_scale_init_value: f32,
    logit_bias_init_value: Option<f32>,
    vision_config: HfVision,
    text_config: HfText,
}

impl Default for Hf {
    fn default() -> Self {
        Self {
            projection_dim: 512,
            logit_scale_init_value: 2.6592,
            logit_bias_init_value: None,
            vision_config: HfVision::default(),
            text_config: HfText::default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct HfVision {
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_channels: usize,
    image_size: usize,
    patch_size: usize,
    hidden_act: String,
    layer_norm_eps: f64,
}

impl Default for HfVision {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 32,
            hidden_act: "quick_gelu".to_owned(),
            layer_norm_eps: 1e-5,
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct HfText {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    max_position_embeddings: usize,
    hidden_act: String,
    layer_norm_eps: f64,
    eos_token_id: u32,
}

impl Default for HfText {
    fn default() -> Self {
        Self {
            vocab_size: 49408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: "quick_gelu".to_owned(),
            layer_norm_eps: 1e-5,
            eos_token_id: 49407,
        }
    }
}

/// The end token id that stands in the files made before transformers knew better, and means
/// "the largest id of the text" there.
const EOT_BY_ARG_MAX: u32 = 2;

impl HfVision {
    fn config(self, projection: usize) -> Result<VitConfig, ConfigError> {
        if self.num_channels != 3 {
            return Err(ConfigError::unsupported("num_channels", "3", &self.num_channels));
        }
        Ok(VitConfig {
            image_size: self.image_size,
            patch: self.patch_size,
            width: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            mlp: self.intermediate_size,
            activation: activation(&self.hidden_act)?,
            eps: self.layer_norm_eps,
            projection,
        })
    }
}

impl VitConfig {
    fn to_hf(&self) -> Value {
        json!({
            "hidden_size": self.width,
            "intermediate_size": self.mlp,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_channels": 3,
            "image_size": self.image_size,
            "patch_size": self.patch,
            "hidden_act": activation_name(self.activation),
            "layer_norm_eps": self.eps,
            "projection_dim": self.projection,
        })
    }
}

impl ClipConfig {
    /// Reads a `config.json` of a `CLIPModel`.
    ///
    /// # Errors
    /// Not a CLIP's, or one with an activation that is not computed here.
    pub fn from_hf(json: &Value) -> Result<Self, ConfigError> {
        let hf = Hf::deserialize(json).map_err(ConfigError::json("clip"))?;
        let text = hf.text_config;
        Ok(Self {
            vision: hf.vision_config.config(hf.projection_dim)?,
            text: ClipTextConfig {
                vocab: text.vocab_size,
                positions: text.max_position_embeddings,
                width: text.hidden_size,
                layers: text.num_hidden_layers,
                heads: text.num_attention_heads,
                mlp: text.intermediate_size,
                activation: activation(&text.hidden_act)?,
                eps: text.layer_norm_eps,
                projection: hf.projection_dim,
                eot: match text.eos_token_id {
                    EOT_BY_ARG_MAX => EotRule::ArgMax,
                    id => EotRule::Id(id),
                },
            },
            logit_scale_init: hf.logit_scale_init_value,
            logit_bias_init: hf.logit_bias_init_value,
        })
    }

    /// What goes into a `config.json` that transformers reads as a `CLIPModel`.
    #[must_use]
    pub fn to_hf(&self) -> Value {
        let text = json!({
            "vocab_size": self.text.vocab,
            "hidden_size": self.text.width,
            "intermediate_size": self.text.mlp,
            "num_hidden_layers": self.text.layers,
            "num_attention_heads": self.text.heads,
            "max_position_embeddings": self.text.positions,
            "hidden_act": activation_name(self.text.activation),
            "layer_norm_eps": self.text.eps,
            "projection_dim": self.text.projection,
            "eos_token_id": match self.text.eot {
                EotRule::ArgMax => EOT_BY_ARG_MAX,
                EotRule::Id(id) => id,
            },
        });
        let mut fields = vec![
            ("architectures", json!(["CLIPModel"])),
            ("model_type", json!("clip")),
            ("projection_dim", json!(self.vision.projection)),
            ("logit_scale_init_value", json!(self.logit_scale_init)),
            ("vision_config", self.vision.to_hf()),
            ("text_config", text),
        ];
        if let Some(bias) = self.logit_bias_init {
            fields.push(("logit_bias_init_value", json!(bias)));
        }
        object(fields)
    }
}

impl Llm2ClipConfig {
    /// Reads a `config.json` of a released LLM2CLIP image half. It does not say how wide the
    /// language model's rows are: `width` does (see [`super::names::adapter_width`]).
    ///
    /// # Errors
    /// Not a CLIP's, or one with an activation that is not computed here.
    pub fn from_hf(json: &Value, width: usize) -> Result<Self, ConfigError> {
        let hf = Hf::deserialize(json).map_err(ConfigError::json("llm2clip"))?;
        let projection = hf.projection_dim;
        Ok(Self {
            vision: hf.vision_config.config(projection)?,
            adapter: AdapterConfig { width, blocks: 4, projection, normalise: true },
            logit_scale_init: hf.logit_scale_init_value,
        })
    }

    /// What goes into a `config.json` laid out like the released ones.
    #[must_use]
    pub fn to_hf(&self) -> Value {
        json!({
            "architectures": ["LLM2CLIPModel"],
            "model_type": "clip",
            "projection_dim": self.vision.projection,
            "logit_scale_init_value": self.logit_scale_init,
            "vision_config": self.vision.to_hf(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_differences_is_the_published_base() {
        let config = ClipConfig::from_hf(&json!({"model_type": "clip"})).unwrap();
        assert_eq!((config.vision.width, config.vision.patches()), (768, 49));
        assert_eq!(config.text.eot, EotRule::Id(49407));
        assert_eq!(ClipConfig::from_hf(&config.to_hf()).unwrap(), config);
        let ours = serde_json::to_value(&config).unwrap();
        assert_eq!(ours["vision"]["activation"], "quick_gelu");
        assert_eq!(serde_json::from_value::<ClipConfig>(ours).unwrap(), config);
        let half = Llm2ClipConfig::from_hf(&json!({"projection_dim": 1280}), 4096).unwrap();
        assert_eq!((half.adapter.projection, half.adapter.width), (1280, 4096));
        assert_eq!(Llm2ClipConfig::from_hf(&half.to_hf(), 4096).unwrap(), half);
    }

    #[test]
    fn the_activation_is_read_from_the_file() {
        let mut json = ClipConfig::from_hf(&json!({})).unwrap().to_hf();
        json["vision_config"]["hidden_act"] = json!("gelu");
        let config = ClipConfig::from_hf(&json).unwrap();
        assert_eq!(config.vision.activation, crate::nn::Activation::GeluErf);
        assert_eq!(config.text.activation, crate::nn::Activation::QuickGelu);
        json["text_config"]["hidden_act"] = json!("relu6");
        let message = ClipConfig::from_hf(&json).unwrap_err().to_string();
        assert!(message.contains("relu6") && message.contains("quick_gelu"), "{message}");
    }
}
