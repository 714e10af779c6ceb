//! Results beside the log: one document a comparison or inspection.

use super::error::{LogError, file_error, io_error, json_error};
use super::time::Time;
use crate::files;
use crate::ids::BadName;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// A result's name within its session, such as `compare-caption-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResultId(String);

impl ResultId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ResultId {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        // A result's id is a file's name, as a run's is, and obeys the same rules.
        text.parse::<crate::ids::RunName>().map(|name| Self(name.into()))
    }
}

impl fmt::Display for ResultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A result on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredResult {
    /// Its id.
    pub id: ResultId,
    /// The document's `format`, such as `llm2clip.compare/1`.
    pub format: String,
    /// The whole document.
    pub document: Value,
}

impl StoredResult {
    /// When it was made; nothing where it is older than that key.
    #[must_use]
    pub fn made(&self) -> Option<Time> {
        self.document.get(MADE)?.as_str()?.parse().ok()
    }
}

/// The key of a document on disk that says when it was made: no other key hangs on the clock's time.
pub const MADE: &str = "made";

/// The results of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    folder: PathBuf,
}

impl Results {
    /// The results in a folder, `<session>/results`, which may not exist yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// `<id>.json`.
    #[must_use]
    pub fn document_path(&self, id: &ResultId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// `<id>.neighbours.safetensors`.
    #[must_use]
    pub fn neighbours_path(&self, id: &ResultId) -> PathBuf {
        self.folder.join(format!("{id}.neighbours.safetensors"))
    }

    /// `<id>.judged.safetensors`: what answers what, where ids do not say so.
    #[must_use]
    pub fn judged_path(&self, id: &ResultId) -> PathBuf {
        self.folder.join(format!("{id}.judged.safetensors"))
    }

    /// `<id>.second.neighbours.safetensors`: neighbours as a second set of judgements ranks them.
    #[must_use]
    pub fn second_neighbours_path(&self, id: &ResultId) -> PathBuf {
        self.folder.join(format!("{id}.second.neighbours.safetensors"))
    }

    /// `<id>.second.judged.safetensors`: the second set of judgements.
    #[must_use]
    pub fn second_judged_path(&self, id: &ResultId) -> PathBuf {
        self.folder.join(format!("{id}.second.judged.safetensors"))
    }

    /// Makes the folder where it is missing.
    pub fn make(&self) -> Result<(), LogError> {
        fs::create_dir_all(&self.folder)
            .map_err(io_error("make the folder of results", &self.folder))
    }

    /// The first id `<stem>-<n>` that no result has.
    pub fn free_id(&self, stem: &str) -> Result<ResultId, LogError> {
        let mut number = 1;
        loop {
            let id: ResultId = format!("{stem}-{number}").parse()?;
            if !self.document_path(&id).exists() && !self.neighbours_path(&id).exists() {
                return Ok(id);
            }
            number += 1;
        }
    }

    /// Writes a document made at this moment, whole or not at all. Neighbours are written before it,
    /// so that a document that is there is complete. A document cannot hold NaN: its types must say so.
    pub fn write(&self, id: &ResultId, document: &impl Serialize) -> Result<(), LogError> {
        self.write_at(id, document, Time::now())
    }

    /// The same of one made at a given moment.
    pub fn write_at(
        &self,
        id: &ResultId,
        document: &impl Serialize,
        made: Time,
    ) -> Result<(), LogError> {
        /// A document as it lies on disk.
        #[derive(Serialize)]
        struct Stored<'a, D> {
            #[serde(flatten)]
            document: &'a D,
            made: Time,
        }
        self.make()?;
        let path = self.document_path(id);
        let stored = Stored { document, made };
        let mut text = serde_json::to_vec(&stored).map_err(json_error("write a result", &path))?;
        text.push(b'\n');
        files::write_atomic(&path, &text).map_err(file_error("write a result", &path))
    }

    /// Reads a document.
    pub fn read(&self, id: &ResultId) -> Result<StoredResult, LogError> {
        let path = self.document_path(id);
        let text = fs::read(&path).map_err(io_error("read a result", &path))?;
        let document: Value =
            serde_json::from_slice(&text).map_err(json_error("read a result", &path))?;
        match document.get("format").and_then(Value::as_str) {
            Some(format) => {
                Ok(StoredResult { id: id.clone(), format: format.to_owned(), document })
            }
            None => Err(LogError::Malformed {
                what: "result",
                expected: "an object with a format".to_owned(),
                found: "none".to_owned(),
                path,
            }),
        }
    }

    /// The ids of all results, in name order.
    pub fn list(&self) -> Result<Vec<ResultId>, LogError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.map_err(io_error("list the results", &self.folder))?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(io_error("list the results", &self.folder))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            ids.extend(id.and_then(|id| id.parse::<ResultId>().ok()));
        }
        ids.sort();
        Ok(ids)
    }
}

/// The results of the session in a folder.
#[must_use]
pub fn results_of(session: &Path) -> Results {
    Results::new(session.join("results"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn results_are_listed_and_read_back() {
        let session = tempfile::tempdir().unwrap();
        let results = results_of(session.path());
        assert_eq!(results.list().unwrap(), []);
        let id = results.free_id("compare-caption").unwrap();
        let document = json!({"format": "llm2clip.compare/1", "rows": [0.1]});
        let made = Time::from_millis(1000).unwrap();
        results.write_at(&id, &document, made).unwrap();
        let mut read = results.read(&id).unwrap();
        assert_eq!((read.format.as_str(), read.made()), ("llm2clip.compare/1", Some(made)));
        read.document.as_object_mut().unwrap().remove(MADE);
        assert_eq!((read.made(), read.document), (None, document));
        assert_eq!(results.list().unwrap(), [id]);
        assert_eq!(results.free_id("compare-caption").unwrap().as_str(), "compare-caption-2");
        assert!("../x".parse::<ResultId>().is_err());
    }

    #[test]
    fn the_time_of_a_result_changes_none_of_its_numbers() {
        #[derive(Serialize)]
        struct Row {
            score: f32,
            share: f64,
        }
        let session = tempfile::tempdir().unwrap();
        let results = results_of(session.path());
        let id: ResultId = "inspect-1".parse().unwrap();
        results.write(&id, &Row { score: 0.9, share: 0.1 }).unwrap();
        let text = fs::read_to_string(results.document_path(&id)).unwrap();
        assert!(text.starts_with("{\"score\":0.9,\"share\":0.1,\"made\":\"20"), "{text}");
    }
}
