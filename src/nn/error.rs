//! What can go wrong in `nn`.

use std::fmt;

/// A result whose error is [`NnError`] unless said otherwise.
pub type Result<T, E = NnError> = std::result::Result<T, E>;

/// An op or a block refused its arguments, or candle did.
#[derive(Debug, thiserror::Error)]
pub enum NnError {
    /// candle failed underneath.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A tensor has the wrong shape.
    #[error("{op}: expected {expected}, found {found}")]
    Shape {
        /// The op that refused.
        op: &'static str,
        /// What it needs.
        expected: String,
        /// What it got.
        found: String,
    },
    /// A tensor's name was asked for twice with two shapes.
    #[error("tensor {name}: asked for as {first:?} and again as {second:?}")]
    TwoShapes {
        /// The full name.
        name: String,
        /// The first shape.
        first: Vec<usize>,
        /// The second shape.
        second: Vec<usize>,
    },
    /// The tensors of a file do not fit the model.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl NnError {
    pub(crate) fn shape(
        op: &'static str,
        expected: impl Into<String>,
        found: impl fmt::Debug,
    ) -> Self {
        Self::Shape { op, expected: expected.into(), found: format!("{found:?}") }
    }
}

/// A tensor of the right name and the wrong shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshapen {
    /// The full name.
    pub name: String,
    /// The shape that the model needs.
    pub expected: Vec<usize>,
    /// The shape that was found.
    pub found: Vec<usize>,
}

/// Everything that keeps a set of tensors from fitting a model, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// Names that the model needs and the file lacks.
    pub missing: Vec<String>,
    /// Names that the file has and the model does not know.
    pub unexpected: Vec<String>,
    /// Tensors of the wrong shape.
    pub misshapen: Vec<Misshapen>,
}

impl LoadError {
    /// `Ok` when nothing is wrong.
    pub fn check(self) -> Result<(), Self> {
        let fits =
            self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty();
        if fits { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tensors do not fit the model: {} missing, {} unexpected, {} of another shape",
            self.missing.len(),
            self.unexpected.len(),
            self.misshapen.len()
        )?;
        for name in &self.missing {
            write!(f, "\n  missing     {name}")?;
        }
        for name in &self.unexpected {
            write!(f, "\n  unexpected  {name}")?;
        }
        for Misshapen { name, expected, found } in &self.misshapen {
            write!(f, "\n  shape       {name}: expected {expected:?}, found {found:?}")?;
        }
        Ok(())
    }
}
