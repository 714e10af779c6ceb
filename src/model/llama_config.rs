//! Llama's configuration, and how it stands in Hugging Face's `config.json`.

use super::ConfigError;
use super::config::object;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Llama 3.1's stretching of the rotary frequencies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Llama3 {
    /// Low frequencies are divided by this.
    pub factor: f64,
    /// Wavelengths above `original_positions / low` are low.
    pub low: f64,
    /// Wavelengths below `original_positions / high` are left alone.
    pub high: f64,
    /// Positions before the stretching.
    pub original_positions: usize,
}

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
    pub rope_scaling: Option<Llama3>,
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

#[derive(Deserialize)]
struct HfRope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
    partial_rotary_factor: Option<f64>,
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

impl HfRope {
    fn scaling(&self) -> Result<Option<Llama3>, ConfigError> {
        if let Some(factor) = self.partial_rotary_factor.filter(|factor| *factor != 1.0) {
            return Err(ConfigError::unsupported("partial_rotary_factor", "1", &factor));
        }
        match self.rope_type.as_deref() {
            None | Some("default") => Ok(None),
            Some("llama3") => {
                let need = |field, value: Option<f64>| {
                    value.ok_or_else(|| ConfigError::unsupported(field, "a number", &"nothing"))
                };
                let original = self.original_max_position_embeddings.ok_or_else(|| {
                    let field = "original_max_position_embeddings";
                    ConfigError::unsupported(field, "a number", &"nothing")
                })?;
                Ok(Some(Llama3 {
                    factor: need("factor", self.factor)?,
                    low: need("low_freq_factor", self.low_freq_factor)?,
                    high: need("high_freq_factor", self.high_freq_factor)?,
                    original_positions: original,
                }))
            }
            Some(other) => Err(ConfigError::unsupported("rope_type", "default or llama3", &other)),
        }
    }
}

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
        let scaling = self.rope_scaling.as_ref().map(|s| {
            json!({
                "rope_type": "llama3",
                "factor": s.factor,
                "low_freq_factor": s.low,
                "high_freq_factor": s.high,
                "original_max_position_embeddings": s.original_positions,
            })
        });
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
        Ok(())
    }

    /// The rotary frequencies, radians a position, `[head_dim / 2]`: 1 / theta^(2i / `head_dim`),
    /// stretched as Llama 3.1 does where the configuration says so.
    #[must_use]
    pub fn frequencies(&self) -> Vec<f64> {
        let dim = self.head_dim as f64;
        (0..self.head_dim / 2)
            .map(|i| self.rope_theta.powf(-2.0 * i as f64 / dim))
            .map(|f| self.rope_scaling.as_ref().map_or(f, |scaling| scaling.stretch(f)))
            .collect()
    }
}

impl Llama3 {
    /// One frequency: left alone when its wavelength is short, divided when it is long, and mixed
    /// smoothly between.
    fn stretch(&self, frequency: f64) -> f64 {
        let original = self.original_positions as f64;
        let wavelength = std::f64::consts::TAU / frequency;
        if wavelength < original / self.high {
            frequency
        } else if wavelength > original / self.low {
            frequency / self.factor
        } else {
            let smooth = (original / wavelength - self.low) / (self.high - self.low);
            (1.0 - smooth) * frequency / self.factor + smooth * frequency
        }
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
        assert_eq!(config.rope_scaling.as_ref().unwrap().factor, 32.0);
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
            ("rope_scaling", json!({"type": "linear", "factor": 2.0})),
        ] {
            let mut json = published();
            json[field] = value;
            let message = LlamaConfig::from_hf(&json).unwrap_err().to_string();
            let said = if field == "rope_scaling" { "rope_type" } else { field };
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn a_missing_width_is_named() {
        let mut json = published();
        json.as_object_mut().unwrap().remove("hidden_size");
        let message = LlamaConfig::from_hf(&json).unwrap_err().to_string();
        assert!(message.contains("hidden_size"), "{message}");
    }
}
