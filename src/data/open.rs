//! From what a user names to a corpus: the one place that knows every reader.

use super::corpus::{Caption, Corpus, Item};
use super::error::{DataError, Result};
use super::manifest;
use std::path::{Path, PathBuf};

/// The name of the set inside the binary.
pub const EMOJI: &str = "emoji";

/// What stands before the folder of WordNet's `data.*` files.
const WORDNET: &str = "wordnet:";

/// Opens a data set: `emoji`, `wordnet:FOLDER`, a `.jsonl` file, a `.txt` file or a folder of pictures. A path that
/// is not absolute is looked for from `data_dir`, where one is given.
///
/// # Errors
/// Nothing of that name, or what its reader says, with file and line.
pub fn open(spec: &str, data_dir: Option<&Path>) -> Result<Corpus> {
    if spec == EMOJI {
        return builtin();
    }
    if let Some(folder) = spec.strip_prefix(WORDNET) {
        return wordnet(Path::new(folder));
    }
    let path = data_dir.map_or_else(|| PathBuf::from(spec), |folder| folder.join(spec));
    if path.is_dir() {
        return manifest::folder(&path);
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let found = match (path.is_file(), ending.as_deref()) {
        (true, Some("jsonl")) => return manifest::json_lines(&path),
        (true, Some("txt")) => return manifest::text_lines(&path),
        (true, _) => "a file of another kind",
        (false, _) => "nothing",
    };
    Err(DataError::NoSuchSet { spec: spec.to_owned(), found })
}

fn builtin() -> Result<Corpus> {
    super::builtin::emoji().cloned().map_err(|error| DataError::Builtin(error.into()))
}

/// WordNet's glosses, one an item; no splits.
fn wordnet(folder: &Path) -> Result<Corpus> {
    let items = super::wordnet::glosses(folder)?
        .into_iter()
        .enumerate()
        .map(|(at, text)| Item {
            id: format!("gloss-{at}"),
            concept: format!("gloss-{at}"),
            pictures: Vec::new(),
            captions: vec![Caption { text, language: Some("en".to_owned()) }],
            split: None,
            label: None,
            base: true,
            extra: serde_json::Map::new(),
        })
        .collect();
    Ok(Corpus::new("wordnet", items))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_name_finds_its_reader() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
        write("a.jsonl", "{\"captions\": [\"x\"]}");
        write("b.txt", "one\ntwo");
        write("c.csv", "");
        write("d.png", "");
        let open = |spec: &str| open(spec, Some(home.path()));
        assert_eq!(open("a.jsonl").unwrap().items.len(), 1);
        assert_eq!(open("b.txt").unwrap().items.len(), 2);
        assert_eq!(open(".").unwrap().items.len(), 1);
        for (spec, found) in [("c.csv", "another kind"), ("absent", "nothing")] {
            let error = open(spec).unwrap_err().to_string();
            assert!(error.contains(found) && error.contains(spec), "{error}");
        }
    }
}
