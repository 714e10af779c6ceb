//! A file of numbered sets, as neighbours and judgements are kept: the tensors of set `0` are named
//! `0/part`, numbers of four bytes each, and the one metadata key is a JSON text with the format and what
//! the sets are.

use super::error::{LogError, file_error, io_error, json_error};
use crate::files;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A kind of such a file.
pub(super) struct SetsFile {
    /// Its format, with the version.
    pub format: &'static str,
    /// The metadata key.
    pub key: &'static str,
    /// What it holds, in a word.
    pub holds: &'static str,
    /// What writing one is, as a verb with its object.
    pub writing: &'static str,
    /// Likewise reading.
    pub reading: &'static str,
}

#[derive(Serialize, Deserialize)]
struct Card<S> {
    format: String,
    sets: Vec<S>,
}

/// A tensor of a set that is to be written.
pub(super) struct Part {
    name: &'static str,
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Part {
    pub(super) fn counts(name: &'static str, shape: Vec<usize>, values: &[u32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, shape, dtype: Dtype::U32, bytes }
    }

    pub(super) fn numbers(name: &'static str, shape: Vec<usize>, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, shape, dtype: Dtype::F32, bytes }
    }

    /// As many values as its shape says.
    fn check(&self, set: usize, path: &Path) -> Result<(), LogError> {
        let expected: usize = self.shape.iter().product();
        let found = self.bytes.len() / 4;
        if found == expected {
            return Ok(());
        }
        Err(LogError::Malformed {
            what: self.name,
            expected: format!("{expected} values, shape {:?}, in set {set}", self.shape),
            found: found.to_string(),
            path: path.to_owned(),
        })
    }
}

impl SetsFile {
    /// Writes sets, each with what is said of it, whole or not at all.
    pub(super) fn write<S: Serialize>(
        &self,
        path: &Path,
        sets: impl IntoIterator<Item = (S, Vec<Part>)>,
    ) -> Result<(), LogError> {
        let act = self.writing;
        let (mut cards, mut tensors) = (Vec::new(), Vec::new());
        for (number, (card, parts)) in sets.into_iter().enumerate() {
            for part in parts {
                part.check(number, path)?;
                tensors.push((format!("{number}/{}", part.name), part));
            }
            cards.push(card);
        }
        let card = Card { format: self.format.to_owned(), sets: cards };
        let card = serde_json::to_string(&card).map_err(json_error(act, path))?;
        let tensor_error = |source| LogError::Tensors { act, path: path.to_owned(), source };
        let mut views = Vec::new();
        for (name, part) in &tensors {
            let view = TensorView::new(part.dtype, part.shape.clone(), &part.bytes)
                .map_err(tensor_error)?;
            views.push((name.as_str(), view));
        }
        let metadata = std::iter::once((self.key.to_owned(), card)).collect();
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(tensor_error)?;
        files::write_atomic(path, &bytes).map_err(file_error(act, path))
    }

    /// Reads what is said of the sets, and the bytes that [`SetsFile::tensors`] are in.
    pub(super) fn read<S: DeserializeOwned>(
        &self,
        path: &Path,
    ) -> Result<(Vec<S>, Vec<u8>), LogError> {
        let act = self.reading;
        let bytes = std::fs::read(path).map_err(io_error(act, path))?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|source| LogError::Tensors { act, path: path.to_owned(), source })?;
        let card = metadata.metadata().as_ref().and_then(|keys| keys.get(self.key));
        let card = card.ok_or_else(|| LogError::Malformed {
            what: self.holds,
            expected: format!("a metadata key {}", self.key),
            found: "none".to_owned(),
            path: path.to_owned(),
        })?;
        let card: Card<S> = serde_json::from_str(card).map_err(json_error(act, path))?;
        if card.format != self.format {
            let (expected, found) = (self.format, card.format);
            return Err(LogError::Version { path: path.to_owned(), expected, found });
        }
        Ok((card.sets, bytes))
    }

    /// The tensors among a file's bytes.
    pub(super) fn tensors<'a>(
        &self,
        path: &'a Path,
        bytes: &'a [u8],
    ) -> Result<Tensors<'a>, LogError> {
        let act = self.reading;
        let all = SafeTensors::deserialize(bytes).map_err(|source| LogError::Tensors {
            act,
            path: path.to_owned(),
            source,
        })?;
        Ok(Tensors { act, path, all })
    }
}

