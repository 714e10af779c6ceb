//! Embedding tables on disk: one safetensors file with `embeddings` `[rows, dim]`, unit rows in input
//! order, and the encoder's card in its one metadata key.
//!
//! f16 and int8 tables are normalised again after reading; int8 rows carry one scale each in `scales`
//! `[rows]`.

use super::mmap;
use super::{Embeddings, EncodeError, EncoderCard};
use crate::files;
use crate::ids::Digest;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableDtype {
    /// As computed.
    #[default]
    F32,
    /// Half the size.
    F16,
    /// A quarter of the size, one scale a row.
    Int8,
}

impl TableDtype {
    /// The name on the command line and in cards.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }
}

impl std::str::FromStr for TableDtype {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            "int8" => Ok(Self::Int8),
            _ => Err(format!("expected f32, f16 or int8, found {text:?}")),
        }
    }
}

impl TableDtype {
    /// Rows as they come back after being stored so, without a file: what a table costs in accuracy.
    ///
    /// # Errors
    /// A row that has no direction left.
    pub fn stored(self, rows: &Embeddings) -> Result<Embeddings, EncodeError> {
        let (kind, bytes, scales) = packed(rows, self);
        Ok(Embeddings::new(rows.dim(), unpacked(kind, &bytes, &scales, rows.dim()))?)
    }

    /// Bytes of a row of `dim` numbers, its scale included.
    pub fn bytes_per_row(self, dim: usize) -> usize {
        match self {
            Self::F32 => dim * 4,
            Self::F16 => dim * 2,
            Self::Int8 => dim + 4,
        }
    }
}

/// The numbers as they are stored, and the scale of each row of int8.
fn packed(rows: &Embeddings, dtype: TableDtype) -> (Dtype, Vec<u8>, Vec<f32>) {
    match dtype {
        TableDtype::F32 => (Dtype::F32, to_bytes(rows.values(), f32::to_le_bytes), Vec::new()),
        TableDtype::F16 => {
            let half = |x| half::f16::from_f32(x).to_le_bytes();
            (Dtype::F16, to_bytes(rows.values(), half), Vec::new())
        }
        TableDtype::Int8 => {
            let mut bytes = Vec::with_capacity(rows.values().len());
            let mut scales = Vec::with_capacity(rows.rows());
            for row in (0..rows.rows()).map(|row| rows.row(row)) {
                let scale = row.iter().fold(0.0f32, |most, x| most.max(x.abs())) / 127.0;
                bytes.extend(row.iter().map(|x| ((x / scale).round() as i8) as u8));
                scales.push(scale);
            }
            (Dtype::I8, bytes, scales)
        }
    }
}

/// What [`packed`] made, as numbers again; not normalised.
fn unpacked(kind: Dtype, bytes: &[u8], scales: &[f32], dim: usize) -> Vec<f32> {
    match kind {
        Dtype::F16 => {
            let pairs = bytes.chunks_exact(2);
            pairs.map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        Dtype::I8 => {
            let rows = bytes.chunks_exact(dim).zip(scales);
            rows.flat_map(|(row, &scale)| row.iter().map(move |&x| f32::from(x as i8) * scale))
                .collect()
        }
        _ => floats(bytes).collect(),
    }
}

/// Rows with the card of the encoder that made them.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Unit rows in input order.
    pub rows: Embeddings,
    /// The encoder.
    pub card: EncoderCard,
}

/// What a table in the store is named by: the encoder's card, the data's digest, and what else a
/// row's bits depend on.
pub fn table_key(card: &EncoderCard, data: &Digest, device: &str, threads: usize) -> Digest {
    let build = concat!(env!("CARGO_PKG_VERSION"), "/1");
    Digest::of(format!("{}\n{data}\n{device}\n{threads}\n{build}", card.digest()).as_bytes())
}

impl Table {
    /// Writes the table atomically; returns the bytes it takes.
    pub fn save(&self, path: &Path, dtype: TableDtype) -> Result<u64, EncodeError> {
        let (rows, dim) = (self.rows.rows(), self.rows.dim());
        let mut card = self.card.clone();
        dtype.name().clone_into(&mut card.dtype);
        let (kind, bytes, scales) = packed(&self.rows, dtype);
        let scale_bytes = to_bytes(&scales, f32::to_le_bytes);
        let wrong = |cause: safetensors::SafeTensorError| {
            EncodeError::Candle(candle_core::Error::from(cause).with_path(path))
        };
        let mut views = BTreeMap::new();
        views.insert("embeddings", TensorView::new(kind, vec![rows, dim], &bytes).map_err(wrong)?);
        if !scales.is_empty() {
            let view = TensorView::new(Dtype::F32, vec![rows], &scale_bytes).map_err(wrong)?;
            views.insert("scales", view);
        }
        // One metadata key: the crate writes several in hash order.
        let json = serde_json::to_string(&card).unwrap_or_default();
        let metadata = Some([("card".to_owned(), json)].into_iter().collect());
        let file = safetensors::serialize(views, metadata).map_err(wrong)?;
        files::write_atomic(path, &file)?;
        Ok(file.len() as u64)
    }

