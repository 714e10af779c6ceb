//! Published protocols by name: which files hold the set, and how many test items it must have.

use super::corpus::Corpus;
use super::error::{DataError, Result};
use std::path::{Path, PathBuf};

/// A published set of which papers report figures.
#[derive(Debug)]
pub struct Named {
    /// Its name for `--dataset`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Names its file goes by, the publisher's first.
    files: &'static [&'static str],
    /// Items of its test split.
    items: usize,
}

/// All of them.
pub const NAMED: &[Named] = &[
    Named {
        name: "coco-5k",
        about: "MS-COCO, the 5,000 test images of Karpathy's split",
        files: &["dataset_coco.json", "coco-karpathy-test.captions.jsonl"],
        items: 5_000,
    },
    Named {
        name: "flickr30k-1k",
        about: "Flickr30k, the 1,000 test images of Karpathy's split",
        files: &["dataset_flickr30k.json", "flickr30k-karpathy-test.captions.jsonl"],
        items: 1_000,
    },
];

/// The set of that name.
pub fn named(spec: &str) -> Option<&'static Named> {
    NAMED.iter().find(|named| named.name == spec)
}

impl Named {
    /// Where its file lies in `folder`.
    ///
    /// # Errors
    /// None of its files is there.
    pub fn find(&self, folder: Option<&Path>) -> Result<PathBuf> {
        let folder = folder.unwrap_or(Path::new("."));
        self.files.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(
            || DataError::NoNamedSet {
                name: self.name,
                about: self.about,
                files: self.files.join(" or "),
                folder: folder.to_owned(),
            },
        )
    }

    /// The corpus under the protocol's name.
    ///
    /// # Errors
    /// Its test split has not the published number of items: figures would not stand beside others'.
    pub fn check(&self, corpus: Corpus) -> Result<Corpus> {
        let test = if corpus.splits().is_empty() {
            corpus.items.len()
        } else {
            corpus.in_split("test").count()
        };
        if test != self.items {
            return Err(DataError::NotTheNamedSet {
                name: self.name,
                expected: self.items,
                found: test,
            });
        }
        Ok(Corpus { name: self.name.to_owned(), ..corpus })
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::open;
    use std::fmt::Write as _;

    #[test]
    fn a_protocol_is_found_in_its_folder_and_counted() {
        let home = tempfile::tempdir().unwrap();
        let missing = open("flickr30k-1k", Some(home.path())).unwrap_err().to_string();
        assert!(missing.contains("dataset_flickr30k.json"), "{missing}");
        let write = |items: usize| {
            let mut lines = String::new();
            for item in 0..items {
                writeln!(lines, r#"{{"captions": ["one {item}", "two {item}"]}}"#).unwrap();
            }
            let file = "flickr30k-karpathy-test.captions.jsonl";
            std::fs::write(home.path().join(file), lines).unwrap();
        };
        write(1_000);
        let corpus = open("flickr30k-1k", Some(home.path())).unwrap();
        assert_eq!((corpus.name.as_str(), corpus.items.len()), ("flickr30k-1k", 1_000));
        write(999);
        let short = open("flickr30k-1k", Some(home.path())).unwrap_err().to_string();
        assert!(short.contains("1000") && short.contains("999"), "{short}");
    }

    #[test]
    fn a_path_of_that_name_goes_first() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("coco-5k"), "one\ntwo\n").unwrap();
        assert_eq!(open("coco-5k", Some(home.path())).unwrap().items.len(), 2);
    }
}
