//! The classes of a classification, out of a text or a file: `name`, or a name, a tab and the text that
//! stands for it.

use super::classify::Candidate;
use crate::files::FileError;
use std::collections::BTreeSet;
use std::path::Path;

/// What is wrong with a list of classes.
#[derive(Debug, thiserror::Error)]
pub enum CandidatesError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not text.
    #[error("{path}: expected UTF-8")]
    Encoding {
        /// The file.
        path: String,
        /// Where it is not.
        #[source]
        cause: std::string::FromUtf8Error,
    },
    /// There is nothing to choose between.
    #[error("expected at least two classes, found {0}")]
    TooFew(usize),
    /// One class, which may be the name of a file that is not there.
    #[error("expected at least two classes, found {0} (no file of that name is there)")]
    NoFile(usize),
    /// A class has no name, or nothing stands for it.
    #[error("found a class without a text")]
    Empty,
    /// A class is named twice.
    #[error("found {0:?} twice; name each class once")]
    Twice(String),
}

/// Reads the classes: texts separated by commas, or a file with one a line.
///
/// # Errors
/// See [`CandidatesError`].
pub fn candidates(given: &str) -> Result<Vec<Candidate>, CandidatesError> {
    let path = Path::new(given);
    let classes: Vec<Candidate> = if path.is_file() {
        let bytes = std::fs::read(path).map_err(FileError::at("reading", path))?;
        let text = String::from_utf8(bytes).map_err(|cause| CandidatesError::Encoding {
            path: path.display().to_string(),
            cause,
        })?;
        let line = |line: &str| {
            let (name, text) = line.split_once('\t').unwrap_or((line, line));
            Candidate { name: name.trim().to_owned(), text: text.trim().to_owned() }
        };
        text.lines().filter(|line| !line.trim().is_empty()).map(line).collect()
    } else {
        given.split(',').map(Candidate::of).collect()
    };
    match distinct(&classes) {
        Err(CandidatesError::TooFew(count)) if !path.is_file() => {
            Err(CandidatesError::NoFile(count))
        }
        checked => checked.map(|()| classes),
    }
}

/// Whether classes can be chosen between: at least two, each with a name and a text, each named once.
///
/// # Errors
/// What they lack.
pub(super) fn distinct(classes: &[Candidate]) -> Result<(), CandidatesError> {
    if classes.len() < 2 {
        return Err(CandidatesError::TooFew(classes.len()));
    }
    let mut seen = BTreeSet::new();
    for class in classes {
        if class.name.is_empty() || class.text.is_empty() {
            return Err(CandidatesError::Empty);
        }
        if !seen.insert(&class.name) {
            return Err(CandidatesError::Twice(class.name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_come_from_a_text_or_from_a_file() {
        let class = |name: &str, text: &str| Candidate { name: name.into(), text: text.into() };
        assert_eq!(candidates("a cat, a dog").unwrap(), ["a cat", "a dog"].map(|c| class(c, c)));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("classes");
        std::fs::write(&file, "cat\ta small cat\n\n dog \n").unwrap();
        let path = file.display().to_string();
        assert_eq!(candidates(&path).unwrap(), [class("cat", "a small cat"), class("dog", "dog")]);
        std::fs::write(&file, "cat\n").unwrap();
        assert!(matches!(candidates(&path), Err(CandidatesError::TooFew(1))));
        std::fs::write(&file, b"cat\n\xff\n").unwrap();
        assert!(matches!(candidates(&path), Err(CandidatesError::Encoding { .. })));
    }

    #[test]
    fn what_is_no_choice_is_refused() {
        assert!(matches!(candidates("a cat"), Err(CandidatesError::NoFile(1))));
        assert!(matches!(candidates("a,,b"), Err(CandidatesError::Empty)));
        assert!(matches!(candidates("a,b,a"), Err(CandidatesError::Twice(name)) if name == "a"));
    }
}
