//! Configurations as data: what every architecture's `config.json` reader shares.

use crate::nn::Activation;
use serde_json::Value;

/// A `config.json` that cannot be turned into a model.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON, or a field is missing or of another type.
    #[error("{architecture} configuration: {source}")]
    Json {
        /// Which reader refused.
        architecture: &'static str,
        /// What serde found.
        source: serde_json::Error,
    },
    /// An activation nobody here computes.
    #[error(
        "unknown activation {found:?}: expected one of {}; convert the model or name its activation \
         as one of these",
        ACTIVATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    )]
    Activation {
        /// The name in the file.
        found: String,
    },
    /// A setting that would change the numbers and is not computed here.
    #[error("{field}: expected {expected}, found {found}; this architecture is not supported")]
    Unsupported {
        /// The field's name in `config.json`.
        field: &'static str,
        /// What is supported.
        expected: String,
        /// What the file says.
        found: String,
    },
}

impl ConfigError {
    pub(super) fn json(architecture: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Json { architecture, source }
    }

    pub(super) fn unsupported(
        field: &'static str,
        expected: impl Into<String>,
        found: &impl ToString,
    ) -> Self {
        Self::Unsupported { field, expected: expected.into(), found: found.to_string() }
    }
}

/// The activation names of Hugging Face's `ACT2FN` that are known here. The first name of an
/// activation is the one that is written.
const ACTIVATIONS: [(&str, Activation); 8] = [
    ("quick_gelu", Activation::QuickGelu),
    ("gelu", Activation::GeluErf),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("gelu_new", Activation::GeluTanh),
    ("gelu_fast", Activation::GeluTanh),
    ("gelu_python", Activation::GeluErf),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
];

/// The activation that `config.json` calls `name`.
///
/// # Errors
/// An unknown name; the error lists the known ones.
pub fn activation(name: &str) -> Result<Activation, ConfigError> {
    let known = ACTIVATIONS.iter().find(|(known, _)| *known == name);
    known.map(|(_, a)| *a).ok_or_else(|| ConfigError::Activation { found: name.to_owned() })
}

/// The name that `config.json` has for an activation.
#[must_use]
pub fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::QuickGelu => "quick_gelu",
        Activation::GeluErf => "gelu",
        Activation::GeluTanh => "gelu_pytorch_tanh",
        Activation::Silu => "silu",
    }
}

/// serde for an activation under its `config.json` name.
pub(super) mod activation_serde {
    use super::Activation;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(activation: &Activation, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(super::activation_name(*activation))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Activation, D::Error> {
        super::activation(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

/// A JSON object of these fields.
pub(super) fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_activation_lists_the_known_ones() {
        let message = activation("mish").unwrap_err().to_string();
        for (name, _) in ACTIVATIONS {
            assert!(message.contains(name), "{message}");
        }
        assert!(message.contains("mish"), "{message}");
    }

    #[test]
    fn written_activation_names_are_read_back() {
        for (_, known) in ACTIVATIONS {
            assert_eq!(activation(activation_name(known)).unwrap(), known);
        }
    }
}
