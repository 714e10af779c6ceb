//! Rows of unit length, so that nobody has to wonder.

/// Why some rows are no embeddings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EmbeddingError {
    /// A row that has no direction.
    #[error(
        "row {row} is {what}: an embedding needs a direction; look at the text or picture behind it"
    )]
    Row {
        /// The row.
        row: usize,
        /// `zero` or `not finite`.
        what: &'static str,
    },
    /// The numbers do not make whole rows.
    #[error("{numbers} numbers do not make rows of {dim}")]
    Shape {
        /// How many there are.
        numbers: usize,
        /// Columns a row.
        dim: usize,
    },
}

/// Unit rows `[rows, dim]`, in input order.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    dim: usize,
    values: Vec<f32>,
}

impl Embeddings {
    /// Scales every row to unit length, or refuses a row that is zero or not finite.
    pub fn new(dim: usize, mut values: Vec<f32>) -> Result<Self, EmbeddingError> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            return Err(EmbeddingError::Shape { numbers: values.len(), dim });
        }
        for (row, chunk) in values.chunks_mut(dim).enumerate() {
            let square: f64 = chunk.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            if !square.is_finite() {
                return Err(EmbeddingError::Row { row, what: "not finite" });
            }
            if square == 0.0 {
                return Err(EmbeddingError::Row { row, what: "zero" });
            }
            let norm = square.sqrt();
            for x in chunk {
                *x = (f64::from(*x) / norm) as f32;
            }
        }
        Ok(Self { dim, values })
    }

    /// Columns of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.dim
    }

    /// All numbers, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }

    /// The rows at these places, in this order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row).iter().copied()).collect();
        Self { dim: self.dim, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_with_unit_length() {
        let rows = Embeddings::new(2, vec![3.0, 4.0, 0.0, 2.0]).unwrap();
        assert_eq!(rows.values(), [0.6, 0.8, 0.0, 1.0]);
        assert_eq!(rows.select(&[1]).row(0), [0.0, 1.0]);
    }

    #[test]
    fn rows_without_a_direction_are_refused_by_number() {
        let error = Embeddings::new(2, vec![1.0, 0.0, 0.0, 0.0]).unwrap_err();
        assert_eq!(error, EmbeddingError::Row { row: 1, what: "zero" });
        let error = Embeddings::new(1, vec![1.0, f32::NAN]).unwrap_err();
        assert_eq!(error, EmbeddingError::Row { row: 1, what: "not finite" });
        assert!(Embeddings::new(3, vec![1.0]).is_err());
    }
}