/// The tensors of a file.
pub(super) struct Tensors<'a> {
    act: &'static str,
    path: &'a Path,
    all: SafeTensors<'a>,
}

impl Tensors<'_> {
    /// Counts of a set, of this shape; of any length where it names none.
    pub(super) fn counts(
        &self,
        set: usize,
        part: &'static str,
        shape: Option<&[usize]>,
    ) -> Result<Vec<u32>, LogError> {
        let words = self.words(set, part, Dtype::U32, shape)?;
        Ok(words.into_iter().map(u32::from_le_bytes).collect())
    }

    /// Numbers of a set, of this shape.
    pub(super) fn numbers(
        &self,
        set: usize,
        part: &'static str,
        shape: &[usize],
    ) -> Result<Vec<f32>, LogError> {
        let words = self.words(set, part, Dtype::F32, Some(shape))?;
        Ok(words.into_iter().map(f32::from_le_bytes).collect())
    }

    fn words(
        &self,
        set: usize,
        part: &'static str,
        dtype: Dtype,
        shape: Option<&[usize]>,
    ) -> Result<Vec<[u8; 4]>, LogError> {
        let tensor = self.all.tensor(&format!("{set}/{part}")).map_err(|source| {
            LogError::Tensors { act: self.act, path: self.path.to_owned(), source }
        })?;
        if tensor.dtype() != dtype || shape.is_some_and(|shape| tensor.shape() != shape) {
            let shape = shape.map_or_else(String::new, |shape| format!(" {shape:?}"));
            return Err(LogError::Malformed {
                what: part,
                expected: format!("{dtype:?}{shape} in set {set}"),
                found: format!("{:?} {:?}", tensor.dtype(), tensor.shape()),
                path: self.path.to_owned(),
            });
        }
        let (words, _) = tensor.data().as_chunks::<4>();
        Ok(words.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: SetsFile = SetsFile {
        format: "llm2clip.numbers/1",
        key: "numbers",
        holds: "numbers",
        writing: "write numbers",
        reading: "read numbers",
    };

    #[test]
    fn sets_come_back_and_what_does_not_fit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let parts = || {
            vec![
                Part::counts("places", vec![3], &[7, 0, u32::MAX]),
                Part::numbers("scores", vec![1, 2], &[0.5, -1.0]),
            ]
        };
        FILE.write(&path, [("one", parts()), ("two", parts())]).unwrap();
        let (cards, bytes) = FILE.read::<String>(&path).unwrap();
        assert_eq!(cards, ["one", "two"]);
        let tensors = FILE.tensors(&path, &bytes).unwrap();
        assert_eq!(tensors.counts(1, "places", Some(&[3])).unwrap(), [7, 0, u32::MAX]);
        assert_eq!(tensors.counts(0, "places", None).unwrap(), [7, 0, u32::MAX]);
        assert_eq!(tensors.numbers(1, "scores", &[1, 2]).unwrap(), [0.5, -1.0]);
        let said = |found: Result<Vec<u32>, LogError>| found.unwrap_err().to_string();
        let shape = said(tensors.counts(0, "places", Some(&[2])));
        assert!(shape.starts_with("places: expected U32 [2] in set 0, found U32 [3]"), "{shape}");
        let dtype = said(tensors.counts(0, "scores", None));
        assert!(dtype.starts_with("scores: expected U32 in set 0, found F32 [1, 2]"), "{dtype}");
        assert!(tensors.counts(2, "places", Some(&[3])).is_err(), "no such set");
    }

    #[test]
    fn a_file_of_another_kind_or_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let said = |found: Result<(Vec<String>, Vec<u8>), LogError>| found.unwrap_err().to_string();
        FILE.write(&path, [("one", vec![Part::counts("places", vec![1], &[7])])]).unwrap();
        let newer = SetsFile { format: "llm2clip.numbers/2", ..FILE };
        let error = said(newer.read(&path));
        assert!(error.contains("llm2clip.numbers/1") && error.contains("not known"), "{error}");
        let other = SetsFile { key: "letters", holds: "letters", ..FILE };
        let error = said(other.read(&path));
        assert!(error.starts_with("letters: expected a metadata key letters"), "{error}");
        std::fs::write(&path, "no table").unwrap();
        assert!(said(FILE.read(&path)).starts_with("could not read numbers"));
    }
}
