//! Llama's configuration, and how it stands in Hugging Face's `config.json`.

use super::ConfigError;
use super::config::object;
use super::rope_scaling::{HfRope, RopeScaling};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The shape of a Llama.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlamaConfig {
    /// Tokens known.
    pub vocab: usize,
    /// Numbers a token.
    pub width: usize,
    /// Numbers inside a layer's MLP.
    pub mlp: usize,
    /// Layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Numbers a head; even.
    pub head_dim: usize,
    /// Of the norms.
    pub eps: f64,
    /// Base of the rotary wavelengths.
    pub rope_theta: f64,
    /// Stretching of the rotary wavelengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<RopeScaling>,
    /// Tokens a text may have.
    pub positions: usize,
    /// Whether the head is the token embedding.
    pub tied: bool,
}

/// `config.json`, both as transformers 4 wrote it (`rope_theta`, `rope_scaling`) and as 5 does
/// (`rope_parameters`). A field that a file may leave out has the default of `LlamaConfig` there.
#[derive(Deserialize)]
struct Hf {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(default = "default_eps")]
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_scaling: Option<HfRope>,
    rope_parameters: Option<HfRope>,
    #[serde(default = "default_positions")]
    max_position_embeddings: usize,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default = "default_activation")]
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

fn default_eps() -> f64 {
    1e-6
}

fn default_positions() -> usize {
    2048
}

fn default_activation() -> String {
    "silu".to_owned()
}

const DEFAULT_THETA: f64 = 10_000.0;