    /// Reads a table. Rows of f16 and int8 are normalised again.
    ///
    /// # Errors
    /// A file that is none, or rows without a direction.
    pub fn open(path: &Path) -> Result<Self, EncodeError> {
        let map = mmap::map(path)?;
        let unfit = |what: String| EncodeError::Unfit {
            encoder: format!("table:{}", path.display()),
            what,
        };
        let wrong = |cause: safetensors::SafeTensorError| {
            let mut found = cause.to_string();
            if let Some(first) = found.get(..1).map(str::to_lowercase) {
                found.replace_range(..1, &first);
            }
            unfit(format!(
                "is no embedding table: expected a whole safetensors file with `embeddings` of rows and \
                 columns, found {} bytes ({found}); make it again with `llm2clip embed`",
                map.len()
            ))
        };
        let (_, header) = SafeTensors::read_metadata(&map).map_err(wrong)?;
        let card = header.metadata().as_ref().and_then(|keys| keys.get("card"));
        let card =
            card.ok_or_else(|| unfit("has no card; make it with `llm2clip embed`".into()))?;
        let card = serde_json::from_str(card)
            .map_err(|cause| EncodeError::Json { cause, path: path.to_owned() })?;
        let tensors = SafeTensors::deserialize(&map).map_err(wrong)?;
        let view = tensors.tensor("embeddings").map_err(wrong)?;
        let &[rows, dim] = view.shape() else {
            return Err(unfit(format!("has embeddings of shape {:?}, not two", view.shape())));
        };
        if dim == 0 {
            return Err(unfit(format!("has {rows} rows of no columns")));
        }
        let values = match view.dtype() {
            kind @ (Dtype::F32 | Dtype::F16) => unpacked(kind, view.data(), &[], dim),
            Dtype::I8 => {
                let scales = tensors.tensor("scales").map_err(wrong)?;
                let scales: Vec<f32> = floats(scales.data()).collect();
                unpacked(Dtype::I8, view.data(), &scales, dim)
            }
            other => return Err(unfit(format!("stores {other:?}; expected F32, F16 or I8"))),
        };
        let rows = Embeddings::new(dim, values)
            .map_err(|cause| EncodeError::Row { cause, path: path.to_owned() })?;
        Ok(Self { rows, card })
    }
}

fn to_bytes<const N: usize>(values: &[f32], convert: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&x| convert(x)).collect()
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;

    fn table() -> Table {
        let mut stream = Key::new(1).stream();
        let values = (0..60 * 32).map(|_| stream.normal()).collect();
        let card = EncoderCard {
            encoder: "test".into(),
            lora: vec![],
            kind: "llama".into(),
            tower: "text".into(),
            dim: 32,
            text: None,
            layer: None,
            picture: None,
            normalised: true,
            dtype: "f32".into(),
            tokenizer: None,
            weights: None,
            stands_on: vec![],
        };
        Table { rows: Embeddings::new(32, values).unwrap(), card }
    }

    #[test]
    fn a_table_reads_back_and_smaller_dtypes_stay_close() {
        let folder = tempfile::tempdir().unwrap();
        let table = table();
        for (dtype, most) in
            [(TableDtype::F32, 1e-7), (TableDtype::F16, 1e-3), (TableDtype::Int8, 1e-2)]
        {
            let path = folder.path().join(dtype.name());
            table.save(&path, dtype).unwrap();
            let read = Table::open(&path).unwrap();
            assert_eq!(read.card.dtype, dtype.name());
            let pairs = read.rows.values().iter().zip(table.rows.values());
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < most, "{dtype:?} {worst}");
        }
    }

    #[test]
    fn a_table_without_columns_is_an_error_in_every_dtype() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let card = serde_json::to_string(&table().card).unwrap();
        for dtype in [Dtype::F32, Dtype::F16, Dtype::I8] {
            let view = safetensors::tensor::TensorView::new(dtype, vec![3, 0], &[]).unwrap();
            let keys = std::iter::once(("card".to_owned(), card.clone())).collect();
            let bytes = safetensors::serialize([("embeddings", view)], Some(keys)).unwrap();
            std::fs::write(&path, bytes).unwrap();
            let error = Table::open(&path).unwrap_err().to_string();
            assert!(error.contains("no columns"), "{error}");
        }
    }

    #[test]
    fn the_same_table_gives_the_same_bytes_and_the_key_knows_every_part() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        table().save(&a, TableDtype::F32).unwrap();
        table().save(&b, TableDtype::F32).unwrap();
        assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
        let (card, data) = (table().card, Digest::of(b"data"));
        let key = table_key(&card, &data, "cpu", 2);
        assert_eq!(key, table_key(&card, &data, "cpu", 2));
        assert_ne!(key, table_key(&card, &data, "cpu", 1));
        let other = EncoderCard { layer: Some(3), ..card };
        assert_ne!(key, table_key(&other, &data, "cpu", 2));
    }

    #[test]
    fn a_file_that_is_no_table_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for bytes in [&b""[..], b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", b"\x10\0\0\0\0\0\0\0{}"] {
            std::fs::write(&path, bytes).unwrap();
            let error = Table::open(&path).unwrap_err().to_string();
            assert!(error.starts_with("encoder table:"), "{error}");
            for part in ["expected a whole safetensors file", "found ", "`llm2clip embed`"] {
                assert!(error.contains(part), "{error}");
            }
        }
        // A shape that promises more than the file has.
        let header = br#"{"embeddings":{"dtype":"F32","shape":[9,9],"data_offsets":[0,4]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header);
        bytes.extend([0; 4]);
        std::fs::write(&path, bytes).unwrap();
        let error = Table::open(&path).unwrap_err().to_string();
        assert!(error.contains("expected a whole safetensors file"), "{error}");
    }
}
