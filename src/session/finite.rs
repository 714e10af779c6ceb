//! Numbers that may stand in a log. JSON has no NaN and no infinity, and the encoder would write
//! `null` for them in silence; so the type of a logged number cannot hold one.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A float that is neither NaN nor infinite. What cannot be one is absent or its own event.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

/// Numbers that are NaN or infinite where the log asks for finite ones.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected finite numbers, found NaN or infinity in {}; record it as an event", .names.join(", "))]
pub struct NotFinite {
    /// Which of the numbers given: names of losses, gradients or metrics.
    pub names: Vec<String>,
}

impl Finite {
    /// Zero.
    pub const ZERO: Self = Self(0.0);

    /// The number, or nothing where it is NaN or infinite. Takes f32 and f64.
    pub fn new(value: impl Into<f64>) -> Option<Self> {
        let value = value.into();
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Named numbers for a log; refuses the whole map when one is not finite and names them all.
    pub fn map<K, V>(values: impl IntoIterator<Item = (K, V)>) -> Result<FiniteMap, NotFinite>
    where
        K: Into<String>,
        V: Into<f64>,
    {
        let mut map = BTreeMap::new();
        let mut names = Vec::new();
        for (name, value) in values {
            let name = name.into();
            match Self::new(value) {
                Some(value) => drop(map.insert(name, value)),
                None => names.push(name),
            }
        }
        if names.is_empty() { Ok(map) } else { Err(NotFinite { names }) }
    }
}

/// Finite numbers by name, in name order.
pub type FiniteMap = BTreeMap<String, Finite>;

impl TryFrom<f64> for Finite {
    type Error = NotFinite;
    fn try_from(value: f64) -> Result<Self, NotFinite> {
        Self::new(value).ok_or_else(|| NotFinite { names: vec![value.to_string()] })
    }
}

impl From<Finite> for f64 {
    fn from(value: Finite) -> f64 {
        value.0
    }
}

impl fmt::Display for Finite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_infinity_are_never_a_number() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Finite::new(bad), None);
            let error = Finite::map([("loss", 1.0), ("head", bad)]).unwrap_err();
            assert_eq!(error.names, ["head"]);
        }
        assert_eq!(Finite::new(0.5_f32).map(Finite::get), Some(0.5));
        for text in ["null", "1e400", "\"NaN\""] {
            assert!(serde_json::from_str::<Finite>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_smallest_and_largest_numbers_come_back_bit_for_bit() {
        for value in [5e-324, -0.0, f64::MIN_POSITIVE, f64::MAX, 0.1, f64::from(0.1_f32)] {
            let text = serde_json::to_string(&Finite::new(value).unwrap()).unwrap();
            let back: Finite = serde_json::from_str(&text).unwrap();
            assert_eq!(back.get().to_bits(), value.to_bits(), "{text}");
        }
    }
}