impl LlamaConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// Not a Llama's, or one with parts that are not computed here (biases, other rope scalings,
    /// another activation than `SiLU`).
    pub fn from_hf(json: &Value) -> Result<Self, ConfigError> {
        let hf = Hf::deserialize(json).map_err(ConfigError::json("llama"))?;
        if !matches!(hf.hidden_act.as_str(), "silu" | "swish") {
            return Err(ConfigError::unsupported("hidden_act", "silu", &hf.hidden_act));
        }
        for (field, bias) in [("attention_bias", hf.attention_bias), ("mlp_bias", hf.mlp_bias)] {
            if bias {
                return Err(ConfigError::unsupported(field, "false", &bias));
            }
        }
        let rope = hf.rope_parameters.as_ref().or(hf.rope_scaling.as_ref());
        let heads = hf.num_attention_heads;
        let config = Self {
            vocab: hf.vocab_size,
            width: hf.hidden_size,
            mlp: hf.intermediate_size,
            layers: hf.num_hidden_layers,
            heads,
            kv_heads: hf.num_key_value_heads.unwrap_or(heads),
            head_dim: hf.head_dim.unwrap_or(hf.hidden_size / heads.max(1)),
            eps: hf.rms_norm_eps,
            rope_theta: rope
                .and_then(|rope| rope.rope_theta)
                .or(hf.rope_theta)
                .unwrap_or(DEFAULT_THETA),
            rope_scaling: rope.map(HfRope::scaling).transpose()?.flatten(),
            positions: hf.max_position_embeddings,
            tied: hf.tie_word_embeddings,
        };
        config.check()?;
        Ok(config)
    }

    /// What goes into a `config.json` that transformers 4 and 5, and candle, read.
    #[must_use]
    pub fn to_hf(&self) -> Value {
        let scaling = self.rope_scaling.as_ref().map(|s| s.to_hf(self.positions));
        object(vec![
            ("architectures", json!(["LlamaForCausalLM"])),
            ("model_type", json!("llama")),
            ("vocab_size", json!(self.vocab)),
            ("hidden_size", json!(self.width)),
            ("intermediate_size", json!(self.mlp)),
            ("num_hidden_layers", json!(self.layers)),
            ("num_attention_heads", json!(self.heads)),
            ("num_key_value_heads", json!(self.kv_heads)),
            ("head_dim", json!(self.head_dim)),
            ("hidden_act", json!("silu")),
            ("rms_norm_eps", json!(self.eps)),
            ("rope_theta", json!(self.rope_theta)),
            ("rope_scaling", json!(scaling)),
            ("max_position_embeddings", json!(self.positions)),
            ("tie_word_embeddings", json!(self.tied)),
            ("attention_bias", json!(false)),
            ("mlp_bias", json!(false)),
            ("torch_dtype", json!("float32")),
        ])
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.heads == 0 {
            return Err(ConfigError::unsupported("num_attention_heads", "at least 1", &self.heads));
        }
        if self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) {
            let expected = format!("a divisor of the {} query heads", self.heads);
            return Err(ConfigError::unsupported("num_key_value_heads", expected, &self.kv_heads));
        }
        if self.head_dim == 0 || !self.head_dim.is_multiple_of(2) {
            return Err(ConfigError::unsupported("head_dim", "an even number", &self.head_dim));
        }
        if let Some(scaling) = &self.rope_scaling {
            scaling.check(self.head_dim)?;
        }
        Ok(())
    }

    /// The rotary frequencies, radians a position, `[head_dim / 2]`: 1 / theta^(2i / `head_dim`),
    /// stretched where and as the configuration says.
    #[must_use]
    pub fn frequencies(&self) -> Vec<f64> {
        let dim = self.head_dim as f64;
        (0..self.head_dim / 2)
            .map(|i| (i, self.rope_theta.powf(-2.0 * i as f64 / dim)))
            .map(|(i, f)| self.rope_scaling.as_ref().map_or(f, |scaling| scaling.stretch(i, f)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Value {
        json!({
            "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192,
            "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
            "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
            "rope_scaling": {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192, "rope_type": "llama3"},
            "max_position_embeddings": 131072, "tie_word_embeddings": true, "hidden_act": "silu",
        })
    }

    #[test]
    fn a_published_configuration_survives_the_round_trip() {
        let config = LlamaConfig::from_hf(&published()).unwrap();
        let Some(RopeScaling::Llama3(scaling)) = &config.rope_scaling else { panic!("llama3") };
        assert_eq!(scaling.factor, 32.0);
        assert_eq!(LlamaConfig::from_hf(&config.to_hf()).unwrap(), config);
        let ours = serde_json::to_value(&config).unwrap();
        assert_eq!(serde_json::from_value::<LlamaConfig>(ours).unwrap(), config);
    }

    #[test]
    fn what_is_not_computed_is_refused_by_name() {
        for (field, value) in [
            ("hidden_act", json!("gelu")),
            ("attention_bias", json!(true)),
            ("mlp_bias", json!(true)),
            ("num_key_value_heads", json!(5)),
            ("rope_scaling", json!({"type": "yarn", "factor": 2.0})),
        ] {
            let mut json = published();
            json[field] = value;
            let message = LlamaConfig::from_hf(&json).unwrap_err().to_string();
            let said = if field == "rope_scaling" { "rope_type" } else { field };
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn every_scaling_survives_the_round_trip_and_stretches_as_it_says() {
        let plain =
            LlamaConfig { rope_scaling: None, ..LlamaConfig::from_hf(&published()).unwrap() };
        let factors: Vec<f64> = (0..32).map(|i| 1.0 + f64::from(i)).collect();
        for (scaling, third) in [
            (RopeScaling::Linear { factor: 4.0 }, 4.0),
            (RopeScaling::Dynamic { factor: 4.0 }, 1.0),
            (RopeScaling::Factors { factors }, 4.0),
        ] {
            let config = LlamaConfig { rope_scaling: Some(scaling), ..plain.clone() };
            assert_eq!(LlamaConfig::from_hf(&config.to_hf()).unwrap(), config);
            assert_eq!(config.frequencies()[3], plain.frequencies()[3] / third);
        }
        let short = RopeScaling::Factors { factors: vec![1.0; 31] };
        assert!(LlamaConfig { rope_scaling: Some(short), ..plain.clone() }.check().is_err());
        let zero = RopeScaling::Linear { factor: 0.0 };
        assert!(LlamaConfig { rope_scaling: Some(zero), ..plain }.check().is_err());
    }

    #[test]
    fn a_missing_width_is_named() {
        let mut json = published();
        json.as_object_mut().unwrap().remove("hidden_size");
        let message = LlamaConfig::from_hf(&json).unwrap_err().to_string();
        assert!(message.contains("hidden_size"), "{message}");
    }
}
