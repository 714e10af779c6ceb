//! How a Llama's rotary frequencies are stretched for longer texts, and how that stands in
//! Hugging Face's `config.json`.

use super::ConfigError;
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

/// How the rotary frequencies are stretched so that longer texts fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RopeScaling {
    /// Llama 3.1's: by wavelength.
    Llama3(Llama3),
    /// All frequencies divided by one factor (Llama 2 at 32k and others).
    Linear {
        /// At least 1.
        factor: f64,
    },
    /// The base grows with a text that is longer than the model's positions. Up to those, which
    /// is as far as texts go here, nothing changes.
    Dynamic {
        /// At least 1.
        factor: f64,
    },
    /// Every frequency divided by its own factor, as a GGUF file stores Llama 3.1's.
    Factors {
        /// `[head_dim / 2]`, each above 0.
        factors: Vec<f64>,
    },
}

/// The field `rope_scaling` or `rope_parameters` of a `config.json`.
#[derive(Deserialize)]
pub(super) struct HfRope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    pub(super) rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
    partial_rotary_factor: Option<f64>,
    short_factor: Option<Vec<f64>>,
    long_factor: Option<Vec<f64>>,
    attention_factor: Option<f64>,
}

impl HfRope {
    /// What the file says, if it says anything.
    pub(super) fn scaling(&self) -> Result<Option<RopeScaling>, ConfigError> {
        if let Some(factor) = self.partial_rotary_factor.filter(|factor| *factor != 1.0) {
            return Err(ConfigError::unsupported("partial_rotary_factor", "1", &factor));
        }
        let need = |field, value: Option<f64>| {
            value.ok_or_else(|| ConfigError::unsupported(field, "a number", &"nothing"))
        };
        Ok(match self.rope_type.as_deref() {
            None | Some("default") => None,
            Some("linear") => Some(RopeScaling::Linear { factor: need("factor", self.factor)? }),
            Some("dynamic") => Some(RopeScaling::Dynamic { factor: need("factor", self.factor)? }),
            Some("llama3") => {
                let original = self.original_max_position_embeddings.ok_or_else(|| {
                    let field = "original_max_position_embeddings";
                    ConfigError::unsupported(field, "a number", &"nothing")
                })?;
                Some(RopeScaling::Llama3(Llama3 {
                    factor: need("factor", self.factor)?,
                    low: need("low_freq_factor", self.low_freq_factor)?,
                    high: need("high_freq_factor", self.high_freq_factor)?,
                    original_positions: original,
                }))
            }
            // The one form of it that depends on nothing but the position.
            Some("longrope")
                if self.short_factor.is_some()
                    && self.short_factor == self.long_factor
                    && self.attention_factor == Some(1.0) =>
            {
                self.short_factor.clone().map(|factors| RopeScaling::Factors { factors })
            }
            Some(other) => {
                let expected = "default, llama3, linear or dynamic";
                return Err(ConfigError::unsupported("rope_type", expected, &other));
            }
        })
    }
}

impl RopeScaling {
    /// As it stands in a `config.json`.
    pub(super) fn to_hf(&self, positions: usize) -> Value {
        match self {
            Self::Llama3(s) => json!({
                "rope_type": "llama3",
                "factor": s.factor,
                "low_freq_factor": s.low,
                "high_freq_factor": s.high,
                "original_max_position_embeddings": s.original_positions,
            }),
            Self::Linear { factor } => json!({"rope_type": "linear", "factor": factor}),
            Self::Dynamic { factor } => json!({"rope_type": "dynamic", "factor": factor}),
            // transformers' name for a factor a frequency; with equal lists and an attention factor
            // of 1 nothing else of it is left.
            Self::Factors { factors } => json!({
                "rope_type": "longrope",
                "factor": 1.0,
                "short_factor": factors,
                "long_factor": factors,
                "attention_factor": 1.0,
                "original_max_position_embeddings": positions,
            }),
        }
    }

    /// One frequency, radians a position, stretched; `i` is its place from the highest.
    pub(super) fn stretch(&self, i: usize, frequency: f64) -> f64 {
        match self {
            Self::Llama3(scaling) => scaling.stretch(frequency),
            Self::Linear { factor } => frequency / factor,
            Self::Dynamic { .. } => frequency,
            Self::Factors { factors } => frequency / factors.get(i).copied().unwrap_or(1.0),
        }
    }

    pub(super) fn check(&self, head_dim: usize) -> Result<(), ConfigError> {
        let above = |field, least: f64, value: f64| {
            if value.is_finite() && value >= least {
                return Ok(());
            }
            Err(ConfigError::unsupported(field, format!("a number from {least}"), &value))
        };
        match self {
            Self::Llama3(s) => {
                above("factor", 1.0, s.factor)?;
                if s.high > s.low && s.low > 0.0 && s.original_positions > 0 {
                    return Ok(());
                }
                let expected = format!("a number above low_freq_factor {}", s.low);
                Err(ConfigError::unsupported("high_freq_factor", expected, &s.high))
            }
            Self::Linear { factor } | Self::Dynamic { factor } => above("factor", 1.0, *factor),
            Self::Factors { factors } => {
                if factors.len() != head_dim / 2 {
                    let expected = format!("{} rotary factors", head_dim / 2);
                    let found = factors.len();
                    return Err(ConfigError::unsupported("short_factor", expected, &found));
                }
                factors.iter().try_for_each(|&f| above("short_factor", f64::MIN_POSITIVE, f))
            }
        }
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
